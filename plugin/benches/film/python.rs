//! A Python beside, which is written to and read from.

use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};

/// One that runs.
pub struct Python {
    pub child: Child,
    pub to: ChildStdin,
    pub from: ChildStdout,
}

impl Python {
    /// Runs `script` in the Python that the environment's `variable` names; nothing where it names none.
    pub fn start(variable: &str, script: &str) -> Result<Option<Self>> {
        let Some(python) = std::env::var_os(variable).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let mut child = Command::new(&python)
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{variable}={}", python.display()))?;
        let to = child.stdin.take().context("its input")?;
        let from = child.stdout.take().context("its output")?;
        Ok(Some(Self { child, to, from }))
    }
}
