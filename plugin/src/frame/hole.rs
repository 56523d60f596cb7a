//! The hole of a crop, with the weights by which its completion is blended in.

use mde_core::mask::{CHANNELS, Mask};
use mde_core::occlusion::Rect;

/// Blend weights of a crop: 0 where the picture is known, above 0 up to 1 in the hole.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    width: usize,
    height: usize,
    weights: Vec<f32>,
    bounds: Option<Rect>,
    is_soft: bool,
}

impl Hole {
    /// The hole of `mask`: the pixels with any missing channel. Its weights rise from the border,
    /// which includes that of the crop, to 1 over `feather` crop pixels inside it.
    pub fn new(mask: &Mask, feather: f32) -> Self {
        let (width, height) = (mask.width(), mask.height());
        let is_missing =
            |x: usize, y: usize| (0..CHANNELS).any(|channel| !mask.is_known(channel, x, y));
        let missing: Vec<bool> = (0..width * height)
            .map(|i| is_missing(i % width, i / width))
            .collect();
        let reach = feather.ceil() as usize + 1;
        let across = distances_across(&missing, width, reach);
        let weights = (0..width * height).map(|i| {
            if !missing[i] {
                return 0.0;
            }
            let depth = depth(&across, i % width, i / width, (width, height), reach);
            // The border runs half a pixel before the first missing pixel.
            ((depth - 0.5) / feather.max(0.5)).min(1.0)
        });
        Self {
            weights: weights.collect(),
            width,
            height,
            bounds: bounds(&missing, width),
            is_soft: feather > 0.5,
        }
    }

    /// Width and height of the crop in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The smallest box around the hole, if there is a hole.
    pub fn bounds(&self) -> Option<Rect> {
        self.bounds
    }

    /// The weight at the crop position `(x, y)`: above 0 exactly where the nearest pixel is in the
    /// hole.
    pub fn weight(&self, x: f32, y: f32) -> f32 {
        let (column, row) = ((x + 0.5).floor(), (y + 0.5).floor());
        let is_within =
            (0.0..self.width as f32).contains(&column) && (0.0..self.height as f32).contains(&row);
        if !is_within {
            return 0.0;
        }
        let nearest = self.weights[row as usize * self.width + column as usize];
        match nearest > 0.0 && self.is_soft {
            true => bilinear(&self.weights, (self.width, self.height), x, y),
            false => nearest,
        }
    }
}

/// The value of the `[H, W]` plane at `(x, y)`, interpolated; beyond the edges that of the edge.
pub fn bilinear(plane: &[f32], (width, height): (usize, usize), x: f32, y: f32) -> f32 {
    let x = x.clamp(0.0, (width - 1) as f32);
    let y = y.clamp(0.0, (height - 1) as f32);
    let (left, up) = (x as i32 as usize, y as i32 as usize);
    let (right, down) = ((left + 1).min(width - 1), (up + 1).min(height - 1));
    let (fx, fy) = (x - left as f32, y - up as f32);
    let value = |x: usize, y: usize| plane[y * width + x];
    let upper = value(left, up) + fx * (value(right, up) - value(left, up));
    let lower = value(left, down) + fx * (value(right, down) - value(left, down));
    upper + fy * (lower - upper)
}

fn bounds(missing: &[bool], width: usize) -> Option<Rect> {
    let holes = || (0..missing.len()).filter(|&i| missing[i]);
    Some(Rect {
        x0: holes().map(|i| i % width).min()?,
        x1: holes().map(|i| i % width + 1).max()?,
        y0: holes().map(|i| i / width).min()?,
        y1: holes().map(|i| i / width + 1).max()?,
    })
}

/// For each pixel the distance to the nearest known one of its row, at most `reach`.
fn distances_across(missing: &[bool], width: usize, reach: usize) -> Vec<usize> {
    let mut distances = Vec::with_capacity(missing.len());
    for row in missing.chunks(width) {
        for x in 0..width {
            let missing_at = |x: Option<usize>| x.and_then(|x| row.get(x)) == Some(&true);
            let known = |d: usize| !missing_at(x.checked_sub(d)) || !missing_at(Some(x + d));
            distances.push((0..reach).find(|&d| known(d)).unwrap_or(reach));
        }
    }
    distances
}

/// The distance of `(x, y)` to the nearest known pixel, as far as `reach`.
fn depth(
    across: &[usize],
    x: usize,
    y: usize,
    (width, height): (usize, usize),
    reach: usize,
) -> f32 {
    let squared = |d: usize| {
        let row = |y: usize| across[y * width + x].pow(2);
        let above = if d <= y { row(y - d) } else { 0 };
        let below = if y + d < height { row(y + d) } else { 0 };
        d * d + above.min(below)
    };
    let nearest = (0..=reach).map(squared).min();
    (nearest.unwrap_or_default() as f32).sqrt()
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
        for y in 0..24 {
            for x in 0..32 {
                let wanted = f32::from(u8::from(rect.contains(x, y)));
                assert_eq!(hole.weight(x as f32, y as f32), wanted, "{x} {y}");
            }
        }
        assert_eq!(hole.weight(7.4, 10.0), 0.0);
        assert_eq!(hole.weight(7.6, 10.0), 1.0);
    }

    #[test]
    fn a_feather_rises_inside_the_hole() {
        let rect = Rect::new(8, 6, 24, 20);
        let hole = hole(rect, 4.0);
        let row: Vec<f32> = (6..14).map(|x| hole.weight(x as f32, 12.0)).collect();
        assert_eq!(row, [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]);
        for y in 0..24 {
            for x in 0..32 {
                let weight = hole.weight(x as f32, y as f32);
                assert_eq!(weight > 0.0, rect.contains(x, y), "{x} {y}");
            }
        }
    }

    #[test]
    fn the_crop_s_border_is_feathered_too() {
        let hole = hole(Rect::new(0, 0, 16, 24), 2.0);
        assert_eq!(hole.weight(0.0, 12.0), 0.25);
        assert_eq!(hole.weight(8.0, 23.0), 0.25);
        assert_eq!(hole.weight(8.0, 12.0), 1.0);
    }

    #[test]
    fn nothing_missing_is_no_hole() {
        let hole = Hole::new(&Mask::known(8, 8), 2.0);
        assert_eq!(hole.bounds(), None);
        assert_eq!(hole.weight(3.0, 3.0), 0.0);
    }
}
