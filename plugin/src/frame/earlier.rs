//! The frame before, from which holes are filled with what they hid a moment ago.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::occlusion::Rect;

use super::canvas::Frame;
use super::component::{self, Layout, Sample, with_sample};
use super::still::Still;
use super::write::PixelWeights;

/// Pixels of a hole that move alike, from left to right.
const CELL: usize = 16;
/// Pixels around them by which their motion is told.
const RIM: usize = 4;
/// Steps of the search for the motion, in pixels: the first of them two ways.
const STEPS: [i32; 4] = [4, 2, 1, 1];
/// The mean difference of the rim, as a share of the range, from which on the frames show different
/// things.
const STRANGE: f32 = 0.06;

/// Keeps a frame. Made once and reused, so that it allocates only for a frame larger than all
/// before.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    kept: Still,
}

impl Earlier {
    /// Forgets the frame.
    pub fn forget(&mut self) {
        self.kept.forget();
    }

    /// Keeps `frame` in place of the one before.
    pub fn keep<T>(&mut self, frame: &VideoFrameRef<T>) {
        self.kept.keep(frame);
    }

    /// Lays what was there before over the `pixels` of `frame` that have weights, moved as what is
    /// around them, and blends it in by their weights times `strength`, in `[0, 1]`. What is around
    /// them must not have weights. Leaves pixels alone where what is around was not to be seen
    /// before.
    ///
    /// # Panics
    /// If the format is not a [supported](super::SUPPORTED_FORMATS) one.
    pub fn lay(&self, frame: &mut Frame<'_>, pixels: PixelWeights<'_>, strength: f32) {
        if !self.kept.is_like(frame.info()) {
            return;
        }
        let area = pixels.area;
        for x0 in (area.x0..area.x1).step_by(CELL) {
            let x1 = (x0 + CELL).min(area.x1);
            if let Some(part) = holed(pixels, x0, x1)
                && let Some(motion) = self.motion(frame, part, pixels)
            {
                self.lay_part(frame, part, pixels, motion, strength);
            }
        }
    }

    /// From where in the earlier frame what is around `part` has come, if it was there.
    fn motion(&self, frame: &Frame<'_>, part: Rect, pixels: PixelWeights<'_>) -> Option<[i32; 2]> {
        // A field's rows were its rows before.
        let down = 1 + i32::from(frame.is_interlaced());
        let mut best = ([0, 0], self.difference(frame, part, pixels, [0, 0])?);
        for step in STEPS {
            let [x, y] = best.0;
            // Of motions that explain it alike, the one that is no more than is needed.
            for dy in [0, -step, step] {
                for dx in [0, -step, step] {
                    let motion = [x + dx, y + dy * down];
                    match self.difference(frame, part, pixels, motion) {
                        Some(difference) if difference < best.1 => best = (motion, difference),
                        _ => (),
                    }
                }
            }
        }
        (best.1 < STRANGE).then_some(best.0)
    }

    /// The mean difference of what is around `part` from what was at `motion` from there, as a share
    /// of the range; nothing where it was beyond the frame.
    fn difference(
        &self,
        frame: &Frame<'_>,
        part: Rect,
        pixels: PixelWeights<'_>,
        motion: [i32; 2],
    ) -> Option<f32> {
        let layout = Layout::of(frame, 0);
        let data = frame.plane_data(layout.plane).ok()?;
        let (earlier, before) = self.kept.component(&layout)?;
        let most = ((1u32 << layout.packing.depth) - 1) as f32;
        let around = Rect::new(
            part.x0.saturating_sub(RIM),
            part.y0.saturating_sub(RIM),
            (part.x1 + RIM).min(layout.width),
            (part.y1 + RIM).min(layout.height),
        );
        let [from_x, from_y] = motion.map(|v| v as isize);
        let first = around.x0.checked_add_signed(from_x)?;
        let top = around.y0.checked_add_signed(from_y)?;
        if first + around.width() > layout.width || top + around.height() > layout.height {
            return None;
        }
        let (mut sum, mut count) = (0.0, 0);
        with_sample!(layout.packing, sample => {
            for (y, from) in (around.y0..around.y1).zip(top..) {
                let (now, then) = (layout.start_of(y), earlier.start_of(from));
                for (x, from) in (around.x0..around.x1).zip(first..) {
                    if weight(pixels, x, y) == 0.0 {
                        let value = sample.get(data, now + x * layout.step);
                        sum += (value - sample.get(before, then + from * layout.step)).abs();
                        count += 1;
                    }
                }
            }
        });
        (count > 0).then(|| sum / (count as f32 * most))
    }

    fn lay_part(
        &self,
        frame: &mut Frame<'_>,
        part: Rect,
        pixels: PixelWeights<'_>,
        motion: [i32; 2],
        strength: f32,
    ) {
        for index in 0..component::count(frame) {
            let layout = Layout::of(frame, index);
            let Some((earlier, before)) = self.kept.component(&layout) else {
                continue;
            };
            let Ok(data) = frame.plane_data_mut(layout.plane) else {
                continue;
            };
            let [dx, dy] = [0, 1].map(|axis| (motion[axis] >> layout.shift[axis]) as isize);
            let moved =
                |at: usize, by: isize, side: usize| at.saturating_add_signed(by).min(side - 1);
            with_sample!(layout.packing, sample => {
                for y in part.y0..part.y1 {
                    let row = layout.row_of(y);
                    let to = layout.start_of(row);
                    let from = earlier.start_of(moved(row, dy, layout.height));
                    for x in part.x0..part.x1 {
                        let weight = weight(pixels, x, y) * strength;
                        if weight == 0.0 {
                            continue;
                        }
                        let column = (x >> layout.shift[0]).min(layout.width - 1);
                        let place = to + column * layout.step;
                        let old = sample.get(data, place);
                        let source = from + moved(column, dx, layout.width) * layout.step;
                        let new = sample.get(before, source);
                        sample.put(data, place, old + weight * (new - old));
                    }
                }
            });
        }
    }
}

/// The weight of the pixel `(x, y)`.
fn weight(pixels: PixelWeights<'_>, x: usize, y: usize) -> f32 {
    let (first, weights) = pixels.row(y);
    let column = x.checked_sub(first);
    column
        .and_then(|column| weights.get(column))
        .copied()
        .unwrap_or(0.0)
}

/// A rectangle around the `pixels` with weights from column `x0` to before `x1`.
fn holed(pixels: PixelWeights<'_>, x0: usize, x1: usize) -> Option<Rect> {
    let is_holed = |y: &usize| (x0..x1).any(|x| weight(pixels, x, *y) > 0.0);
    let rows = pixels.area.y0..pixels.area.y1;
    let y0 = rows.clone().find(is_holed)?;
    let y1 = rows.rev().find(is_holed)? + 1;
    Some(Rect::new(x0, y0, x1, y1))
}
