//! Plug-in.

pub mod completer;
pub mod runtime;
