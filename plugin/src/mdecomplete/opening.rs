//! Opening the models and the mask picture, with errors for the bus.

use std::path::Path;

use super::settings::ModelSettings;
use crate::completer::{Completer, CompleterError};
use crate::damage::{self, FittedMask};
use crate::locate::Detector;
use crate::runtime::RuntimeError;

/// The generator that the plug-in carries with it.
static EMBEDDED_MODEL: &[u8] = include_bytes!("../../models/face.onnx");

/// What the model is called in the statistics.
pub fn model_name(settings: &ModelSettings) -> String {
    match &settings.model_file {
        Some(file) => file.display().to_string(),
        None => "embedded".to_owned(),
    }
}

/// The generator that `settings` ask for.
pub fn open_completer(settings: &ModelSettings) -> Result<Completer, gst::ErrorMessage> {
    let options = settings.options();
    let Some(file) = &settings.model_file else {
        return Completer::new(EMBEDDED_MODEL, &options)
            .map_err(|e| completer_error("The embedded model cannot be used", &e));
    };
    let file_name = file.display();
    let model = std::fs::read(file).map_err(|e| {
        gst::error_msg!(
            gst::ResourceError::OpenRead,
            (
                "model-file {} cannot be read: {}. Set it to an ONNX file exported by mde-train, \
                 or leave it empty for the embedded model",
                file_name,
                e
            )
        )
    })?;
    Completer::new(&model, &options)
        .map_err(|e| completer_error(&format!("model-file {file_name} cannot be used"), &e))
}

/// `what` names the model; errors that are not the model's are told as they are.
fn completer_error(what: &str, error: &CompleterError) -> gst::ErrorMessage {
    match error {
        CompleterError::Runtime(RuntimeError::Library(e)) => {
            gst::error_msg!(gst::LibraryError::Init, ("{}", e))
        }
        CompleterError::Runtime(
            e @ (RuntimeError::Provider { .. } | RuntimeError::Precision { .. }),
        ) => {
            gst::error_msg!(gst::LibraryError::Settings, ("{}", e))
        }
        _ => gst::error_msg!(gst::ResourceError::Read, ("{}: {}", what, error)),
    }
}

/// The detector for `region=faces`.
pub fn open_detector() -> Result<Detector, gst::ErrorMessage> {
    Detector::open().map_err(|e| {
        gst::error_msg!(
            gst::ResourceError::NotFound,
            (
                "region=faces needs a face detector: {}. Or set region to full-frame or roi-list",
                e
            )
        )
    })
}

/// The mask picture `file`; none where there is none.
pub fn open_mask(file: Option<&Path>) -> Result<Option<FittedMask>, gst::ErrorMessage> {
    let picture = file.map(damage::read).transpose();
    picture
        .map(|picture| picture.map(FittedMask::new))
        .map_err(|e| gst::error_msg!(gst::ResourceError::Read, ("{}", e)))
}
