//! The C example, built and run as its users do.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use mdecomplete_tests::{Tool, has_runtime, skip, source};
use tempfile::TempDir;

/// The example, built in a folder of its own; says why where it cannot be.
fn camera() -> Result<Option<(TempDir, PathBuf)>> {
    for tool in ["make", "cc", "pkg-config"] {
        if Command::new(tool).arg("--version").output().is_err() {
            skip(format!("there is no {tool}"));
            return Ok(None);
        }
    }
    if !has_runtime() {
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    for file in ["camera.c", "Makefile"] {
        std::fs::copy(
            source("examples/camera-c").join(file),
            folder.path().join(file),
        )?;
    }
    let made = Command::new("make")
        .arg("CFLAGS=-O1 -Wall -Wextra -Wno-unused-parameter -Werror")
        .current_dir(folder.path())
        .output()
        .context("make")?;
    ensure!(made.status.success(), "{made:?}");
    let program = folder.path().join("camera");
    Ok(Some((folder, program)))
}

#[test]
fn every_frame_of_a_recording_goes_through() -> Result<()> {
    let Some((folder, camera)) = camera()? else {
        return Ok(());
    };
    let clip = folder.path().join("clip.mp4");
    let made = Tool::new("gst-launch-1.0")?.run(&format!(
        "videotestsrc num-buffers=12 ! video/x-raw,width=128,height=96 ! videoconvert \
         ! x264enc ! mp4mux ! filesink location={}",
        clip.display()
    ))?;
    ensure!(made.success, "{made:?}");
    let camera = camera.display().to_string();
    let said = Tool::new(&camera)?.run(&format!("--headless {}", clip.display()))?;
    assert!(said.success, "{said:?}");
    assert!(said.output.ends_with("12 frames\n"), "{said:?}");
    Ok(())
}

#[test]
fn keys_change_what_is_completed_while_it_plays() -> Result<()> {
    let Some((_folder, camera)) = camera()? else {
        return Ok(());
    };
    let camera = camera.display().to_string();
    let said = Tool::new(&camera)?.input("o\n-\nm\nx\nq\n")?.run(&format!(
        "--headless --region=full-frame --model={} test",
        source("plugin/models/face.onnx").display()
    ))?;
    assert!(said.success, "{said:?}");
    for status in ["completing mouth at 100 %", "completing mouth at 75 %"] {
        assert!(said.output.contains(status), "{status}: {said:?}");
    }
    Ok(())
}

#[test]
fn a_source_that_is_not_there_is_named() -> Result<()> {
    let Some((_folder, camera)) = camera()? else {
        return Ok(());
    };
    let camera = camera.display().to_string();
    let said = Tool::new(&camera)?.run("--headless /nonexistent/camera")?;
    assert!(!said.success);
    assert!(said.errors.contains("/nonexistent/camera"), "{said:?}");
    Ok(())
}
