//! What the tests share: the built plug-in, GStreamer's command-line tools over it, and the demo
//! portrait's face, and what is in recordings.

#[path = "../../plugin/tests/common/skip.rs"]
mod skip;

pub mod face;
pub mod recording;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

pub use skip::skip;

/// The file `path` of the source tree.
pub fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The file `name` of the recordings and pictures that once failed.
pub fn case(name: &str) -> PathBuf {
    source("tests/cases").join(name)
}

/// The folder with the plug-in and the program `mdecomplete`, built with the profile of the tests by
/// the first call.
///
/// # Errors
/// With cargo's words where they do not build.
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
    // `make unit-tests` has built them together with the tests: alone they would be built of other
    // variants of the same dependencies.
    if std::env::var_os("MDE_BUILT").is_some() {
        return Ok(folder.to_path_buf());
    }
    let output = Command::new(env!("CARGO"))
        .args(["build", "--package", "gst-plugin-mdecomplete", "--lib"])
        .args(["--package", "mdecomplete-pipelines", "--bin", "mdecomplete"])
        .args(["--profile", profile])
        .current_dir(source("."))
        .output()
        .context("cargo")?;
    ensure!(
        output.status.success(),
        "plug-in and program do not build: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(folder.to_path_buf())
}

/// What a command-line tool said.
#[derive(Debug)]
pub struct Said {
    /// Whether its exit code was 0.
    pub success: bool,
    /// Its exit code; nothing if a signal ended it.
    pub code: Option<i32>,
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
            code: output.status.code(),
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
/// own and messages in English. Ready for arguments; ended where it takes more than five minutes.
#[derive(Debug)]
pub struct Tool {
    name: String,
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
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", "300", name])
            .env("GST_PLUGIN_PATH", plugin_folder()?)
            .env("GST_REGISTRY", registry.path().join("registry.bin"))
            .env("LC_ALL", "C")
            .env_remove("MDECOMPLETE_ORT")
            .env_remove("MDECOMPLETE_CENTERFACE");
        Ok(Self {
            name: name.to_owned(),
            command,
            _registry: registry,
        })
    }

    /// The program `mdecomplete`.
    ///
    /// # Errors
    /// As [`plugin_folder`].
    pub fn program() -> Result<Self> {
        let file = plugin_folder()?.join("mdecomplete");
        Self::new(file.to_str().context("UTF-8")?)
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

    /// Runs it with the files and settings `arguments`, whatever blanks are in them.
    ///
    /// # Errors
    /// If the tool cannot be run.
    pub fn run_with(mut self, arguments: &[&OsStr]) -> Result<Said> {
        let output = self.command.args(arguments).output();
        Ok(output.context("a tool of GStreamer")?.into())
    }

    /// Starts it with `arguments`, to see what it says and to send it signals.
    ///
    /// # Errors
    /// If the tool cannot be run.
    pub fn start(self, arguments: &[&OsStr]) -> Result<Running> {
        let environment = self.command.get_envs();
        let mut command = Command::new(&self.name);
        for (name, value) in environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command
            .args(arguments)
            // Signals can go to all processes that it starts.
            .process_group(0)
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("a tool of GStreamer")?;
        let errors = child.stderr.take().context("standard error")?;
        let output = child.stdout.take().context("standard output")?;
        Ok(Running {
            child,
            output: BufReader::new(output),
            errors: BufReader::new(errors),
            _tool: self,
        })
    }
}

/// A tool that runs. Killed when this goes.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    errors: BufReader<std::process::ChildStderr>,
    _tool: Tool,
}

impl Running {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads its standard error until a line has `part` in it.
    ///
    /// # Errors
    /// If there is none, with what there is.
    pub fn wait_for(&mut self, part: &str) -> Result<()> {
        let mut said = String::new();
        loop {
            let start = said.len();
            let read = self.errors.read_line(&mut said)?;
            ensure!(read > 0, "no '{part}' in '{said}'");
            if said[start..].contains(part) {
                return Ok(());
            }
        }
    }

    /// Sends it the signal `name`, such as `TERM`.
    ///
    /// # Errors
    /// If that is no signal.
    pub fn signal(&self, name: &str) -> Result<()> {
        send(name, &self.id().to_string())
    }

    /// As [`Running::signal`], to it and all processes that it has started.
    ///
    /// # Errors
    /// If that is no signal.
    pub fn signal_all(&self, name: &str) -> Result<()> {
        send(name, &format!("-{}", self.id()))
    }

    /// Reads `count` lines of its standard output, or as many as there are; gives how many those are.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read_lines(&mut self, count: usize) -> Result<usize> {
        for read in 0..count {
            if self.output.read_line(&mut String::new())? == 0 {
                return Ok(read);
            }
        }
        Ok(count)
    }

    /// Waits for its end; gives how it ended and the rest of its standard error.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub fn end(mut self) -> Result<(ExitStatus, String)> {
        let mut rest = String::new();
        self.errors.read_to_string(&mut rest)?;
        Ok((self.child.wait()?, rest))
    }
}

fn send(signal: &str, to: &str) -> Result<()> {
    let sent = Command::new("kill")
        .args(["-s", signal, "--", to])
        .status()?;
    ensure!(sent.success(), "kill -s {signal} {to}: {sent}");
    Ok(())
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
