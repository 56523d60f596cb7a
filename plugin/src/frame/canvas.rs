//! Blending colours into the samples of a frame.

use std::ops::Range;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;

use super::component::{self, Layout, Sample, with_sample};

/// A frame to paint on.
pub type Frame<'a> = VideoFrameRef<&'a mut gst::BufferRef>;

/// What is blended into a pixel: the values of the components times the weight, and the weight, in
/// `[0, 1]`. With weight 0 a sample stays as it is.
pub type Dab = [f32; 4];

/// Where in a [`Dab`] the weight is.
pub const WEIGHT: usize = 3;

/// What is blended into a frame.
pub trait Ink {
    /// Fills `row` with the dabs of the pixels `xs` of the frame's row `y`. Values that are NaN
    /// leave the samples as they are.
    fn dab(&mut self, source: &Source<'_>, xs: &Range<usize>, y: usize, row: &mut [Dab]);
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
pub struct Source<'a> {
    planes: [&'a [u8]; 3],
    layouts: [Layout; 3],
}

impl<'a> Source<'a> {
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
    rows: Vec<Dab>,
    chroma: Vec<Dab>,
}

impl Canvas {
    /// Blends `ink` into the samples of `area`. A subsampled chroma sample gets the mean of the
    /// pixels it lies on or between, so it stays as it is where none of them is painted.
    pub fn paint(&mut self, frame: &mut Frame<'_>, area: &Area, ink: &mut impl Ink) {
        if area.is_empty() {
            return;
        }
        let count = component::count(frame);
        let layouts = [0, 1, 2].map(|index| Layout::of(frame, index.min(count - 1)));
        let band = layouts
            .map(|l| l.band_height())
            .into_iter()
            .max()
            .unwrap_or(1);
        let xs = whole_samples(&area.x, &layouts, frame.width() as usize);
        for first in (area.y.start / band * band..area.y.end).step_by(band) {
            let ys = first..(first + band).min(frame.height() as usize);
            self.fill(&Source::new(frame, layouts), &xs, &ys, ink);
            for (index, layout) in layouts.iter().enumerate().take(count) {
                let data = frame
                    .plane_data_mut(layout.plane)
                    .expect("a supported format has the plane");
                match layout.is_full() {
                    true => self.blend_full(data, layout, index, &xs, &ys),
                    false => self.blend_chroma(data, layout, index, &xs, &ys),
                }
            }
        }
    }

    fn fill(
        &mut self,
        source: &Source<'_>,
        xs: &Range<usize>,
        ys: &Range<usize>,
        ink: &mut impl Ink,
    ) {
        self.rows.resize(xs.len() * ys.len(), [0.0; 4]);
        for (y, row) in ys.clone().zip(self.rows.chunks_mut(xs.len())) {
            ink.dab(source, xs, y, row);
        }
    }

    fn blend_full(
        &self,
        data: &mut [u8],
        layout: &Layout,
        component: usize,
        xs: &Range<usize>,
        ys: &Range<usize>,
    ) {
        for (y, row) in ys.clone().zip(self.rows.chunks(xs.len())) {
            blend(data, layout, component, xs.start, y, row);
        }
    }

    fn blend_chroma(
        &mut self,
        data: &mut [u8],
        layout: &Layout,
        component: usize,
        xs: &Range<usize>,
        ys: &Range<usize>,
    ) {
        let columns = layout.columns_of(xs);
        for row in layout.row_of(ys.start)..=layout.row_of(ys.end - 1) {
            let mut weight = 0.0;
            self.chroma.clear();
            self.chroma.resize(columns.len(), [0.0; 4]);
            let covered = ys.clone().filter(|&y| layout.row_of(y) == row);
            for y in covered.take(layout.sited(1)) {
                weight += 1.0;
                let dabs = &self.rows[(y - ys.start) * xs.len()..][..xs.len()];
                add_up(dabs, layout, &mut self.chroma);
            }
            for dab in &mut self.chroma {
                *dab = dab.map(|v| v / weight);
            }
            blend(data, layout, component, columns.start, row, &self.chroma);
        }
    }
}

/// `xs` widened to all the pixels that its samples cover.
fn whole_samples(xs: &Range<usize>, layouts: &[Layout; 3], width: usize) -> Range<usize> {
    let shift = layouts.map(|l| l.shift[0]).into_iter().max().unwrap_or(0);
    let end = (((xs.end - 1) >> shift) + 1) << shift;
    (xs.start >> shift) << shift..end.min(width)
}

/// Adds to each sample of `chroma` the mean of the pixels of `dabs` that it lies on or between.
fn add_up(dabs: &[Dab], layout: &Layout, chroma: &mut [Dab]) {
    for (sum, covered) in chroma.iter_mut().zip(dabs.chunks(1 << layout.shift[0])) {
        let sited = &covered[..covered.len().min(layout.sited(0))];
        for dab in sited {
            for (sum, value) in sum.iter_mut().zip(dab) {
                *sum += value / sited.len() as f32;
            }
        }
    }
}

/// Blends `dabs` into the samples of a row from `column` on.
fn blend(
    data: &mut [u8],
    layout: &Layout,
    component: usize,
    column: usize,
    row: usize,
    dabs: &[Dab],
) {
    let start = layout.start_of(row) + column * layout.step;
    with_sample!(layout.packing, sample => {
        for (index, dab) in dabs.iter().enumerate() {
            let at = start + index * layout.step;
            let new = sample.get(data, at) * (1.0 - dab[WEIGHT]) + dab[component];
            if dab[WEIGHT] > 0.0 && !new.is_nan() {
                sample.put(data, at, new);
            }
        }
    });
}
