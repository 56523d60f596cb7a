//! An NVIDIA GPU through TensorRT.

use ort::ep::{CUDA, ExecutionProvider, TensorRT};
use ort::session::builder::SessionBuilder;

use super::backend::{AS_ASKED, Backend, Setup};
use super::{Library, Precision, RuntimeOptions, words};

const FILE: &str = "libonnxruntime_providers_tensorrt.so";

pub struct TensorRt;

impl Backend for TensorRt {
    fn name(&self) -> &'static str {
        TensorRT::NAME
    }

    fn is_installed(&self, library: &Library) -> Result<(), String> {
        library.has_beside(FILE)
    }

    fn precision(&self, options: &RuntimeOptions) -> Result<(Precision, String), String> {
        match options.precision {
            Precision::Auto => Ok((Precision::Fp32, "unless another one is asked for".into())),
            asked => Ok((asked, AS_ASKED.into())),
        }
    }

    /// TensorRT itself tells its engines by its own version and the GPU's architecture.
    fn cache_version(&self, library: &Library) -> Option<String> {
        Some(format!("ort{}", library.version()))
    }

    fn append(
        &self,
        _: &Library,
        builder: SessionBuilder,
        setup: &Setup,
    ) -> Result<SessionBuilder, String> {
        let device = setup.device_index()?;
        let mut tensorrt = TensorRT::default()
            .with_device_id(device)
            .with_fp16(setup.precision == Precision::Fp16)
            .with_bf16(setup.precision == Precision::Bf16);
        if let Some((fewest, most)) = setup.shape_bounds() {
            // One engine for every number of crops, or each number would build another one.
            tensorrt = tensorrt
                .with_profile_min_shapes(&fewest)
                .with_profile_opt_shapes(&fewest)
                .with_profile_max_shapes(&most);
        }
        if let Some(folder) = setup.cache {
            let folder = folder.display();
            tensorrt = tensorrt
                .with_engine_cache(true)
                .with_engine_cache_path(&folder)
                .with_timing_cache(true)
                .with_timing_cache_path(&folder);
        }
        // CUDA takes the nodes that TensorRT leaves.
        let cuda = CUDA::default().with_device_id(device);
        let providers =
            [tensorrt.build(), cuda.build()].map(|provider| provider.error_on_failure());
        builder.with_execution_providers(providers).map_err(words)
    }
}
