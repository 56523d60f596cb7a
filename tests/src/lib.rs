//! What the tests share: the built plug-in, GStreamer's command-line tools over it, and the demo
//! portrait's face.

#[path = "../../plugin/tests/common/skip.rs"]
mod skip;

pub mod face;

use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

pub use skip::skip;

/// The file `path` of the source tree.
pub fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The folder with the plug-in, built with the profile of the tests by the first call.
///
/// # Errors
/// With cargo's words where the plug-in does not build.
pub fn plugin_folder() -> Result<&'static Path> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOLDER
        .get_or_init(|| build_plugin().map_err(|e| format!("{e:#}")))
        .as_deref()
        .map_err(|e| anyhow::anyhow!("{e}"))
}

fn build_plugin() -> Result<PathBuf> {
    let test = std::env::current_exe().context("the test's own file")?;
    let folder = test
        .ancestors()
        .nth(2)
        .context("tests lie in <target>/<profile>/deps")?;
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let output = Command::new(env!("CARGO"))
        .args(["build", "--package", "gst-plugin-mdecomplete", "--lib"])
        .args(["--profile", profile])
        .current_dir(source("."))
        .output()
        .context("cargo")?;
    ensure!(
        output.status.success(),
        "the plug-in does not build: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(folder.to_path_buf())
}

/// What a command-line tool said.
#[derive(Debug)]
pub struct Said {
    /// Whether its exit code was 0.
    pub success: bool,
    /// Its standard output.
    pub output: String,
    /// Its standard error.
    pub errors: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            success: output.status.success(),
            output: text(&output.stdout),
            errors: text(&output.stderr),
        }
    }
}

impl Said {
    /// The lines in which elements report errors.
    pub fn element_errors(&self) -> Vec<&str> {
        let lines = self.errors.lines();
        lines
            .filter(|line| line.starts_with("ERROR: from element"))
            .collect()
    }
}

/// A program that uses GStreamer, such as `gst-launch-1.0`, with the built plug-in, a registry of its
/// own and messages in English. Ready for arguments.
#[derive(Debug)]
pub struct Tool {
    command: Command,
    _registry: tempfile::TempDir,
}

impl Tool {
    /// The program `name`.
    ///
    /// # Errors
    /// As [`plugin_folder`].
    pub fn new(name: &str) -> Result<Self> {
        let registry = tempfile::tempdir().context("a folder for the registry")?;
        let mut command = Command::new(name);
        command
            .env("GST_PLUGIN_PATH", plugin_folder()?)
            .env("GST_REGISTRY", registry.path().join("registry.bin"))
            .env("LC_ALL", "C")
            .env_remove("MDECOMPLETE_ORT")
            .env_remove("MDECOMPLETE_CENTERFACE");
        Ok(Self {
            command,
            _registry: registry,
        })
    }

    /// With an environment variable set.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// With an environment variable taken away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// With `text` typed into its standard input.
    ///
    /// # Errors
    /// If there is no room for the text.
    pub fn input(mut self, text: &str) -> Result<Self> {
        let mut file = tempfile::tempfile().context("a file for the input")?;
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        self.command.stdin(file);
        Ok(self)
    }

    /// Runs it with `arguments`, given as one text and separated by blanks.
    ///
    /// # Errors
    /// If the tool cannot be run.
    pub fn run(mut self, arguments: &str) -> Result<Said> {
        let output = self.command.args(arguments.split_whitespace()).output();
        Ok(output.context("a tool of GStreamer")?.into())
    }
}

/// Whether ONNX Runtime lies where `make setup` puts it; says so where it does not.
pub fn has_runtime() -> bool {
    let folder = source(".deps/onnxruntime/lib");
    if !folder.is_dir() {
        skip(format!(
            "{} is not there, run `make setup`",
            folder.display()
        ));
    }
    folder.is_dir()
}

/// A Python that has PyGObject with GStreamer: the system's, rather than one of a user's own; says
/// so where there is none.
pub fn python() -> Option<&'static str> {
    let has_gstreamer = |python: &&str| {
        let script = "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst";
        let tried = Command::new(python).args(["-c", script]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let found = ["/usr/bin/python3", "python3"]
        .into_iter()
        .find(has_gstreamer);
    if found.is_none() {
        skip("no Python with PyGObject (python3-gi, gir1.2-gst-plugins-base-1.0)");
    }
    found
}
