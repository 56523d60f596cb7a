//! Runs that are interrupted, killed, or end on a full disk, and go on.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use mdecomplete_tests::{has_runtime, skip};
use serde_json::Value;
use tempfile::TempDir;

use super::{EYES, QUICK, archive, arguments, names, outputs, program, records, restore, states};

#[test]
fn an_interrupted_run_goes_on() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[
        ("a.webm", "t1.webm"),
        ("b.mp4", "phone.mp4"),
        ("c.mkv", "tracks.mkv"),
    ])?;
    let out = films.path().join("out");
    let more = [&QUICK[..], &["--json", "--resume"]].concat();
    let inputs = [films.path()];
    // As a terminal sends it, to all processes; and to the run alone.
    for (is_to_all, signal, code) in [(true, "INT", 130), (false, "TERM", 143)] {
        let mut running = program()?.start(&arguments(&inputs, &out, &more))?;
        // The first clips are queued before; then one runs.
        running.read_lines(1)?;
        match is_to_all {
            true => running.signal_all(signal)?,
            false => running.signal(signal)?,
        }
        let (status, rest) = running.end()?;
        assert_eq!(status.code(), Some(code), "{signal}: {rest}");
        outputs(&out)?;
        let records = records(&out)?;
        let is_failed = |record: &&Value| record["state"] == "failed";
        assert!(
            !records.iter().any(|record| is_failed(&record)),
            "{records:?}"
        );
    }
    let said = restore(&inputs, &out, &more)?;
    assert!(said.success, "{said:?}");
    let read = |line: &str| serde_json::from_str::<Value>(line).with_context(|| line.to_owned());
    let lines = said.output.lines().map(read).collect::<Result<Vec<_>>>()?;
    // However short a clip is, it is told how far it is.
    for done in lines.iter().filter(|line| line["state"] == "done") {
        let is_of_it =
            |line: &&Value| line["record"] == "progress" && line["output"] == done["output"];
        let told: Vec<_> = lines.iter().filter(is_of_it).collect();
        assert!(told.len() >= 2, "{lines:?}");
        let last = told.last().context("a line")?;
        assert_eq!(last["frames"], done["figures"]["frames"]);
        assert_eq!(last["position"], last["duration"]);
    }
    assert_eq!(names(&outputs(&out)?), ["a.mkv", "b.mkv", "c.mkv"]);
    Ok(())
}

/// How often a run is killed: MDE_KILLS says another number.
pub(super) fn kills() -> usize {
    let kills = std::env::var("MDE_KILLS").ok();
    kills.and_then(|kills| kills.parse().ok()).unwrap_or(4)
}

#[test]
fn a_killed_run_goes_on_as_if_nothing_had_been() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let kills = kills();
    let films = archive(&[
        ("a.mkv", "ten.mkv"),
        ("b.mp4", "vfr.mp4"),
        ("c.mkv", "tracks.mkv"),
    ])?;
    let undisturbed = tempfile::tempdir()?;
    let said = restore(&[films.path()], undisturbed.path(), &QUICK)?;
    ensure!(said.success, "{said:?}");
    let wanted = outputs(undisturbed.path())?;

    let more = [&QUICK[..], &["--json", "--resume", "--jobs", "2"]].concat();
    let mut random = 12345_u64;
    let mut next = |below: u64| {
        // Enough for moments: Knuth's linear congruential generator.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut out = tempfile::tempdir()?;
    for kill in 0..kills {
        let inputs = [films.path()];
        let mut running = program()?.start(&arguments(&inputs, out.path(), &more))?;
        running.read_lines(next(6) as usize)?;
        // Somewhere within what an event begins.
        std::thread::sleep(std::time::Duration::from_millis(next(500)));
        // It may have ended before.
        let killed = match next(2) {
            0 => running.signal("KILL"),
            _ => running.signal_all("KILL"),
        };
        drop(killed);
        let (status, rest) = running.end()?;
        ensure!(
            status.success() || status.code().is_none(),
            "{kill}: {status} {rest}"
        );
        let is_over = status.success();
        if is_over || kill + 1 == kills || next(3) == 0 {
            let said = restore(&inputs, out.path(), &more)?;
            assert!(said.success, "{kill}: {said:?}");
            assert!(outputs(out.path())? == wanted, "{kill}: other outputs");
            for name in names(&wanted) {
                let states = states(out.path(), name)?;
                let done = states.iter().filter(|state| *state == "done").count();
                assert_eq!(done, 1, "{kill} {name}: {states:?}");
            }
            out = tempfile::tempdir()?;
        }
    }
    Ok(())
}

/// A small disk. Unmounted when this goes.
struct Disk(TempDir);

impl Disk {
    /// Of `size`, such as `1m`; says so where it cannot be had.
    fn of(size: &str) -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let disk = Self(folder);
        let done = disk.mount(&format!("size={size}"))?;
        if !done {
            skip("no file system can be mounted here: only root can");
        }
        Ok(done.then_some(disk))
    }

    fn mount(&self, options: &str) -> Result<bool> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]);
        Ok(mount.arg(self.0.path()).output()?.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may not be there.
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_ends_the_run_and_more_room_lets_it_go_on() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let Some(disk) = Disk::of("1200k")? else {
        return Ok(());
    };
    let films = archive(&[
        ("a.mp4", "vfr.mp4"),
        ("b.mp4", "phone.mp4"),
        ("c.mp4", "vfr.mp4"),
    ])?;
    let out = disk.0.path();
    let said = restore(&[films.path()], out, &EYES)?;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.errors.contains("no space is left"), "{said:?}");
    assert_eq!(names(&outputs(out)?), ["a.mkv"]);
    assert_eq!(
        states(out, "b.mkv")?.last().map(String::as_str),
        Some("queued")
    );
    assert!(disk.mount("remount,size=20m")?);
    let said = restore(&[films.path()], out, &[&EYES[..], &["--resume"]].concat())?;
    assert!(said.success, "{said:?}");
    assert_eq!(names(&outputs(out)?), ["a.mkv", "b.mkv", "c.mkv"]);
    Ok(())
}
