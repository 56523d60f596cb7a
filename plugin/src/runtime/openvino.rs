//! OpenVINO, in either form in which it comes: built into an ONNX Runtime (the Python package
//! onnxruntime-openvino), or a plug-in for any (onnxruntime-ep-openvino). The plug-in serves
//! Intel's hardware alone, the other every x86 CPU (microsoft/onnxruntime#31981).

use std::path::{Path, PathBuf};

use ort::device::Device;
use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider, ExecutionProvider};
use ort::memory::DeviceType;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::backend::{AS_ASKED, Backend, Setup};
use super::{Library, Precision, RuntimeOptions, cache, cpu_features, unwinder, words};

const NAME: &str = ep::OpenVINO::NAME;
const BUILT_IN: &str = "libonnxruntime_providers_openvino.so";
const PLUG_IN: &str = "libonnxruntime_providers_openvino_plugin.so";

pub struct OpenVino;

impl Backend for OpenVino {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_installed(&self, library: &Library) -> Result<(), String> {
        Packaging::of(library).map(drop)
    }

    fn precision(&self, options: &RuntimeOptions) -> Result<(Precision, String), String> {
        let target = Target::parse(options.device.as_deref())?;
        match target.kind {
            DeviceType::CPU => on_cpu(options.precision, cpu_features::bf16()),
            _ => on_accelerator(options.precision, target.name()),
        }
    }

    /// The file itself, as its name does not tell one release from another.
    fn cache_version(&self, library: &Library) -> Option<String> {
        let file = std::fs::read(Packaging::of(library).ok()?.file()).ok()?;
        let digest = Sha256::digest(&file);
        Some(format!(
            "ort{}-{}",
            library.version(),
            cache::hex(&digest[..4])
        ))
    }

    fn append(
        &self,
        library: &Library,
        builder: SessionBuilder,
        setup: &Setup,
    ) -> Result<SessionBuilder, String> {
        let target = Target::parse(setup.device)?;
        let config = json!({ target.name(): config(target, setup) }).to_string();
        let packaging = Packaging::of(library)?;
        // OpenVINO optimises the graph itself, and starts sooner where ONNX Runtime has not first
        // unfolded weights that are kept in half precision: the completions are the same.
        let builder = builder
            .with_optimization_level(GraphOptimizationLevel::Disable)
            .map_err(words)?;
        let folder = packaging.folder();
        unwinder::reconcile(folder, &packaging.loaded_late())?;
        match &packaging {
            Packaging::BuiltIn(_) => {
                let builder = append_built_in(builder, target, config)?;
                // Only ONNX Runtime itself can load its own part.
                unwinder::reconcile(folder, &[])?;
                Ok(builder)
            }
            Packaging::PlugIn(file) => append_plug_in(library, builder, target, config, file),
        }
    }
}

/// How OpenVINO comes, and the file it comes in.
enum Packaging {
    BuiltIn(PathBuf),
    PlugIn(PathBuf),
}

impl Packaging {
    /// What lies beside ONNX Runtime; the plug-in may lie in a folder `openvino` there.
    fn of(library: &Library) -> Result<Self, String> {
        let folder = library.path().parent().unwrap_or(library.path());
        let built_in = folder.join(BUILT_IN);
        if built_in.is_file() {
            return Ok(Self::BuiltIn(built_in));
        }
        let places = [folder.join(PLUG_IN), folder.join("openvino").join(PLUG_IN)];
        let found = places.into_iter().find(|path| path.is_file());
        found.map(Self::PlugIn).ok_or_else(|| {
            format!(
                "{BUILT_IN} (of the Python package onnxruntime-openvino) is not in {}, and {PLUG_IN} \
                 (of onnxruntime-ep-openvino) neither there nor in its folder 'openvino'",
                folder.display()
            )
        })
    }

    fn file(&self) -> &Path {
        match self {
            Self::BuiltIn(file) | Self::PlugIn(file) => file,
        }
    }

    fn folder(&self) -> &Path {
        self.file().parent().unwrap_or(self.file())
    }

    /// OpenVINO's own libraries, which ONNX Runtime loads only when it makes a session.
    fn loaded_late(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder()).into_iter().flatten();
        let is_late = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("libopenvino") || name == PLUG_IN
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.filter(is_late).collect()
    }
}

fn append_built_in(
    builder: SessionBuilder,
    target: Target,
    config: String,
) -> Result<SessionBuilder, String> {
    let provider = ep::OpenVINO::default()
        .with_device_type(target.name())
        .with_arbitrary_config("load_config", config)
        .build()
        .error_on_failure();
    builder.with_execution_providers([provider]).map_err(words)
}

fn append_plug_in(
    library: &Library,
    builder: SessionBuilder,
    target: Target,
    config: String,
    file: &Path,
) -> Result<SessionBuilder, String> {
    library.register_openvino_once(|environment| {
        environment
            .register_ep_library("mdecomplete.openvino", file)
            .map_err(words)
    })?;
    let is_wanted = |device: &Device| {
        device.ep().is_ok_and(|name| name == NAME) && device.hardware_device().ty() == target.kind
    };
    let mut devices = library.environment().devices().filter(is_wanted);
    let device = devices.nth(target.index).ok_or_else(|| {
        format!(
            "{} offers no device {} here; its releases so far serve Intel's hardware alone. For \
             other x86 CPUs take ONNX Runtime from the Python package onnxruntime-openvino",
            file.display(),
            target.name()
        )
    })?;
    let options = [(format!("{NAME}.load_config"), config)];
    builder
        .with_devices([device], Some(&options))
        .map_err(words)
}

/// A device as the user names it: `CPU`, `GPU` or `NPU`, and which one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    kind: DeviceType,
    index: usize,
}

impl Target {
    fn parse(device: Option<&str>) -> Result<Self, String> {
        let device = device.unwrap_or("CPU");
        let (kind, index) = device.split_once('.').unwrap_or((device, "0"));
        let kind = match kind.to_ascii_uppercase().as_str() {
            "CPU" => Some(DeviceType::CPU),
            "GPU" => Some(DeviceType::GPU),
            "NPU" => Some(DeviceType::NPU),
            _ => None,
        };
        match (kind, index.parse()) {
            (Some(kind), Ok(index)) => Ok(Self { kind, index }),
            _ => Err(format!(
                "device '{device}' is not one of OpenVINO's: CPU, GPU or NPU, the second graphics \
                 card being GPU.1"
            )),
        }
    }

    fn name(self) -> String {
        let kind = match self.kind {
            DeviceType::GPU => "GPU",
            DeviceType::NPU => "NPU",
            _ => "CPU",
        };
        match self.index {
            0 => kind.to_owned(),
            index => format!("{kind}.{index}"),
        }
    }
}

fn on_cpu(asked: Precision, bf16: Option<&str>) -> Result<(Precision, String), String> {
    match (asked, bf16) {
        (Precision::Auto, Some(instructions)) => Ok((
            Precision::Bf16,
            format!("for which the CPU has {instructions}"),
        )),
        (Precision::Auto, None) => Ok((
            Precision::Fp32,
            "as the CPU has neither AMX-BF16 nor AVX512-BF16".into(),
        )),
        (Precision::Fp32, _) | (Precision::Bf16, Some(_)) => Ok((asked, AS_ASKED.into())),
        (Precision::Bf16, None) => {
            Err("bf16 needs a CPU with AMX-BF16 or AVX512-BF16, and this one has neither".into())
        }
        (Precision::Fp16, _) => {
            Err("the OpenVINO provider computes in fp32 or bf16 on a CPU, not in fp16".into())
        }
    }
}

fn on_accelerator(asked: Precision, device: String) -> Result<(Precision, String), String> {
    match asked {
        Precision::Auto => Ok((
            Precision::Fp16,
            format!("the format that {device} is made for"),
        )),
        Precision::Fp32 | Precision::Fp16 => Ok((asked, AS_ASKED.into())),
        Precision::Bf16 => Err(format!(
            "the OpenVINO provider computes in fp32 or fp16 on {device}, not in bf16"
        )),
    }
}

/// OpenVINO's own properties for the device.
fn config(target: Target, setup: &Setup) -> Map<String, Value> {
    let mut config = Map::new();
    let hint = match setup.precision {
        Precision::Bf16 => "bf16",
        Precision::Fp16 => "f16",
        _ => "f32",
    };
    config.insert("INFERENCE_PRECISION_HINT".into(), hint.into());
    if target.kind == DeviceType::CPU {
        config.insert("INFERENCE_NUM_THREADS".into(), setup.threads.into());
    }
    if let Some(folder) = setup.cache {
        config.insert("CACHE_DIR".into(), folder.to_string_lossy().into());
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_as_openvino_names_them() {
        for (text, name) in [
            (None, "CPU"),
            (Some("cpu"), "CPU"),
            (Some("GPU"), "GPU"),
            (Some("GPU.1"), "GPU.1"),
            (Some("NPU.0"), "NPU"),
        ] {
            assert_eq!(Target::parse(text).map(Target::name), Ok(name.into()));
        }
        for text in ["0", "GPU.x", "TPU", ""] {
            let error = Target::parse(Some(text));
            assert!(error.is_err_and(|e| e.contains("GPU.1")), "{text}");
        }
    }

    #[test]
    fn accelerators_prefer_half_precision() {
        let taken = |asked| on_accelerator(asked, "GPU".into()).map(|(precision, _)| precision);
        assert_eq!(taken(Precision::Auto), Ok(Precision::Fp16));
        assert_eq!(taken(Precision::Fp32), Ok(Precision::Fp32));
        assert!(taken(Precision::Bf16).is_err_and(|e| e.contains("on GPU")));
    }

    #[test]
    fn bf16_is_taken_where_the_cpu_has_it() {
        let taken = |asked, bf16| on_cpu(asked, bf16).map(|(precision, _)| precision);
        assert_eq!(
            taken(Precision::Auto, Some("AMX-BF16")),
            Ok(Precision::Bf16)
        );
        assert_eq!(taken(Precision::Auto, None), Ok(Precision::Fp32));
        assert!(taken(Precision::Bf16, None).is_err());
        assert!(taken(Precision::Fp16, None).is_err());
    }

    #[test]
    fn the_folder_for_compiled_models_may_hold_any_character() {
        let setup = Setup {
            precision: Precision::Fp16,
            device: Some("GPU"),
            threads: 3,
            cache: Some(Path::new("/tmp/a \"quoted\" folder")),
            inputs: &[],
        };
        let target = Target::parse(setup.device).expect("a device");
        let text = Value::from(config(target, &setup)).to_string();
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read["CACHE_DIR"], "/tmp/a \"quoted\" folder");
        assert_eq!(read["INFERENCE_PRECISION_HINT"], "f16");
        assert_eq!(read.get("INFERENCE_NUM_THREADS"), None);
    }
}
