//! Finding the element.

use std::path::PathBuf;

use crate::{Error, Result};

/// The name of the element.
pub const ELEMENT: &str = "mdecomplete";

const LIBRARY: &str = "libgstmdecomplete.so";

/// Starts GStreamer and makes the element known. A plug-in that `GST_PLUGIN_PATH` names wins over
/// one that was built beside this program, and that over an installed one.
///
/// # Errors
/// If there is none, or it cannot be loaded.
pub fn load() -> Result<()> {
    gst::init()?;
    if let Some(built) = built().filter(|_| !is_named()) {
        gst::Plugin::load_file(&built)
            .map_err(|e| Error::Pipeline(format!("{}: {}", built.display(), e.message())))?;
    }
    match gst::ElementFactory::find(ELEMENT) {
        Some(_) => Ok(()),
        None => Err(Error::Pipeline(format!(
            "GStreamer does not find the element {ELEMENT}: run 'make build' or 'make install'"
        ))),
    }
}

/// An instance of the element.
///
/// # Errors
/// If the plug-in is broken.
pub fn element() -> Result<gst::Element> {
    Ok(gst::ElementFactory::make(ELEMENT).build()?)
}

/// The plug-in beside this program, as cargo leaves them.
fn built() -> Option<PathBuf> {
    let file = std::env::current_exe().ok()?.with_file_name(LIBRARY);
    file.is_file().then_some(file)
}

/// Whether the environment names a folder with the plug-in.
fn is_named() -> bool {
    let folders = std::env::var_os("GST_PLUGIN_PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(LIBRARY).is_file())
}
