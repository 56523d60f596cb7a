//! Long recordings, which are restored in segments.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use mdecomplete_tests::{Tool, case, has_runtime, recording};

use super::interruptions::kills;
use super::{QUICK, arguments, contents, program, records, restore};

/// A moving face with sound, `loops` seconds of [`RATE`] frames, with a key frame each second and others
/// that play before those that they come after.
fn film(path: &Path, loops: usize) -> Result<()> {
    let face = case("t1.webm");
    let once = format!(
        "filesrc location={} ! decodebin ! videoconvert ! videoscale \
         ! video/x-raw,width=320,height=240 ! all. ",
        face.display()
    );
    let said = Tool::new("gst-launch-1.0")?.run(&format!(
        "-q concat name=all ! identity single-segment=true ! videorate ! video/x-raw,framerate={RATE}/1 \
         ! x264enc key-int-max={RATE} bframes=2 b-adapt=false ! h264parse \
         ! queue max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! mux. \
         matroskamux name=mux ! filesink location={} \
         audiotestsrc wave=pink-noise num-buffers={} samplesperbuffer=480 \
         ! audio/x-raw,rate=48000,channels=2 ! opusenc \
         ! queue max-size-time=0 max-size-bytes=0 max-size-buffers=0 ! mux. {}",
        path.display(),
        100 * loops,
        once.repeat(loops)
    ))?;
    ensure!(said.success, "{said:?}");
    Ok(())
}

/// Frames a second.
const RATE: usize = 10;

/// The size of frames.
const FRAME: usize = 320 * 240;

/// The brightness of all pixels of the recording `file`, which has sound, frame by frame.
fn brightness(file: &Path) -> Result<Vec<u8>> {
    let raw = file.with_extension("raw");
    let said = Tool::new("gst-launch-1.0")?.run(&format!(
        "-q filesrc location={} ! decodebin name=all \
         all. ! audio/x-raw ! fakesink \
         all. ! video/x-raw ! videoconvert ! video/x-raw,format=GRAY8 ! filesink location={}",
        file.display(),
        raw.display()
    ))?;
    ensure!(said.success, "{said:?}");
    let bytes = fs::read(&raw)?;
    fs::remove_file(&raw)?;
    Ok(bytes)
}

/// What a stream says of itself, without what was measured of its packets: an encoder that begins anew with
/// each segment makes others.
fn said(stream: &recording::Stream) -> String {
    let mut tags = stream.tags.copy();
    for tag in ["bitrate", "minimum-bitrate", "maximum-bitrate"] {
        tags.make_mut().remove_generic(tag);
    }
    tags.to_string()
}

/// Fails unless what is beside the picture is the same, and frames come at the same times.
fn want_same_streams(one: &Path, other: &Path) -> Result<()> {
    let (one, other) = (recording::streams(one)?, recording::streams(other)?);
    ensure!(
        one.len() == other.len(),
        "{} and {}",
        one.len(),
        other.len()
    );
    for (one, other) in one.iter().zip(&other) {
        ensure!(one.format() == other.format());
        ensure!(
            one.times() == other.times(),
            "{}: other times",
            one.format()
        );
        let (one_says, other_says) = (said(one), said(other));
        ensure!(one_says == other_says, "{one_says} {other_says}");
        if one.format().starts_with("audio") {
            ensure!(
                one.bytes() == other.bytes(),
                "{}: other bytes",
                one.format()
            );
        }
    }
    Ok(())
}

#[test]
fn segments_join_to_what_the_whole_would_be() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let input = films.path().join("film.mkv");
    film(&input, 9)?;
    let path = |name: &str| films.path().join(name);
    let with = |out: &str, more: &[&str]| -> Result<PathBuf> {
        let said = restore(
            &[&input],
            &path(out),
            &[&["--set", "occlusion=eyes"], more].concat(),
        )?;
        ensure!(said.success, "{out}: {said:?}");
        ensure!(!said.errors.contains("as one"), "{out}: {said:?}");
        let made = contents(&path(out))?;
        let names: Vec<_> = made.keys().filter_map(|name| name.to_str()).collect();
        ensure!(names == ["film.mkv", "manifest.jsonl"], "{names:?}");
        Ok(path(out).join("film.mkv"))
    };
    let whole = with("whole", &["--segments", "0"])?;
    let cut = with("cut", &["--segments", "3", "--jobs", "2"])?;
    want_same_streams(&whole, &cut)?;
    let sound = |file: &Path| -> Result<_> {
        let sound = recording::stream(file, "audio")?;
        Ok((sound.bytes(), sound.times()))
    };
    assert!(sound(&input)? == sound(&cut)?, "another sound");
    let figures = |out: &str| -> Result<_> {
        let last = records(&path(out))?.pop().context("a record")?;
        Ok(last["figures"].clone())
    };
    let (one, other) = (figures("whole")?, figures("cut")?);
    for name in ["frames", "completed", "faces", "duration"] {
        assert_eq!(one[name], other[name], "{name}");
    }

    // The first segment is the same to the bit; faces are known at the others' start.
    let (one, other) = (brightness(&whole)?, brightness(&cut)?);
    assert_eq!(one.len(), other.len());
    let error = |one: &[u8], other: &[u8]| -> u64 {
        let pairs = one.iter().zip(other);
        pairs.map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum()
    };
    let frames = one.chunks(FRAME).zip(other.chunks(FRAME));
    let errors: Vec<_> = frames.map(|(one, other)| error(one, other)).collect();
    assert!(
        errors[..3 * RATE].iter().all(|error| *error == 0),
        "{errors:?}"
    );
    let changed: Vec<_> = errors.iter().filter(|error| **error > 0).collect();
    let worst = *errors.iter().max().context("frames")? as f64 / FRAME as f64;
    let worst = 10.0 * (255.0_f64.powi(2) / worst.max(1e-9)).log10();
    println!(
        "{} of {} frames differ, by {worst:.1} dB at worst",
        changed.len(),
        errors.len()
    );
    assert!(worst > BOUND, "{worst} dB: {errors:?}");
    Ok(())
}

/// How near a film in segments is to the same film as one, in decibels of the whole frame.
const BOUND: f64 = 45.0;

#[test]
fn all_codecs_are_joined() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let path = |name: &str| films.path().join(name);
    film(&path("film.mkv"), 5)?;
    for (codec, ending) in [
        ("x264", "mkv"),
        ("x265", "mkv"),
        ("prores", "mov"),
        ("ffv1", "mkv"),
    ] {
        let with = |out: &str, length: &str| -> Result<PathBuf> {
            let more = ["--codec", codec, "--transcode-audio", "--segments", length];
            let more = [&QUICK[..], &more].concat();
            let said = restore(&[&path("film.mkv")], &path(out), &more)?;
            ensure!(
                said.success && !said.errors.contains("as one"),
                "{codec}: {said:?}"
            );
            Ok(path(out).join("film").with_extension(ending))
        };
        let whole = with(&format!("whole-{codec}"), "0")?;
        let cut = with(&format!("cut-{codec}"), "2")?;
        want_same_streams(&whole, &cut).context(codec)?;
        let count = |file: &Path| Ok::<_, anyhow::Error>(recording::frames(file)?.times().len());
        assert_eq!(count(&cut)?, count(&path("film.mkv"))?, "{codec}");
    }
    Ok(())
}

/// Of the film that is killed.
const SEGMENTS: usize = 5;

#[test]
fn a_killed_film_goes_on_by_segments() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let path = |name: &str| films.path().join(name);
    film(&path("film.mkv"), SEGMENTS)?;
    let input = path("film.mkv");
    let inputs = [input.as_path()];
    let more = [&QUICK[..], &["--segments", "1", "--resume"]].concat();
    let said = restore(&inputs, &path("undisturbed"), &more)?;
    ensure!(said.success && !said.errors.contains("as one"), "{said:?}");
    let wanted = contents(&path("undisturbed"))?;
    let name = Path::new("film.mkv");

    let out = path("out");
    let done = |number: usize| {
        let file = format!(".film.mkv.segments/{number:05}.json");
        let file = fs::metadata(out.join(file)).ok()?;
        Some((file.ino(), file.mtime(), file.mtime_nsec()))
    };
    let json = [&more[..], &["--json", "--jobs", "2"]].concat();
    let mut first = None;
    for _ in 0..kills() {
        let mut running = program()?.start(&arguments(&inputs, &out, &json))?;
        running.read_lines(3)?;
        // Until there is one more segment than before.
        let before = (0..SEGMENTS)
            .filter(|number| done(*number).is_some())
            .count();
        while (0..SEGMENTS)
            .filter(|number| done(*number).is_some())
            .count()
            <= before
            && running.read_lines(1)? == 1
        {}
        // It may have ended before.
        drop(running.signal_all("KILL"));
        running.end()?;
        match first {
            None => first = done(0),
            Some(_) if out.join("film.mkv").exists() => break,
            // What was done is not done again.
            Some(first) => assert_eq!(Some(first), done(0)),
        }
    }
    ensure!(first.is_some(), "no segment was done first");
    let said = restore(&inputs, &out, &more)?;
    assert!(said.success, "{said:?}");
    let made = contents(&out)?;
    assert!(made[name] == wanted[name], "another film");
    assert_eq!(made.len(), 2, "{:?}", made.keys());
    Ok(())
}

#[test]
fn what_cannot_be_cut_is_restored_as_one() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = super::archive(&[
        ("a.ts", "t4.ts"),
        ("b.mp4", "vfr.mp4"),
        ("c.mp4", "edits.mp4"),
    ])?;
    let out = films.path().join("out");
    let said = restore(
        &[films.path()],
        &out,
        &[&QUICK[..], &["--segments", "0.3"]].concat(),
    )?;
    assert!(said.success, "{said:?}");
    for (name, input) in [
        ("a.mkv", "t4.ts"),
        ("b.mkv", "vfr.mp4"),
        ("c.mkv", "edits.mp4"),
    ] {
        let before = recording::frames(&case(input))?.times();
        let after = recording::frames(&out.join(name))?.times();
        assert_eq!(before.len(), after.len(), "{name}");
    }
    Ok(())
}
