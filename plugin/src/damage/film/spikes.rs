//! Pixels that are brighter, or darker, than both neighbours in time.

use super::light::{Lights, TILE};
use super::plane::Plane;

/// What a pixel may be, as bits.
pub const BRIGHT: u8 = 1;
/// Darker than what both neighbours show at its place.
pub const DARK: u8 = 2;
/// So much so that neither grain nor an edge that is a pixel off explains it.
pub const STRONG: u8 = 4;

/// The least difference of a strong one, in 255ths.
const LEAST: f32 = 11.0;
/// And for each of the grain's standard deviations.
const BY_GRAIN: f32 = 2.6;
/// Weak ones differ by this share of what strong ones do.
const WEAK: f32 = 0.55;

/// The least difference of a strong one where the grain is so large, in 255ths.
pub fn needed(grain: f32) -> f32 {
    LEAST + BY_GRAIN * grain
}

/// Marks spikes. Made once and reused.
#[derive(Debug, Default)]
pub struct Spikes {
    /// What each pixel is.
    pub marks: Plane,
    greatest: Vec<u8>,
    least: Vec<u8>,
}

impl Spikes {
    /// Compares `now` with what `neighbours` in time show there, whose lights it has.
    pub fn mark(&mut self, now: &Plane, neighbours: [&Plane; 2], lights: [&Lights; 2]) {
        let (width, height) = now.size;
        self.marks.clear(now.size);
        for y in 0..height {
            self.take_range(y, neighbours);
            for left in (0..width).step_by(TILE) {
                let columns = left..(left + TILE).min(width);
                let spread = lights.map(|lights| lights.at(left, y).spread);
                let strong = needed(spread[0].max(spread[1]));
                let weak = (WEAK * strong) as u8;
                let strong = strong.min(255.0) as u8;
                let range = self.least[columns.clone()]
                    .iter()
                    .zip(&self.greatest[columns.clone()]);
                let [a, b] = neighbours.map(|plane| &plane.row(y)[columns.clone()]);
                let values = now.row(y)[columns.clone()].iter().zip(a.iter().zip(b));
                let marks = &mut self.marks.row_mut(y)[columns];
                for ((mark, (now, (a, b))), (least, most)) in
                    marks.iter_mut().zip(values).zip(range)
                {
                    let (low, high) = (*a.min(b), *a.max(b));
                    let is_bright = now.saturating_sub(high) > weak;
                    let is_dark = low.saturating_sub(*now) > weak;
                    let is_strong = (now.saturating_sub(*most) > strong)
                        | (least.saturating_sub(*now) > strong);
                    *mark = (u8::from(is_bright) * BRIGHT)
                        | (u8::from(is_dark) * DARK)
                        | (u8::from(is_strong) * STRONG);
                }
            }
        }
    }

    /// Takes the greatest and the least of the `neighbours` around each pixel of row `y`.
    fn take_range(&mut self, y: usize, neighbours: [&Plane; 2]) {
        let (width, height) = neighbours[0].size;
        // One more on each side, so that there is always something beside a pixel.
        for (values, start) in [(&mut self.greatest, 0), (&mut self.least, u8::MAX)] {
            values.clear();
            values.resize(width + 2, start);
        }
        for row in y.saturating_sub(1)..(y + 2).min(height) {
            for plane in neighbours {
                let values = plane.row(row);
                for (most, value) in self.greatest[1..].iter_mut().zip(values) {
                    *most = (*most).max(*value);
                }
                for (least, value) in self.least[1..].iter_mut().zip(values) {
                    *least = (*least).min(*value);
                }
            }
        }
        // The three side by side, put at the place of the first: that of the pixel in the frame.
        for x in 0..width {
            self.greatest[x] = self.greatest[x]
                .max(self.greatest[x + 1])
                .max(self.greatest[x + 2]);
            self.least[x] = self.least[x].min(self.least[x + 1]).min(self.least[x + 2]);
        }
    }
}
