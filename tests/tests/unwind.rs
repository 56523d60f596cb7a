//! A program that has used C++ exceptions before it loads GStreamer, as `import cv2` and
//! `import torch` do in Python.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use mdecomplete_tests::{Said, Tool, has_runtime, python, source};

/// Runs the element with `properties` in a Python that has thrown an exception; nothing where there
/// is no such Python.
fn after_a_throw(properties: &str) -> Result<Option<Said>> {
    let Some(python) = python().filter(|_| has_runtime()) else {
        return Ok(None);
    };
    let folder = tempfile::tempdir()?;
    let library = folder.path().join("libthrow.so");
    let compiled = Command::new("c++")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source("tests/cases/throw.cpp")])
        .status()
        .context("the C++ compiler that `make setup` installs")?;
    ensure!(compiled.success(), "{compiled}");
    let script = source("tests/cases/unwind.py");
    let arguments = format!("{} {} {properties}", script.display(), library.display());
    Tool::new(python)?.run(&arguments).map(Some)
}

#[test]
fn the_default_provider_starts_after_a_throw() -> Result<()> {
    if let Some(said) = after_a_throw("")? {
        assert!(said.success, "{said:?}");
        assert!(said.output.contains("eos"), "{said:?}");
        assert!(said.output.ends_with("done\n"), "{said:?}");
    }
    Ok(())
}

#[test]
fn openvino_starts_after_a_throw_or_says_why_not() -> Result<()> {
    let properties = "execution-provider=openvino fallback-policy=error";
    if let Some(said) = after_a_throw(properties)? {
        // A crash has no exit code.
        assert!(said.success, "{said:?}");
        assert!(said.output.ends_with("done\n"), "{said:?}");
    }
    Ok(())
}
