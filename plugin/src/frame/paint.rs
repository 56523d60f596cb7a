//! Blending colours into the samples of a frame.

use std::ops::Range;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;

use super::colour::Colour;
use super::component::{self, Layout};

/// What is blended into a frame. Positions are luma pixels of the frame.
pub trait Paint {
    /// How much of the colour there is at `(x, y)`, in `[0, 1]`; 0 leaves a sample as it is.
    fn weight(&self, x: f64, y: f64) -> f32;

    /// `factors . rgb`, with the colour at `(x, y)` as RGB in `[0, 1]`; NaN leaves the sample as it
    /// is.
    fn mix(&self, factors: [f32; 3], x: f64, y: f64) -> f32;
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
            let end = (high.floor() + 1.0) as usize;
            (low.ceil() as usize)..end.min(side as usize)
        };
        Self {
            x: range(low[0], high[0], frame.width()),
            y: range(low[1], high[1], frame.height()),
        }
    }
}

/// Blends `paint` into the samples of `area`. A subsampled chroma sample gets the mean weight of
/// the pixels it covers, so it stays as it is where none of them is painted.
pub fn paint(frame: &mut VideoFrameRef<&mut gst::BufferRef>, area: &Area, paint: &impl Paint) {
    if area.x.is_empty() || area.y.is_empty() {
        return;
    }
    let colour = Colour::of(frame.info());
    let size = [frame.width() as usize, frame.height() as usize];
    for index in 0..component::count(frame) {
        let layout = Layout::of(frame, index);
        let (factors, offset) = colour.byte_of(index);
        let data = frame
            .comp_data_mut(index as u32)
            .expect("a supported format has the component");
        let [shift_x, shift_y] = layout.shift;
        for row in area.y.start >> shift_y..=(area.y.end - 1) >> shift_y {
            for column in area.x.start >> shift_x..=(area.x.end - 1) >> shift_x {
                let weight = mean_weight(paint, &layout, [column, row], size);
                if weight > 0.0 {
                    let x = layout.luma_of(0, column);
                    let y = layout.luma_of(1, row);
                    let byte = &mut data[row * layout.stride + column * layout.step];
                    let (old, new) = (f32::from(*byte), paint.mix(factors, x, y) + offset);
                    if !new.is_nan() {
                        // The cast cuts to 0..=255 and off the fraction.
                        *byte = (old + weight * (new - old) + 0.5) as u8;
                    }
                }
            }
        }
    }
}

fn mean_weight(paint: &impl Paint, layout: &Layout, at: [usize; 2], size: [usize; 2]) -> f32 {
    if layout.shift == [0, 0] {
        return paint.weight(at[0] as f64, at[1] as f64);
    }
    let covered = |axis: usize| {
        let first = at[axis] << layout.shift[axis];
        first..(first + (1 << layout.shift[axis])).min(size[axis])
    };
    let (columns, rows) = (covered(0), covered(1));
    let pixels = columns.len() * rows.len();
    let sum: f32 = rows
        .flat_map(|y| columns.clone().map(move |x| (x, y)))
        .map(|(x, y)| paint.weight(x as f64, y as f64))
        .sum();
    sum / pixels.max(1) as f32
}
