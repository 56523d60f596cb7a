//! Frames keep their size, shape, times and values.

use anyhow::Result;
use mdecomplete_tests::recording::{self, Stream};
use mdecomplete_tests::{case, has_runtime};

use super::{MILLISECOND, are_equal, completed, file, made};

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
