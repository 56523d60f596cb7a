//! What is missing from every crop.

use mde_core::mask::Mask;

use crate::element::properties::{DamagedChannels, FrameSettings, Occlusions};
use crate::frame::{Channels, Hole};

/// What is missing from a crop whatever the frame shows, and how its completion is blended in.
#[derive(Debug)]
pub struct Cut {
    occlusion: Occlusions,
    damaged_channels: DamagedChannels,
    feather: f32,
    mask: Mask,
    hole: Hole,
    sharp_hole: Hole,
}

impl Cut {
    /// The cut that `settings` ask for, from crops of `size` = (width, height).
    pub fn new(settings: &FrameSettings, (width, height): (usize, usize)) -> Self {
        let FrameSettings {
            occlusion,
            damaged_channels,
            mask_feather: feather,
            ..
        } = *settings;
        let mut mask = Mask::from_occlusions(width, height, occlusion.named());
        for channel in damaged_channels.missing() {
            mask.drop_channel(channel);
        }
        Self {
            occlusion,
            damaged_channels,
            feather,
            hole: Hole::new(&mask, feather),
            sharp_hole: Hole::new(&mask, 0.0),
            mask,
        }
    }

    /// Whether `settings` ask for this cut.
    pub fn is_of(&self, settings: &FrameSettings) -> bool {
        self.takes_as(settings) && self.feather == settings.mask_feather
    }

    /// Whether `settings` take the same out of crops, however it is blended in.
    pub fn takes_as(&self, settings: &FrameSettings) -> bool {
        let wanted = (settings.occlusion, settings.damaged_channels);
        (self.occlusion, self.damaged_channels) == wanted
    }

    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.hole.bounds().is_none()
    }

    /// The mask, `[3, H, W]`, 1 where known.
    pub fn mask(&self) -> &[f32] {
        self.mask.as_slice()
    }

    /// The blend weights.
    pub fn hole(&self) -> &Hole {
        &self.hole
    }

    /// The same for crops that are covered up to the hole's border, where there is nothing to blend
    /// into the completion.
    pub fn sharp_hole(&self) -> &Hole {
        &self.sharp_hole
    }

    /// Width of the blend in crop pixels.
    pub fn feather(&self) -> f32 {
        self.feather
    }

    /// What the generator is shown of the frame.
    pub fn channels(&self) -> Channels {
        match self.damaged_channels.contains(DamagedChannels::CHROMA) {
            true => Channels::Luma,
            false => Channels::Rgb,
        }
    }
}
