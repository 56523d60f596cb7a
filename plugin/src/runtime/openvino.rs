//! OpenVINO on the CPU: the plug-in execution provider of the Python package
//! onnxruntime-ep-openvino, a library apart from ONNX Runtime.

use std::path::PathBuf;

use ort::memory::DeviceType;
use ort::session::builder::SessionBuilder;

use super::choice::{AS_ASKED, Backend};
use super::{Library, Precision, cpu_features, words};

const NAME: &str = "OpenVINOExecutionProvider";
const FILE: &str = "libonnxruntime_providers_openvino_plugin.so";

pub struct OpenVino;

impl Backend for OpenVino {
    fn is_installed(&self, library: &Library) -> Result<(), String> {
        file(library).map(drop)
    }

    fn precision(&self, asked: Precision) -> Result<(Precision, String), String> {
        match (asked, cpu_features::bf16()) {
            (Precision::Auto, Some(instructions)) => Ok((
                Precision::Bf16,
                format!("for which the CPU has {instructions}"),
            )),
            (Precision::Auto, None) => Ok((
                Precision::Fp32,
                "as the CPU has neither AMX-BF16 nor AVX512-BF16".into(),
            )),
            (Precision::Fp32, _) | (Precision::Bf16, Some(_)) => Ok((asked, AS_ASKED.into())),
            (Precision::Bf16, None) => Err(
                "bf16 needs a CPU with AMX-BF16 or AVX512-BF16, and this one has neither".into(),
            ),
            (Precision::Fp16, _) => {
                Err("the OpenVINO provider computes in fp32 or bf16 on a CPU, not in fp16".into())
            }
        }
    }

    fn append(
        &self,
        library: &Library,
        builder: SessionBuilder,
        precision: Precision,
    ) -> Result<SessionBuilder, String> {
        let file = file(library)?;
        library.register_openvino_once(|environment| {
            environment
                .register_ep_library("mdecomplete.openvino", &file)
                .map_err(words)
        })?;
        let device = library
            .environment()
            .devices()
            .find(|device| {
                device.ep().is_ok_and(|name| name == NAME)
                    && device.hardware_device().ty() == DeviceType::CPU
            })
            .ok_or_else(|| {
                format!(
                    "{} offers no CPU device; its releases so far serve Intel's CPUs alone",
                    file.display()
                )
            })?;
        let hint = match precision {
            Precision::Bf16 => "bf16",
            _ => "f32",
        };
        let threads = cpu_features::threads();
        let config = format!(
            r#"{{"CPU":{{"INFERENCE_PRECISION_HINT":"{hint}","INFERENCE_NUM_THREADS":{threads}}}}}"#
        );
        let options = [(format!("{NAME}.load_config"), config)];
        builder
            .with_devices([device], Some(&options))
            .map_err(words)
    }
}

/// The provider's file: beside ONNX Runtime, or in a folder `openvino` there.
fn file(library: &Library) -> Result<PathBuf, String> {
    let folder = library.path().parent().unwrap_or(library.path());
    let places = [folder.join(FILE), folder.join("openvino").join(FILE)];
    let found = places.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| {
        format!(
            "{FILE} is neither in {} nor in its folder 'openvino' (it comes with the Python \
             package onnxruntime-ep-openvino)",
            folder.display()
        )
    })
}
