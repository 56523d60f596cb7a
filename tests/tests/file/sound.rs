//! Sound, subtitles and what else is beside the picture comes through.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mdecomplete_tests::recording::{self, Stream};
use mdecomplete_tests::{case, has_runtime};

use super::{MILLISECOND, are_equal, completed, entries, file, since_first, sounds};

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
