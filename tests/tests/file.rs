//! `mdecomplete file`: what goes in comes out, completed, and nothing is lost on the way.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
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
fn sound_comes_through_packet_by_packet() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    for (input, output) in [
        ("t1.webm", "out.mp4"),
        ("t1.webm", "out.mkv"),
        ("t1.webm", "out.webm"),
        ("t13.avi", "out.mp4"),
        ("t13.avi", "out.mkv"),
        ("t13.avi", "out.mov"),
        ("tracks.mkv", "out.mkv"),
    ] {
        let done = completed(input, output, &[])?;
        let (before, after) = (sounds(&case(input))?, sounds(&done.output)?);
        assert_eq!(before.len(), after.len(), "{input} {output}");
        for (before, after) in before.iter().zip(&after) {
            let what = format!("{input} {output} {}", before.format());
            assert_eq!(before.format(), after.format(), "{what}");
            let differ = |(n, (a, b)): (usize, (u64, u64))| (a != b).then_some(n);
            let pairs = before.bytes().into_iter().zip(after.bytes()).enumerate();
            let changed: Vec<_> = pairs.filter_map(differ).collect();
            assert_eq!(before.packets.len(), after.packets.len(), "{what}");
            assert!(changed.is_empty(), "{what}: other bytes in {changed:?}");
            let times = (since_first(&before.times()), since_first(&after.times()));
            assert!(
                are_equal(&times.0, &times.1, 2 * MILLISECOND),
                "{what}: {times:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn aac_of_a_transport_stream_comes_through() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    for output in ["out.mp4", "out.mkv"] {
        let done = completed("t4.ts", output, &[])?;
        let before = recording::stream(&case("t4.ts"), "audio")?;
        let after = recording::stream(&done.output, "audio")?;
        // GStreamer's demuxer lets the recording begin with the picture, and one packet of sound comes
        // before. In transport streams each has a header of its own, so that the bytes differ.
        assert_eq!(before.packets.len(), 48, "{output}");
        assert_eq!(after.packets.len(), 48, "{output}");
        let lag = |file: &Path| -> Result<u64> {
            // Packets before the beginning have no time.
            let last = |stream: Stream| stream.times().last().copied();
            let picture = last(recording::stream(file, "video")?).context("no picture")?;
            let sound = last(recording::stream(file, "audio")?).context("no sound")?;
            Ok(picture.abs_diff(sound))
        };
        let (before, after) = (lag(&case("t4.ts"))?, lag(&done.output)?);
        assert!(
            before.abs_diff(after) <= MILLISECOND,
            "{output}: {before} {after}"
        );
    }
    Ok(())
}

#[test]
fn sound_that_an_edit_list_hides_is_kept() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let input = case("edits.mp4");
    let (count, list) = recording::sound_of_mp4(&input)?;
    assert_eq!(count, 58);
    for output in ["out.mp4", "out.mov"] {
        let done = completed("edits.mp4", output, &[])?;
        let (kept, written) = recording::sound_of_mp4(&done.output)?;
        assert_eq!(kept, count, "{output}");
        assert!(list.is_some() && written.is_some(), "{output}");
        // What is played is the same: the same packets at the same times.
        let before = recording::stream(&input, "audio")?;
        let after = recording::stream(&done.output, "audio")?;
        assert_eq!(before.bytes(), after.bytes(), "{output}");
        assert!(
            are_equal(&before.times(), &after.times(), MILLISECOND),
            "{output}"
        );
    }
    // Matroska has no such lists: all plays, and everything later by what comes before.
    let done = completed("edits.mp4", "out.mkv", &[])?;
    let after = recording::stream(&done.output, "audio")?;
    assert_eq!(after.packets.len(), 58);
    let picture = recording::stream(&done.output, "video")?.times();
    let before = recording::frames(&input)?.times();
    // 7264 samples of 48000 a second are hidden.
    let later = 7264 * 1_000_000_000 / 48_000;
    assert!(
        (before[0] + later).abs_diff(picture[0]) <= MILLISECOND,
        "{picture:?}"
    );
    Ok(())
}

#[test]
fn what_a_container_cannot_hold_is_said() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("out.mp4");
    let said = file(&case("tracks.mkv"), &output, &[])?;
    assert_eq!(said.code, Some(4), "{said:?}");
    for part in [
        "Vorbis",
        "FLAC",
        ".mkv",
        "--transcode-audio",
        "--drop-subtitles",
    ] {
        assert!(said.errors.contains(part), "{part}: {said:?}");
    }
    assert_eq!(entries(&folder)?, 0);

    let ways = ["--transcode-audio", "--drop-subtitles"];
    let done = completed("tracks.mkv", "out.mp4", &ways)?;
    let sounds = sounds(&done.output)?;
    assert_eq!(sounds.len(), 4);
    assert!(sounds.iter().all(|sound| sound.format() == "audio/mpeg"));
    assert!(done.said.errors.contains("AAC"), "{:?}", done.said);
    Ok(())
}

#[test]
fn subtitles_chapters_languages_and_tags_are_kept() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let done = completed("tracks.mkv", "out.mkv", &[])?;
    let before = recording::streams(&case("tracks.mkv"))?;
    let after = recording::streams(&done.output)?;
    assert_eq!(before.len(), after.len());
    let language = |stream: &Stream| {
        let language = stream.tags.get::<gst::tags::LanguageCode>();
        language.map(|code| code.get().to_owned())
    };
    for (before, after) in before.iter().zip(&after).skip(1) {
        assert_eq!(language(before), language(after), "{}", before.format());
        if before.format().starts_with("text") || before.format().starts_with("application") {
            assert_eq!(before.bytes(), after.bytes());
            assert!(are_equal(&before.times(), &after.times(), 0));
        }
    }
    let text = fs::read(&done.output)?;
    let has = |words: &str| {
        text.windows(words.len())
            .any(|part| part == words.as_bytes())
    };
    for words in [
        "Tom & Jerry <i>go</i> west",
        "5 < 6",
        "First",
        "Second",
        "A portrait",
    ] {
        assert!(has(words), "'{words}' is lost");
    }
    Ok(())
}

#[test]
fn a_phone_s_recording_does_not_lie() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let turn = |stream: &Stream| {
        let turn = stream.tags.get::<gst::tags::ImageOrientation>();
        turn.map(|turn| turn.get().to_owned())
    };
    let before = recording::stream(&case("phone.mp4"), "video")?;
    for output in ["out.mp4", "out.mov"] {
        let done = completed("phone.mp4", output, &[])?;
        let after = recording::stream(&done.output, "video")?;
        assert_eq!(turn(&before), turn(&after), "{output}");
        assert!(turn(&after).is_some(), "{output}");
        assert_eq!(after.field::<i32>("width"), Some(480), "{output}");
    }
    for output in ["out.mkv", "out.webm"] {
        let done = completed("phone.mp4", output, &[])?;
        let after = recording::stream(&done.output, "video")?;
        assert!(
            turn(&after).is_none_or(|turn| turn == "rotate-0"),
            "{output}"
        );
        let size = (after.field::<i32>("width"), after.field::<i32>("height"));
        assert_eq!(size, (Some(640), Some(480)), "{output}");
    }
    Ok(())
}

#[test]
fn odd_sizes_are_kept() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    for output in ["out.mp4", "out.mov", "out.mkv", "out.webm"] {
        let done = completed("odd.webm", output, &[])?;
        let frames = recording::frames(&done.output)?;
        let size = (frames.field::<i32>("width"), frames.field::<i32>("height"));
        assert_eq!(size, (Some(427), Some(321)), "{output}");
        assert_eq!(frames.packets.len(), 30, "{output}");
    }
    Ok(())
}

#[test]
fn pixels_keep_their_shape() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    for output in ["out.mp4", "out.mkv", "out.webm"] {
        let done = completed("ana2.mp4", output, &[])?;
        let frames = recording::frames(&done.output)?;
        let size = (frames.field::<i32>("width"), frames.field::<i32>("height"));
        assert_eq!(size, (Some(320), Some(480)), "{output}");
        let shape = frames.field::<gst::Fraction>("pixel-aspect-ratio");
        assert_eq!(shape, Some(gst::Fraction::new(2, 1)), "{output}");
    }
    Ok(())
}

#[test]
fn frames_keep_their_times() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let before = recording::frames(&case("vfr.mp4"))?.times();
    let steps: Vec<_> = before.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().any(|step| *step != steps[0]), "{steps:?}");
    // MP4 has ticks as fine as those of the input, Matroska here of 0.1 ms.
    for (output, within) in [
        ("out.mp4", 1),
        ("out.mov", 1),
        ("out.mkv", MILLISECOND / 20 + 1),
        ("out.webm", MILLISECOND / 2 + 1),
    ] {
        let done = completed("vfr.mp4", output, &[])?;
        let after = recording::frames(&done.output)?.times();
        assert!(
            are_equal(&before, &after, within),
            "{output}: {before:?} {after:?}"
        );
    }
    Ok(())
}

#[test]
fn everything_plays_the_picture() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let source = "videotestsrc num-buffers=3 ! video/x-raw";
    let inputs = [
        case("ten.mkv"),
        made(
            &folder,
            "dv.avi",
            &format!(
                "{source},format=I420,width=720,height=576,framerate=25/1 ! avenc_dvvideo ! avimux"
            ),
        )?,
        made(
            &folder,
            "rgb.avi",
            &format!("{source},format=RGB,width=320,height=240 ! avenc_png ! avimux"),
        )?,
    ];
    for input in &inputs {
        let output = folder.path().join("out.mp4");
        let said = file(input, &output, &["--force"])?;
        assert!(said.success, "{input:?}: {said:?}");
        let picture = recording::stream(&output, "video")?;
        assert_eq!(picture.format(), "video/x-h264");
        assert_eq!(picture.field::<&str>("profile"), Some("high"), "{input:?}");
        assert_eq!(
            picture.field::<&str>("chroma-format"),
            Some("4:2:0"),
            "{input:?}"
        );
        assert_eq!(picture.field::<u32>("bit-depth-luma"), Some(8), "{input:?}");
    }
    Ok(())
}

#[test]
fn lossless_is_lossless() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    for input in ["ten.mkv", "odd.webm", "vfr.mp4"] {
        let done = completed(
            input,
            "out.mkv",
            &["--lossless", "strength=0", "occlusion=eyes"],
        )?;
        let (before, after) = (
            recording::frames(&case(input))?,
            recording::frames(&done.output)?,
        );
        let format = |stream: &Stream| stream.field::<&str>("format").map(str::to_owned);
        assert_eq!(format(&before), format(&after), "{input}");
        assert!(before.bytes() == after.bytes(), "{input}: other pixels");
        let coded = recording::stream(&done.output, "video")?;
        assert_eq!(coded.format(), "video/x-ffv");
    }
    let folder = tempfile::tempdir()?;
    let said = file(
        &case("ten.mkv"),
        &folder.path().join("out.mp4"),
        &["--lossless"],
    )?;
    assert_eq!(said.code, Some(4), "{said:?}");
    Ok(())
}

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
