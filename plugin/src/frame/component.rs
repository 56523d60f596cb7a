//! A colour component of a frame as a plane of bytes.

use gst_video::prelude::*;
use gst_video::{VideoChromaSite, VideoFrameRef};

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

/// The colour components of a frame to read from.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    planes: [Plane<'a>; 3],
}

#[derive(Clone, Copy, Debug)]
struct Plane<'a> {
    data: &'a [u8],
    layout: Layout,
    last: [f32; 2],
    scale: [f32; 2],
    lag: [f32; 2],
}

/// The four samples around a position, as indices of bytes, and where between them it is.
#[derive(Clone, Copy)]
struct Taps {
    upper: [usize; 2],
    lower: [usize; 2],
    fraction: [f32; 2],
}

impl<'a> Samples<'a> {
    /// The components of `frame`; the one of a gray frame stands for all three.
    ///
    /// # Panics
    /// If the format is not a supported one.
    pub fn of<T>(frame: &'a VideoFrameRef<T>) -> Self {
        let planes = [0, 1, 2].map(|index| {
            let index = index.min(count(frame) - 1);
            let data = frame
                .comp_data(index as u32)
                .expect("a supported format has the component");
            Plane::new(data, Layout::of(frame, index))
        });
        Self { planes }
    }

    /// Whether all components lie in one way, so that [`Self::at_shared`] can be used.
    pub fn are_alike(&self) -> bool {
        let [first, second, third] = &self.planes;
        first.layout == second.layout && first.layout == third.layout
    }

    /// The values at the luma position `(x, y)`, interpolated between the four samples around it;
    /// beyond the edges those of the edge.
    #[inline]
    pub fn at(&self, x: f32, y: f32) -> [f32; 3] {
        let value = |plane: &Plane| plane.value(&plane.taps(x, y));
        let [first, second, third] = &self.planes;
        [value(first), value(second), value(third)]
    }

    /// As [`Self::at`] for components that [are alike](Self::are_alike), with less work.
    #[inline]
    pub fn at_shared(&self, x: f32, y: f32) -> [f32; 3] {
        let [first, second, third] = &self.planes;
        let taps = first.taps(x, y);
        [first.value(&taps), second.value(&taps), third.value(&taps)]
    }
}

impl<'a> Plane<'a> {
    fn new(data: &'a [u8], layout: Layout) -> Self {
        Self {
            data,
            last: [layout.width, layout.height].map(|side| (side - 1) as f32),
            scale: layout.shift.map(|shift| 1.0 / (1u32 << shift) as f32),
            lag: [0, 1].map(|axis| layout.lag(axis) as f32),
            layout,
        }
    }

    #[inline(always)]
    fn taps(&self, x: f32, y: f32) -> Taps {
        let position = |v: f32, axis: usize| {
            ((v - self.lag[axis]) * self.scale[axis]).clamp(0.0, self.last[axis])
        };
        let (x, y) = (position(x, 0), position(y, 1));
        // Sides of frames fit an i32, and casts to it are the cheapest.
        let (left, up) = (x as i32 as usize, y as i32 as usize);
        let right = left + usize::from(x < self.last[0]);
        let down = up + usize::from(y < self.last[1]);
        let row = |y: usize| [left, right].map(|x| y * self.layout.stride + x * self.layout.step);
        Taps {
            upper: row(up),
            lower: row(down),
            fraction: [x - left as f32, y - up as f32],
        }
    }

    #[inline(always)]
    fn value(&self, taps: &Taps) -> f32 {
        let [fx, fy] = taps.fraction;
        let between = |row: [usize; 2]| {
            let [left, right] = row.map(|index| f32::from(self.data[index]));
            left + fx * (right - left)
        };
        let (upper, lower) = (between(taps.upper), between(taps.lower));
        upper + fy * (lower - upper)
    }
}
