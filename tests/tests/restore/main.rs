//! `mdecomplete restore`: many recordings, each once, whatever comes between.

mod interruptions;
mod masks;
mod presets;
mod quality;
mod segments;
mod sequences;
mod shown;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use mdecomplete_tests::{Said, Tool, case, has_runtime, recording};
use serde_json::Value;
use tempfile::TempDir;

/// What is missing.
const EYES: [&str; 2] = ["--set", "occlusion=eyes"];

/// The generator runs on each tenth frame, where it does not matter what it paints.
const QUICK: [&str; 4] = [EYES[0], EYES[1], "--set", "inference-interval=10"];

/// The program, with one registry for all its runs: workers find it as at a user's.
fn program() -> Result<Tool> {
    let registry = Path::new(env!("CARGO_TARGET_TMPDIR")).join("restore-registry.bin");
    Ok(Tool::program()?.env("GST_REGISTRY", registry))
}

/// Runs `mdecomplete restore INPUT... --out OUT`, with `more` behind.
fn restore(inputs: &[&Path], out: &Path, more: &[&str]) -> Result<Said> {
    program()?.run_with(&arguments(inputs, out, more))
}

fn arguments<'a>(inputs: &[&'a Path], out: &'a Path, more: &[&'a str]) -> Vec<&'a OsStr> {
    let mut arguments: Vec<&OsStr> = vec![OsStr::new("restore")];
    arguments.extend(inputs.iter().map(|input| input.as_os_str()));
    arguments.extend([OsStr::new("--out"), out.as_os_str()]);
    arguments.extend(more.iter().copied().map(OsStr::new));
    arguments
}

/// A folder with recordings: the cases `inputs`, under these names.
fn archive(inputs: &[(&str, &str)]) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for (name, input) in inputs {
        let place = folder.path().join(name);
        fs::create_dir_all(place.parent().context("a folder")?)?;
        fs::copy(case(input), place)?;
    }
    Ok(folder)
}

/// The files in `folder`, however deep, and what is in them.
fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let content = fs::read(&path)?;
                found.insert(path.strip_prefix(folder)?.to_owned(), content);
            }
        }
    }
    Ok(found)
}

/// As [`contents`], of the outputs alone; fails where there is anything else but the manifest.
fn outputs(out: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = contents(out)?;
    let manifest = found.remove(Path::new("manifest.jsonl"));
    ensure!(manifest.is_some(), "no manifest");
    let is_output = |path: &PathBuf| path.extension().is_some_and(|e| e == "mkv" || e == "mp4");
    let strays: Vec<_> = found.keys().filter(|path| !is_output(path)).collect();
    ensure!(strays.is_empty(), "left behind: {strays:?}");
    Ok(found)
}

fn names(outputs: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<&str> {
    outputs.keys().filter_map(|path| path.to_str()).collect()
}

/// What the manifest says of clips, in order.
fn records(out: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(out.join("manifest.jsonl"))?;
    let lines = text.lines().map(serde_json::from_str::<Value>);
    let mut records = lines.collect::<Result<Vec<_>, _>>()?;
    records.retain(|record| record["record"] == "clip");
    Ok(records)
}

/// The states that the clip `output` came through.
fn states(out: &Path, output: &str) -> Result<Vec<String>> {
    let records = records(out)?;
    let of_it = records.iter().filter(|record| record["output"] == output);
    let states = of_it.filter_map(|record| record["state"].as_str());
    Ok(states.map(str::to_owned).collect())
}

#[test]
fn a_folder_is_restored_and_a_broken_clip_does_not_stop_it() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[
        ("one.webm", "t1.webm"),
        ("more/deep/two.mkv", "tracks.mkv"),
        ("still.png", "p_rgb.png"),
    ])?;
    fs::write(films.path().join("broken.mp4"), "no recording")?;
    fs::write(films.path().join("notes.txt"), "found in the attic")?;
    let out = films.path().join("restored");
    let said = restore(&[films.path()], &out, &EYES)?;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.errors.contains("2 clips restored, 1 failed"),
        "{said:?}"
    );
    assert!(said.errors.contains("broken.mp4"), "{said:?}");
    let made = outputs(&out)?;
    assert_eq!(names(&made), ["more/deep/two.mkv", "one.mkv"]);

    let records = records(&out)?;
    let last = |output: &str| records.iter().rfind(|record| record["output"] == output);
    let one = last("one.mkv").context("a record")?;
    assert_eq!(one["state"], "done");
    assert_eq!(one["figures"]["frames"], 30);
    assert_eq!(one["figures"]["faces"], 1);
    assert!(one["figures"]["seconds"].as_f64() > Some(0.0), "{one}");
    assert_eq!(one["recipe"]["settings"]["codec"], "ffv1");
    let digest = |name: &str| one["recipe"][name].as_str().map(str::len);
    assert_eq!(digest("input_sha256"), Some(64), "{one}");
    assert_eq!(digest("model_sha256"), Some(64), "{one}");
    let sum = Command::new("sha256sum")
        .arg(out.join("one.mkv"))
        .output()?;
    let sum = String::from_utf8(sum.stdout)?;
    assert_eq!(sum.split(' ').next(), one["output_sha256"].as_str());
    let broken = last("broken.mkv").context("a record")?;
    assert_eq!(broken["state"], "failed");
    assert!(broken["reason"].is_string(), "{broken}");

    // What is beside the picture is as it was.
    let before = recording::streams(&case("tracks.mkv"))?;
    let after = recording::streams(&out.join("more/deep/two.mkv"))?;
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after).skip(1) {
        assert_eq!(before.format(), after.format());
        assert_eq!(before.bytes(), after.bytes(), "{}", before.format());
        assert_eq!(before.times(), after.times(), "{}", before.format());
    }
    Ok(())
}

#[test]
fn lists_patterns_and_masks_are_understood() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[
        ("a/x.webm", "t1.webm"),
        ("b/y.mp4", "vfr.mp4"),
        ("b/z.mp4", "vfr.mp4"),
    ])?;
    let path = |name: &str| films.path().join(name);
    // All of it is missing.
    image::GrayImage::from_pixel(4, 4, image::Luma([255])).save(path("b/y.mask.png"))?;
    fs::write(path("list.txt"), "# the others\na/*.webm\n\n")?;
    let list = format!("@{}", path("list.txt").display());
    let pattern = path("*/y.mp4");
    let out = path("out");
    let said = restore(&[Path::new(&list), &pattern], &out, &EYES)?;
    assert!(said.success, "{said:?}");
    assert_eq!(names(&outputs(&out)?), ["b/y.mkv", "x.mkv"]);
    let records = records(&out)?;
    let mask = |output: &str| {
        let record = records.iter().rfind(|record| record["output"] == output);
        record.map(|record| record["recipe"]["settings"]["mask-file"].is_string())
    };
    assert_eq!((mask("b/y.mkv"), mask("x.mkv")), (Some(true), Some(false)));
    Ok(())
}

#[test]
fn what_would_come_of_recordings_is_listed() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[("deep/a.mp4", "vfr.mp4"), ("b.mp4", "vfr.mp4")])?;
    fs::copy(case("m_exif3.png"), films.path().join("b.mask.png"))?;
    // Where no content is there yet, the name says what a recording is.
    fs::write(films.path().join("empty.mov"), "")?;
    let out = films.path().join("restored");
    let said = restore(&[films.path()], &out, &[&EYES[..], &["--list"]].concat())?;
    assert!(said.success, "{said:?}");
    let lines = said.output.lines().map(serde_json::from_str);
    let lines = lines.collect::<Result<Vec<Value>, _>>()?;
    let outputs: Vec<_> = lines.iter().map(|line| &line["output"]).collect();
    assert_eq!(outputs, ["b.mkv", "deep/a.mkv", "empty.mkv"]);
    let masked = |line: &Value| line["settings"]["mask-file"].as_str().map(str::len);
    assert_eq!(masked(&lines[0]), Some("sha256:".len() + 64));
    assert_eq!(masked(&lines[1]), None);
    assert!(!out.exists());
    Ok(())
}

#[test]
fn what_cannot_be_done_is_said_before_any_work() -> Result<()> {
    let films = archive(&[("a/x.webm", "t1.webm"), ("b/x.mp4", "vfr.mp4")])?;
    let path = |name: &str| films.path().join(name);
    let (a, b, out) = (path("a"), path("b"), path("out"));
    let both = [a.as_path(), b.as_path()];
    let nothing = path("*.mov");
    for (inputs, more, part) in [
        (&both[..], &EYES[..], "would both be written to x.mkv"),
        (&both[..1], &[], "what is missing"),
        (&both[..1], &["--set", "oclusion=eyes"], "'oclusion'"),
        (&both[..1], &["--preset", "none"], "dead-channel"),
        (&[nothing.as_path()], &EYES[..], "no recording fits"),
        (&[Path::new("@absent.txt")], &EYES[..], "absent.txt"),
        (&both[..1], &["--jobs", "0"], "--jobs"),
    ] {
        let said = restore(inputs, &out, more)?;
        assert_eq!(said.code, Some(2), "{part}: {said:?}");
        assert!(said.errors.contains(part), "{part}: {said:?}");
        assert!(!out.exists(), "{part}: something was written");
    }
    // Nor is what no run has written replaced.
    fs::create_dir(&out)?;
    fs::write(out.join("x.mkv"), "precious")?;
    let said = restore(&both[..1], &out, &EYES)?;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.errors.contains("--force"), "{said:?}");
    assert_eq!(fs::read_to_string(out.join("x.mkv"))?, "precious");
    Ok(())
}

#[test]
fn nothing_is_done_twice() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[("x.mp4", "vfr.mp4"), ("y.webm", "odd.webm")])?;
    let out = films.path().join("out");
    let with = |more: &[&'static str]| restore(&[films.path()], &out, &[&QUICK[..], more].concat());
    let said = with(&["--jobs", "2"])?;
    assert!(said.success, "{said:?}");
    let first = outputs(&out)?;

    let said = with(&[])?;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.errors.contains("--resume"), "{said:?}");

    let said = with(&["--resume"])?;
    assert!(said.success, "{said:?}");
    assert!(said.output.contains("2 were so before"), "{said:?}");
    let done = ["queued", "running", "done"];
    assert_eq!(states(&out, "x.mkv")?, done);

    // What was changed since is not destroyed, and what is gone comes again.
    fs::write(out.join("x.mkv"), "cut by hand")?;
    fs::remove_file(out.join("y.mkv"))?;
    let said = with(&["--resume"])?;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.errors.contains("was changed since"), "{said:?}");
    assert_eq!(fs::read_to_string(out.join("x.mkv"))?, "cut by hand");
    let said = with(&["--resume", "--force"])?;
    assert!(said.success, "{said:?}");
    assert!(outputs(&out)? == first, "other bytes");

    // Other settings make another file.
    let other = ["--resume", "--set", "occlusion=mouth"];
    let said = with(&other)?;
    assert!(said.success, "{said:?}");
    assert!(said.output.contains("2 clips restored"), "{said:?}");
    let second = outputs(&out)?;
    assert!(second.iter().all(|(name, content)| first[name] != *content));

    // A line that a killed run has torn is as if it were not there.
    let manifest = out.join("manifest.jsonl");
    let text = fs::read_to_string(&manifest)?;
    fs::write(&manifest, &text[..text.len() - 20])?;
    let said = with(&other)?;
    assert!(said.success, "{said:?}");
    assert!(said.errors.contains("torn"), "{said:?}");
    assert!(outputs(&out)? == second, "other bytes");
    Ok(())
}

#[test]
fn equal_runs_write_equal_bytes() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[
        ("a.mp4", "vfr.mp4"),
        ("b.mkv", "tracks.mkv"),
        ("c.webm", "odd.webm"),
    ])?;
    for codec in ["ffv1", "x264", "x265"] {
        let once = |number: &str| -> Result<_> {
            let out = tempfile::tempdir()?;
            let ways = ["--codec", codec, "--jobs", number, "--threads", number];
            let said = restore(&[films.path()], out.path(), &[&QUICK[..], &ways].concat())?;
            ensure!(said.success, "{codec}: {said:?}");
            outputs(out.path())
        };
        // Neither jobs nor threads make a difference.
        let (first, second) = (once("1")?, once("2")?);
        assert_eq!(first.len(), 3);
        for (name, content) in &first {
            assert!(*content == second[name], "{codec} {}", name.display());
        }
    }
    Ok(())
}

#[test]
fn frames_without_faces_are_not_touched() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let input = films.path().join("bars_and_face.mkv");
    let caps = "video/x-raw,format=I420,width=640,height=480,framerate=30/1";
    let said = Tool::new("gst-launch-1.0")?.run(&format!(
        "-q concat name=all ! x264enc ! matroskamux ! filesink location={} \
         videotestsrc num-buffers=20 ! {caps} ! all. \
         filesrc location={} ! decodebin ! videoconvert ! videorate ! {caps} ! all.",
        input.display(),
        case("t1.webm").display()
    ))?;
    ensure!(said.success, "{said:?}");
    let out = films.path().join("out");
    let said = restore(&[films.path()], &out, &EYES)?;
    assert!(said.success, "{said:?}");
    let before = recording::frames(&input)?;
    let after = recording::frames(&out.join("bars_and_face.mkv"))?;
    assert_eq!(before.times(), after.times());
    let (before, after) = (before.bytes(), after.bytes());
    assert!(before.len() >= 45, "{}", before.len());
    assert_eq!(before[..20], after[..20]);
    assert!(before[25..].iter().zip(&after[25..]).all(|(a, b)| a != b));
    Ok(())
}
