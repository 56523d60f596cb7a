//! The guided filter (He, Sun and Tang 2010, equations 14 to 16 for the weighted pixels of a crop):
//! a completed channel as a linear function of the intact ones around each pixel. Looked up between
//! crop pixels and applied to the frame's own values, as in the fast guided filter (He and Sun
//! 2015), it gives the completed channel the edges of the intact ones.

use mde_core::mask::CHANNELS;

use super::hole::Hole;

/// Reach of a window in crop pixels.
const RADIUS: usize = 2;

/// The variance, of values in `[0, 1]`, below which the intact channels tell nothing.
const EPSILON: f32 = 1e-4;

/// Sums over a window: pixels, the two guides, their three products, the channel, its products with
/// the guides.
type Sums = [f32; 9];

/// Factors of the two guides, offset, and whether there are any.
type Line = [f32; 4];

/// A crop, and what the generator made of it, `[3, H, W]` in `[0, 1]`.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// As read; missing values are not looked at.
    pub image: &'a [f32],
    /// As completed.
    pub completed: &'a [f32],
}

/// How a channel follows from the others at a pixel: the factor of each channel, and an offset.
pub type Formula = ([f32; CHANNELS], f32);

/// Fits completed channels to intact ones. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Guide {
    sums: Vec<Sums>,
    more_sums: Vec<Sums>,
    lines: Vec<Line>,
    more_lines: Vec<Line>,
    guides: [Option<usize>; 2],
    channel: usize,
}

impl Guide {
    /// Fits `channel`.
    pub fn fit(&mut self, pair: Pair<'_>, hole: &Hole, channel: usize) {
        self.channel = channel;
        self.guides = guides(hole, channel);
        if self.guides == [None; 2] {
            return;
        }
        let pixels = hole.weights(0).len();
        let mut sums = std::mem::take(&mut self.sums);
        sums.clear();
        sums.extend((0..pixels).map(|i| self.terms(pair, hole, i)));
        self.sums = sums;
        box_sums(&mut self.sums, &mut self.more_sums, hole.size());
        self.lines.clear();
        self.lines.extend(self.sums.iter().map(solve));
        box_sums(&mut self.lines, &mut self.more_lines, hole.size());
    }

    /// How the channel follows from the others at pixel `i`: where none of them is intact it is
    /// `completed`.
    pub fn formula(&self, hole: &Hole, i: usize, completed: f32) -> Formula {
        let plain = ([0.0; CHANNELS], completed);
        if self.guides == [None; 2] || !self.are_intact(hole, i) {
            return plain;
        }
        let [first, second, offset, count] = self.lines[i];
        if count == 0.0 {
            return plain;
        }
        let mut factors = [0.0; CHANNELS];
        for (guide, factor) in self.guides.iter().zip([first, second]) {
            if let Some(guide) = *guide {
                factors[guide] = factor / count;
            }
        }
        (factors, offset / count)
    }

    fn are_intact(&self, hole: &Hole, i: usize) -> bool {
        let is_intact = |guide: &usize| hole.weights(*guide)[i] == 0.0;
        self.guides.iter().flatten().all(is_intact)
    }

    fn terms(&self, pair: Pair<'_>, hole: &Hole, i: usize) -> Sums {
        if !self.are_intact(hole, i) {
            return [0.0; 9];
        }
        let pixels = hole.weights(0).len();
        let [a, b] = self
            .guides
            .map(|guide| guide.map_or(0.0, |guide| pair.image[guide * pixels + i]));
        let values = match hole.weights(self.channel)[i] == 0.0 {
            true => pair.image,
            false => pair.completed,
        };
        let p = values[self.channel * pixels + i];
        [1.0, a, b, a * a, a * b, b * b, p, a * p, b * p]
    }
}

/// The channels that are intact somewhere in the hole of `channel`.
fn guides(hole: &Hole, channel: usize) -> [Option<usize>; 2] {
    let weights = hole.weights(channel);
    let mut others = (0..CHANNELS).filter(|&other| {
        let pairs = weights.iter().zip(hole.weights(other));
        pairs
            .into_iter()
            .any(|(own, other)| *own > 0.0 && *other == 0.0)
    });
    [others.next(), others.next()]
}

/// The line through a window's values with the least squares.
fn solve(sums: &Sums) -> Line {
    let count = sums[0];
    if count == 0.0 {
        return [0.0; 4];
    }
    let [_, a, b, aa, ab, bb, p, ap, bp] = sums.map(|sum| sum / count);
    let (aa, ab, bb) = (aa - a * a + EPSILON, ab - a * b, bb - b * b + EPSILON);
    let (ap, bp) = (ap - a * p, bp - b * p);
    let determinant = aa * bb - ab * ab;
    let first = (ap * bb - bp * ab) / determinant;
    let second = (bp * aa - ap * ab) / determinant;
    [first, second, p - first * a - second * b, 1.0]
}

/// Replaces each cell by the sum over the window around it.
fn box_sums<const N: usize>(
    cells: &mut Vec<[f32; N]>,
    scratch: &mut Vec<[f32; N]>,
    (width, height): (usize, usize),
) {
    let window = |v: usize, side: usize| v.saturating_sub(RADIUS)..(v + RADIUS + 1).min(side);
    let sum = |cells: &[[f32; N]], indices: &mut dyn Iterator<Item = usize>| {
        indices.fold([0.0; N], |mut sum, i| {
            for (sum, value) in sum.iter_mut().zip(cells[i]) {
                *sum += value;
            }
            sum
        })
    };
    scratch.clear();
    scratch.extend((0..cells.len()).map(|i| {
        let (x, row) = (i % width, i / width * width);
        sum(cells, &mut window(x, width).map(|x| row + x))
    }));
    cells.clear();
    cells.extend((0..scratch.len()).map(|i| {
        let (x, y) = (i % width, i / width);
        sum(scratch, &mut window(y, height).map(|y| y * width + x))
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::mask::Mask;

    #[test]
    fn a_linear_channel_is_found_again() {
        let (width, height) = (16, 12);
        let pixels = width * height;
        let mut mask = Mask::known(width, height);
        mask.drop_channel(0);
        let hole = Hole::new(&mask, 0.0);
        let green = |i: usize| ((i * 7) % 11) as f32 / 11.0;
        let blue = |i: usize| ((i * 5) % 13) as f32 / 13.0;
        let red = |i: usize| 0.5 * green(i) - 0.3 * blue(i) + 0.4;
        let picture: Vec<f32> = (0..pixels)
            .map(red)
            .chain((0..pixels).map(green))
            .chain((0..pixels).map(blue))
            .collect();
        let pair = Pair {
            image: &picture,
            completed: &picture,
        };
        let mut guide = Guide::default();
        guide.fit(pair, &hole, 0);
        for i in 0..pixels {
            let ([own, first, second], offset) = guide.formula(&hole, i, red(i));
            assert_eq!(own, 0.0);
            let found = first * green(i) + second * blue(i) + offset;
            assert!((found - red(i)).abs() < 2e-3, "{i}: {found}");
        }
    }

    #[test]
    fn a_pixel_without_intact_channels_is_as_completed() {
        let hole = Hole::new(&Mask::missing(4, 4), 0.0);
        let picture = vec![0.5; 48];
        let pair = Pair {
            image: &picture,
            completed: &picture,
        };
        let mut guide = Guide::default();
        guide.fit(pair, &hole, 1);
        assert_eq!(guide.formula(&hole, 5, 0.7), ([0.0; 3], 0.7));
    }
}
