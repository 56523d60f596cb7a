//! The plug-in as GStreamer's command-line tools see it.

use anyhow::Result;
use mdecomplete_tests::{Tool, has_runtime, source};

const FULL_FRAME: &str = "mdecomplete region=full-frame occlusion=eyes";

fn launch(pipeline: &str) -> Result<mdecomplete_tests::Said> {
    Tool::new("gst-launch-1.0")?.run(pipeline)
}

/// A pipeline over three frames.
fn through(elements: &str) -> String {
    format!("videotestsrc num-buffers=3 ! videoconvert ! {elements} ! videoconvert ! fakesink")
}

#[test]
fn the_element_is_described() -> Result<()> {
    let said = Tool::new("gst-inspect-1.0")?.run("mdecomplete")?;
    assert!(said.success, "{said:?}");
    for part in [
        "Missing data completion",
        "Filter/Effect/Video",
        "occlusion",
        "active-execution-provider",
        "roi-list",
        "MPL",
    ] {
        assert!(said.output.contains(part), "{part}: {said:?}");
    }
    Ok(())
}

#[test]
fn faces_are_completed_by_default() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let said = launch(&through("mdecomplete occlusion=eyes"))?;
    assert!(said.success, "{said:?}");
    Ok(())
}

#[test]
fn the_provider_is_told_on_the_bus() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let said = launch(&format!("-m {}", through(FULL_FRAME)))?;
    assert!(said.success, "{said:?}");
    let told = said.output.matches("mdecomplete/provider").count();
    assert_eq!(told, 1, "{said:?}");
    Ok(())
}

#[test]
fn models_load_without_a_word() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let said = Tool::new("gst-launch-1.0")?
        .env("GST_DEBUG", "mdecomplete:2")
        .run(&through("mdecomplete occlusion=eyes"))?;
    assert!(said.success, "{said:?}");
    assert!(!said.errors.contains("mdecomplete"), "{said:?}");
    Ok(())
}

#[test]
fn without_a_runtime_the_element_is_there_but_does_not_start() -> Result<()> {
    let missing = "/nonexistent/libonnxruntime.so";
    let inspected = Tool::new("gst-inspect-1.0")?
        .env("MDECOMPLETE_ORT", missing)
        .run("mdecomplete")?;
    assert!(inspected.success, "{inspected:?}");

    let said = Tool::new("gst-launch-1.0")?
        .env("MDECOMPLETE_ORT", missing)
        .run(&through(FULL_FRAME))?;
    assert!(!said.success, "{said:?}");
    let [error] = said.element_errors()[..] else {
        panic!("{said:?}");
    };
    assert!(error.contains(missing), "{error}");
    assert!(error.contains("MDECOMPLETE_ORT"), "{error}");
    Ok(())
}

#[test]
fn a_file_that_is_no_runtime_is_named() -> Result<()> {
    let file = source("LICENSE");
    let said = Tool::new("gst-launch-1.0")?
        .env("MDECOMPLETE_ORT", &file)
        .run(&through(FULL_FRAME))?;
    assert!(!said.success, "{said:?}");
    let [error] = said.element_errors()[..] else {
        panic!("{said:?}");
    };
    assert!(error.contains("LICENSE"), "{error}");
    Ok(())
}

#[test]
fn a_missing_detector_is_an_error_only_where_faces_are_looked_for() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let missing = "/nonexistent/centerface.onnx";
    let run = |elements: &str| {
        Tool::new("gst-launch-1.0")?
            .env("MDECOMPLETE_CENTERFACE", missing)
            .run(&through(elements))
    };
    let said = run("mdecomplete occlusion=eyes")?;
    assert!(!said.success, "{said:?}");
    let [error] = said.element_errors()[..] else {
        panic!("{said:?}");
    };
    assert!(error.contains(missing), "{error}");

    let said = run(FULL_FRAME)?;
    assert!(said.success, "{said:?}");
    Ok(())
}

#[test]
fn a_broken_model_is_one_error_that_names_the_file() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let embedded = std::fs::read(source("plugin/models/face.onnx"))?;
    let detector = std::fs::read(source(".deps/models/centerface.onnx"))?;
    for (name, model) in [
        ("truncated.onnx", &embedded[..embedded.len() * 2 / 3]),
        ("garbage.onnx", b"garbage"),
        ("detector.onnx", &detector),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, model)?;
        let model_file = format!("{FULL_FRAME} model-file={}", file.display());
        let said = launch(&through(&model_file))?;
        assert!(!said.success, "{name}: {said:?}");
        let [error] = said.element_errors()[..] else {
            panic!("{name}: {said:?}");
        };
        assert!(error.contains(name), "{error}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_linked_is_named() -> Result<()> {
    for caps in [
        "video/x-raw,format=v210",
        "video/x-raw(memory:DMABuf),format=NV12",
    ] {
        let pipeline = format!("videotestsrc num-buffers=3 ! {caps} ! {FULL_FRAME} ! fakesink");
        let said = launch(&pipeline)?;
        assert!(!said.success, "{said:?}");
        let (kind, _) = caps.split_once(",").expect("a format");
        for part in ["could not link", "mdecomplete0", "handle caps", kind] {
            assert!(said.errors.contains(part), "{part}: {said:?}");
        }
    }
    Ok(())
}
