//! The element `mdecomplete`: its GObject and nothing else. `properties` says what is asked for,
//! `lifecycle` opens, replaces and closes what a stream needs, `bus` has what is told to the
//! application. What becomes of a frame is `pass`'s.

mod bus;
mod imp;
mod lifecycle;
mod properties;

use gst::glib;
use gst::prelude::*;

pub use properties::{
    CoverKinds, DamagedChannels, DetectionMode, ExecutionProvider, FallbackPolicy, LatePolicy,
    ModelMask, ModelRange, Occlusions, Overlay, Precision, RegionSource,
};

use crate::{CAT, runtime};

glib::wrapper! {
    /// Completes missing parts of faces and pictures in video.
    pub struct MdeComplete(ObjectSubclass<imp::MdeComplete>)
        @extends gst_video::VideoFilter, gst_base::BaseTransform, gst::Element, gst::Object;
}

/// Registers the element.
///
/// # Errors
/// As [`gst::Element::register`].
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    runtime::listen(log_of_runtime);
    gst::Element::register(
        Some(plugin),
        "mdecomplete",
        gst::Rank::NONE,
        MdeComplete::static_type(),
    )
}

/// Hands what ONNX Runtime says to GStreamer's log.
fn log_of_runtime(severity: runtime::Severity, message: &str) {
    let level = match severity {
        runtime::Severity::Error => gst::DebugLevel::Error,
        runtime::Severity::Remark => gst::DebugLevel::Info,
        runtime::Severity::Detail => gst::DebugLevel::Debug,
        runtime::Severity::Trace => gst::DebugLevel::Trace,
    };
    gst::log_with_level!(CAT, level, "ONNX Runtime: {message}");
}
