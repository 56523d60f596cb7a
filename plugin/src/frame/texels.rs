//! Planes of a crop, interleaved, to be looked up between pixels.

use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;
use std::ops::Range;

/// `N` values for each pixel of a part of a crop, with a border of one pixel around: beyond the
/// crop's edge that of the edge. Made once and refilled.
#[derive(Clone, Debug, Default)]
pub struct Texels<const N: usize> {
    part: Option<Rect>,
    stride: usize,
    most: [f32; 2],
    values: Vec<[f32; N]>,
}

/// The four texels around a position: the index of the first, and how far between them it is.
#[derive(Clone, Copy, Debug)]
pub struct Taps {
    index: usize,
    fraction: [f32; 2],
}

impl<const N: usize> Texels<N> {
    /// Takes `texel(i)` for pixel `i` of `part` of a crop of `size` = (width, height).
    pub fn fill(
        &mut self,
        part: Rect,
        (width, height): (usize, usize),
        texel: impl Fn(usize) -> [f32; N],
    ) {
        self.part = Some(part);
        self.stride = part.width() + 2;
        self.most = [part.width(), part.height()].map(|side| side as f32);
        self.values.clear();
        let within = |v: usize, side: usize| v.saturating_sub(1).min(side - 1);
        for y in part.y0..part.y1 + 2 {
            let row = within(y, height) * width;
            let columns = part.x0..part.x1 + 2;
            self.values
                .extend(columns.map(|x| texel(row + within(x, width))));
        }
    }

    /// The four texels around a position on a [`Line`]; beyond the border those of the border.
    #[inline(always)]
    pub fn taps(&self, [x, y]: [f32; 2]) -> Taps {
        // A NaN becomes 0. Sides fit an i32, and casts to it are the cheapest.
        let (x, y) = (x.max(0.0), y.max(0.0));
        let left = x.min(self.most[0]) as i32;
        let up = y.min(self.most[1]) as i32;
        Taps {
            index: up as usize * self.stride + left as usize,
            fraction: [(x - left as f32).min(1.0), (y - up as f32).min(1.0)],
        }
    }

    /// The values at a position, interpolated.
    #[inline(always)]
    pub fn at(&self, taps: Taps) -> [f32; N] {
        let around = &self.values[taps.index..taps.index + self.stride + 2];
        let [fx, fy] = taps.fraction;
        let (a, b) = (&around[0], &around[1]);
        let (c, d) = (&around[self.stride], &around[self.stride + 1]);
        let mut values = [0.0; N];
        for i in 0..N {
            let upper = a[i] + fx * (b[i] - a[i]);
            let lower = c[i] + fx * (d[i] - c[i]);
            values[i] = upper + fy * (lower - upper);
        }
        values
    }

    /// The values of the nearest texel.
    #[inline(always)]
    pub fn nearest(&self, taps: Taps) -> &[f32; N] {
        let [right, down] = taps.fraction.map(|f| usize::from(f >= 0.5));
        &self.values[taps.index + down * self.stride + right]
    }
}

/// Pixels of a row of the frame, and where on [`Texels`] they fall.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    start: [f32; 2],
    step: [f32; 2],
}

impl Line {
    /// The pixels from `x` on of the frame's row `y`, on the texels of `part`.
    pub fn new(to_crop: &Affine, part: &Rect, x: usize, y: usize) -> Self {
        let [u, v] = to_crop.apply([x as f64, y as f64]);
        // The border lies before the part.
        let start = [u + 1.0 - part.x0 as f64, v + 1.0 - part.y0 as f64];
        Self {
            start: start.map(|v| v as f32),
            step: to_crop.linear.map(|row| row[0] as f32),
        }
    }

    /// Where pixel `index` from the start falls.
    #[inline(always)]
    pub fn at(&self, index: usize) -> [f32; 2] {
        let index = index as i32 as f32;
        [
            self.start[0] + index * self.step[0],
            self.start[1] + index * self.step[1],
        ]
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
