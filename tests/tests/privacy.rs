//! Nothing leaves the machine, and nothing is left on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use mdecomplete_tests::{Tool, has_runtime, skip, source};

const PIPELINE: &str = "videotestsrc num-buffers=30 ! mdecomplete region=full-frame occlusion=eyes ! fakesink sync=true";

/// Environment variables that lead programs away from a user's home.
const FOLDERS: [&str; 4] = [
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// The files below `folder`.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

/// `tool` in a user's home where nothing has run yet, and whose environment asks for telemetry.
fn at_home(tool: &str, home: &Path) -> Result<Tool> {
    let mut tool = Tool::new(tool)?
        .env("HOME", home)
        .env("ORT_DISABLE_TELEMETRY", "0");
    for folder in FOLDERS {
        tool = tool.without(folder);
    }
    Ok(tool)
}

#[test]
fn onnx_runtime_leaves_no_files_about_its_use() -> Result<()> {
    if !has_runtime() {
        return Ok(());
    }
    let home = tempfile::tempdir()?;
    let said = at_home("gst-launch-1.0", home.path())?.run(PIPELINE)?;
    assert!(said.success, "{said:?}");
    let files = files(home.path())?;
    let is_ours = |file: &PathBuf| {
        let kept = [".cache/mdecomplete", ".cache/gstreamer-1.0"];
        kept.iter()
            .any(|own| file.starts_with(home.path().join(own)))
    };
    let others: Vec<_> = files.iter().filter(|file| !is_ours(file)).collect();
    assert!(others.is_empty(), "{others:?}");
    Ok(())
}

#[test]
fn no_name_is_looked_up_and_no_connection_opened() -> Result<()> {
    if !has_runtime() || !has_strace() {
        return Ok(());
    }
    let home = tempfile::tempdir()?;
    let log = home.path().join("calls");
    let strace = format!(
        "-f -qq -e trace=network -o {} gst-launch-1.0",
        log.display()
    );
    let said = at_home("strace", home.path())?.run(&format!("{strace} {PIPELINE}"))?;
    assert!(said.success, "{said:?}");
    let calls = fs::read_to_string(&log).context("the system calls")?;
    // Name servers and event servers are met over these, whatever the call.
    let outward = |call: &&str| call.contains("AF_INET");
    let outward: Vec<&str> = calls.lines().filter(outward).collect();
    assert!(outward.is_empty(), "{outward:#?}");
    Ok(())
}

#[test]
fn uninstalling_leaves_nothing_behind() -> Result<()> {
    let home = tempfile::tempdir()?;
    for file in [
        ".cache/mdecomplete/calibration/measured.json",
        ".local/share/gstreamer-1.0/plugins/libgstmdecomplete.so",
        ".local/share/mdecomplete/centerface.onnx",
        ".local/share/mdecomplete/onnxruntime/lib/libonnxruntime.so.1",
    ] {
        let file = home.path().join(file);
        fs::create_dir_all(file.parent().context("a folder")?)?;
        fs::write(file, "")?;
    }
    let script = source("setup/install.sh");
    let said = at_home("bash", home.path())?.run(&format!("{} --remove", script.display()))?;
    assert!(said.success, "{said:?}");
    assert_eq!(files(home.path())?, Vec::<PathBuf>::new());
    for folder in [".cache/mdecomplete", ".local/share/mdecomplete"] {
        assert!(!home.path().join(folder).exists(), "{folder}");
    }
    Ok(())
}

/// Whether system calls can be watched here; says so where they cannot.
fn has_strace() -> bool {
    let works = Command::new("strace")
        .args(["-qq", "-e", "trace=none", "true"])
        .output();
    let works = works.is_ok_and(|output| output.status.success());
    if !works {
        skip("strace is not there or may not trace (Debian, Ubuntu: apt-get install strace)");
    }
    works
}
