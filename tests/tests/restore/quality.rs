//! What frames are beside their pixels: fields, colours, light, and how they are turned.

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

/// Recordings by name, pixel format, and how their colours are to be understood.
const KINDS: [(&str, &str, &str); 6] = [
    ("bt601", "I420", "bt601"),
    ("bt709", "I420", "bt709"),
    ("full", "I420", "1:3:5:1"),
    ("bt2020", "I420_10LE", "bt2020-10"),
    ("hdr10", "I420_10LE", "bt2100-pq"),
    ("hlg", "I420_10LE", "bt2100-hlg"),
];

/// What HDR10 says of the display that it was made on, and of its light.
const LIGHT: &str = "mastering-display-info=(string)34000:16000:13250:34500:7500:3000:15635:16450:10000000:50,\
    content-light-level=(string)1000:400";

#[test]
fn colour_tags_and_hdr_are_kept() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = tempfile::tempdir()?;
    let path = |name: &str| films.path().join(name);
    for (name, format, colorimetry) in KINDS {
        let light = match name {
            "hdr10" => format!(",{LIGHT}"),
            _ => String::new(),
        };
        let tagged = format!(
            "videorate ! video/x-raw,format={format},framerate=5/1 \
             ! capssetter caps=video/x-raw,colorimetry={colorimetry}{light}"
        );
        let file = path(&format!("{name}.mkv"));
        make(&file, &tagged, "avenc_ffv1 ! matroskamux")?;
    }
    let fields = [
        "colorimetry",
        "format",
        "chroma-site",
        "mastering-display-info",
        "content-light-level",
    ];
    for codec in ["ffv1", "x265"] {
        let out = path(codec);
        let more = [&QUICK[..], &["--codec", codec]].concat();
        let said = restore(&[films.path()], &out, &more)?;
        assert!(said.success, "{codec}: {said:?}");
        for (name, ..) in KINDS {
            let file = format!("{name}.mkv");
            let before = recording::frames(&path(&file))?;
            let after = recording::frames(&out.join(&file))?;
            let is_light = before.field::<String>(fields[4]).is_some();
            ensure!(is_light == (name == "hdr10"), "{}", before.caps);
            for field in fields {
                let (was, is) = (before.field::<String>(field), after.field::<String>(field));
                // What is not said in H.265 is understood as the usual place.
                if field != "chroma-site" || was.is_some() {
                    assert_eq!(was, is, "{codec} {name} {field}");
                }
            }
        }
        std::fs::remove_dir_all(out)?;
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
