//! Pixels that other frames of the same stream show.

use gst_video::prelude::*;

use super::canvas::Frame;
use super::component::{self, Layout, Sample, with_sample};
use super::still::Still;
use super::write::PixelWeights;

/// What another frame shows of a part of this one.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// That frame.
    pub still: &'a Still,
    /// From here to there, in pixels.
    pub way: [f32; 2],
    /// By how much this frame is brighter, as a share of the range.
    pub offset: f32,
}

/// Lays the mean of what is `shown` over the `pixels` of `frame` that have weights, by their weights
/// times `strength`, in `[0, 1]`. Other pixels stay as they are.
///
/// # Panics
/// If the format is not a [supported](super::SUPPORTED_FORMATS) one.
pub fn mend(frame: &mut Frame<'_>, pixels: PixelWeights<'_>, shown: &[Shown<'_>], strength: f32) {
    let is_rgb = frame.info().is_rgb();
    let area = pixels.area;
    for index in 0..component::count(frame) {
        let layout = Layout::of(frame, index);
        let sources: Vec<_> = shown
            .iter()
            .filter_map(|shown| Some((shown, shown.still.component(&layout)?)))
            .collect();
        let Ok(data) = frame.plane_data_mut(layout.plane) else {
            continue;
        };
        if sources.is_empty() {
            continue;
        }
        let is_light = is_rgb || index == 0;
        let most = ((1u32 << layout.packing.depth) - 1) as f32;
        let [right, down] = layout.shift.map(|shift| 1usize << shift);
        let columns = layout.columns_of(&(area.x0..area.x1));
        with_sample!(layout.packing, sample => {
            for row in layout.row_of(area.y0)..layout.row_of(area.y1 - 1) + 1 {
                for column in columns.clone() {
                    // A sample that any of its pixels misses is as good as that pixel.
                    let mut weight = 0.0f32;
                    for y in row * down..(row + 1) * down {
                        let (first, weights) = pixels.row(y);
                        let from = (column * right).max(first) - first;
                        let to = ((column + 1) * right - first).min(weights.len());
                        weight = weights.get(from..to).unwrap_or(&[]).iter().fold(weight, |a, b| a.max(*b));
                    }
                    if weight == 0.0 {
                        continue;
                    }
                    let mut sum = 0.0;
                    for (shown, (there, bytes)) in &sources {
                        let x = column as f32 + shown.way[0] / right as f32;
                        let y = row as f32 + shown.way[1] / down as f32;
                        let offset = if is_light { shown.offset * most } else { 0.0 };
                        sum += between(bytes, there, sample, [x, y]) + offset;
                    }
                    let place = layout.start_of(row) + column * layout.step;
                    let old = sample.get(data, place);
                    let new = sum / sources.len() as f32;
                    sample.put(data, place, old + weight * strength * (new - old));
                }
            }
        });
    }
}

/// The value at `at` = (x, y) between samples, in samples; beyond the border that on it.
fn between<S: Sample>(data: &[u8], layout: &Layout, sample: S, at: [f32; 2]) -> f32 {
    let [x, y] = at;
    let x = x.clamp(0.0, (layout.width - 1) as f32);
    let y = y.clamp(0.0, (layout.height - 1) as f32);
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = (
        (left + 1).min(layout.width - 1),
        (top + 1).min(layout.height - 1),
    );
    let (u, v) = (x.fract(), y.fract());
    let get = |x: usize, y: usize| sample.get(data, layout.start_of(y) + x * layout.step);
    let line = |y: usize| match u == 0.0 {
        true => get(left, y),
        false => get(left, y) * (1.0 - u) + get(right, y) * u,
    };
    match v == 0.0 {
        true => line(top),
        false => line(top) * (1.0 - v) + line(bottom) * v,
    }
}
