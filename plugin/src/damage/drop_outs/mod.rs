//! Finds pixels that cannot be picture in the frames of a stream.
//!
//! A frame's brightness (`sheet`) is compared with that of the frame before, in which what was
//! damaged has been replaced by what was there earlier, and with what was there before that (`past`).
//! `lines` are what a tape's drop-outs leave, `blocks` what a decoder leaves that has lost a part of
//! the stream.

mod blocks;
mod lines;
mod past;
mod sheet;
mod slide;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::occlusion::Rect;

use crate::frame::Probe;
use blocks::Blocks;
use lines::Lines;
use past::Past;
use sheet::Sheet;

/// Which damage is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// Lines of one colour or of noise.
    pub lines: bool,
    /// Blocks of one colour, or smeared.
    pub blocks: bool,
    /// The share of a frame from which on something is too large for damage.
    pub max_size: f32,
}

/// What kind of damage something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line, of one colour or of noise.
    Line,
    /// Blocks of a codec side by side.
    Block,
}

impl Kind {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Block => "block",
        }
    }
}

/// Pixels that cannot be picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropOut {
    /// Where they are, in pixels of the frame.
    pub area: Rect,
    /// What they are.
    pub kind: Kind,
    /// How sure that is, from 0 to 1.
    pub confidence: f32,
}

/// By how much a value differs that is another one, in 255ths.
const OTHER: u8 = 20;
/// The share of values that are others from which on the frame shows something else.
const CUT: f32 = 0.35;
/// Every so many rows are looked at for that.
const ROWS: usize = 8;

/// Looks for damage in the frames of a stream, one after the other. Made once and reused.
#[derive(Debug, Default)]
pub struct DropOuts {
    probe: Probe,
    means: Vec<f32>,
    now: Sheet,
    before: Sheet,
    past: Past,
    lines: Lines,
    blocks: Blocks,
    found: Vec<DropOut>,
    earlier: Vec<DropOut>,
}

impl DropOuts {
    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.before = Sheet::default();
        self.found.clear();
        self.blocks.forget();
    }

    /// Looks for what is `wanted` in `frame`, which comes after those seen before, and gives what of it
    /// is damaged.
    pub fn look<T>(&mut self, frame: &VideoFrameRef<T>, wanted: &Wanted) -> &[DropOut] {
        std::mem::swap(&mut self.found, &mut self.earlier);
        self.found.clear();
        let Self { probe, means, .. } = self;
        self.now.read(frame, probe, means);
        let goes_on = self.now.size == self.before.size && self.now.step == self.before.step;
        if goes_on && !self.is_cut() {
            let size = (frame.width() as usize, frame.height() as usize);
            let most = wanted.max_size * (size.0 * size.1) as f32;
            let is_small = |line: &DropOut| line.area.area() as f32 <= most;
            if wanted.lines {
                let lines = self
                    .lines
                    .find(&self.now, [&self.before, self.past.sheet()]);
                self.found.extend(lines.filter(is_small));
            }
            // What was there before is still what is to be seen. But what stays is picture.
            for DropOut { area, .. } in &self.found {
                if !(self.earlier.iter()).any(|earlier| overlap(&earlier.area, area)) {
                    self.now.take_over(&self.before, *area);
                }
            }
            if wanted.blocks {
                let lines = self.found.len();
                let (now, before) = (&self.now, &self.before);
                let blocks = self.blocks.find(now, before, size, wanted.max_size);
                self.found.extend(blocks);
                for block in &self.found[lines..] {
                    self.now.take_over(&self.before, block.area);
                }
            }
            self.past.go_on(&self.before, &self.now);
        } else {
            self.blocks.forget();
            self.past.begin(&self.now);
        }
        std::mem::swap(&mut self.now, &mut self.before);
        &self.found
    }

    /// Whether the frame shows something else than the one before.
    fn is_cut(&self) -> bool {
        let (mut others, mut all) = (0, 0);
        for y in (0..self.now.size.1).step_by(ROWS) {
            let pairs = self.now.row(y).iter().zip(self.before.row(y));
            others += pairs.filter(|(a, b)| a.abs_diff(**b) > OTHER).count();
            all += self.now.size.0;
        }
        others as f32 > CUT * all as f32
    }
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1
}
