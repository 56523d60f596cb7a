//! What a run is made with, so that it does not go on with something else unnoticed.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// Options of the command line that a run's weights hang on, with their values: batches, losses
/// and rates, but not how long it lasts nor how exactly it is computed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunOptions(BTreeMap<String, String>);

/// Value of an option that is not given.
const NONE: &str = "none";

impl RunOptions {
    /// These and `option`, named without dashes.
    #[must_use]
    pub fn with(mut self, option: &str, value: impl Display) -> Self {
        self.0.insert(option.to_owned(), value.to_string());
        self
    }

    /// As [`Self::with`], for one that need not be given.
    #[must_use]
    pub fn with_maybe(self, option: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(option, value),
            None => self.with(option, NONE),
        }
    }

    /// These and `others`.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The value of `option`, where it is recorded.
    pub fn get(&self, option: &str) -> Option<&str> {
        self.0.get(option).map(String::as_str)
    }

    /// Compares what the run at `path` was made with and what it is to go on with (`now`); where
    /// `may_change`, differences are told and taken. Yields a word on options that the checkpoint
    /// does not record, which are taken as they are.
    ///
    /// # Errors
    /// Names the options that differ, with both values.
    pub fn go_on(&self, now: &Self, path: &Path, may_change: bool) -> Result<Vec<String>> {
        let path = path.display();
        let (known, unknown): (Vec<_>, Vec<_>) =
            (now.0.iter()).partition(|(option, _)| self.0.contains_key(*option));
        let changed: Vec<String> = (known.into_iter())
            .filter(|&(option, value)| self.0[option] != *value)
            .map(|(option, value)| format!("--{option} was {}, is now {value}", self.0[option]))
            .collect();
        let changed = changed.join("\n  ");
        ensure!(
            changed.is_empty() || may_change,
            "the run in '{path}' was made with other options:\n  {changed}\nResume it with those \
             it was made with; or add --change to go on with the new ones, which are then recorded"
        );
        let mut words = Vec::new();
        if !changed.is_empty() {
            words.push(format!("goes on with other options:\n  {changed}"));
        }
        if !unknown.is_empty() {
            let names: Vec<String> = unknown.iter().map(|(o, _)| format!("--{o}")).collect();
            words.push(format!(
                "'{path}' does not record what it was made with in {}: goes on with what is given \
                 now",
                names.join(", ")
            ));
        }
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> RunOptions {
        RunOptions::default()
            .with("batch", 4)
            .with("tasks", "eyes=1")
            .with("rate", 2e-4)
            .with_maybe("clip", None::<f64>)
    }

    fn go_on(now: &RunOptions, may_change: bool) -> Result<Vec<String>> {
        options().go_on(now, Path::new("run/checkpoint"), may_change)
    }

    #[test]
    fn the_same_options_go_on_without_a_word() {
        let text = serde_json::to_string(&options()).unwrap();
        let read: RunOptions = serde_json::from_str(&text).unwrap();
        assert_eq!(read, options());
        assert!(go_on(&read, false).unwrap().is_empty());
    }

    #[test]
    fn differences_are_refused_with_both_values_unless_they_are_wanted() {
        let now = options().with("batch", 8).with("clip", 0.5);
        let error = go_on(&now, false).unwrap_err().to_string();
        let expected = [
            "run/checkpoint",
            "--batch was 4, is now 8",
            "--clip was none, is now 0.5",
            "--change",
        ];
        for part in expected {
            assert!(error.contains(part), "{error}");
        }
        assert!(
            !error.contains("--tasks") && !error.contains("--rate"),
            "{error}"
        );
        let words = go_on(&now, true).unwrap();
        assert!(
            words.len() == 1 && words[0].contains("--batch was 4"),
            "{words:?}"
        );
    }

    #[test]
    fn options_that_are_not_recorded_are_taken_with_a_word() {
        let words = go_on(&options().with("ema", 0.9), false).unwrap();
        assert!(words.len() == 1 && words[0].contains("--ema"), "{words:?}");
    }
}
