//! An NVIDIA GPU through TensorRT.

use ort::ep::TensorRT;
use ort::session::builder::SessionBuilder;

use super::choice::{AS_ASKED, Backend};
use super::{Library, Precision, words};

const FILE: &str = "libonnxruntime_providers_tensorrt.so";

pub struct TensorRt;

impl Backend for TensorRt {
    fn is_installed(&self, library: &Library) -> Result<(), String> {
        library.has_beside(FILE)
    }

    fn precision(&self, asked: Precision) -> Result<(Precision, String), String> {
        match asked {
            Precision::Auto => Ok((Precision::Fp32, "unless another one is asked for".into())),
            _ => Ok((asked, AS_ASKED.into())),
        }
    }

    fn append(
        &self,
        _: &Library,
        builder: SessionBuilder,
        precision: Precision,
    ) -> Result<SessionBuilder, String> {
        let provider = TensorRT::default()
            .with_fp16(precision == Precision::Fp16)
            .with_bf16(precision == Precision::Bf16)
            .build()
            .error_on_failure();
        builder.with_execution_providers([provider]).map_err(words)
    }
}
