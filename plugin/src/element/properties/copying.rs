//! The properties of what completions are copied from.

use std::time::Duration;

use gst::glib;
use gst::prelude::*;

use super::settings::of;

/// What completions are copied from; may change between any two frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copying {
    memory_ms: u32,
}

impl Default for Copying {
    fn default() -> Self {
        Self {
            memory_ms: 10 * 60 * 1000,
        }
    }
}

impl Copying {
    /// How long a look at a face is kept; 0 for not at all.
    pub fn memory(&self) -> Duration {
        Duration::from_millis(self.memory_ms.into())
    }

    /// Takes over the new value of the property `name`; false where it is none of these.
    pub fn set(&mut self, name: &str, value: &glib::Value) -> bool {
        match name {
            "memory" => self.memory_ms = of(value),
            _ => return false,
        }
        true
    }

    /// The value of the property `name`, if it is one of these.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        (name == "memory").then(|| self.memory_ms.to_value())
    }

    /// The descriptions of the properties.
    pub fn properties() -> [glib::ParamSpec; 2] {
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
