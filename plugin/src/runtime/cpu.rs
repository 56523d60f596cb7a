//! ONNX Runtime's own kernels on the CPU.

use ort::ep::{CPU, ExecutionProvider};
use ort::session::builder::SessionBuilder;

use super::choice::{AS_ASKED, Backend};
use super::{Library, Precision, words};

pub struct Cpu;

impl Backend for Cpu {
    fn is_installed(&self, _: &Library) -> Result<(), String> {
        Ok(())
    }

    fn precision(&self, asked: Precision) -> Result<(Precision, String), String> {
        match asked {
            Precision::Auto => Ok((Precision::Fp32, "the one format of the CPU provider".into())),
            Precision::Fp32 => Ok((Precision::Fp32, AS_ASKED.into())),
            Precision::Bf16 | Precision::Fp16 => Err(format!(
                "the CPU provider computes in fp32 only, not in {asked}"
            )),
        }
    }

    fn append(
        &self,
        library: &Library,
        builder: SessionBuilder,
        _: Precision,
    ) -> Result<SessionBuilder, String> {
        // Named, not left to the default: once a plug-in provider is registered, a session without
        // a provider of its own is given one by a device policy.
        let device = library
            .environment()
            .devices()
            .find(|device| device.ep().is_ok_and(|name| name == CPU::NAME))
            .ok_or("ONNX Runtime lists no CPU device")?;
        builder.with_devices([device], None).map_err(words)
    }
}
