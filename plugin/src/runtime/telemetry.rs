//! ONNX Runtime must not report home.
//!
//! From 1.29 on, ONNX Runtime for Linux gathers data on its use: it keeps a device id and a queue
//! of events in the user's cache folder and sends them to a server of its maker. All of that begins
//! with the environment, so that `with_telemetry(false)` comes too late.

use std::env;

/// Environment variable that ONNX Runtime reads when it makes its environment.
const VARIABLE: &str = "ORT_DISABLE_TELEMETRY";

/// Keeps every ONNX Runtime that this process loads from now on from gathering and sending
/// anything, whatever the user's environment says.
pub fn switch_off() {
    const OFF: &str = "1";
    if env::var_os(VARIABLE).is_some_and(|value| value == OFF) {
        return;
    }
    // SAFETY: code that is not Rust's may read the environment on another thread without its lock.
    // The plug-in calls this first when it is registered, which GStreamer does before there are
    // pipelines and their threads; every later call finds the variable set and ends above.
    unsafe { env::set_var(VARIABLE, OFF) };
}
