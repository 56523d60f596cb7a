//! What the README and the pages of `docs/` name is there: files, headings, commands of `make`,
//! properties of the element.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mdecomplete_tests::{Tool, source};

/// All pages that a user reads, with their texts.
fn pages() -> Result<Vec<(PathBuf, String)>> {
    let mut files = vec![source("README.md")];
    for folder in ["docs", "examples", "plugin/models"] {
        for entry in std::fs::read_dir(source(folder))? {
            let path = entry?.path();
            let page = if path.is_dir() {
                path.join("README.md")
            } else {
                path
            };
            if page.extension().is_some_and(|ending| ending == "md") && page.is_file() {
                files.push(page);
            }
        }
    }
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok((file, text))
    };
    files.into_iter().map(read).collect()
}

/// What stands between `before` and the next `after`, each time.
fn between<'a>(text: &'a str, before: &'a str, after: char) -> impl Iterator<Item = &'a str> {
    let parts = text.split(before).skip(1);
    parts.filter_map(move |part| part.split_once(after).map(|(found, _)| found))
}

/// What stands in backticks on one line.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|code| !code.contains('\n'))
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        });
        kept.collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn links_lead_somewhere() -> Result<()> {
    let mut links = 0;
    for (page, text) in pages()? {
        for link in between(&text, "](", ')') {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().unwrap_or(Path::new(".")).join(file),
            };
            let whence = format!("{link} in {}", page.display());
            assert!(target.exists(), "{whence}");
            if !anchor.is_empty() {
                let anchors = anchors(&std::fs::read_to_string(&target)?);
                assert!(anchors.contains(anchor), "{whence}: {anchors:?}");
            }
            links += 1;
        }
    }
    assert!(links > 20, "{links}");
    Ok(())
}

#[test]
fn commands_of_make_and_scripts_are_there() -> Result<()> {
    let makefile = std::fs::read_to_string(source("Makefile"))?;
    for (page, text) in pages()? {
        let page = page.display();
        for command in code(&text).chain(text.lines()) {
            // Not `make -C examples/camera-c`, which is another Makefile's.
            let target = command.strip_prefix("make ").unwrap_or("-");
            let target = target.split_whitespace().next().unwrap_or("-");
            let is_there = makefile.contains(&format!("\n{target}:"));
            assert!(target.starts_with('-') || is_there, "{command} in {page}");

            let program = command.split_whitespace().next().unwrap_or_default();
            if program.starts_with("pipelines/") {
                assert!(source(program).exists(), "{program} in {page}");
            }
        }
    }
    Ok(())
}

#[test]
fn properties_in_commands_are_those_of_the_element() -> Result<()> {
    let described = Tool::new("gst-inspect-1.0")?.run("mdecomplete")?.output;
    let is_known = |name: &str| {
        let mut lines = described.lines().map(str::trim_start);
        lines.any(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        })
    };
    let mut found = 0;
    for (page, text) in pages()? {
        // In recipes and in running text, and in pipelines.
        let pipelines = between(&text, "! mdecomplete ", '!');
        for setting in code(&text).chain(pipelines).flat_map(str::split_whitespace) {
            let (name, value) = setting.split_once('=').unwrap_or_default();
            let is_property = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            if is_property && !value.is_empty() {
                assert!(is_known(name), "{setting} in {}", page.display());
                found += 1;
            }
        }
    }
    assert!(found > 10, "{found}");
    Ok(())
}
