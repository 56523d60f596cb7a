//! Means of blocks of a frame's samples, as its components have them.

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::colour::Colour;
use super::component::{Layout, with_sample};
use super::shrunk;

/// Most rows of samples that are averaged for a block.
const MOST_ROWS: usize = 4;

/// Blocks of pixels that lie side by side in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The first pixel to the right and down, a multiple of the pixels that share samples.
    pub origin: (usize, usize),
    /// Pixels of a block to the right and down, such a multiple too.
    pub block: (usize, usize),
    /// Blocks to the right and down.
    pub count: (usize, usize),
}

/// Averages samples. Made once and reused, so that it allocates only for a row longer than all
/// before.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    sums: Vec<f32>,
}

impl Probe {
    /// Whether frames described by `info` have three channels to be looked at.
    pub fn sees(info: &VideoInfo) -> bool {
        !info.is_gray()
    }

    /// Puts the means of the blocks of `grid` into `means`, row by row, as shares of the range of
    /// each component. Of high blocks a few rows are taken, which are the same for all components.
    ///
    /// # Panics
    /// If `grid` reaches beyond the frame, or the format is not a
    /// [supported](super::SUPPORTED_FORMATS) one with three colour components.
    pub fn read<T>(&mut self, frame: &VideoFrameRef<T>, grid: &Grid, means: &mut [Vec<f32>; 3]) {
        for (index, means) in means.iter_mut().enumerate() {
            self.read_component(frame, index, grid, means);
        }
    }

    /// Puts the means of the blocks of `grid` into `means` as [`Self::read`] does, but of the component
    /// alone that is nearest to brightness.
    ///
    /// # Panics
    /// As [`Self::read`].
    pub fn read_brightness<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        grid: &Grid,
        means: &mut Vec<f32>,
    ) {
        let green = usize::from(frame.info().is_rgb());
        self.read_component(frame, green, grid, means);
    }

    fn read_component<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        index: usize,
        grid: &Grid,
        means: &mut Vec<f32>,
    ) {
        let layout = Layout::of(frame, index);
        let data = frame
            .plane_data(layout.plane)
            .expect("a supported format has the plane");
        let unit = super::search::shared_block(frame.info()).1;
        let first = grid.origin.0 >> layout.shift[0];
        let width = (grid.block.0 >> layout.shift[0]).max(1);
        let most = ((1u32 << layout.packing.depth) - 1) as f32;
        means.clear();
        for block in 0..grid.count.1 {
            self.sums.clear();
            self.sums.resize(width * grid.count.0, 0.0);
            let mut taken = 0;
            let mut last = None;
            for y in rows(grid.origin.1 + block * grid.block.1, grid.block.1, unit) {
                let row = layout.row_of(y);
                if last.replace(row) == Some(row) {
                    continue;
                }
                let start = layout.start_of(row) + first * layout.step;
                let data = data.get(start..).unwrap_or(&[]);
                with_sample!(layout.packing, sample => {
                    shrunk::add(&mut self.sums, data, layout.step, sample);
                });
                taken += 1;
            }
            let scale = 1.0 / (taken as f32 * width as f32 * most);
            let blocks = self.sums.chunks_exact(width);
            means.extend(blocks.map(|block| block.iter().sum::<f32>() * scale));
        }
    }
}

/// The rows that are taken of a block of `height` rows from `first` on: whole ones of the `unit`s of
/// rows that share samples.
fn rows(first: usize, height: usize, unit: usize) -> impl Iterator<Item = usize> {
    let units = (height / unit).max(1);
    let taken = units.min((MOST_ROWS / unit).max(1));
    (0..taken).flat_map(move |index| {
        let start = first + (2 * index + 1) * units / (2 * taken) * unit;
        start..(start + unit).min(first + height.max(1))
    })
}

/// Makes red, green and blue, in `[0, 1]` unless they overshoot, of the components' `shares` in a
/// frame described by `info`.
pub fn to_rgb(info: &VideoInfo, shares: &mut [Vec<f32>; 3]) {
    let colour = Colour::of(info);
    let most = [0, 1, 2].map(|index| ((1u32 << info.comp_depth(index)) - 1) as f32);
    let [a, b, c] = shares;
    for (a, (b, c)) in a.iter_mut().zip(b.iter_mut().zip(c)) {
        [*a, *b, *c] = colour.rgb([*a * most[0], *b * most[1], *c * most[2]]);
    }
}
