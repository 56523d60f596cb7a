//! The properties: their types, defaults and descriptions, setting and getting them.

mod blending;
mod channels;
mod copying;
mod covers;
mod damage;
mod enums;
mod following;
mod model_settings;
mod occlusions;
mod settings;

pub use channels::{ChannelKinds, ChannelScope, DamagedChannels};
pub use covers::CoverKinds;
pub use enums::{
    DetectionMode, ExecutionProvider, FallbackPolicy, LatePolicy, ModelMask, ModelRange, Overlay,
    Precision, RegionSource,
};
pub use model_settings::ModelSettings;
pub use occlusions::Occlusions;
pub use settings::{FrameSettings, Settings, StreamFacts, Wishes, properties};
