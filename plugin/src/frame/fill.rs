//! A plain fill for holes away from faces: what is around goes on into them.

use gst_video::prelude::*;
use mde_core::occlusion::Rect;

use super::canvas::Frame;
use super::component::{self, Layout, Sample, with_sample};
use super::write::PixelWeights;
use crate::distance::Distances;

/// How far around a sample others tell its value, in samples.
const RADIUS: usize = 4;

/// A neighbour across the way from the border into the hole counts this much beside one along it.
const ACROSS: f32 = 0.1;

/// Fills holes as fast marching does (Telea, "An image inpainting technique based on the fast
/// marching method", 2004): sample by sample from the border inwards, each as the mean of the known
/// ones around it, those counting most that lie near, along the way in from the border, and as deep.
/// The order is that of the exact distance to the border. Made once and reused: it allocates only
/// for a hole larger than all before.
#[derive(Clone, Debug, Default)]
pub struct Filler {
    distances: Distances,
    patch: Patch,
    order: Vec<(i32, usize)>,
}

/// Samples of a component around a hole.
#[derive(Clone, Debug, Default)]
struct Patch {
    width: usize,
    values: Vec<f32>,
    /// How much of each is replaced, in `[0, 1]`.
    weights: Vec<f32>,
    /// How deep in the hole each lies; 0 outside.
    depths: Vec<f32>,
    /// Whether each is known or has been filled.
    is_open: Vec<bool>,
}

impl Filler {
    /// Fills the `pixels` that have weights from what is around them, and blends that in by their
    /// weights times `strength`, in `[0, 1]`. Each field of an interlaced frame is filled for
    /// itself.
    ///
    /// # Panics
    /// If the format is not a [supported](super::SUPPORTED_FORMATS) one.
    pub fn fill(&mut self, frame: &mut Frame<'_>, pixels: PixelWeights<'_>, strength: f32) {
        let fields = 1 + usize::from(frame.is_interlaced());
        for index in 0..component::count(frame) {
            let layout = Layout::of(frame, index);
            let data = frame
                .plane_data_mut(layout.plane)
                .expect("a supported format has the plane");
            for field in 0..fields {
                let rows = Rows {
                    first: field,
                    step: fields,
                };
                if let Some(area) = self.take(data, &layout, rows, pixels) {
                    self.march();
                    self.give(data, &layout, rows, area, strength);
                }
            }
        }
    }

    /// Takes the samples of `rows` that `pixels` cover, and those around; gives where they lie.
    fn take(
        &mut self,
        data: &[u8],
        layout: &Layout,
        rows: Rows,
        pixels: PixelWeights<'_>,
    ) -> Option<Rect> {
        let area = pixels.area;
        let columns = layout.columns_of(&(area.x0..area.x1));
        let height = rows.count(layout.height);
        let (top, bottom) = (layout.row_of(area.y0), layout.row_of(area.y1 - 1) + 1);
        let around = Rect::new(
            columns.start.saturating_sub(RADIUS),
            (top / rows.step).saturating_sub(RADIUS),
            (columns.end + RADIUS).min(layout.width),
            (bottom.div_ceil(rows.step) + RADIUS).min(height),
        );
        let patch = &mut self.patch;
        patch.width = around.width();
        patch.weights.clear();
        patch.weights.resize(around.area(), 0.0);
        for y in area.y0..area.y1 {
            let Some(row) = rows.index(layout.row_of(y)) else {
                continue;
            };
            let start = (row - around.y0) * patch.width;
            let (first, weights) = pixels.row(y);
            for (x, weight) in (first..).zip(weights) {
                let column = (x >> layout.shift[0]).min(layout.width - 1);
                let sample = &mut patch.weights[start + column - around.x0];
                // A sample that any of its pixels misses is as good as that pixel.
                *sample = sample.max(*weight);
            }
        }
        if patch.weights.iter().all(|weight| *weight == 0.0) {
            return None;
        }
        patch.values.clear();
        with_sample!(layout.packing, sample => {
            for row in around.y0..around.y1 {
                let start = layout.start_of(rows.row(row));
                let columns = around.x0..around.x1;
                patch.values.extend(columns.map(|x| sample.get(data, start + x * layout.step)));
            }
        });
        Some(around)
    }

    /// Fills the patch, from the border of the hole inwards.
    fn march(&mut self) {
        let patch = &mut self.patch;
        let is_hole = patch.weights.iter().map(|weight| *weight > 0.0);
        let squares = self.distances.squared(patch.width, is_hole);
        patch.depths.clear();
        patch
            .depths
            .extend(squares.iter().map(|&square| (square as f32).sqrt()));
        patch.is_open.clear();
        patch
            .is_open
            .extend(squares.iter().map(|&square| square == 0));
        self.order.clear();
        let places = squares.iter().copied().zip(0..);
        self.order.extend(places.filter(|(square, _)| *square > 0));
        self.order.sort_unstable();
        for &(_, at) in &self.order {
            patch.values[at] = patch.mean_around(at);
            patch.is_open[at] = true;
        }
    }

    /// Puts the filled samples into the frame.
    fn give(&self, data: &mut [u8], layout: &Layout, rows: Rows, area: Rect, strength: f32) {
        with_sample!(layout.packing, sample => {
            let patch = &self.patch;
            for &(_, at) in &self.order {
                let (x, row) = (at % patch.width, at / patch.width);
                let start = layout.start_of(rows.row(area.y0 + row));
                let place = start + (area.x0 + x) * layout.step;
                let old = sample.get(data, place);
                let weight = patch.weights[at] * strength;
                sample.put(data, place, old + weight * (patch.values[at] - old));
            }
        });
    }
}

impl Patch {
    /// The mean of the samples around `at` that are known or have been filled.
    fn mean_around(&self, at: usize) -> f32 {
        let (x, y) = (at % self.width, at / self.width);
        let height = self.values.len() / self.width;
        let inwards = self.slope(x, y);
        let (mut sum, mut total) = (0.0, 0.0);
        for v in y.saturating_sub(RADIUS)..(y + RADIUS + 1).min(height) {
            let dy = y as f32 - v as f32;
            for u in x.saturating_sub(RADIUS)..(x + RADIUS + 1).min(self.width) {
                let near = v * self.width + u;
                let dx = x as f32 - u as f32;
                let squared = dx * dx + dy * dy;
                if !self.is_open[near] || squared > (RADIUS * RADIUS) as f32 {
                    continue;
                }
                let along = (dx * inwards[0] + dy * inwards[1]).abs() / squared.sqrt();
                let deep = 1.0 + (self.depths[at] - self.depths[near]).abs();
                let weight = along.max(ACROSS) / (squared * squared.sqrt() * deep);
                sum += weight * self.values[near];
                total += weight;
            }
        }
        match total > 0.0 {
            true => sum / total,
            // Nothing of the picture is known.
            false => self.values[at],
        }
    }

    /// The direction in which the hole gets deeper at `(x, y)`.
    fn slope(&self, x: usize, y: usize) -> [f32; 2] {
        let height = self.values.len() / self.width;
        let depth = |x: usize, y: usize| self.depths[y * self.width + x];
        let (left, right) = (x.saturating_sub(1), (x + 1).min(self.width - 1));
        let (up, down) = (y.saturating_sub(1), (y + 1).min(height - 1));
        [
            depth(right, y) - depth(left, y),
            depth(x, down) - depth(x, up),
        ]
    }
}

/// The rows of a field, or all.
#[derive(Clone, Copy, Debug)]
struct Rows {
    first: usize,
    step: usize,
}

impl Rows {
    /// How many of `height` rows are among them.
    fn count(self, height: usize) -> usize {
        height.saturating_sub(self.first).div_ceil(self.step)
    }

    /// The row with this index.
    fn row(self, index: usize) -> usize {
        self.first + index * self.step
    }

    /// The index of `row`, if it is among them.
    fn index(self, row: usize) -> Option<usize> {
        (row % self.step == self.first).then_some(row / self.step)
    }
}
