//! Reading what the generator is shown of a face.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;

use super::covers::Covers;
use super::face::{BatchCrop, Face};
use super::missing::Missing;
use super::settings::Settings;
use crate::completer::Batch;
use crate::finish;
use crate::frame::{self, Channels, Crop, Reader};
use crate::missing::LaidCover;

/// Reads the crops of faces, with the masks of what is known of them. Made once and reused.
#[derive(Debug, Default)]
pub struct CropReader {
    reader: Reader,
    inside: Vec<f32>,
}

impl CropReader {
    /// Fills `batch` with the crops of those of `faces` of which something is missing.
    pub fn read<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        faces: &mut [Face],
        missing: &Missing,
        covers: &Covers,
        settings: &Settings,
        batch: &mut Batch,
    ) {
        let size = batch.size();
        batch.resize(faces.iter().filter(|face| face.is_holed).count());
        let holed = faces.iter_mut().filter(|face| face.is_holed);
        for (index, face) in holed.enumerate() {
            let source = Source {
                face,
                cover: covers.laid(settings, face, size),
                crop: covers.crop(face, size),
            };
            face.crop = Some(BatchCrop {
                index,
                is_covered: self.read_one(frame, &source, missing, batch, index),
                view: None,
                mirror: None,
            });
            face.is_recalled = false;
        }
    }

    /// Reads the crop of a face into the batch's crop `index`. Tells whether it is covered up to the
    /// border of what is missing from every crop.
    fn read_one<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        source: &Source<'_>,
        Missing { hole, damage }: &Missing,
        batch: &mut Batch,
        index: usize,
    ) -> bool {
        let size = batch.size();
        let region = &source.face.region;
        let (image, mask) = batch.crop_mut(index);
        self.inside.resize(size.0 * size.1, 0.0);
        match (source.crop, hole.channels()) {
            (Some((rgb, inside)), Channels::Rgb) => {
                image.copy_from_slice(rgb);
                self.inside.copy_from_slice(inside);
            }
            (_, channels) => {
                let crop = Crop {
                    size,
                    rgb: image,
                    inside: &mut self.inside,
                };
                self.reader.read(frame, &region.to_frame, channels, crop);
            }
        }
        // What lies beyond the frame's edge is as unknown as what is covered.
        let known = hole.mask().chunks(self.inside.len());
        for (mask, known) in mask.chunks_mut(self.inside.len()).zip(known) {
            for (value, (known, inside)) in mask.iter_mut().zip(known.iter().zip(&self.inside)) {
                *value = known * inside;
            }
        }
        let is_covered = match hole.hole().bounds() {
            Some(part) if frame::mixes_pixels(frame.info(), &region.to_frame, &region.to_crop) => {
                let crop = finish::Crop {
                    size,
                    image,
                    cut: hole.mask(),
                    part,
                };
                finish::distrust_border(&crop, mask)
            }
            _ => false,
        };
        if let Some(part) = source.face.damage {
            damage.carry(frame, region, part, source.cover.as_ref(), size, mask);
        }
        is_covered
    }
}

/// A face whose crop is wanted.
struct Source<'a> {
    face: &'a Face,
    cover: Option<LaidCover<'a>>,
    /// If it was read already of the present frame, with which of its pixels lie in that.
    crop: Option<(&'a [f32], &'a [f32])>,
}
