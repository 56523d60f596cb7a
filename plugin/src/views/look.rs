//! Reading what a frame shows of a face, sharper than the generator's crop.

use gst_video::VideoFrameRef;
use mde_core::alignment::{Affine, FacePoints};

use crate::frame::{self, Channels, Crop, Picture, Pyramid, Reader, shrink};
use crate::locate::Region;

/// A face as it was read at a multiple of the crop's size.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Width and height of the crop.
    pub crop: (usize, usize),
    /// Pixels to a crop pixel, right and down.
    pub factor: usize,
    /// RGB in `[0, 1]`, `[3, factor H, factor W]`.
    pub rgb: &'a [f32],
    /// 1 where the crop's pixel is known, else 0, `[H, W]`.
    pub known: &'a [f32],
    /// The face's five points in crop pixels.
    pub points: FacePoints,
}

/// Reads looks. Made once and reused: it allocates only for a look larger than all before.
#[derive(Debug, Default)]
pub struct LookReader {
    reader: Reader,
    rgb: Vec<f32>,
    inside: Vec<f32>,
    known: Vec<f32>,
    small: Vec<f32>,
}

impl LookReader {
    /// Reads the face of `region` for crops of `crop` = (width, height), with as many pixels as the
    /// `frame` has for it. `known` is 1 where the crop's pixel is known, else 0, `[H, W]`; without it
    /// all is that lies in the frame.
    ///
    /// # Panics
    /// If `known` has another length.
    pub fn read<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        region: &Region,
        crop: (usize, usize),
        known: Option<&[f32]>,
    ) -> Look<'_> {
        self.known.clear();
        match known {
            Some(known) => self.known.extend_from_slice(known),
            None => self.known.resize(crop.0 * crop.1, 1.0),
        }
        let factor = self.fill(frame, &region.to_frame, crop);
        Look {
            crop,
            factor,
            rgb: &self.rgb,
            known: &self.known,
            points: (region.face_points(crop)).map(|point| region.to_crop.apply(point)),
        }
    }

    /// The same, mirrored from left to right: what the generator copies of a face's other half.
    ///
    /// # Panics
    /// If `known` has another length.
    pub fn read_mirrored<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        region: &Region,
        crop: (usize, usize),
        known: &[f32],
    ) -> Pyramid {
        self.known.clear();
        let rows = known.chunks_exact(crop.0);
        self.known.extend(rows.flat_map(|row| row.iter().rev()));
        let mirror = Affine {
            linear: [[-1.0, 0.0], [0.0, 1.0]],
            translation: [crop.0 as f64 - 1.0, 0.0],
        };
        let factor = self.fill(frame, &mirror.then(&region.to_frame), crop);
        shrink(&self.rgb, crop, factor, &mut self.small);
        Pyramid::new(&Picture {
            crop,
            factor,
            rgb: &self.rgb,
            small: &self.small,
            known: &self.known,
        })
    }

    /// Reads a crop of the size `crop` that `to_frame` maps into `frame`, at the multiple of its size
    /// that is returned, and takes from what is known what lies beyond the frame.
    fn fill<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        to_frame: &Affine,
        crop: (usize, usize),
    ) -> usize {
        assert_eq!(self.known.len(), crop.0 * crop.1, "one value a pixel");
        let factor = frame::factor_of(to_frame, crop);
        let size = (crop.0 * factor, crop.1 * factor);
        let to_frame = Affine::stretch(size, crop).then(to_frame);
        self.rgb.resize(3 * size.0 * size.1, 0.0);
        self.inside.resize(size.0 * size.1, 0.0);
        let picture = Crop {
            size,
            rgb: &mut self.rgb,
            inside: &mut self.inside,
        };
        (self.reader).read(frame, &to_frame, Channels::Rgb, picture);
        for (y, known) in self.known.chunks_exact_mut(crop.0).enumerate() {
            for (x, known) in known.iter_mut().enumerate() {
                // A crop pixel lies in the frame where the first and the last of its own do.
                let at = |offset: usize| (y * factor + offset) * size.0 + x * factor + offset;
                *known *= self.inside[at(0)] * self.inside[at(factor - 1)];
            }
        }
        factor
    }
}
