//! The brightness of a frame, coarser along its rows.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::occlusion::Rect;

use crate::frame::{Grid, Probe};

/// Frames that are wider than this are averaged over more pixels.
const NARROW: usize = 640;

/// The brightness of a frame: each value is the mean of some pixels side by side, in 255ths of its
/// range.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Values in a row, and rows: as many as the frame has.
    pub size: (usize, usize),
    /// Pixels of a value.
    pub step: usize,
    /// Row by row.
    pub values: Vec<u8>,
}

impl Sheet {
    /// Makes this the brightness of `frame`; `means` is overwritten.
    pub fn read<T>(&mut self, frame: &VideoFrameRef<T>, probe: &mut Probe, means: &mut Vec<f32>) {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        self.step = if width > NARROW { 4 } else { 2 };
        let grid = Grid {
            origin: (0, 0),
            block: (self.step, 1),
            count: (width / self.step, height),
        };
        self.size = grid.count;
        probe.read_brightness(frame, &grid, means);
        self.values.clear();
        let values = means.iter().map(|mean| (255.0 * mean).round() as u8);
        self.values.extend(values);
    }

    /// Row `y`.
    pub fn row(&self, y: usize) -> &[u8] {
        &self.values[y * self.size.0..][..self.size.0]
    }

    /// Takes the values of `area`, in pixels of the frame, over from `other`, which has the same size.
    pub fn take_over(&mut self, other: &Self, area: Rect) {
        let columns = area.x0 / self.step..area.x1.div_ceil(self.step).min(self.size.0);
        for y in area.y0..area.y1.min(self.size.1) {
            let row = y * self.size.0;
            let places = row + columns.start..row + columns.end;
            self.values[places.clone()].copy_from_slice(&other.values[places]);
        }
    }
}
