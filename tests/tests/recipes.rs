//! The scripts of `pipelines/`, as the README gives them, where this machine allows.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use image::{Rgba, RgbaImage};
use mdecomplete_tests::{Said, Tool, has_runtime, source};
use tempfile::TempDir;

/// Runs the script `name` of `pipelines/`.
fn script(name: &str, arguments: &str) -> Result<Said> {
    tool(name)?.run(arguments)
}

fn tool(name: &str) -> Result<Tool> {
    let file = source("pipelines").join(name);
    Tool::new(file.to_str().expect("UTF-8"))
}

/// The demo's portrait, if `make setup` has fetched it.
fn portrait() -> Result<Option<RgbaImage>> {
    let file = source(".deps/pictures/astronaut.png");
    if !has_runtime() || !file.is_file() {
        eprintln!("skipped: {} is not there, run `make setup`", file.display());
        return Ok(None);
    }
    Ok(Some(image::open(file)?.into_rgba8()))
}

/// Half a second of the portrait with a tone, as MP4.
fn recording(folder: &TempDir) -> Result<PathBuf> {
    let clip = folder.path().join("in.mp4");
    let made = Tool::new("gst-launch-1.0")?.run(&format!(
        "filesrc location={} ! pngdec ! videoconvert ! imagefreeze num-buffers=15 \
         ! video/x-raw,format=I420,framerate=30/1 ! x264enc ! queue ! mux. \
         audiotestsrc num-buffers=22 ! audio/x-raw,rate=44100 ! audioconvert ! avenc_aac ! queue \
         ! mux. mp4mux name=mux ! filesink location={}",
        source(".deps/pictures/astronaut.png").display(),
        clip.display()
    ))?;
    ensure!(made.success, "{made:?}");
    Ok(clip)
}

/// The caps of a recording's streams, as `gst-launch-1.0 -v` tells them.
fn streams(clip: &Path) -> Result<String> {
    let pipeline = format!(
        "-v filesrc location={} ! parsebin name=streams streams. ! fakesink",
        clip.display()
    );
    Ok(Tool::new("gst-launch-1.0")?.run(&pipeline)?.output)
}

#[test]
fn a_recording_is_completed_and_keeps_its_sound() -> Result<()> {
    if portrait()?.is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (clip, out) = (recording(&folder)?, folder.path().join("out.mp4"));
    let mask = folder.path().join("mask.png");
    image::GrayImage::from_pixel(4, 4, image::Luma([255])).save(&mask)?;
    for settings in [
        "",
        "occlusion=mouth damaged-channels=chroma",
        &format!("region=full-frame mask-file={}", mask.display()),
    ] {
        let said = script(
            "complete-file.sh",
            &format!("{} {} {settings}", clip.display(), out.display()),
        )?;
        assert!(said.success, "{settings}: {said:?}");
        let found = streams(&out)?;
        for stream in ["video/x-h264", "audio/mpeg"] {
            assert!(found.contains(stream), "{settings}: {found}");
        }
    }
    Ok(())
}

#[test]
fn erased_parts_of_a_picture_are_completed() -> Result<()> {
    let Some(mut picture) = portrait()? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in.png"), folder.path().join("out.png"));
    // Over the mouth, and a place where there is no face.
    let is_mouth = |x: u32, y: u32| (200..248).contains(&x) && (136..154).contains(&y);
    let is_elsewhere = |x: u32, y: u32| x < 20 && y > 480;
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        if is_mouth(x, y) || is_elsewhere(x, y) {
            *pixel = Rgba([255, 0, 255, 0]);
        }
    }
    picture.save(&input)?;
    let said = script(
        "complete-picture.sh",
        &format!("{} {}", input.display(), output.display()),
    )?;
    assert!(said.success, "{said:?}");
    let completed = image::open(&output)?.into_rgba8();
    for (x, y, pixel) in completed.enumerate_pixels() {
        let [red, green, blue, alpha] = pixel.0;
        if is_mouth(x, y) {
            let is_magenta = red > 200 && green < 60 && blue > 200;
            assert!(alpha == 255 && !is_magenta, "({x}, {y}) is {pixel:?}");
        } else {
            assert_eq!(pixel, picture.get_pixel(x, y), "({x}, {y})");
        }
    }
    Ok(())
}

#[test]
fn a_fixed_region_of_a_recording_is_completed() -> Result<()> {
    if portrait()?.is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (clip, out) = (recording(&folder)?, folder.path().join("out.mp4"));
    let arguments = format!("{} {} 130 16 192", clip.display(), out.display());
    let said = script("fixed-region.sh", &arguments)?;
    assert!(said.success, "{said:?}");
    assert!(streams(&out)?.contains("video/x-h264"));
    Ok(())
}

#[test]
fn a_camera_s_picture_is_shown() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let said = tool("webcam.sh")?
        .env("SINK", "fakesink num-buffers=5")
        .run("test")?;
    assert!(said.success, "{said:?}");
    Ok(())
}

#[test]
fn what_is_not_there_is_named() -> Result<()> {
    let absent = "/nonexistent/thing";
    for (name, arguments) in [
        ("webcam.sh", absent.to_owned()),
        ("virtual-camera.sh", format!("{absent} /dev/video9")),
        ("virtual-camera.sh", format!("test {absent}")),
        ("rtsp.sh", absent.to_owned()),
        ("complete-file.sh", format!("{absent} out.mp4")),
        ("complete-picture.sh", format!("{absent} out.png")),
        ("fixed-region.sh", format!("{absent} out.mp4 0 0 96")),
    ] {
        let said = script(name, &arguments)?;
        assert!(!said.success, "{name}: {said:?}");
        assert!(said.errors.contains(absent), "{name}: {said:?}");
    }
    // Nobody listens there.
    let said = tool("rtsp.sh")?
        .env("SINK", "fakesink")
        .run("rtsp://127.0.0.1:9/stream")?;
    assert!(
        !said.success && said.errors.contains("GstRTSPSrc"),
        "{said:?}"
    );
    Ok(())
}

#[test]
fn each_script_explains_itself() -> Result<()> {
    let mut scripts = 0;
    for entry in std::fs::read_dir(source("pipelines"))? {
        let name = entry?.file_name().into_string().expect("UTF-8");
        let is_recipe = name.ends_with(".sh") && name != "common.sh" && name != "demo.sh";
        if is_recipe {
            let said = script(&name, "--help")?;
            assert!(said.success && said.output.contains("Usage: "), "{said:?}");
            scripts += 1;
        }
    }
    assert!(scripts >= 6, "{scripts}");
    Ok(())
}
