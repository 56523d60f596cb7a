//! The one ONNX Runtime library of the process and its environment.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use ort::environment::Environment;

use super::backend::backend;
use super::library_search::{self, Failure, LibrarySearch, Place};
use super::log;
use super::model::OpenModels;
use super::{Provider, telemetry, unwinder};

/// There is no usable ONNX Runtime.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The environment names a file that cannot be used.
    #[error(
        "{} names {place}. Set it to a libonnxruntime.so of version 1.{} or later, or unset it to \
         have the usual places searched",
        library_search::VARIABLE,
        ort::MINOR_VERSION
    )]
    Named {
        /// The file and what is wrong with it.
        place: Place,
    },
    /// None of the usual places has a usable library.
    #[error(
        "ONNX Runtime (libonnxruntime.so, version 1.{} or later) was not found. Looked at:{}\n\
         Run `make setup` in the source tree, or install the Python package onnxruntime and set \
         {} to the file libonnxruntime.so.1.* in its folder onnxruntime/capi",
        ort::MINOR_VERSION,
        list(places),
        library_search::VARIABLE
    )]
    NotFound {
        /// Each place and why nothing there can be used.
        places: Vec<Place>,
    },
    /// A library was found, but does not start.
    #[error("ONNX Runtime {version} at {} does not start: {reason}", path.display())]
    Start {
        /// The library file.
        path: PathBuf,
        /// Its version.
        version: String,
        /// Its own words.
        reason: String,
    },
}

/// The ONNX Runtime library that this process has loaded.
#[derive(Debug)]
pub struct Library {
    path: PathBuf,
    version: String,
    environment: Environment,
    openvino: Mutex<bool>,
    models: OpenModels,
}

impl Library {
    /// The library file, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// As the library gives it, such as `1.32.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Tells this library, with the OpenVINO beside it, from any other release.
    pub fn release(&self) -> String {
        let openvino = backend(Provider::OpenVino).cache_version(self);
        openvino.unwrap_or_else(|| format!("ort{}", self.version))
    }

    /// The second number of the version.
    pub(super) fn minor(&self) -> u32 {
        let minor = self.version.split('.').nth(1);
        minor.and_then(|minor| minor.parse().ok()).unwrap_or(0)
    }

    /// A sentence on the file that the environment names by now, where it is not the one loaded.
    pub fn note_if_not_asked_for(&self) -> Option<String> {
        let named = library_search::named()?;
        let same = named.canonicalize().is_ok_and(|file| file == self.path);
        (!same).then(|| {
            format!(
                "{} names {}, but this process has loaded {} before and keeps it; start a new \
                 process to change it",
                library_search::VARIABLE,
                named.display(),
                self.path.display()
            )
        })
    }

    /// Whether `file` lies in the library's folder, where it looks for its own providers.
    pub(super) fn has_beside(&self, file: &str) -> Result<(), String> {
        let path = self.path.with_file_name(file);
        if path.is_file() {
            return Ok(());
        }
        Err(format!("{} does not exist", path.display()))
    }

    /// The models open in this process.
    pub(super) fn models(&self) -> &OpenModels {
        &self.models
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Runs `register` unless an earlier call succeeded: the environment refuses to register an
    /// execution provider twice.
    pub(super) fn register_openvino_once(
        &self,
        register: impl FnOnce(&Environment) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut done = self.openvino.lock().unwrap_or_else(PoisonError::into_inner);
        if !*done {
            register(&self.environment)?;
            *done = true;
        }
        Ok(())
    }
}

/// The library, loaded by the first call that finds one.
pub(super) fn load() -> Result<&'static Library, LibraryError> {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    static LOADING: Mutex<()> = Mutex::new(());

    if let Some(library) = LIBRARY.get() {
        return Ok(library);
    }
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = LIBRARY.get() {
        return Ok(library);
    }
    let loaded = start()?;
    Ok(LIBRARY.get_or_init(|| loaded))
}

fn start() -> Result<Library, LibraryError> {
    telemetry::switch_off();
    let found = LibrarySearch::from_environment()
        .run()
        .map_err(|failure| match failure {
            Failure::Named(place) => LibraryError::Named { place },
            Failure::Nowhere(places) => LibraryError::NotFound { places },
        })?;
    let not_started = |reason: String| LibraryError::Start {
        path: found.path.clone(),
        version: found.version.clone(),
        reason,
    };
    unwinder::reconcile(&found.path, &[]).map_err(not_started)?;
    let environment = ort::init_from(&found.path)
        .map_err(|e| not_started(e.to_string()))?
        .with_name("mdecomplete")
        .with_telemetry(false)
        .with_logger(log::logger())
        .build()
        .map_err(|e| not_started(e.to_string()))?;
    environment.set_log_level(log::level());
    // `ort` has it loaded by now, for the rest of the process.
    drop(found.library);
    Ok(Library {
        path: found.path,
        version: found.version,
        environment,
        openvino: Mutex::new(false),
        models: OpenModels::default(),
    })
}

fn list(places: &[Place]) -> String {
    places.iter().map(|place| format!("\n  {place}")).collect()
}
