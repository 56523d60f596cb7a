//! The properties of what completions are copied from.

use std::time::Duration;

use gst::glib;
use gst::prelude::*;

use super::settings::of;

/// Longest look-ahead in ms, so that it does not take all memory.
const MOST_LOOKAHEAD: u32 = 60_000;

/// What completions are copied from; may change between any two frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copying {
    memory_ms: u32,
    lookahead_ms: u32,
}

impl Default for Copying {
    fn default() -> Self {
        Self {
            memory_ms: 10 * 60 * 1000,
            lookahead_ms: 0,
        }
    }
}

impl Copying {
    /// How long a look at a face is kept; 0 for not at all.
    pub fn memory(&self) -> Duration {
        Duration::from_millis(self.memory_ms.into())
    }

    /// How long frames are held back, so that what later ones show is remembered too.
    pub fn lookahead(&self) -> Duration {
        Duration::from_millis(self.lookahead_ms.into())
    }

    /// Takes over the new value of the property `name`; false where it is none of these.
    pub fn set(&mut self, name: &str, value: &glib::Value) -> bool {
        match name {
            "memory" => self.memory_ms = of(value),
            "lookahead" => self.lookahead_ms = of(value),
            _ => return false,
        }
        true
    }

    /// The value of the property `name`, if it is one of these.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        match name {
            "memory" => Some(self.memory_ms.to_value()),
            "lookahead" => Some(self.lookahead_ms.to_value()),
            _ => None,
        }
    }

    /// The descriptions of the properties.
    pub fn properties() -> [glib::ParamSpec; 3] {
        [
            glib::ParamSpecUInt::builder("memory")
                .nick("Memory")
                .blurb(
                    "How long what the stream has shown of a face is remembered, in ms, to be \
                     copied where the face is covered later, if the model is shown views; 0 \
                     remembers nothing. It is forgotten with the stream, and never written to disk",
                )
                .default_value(Self::default().memory_ms)
                .mutable_playing()
                .build(),
            glib::ParamSpecUInt::builder("lookahead")
                .nick("Look-ahead")
                .blurb(
                    "How long frames are held back, in ms, so that what is covered now and seen \
                     later is copied from the later frames, if the model is shown views. It adds \
                     as much latency, and takes the memory of as many frames: for files",
                )
                .maximum(MOST_LOOKAHEAD)
                .default_value(Self::default().lookahead_ms)
                .mutable_playing()
                .build(),
            glib::ParamSpecString::builder("reference-file")
                .nick("Reference file")
                .blurb(
                    "Picture of the person, several separated by ':', or a folder of them, to copy \
                     from where the stream never shows the face uncovered, if the model is shown \
                     views; each goes to the face that it agrees with. None when empty",
                )
                .mutable_ready()
                .build(),
        ]
    }
}
