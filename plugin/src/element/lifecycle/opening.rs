//! Opening the models and the mask picture: telling the application how far it is, with errors for
//! the bus.

use std::path::Path;
use std::time::Instant;

use gst::subclass::prelude::*;

use super::model;
use crate::completer::{Completer, CompleterError, ModelSource};
use crate::element::MdeComplete;
use crate::element::bus::messages;
use crate::element::properties::{ModelSettings, RegionSource};
use crate::locate::Locator;
use crate::missing::{self, FittedMask};
use crate::runtime::RuntimeError;
use crate::views::reference::{self, Reference, ReferenceError};

/// The generator that the plug-in carries with it.
static EMBEDDED_MODEL: &[u8] = include_bytes!("../../../models/face.onnx");

/// What the model is called in the statistics.
pub fn model_name(settings: &ModelSettings) -> String {
    match &settings.model_file {
        Some(file) => file.display().to_string(),
        None => "embedded".to_owned(),
    }
}

/// Opens the generator that `settings` name, for regions from `region`, and tells the application
/// how far it is. This may take long: some providers compile the model.
pub fn open_completer(
    element: &MdeComplete,
    settings: &ModelSettings,
    region: RegionSource,
) -> Result<Completer, gst::ErrorMessage> {
    let source = match &settings.model_file {
        Some(file) => ModelSource::File(file.clone()),
        None => ModelSource::Memory(EMBEDDED_MODEL.into()),
    };
    let start = Instant::now();
    let completer = Completer::open(
        source,
        settings.config(region, &element.imp().interrupt),
        &mut |step| {
            model::post(element, messages::progress(step, start));
        },
    )
    .map_err(|error| message(settings.model_file.as_deref(), &error))?;
    model::post(element, messages::ready(&completer, start));
    Ok(completer)
}

/// What finds the faces for `region=faces`.
pub fn open_locator() -> Result<Locator, gst::ErrorMessage> {
    Locator::open().map_err(|e| {
        gst::error_msg!(
            gst::ResourceError::NotFound,
            (
                "region=faces cannot find faces: {}. Or set region to full-frame or roi-list",
                e
            )
        )
    })
}

/// The mask picture `file`; none where there is none.
pub fn open_mask(file: Option<&Path>) -> Result<Option<FittedMask>, gst::ErrorMessage> {
    let picture = file.map(missing::read).transpose();
    picture
        .map(|picture| picture.map(FittedMask::new))
        .map_err(|e| gst::error_msg!(gst::ResourceError::Read, ("{}", e)))
}

/// The reference pictures that `names` stand for, and why others of them cannot be used; an error
/// where none can.
pub fn open_references(
    names: Option<&str>,
) -> Result<(Vec<Reference>, Vec<ReferenceError>), gst::ErrorMessage> {
    let useless = |error: ReferenceError| {
        gst::error_msg!(gst::ResourceError::Read, ("reference-file: {}", error))
    };
    let files = reference::files(names.unwrap_or_default()).map_err(useless)?;
    if files.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut locator = Locator::open().map_err(|e| {
        gst::error_msg!(
            gst::ResourceError::NotFound,
            (
                "reference-file: the face in a picture cannot be found: {}",
                e
            )
        )
    })?;
    let (mut references, mut faults) = (Vec::new(), Vec::new());
    for file in files {
        match Reference::open(&file, &mut locator) {
            Ok(reference) => references.push(reference),
            Err(fault) => faults.push(fault),
        }
    }
    match faults.pop() {
        Some(last) if references.is_empty() => Err(useless(last)),
        last => {
            faults.extend(last);
            Ok((references, faults))
        }
    }
}

/// Errors that are not the model's are told as they are.
fn message(file: Option<&Path>, error: &CompleterError) -> gst::ErrorMessage {
    let what = match file {
        Some(file) => format!("model-file {} cannot be used", file.display()),
        None => "The embedded model cannot be used".to_owned(),
    };
    match error {
        CompleterError::Read { .. } => gst::error_msg!(
            gst::ResourceError::OpenRead,
            (
                "model-file {}. Set it to an ONNX file exported by mde-train, or leave it empty \
                 for the embedded model",
                error
            )
        ),
        CompleterError::Runtime(RuntimeError::Library(e)) => {
            gst::error_msg!(gst::LibraryError::Init, ("{}", e))
        }
        CompleterError::Runtime(
            e @ (RuntimeError::Provider { .. }
            | RuntimeError::Precision { .. }
            | RuntimeError::Cache { .. }),
        ) => {
            gst::error_msg!(gst::LibraryError::Settings, ("{}", e))
        }
        _ => gst::error_msg!(gst::ResourceError::Read, ("{}: {}", what, error)),
    }
}
