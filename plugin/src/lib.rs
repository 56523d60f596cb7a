//! GStreamer plug-in with the element `mdecomplete`, which completes missing parts of faces and
//! pictures in video with a neural generator.
//!
//! Words that mean one thing each here:
//!
//! - a *cover* hides a part of a face: a hand, a bar, a mask that is worn;
//! - *damage* is what is lost of the frame, told in its pixels, whatever they show;
//! - an *occlusion* is a named part of the aligned face that is to be completed;
//! - a *hole* is the pixels to be replaced, with their blend weights;
//! - a *mask* is 1 where a pixel is known (in picture files it is white where one is missing);
//! - a *view* is another look at the same face, from which the generator copies.

use std::sync::LazyLock;

use gst::glib;

#[cfg(feature = "analytics")]
mod analytics;
mod blur;
pub mod completer;
pub mod covers;
pub mod damage;
mod distance;
pub mod element;
mod file;
mod findings;
pub mod finish;
pub mod frame;
pub mod locate;
pub mod missing;
mod one_euro;
mod parts;
mod pass;
mod picture;
pub mod refine;
pub mod runtime;
pub mod scene;
#[cfg(test)]
#[path = "../tests/common/skip.rs"]
mod skip;
pub mod views;

/// The category of all that the plug-in logs.
pub(crate) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "mdecomplete",
        gst::DebugColorFlags::empty(),
        Some("Completion of missing picture parts"),
    )
});

fn plugin_init(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    runtime::switch_telemetry_off();
    element::register(plugin)
}

pub use descriptor::plugin_register_static;

/// What GStreamer looks for in the library.
mod descriptor {
    #![allow(missing_docs, reason = "the macro does not document what it makes")]

    use super::plugin_init;

    gst::plugin_define!(
        mdecomplete,
        env!("CARGO_PKG_DESCRIPTION"),
        plugin_init,
        concat!(env!("CARGO_PKG_VERSION"), "-", env!("COMMIT_ID")),
        "MPL-2.0",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_REPOSITORY"),
        env!("BUILD_REL_DATE")
    );
}
