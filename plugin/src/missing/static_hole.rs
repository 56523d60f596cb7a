//! What is missing from every crop, whatever the frame shows.

use mde_core::mask::{CHANNELS, Mask};
use mde_core::occlusion::Occlusion;

use super::teller::Teller;
use crate::frame::{Channels, Hole};

/// What is to be taken out of every crop, and how its completion is blended in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    /// Of [`Occlusion::ALL`], which are missing.
    pub occlusions: [bool; Occlusion::ALL.len()],
    /// Red, green and blue, which of them are missing as a whole.
    pub channels: [bool; CHANNELS],
    /// What the crop's channels are.
    pub reading: Channels,
    /// Width of the blend along the inside of the hole's border, in crop pixels.
    pub feather: f32,
    /// Whether missing channels are restored in the whole frame already: the completion of a face's
    /// fades out around it.
    pub fades: bool,
    /// Whether a crop is the whole frame, so that there is nothing beyond its edges.
    pub is_frame: bool,
}

impl Asked {
    /// The occlusions that are missing.
    pub fn named(&self) -> impl Iterator<Item = Occlusion> {
        let named = Occlusion::ALL.into_iter().zip(self.occlusions);
        named.filter_map(|(occlusion, is_missing)| is_missing.then_some(occlusion))
    }

    /// Whether nothing is missing from a crop.
    pub fn is_nothing(&self) -> bool {
        self.named().next().is_none() && self.channels == [false; CHANNELS]
    }
}

/// Middle of a face on the template and half its width and height, as shares of the crop.
const FACE: [[f64; 2]; 2] = [[0.5, 0.54], [0.42, 0.48]];
/// Within this share of its width and height a face is completed as a whole.
const INNER: f64 = 0.65;

/// How much of a face's completion is seen at a place of the crop, given as shares of its sides.
fn face_weight(x: f64, y: f64) -> f32 {
    let [middle, half] = FACE;
    let [x, y] = [(x - middle[0]) / half[0], (y - middle[1]) / half[1]];
    let outward = ((x.hypot(y) - INNER) / (1.0 - INNER)).clamp(0.0, 1.0);
    (1.0 - outward * outward * (3.0 - 2.0 * outward)) as f32
}

/// What is missing from a crop whatever the frame shows, and how its completion is blended in.
#[derive(Debug)]
pub struct StaticHole {
    asked: Asked,
    mask: Mask,
    hole: Hole,
    sharp_hole: Hole,
}

impl StaticHole {
    /// What is `asked` for, from crops of `size` = (width, height).
    pub fn new(asked: Asked, (width, height): (usize, usize)) -> Self {
        let mut mask = Mask::from_occlusions(width, height, asked.named());
        let occluded = mask.clone();
        for channel in (0..CHANNELS).filter(|&channel| asked.channels[channel]) {
            mask.drop_channel(channel);
        }
        let hole = |feather: f32| match (asked.is_frame, asked.fades) {
            (true, _) => Hole::of_frame(&mask, feather),
            (false, false) => Hole::new(&mask, feather),
            (false, true) => {
                Hole::new(&mask, feather).faded(&Hole::new(&occluded, feather), face_weight)
            }
        };
        Self {
            hole: hole(asked.feather),
            sharp_hole: hole(0.0),
            asked,
            mask,
        }
    }

    /// Width and height of the crops.
    pub fn size(&self) -> (usize, usize) {
        self.hole.size()
    }

    /// Whether this is what is `asked` for.
    pub fn is_of(&self, asked: &Asked) -> bool {
        self.asked == *asked
    }

    /// Whether the same is taken out of crops as is `asked` for, however it is blended in.
    pub fn takes_as(&self, asked: &Asked) -> bool {
        let feather = self.asked.feather;
        self.asked == Asked { feather, ..*asked }
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

    /// What tells that pixel `i` of the crop, which is missing, is.
    pub fn teller(&self, i: usize) -> Teller {
        let (width, height) = self.size();
        let is_named = |occlusion: Occlusion| {
            let rect = occlusion.rect().scaled_to(width, height);
            rect.contains(i % width, i / width)
        };
        match self.asked.named().any(is_named) {
            true => Teller::Occlusion,
            false => Teller::Channels,
        }
    }

    /// Width of the blend in crop pixels.
    pub fn feather(&self) -> f32 {
        self.asked.feather
    }

    /// What the generator is shown of the frame.
    pub fn channels(&self) -> Channels {
        self.asked.reading
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_completion_of_a_channel_fades_around_the_face_and_that_of_an_occlusion_does_not() {
        let mut asked = Asked {
            channels: [true, false, false],
            fades: true,
            ..Asked::default()
        };
        let mouth = Occlusion::ALL.iter().position(|o| *o == Occlusion::Mouth);
        asked.occlusions[mouth.expect("it is among them")] = true;
        let hole = StaticHole::new(asked, (96, 96));
        let [red, green, _] = [0, 1, 2].map(|channel| hole.hole().weights(channel));
        let at = |x: usize, y: usize| y * 96 + x;
        assert_eq!(red[at(48, 52)], 1.0, "the middle of the face");
        assert_eq!(red[at(2, 2)], 0.0, "beside it");
        assert!((0.2..0.8).contains(&red[at(48 + 33, 52)]), "around it");
        assert_eq!([red[at(28, 80)], green[at(28, 80)]], [1.0; 2], "the mouth");
        assert_eq!(green[at(48, 52)], 0.0);
        assert_eq!(hole.mask()[at(2, 2)], 0.0, "the generator is not shown it");
    }
}
