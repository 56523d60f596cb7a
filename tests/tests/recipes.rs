//! The scripts of `pipelines/`, as the README gives them, where this machine allows.

use std::ffi::OsStr;

use anyhow::Result;
use mdecomplete_tests::{Said, Tool, has_runtime, source};

/// Runs the script `name` of `pipelines/`.
fn script(name: &str, arguments: &str) -> Result<Said> {
    tool(name)?.run(arguments)
}

fn tool(name: &str) -> Result<Tool> {
    let file = source("pipelines").join(name);
    Tool::new(file.to_str().expect("UTF-8"))
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
    assert!(scripts >= 3, "{scripts}");
    Ok(())
}

#[test]
fn a_script_that_is_ended_ends_what_it_started() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let mut shown = tool("webcam.sh")?
        // Tells on standard error when the first frame has come.
        .env("SINK", "fakesink sync=true silent=false")
        .env("GST_DEBUG", "basesink:5")
        .env("GST_DEBUG_NO_COLOR", "1")
        .start(&[OsStr::new("test")])?;
    shown.wait_for("rendering")?;
    shown.signal("TERM")?;
    // Whatever still runs would hold standard error open, so that this had no end.
    let (status, _) = shown.end()?;
    assert!(!status.success(), "{status}");
    Ok(())
}
