//! What of a picture is known to be no part of the scene, so that faces are looked for in the rest.
//!
//! A bar in a bright colour costs a detector nearly half of its confidence in the face behind it; the
//! same bar filled with what is above and below costs a tenth.

/// Tells whether the pixel at a position of the frame, in pixels, is hidden, by that and by its
/// colour, RGB in `[0, 1]`.
pub type Hidden<'a> = dyn Fn([f64; 2], [f32; 3]) -> bool + 'a;

/// Fills what is hidden. Made once and reused, so that it allocates only for a picture larger than
/// all before.
#[derive(Clone, Debug, Default)]
pub struct Curtain {
    is_hidden: Vec<bool>,
    /// The same with the pixels beside: they are mixed with what hides their neighbours.
    is_filled: Vec<bool>,
}

impl Curtain {
    /// Fills the pixels of `values`, `[3, H, W]` and `width` pixels wide, of which
    /// `is_hidden(x, y, rgb)`, and those beside them, with the pixels above and below, the nearer
    /// one counting more. A column of which nothing is seen stays as it is.
    pub fn fill(
        &mut self,
        values: &mut [f32],
        width: usize,
        is_hidden: impl Fn(usize, usize, [f32; 3]) -> bool,
    ) {
        let area = values.len() / 3;
        let height = area / width;
        self.is_hidden.clear();
        self.is_hidden.extend((0..area).map(|i| {
            let rgb = [0, 1, 2].map(|channel| values[channel * area + i]);
            is_hidden(i % width, i / width, rgb)
        }));
        if !self.is_hidden.contains(&true) {
            return;
        }
        self.widen(width, height);
        for x in 0..width {
            let mut y = 0;
            while y < height {
                if !self.is_filled[y * width + x] {
                    y += 1;
                    continue;
                }
                let start = y;
                while y < height && self.is_filled[y * width + x] {
                    y += 1;
                }
                for plane in values.chunks_exact_mut(area) {
                    let above = start.checked_sub(1).map(|y| plane[y * width + x]);
                    let below = (y < height).then(|| plane[y * width + x]);
                    let (Some(first), Some(last)) = (above.or(below), below.or(above)) else {
                        continue;
                    };
                    let steps = (y - start + 1) as f32;
                    for (step, row) in (start..y).enumerate() {
                        let share = (step + 1) as f32 / steps;
                        plane[row * width + x] = first + share * (last - first);
                    }
                }
            }
        }
    }

    fn widen(&mut self, width: usize, height: usize) {
        self.is_filled.clear();
        self.is_filled.resize(width * height, false);
        for y in 0..height {
            for x in 0..width {
                if self.is_hidden[y * width + x] {
                    for row in y.saturating_sub(1)..(y + 2).min(height) {
                        let columns = x.saturating_sub(1)..(x + 2).min(width);
                        self.is_filled[row * width..][columns].fill(true);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six rows of two columns with brightness `10 y`, and what hides it.
    fn filled(hidden: &[(usize, usize)]) -> Vec<f32> {
        let plane: Vec<f32> = (0..12).map(|i| 10.0 * (i / 2) as f32).collect();
        let mut values = [&plane[..]; 3].concat();
        for (x, y) in hidden {
            for channel in 0..3 {
                values[channel * 12 + y * 2 + x] = 1000.0;
            }
        }
        Curtain::default().fill(&mut values, 2, |_, _, rgb| rgb == [1000.0; 3]);
        values
    }

    #[test]
    fn what_is_above_and_below_goes_on() {
        // The pixels beside it are filled too, which shows the same again.
        for (value, seen) in filled(&[(0, 2), (0, 3)]).into_iter().zip(filled(&[])) {
            assert!(
                (value - seen).abs() < 1e-4,
                "{value} in the place of {seen}"
            );
        }
    }

    #[test]
    fn at_an_edge_there_is_one_side() {
        let values = filled(&[(1, 0)]);
        assert_eq!(values[..6], [20.0, 20.0, 20.0, 20.0, 20.0, 20.0]);
        let values = filled(&[(0, 5)]);
        assert_eq!(values[6..12], [30.0; 6]);
    }

    #[test]
    fn a_column_of_which_nothing_is_seen_stays() {
        let all: Vec<_> = (0..6).map(|y| (0, y)).collect();
        assert_eq!(filled(&all)[..3], [1000.0, 0.0, 1000.0]);
    }
}
