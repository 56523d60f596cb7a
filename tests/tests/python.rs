//! The Python example over a recording.

use anyhow::{Result, ensure};
use mdecomplete_tests::{Tool, has_runtime, python, source};

#[test]
fn every_frame_of_a_recording_goes_through() -> Result<()> {
    let Some(python) = python().filter(|_| has_runtime()) else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let clip = folder.path().join("clip.mp4");
    let made = Tool::new("gst-launch-1.0")?.run(&format!(
        "videotestsrc num-buffers=12 ! video/x-raw,width=128,height=96 ! videoconvert \
         ! x264enc ! mp4mux ! filesink location={}",
        clip.display()
    ))?;
    ensure!(made.success, "{made:?}");
    let said = Tool::new(python)?.run(&format!("{} --headless {}", script(), clip.display()))?;
    assert!(said.success, "{said:?}");
    assert!(said.output.ends_with("12 frames\n"), "{said:?}");
    Ok(())
}

#[test]
fn keys_change_what_is_completed_while_it_plays() -> Result<()> {
    let Some(python) = python().filter(|_| has_runtime()) else {
        return Ok(());
    };
    let said = Tool::new(python)?.input("o\n-\nm\nx\nq\n")?.run(&format!(
        "{} --headless --region full-frame --model {} test",
        script(),
        source("plugin/models/face.onnx").display()
    ))?;
    assert!(said.success, "{said:?}");
    for status in ["completing mouth at 100 %", "completing mouth at 75 %"] {
        assert!(said.output.contains(status), "{status}: {said:?}");
    }
    Ok(())
}

fn script() -> String {
    let script = source("examples/camera-python/camera.py");
    script.display().to_string()
}
