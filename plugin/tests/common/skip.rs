//! Tests that cannot run where something is missing.

use std::fmt::Display;

/// Says on the terminal that a test is skipped, and why. Where `CI` is set everything is expected to
/// be there, and a test that would be skipped fails.
#[track_caller]
pub fn skip(reason: impl Display) {
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci.is_empty()),
        "in CI no test is skipped: {reason}"
    );
    eprintln!("skipped: {reason}");
}
