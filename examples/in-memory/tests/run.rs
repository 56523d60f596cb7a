//! The example as its users run it.

use std::process::{Command, Output};

use anyhow::Result;
use mdecomplete_tests::{has_runtime, plugin_folder, source};

fn run(arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_complete-in-memory"))
        .args(arguments)
        .env("GST_PLUGIN_PATH", plugin_folder()?)
        .output()?)
}

#[test]
fn only_the_eyes_of_the_portrait_change() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let input = source(".deps/pictures/astronaut.png");
    let output = folder.path().join("completed.png");
    let said = run(&[&input.to_string_lossy(), &output.to_string_lossy()])?;
    assert!(said.status.success(), "{said:?}");
    let (before, after) = (
        image::open(&input)?.into_rgb8(),
        image::open(&output)?.into_rgb8(),
    );
    let changed: Vec<_> = before
        .enumerate_pixels()
        .filter(|&(x, y, pixel)| after.get_pixel(x, y) != pixel)
        .map(|(x, y, _)| (x, y))
        .collect();
    assert!(changed.len() > 500, "only {} pixels changed", changed.len());
    // The portrait's eyes are at (206, 102) and (248, 105).
    for (x, y) in changed {
        assert!(
            (170..285).contains(&x) && (75..140).contains(&y),
            "({x}, {y})"
        );
    }
    Ok(())
}

#[test]
fn a_value_that_does_not_exist_is_named() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let input = source(".deps/pictures/astronaut.png");
    let said = run(&[&input.to_string_lossy(), "/dev/null", "--occlusion", "nose"])?;
    assert!(!said.status.success());
    let errors = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(
        errors.contains("'nose' is not a value of 'occlusion'"),
        "{errors}"
    );
    Ok(())
}
