//! What frames are beside their pixels: fields, and how they are turned.

use std::path::Path;

use anyhow::{Result, ensure};
use mdecomplete_tests::{Tool, case, has_runtime, recording};

use super::{EYES, QUICK, archive, restore};

/// A recording that `encoder` makes of a face, in frames of the format `caps`.
fn make(path: &Path, caps: &str, encoder: &str) -> Result<()> {
    let said = Tool::new("gst-launch-1.0")?.run(&format!(
        "-q filesrc location={} ! decodebin ! videoconvert ! {caps} ! {encoder} \
         ! filesink location={}",
        case("t1.webm").display(),
        path.display()
    ))?;
    ensure!(said.success, "{said:?}");
    Ok(())
}

#[test]
fn fields_stay_fields() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let path = |name: &str| films.path().join(name);
    make(
        &path("fields.mkv"),
        "video/x-raw,format=I420 ! interlace field-pattern=1:1 top-field-first=true",
        "x264enc interlaced=true ! h264parse ! matroskamux",
    )?;
    let before = recording::frames(&path("fields.mkv"))?;
    let mode = before.field::<String>("interlace-mode");
    ensure!(mode.as_deref() != Some("progressive"), "{}", before.caps);
    for codec in ["ffv1", "x264"] {
        let out = path(codec);
        let said = restore(
            &[&path("fields.mkv")],
            &out,
            &[&QUICK[..], &["--codec", codec]].concat(),
        )?;
        assert!(said.success, "{codec}: {said:?}");
        let after = recording::frames(&out.join("fields.mkv"))?;
        for field in ["interlace-mode", "field-order", "framerate"] {
            let text = |stream: &recording::Stream| {
                let structure = stream.caps.structure(0);
                structure.and_then(|s| s.value(field).ok().map(|v| format!("{v:?}")))
            };
            assert_eq!(text(&before), text(&after), "{codec} {field}");
        }
        assert_eq!(before.times(), after.times(), "{codec}");
    }
    Ok(())
}

#[test]
fn what_is_turned_stays_upright() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[("phone.mp4", "phone.mp4")])?;
    let path = |name: &str| films.path().join(name);
    let input = path("phone.mp4");
    let tag = |file: &Path| -> Result<Option<String>> {
        let video = recording::stream(file, "video")?;
        let tag = video.tags.get::<gst::tags::ImageOrientation>();
        Ok(tag.map(|tag| tag.get().to_owned()))
    };
    let size = |file: &Path| -> Result<_> {
        let frames = recording::frames(file)?;
        Ok((frames.field::<i32>("width"), frames.field::<i32>("height")))
    };
    let (turned, (width, height)) = (tag(&input)?, size(&input)?);
    ensure!(
        turned.as_deref().is_some_and(|turned| turned != "rotate-0"),
        "{turned:?}"
    );
    // A kind of file that can say how it is turned says it; in others the pixels are turned.
    let out = path("mp4");
    let said = restore(&[&input], &out, &[&EYES[..], &["--codec", "x264"]].concat())?;
    assert!(said.success, "{said:?}");
    assert_eq!(tag(&out.join("phone.mp4"))?, turned);
    assert_eq!(size(&out.join("phone.mp4"))?, (width, height));
    let out = path("mkv");
    let said = restore(&[&input], &out, &EYES)?;
    assert!(said.success, "{said:?}");
    let is = tag(&out.join("phone.mkv"))?;
    assert!(is.is_none() || is.as_deref() == Some("rotate-0"), "{is:?}");
    assert_eq!(size(&out.join("phone.mkv"))?, (height, width));
    Ok(())
}
