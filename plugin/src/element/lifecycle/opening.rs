//! Opening the models and the pictures, with errors that name the property and what to do.

use std::path::Path;

use crate::completer::{Completer, CompleterError, Interrupt, ModelSource, Step};
use crate::covers::CoverNet;
use crate::element::properties::{ModelSettings, RegionSource, Settings};
use crate::locate::Locator;
use crate::missing::{self, FittedMask};
use crate::refine::{Prototypes, PrototypesError, RefineNet, Refiner};
use crate::runtime::{NetError, RuntimeError};
use crate::scene::Restorer;
use crate::views::reference::{self, Reference, ReferenceError};

/// The generator that the plug-in carries with it.
static EMBEDDED_MODEL: &[u8] = include_bytes!("../../../models/face.onnx");

/// The net that finds covers, likewise.
static EMBEDDED_COVERS: &[u8] = include_bytes!("../../../models/covers.onnx");

/// The net that refines, likewise.
static EMBEDDED_REFINER: &[u8] = include_bytes!("../../../models/refine.onnx");
/// What faces look like, likewise.
static EMBEDDED_PROTOTYPES: &[u8] = include_bytes!("../../../models/prototypes.png");

/// The generator of scenes, likewise.
static EMBEDDED_SCENES: &[u8] = include_bytes!("../../../models/scene.onnx");

/// What a property asks for cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct OpenError {
    kind: Kind,
    text: String,
}

/// What the application is told is at fault.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// ONNX Runtime is not to be had.
    Library,
    /// It cannot do what is asked of it.
    LibrarySettings,
    /// A file cannot be read.
    File,
    /// What is in a file cannot be used.
    Content,
    /// The models that find faces are not to be had.
    Locator,
}

impl From<OpenError> for gst::ErrorMessage {
    fn from(OpenError { kind, text }: OpenError) -> Self {
        match kind {
            Kind::Library => gst::error_msg!(gst::LibraryError::Init, ("{}", text)),
            Kind::LibrarySettings => gst::error_msg!(gst::LibraryError::Settings, ("{}", text)),
            Kind::File => gst::error_msg!(gst::ResourceError::OpenRead, ("{}", text)),
            Kind::Content => gst::error_msg!(gst::ResourceError::Read, ("{}", text)),
            Kind::Locator => gst::error_msg!(gst::ResourceError::NotFound, ("{}", text)),
        }
    }
}

/// What the model is called in the statistics.
pub fn model_name(settings: &ModelSettings) -> String {
    match &settings.model_file {
        Some(file) => file.display().to_string(),
        None => "embedded".to_owned(),
    }
}

/// Opens the generator that `settings` name, for regions from `region`; `watch` is told the steps,
/// and `interrupt` ends its waits for other elements.
/// This may take long: some providers compile the model.
pub fn open_completer(
    settings: &ModelSettings,
    region: RegionSource,
    interrupt: &Interrupt,
    watch: &mut dyn FnMut(Step),
) -> Result<Completer, OpenError> {
    let source = match &settings.model_file {
        Some(file) => ModelSource::File(file.clone()),
        None => ModelSource::Memory(EMBEDDED_MODEL.into()),
    };
    Completer::open(source, settings.config(region, interrupt), watch)
        .map_err(|error| why("model-file", settings.model_file.as_deref(), &error))
}

/// What finds the faces for `region=faces`.
pub fn open_locator() -> Result<Locator, OpenError> {
    Locator::open().map_err(|e| OpenError {
        kind: Kind::Locator,
        text: format!(
            "region=faces cannot find faces: {e}. Or set region to full-frame or roi-list"
        ),
    })
}

/// What finds covers for `occlusion=auto`: the net in `file`, or the embedded one.
pub fn open_cover_net(file: Option<&Path>) -> Result<CoverNet, OpenError> {
    let net = match file {
        Some(file) => CoverNet::open(file),
        None => CoverNet::of_bytes(EMBEDDED_COVERS),
    };
    net.map_err(|error| {
        let net = (
            "cover-model",
            "The embedded net that finds covers",
            "covers",
        );
        why_no_net(net, file, &error)
    })
}

/// Why the net in `file` cannot be used, of which are given the property that names it, what the embedded
/// one is called, and the command of the trainer that makes it.
fn why_no_net(
    (property, embedded, command): (&str, &str, &str),
    file: Option<&Path>,
    error: &NetError,
) -> OpenError {
    let what_to_do = format!("Set it to an ONNX file exported by mde-train {command} export");
    let what = match file {
        Some(file) => format!("{property} {}", file.display()),
        None => embedded.to_owned(),
    };
    let (kind, text) = match error {
        NetError::Runtime(RuntimeError::Library(e)) => (Kind::Library, e.to_string()),
        NetError::Read { .. } => (Kind::File, format!("{property} {error}. {what_to_do}")),
        _ => (
            Kind::Content,
            format!("{what} cannot be used: {error}. {what_to_do}"),
        ),
    };
    OpenError { kind, text }
}

/// What refines: the net and the prototypes in the files that `settings` name, or the embedded ones.
pub fn open_refiner(settings: &Settings) -> Result<Refiner, OpenError> {
    let (file, threads) = (settings.refine_model.as_deref(), settings.model.threads());
    let net = match file {
        Some(file) => RefineNet::open(file, threads),
        None => RefineNet::of_bytes(EMBEDDED_REFINER, threads),
    };
    let net = net.map_err(|error| {
        let net = ("refine-model", "The embedded net that refines", "refine");
        why_no_net(net, file, &error)
    })?;
    Ok(Refiner {
        net,
        prototypes: open_prototypes(settings.prototype_file.as_deref())?,
    })
}

/// The prototypes in `file`, or the embedded ones.
fn open_prototypes(file: Option<&Path>) -> Result<Prototypes, OpenError> {
    let prototypes = match file {
        Some(file) => Prototypes::open(file),
        None => Prototypes::of_bytes(EMBEDDED_PROTOTYPES),
    };
    prototypes.map_err(|error| {
        let kind = match error {
            PrototypesError::Read(_) => Kind::File,
            PrototypesError::Decode(_) | PrototypesError::Other(_) => Kind::Content,
        };
        let what = match file {
            Some(file) => format!("prototype-file {}", file.display()),
            None => "The embedded picture of prototypes".to_owned(),
        };
        let what_to_do = "Set it to a picture that mde-train prototypes wrote, or leave it empty";
        OpenError {
            kind,
            text: format!("{what} cannot be used: {error}. {what_to_do}"),
        }
    })
}

/// What restores whole frames: the generator of scenes in `file`, or the embedded one, where the
/// generator of `settings` runs.
pub fn open_restorer(settings: &ModelSettings, file: Option<&Path>) -> Result<Restorer, OpenError> {
    let source = match file {
        Some(file) => ModelSource::File(file.to_owned()),
        None => ModelSource::Memory(EMBEDDED_SCENES.into()),
    };
    let completer = Completer::open(source, settings.scene_config(), &mut |_| ());
    let completer = completer.map_err(|error| why("scene-model", file, &error))?;
    match completer.takes_views() {
        true => Err(OpenError {
            kind: Kind::Content,
            text:
                "scene-model is a generator of faces, which is shown views of them. Set it to an \
                   ONNX file exported by mde-train scenes export"
                    .to_owned(),
        }),
        false => Ok(Restorer::new(completer)),
    }
}

/// The mask picture `file`; none where there is none.
pub fn open_mask(file: Option<&Path>) -> Result<Option<FittedMask>, OpenError> {
    let picture = file.map(missing::read).transpose();
    picture
        .map(|picture| picture.map(FittedMask::new))
        .map_err(|e| OpenError {
            kind: Kind::Content,
            text: e.to_string(),
        })
}

/// What finds faces in the stream and covers before them, if they are asked for, and what is found in
/// pictures.
#[derive(Debug)]
pub struct Finding {
    pub locator: Option<Locator>,
    pub cover_net: Option<CoverNet>,
    pub refiner: Option<Refiner>,
    pub references: Vec<Reference>,
    /// Why others of these cannot be used.
    pub faults: Vec<ReferenceError>,
}

/// Opens what finds the faces and covers that `settings` ask for, and the reference pictures that
/// they name.
pub fn open_finding(settings: &Settings) -> Result<Finding, OpenError> {
    let locator = match settings.frame.region {
        RegionSource::Faces => Some(open_locator()?),
        RegionSource::RoiList | RegionSource::FullFrame => None,
    };
    let looks_for_covers = settings.frame.looks_for_covers();
    let cover_net = looks_for_covers.then(|| open_cover_net(settings.cover_model.as_deref()));
    let refines = settings.frame.blending.refine;
    let refiner = refines.then(|| open_refiner(settings));
    let (references, faults) = open_references(settings.reference_file.as_deref())?;
    Ok(Finding {
        locator,
        cover_net: cover_net.transpose()?,
        refiner: refiner.transpose()?,
        references,
        faults,
    })
}

/// The reference pictures that `names` stand for, and why others of them cannot be used; an error
/// where none can.
fn open_references(
    names: Option<&str>,
) -> Result<(Vec<Reference>, Vec<ReferenceError>), OpenError> {
    let useless = |error: ReferenceError| OpenError {
        kind: Kind::Content,
        text: format!("reference-file: {error}"),
    };
    let files = reference::files(names.unwrap_or_default()).map_err(useless)?;
    if files.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut locator = Locator::open().map_err(|e| OpenError {
        kind: Kind::Locator,
        text: format!("reference-file: the face in a picture cannot be found: {e}"),
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

/// Why the generator in `file`, which `property` names, cannot be used. Errors that are not the
/// model's are told as they are.
fn why(property: &str, file: Option<&Path>, error: &CompleterError) -> OpenError {
    let what = match file {
        Some(file) => format!("{property} {} cannot be used", file.display()),
        None => format!("The embedded {property} cannot be used"),
    };
    let (kind, text) = match error {
        CompleterError::Read { .. } => (
            Kind::File,
            format!(
                "{property} {error}. Set it to an ONNX file exported by mde-train, or leave it \
                 empty for the embedded model"
            ),
        ),
        CompleterError::Runtime(RuntimeError::Library(e)) => (Kind::Library, e.to_string()),
        CompleterError::Runtime(
            e @ (RuntimeError::Provider { .. }
            | RuntimeError::Precision { .. }
            | RuntimeError::Cache { .. }),
        ) => (Kind::LibrarySettings, e.to_string()),
        _ => (Kind::Content, format!("{what}: {error}")),
    };
    OpenError { kind, text }
}
