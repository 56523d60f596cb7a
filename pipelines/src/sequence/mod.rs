//! Sequences of numbered pictures, as film scanners write them: a file a frame.

mod dpx;
mod linear;
mod pattern;
mod pictures;
mod rate;
mod writer;

pub use pattern::{Pattern, whole};
pub use pictures::Pictures;
pub use rate::Rate;
pub use writer::Writer;

use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;

use crate::Error;

/// Why pictures could not be read or written while a pipeline ran: its element can post words alone.
#[derive(Clone, Debug, Default)]
pub struct Fault(Arc<Mutex<Option<Error>>>);

impl Fault {
    /// Ends the pipeline of `element` for the reason `error`.
    pub fn end(&self, element: &impl IsA<gst::Element>, error: Error) {
        let words = error.to_string();
        let mut fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fault.get_or_insert(error);
        drop(fault);
        gst::element_error!(element, gst::StreamError::Failed, ["{words}"]);
    }

    /// Why the pipeline ended, where that was here; else `error`.
    pub fn or(&self, error: Error) -> Error {
        let mut fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fault.take().unwrap_or(error)
    }
}
