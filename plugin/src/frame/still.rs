//! A copy of a frame that outlives it.

use gst_video::VideoFrameRef;
use gst_video::VideoInfo;
use gst_video::prelude::*;

use super::component::{Layout, Sample, with_sample};

/// Keeps a frame. Made once and reused, so that it allocates only for a frame larger than all
/// before.
#[derive(Clone, Debug, Default)]
pub struct Still {
    info: Option<VideoInfo>,
    strides: Vec<i32>,
    planes: Vec<Vec<u8>>,
}

impl Still {
    /// Forgets the frame.
    pub fn forget(&mut self) {
        self.info = None;
    }

    /// Keeps `frame` in place of the one before.
    pub fn keep<T>(&mut self, frame: &VideoFrameRef<T>) {
        let count = frame.n_planes() as usize;
        self.info = Some(frame.info().clone());
        self.strides.clear();
        self.strides
            .extend_from_slice(&frame.plane_stride()[..count]);
        self.planes.resize_with(count, Vec::new);
        for (index, plane) in (0..).zip(&mut self.planes) {
            plane.clear();
            plane.extend_from_slice(frame.plane_data(index).unwrap_or(&[]));
        }
    }

    /// Component `index`, which in another frame of the format has the layout `of_other`.
    pub(super) fn component(&self, of_other: &Layout) -> Option<(Layout, &[u8])> {
        let plane = of_other.plane as usize;
        let layout = Layout {
            stride: usize::try_from(*self.strides.get(plane)?).ok()?,
            ..*of_other
        };
        let data = self.planes.get(plane)?;
        let end = layout.start_of(layout.height.checked_sub(1)?)
            + (layout.width.checked_sub(1)?) * layout.step;
        (data.len() > end).then_some((layout, data))
    }

    /// Whether frames described by `info` are like the one that is kept.
    pub fn is_like(&self, info: &VideoInfo) -> bool {
        self.info.as_ref() == Some(info)
    }
}

/// Puts the brightness of each pixel of `frame` into `values`, row by row, in 255ths of its range:
/// the component that is nearest to brightness.
///
/// # Panics
/// If the format is not a [supported](super::SUPPORTED_FORMATS) one.
pub fn read_brightness<T>(frame: &VideoFrameRef<T>, values: &mut Vec<u8>) {
    let layout = Layout::of(frame, usize::from(frame.info().is_rgb()));
    let data = frame
        .plane_data(layout.plane)
        .expect("a supported format has the plane");
    values.clear();
    for y in 0..layout.height {
        let row = &data[layout.start_of(y)..];
        match (layout.packing.is_byte(), layout.step) {
            (true, 1) => values.extend_from_slice(&row[..layout.width]),
            (true, step) => values.extend(row.iter().step_by(step).take(layout.width)),
            (false, step) => {
                let scale = 255.0 / ((1u32 << layout.packing.depth) - 1) as f32;
                with_sample!(layout.packing, sample => {
                    let samples = (0..layout.width).map(|x| sample.get(row, x * step));
                    values.extend(samples.map(|value| (value * scale).round() as u8));
                });
            }
        }
    }
}
