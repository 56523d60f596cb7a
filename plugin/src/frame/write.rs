//! Writing the completed pixels of a crop back into the frame.

use gst_video::VideoFrameRef;
use mde_core::alignment::{Affine, AlignmentError};

use super::hole::{Hole, bilinear};
use super::paint::{Area, Paint, paint};

/// Blends `completed`, the `[3, H, W]` RGB values in `[0, 1]` of a crop, into the pixels of `frame`
/// that `to_crop` maps into `hole`. Every byte that belongs to other pixels stays as it is, and so
/// do alpha and pixels that would become NaN.
///
/// # Errors
/// [`AlignmentError::Singular`] where `to_crop` has no inverse; the frame is then as it was.
///
/// # Panics
/// If `completed` has another length, or the format is not a
/// [supported](super::SUPPORTED_FORMATS) one.
pub fn write_crop(
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    to_crop: &Affine,
    completed: &[f32],
    hole: &Hole,
) -> Result<(), AlignmentError> {
    let (width, height) = hole.size();
    assert_eq!(completed.len(), 3 * width * height, "three values a pixel");
    if let Some(area) = hole_area(frame, to_crop, hole)? {
        let completion = Completion {
            to_crop,
            hole,
            completed,
        };
        paint(frame, &area, &completion);
    }
    Ok(())
}

/// The pixels of `frame` among which those of the hole are; nothing where there is no hole.
pub fn hole_area(
    frame: &VideoFrameRef<&mut gst::BufferRef>,
    to_crop: &Affine,
    hole: &Hole,
) -> Result<Option<Area>, AlignmentError> {
    let to_frame = to_crop.inverse()?;
    let Some(bounds) = hole.bounds() else {
        return Ok(None);
    };
    let edges = |from: usize, to: usize| [from as f64 - 0.5, to as f64 - 0.5];
    let (xs, ys) = (edges(bounds.x0, bounds.x1), edges(bounds.y0, bounds.y1));
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for corner in [0, 1, 2, 3].map(|i| [xs[i % 2], ys[i / 2]]) {
        let corner = to_frame.apply(corner);
        for axis in 0..2 {
            low[axis] = low[axis].min(corner[axis]);
            high[axis] = high[axis].max(corner[axis]);
        }
    }
    Ok(Some(Area::between(frame, low, high)))
}

struct Completion<'a> {
    to_crop: &'a Affine,
    hole: &'a Hole,
    completed: &'a [f32],
}

impl Paint for Completion<'_> {
    fn weight(&self, x: f64, y: f64) -> f32 {
        let [x, y] = self.to_crop.apply([x, y]);
        self.hole.weight(x as f32, y as f32)
    }

    fn mix(&self, factors: [f32; 3], x: f64, y: f64) -> f32 {
        let [x, y] = self.to_crop.apply([x, y]);
        let size = self.hole.size();
        let planes = self.completed.chunks(size.0 * size.1);
        factors
            .into_iter()
            .zip(planes)
            // An RGB component is made of one plane alone.
            .filter(|(factor, _)| *factor != 0.0)
            .map(|(factor, plane)| {
                factor * bilinear(plane, size, x as f32, y as f32).clamp(0.0, 1.0)
            })
            .sum()
    }
}
