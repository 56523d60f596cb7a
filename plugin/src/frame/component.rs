//! A colour component of a frame as a plane of samples.

use std::ops::Range;

use gst_video::VideoChromaSite;
use gst_video::prelude::*;

use super::format::Packing;
use super::sampler::rounded;

/// Colour components of a frame that are read and written: alpha and padding are not.
pub fn count(frame: &impl VideoFrameExt) -> usize {
    (frame.n_components() as usize).min(3)
}

/// Where the samples of a component lie and which luma pixels they stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The plane of the frame.
    pub plane: u32,
    /// Bytes from row to row.
    pub stride: usize,
    /// Bytes from sample to sample.
    pub step: usize,
    /// Where in a row a sample is.
    pub packing: Packing,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Base-2 logarithm of the luma pixels a sample covers to the right and down.
    pub shift: [u32; 2],
    /// Whether a sample lies on the first of the luma pixels it covers, to the right and down;
    /// else in their middle.
    pub cosited: [bool; 2],
    /// Whether rows are those of two fields in turns, and a sample covers rows of its field.
    pub interlaced: bool,
}

impl Layout {
    /// The layout of component `index`.
    pub fn of(frame: &impl VideoFrameExt, index: usize) -> Self {
        let component = index as u32;
        let info = frame.info();
        let format = info.format_info();
        let site = info.chroma_site();
        Self {
            plane: format.plane()[index],
            stride: frame.comp_stride(component) as usize,
            step: frame.comp_pstride(component) as usize,
            packing: Packing::of(&format, index),
            width: frame.comp_width(component) as usize,
            height: frame.comp_height(component) as usize,
            shift: [format.w_sub()[index], format.h_sub()[index]],
            cosited: [VideoChromaSite::H_COSITED, VideoChromaSite::V_COSITED]
                .map(|flag| site.contains(flag)),
            interlaced: frame.is_interlaced(),
        }
    }

    /// Whether there is a sample for each luma pixel.
    pub fn is_full(&self) -> bool {
        self.shift == [0, 0]
    }

    /// The row of samples that stands for the luma row `y`.
    pub fn row_of(&self, y: usize) -> usize {
        let row = match self.has_field_rows() {
            true => (((y / 2) >> self.shift[1]) << 1) | (y % 2),
            false => y >> self.shift[1],
        };
        row.min(self.height - 1)
    }

    /// Luma rows that no row of samples shares with rows beyond them, if they begin at a multiple
    /// of it.
    pub fn band_height(&self) -> usize {
        (1 << self.shift[1]) << u32::from(self.has_field_rows())
    }

    /// The columns of samples that stand for the luma pixels `xs`.
    pub fn columns_of(&self, xs: &Range<usize>) -> Range<usize> {
        xs.start >> self.shift[0]..((xs.end - 1) >> self.shift[0]) + 1
    }

    /// Where in the plane's bytes the row of samples begins.
    pub fn start_of(&self, row: usize) -> usize {
        row * self.stride + self.packing.offset
    }

    /// How many of the pixels that a sample covers along `axis` it lies on or between.
    pub fn sited(&self, axis: usize) -> usize {
        match self.cosited[axis] {
            true => 1,
            false => 1 << self.shift[axis],
        }
    }

    /// How far a sample lies behind the first luma pixel it covers, in pixels of its field.
    pub fn lag(&self, axis: usize) -> f64 {
        match self.cosited[axis] {
            true => 0.0,
            false => (f64::from(1u32 << self.shift[axis]) - 1.0) / 2.0,
        }
    }

    fn has_field_rows(&self) -> bool {
        self.interlaced && self.shift[1] > 0
    }
}

/// One way in which samples are stored.
pub trait Sample: Copy {
    /// Bytes of a sample.
    const BYTES: usize;

    /// The sample whose bytes begin at `at`.
    fn whole(self, data: &[u8], at: usize) -> u16;

    /// The same, to compute with.
    #[inline(always)]
    fn get(self, data: &[u8], at: usize) -> f32 {
        f32::from(self.whole(data, at))
    }

    /// Stores the nearest sample to `value`.
    fn put(self, data: &mut [u8], at: usize, value: f32);
}

/// A sample in a byte.
#[derive(Clone, Copy, Debug)]
pub struct Byte;

/// A sample in a little-endian word of two bytes.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    shift: u32,
    most: u16,
}

impl Word {
    /// Samples packed in the way `packing`.
    pub fn new(packing: Packing) -> Self {
        Self {
            shift: packing.shift,
            most: u16::MAX >> (16 - packing.depth),
        }
    }
}

impl Sample for Byte {
    const BYTES: usize = 1;

    #[inline(always)]
    fn whole(self, data: &[u8], at: usize) -> u16 {
        u16::from(data[at])
    }

    #[inline(always)]
    fn put(self, data: &mut [u8], at: usize, value: f32) {
        data[at] = rounded(value, 255.0) as u8;
    }
}

impl Sample for Word {
    const BYTES: usize = 2;

    #[inline(always)]
    fn whole(self, data: &[u8], at: usize) -> u16 {
        let word = u16::from_le_bytes([data[at], data[at + 1]]);
        (word >> self.shift) & self.most
    }

    #[inline(always)]
    fn put(self, data: &mut [u8], at: usize, value: f32) {
        let sample = rounded(value, f32::from(self.most)) as u16;
        let others = u16::from_le_bytes([data[at], data[at + 1]]) & !(self.most << self.shift);
        let word = others | (sample << self.shift);
        data[at..at + 2].copy_from_slice(&word.to_le_bytes());
    }
}

/// Calls `$do` with the [`Sample`] that `$packing` is.
macro_rules! with_sample {
    ($packing:expr, $sample:ident => $do:expr) => {
        if $packing.is_byte() {
            let $sample = $crate::frame::component::Byte;
            $do
        } else {
            let $sample = $crate::frame::component::Word::new($packing);
            $do
        }
    };
}
pub(super) use with_sample;
