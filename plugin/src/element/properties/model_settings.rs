//! The properties that say what the generator is and where it runs.

use std::path::PathBuf;
use std::time::Duration;

use gst::glib;
use gst::prelude::*;

use super::settings::{self, of};
use super::{ExecutionProvider, FallbackPolicy, ModelMask, ModelRange, Precision, RegionSource};
use crate::completer::{Config, Hints, Interrupt, Sharing};
use crate::runtime::{self, MAX_CROPS, Sessions};

/// What the generator is and where it runs. All but the model's file is fixed between start and
/// stop.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSettings {
    /// The embedded model where this is not set.
    pub model_file: Option<PathBuf>,
    pub model_range: ModelRange,
    pub model_mask: ModelMask,
    pub execution_provider: ExecutionProvider,
    pub precision: Precision,
    pub fallback_policy: FallbackPolicy,
    /// The provider's default where this is not set.
    pub device: Option<String>,
    /// 0 where it is left open.
    pub num_threads: u32,
    /// Whether what is left open above is chosen by measuring.
    pub calibrate: bool,
    /// Compiled models are not kept where this is not set.
    pub model_cache_dir: Option<PathBuf>,
    /// The element runs alone where this is not set.
    pub batch_across: Option<String>,
    pub batch_timeout_us: u32,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            model_file: None,
            model_range: ModelRange::Auto,
            model_mask: ModelMask::Auto,
            execution_provider: ExecutionProvider::Auto,
            precision: Precision::Auto,
            fallback_policy: FallbackPolicy::Next,
            device: None,
            num_threads: 0,
            calibrate: true,
            model_cache_dir: None,
            batch_across: None,
            batch_timeout_us: 5000,
        }
    }
}

impl ModelSettings {
    /// What the completer of whole frames is asked for: it runs where that of the regions does, one
    /// frame at a time.
    pub fn scene_config(&self) -> Config {
        Config {
            hints: Hints::default(),
            sharing: None,
            ..self.config(RegionSource::FullFrame, &Interrupt::default())
        }
    }

    /// Threads for one inference on the CPU, where they are told.
    pub fn threads(&self) -> Option<usize> {
        usize::try_from(self.num_threads).ok().filter(|n| *n > 0)
    }

    /// What the completer is asked for, where the regions come from `region` and `interrupt` ends
    /// waits.
    pub fn config(&self, region: RegionSource, interrupt: &Interrupt) -> Config {
        Config {
            options: runtime::RuntimeOptions {
                provider: self.execution_provider.into(),
                precision: self.precision.into(),
                fallback: self.fallback_policy.into(),
                device: self.device.clone(),
                threads: self.threads(),
                cache_dir: self.model_cache_dir.clone(),
                // Members of a group run their crops together, on one.
                sessions: match &self.batch_across {
                    Some(_) => Sessions::One,
                    None => Sessions::AsCoresAllow,
                },
            },
            hints: Hints {
                range: self.model_range.into(),
                mask: self.model_mask.into(),
            },
            crops: match region {
                RegionSource::FullFrame => Vec::new(),
                RegionSource::Faces | RegionSource::RoiList => vec![MAX_CROPS],
            },
            sharing: self.batch_across.as_ref().map(|group| Sharing {
                group: group.clone(),
                timeout: Duration::from_micros(self.batch_timeout_us.into()),
                interrupt: interrupt.clone(),
            }),
            calibration: self.calibrate.then(calibrations),
        }
    }

    /// Takes over the new value of the property `name`; false where it is none of these. The model's
    /// file is set by [`Settings`](super::Settings).
    pub fn set(&mut self, name: &str, value: &glib::Value) -> bool {
        match name {
            "model-range" => self.model_range = of(value),
            "model-mask" => self.model_mask = of(value),
            "execution-provider" => self.execution_provider = of(value),
            "precision" => self.precision = of(value),
            "fallback-policy" => self.fallback_policy = of(value),
            "device" => self.device = text(value),
            "num-threads" => self.num_threads = of(value),
            "calibrate" => self.calibrate = of(value),
            "model-cache-dir" => self.model_cache_dir = settings::path(value),
            "batch-across" => self.batch_across = text(value),
            "batch-timeout-us" => self.batch_timeout_us = of(value),
            _ => return false,
        }
        true
    }

    /// The value of the property `name`, if there is one.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "model-file" => settings::text(self.model_file.as_deref()),
            "model-range" => self.model_range.to_value(),
            "model-mask" => self.model_mask.to_value(),
            "execution-provider" => self.execution_provider.to_value(),
            "precision" => self.precision.to_value(),
            "fallback-policy" => self.fallback_policy.to_value(),
            "device" => self.device.to_value(),
            "num-threads" => self.num_threads.to_value(),
            "calibrate" => self.calibrate.to_value(),
            "model-cache-dir" => settings::text(self.model_cache_dir.as_deref()),
            "batch-across" => self.batch_across.to_value(),
            "batch-timeout-us" => self.batch_timeout_us.to_value(),
            _ => return None,
        })
    }
}

/// The folder of the user for what was measured.
fn calibrations() -> PathBuf {
    glib::user_cache_dir().join("mdecomplete/calibration")
}

/// A string that is not empty.
fn text(value: &glib::Value) -> Option<String> {
    of::<Option<String>>(value).filter(|text| !text.is_empty())
}

/// The descriptions of the properties.
pub fn properties() -> Vec<glib::ParamSpec> {
    let settings = ModelSettings::default();
    vec![
        glib::ParamSpecString::builder("model-file")
            .nick("Model file")
            .blurb(
                "ONNX file of the generator; empty: the built-in one. If it is set while \
                 playing, the new model is loaded in the background and takes over between two \
                 frames; then the signal model-updated is emitted",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("model-range", settings.model_range)
            .nick("Model range")
            .blurb("Which numbers stand for black and white, if the model does not say so itself")
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("model-mask", settings.model_mask)
            .nick("Model mask")
            .blurb("What a 1 in the mask means, if the model does not say so itself")
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default(
            "execution-provider",
            settings.execution_provider,
        )
        .nick("Execution provider")
        .blurb("Where the generator should run; active-execution-provider says where it does run")
        .mutable_ready()
        .build(),
        glib::ParamSpecEnum::builder_with_default("precision", settings.precision)
            .nick("Precision")
            .blurb("Number format in which the generator computes")
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("fallback-policy", settings.fallback_policy)
            .nick("Fallback policy")
            .blurb(
                "What happens if the execution provider or precision that you asked for is \
                 missing, or fails while playing",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecString::builder("device")
            .nick("Device")
            .blurb(
                "Index of the graphics card for CUDA and TensorRT; CPU, GPU, GPU.1 or NPU for \
                 OpenVINO. Empty: the provider's first device",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt::builder("num-threads")
            .nick("Number of threads")
            .blurb(
                "Threads for one inference on the CPU; 0: as many as calibrate finds, \
                 or one for each physical core",
            )
            .maximum(1024)
            .default_value(settings.num_threads)
            .mutable_ready()
            .build(),
        glib::ParamSpecBoolean::builder("calibrate")
            .nick("Calibrate")
            .blurb(
                "Whether execution provider, precision and number of threads, as far as they are \
                 left open, are chosen by measuring at the first start on a machine, which takes \
                 up to 2 s; the result is kept in the user's cache folder",
            )
            .default_value(settings.calibrate)
            .mutable_ready()
            .build(),
        glib::ParamSpecString::builder("model-cache-dir")
            .nick("Model cache folder")
            .blurb(
                "Folder in which OpenVINO and TensorRT keep what they compile, so that the next \
                 start is faster. Empty: nothing is kept",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecString::builder("batch-across")
            .nick("Batch across")
            .blurb(
                "Name of a group of elements whose faces run through the generator together, if \
                 they have the same model and provider. Empty: the element runs alone",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt::builder("batch-timeout-us")
            .nick("Batch timeout")
            .blurb("Longest time to wait for the other elements of batch-across, in microseconds")
            .maximum(10_000_000)
            .default_value(settings.batch_timeout_us)
            .mutable_ready()
            .build(),
        glib::ParamSpecString::builder("active-execution-provider")
            .nick("Active execution provider")
            .blurb("Where the generator runs; empty while the element is stopped")
            .read_only()
            .build(),
    ]
}
