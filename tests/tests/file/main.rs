//! `mdecomplete file`: what goes in comes out, completed, and nothing is lost on the way.

mod frames;
mod sound;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use mdecomplete_tests::recording::{self, Stream};
use mdecomplete_tests::{Said, Tool, case, has_runtime};
use tempfile::TempDir;

/// Runs `mdecomplete file INPUT OUTPUT`, with `more` behind.
fn file(input: &Path, output: &Path, more: &[&str]) -> Result<Said> {
    let mut arguments: Vec<&OsStr> = vec![OsStr::new("file"), input.as_ref(), output.as_ref()];
    arguments.extend(more.iter().map(OsStr::new));
    Tool::program()?.run_with(&arguments)
}

/// As [`file`], of the case `input` to a new file called `output`, which must succeed.
fn completed(input: &str, output: &str, more: &[&str]) -> Result<Completed> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join(output);
    let said = file(&case(input), &output, more)?;
    ensure!(said.success, "{input} {}: {said:?}", output.display());
    ensure!(entries(&folder)? == 1, "more than the output was left");
    Ok(Completed {
        output,
        said,
        _folder: folder,
    })
}

struct Completed {
    output: PathBuf,
    said: Said,
    _folder: TempDir,
}

fn entries(folder: &TempDir) -> Result<usize> {
    Ok(fs::read_dir(folder)?.count())
}

/// What `gst-launch-1.0` makes of `pipeline`, which ends in a muxer, as the file `name`.
fn made(folder: &TempDir, name: &str, pipeline: &str) -> Result<PathBuf> {
    let file = folder.path().join(name);
    let pipeline = format!("-q {pipeline} ! filesink location={}", file.display());
    let said = Tool::new("gst-launch-1.0")?.run(&pipeline)?;
    ensure!(said.success, "{said:?}");
    Ok(file)
}

fn sounds(file: &Path) -> Result<Vec<Stream>> {
    let mut streams = recording::streams(file)?;
    streams.retain(|stream| stream.format().starts_with("audio/"));
    Ok(streams)
}

/// Times since the first.
fn since_first(times: &[u64]) -> Vec<u64> {
    let first = times.first().copied().unwrap_or(0);
    times.iter().map(|time| time - first).collect()
}

/// Whether two lists of times are the same, to `within` nanoseconds.
fn are_equal(a: &[u64], b: &[u64], within: u64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= within)
}

const MILLISECOND: u64 = 1_000_000;

#[test]
fn the_input_is_never_destroyed_and_nothing_overwritten_unasked() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let (input, other) = (path("in.mp4"), path("other.mp4"));
    fs::copy(case("vfr.mp4"), &input)?;
    fs::write(&other, "precious")?;
    fs::hard_link(&input, path("hard.mp4"))?;
    symlink(&input, path("soft.mp4"))?;
    let there = entries(&folder)?;
    for output in ["in.mp4", "hard.mp4", "soft.mp4", "./in.mp4"] {
        let said = file(&input, &path(output), &["--force"])?;
        assert_eq!(said.code, Some(4), "{output}: {said:?}");
        assert!(said.errors.contains("is the input"), "{output}: {said:?}");
    }
    let said = file(&input, &other, &[])?;
    assert!(
        said.code == Some(4) && said.errors.contains("--force"),
        "{said:?}"
    );
    // Nor is a file that a property names.
    let mask = format!("mask-file={}", other.display());
    let said = file(&input, &other, &["--force", &mask])?;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert_eq!(fs::read(&input)?, fs::read(case("vfr.mp4"))?);
    assert_eq!(fs::read_to_string(&other)?, "precious");
    assert_eq!(entries(&folder)?, there);

    if has_runtime() {
        let said = file(&input, &other, &["--force"])?;
        assert!(said.success, "{said:?}");
        assert!(recording::stream(&other, "video").is_ok());
        assert_eq!(entries(&folder)?, there);
    }
    Ok(())
}

#[test]
fn what_cannot_be_completed_is_said_and_leaves_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    fs::write(path("text.mp4"), "no recording")?;
    let whole = fs::read(case("ana2.mp4"))?;
    fs::write(path("cut.mp4"), &whole[..whole.len() / 2])?;
    let tone = "audiotestsrc num-buffers=20 ! audioconvert ! avenc_eac3 ! matroskamux";
    let sound = made(&folder, "sound.mkv", tone)?;
    let there = entries(&folder)?;
    let output = path("out.mp4");
    for (input, part) in [
        (path("absent.mp4"), "absent.mp4"),
        (folder.path().to_owned(), "not an ordinary file"),
        (path("text.mp4"), "text.mp4"),
        (path("cut.mp4"), "cut.mp4"),
        (sound, "no moving picture"),
        (case("p_rgb.png"), "mdecomplete picture"),
    ] {
        let said = file(&input, &output, &[])?;
        assert_eq!(said.code, Some(3), "{input:?}: {said:?}");
        assert!(said.errors.contains(part), "{input:?}: {said:?}");
    }
    for (settings, part) in [
        ("oclusion=eyes", "'oclusion'"),
        ("occlusion=ears", "right-half"),
        ("stats=1", "'stats'"),
        ("--region=600,200,400", "reaches beyond"),
        ("--region=1,2", "X,Y,SIDE"),
        ("eyes", "PROPERTY=VALUE"),
    ] {
        let said = file(&case("vfr.mp4"), &output, &[settings])?;
        assert_eq!(said.code, Some(2), "{settings}: {said:?}");
        assert!(said.errors.contains(part), "{settings}: {said:?}");
    }
    for (output, part) in [
        ("out.xyz", ".mkv"),
        ("absent/out.mp4", "absent/out.mp4"),
        ("", "ordinary file"),
    ] {
        let said = file(&case("vfr.mp4"), &path(output), &[])?;
        assert_eq!(said.code, Some(4), "{output}: {said:?}");
        assert!(said.errors.contains(part), "{output}: {said:?}");
    }
    assert_eq!(entries(&folder)?, there);
    Ok(())
}

#[test]
fn the_end_tells_what_was_done() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let done = completed("t1.webm", "out.mp4", &["occlusion=mouth"])?;
    let said = &done.said;
    assert!(said.output.contains("completed 1 face in"), "{said:?}");
    assert!(said.output.contains("of 30 frames"), "{said:?}");
    assert!(said.errors.contains("frames/s"), "{said:?}");

    let folder = tempfile::tempdir()?;
    let bars = "videotestsrc num-buffers=5 ! x264enc ! mp4mux";
    let bars = made(&folder, "bars.mp4", bars)?;
    let said = file(&bars, &folder.path().join("out.mp4"), &[])?;
    assert!(said.success, "{said:?}");
    assert!(said.output.contains("nothing found"), "{said:?}");

    let mask = folder.path().join("black.png");
    image::GrayImage::new(4, 4).save(&mask)?;
    let mask = format!("mask-file={}", mask.display());
    let done = completed("t1.webm", "out.mp4", &[&mask])?;
    assert!(
        done.said.errors.contains("covers nothing"),
        "{:?}",
        done.said
    );
    Ok(())
}

#[test]
fn a_square_is_completed_without_looking_for_faces() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    // The portrait's face in the picture of 640x480.
    let done = completed("t1.webm", "out.mkv", &["--region=201,17,191", "--lossless"])?;
    let said = &done.said;
    assert!(
        said.output.contains("completed 1 face in 30 of 30 frames"),
        "{said:?}"
    );
    Ok(())
}

#[test]
fn an_interrupted_run_leaves_nothing() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    // The generator runs on each frame: that takes many times as long as to read a line.
    let long = made(
        &folder,
        "long.mp4",
        "videotestsrc num-buffers=600 ! video/x-raw,width=320,height=240,framerate=30/1 \
         ! x264enc speed-preset=ultrafast ! mp4mux",
    )?;
    let output = folder.path().join("out.mp4");
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let arguments = [
            OsStr::new("file"),
            long.as_ref(),
            output.as_ref(),
            OsStr::new("occlusion=eyes"),
            OsStr::new("region=full-frame"),
        ];
        let mut running = Tool::program()?.start(&arguments)?;
        running.wait_for("frames/s")?;
        // It waits while it is looked at, however long that takes.
        running.signal("STOP")?;
        assert_eq!(entries(&folder)?, 2, "a file is on its way");
        running.signal(signal)?;
        running.signal("CONT")?;
        let (status, rest) = running.end()?;
        assert_eq!(status.code(), Some(code), "{signal}: {rest}");
        assert!(rest.contains("interrupted"), "{signal}: {rest}");
        assert_eq!(entries(&folder)?, 1, "{signal}");
    }
    Ok(())
}

#[test]
fn the_program_explains_itself() -> Result<()> {
    let said = Tool::program()?.run("file --help")?;
    for part in [
        "Exit codes",
        "--force",
        "--lossless",
        "PROPERTY=VALUE",
        "--region",
    ] {
        assert!(
            said.success && said.output.contains(part),
            "{part}: {said:?}"
        );
    }
    for command in ["picture", "restore"] {
        let said = Tool::program()?.run(&format!("{command} --help"))?;
        assert!(
            said.success && said.output.contains("Exit codes"),
            "{said:?}"
        );
    }
    Ok(())
}
