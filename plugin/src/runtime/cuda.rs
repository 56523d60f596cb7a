//! An NVIDIA GPU through CUDA and cuDNN.

use ort::ep::{CUDA, ExecutionProvider};
use ort::session::builder::SessionBuilder;

use super::backend::{AS_ASKED, Backend, Setup};
use super::{Library, Precision, RuntimeOptions, words};

const FILE: &str = "libonnxruntime_providers_cuda.so";

pub struct Cuda;

impl Backend for Cuda {
    fn name(&self) -> &'static str {
        CUDA::NAME
    }

    fn is_installed(&self, library: &Library) -> Result<(), String> {
        library.has_beside(FILE)
    }

    fn precision(&self, options: &RuntimeOptions) -> Result<(Precision, String), String> {
        match options.precision {
            Precision::Auto => Ok((Precision::Fp32, "the model's own type".into())),
            Precision::Fp32 => Ok((Precision::Fp32, AS_ASKED.into())),
            asked @ (Precision::Bf16 | Precision::Fp16) => Err(format!(
                "the CUDA provider computes in the model's own type, fp32, not in {asked}; \
                 TensorRT can"
            )),
        }
    }

    /// It compiles nothing: its kernels come with it.
    fn cache_version(&self, _: &Library) -> Option<String> {
        None
    }

    fn append(
        &self,
        _: &Library,
        builder: SessionBuilder,
        setup: &Setup,
    ) -> Result<SessionBuilder, String> {
        let provider = CUDA::default()
            .with_device_id(setup.device_index()?)
            .build()
            .error_on_failure();
        builder.with_execution_providers([provider]).map_err(words)
    }
}
