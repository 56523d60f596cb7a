//! The example as its users run it, without a window.

use anyhow::{Result, ensure};
use mdecomplete_tests::{Tool, has_runtime, source};

fn camera() -> Result<Tool> {
    Tool::new(env!("CARGO_BIN_EXE_camera"))
}

#[test]
fn every_frame_of_a_recording_goes_through() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let clip = folder.path().join("clip.mp4");
    let made = Tool::new("gst-launch-1.0")?.run(&format!(
        "videotestsrc num-buffers=12 ! video/x-raw,width=128,height=96 ! videoconvert \
         ! x264enc ! mp4mux ! filesink location={}",
        clip.display()
    ))?;
    ensure!(made.success, "{made:?}");
    let said = camera()?.run(&format!("--headless {}", clip.display()))?;
    assert!(said.success, "{said:?}");
    assert!(said.output.ends_with("12 frames\n"), "{said:?}");
    Ok(())
}

#[test]
fn keys_change_what_is_completed_while_it_plays() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let model = source("plugin/models/face.onnx");
    let said = camera()?.input("o\n-\nm\nx\nq\n")?.run(&format!(
        "--headless --region full-frame --model {} test",
        model.display()
    ))?;
    assert!(said.success, "{said:?}");
    for status in ["completing mouth at 100 %", "completing mouth at 75 %"] {
        assert!(said.output.contains(status), "{status}: {said:?}");
    }
    Ok(())
}

#[test]
fn a_source_that_is_not_there_is_named() -> Result<()> {
    let said = camera()?.run("--headless /nonexistent/camera")?;
    assert!(!said.success);
    assert!(said.errors.contains("/nonexistent/camera"), "{said:?}");
    Ok(())
}
