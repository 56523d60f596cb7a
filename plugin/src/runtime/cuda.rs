//! An NVIDIA GPU through CUDA and cuDNN.

use ort::ep::CUDA;
use ort::session::builder::SessionBuilder;

use super::choice::{AS_ASKED, Backend};
use super::{Library, Precision, words};

const FILE: &str = "libonnxruntime_providers_cuda.so";

pub struct Cuda;

impl Backend for Cuda {
    fn is_installed(&self, library: &Library) -> Result<(), String> {
        library.has_beside(FILE)
    }

    fn precision(&self, asked: Precision) -> Result<(Precision, String), String> {
        match asked {
            Precision::Auto => Ok((Precision::Fp32, "the model's own type".into())),
            Precision::Fp32 => Ok((asked, AS_ASKED.into())),
            Precision::Bf16 | Precision::Fp16 => Err(format!(
                "the CUDA provider computes in the model's own type, fp32, not in {asked}; \
                 TensorRT can"
            )),
        }
    }

    fn append(
        &self,
        _: &Library,
        builder: SessionBuilder,
        _: Precision,
    ) -> Result<SessionBuilder, String> {
        let provider = CUDA::default().build().error_on_failure();
        builder.with_execution_providers([provider]).map_err(words)
    }
}
