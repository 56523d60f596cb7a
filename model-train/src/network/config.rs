//! Sizes of the networks and their presets.

use serde::{Deserialize, Serialize};

/// Sizes and inputs of a generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorConfig {
    /// Side of the square picture in pixels, a multiple of 32.
    pub size: i64,
    /// Channels at full resolution, doubled at each of the next three levels.
    pub width: i64,
    /// Units of the fully-connected bottleneck.
    pub bottleneck: i64,
    /// Whether the mask is given to the network as three more channels.
    pub mask_input: bool,
    /// Whether the mirrored picture (and mask) are given as further channels: a face is nearly
    /// symmetric, so what is missing on one side often stands on the other.
    pub mirror_input: bool,
    /// Whether encoder levels are connected to the decoder's; context encoders have none.
    #[serde(default = "yes")]
    pub skips: bool,
}

/// What generators from before [`GeneratorConfig::skips`] have.
fn yes() -> bool {
    true
}

/// Sizes of a generator with views.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewGeneratorConfig {
    /// Side of the square picture in pixels, a multiple of 16.
    pub size: i64,
    /// Channels at a half, a quarter, an eighth and a sixteenth of the resolution.
    pub widths: [i64; 4],
    /// Units of the fully-connected bottleneck.
    pub bottleneck: i64,
}

/// Named sizes of a generator with views.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ViewPreset {
    /// The embedded model's: about a thousand million multiplications a picture of 128 pixels.
    Embedded,
    /// For tests: 4 to 16 channels, 32x32 pictures.
    Tiny,
}

impl ViewPreset {
    /// The sizes of this preset.
    pub fn config(self) -> ViewGeneratorConfig {
        let (size, widths, bottleneck) = match self {
            Self::Embedded => (128, [32, 64, 128, 256], 512),
            Self::Tiny => (32, [4, 8, 12, 16], 16),
        };
        ViewGeneratorConfig {
            size,
            widths,
            bottleneck,
        }
    }
}

impl ViewGeneratorConfig {
    /// Side of the coarsest feature map.
    pub fn coarse_size(&self) -> i64 {
        self.size >> self.widths.len()
    }
}

/// Named sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// The paper's: 64 channels, bottleneck 4000.
    Paper,
    /// The embedded model's: 32 channels, bottleneck 1024.
    Half,
    /// For comparisons on few cores: 16 channels, bottleneck 256.
    Small,
    /// For tests: 8 channels, bottleneck 64, 32x32 pictures.
    Tiny,
}

impl Preset {
    /// The sizes of this preset, with the mask as input.
    pub fn config(self) -> GeneratorConfig {
        let (size, width, bottleneck) = match self {
            Self::Paper => (96, 64, 4000),
            Self::Half => (96, 32, 1024),
            Self::Small => (96, 16, 256),
            Self::Tiny => (32, 8, 64),
        };
        GeneratorConfig {
            size,
            width,
            bottleneck,
            mask_input: true,
            mirror_input: false,
            skips: true,
        }
    }
}

/// Times the encoder halves the resolution.
pub const LEVELS: usize = 5;
/// Convolutions of each encoder level, the last of them strided, as in VGG-16.
pub const ENCODER_DEPTH: [usize; LEVELS] = [2, 2, 3, 3, 3];
/// Convolutions of each decoder level after the transposed one, deepest level first.
pub const DECODER_DEPTH: [usize; LEVELS] = [2, 2, 2, 1, 1];

impl GeneratorConfig {
    /// Channels of each level, finest first.
    pub fn channels(&self) -> [i64; LEVELS] {
        channels(self.width)
    }

    /// Channels of the network's input.
    pub fn input_channels(&self) -> i64 {
        3 * if self.mask_input { 2 } else { 1 } * if self.mirror_input { 2 } else { 1 }
    }

    /// Side of the encoder's last feature map.
    pub fn coarse_size(&self) -> i64 {
        self.size >> LEVELS
    }

    /// Values of the encoder's last feature map.
    pub fn coarse_features(&self) -> i64 {
        self.channels()[LEVELS - 1] * self.coarse_size().pow(2)
    }
}

/// Sizes and inputs of a discriminator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscriminatorConfig {
    /// What it judges.
    #[serde(default)]
    pub kind: DiscriminatorKind,
    /// Channels at full resolution, as in [`GeneratorConfig`].
    pub width: i64,
    /// Whether two channels with the x and y coordinates are added to its input (the paper's
    /// `HnS_coord`).
    pub coordinates: bool,
    /// Normalisation of its convolutions.
    pub norm: DiscriminatorNorm,
}

impl DiscriminatorConfig {
    /// The paper's, for a generator of `width` channels.
    pub fn paper(width: i64) -> Self {
        Self {
            kind: DiscriminatorKind::Whole,
            width,
            coordinates: true,
            norm: DiscriminatorNorm::Batch,
        }
    }
}

/// What a discriminator judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiscriminatorKind {
    /// The generator's whole output, as one; the paper's.
    #[default]
    Whole,
    /// Patches of the completed picture with the known pixels put back, given the mask.
    Patch,
}

/// What keeps a discriminator's activations in bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiscriminatorNorm {
    /// Batch normalisation, the paper's.
    Batch,
    /// Spectral normalisation of the weights, without batch normalisation, which would scale the
    /// weights' bound away.
    Spectral,
    /// None.
    None,
}

/// Channels of each level of an encoder of `width` channels, finest first.
pub fn channels(width: i64) -> [i64; LEVELS] {
    [1, 2, 4, 8, 8].map(|k| k * width)
}
