//! Blending colours into the samples of a frame.

use std::ops::Range;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;

use super::component::{self, Layout, Sample, with_sample};

/// A frame to paint on.
pub type Frame<'a> = VideoFrameRef<&'a mut gst::BufferRef>;

/// What is blended into a pixel: the values of the components times the weight, and the weight, in
/// `[0, 1]`. With weight 0 a sample stays as it is.
pub type Blend = [f32; 4];

/// Where in a [`Blend`] the weight is.
pub const WEIGHT: usize = 3;

/// The blends of a row of pixels, one plane for each of their values.
pub type Row<'a> = [&'a mut [f32]; 4];

/// Puts the blend of pixel `index` of `row`.
#[inline(always)]
pub fn put(row: &mut Row<'_>, index: usize, blend: Blend) {
    for (plane, value) in row.iter_mut().zip(blend) {
        plane[index] = value;
    }
}

/// What is blended into a frame.
pub trait BlendSource {
    /// Puts into `row` the blends of the pixels `xs` of the frame's row `y`; those it does not put
    /// have weight 0. Values that are NaN leave the samples as they are.
    fn blend_row(
        &mut self,
        original: &Original<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    );

    /// How much of each pixel of the row that was blended last is painted, and so lacks grain, in
    /// `[0, 1]`; nothing where all are.
    fn painted(&self) -> Option<&[f32]> {
        None
    }
}

/// Luma pixels of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    pub x: Range<usize>,
    pub y: Range<usize>,
}

impl Area {
    /// The pixels of `frame` between two corners, given as positions and cut to the frame.
    pub fn between(frame: &impl VideoFrameExt, low: [f64; 2], high: [f64; 2]) -> Self {
        // The casts cut what is negative, NaN or beyond the frame.
        let range = |low: f64, high: f64, side: u32| {
            let end = ((high.floor() + 1.0) as usize).min(side as usize);
            (low.ceil() as usize).min(end)..end
        };
        Self {
            x: range(low[0], high[0], frame.width()),
            y: range(low[1], high[1], frame.height()),
        }
    }

    /// The smallest area around both.
    pub fn around(self, other: Self) -> Self {
        let around = |a: Range<usize>, b: Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => Self {
                x: around(self.x, other.x),
                y: around(self.y, other.y),
            },
        }
    }

    /// Whether there is no pixel in it.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty() || self.y.is_empty()
    }
}

/// The samples of a frame before it is painted on.
#[derive(Debug)]
pub struct Original<'a> {
    planes: [&'a [u8]; 3],
    layouts: [Layout; 3],
}

impl<'a> Original<'a> {
    /// Those of `frame`.
    pub fn of(frame: &'a Frame<'_>) -> Self {
        Self::new(frame, layouts(frame))
    }

    fn new(frame: &'a Frame<'_>, layouts: [Layout; 3]) -> Self {
        Self {
            planes: layouts.map(|layout| {
                frame
                    .plane_data(layout.plane)
                    .expect("a supported format has the plane")
            }),
            layouts,
        }
    }

    /// The components' values for the pixels `xs` of row `y`, chroma as that of the nearest sample;
    /// the one of a gray frame stands for all three.
    pub fn read(&self, xs: &Range<usize>, y: usize, row: &mut [[f32; 3]]) {
        for (index, (data, layout)) in self.planes.iter().zip(&self.layouts).enumerate() {
            let start = layout.start_of(layout.row_of(y));
            with_sample!(layout.packing, sample => {
                for (values, x) in row.iter_mut().zip(xs.clone()) {
                    let column = x >> layout.shift[0];
                    values[index] = sample.get(data, start + column * layout.step);
                }
            });
        }
    }
}

/// Paints on frames. Made once and reused: it allocates only for an area larger than all before.
#[derive(Clone, Debug, Default)]
pub struct Canvas {
    /// Planes of blends, row by row.
    rows: [Vec<f32>; 4],
    /// Values and weights of a row of chroma samples.
    chroma: [Vec<f32>; 2],
}

impl Canvas {
    /// Blends `source` into the samples of `area`. A subsampled chroma sample gets the mean of the
    /// pixels it lies on or between, so it stays as it is where none of them is painted.
    pub fn paint(&mut self, frame: &mut Frame<'_>, area: &Area, source: &mut impl BlendSource) {
        if area.is_empty() {
            return;
        }
        let count = component::count(frame);
        let layouts = layouts(frame);
        let band = layouts
            .map(|l| l.band_height())
            .into_iter()
            .max()
            .unwrap_or(1);
        let xs = whole_samples(&area.x, &layouts, frame.width() as usize);
        for first in (area.y.start / band * band..area.y.end).step_by(band) {
            let ys = first..(first + band).min(frame.height() as usize);
            self.fill(&Original::new(frame, layouts), &xs, &ys, source);
            let Some(columns) = self.painted(xs.len()) else {
                continue;
            };
            let painted = xs.start + columns.start..xs.start + columns.end;
            let painted = Painted {
                xs: &whole_samples(&painted, &layouts, frame.width() as usize),
                ys: &ys,
                first: xs.start,
                width: xs.len(),
            };
            for (index, layout) in layouts.iter().enumerate().take(count) {
                let data = frame
                    .plane_data_mut(layout.plane)
                    .expect("a supported format has the plane");
                match layout.is_full() {
                    true => self.blend_full(data, layout, index, &painted),
                    false => self.blend_chroma(data, layout, index, &painted),
                }
            }
        }
    }

    fn fill(
        &mut self,
        original: &Original<'_>,
        xs: &Range<usize>,
        ys: &Range<usize>,
        source: &mut impl BlendSource,
    ) {
        let width = xs.len();
        for plane in &mut self.rows {
            plane.clear();
            plane.resize(width * ys.len(), 0.0);
        }
        for (index, y) in ys.clone().enumerate() {
            let range = index * width..(index + 1) * width;
            let mut row = self.rows.each_mut().map(|plane| &mut plane[range.clone()]);
            source.blend_row(original, xs, y, &mut row);
        }
    }

    /// The columns, of `width`, from the first to the last that has a blend.
    fn painted(&self, width: usize) -> Option<Range<usize>> {
        let (mut first, mut end) = (width, 0);
        for weights in self.rows[WEIGHT].chunks(width) {
            let is_painted = |weight: &f32| *weight != 0.0;
            // Only what lies beyond the columns found so far can widen them.
            first = weights[..first]
                .iter()
                .position(is_painted)
                .unwrap_or(first);
            let beyond = weights[end..].iter().rposition(is_painted);
            end = beyond.map_or(end, |at| end + at + 1);
        }
        (first < end).then_some(first..end)
    }

    fn blend_full(
        &self,
        data: &mut [u8],
        layout: &Layout,
        component: usize,
        painted: &Painted<'_>,
    ) {
        for (index, y) in painted.ys.clone().enumerate() {
            let [values, weights] =
                [component, WEIGHT].map(|plane| painted.row(&self.rows[plane], index));
            blend(data, layout, [y, painted.xs.start], values, weights);
        }
    }

    fn blend_chroma(
        &mut self,
        data: &mut [u8],
        layout: &Layout,
        component: usize,
        painted: &Painted<'_>,
    ) {
        let ys = painted.ys;
        let columns = layout.columns_of(painted.xs);
        for row in layout.row_of(ys.start)..=layout.row_of(ys.end - 1) {
            let covered = || ys.clone().filter(|&y| layout.row_of(y) == row);
            let sited = covered().take(layout.sited(1));
            let share = 1.0 / sited.clone().count().max(1) as f32;
            for (sums, plane) in self.chroma.iter_mut().zip([component, WEIGHT]) {
                sums.clear();
                sums.resize(columns.len(), 0.0);
                for y in sited.clone() {
                    let row = painted.row(&self.rows[plane], y - ys.start);
                    add_up(row, layout, share, sums);
                }
            }
            let [values, weights] = &self.chroma;
            blend(data, layout, [row, columns.start], values, weights);
        }
    }
}

/// The layouts of the components; the one of a gray frame stands for all three.
fn layouts(frame: &Frame<'_>) -> [Layout; 3] {
    let count = component::count(frame);
    [0, 1, 2].map(|index| Layout::of(frame, index.min(count - 1)))
}

/// The pixels of a band of rows that have blends.
struct Painted<'a> {
    xs: &'a Range<usize>,
    ys: &'a Range<usize>,
    /// The first pixel of the planes of blends, and their width.
    first: usize,
    width: usize,
}

impl Painted<'_> {
    /// The values of row `index` of the band in a plane of blends.
    fn row<'p>(&self, plane: &'p [f32], index: usize) -> &'p [f32] {
        let row = &plane[index * self.width..][..self.width];
        &row[self.xs.start - self.first..self.xs.end - self.first]
    }
}

/// `xs` widened to all the pixels that its samples cover.
fn whole_samples(xs: &Range<usize>, layouts: &[Layout; 3], width: usize) -> Range<usize> {
    let shift = layouts.map(|l| l.shift[0]).into_iter().max().unwrap_or(0);
    let end = (((xs.end - 1) >> shift) + 1) << shift;
    (xs.start >> shift) << shift..end.min(width)
}

/// Adds to the sum of each sample `share` of the mean of the pixels of `row` that it lies on or
/// between.
fn add_up(row: &[f32], layout: &Layout, share: f32, sums: &mut [f32]) {
    if layout.shift[0] != 1 {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value * share;
        }
        return;
    }
    // No supported format has samples for more than two pixels of a row.
    let [first, second] = match layout.sited(0) {
        1 => [share, 0.0],
        _ => [0.5 * share; 2],
    };
    let (pairs, rest) = row.as_chunks::<2>();
    for (sum, [left, right]) in sums.iter_mut().zip(pairs) {
        *sum += left * first + right * second;
    }
    if let ([last], Some(sum)) = (rest, sums.get_mut(pairs.len())) {
        *sum += last * share;
    }
}

/// Blends values and weights into the samples of a row from a column on.
fn blend(
    data: &mut [u8],
    layout: &Layout,
    [row, column]: [usize; 2],
    values: &[f32],
    weights: &[f32],
) {
    let start = layout.start_of(row) + column * layout.step;
    let data = data.get_mut(start..).unwrap_or(&mut []);
    with_sample!(layout.packing, sample => match layout.step {
        1 => blend_each::<_, 1>(data, sample, values, weights),
        2 => blend_each::<_, 2>(data, sample, values, weights),
        3 => blend_each::<_, 3>(data, sample, values, weights),
        4 => blend_each::<_, 4>(data, sample, values, weights),
        _ => blend_each::<_, 8>(data, sample, values, weights),
    });
}

fn blend_each<S: Sample, const STEP: usize>(
    data: &mut [u8],
    sample: S,
    values: &[f32],
    weights: &[f32],
) {
    let (pixels, rest) = data.as_chunks_mut::<STEP>();
    let whole = pixels.len();
    for (pixel, (value, weight)) in pixels.iter_mut().zip(values.iter().zip(weights)) {
        mix(pixel, sample, *value, *weight);
    }
    // The plane may end with the last sample, before its pixel does.
    if let (Some(value), Some(weight)) = (values.get(whole), weights.get(whole))
        && rest.len() >= S::BYTES
    {
        mix(rest, sample, *value, *weight);
    }
}

#[inline(always)]
fn mix(pixel: &mut [u8], sample: impl Sample, value: f32, weight: f32) {
    let old = sample.get(pixel, 0);
    let new = old * (1.0 - weight) + value;
    sample.put(pixel, 0, if new.is_nan() { old } else { new });
}
