//! The enums of the properties.

use gst::glib;
use mde_core::contract::ValueRange;

use crate::completer::MaskMeaning;
use crate::{pass, runtime};

/// Where in the frame the pictures to complete are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstMdeCompleteRegion")]
pub enum RegionSource {
    /// Found and followed by a [`crate::locate::Locator`].
    #[enum_value(
        name = "Faces: found by a detector and followed from frame to frame",
        nick = "faces"
    )]
    Faces,
    /// Told by upstream metas.
    #[enum_value(
        name = "ROI list: the GstVideoRegionOfInterestMeta of each buffer",
        nick = "roi-list"
    )]
    RoiList,
    /// The frame as a whole.
    #[enum_value(
        name = "Full frame: the whole frame, which is an aligned crop of any size",
        nick = "full-frame"
    )]
    FullFrame,
}

/// Where the generator runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstMdeCompleteExecutionProvider")]
pub enum ExecutionProvider {
    /// [`runtime::Provider::Auto`].
    #[enum_value(
        name = "Auto: the first of TensorRT, CUDA, OpenVINO, CPU",
        nick = "auto"
    )]
    Auto,
    /// [`runtime::Provider::Cpu`].
    #[enum_value(name = "CPU: ONNX Runtime's own kernels", nick = "cpu")]
    Cpu,
    /// [`runtime::Provider::OpenVino`].
    #[enum_value(name = "OpenVINO: on the CPU", nick = "openvino")]
    OpenVino,
    /// [`runtime::Provider::Cuda`].
    #[enum_value(name = "CUDA: an NVIDIA GPU", nick = "cuda")]
    Cuda,
    /// [`runtime::Provider::TensorRt`].
    #[enum_value(name = "TensorRT: an NVIDIA GPU", nick = "tensorrt")]
    TensorRt,
}

impl From<ExecutionProvider> for runtime::Provider {
    fn from(provider: ExecutionProvider) -> Self {
        match provider {
            ExecutionProvider::Auto => Self::Auto,
            ExecutionProvider::Cpu => Self::Cpu,
            ExecutionProvider::OpenVino => Self::OpenVino,
            ExecutionProvider::Cuda => Self::Cuda,
            ExecutionProvider::TensorRt => Self::TensorRt,
        }
    }
}

/// The number format the generator computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstMdeCompletePrecision")]
pub enum Precision {
    /// [`runtime::Precision::Auto`].
    #[enum_value(name = "Auto: bf16 if the hardware has it, else fp32", nick = "auto")]
    Auto,
    /// [`runtime::Precision::Fp32`].
    #[enum_value(name = "FP32: 32-bit floats", nick = "fp32")]
    Fp32,
    /// [`runtime::Precision::Bf16`].
    #[enum_value(name = "BF16: bfloat16", nick = "bf16")]
    Bf16,
    /// [`runtime::Precision::Fp16`].
    #[enum_value(name = "FP16: half precision", nick = "fp16")]
    Fp16,
}

impl From<Precision> for runtime::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::Auto => Self::Auto,
            Precision::Fp32 => Self::Fp32,
            Precision::Bf16 => Self::Bf16,
            Precision::Fp16 => Self::Fp16,
        }
    }
}

/// What happens when the execution provider or precision asked for cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstMdeCompleteFallbackPolicy")]
pub enum FallbackPolicy {
    /// [`runtime::FallbackPolicy::Next`].
    #[enum_value(name = "Next: the next provider stands in", nick = "next")]
    Next,
    /// [`runtime::FallbackPolicy::Error`].
    #[enum_value(name = "Error: the element does not start", nick = "error")]
    Error,
}

impl From<FallbackPolicy> for runtime::FallbackPolicy {
    fn from(policy: FallbackPolicy) -> Self {
        match policy {
            FallbackPolicy::Next => Self::Next,
            FallbackPolicy::Error => Self::Error,
        }
    }
}

/// Numbers for black and white of a model that does not tell them itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstMdeCompleteModelRange")]
pub enum ModelRange {
    /// By the model's metadata, else [`ValueRange::Unit`] in, and out what the model gives.
    #[enum_value(
        name = "Auto: as its metadata says, else 0 to 1 as input and what it returns as output",
        nick = "auto"
    )]
    Auto,
    /// [`ValueRange::Unit`].
    #[enum_value(name = "0 to 1", nick = "0..1")]
    Unit,
    /// [`ValueRange::Byte`].
    #[enum_value(name = "0 to 255", nick = "0..255")]
    Byte,
    /// [`ValueRange::Signed`].
    #[enum_value(name = "-1 to 1", nick = "-1..1")]
    Signed,
}

impl From<ModelRange> for Option<ValueRange> {
    fn from(range: ModelRange) -> Self {
        match range {
            ModelRange::Auto => None,
            ModelRange::Unit => Some(ValueRange::Unit),
            ModelRange::Byte => Some(ValueRange::Byte),
            ModelRange::Signed => Some(ValueRange::Signed),
        }
    }
}

/// What a 1 means in the mask of a model that does not tell it itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstMdeCompleteModelMask")]
pub enum ModelMask {
    /// By the model's metadata, else [`MaskMeaning::Missing`].
    #[enum_value(name = "Auto: as its metadata says, else missing", nick = "auto")]
    Auto,
    /// [`MaskMeaning::Missing`].
    #[enum_value(
        name = "Missing: complete this pixel, as inpainting models have it",
        nick = "missing"
    )]
    Missing,
    /// [`MaskMeaning::Known`].
    #[enum_value(name = "Known: this pixel is given", nick = "known")]
    Known,
}

impl From<ModelMask> for Option<MaskMeaning> {
    fn from(mask: ModelMask) -> Self {
        match mask {
            ModelMask::Auto => None,
            ModelMask::Missing => Some(MaskMeaning::Missing),
            ModelMask::Known => Some(MaskMeaning::Known),
        }
    }
}

/// Whether a frame that is searched for faces waits for what is found in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstMdeCompleteDetectionMode")]
pub enum DetectionMode {
    /// [`Self::Async`] where upstream is live, else [`Self::Sync`].
    #[enum_value(name = "Auto: async if upstream is live, else sync", nick = "auto")]
    Auto,
    /// The frame waits.
    #[enum_value(
        name = "Sync: the frame waits; the same stream gives the same faces each time",
        nick = "sync"
    )]
    Sync,
    /// What is found enters a later frame.
    #[enum_value(
        name = "Async: only the first frame waits; faces that are found appear in a later one",
        nick = "async"
    )]
    Async,
}

/// What is drawn over the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstMdeCompleteOverlay")]
pub enum Overlay {
    /// Nothing.
    #[enum_value(name = "None: nothing", nick = "none")]
    None,
    /// The missing pixels, tinted by what says that they are.
    #[enum_value(
        name = "Mask: the missing pixels, tinted by what says so: occlusion magenta, found covers \
                orange, mask-file yellow, mask-from-alpha green, damage-color blue, \
                damaged-channels violet, found drop-outs red",
        nick = "mask"
    )]
    Mask,
    /// Boxes, points and numbers.
    #[enum_value(
        name = "Faces: the regions' boxes, five points and numbers",
        nick = "faces"
    )]
    Faces,
    /// The completed pixels, tinted by where they come from.
    #[enum_value(
        name = "Sources: the completed pixels: painted magenta, copied green, mirrored blue",
        nick = "sources"
    )]
    Sources,
}

impl From<Overlay> for pass::Overlay {
    fn from(overlay: Overlay) -> Self {
        match overlay {
            Overlay::None => Self::None,
            Overlay::Mask => Self::Mask,
            Overlay::Faces => Self::Faces,
            Overlay::Sources => Self::Sources,
        }
    }
}

/// What is done with a frame that is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstMdeCompleteLatePolicy")]
pub enum LatePolicy {
    /// It passes as it came.
    #[enum_value(name = "Skip: it passes unchanged", nick = "skip")]
    Skip,
    /// The last completion is laid on it.
    #[enum_value(
        name = "Reuse: it gets the last completion, and the generator does not run",
        nick = "reuse"
    )]
    Reuse,
}
