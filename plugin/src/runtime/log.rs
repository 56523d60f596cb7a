//! What ONNX Runtime says while it works, handed on to whoever listens.

use std::sync::{Arc, OnceLock};

use ort::logging::{LogLevel, LoggerFunction};

/// How much it matters to the user of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something failed; the caller is told as well.
    Error,
    /// ONNX Runtime warns of something in the model or the machine. Its warnings are for those who
    /// make models: what matters to those who run one, such as a provider that does not work, is
    /// an error to the caller. CenterFace alone is good for 194 of them.
    Remark,
    /// What goes on.
    Detail,
    /// All the rest.
    Trace,
}

/// Hears messages, from any thread: how bad it is, and the words.
pub type Listener = fn(Severity, &str);

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Tells `listener` all messages from now on, unless somebody listens already. Without a listener
/// nobody is told, not even the terminal.
pub fn listen(listener: Listener) {
    // A process has one ONNX Runtime, and the first to ask speaks for it.
    let _ = LISTENER.set(listener);
}

/// Environment variable that says from which level on ONNX Runtime speaks; `ort` knows it too.
const VARIABLE: &str = "ORT_LOG";

/// From which level on ONNX Runtime is to speak. By default it warns: what goes on in each run would
/// cost more than the run of a small model.
pub(super) fn level() -> LogLevel {
    match std::env::var(VARIABLE).as_deref() {
        Ok("verbose") => LogLevel::Verbose,
        Ok("info") => LogLevel::Info,
        Ok("error") => LogLevel::Error,
        Ok("fatal") => LogLevel::Fatal,
        _ => LogLevel::Warning,
    }
}

/// The logger of the environment.
pub(super) fn logger() -> LoggerFunction {
    Arc::new(|level, _category, _id, place, message| {
        if let Some(listener) = LISTENER.get() {
            listener(severity(level), &format!("{place}: {message}"));
        }
    })
}

fn severity(level: LogLevel) -> Severity {
    match level {
        LogLevel::Fatal | LogLevel::Error => Severity::Error,
        LogLevel::Warning => Severity::Remark,
        LogLevel::Info => Severity::Detail,
        LogLevel::Verbose => Severity::Trace,
    }
}
