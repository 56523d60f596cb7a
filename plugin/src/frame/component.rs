//! A colour component of a frame as a plane of bytes.

use gst_video::VideoChromaSite;
use gst_video::prelude::*;

/// Colour components of a frame that are read and written: alpha and padding are not.
pub fn count(frame: &impl VideoFrameExt) -> usize {
    (frame.n_components() as usize).min(3)
}

/// Where the bytes of a component lie and which luma pixels they stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes from row to row.
    pub stride: usize,
    /// Bytes from sample to sample.
    pub step: usize,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Base-2 logarithm of the luma pixels a sample covers to the right and down.
    pub shift: [u32; 2],
    /// Whether a sample lies on the first of the luma pixels it covers, to the right and down;
    /// else in their middle.
    pub cosited: [bool; 2],
}

impl Layout {
    /// The layout of component `index`.
    pub fn of(frame: &impl VideoFrameExt, index: usize) -> Self {
        let component = index as u32;
        let info = frame.info();
        let format = info.format_info();
        let site = info.chroma_site();
        Self {
            stride: frame.comp_stride(component) as usize,
            step: frame.comp_pstride(component) as usize,
            width: frame.comp_width(component) as usize,
            height: frame.comp_height(component) as usize,
            shift: [format.w_sub()[index], format.h_sub()[index]],
            cosited: [VideoChromaSite::H_COSITED, VideoChromaSite::V_COSITED]
                .map(|flag| site.contains(flag)),
        }
    }

    /// The luma coordinate of sample `index` along `axis` (0 right, 1 down).
    pub fn luma_of(&self, axis: usize, index: usize) -> f64 {
        (index << self.shift[axis]) as f64 + self.lag(axis)
    }

    /// How far a sample lies behind the first luma pixel it covers.
    fn lag(&self, axis: usize) -> f64 {
        match self.cosited[axis] {
            true => 0.0,
            false => (f64::from(1u32 << self.shift[axis]) - 1.0) / 2.0,
        }
    }
}

/// A component to read from.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    data: &'a [u8],
    stride: usize,
    step: usize,
    last: [usize; 2],
    scale: [f32; 2],
    lag: [f32; 2],
}

impl<'a> Samples<'a> {
    /// The bytes `data` of a component laid out as `layout`.
    pub fn new(data: &'a [u8], layout: &Layout) -> Self {
        Self {
            data,
            stride: layout.stride,
            step: layout.step,
            last: [layout.width - 1, layout.height - 1],
            scale: layout.shift.map(|shift| 1.0 / (1u32 << shift) as f32),
            lag: [0, 1].map(|axis| layout.lag(axis) as f32),
        }
    }

    /// The value at the luma position `(x, y)`, interpolated between the four samples around it;
    /// beyond the edges that of the edge.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let axis = |v: f32, axis: usize| {
            let last = self.last[axis];
            let v = ((v - self.lag[axis]) * self.scale[axis]).clamp(0.0, last as f32);
            let first = v as usize;
            (first, (first + 1).min(last), v - first as f32)
        };
        let ((left, right, fx), (up, down, fy)) = (axis(x, 0), axis(y, 1));
        let value = |x: usize, y: usize| f32::from(self.data[y * self.stride + x * self.step]);
        let upper = value(left, up) + fx * (value(right, up) - value(left, up));
        let lower = value(left, down) + fx * (value(right, down) - value(left, down));
        upper + fy * (lower - upper)
    }
}
