//! What is shown of a run: what would be done, and a page of what was.

use std::fs;

use anyhow::Result;
use mdecomplete_tests::has_runtime;

use super::{EYES, archive, contents, restore};

#[test]
fn a_dry_run_shows_what_would_be_done() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[("a.mp4", "vfr.mp4")])?;
    let out = films.path().join("out");
    let said = restore(&[films.path()], &out, &[&EYES[..], &["--dry-run"]].concat())?;
    assert!(said.success, "{said:?}");
    assert!(
        said.errors
            .contains("30 of 30 frames would be changed, at 0:00 to 0:0"),
        "{said:?}"
    );
    let there = contents(&out)?;
    let names: Vec<_> = there.keys().filter_map(|path| path.to_str()).collect();
    assert_eq!(names, ["dry-run/a.mp4", "dry-run/manifest.jsonl"]);
    Ok(())
}

#[test]
fn a_page_shows_what_was_done() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let films = archive(&[("turned & more.mp4", "phone.mp4")])?;
    fs::write(films.path().join("broken.mp4"), "no recording")?;
    let out = films.path().join("out");
    let said = restore(&[films.path()], &out, &[&EYES[..], &["--report"]].concat())?;
    assert_eq!(said.code, Some(1), "{said:?}");
    let page = fs::read_to_string(out.join("report.html"))?;
    for part in [
        "1 of 2 clips",
        "turned &amp; more.mkv",
        "broken.mp4",
        "completed 1 face",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Four moments before and after, and nothing from elsewhere.
    assert_eq!(page.matches("src=\"data:image/jpeg;base64,/9j/").count(), 8);
    assert_eq!(page.matches("src=").count(), 8);
    assert!(!page.contains("://"), "{page}");
    Ok(())
}
