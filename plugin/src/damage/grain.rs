//! How a channel differs from pixel to pixel.

use super::planes::Planes;

/// The contrast of a channel in some patches, and how much of it lies between neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Grain {
    /// The standard deviation within a patch.
    pub contrast: f32,
    /// The standard deviation of white noise whose neighbours differ as much.
    pub noise: f32,
}

impl Grain {
    /// The share of the contrast that lies between neighbours: 1 for white noise.
    pub fn whiteness(&self) -> f32 {
        self.noise / self.contrast.max(f32::MIN_POSITIVE)
    }

    /// Of each channel in `patches`.
    pub fn of(patches: &[Planes]) -> [Self; 3] {
        [0, 1, 2].map(|channel: usize| {
            let (mut contrast, mut noise, mut count) = (0.0, 0.0, 0);
            for patch in patches {
                let values = &patch.values[channel];
                let mean = values.iter().sum::<f32>() / values.len() as f32;
                contrast += values.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>();
                for row in values.chunks_exact(patch.size.0) {
                    noise += row
                        .windows(2)
                        .map(|pair| (pair[1] - pair[0]).powi(2))
                        .sum::<f32>();
                }
                count += values.len();
            }
            let count = count.max(1) as f32;
            Self {
                contrast: (contrast / count).sqrt(),
                noise: (noise / (2.0 * count)).sqrt(),
            }
        })
    }
}
