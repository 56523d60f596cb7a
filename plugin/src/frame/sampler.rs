//! Planes to be looked up between pixels.

use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;
use std::ops::Range;

/// Positions that are looked up at a time, so that the compiler can do them in vectors.
pub const BLOCK: usize = 16;

/// A float of this size has no room for fractions: what is added to it is rounded, and lies in its
/// lowest bits.
const WHOLE: f32 = 8_388_608.0;

/// `N` values for each pixel of a picture, with a border of one pixel around: there, and beyond, is
/// what is on the picture's edge. Made once and refilled.
#[derive(Clone, Debug, Default)]
pub struct Sampler<const N: usize> {
    stride: usize,
    most: [f32; 2],
    values: Vec<[f32; N]>,
}

/// Where [`BLOCK`] positions are among the texels: how far right of and below the first of the four
/// around, and the nearest.
struct Block {
    first: [[u32; BLOCK]; 2],
    nearest: [[u32; BLOCK]; 2],
    fraction: [[f32; BLOCK]; 2],
}

impl<const N: usize> Sampler<N> {
    /// Takes `texel(i)` for pixel `i` of `part` of a crop of `size` = (width, height).
    pub fn fill(
        &mut self,
        part: Rect,
        (width, height): (usize, usize),
        texel: impl Fn(usize) -> [f32; N],
    ) {
        self.clear((part.width(), part.height()));
        let within = |v: usize, side: usize| v.saturating_sub(1).min(side - 1);
        for y in part.y0..part.y1 + 2 {
            let row = within(y, height) * width;
            let columns = part.x0..part.x1 + 2;
            self.values
                .extend(columns.map(|x| texel(row + within(x, width))));
        }
    }

    /// Makes it empty, for a picture of `size` = (width, height).
    pub fn clear(&mut self, (width, height): (usize, usize)) {
        self.stride = width + 2;
        // Short of the border, so that there are always four texels around.
        self.most = [width, height].map(|side| side as f32 + 0.49);
        self.values.clear();
    }

    /// Adds the rows of a picture, `width` values each.
    pub fn add_row(&mut self, row: impl ExactSizeIterator<Item = [f32; N]>) {
        let before = self.values.len();
        self.values.push([0.0; N]);
        self.values.extend(row);
        self.values[before] = self.values[before + 1];
        let last = self.values[self.values.len() - 1];
        self.values.push(last);
        if before == 0 {
            // The border above.
            self.values.extend_from_within(..);
        }
    }

    /// Adds the border below the last row.
    pub fn finish(&mut self) {
        let last = self.values.len() - self.stride;
        self.values.extend_from_within(last..);
    }

    /// The values at `count` positions from `first` on `line`, at most [`BLOCK`], and with them
    /// value `index` of the nearest texels.
    #[inline(always)]
    pub fn look_up(
        &self,
        line: &Line,
        first: usize,
        count: usize,
        index: usize,
    ) -> ([[f32; N]; BLOCK], [f32; BLOCK]) {
        let block = self.block(line, first);
        let (mut values, mut nearest) = ([[0.0; N]; BLOCK], [0.0; BLOCK]);
        for i in 0..count {
            let at = |[x, y]: &[[u32; BLOCK]; 2]| y[i] as usize * self.stride + x[i] as usize;
            let (from, stride) = (at(&block.first), self.stride);
            let around = &self.values[from..from + stride + 2];
            let (fx, fy) = (block.fraction[0][i], block.fraction[1][i]);
            let (a, b) = (&around[0], &around[1]);
            let (c, d) = (&around[stride], &around[stride + 1]);
            values[i] = std::array::from_fn(|lane| {
                let upper = a[lane] + fx * (b[lane] - a[lane]);
                let lower = c[lane] + fx * (d[lane] - c[lane]);
                upper + fy * (lower - upper)
            });
            nearest[i] = self.values[at(&block.nearest)][index];
        }
        (values, nearest)
    }

    #[inline(always)]
    fn block(&self, line: &Line, first: usize) -> Block {
        let mut block = Block {
            first: [[0; BLOCK]; 2],
            nearest: [[0; BLOCK]; 2],
            fraction: [[0.0; BLOCK]; 2],
        };
        let first = first as i32 as f32;
        for axis in 0..2 {
            let (start, step) = (line.start[axis] + first * line.step[axis], line.step[axis]);
            for i in 0..BLOCK {
                let position = within(start + i as f32 * step, 0.5, self.most[axis]);
                // On a whole number the one before it will do, with a fraction of 1.
                let whole = (position - 0.5) + WHOLE;
                block.first[axis][i] = whole.to_bits() - WHOLE.to_bits();
                block.fraction[axis][i] = position - (whole - WHOLE);
                block.nearest[axis][i] = (position + WHOLE).to_bits() - WHOLE.to_bits();
            }
        }
        block
    }
}

/// The number next to `value` between `low` and `high`; unlike `clamp` it makes NaN `low`.
#[inline(always)]
pub fn within(value: f32, low: f32, high: f32) -> f32 {
    value.max(low).min(high)
}

/// The whole number from 0 to `most` next to `value`; 0 where that is NaN.
#[inline(always)]
pub fn rounded(value: f32, most: f32) -> u32 {
    (within(value, 0.0, most) + WHOLE).to_bits() - WHOLE.to_bits()
}

/// Positions in a row of a [`Sampler`].
#[derive(Clone, Copy, Debug)]
pub struct Line {
    start: [f32; 2],
    step: [f32; 2],
}

impl Line {
    /// The positions from `start` on, `step` apart, in pixels of the picture.
    pub fn new(start: [f64; 2], step: [f64; 2]) -> Self {
        Self {
            // The border lies before the picture.
            start: start.map(|v| (v + 1.0) as f32),
            step: step.map(|v| v as f32),
        }
    }

    /// The pixels from `x` on of the frame's row `y`, on the texels of `part`.
    pub fn of_frame(to_crop: &Affine, part: &Rect, x: usize, y: usize) -> Self {
        let [u, v] = to_crop.apply([x as f64, y as f64]);
        let start = [u - part.x0 as f64, v - part.y0 as f64];
        Self::new(start, to_crop.linear.map(|row| row[0]))
    }
}

/// Which of the pixels `xs` of the frame's row `y` have their nearest crop pixel in `part`.
pub fn span(to_crop: &Affine, part: &Rect, xs: &Range<usize>, y: usize) -> Range<usize> {
    let start = to_crop.apply([0.0, y as f64]);
    let sides = [(part.x0, part.x1), (part.y0, part.y1)];
    let mut span = xs.clone();
    for (axis, (low, high)) in sides.into_iter().enumerate() {
        let step = to_crop.linear[axis][0];
        let (low, high) = (
            low as f64 - 0.5 - start[axis],
            high as f64 - 0.5 - start[axis],
        );
        // Casts cut what is negative, NaN or beyond a usize.
        let (first, end) = if step > 0.0 {
            ((low / step).ceil(), (high / step).ceil())
        } else if step < 0.0 {
            ((high / step).floor() + 1.0, (low / step).floor() + 1.0)
        } else if low <= 0.0 && 0.0 < high {
            continue;
        } else {
            return xs.start..xs.start;
        };
        span.start = span.start.max(first as usize);
        span.end = span.end.min(end as usize);
    }
    let start = span.start.min(xs.end);
    start..span.end.clamp(start, xs.end)
}
