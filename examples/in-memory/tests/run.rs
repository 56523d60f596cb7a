//! The example as its users run it.

use std::path::Path;

use anyhow::Result;
use mdecomplete_tests::{Said, Tool, has_runtime, source};

const PORTRAIT: &str = ".deps/pictures/astronaut.png";

/// The example, completing the portrait into the file `output`.
fn complete_portrait(output: &Path, more: &str) -> Result<Said> {
    let input = source(PORTRAIT);
    let (input, output) = (input.display(), output.display());
    Tool::new(env!("CARGO_BIN_EXE_complete-in-memory"))?.run(&format!("{input} {output} {more}"))
}

#[test]
fn only_the_eyes_of_the_portrait_change() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("completed.png");
    let said = complete_portrait(&output, "")?;
    assert!(said.success, "{said:?}");
    let (before, after) = (
        image::open(source(PORTRAIT))?.into_rgb8(),
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
    let said = complete_portrait(Path::new("/dev/null"), "--occlusion nose")?;
    assert!(!said.success);
    assert!(
        said.errors.contains("'nose' is not a value of 'occlusion'"),
        "{said:?}"
    );
    Ok(())
}
