//! ONNX Runtime: finding the library, and opening a model on the best execution provider there is.
//!
//! The library is looked for and loaded by the first [`ProviderChain`], never before: a plug-in whose
//! runtime is missing still loads and can be inspected. A failure is not remembered, so a later
//! one finds a library that was installed in between; a library once loaded stays for the
//! life of the process.

mod assignment;
mod backend;
mod cache;
mod cpu;
mod cpu_features;
mod cuda;
mod inspect;
mod library;
mod library_search;
mod log;
mod model;
pub(crate) mod net;
mod openvino;
mod provider_chain;
pub mod signature;
mod telemetry;
mod tensor;
mod tensorrt;
mod unwinder;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use cpu_features::{name as cpu_name, threads as cpu_threads, usable_cpus};
pub use library::{Library, LibraryError};
pub use library_search::{Place, own_folder};
pub use log::{Listener, Severity, listen};
pub use model::Model;
pub use net::NetError;
pub use provider_chain::{Candidate, ProviderChain};
pub use telemetry::switch_off as switch_telemetry_off;

/// The most crops that one run of a generator takes; providers that compile a model for certain
/// shapes prepare for 1 to this many.
pub const MAX_CROPS: usize = 8;

/// Where a model runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Provider {
    /// The first of TensorRT, CUDA, OpenVINO and CPU that works.
    #[default]
    Auto,
    /// ONNX Runtime's own kernels on the CPU.
    Cpu,
    /// OpenVINO; on the CPU where no other device is named.
    OpenVino,
    /// An NVIDIA GPU through CUDA and cuDNN.
    Cuda,
    /// An NVIDIA GPU through TensorRT.
    TensorRt,
}

/// The number format a model computes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// `bf16` with OpenVINO where the CPU has instructions for it, else `fp32`.
    #[default]
    Auto,
    /// 32-bit floats.
    Fp32,
    /// bfloat16: the range of `fp32` with 8 significant bits.
    Bf16,
    /// IEEE 754 half precision.
    Fp16,
}

/// What happens when the provider asked for, or its precision, cannot be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FallbackPolicy {
    /// Go down the list TensorRT, CUDA, OpenVINO, CPU; the CPU in `fp32` is the last resort.
    #[default]
    Next,
    /// Fail with the provider's own words.
    Error,
}

/// What the user asks of the runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeOptions {
    /// Execution provider.
    pub provider: Provider,
    /// Number format.
    pub precision: Precision,
    /// Whether others may stand in.
    pub fallback: FallbackPolicy,
    /// The index of a GPU for CUDA and TensorRT; CPU, GPU or NPU, and which one (`GPU.1`), for
    /// OpenVINO. The provider's default where it is not set.
    pub device: Option<String>,
    /// Threads for one inference on a CPU; one a physical core where it is not set.
    pub threads: Option<usize>,
    /// Where to keep compiled models; nowhere where it is not set.
    pub cache_dir: Option<PathBuf>,
    /// With whom this user takes turns in running the model.
    pub sessions: Sessions,
}

/// How many sessions a process has of one model. Users of one session take turns in running it and
/// have its weights in memory once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sessions {
    /// One for all, whatever the cores.
    #[default]
    One,
    /// As many as can run at once on this machine's cores; each new user takes part in the one with
    /// the fewest. One where a run uses all cores or a graphics card.
    AsCoresAllow,
    /// One for this user alone.
    Own,
}

/// What a model was opened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveProvider {
    /// Never [`Provider::Auto`].
    pub provider: Provider,
    /// Never [`Precision::Auto`].
    pub precision: Precision,
}

/// One provider that was considered, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Never [`Provider::Auto`].
    pub provider: Provider,
    /// Whether the model runs on it.
    pub taken: bool,
    /// Why it was not taken, in the provider's own words where it spoke, or why it was.
    pub reason: String,
}

/// A model cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// There is no usable ONNX Runtime.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The provider asked for cannot run the model, and no other may stand in.
    #[error(
        "the execution provider '{provider}' cannot be used: {reason}. Choose another one, or let \
         the next one stand in (fallback policy 'next')"
    )]
    Provider {
        /// The provider asked for.
        provider: Provider,
        /// Its own words.
        reason: String,
    },
    /// No provider has the precision asked for, and no other may stand in.
    #[error(
        "no execution provider can compute in {precision} here: {}. Choose another precision, or \
         let the CPU stand in with fp32 (fallback policy 'next')",
        list(attempts)
    )]
    Precision {
        /// The precision asked for.
        precision: Precision,
        /// What was considered.
        attempts: Vec<Attempt>,
    },
    /// ONNX Runtime does not accept the model.
    #[error(
        "ONNX Runtime cannot load the model ({bytes} bytes): {reason}. The file is damaged, is not \
         an ONNX model, or needs a newer ONNX Runtime"
    )]
    Model {
        /// Size of the model.
        bytes: usize,
        /// ONNX Runtime's words.
        reason: String,
    },
    /// The machine, or what it allows the process, does not suffice for the model.
    #[error(
        "there is not enough memory, or there may be no more threads, to run the model ({bytes} \
         bytes): {reason}. Close other programs, take a smaller model or fewer threads \
         (num-threads), or raise the limits of the process (ulimit, control group)"
    )]
    Shortage {
        /// Size of the model.
        bytes: usize,
        /// ONNX Runtime's words.
        reason: String,
    },
    /// There is no folder for compiled models.
    #[error(
        "the folder {} for compiled models cannot be made: {reason}. Choose another folder to keep \
         them in, or none",
        folder.display()
    )]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
}

impl RuntimeError {
    /// That a model of `bytes` bytes fails on the CPU for `reason`, ONNX Runtime's words. Its error
    /// codes do not tell a damaged model from a machine that is too small.
    pub(crate) fn of_model(bytes: usize, reason: String) -> Self {
        const SHORTAGES: [&str; 8] = [
            "bad_alloc",
            "bad allocation",
            "failed to allocate memory",
            "cannot allocate memory",
            "out of memory",
            "resource temporarily unavailable",
            "pthread_create",
            "std::length_error",
        ];
        let words = reason.to_ascii_lowercase();
        match SHORTAGES.iter().any(|shortage| words.contains(shortage)) {
            true => Self::Shortage { bytes, reason },
            false => Self::Model { bytes, reason },
        }
    }
}

/// Opens `model`, the bytes of an ONNX file, on the first provider that `options` allow and that
/// takes it. [`ProviderChain`] does the same step by step.
///
/// # Errors
/// [`RuntimeError`].
pub fn open(model: &[u8], options: &RuntimeOptions) -> Result<Arc<Model>, RuntimeError> {
    ProviderChain::new(options)?.next(model, &mut |_| ())
}

/// What `text`, a model file's bytes or anything else, is known by: SHA-256 in hexadecimal digits.
pub fn digest(text: impl AsRef<[u8]>) -> String {
    cache::hex(&Sha256::digest(text))
}

impl Provider {
    /// All that a model can run on, from the fastest to the one that is always there.
    pub const ALL: [Self; 4] = [Self::TensorRt, Self::Cuda, Self::OpenVino, Self::Cpu];
}

impl Precision {
    /// All that a model can compute in.
    pub const ALL: [Self; 3] = [Self::Fp32, Self::Bf16, Self::Fp16];
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::OpenVino => "openvino",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
        })
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Fp32 => "fp32",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
        })
    }
}

impl fmt::Display for ActiveProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.provider, self.precision)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.taken { "taken" } else { "not taken" };
        write!(f, "{} {verdict}: {}", self.provider, self.reason)
    }
}

/// The runtime's own words, without the full stop or line end that some of its messages close with.
fn words(error: impl fmt::Display) -> String {
    error.to_string().trim_end_matches(['.', '\n']).to_owned()
}

fn list(attempts: &[Attempt]) -> String {
    let lines: Vec<String> = attempts.iter().map(Attempt::to_string).collect();
    lines.join("; ")
}
