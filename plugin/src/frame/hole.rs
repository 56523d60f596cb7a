//! The hole of a crop, with the weights by which its completion is blended in.

use mde_core::mask::{CHANNELS, Mask};
use mde_core::occlusion::Rect;

use crate::distance::Distances;

/// Blend weights of a crop, one plane a channel: 0 where the channel is known, above 0 up to 1 in
/// its hole.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    width: usize,
    height: usize,
    /// The plane of each channel: those with the same hole share it.
    planes: Vec<Vec<f32>>,
    plane_of: [usize; CHANNELS],
    bounds: Option<Rect>,
    is_soft: bool,
}

impl Hole {
    /// The holes of the channels of `mask`. Weights rise from a hole's border, which includes that
    /// of the crop, to 1 over `feather` crop pixels inside it.
    pub fn new(mask: &Mask, feather: f32) -> Self {
        Self::within(mask, feather, Surroundings::Known)
    }

    /// The same for a crop that is the whole frame: where a hole reaches its edge, there is nothing
    /// beyond to blend into.
    pub fn of_frame(mask: &Mask, feather: f32) -> Self {
        Self::within(mask, feather, Surroundings::None)
    }

    fn within(mask: &Mask, feather: f32, surroundings: Surroundings) -> Self {
        let (width, height) = (mask.width(), mask.height());
        let known = |channel: usize| {
            let pixels = width * height;
            &mask.as_slice()[channel * pixels..(channel + 1) * pixels]
        };
        let mut planes = Vec::with_capacity(CHANNELS);
        let mut plane_of = [0; CHANNELS];
        for channel in 0..CHANNELS {
            let like = (0..channel).find(|&other| known(other) == known(channel));
            plane_of[channel] = like.map_or(planes.len(), |other| plane_of[other]);
            if like.is_none() {
                let depths = surroundings.depths(known(channel), (width, height));
                planes.push(weights(&depths, feather));
            }
        }
        let any = |i: usize| planes.iter().any(|plane: &Vec<f32>| plane[i] > 0.0);
        Self {
            bounds: bounds((0..width * height).filter(|&i| any(i)), width),
            width,
            height,
            planes,
            plane_of,
            is_soft: feather > SHARPEST,
        }
    }

    /// The same with weights of at most `weight(x, y)`, at shares of the crop's sides, but where
    /// `rest`, a hole of the same size, has greater ones.
    pub fn faded(mut self, rest: &Self, weight: impl Fn(f64, f64) -> f32) -> Self {
        let of_channels: Vec<Vec<f32>> = (0..CHANNELS)
            .map(|channel| {
                let both = self.weights(channel).iter().zip(rest.weights(channel));
                let faded = both.enumerate().map(|(i, (own, rest))| {
                    let share = |v: usize, side: usize| (v as f64 + 0.5) / side as f64;
                    let (x, y) = (i % self.width, i / self.width);
                    let most = weight(share(x, self.width), share(y, self.height));
                    own.min(most).max(*rest)
                });
                faded.collect()
            })
            .collect();
        let first_of = self.plane_of;
        for (channel, weights) in of_channels.into_iter().enumerate() {
            self.planes[first_of[channel]] = weights;
        }
        let any = |i: usize| self.planes.iter().any(|plane| plane[i] > 0.0);
        self.bounds = bounds(
            (0..self.width * self.height).filter(|&i| any(i)),
            self.width,
        );
        self.is_soft = true;
        self
    }

    /// Width and height of the crop in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The smallest box around the holes of all channels, if there is a hole.
    pub fn bounds(&self) -> Option<Rect> {
        self.bounds
    }

    /// Whether the crop's pixel `(x, y)` misses all channels.
    pub fn covers(&self, x: usize, y: usize) -> bool {
        let at = y * self.width + x;
        self.planes.iter().all(|plane| plane[at] > 0.0)
    }

    /// Whether the channels have one hole.
    pub fn is_uniform(&self) -> bool {
        self.planes.len() == 1
    }

    /// The weights of `channel` at the crop's pixels, `[H, W]`.
    pub fn weights(&self, channel: usize) -> &[f32] {
        &self.planes[self.plane_of[channel]]
    }

    /// The weight between pixels, from that of the nearest one and that interpolated among the
    /// four around: above 0 exactly where the nearest pixel is in the hole.
    #[inline(always)]
    pub fn between(&self, nearest: f32, interpolated: f32) -> f32 {
        match nearest > 0.0 && self.is_soft {
            true => interpolated,
            false => nearest,
        }
    }
}

/// Feathers are no narrower than this: the border runs half a pixel before the first missing one.
const SHARPEST: f32 = 0.5;

/// What lies beyond a crop's edges.
#[derive(Clone, Copy, Debug)]
enum Surroundings {
    /// More of the frame.
    Known,
    None,
}

impl Surroundings {
    /// The distance of each pixel of `known` to the nearest known one.
    fn depths(self, known: &[f32], (width, height): (usize, usize)) -> Vec<f32> {
        let margin = match self {
            Self::Known => 1,
            Self::None => 0,
        };
        let columns = width + 2 * margin;
        let is_missing = (0..columns * (height + 2 * margin)).map(|at| {
            let x = (at % columns).wrapping_sub(margin);
            let y = (at / columns).wrapping_sub(margin);
            x < width && y < height && known[y * width + x] == 0.0
        });
        let mut distances = Distances::default();
        let squares = distances.squared(columns, is_missing);
        let rows = squares.chunks(columns.max(1)).skip(margin).take(height);
        rows.flat_map(|row| &row[margin..margin + width])
            .map(|&square| (square as f32).sqrt())
            .collect()
    }
}

fn weights(depths: &[f32], feather: f32) -> Vec<f32> {
    let weight = |depth: &f32| match *depth {
        0.0 => 0.0,
        depth => ((depth - SHARPEST) / feather.max(SHARPEST)).min(1.0),
    };
    depths.iter().map(weight).collect()
}

fn bounds(pixels: impl Iterator<Item = usize> + Clone, width: usize) -> Option<Rect> {
    let holes = || pixels.clone();
    Some(Rect {
        x0: holes().map(|i| i % width).min()?,
        x1: holes().map(|i| i % width + 1).max()?,
        y0: holes().map(|i| i / width).min()?,
        y1: holes().map(|i| i / width + 1).max()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole(rect: Rect, feather: f32) -> Hole {
        let mut mask = Mask::known(32, 24);
        mask.drop_rect(rect);
        Hole::new(&mask, feather)
    }

    #[test]
    fn without_a_feather_the_hole_is_all_or_nothing() {
        let rect = Rect::new(8, 6, 20, 18);
        let hole = hole(rect, 0.0);
        assert_eq!(hole.bounds(), Some(rect));
        for (i, weight) in hole.weights(0).iter().enumerate() {
            let wanted = f32::from(u8::from(rect.contains(i % 32, i / 32)));
            assert_eq!(*weight, wanted, "{i}");
        }
        assert_eq!(hole.between(0.0, 0.4), 0.0);
        assert_eq!(hole.between(1.0, 0.6), 1.0);
    }

    #[test]
    fn a_feather_rises_inside_the_hole() {
        let rect = Rect::new(8, 6, 24, 20);
        let hole = hole(rect, 4.0);
        let row = &hole.weights(0)[12 * 32..];
        assert_eq!(row[6..14], [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]);
        for (i, weight) in hole.weights(0).iter().enumerate() {
            assert_eq!(*weight > 0.0, rect.contains(i % 32, i / 32), "{i}");
        }
        assert_eq!(hole.between(0.0, 0.05), 0.0);
        assert_eq!(hole.between(0.125, 0.1), 0.1);
    }

    #[test]
    fn the_crop_s_border_is_feathered_too() {
        let hole = hole(Rect::new(0, 0, 16, 24), 2.0);
        let weight = |x: usize, y: usize| hole.weights(0)[y * 32 + x];
        assert_eq!(weight(0, 12), 0.25);
        assert_eq!(weight(8, 23), 0.25);
        assert_eq!(weight(8, 12), 1.0);
    }

    #[test]
    fn the_frame_s_edge_is_no_border() {
        let mut mask = Mask::known(32, 24);
        mask.drop_rect(Rect::new(0, 0, 16, 24));
        let hole = Hole::of_frame(&mask, 4.0);
        for (i, weight) in hole.weights(0).iter().enumerate() {
            // 0.5, 1.5, 2.5 and 3.5 pixels from the border of the known right half.
            let wanted = ((16.0 - (i % 32) as f32 - 0.5) / 4.0).clamp(0.0, 1.0);
            assert_eq!(*weight, wanted, "{i}");
        }
        let all = Hole::of_frame(&Mask::missing(8, 6), 4.0);
        assert!(all.weights(0).iter().all(|weight| *weight == 1.0));
    }

    #[test]
    fn each_channel_has_its_hole() {
        let mut mask = Mask::known(8, 8);
        mask.drop_rect(Rect::new(2, 2, 4, 4));
        assert!(Hole::new(&mask, 0.0).is_uniform());
        mask.drop_channel(2);
        let hole = Hole::new(&mask, 0.0);
        assert!(!hole.is_uniform());
        assert_eq!(hole.bounds(), Some(Rect::new(0, 0, 8, 8)));
        for (i, (green, blue)) in hole.weights(1).iter().zip(hole.weights(2)).enumerate() {
            let in_rect = Rect::new(2, 2, 4, 4).contains(i % 8, i / 8);
            assert_eq!((*green > 0.0, *blue), (in_rect, 1.0), "{i}");
        }
    }

    #[test]
    fn nothing_missing_is_no_hole() {
        let hole = Hole::new(&Mask::known(8, 8), 2.0);
        assert_eq!(hole.bounds(), None);
    }
}
