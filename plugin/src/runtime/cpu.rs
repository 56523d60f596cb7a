//! ONNX Runtime's own kernels on the CPU.

use ort::ep::{CPU, ExecutionProvider};
use ort::session::builder::SessionBuilder;

use super::backend::{AS_ASKED, Backend, Setup};
use super::{Library, Precision, RuntimeOptions, words};

pub struct Cpu;

impl Backend for Cpu {
    fn name(&self) -> &'static str {
        CPU::NAME
    }

    fn is_installed(&self, _: &Library) -> Result<(), String> {
        Ok(())
    }

    fn precision(&self, options: &RuntimeOptions) -> Result<(Precision, String), String> {
        match options.precision {
            Precision::Auto => Ok((Precision::Fp32, "the one format of the CPU provider".into())),
            Precision::Fp32 => Ok((Precision::Fp32, AS_ASKED.into())),
            asked @ (Precision::Bf16 | Precision::Fp16) => Err(format!(
                "the CPU provider computes in fp32 only, not in {asked}"
            )),
        }
    }

    /// It compiles nothing. To load the graph as its optimiser left it would save 18 of 44 ms at
    /// the start with the embedded generator, for a file of twice the model's size.
    fn cache_version(&self, _: &Library) -> Option<String> {
        None
    }

    fn append(
        &self,
        library: &Library,
        builder: SessionBuilder,
        _: &Setup,
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
