//! Writing what has become of the faces into the frame.

use gst_video::VideoFrameRef;
use mde_core::alignment::AlignmentError;

use super::copying::layers;
use super::face::Face;
use super::missing::Missing;
use super::refining::Refining;
use super::settings::Settings;
use crate::completer::Batch;
use crate::frame::{self, Completion, Earlier, Filler, PixelWeights, Writer};
use crate::missing::{FrameMissing, LaidCover, StaticHole};

pub(super) type Frame<'a> = VideoFrameRef<&'a mut gst::BufferRef>;

/// What was made of the faces.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// Their completions.
    pub batch: &'a Batch,
    /// What is finer of them.
    pub refining: &'a Refining,
}

/// Writes completions, and fills what no face has. Made once and reused.
#[derive(Debug, Default)]
pub struct Painter {
    writer: Writer,
    filler: Filler,
    earlier: Earlier,
}

impl Painter {
    /// Keeps `frame`, which is finished, for the holes of the next one.
    pub fn keep<T>(&mut self, frame: &VideoFrameRef<T>) {
        self.earlier.keep(frame);
    }

    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.earlier.forget();
    }

    /// Writes the completion that was `made` of `face`, if it has one: the missing pixels alone.
    pub fn write(
        &mut self,
        frame: &mut Frame<'_>,
        face: &Face,
        cover: Option<&LaidCover<'_>>,
        missing: &mut Missing,
        made: Made<'_>,
        settings: &Settings,
    ) -> Result<(), AlignmentError> {
        let Made { batch, refining } = made;
        let crop = face.crop.as_ref();
        let Some((crop, rgb)) = crop.and_then(|c| Some((c, batch.completed(c.index)?))) else {
            return Ok(());
        };
        let Missing { hole, damage } = missing;
        let completion = Completion {
            rgb,
            image: batch.image(crop.index),
            hole: match crop.is_covered {
                true => hole.sharp_hole(),
                false => hole.hole(),
            },
            channels: hole.channels(),
            strength: settings.strength,
            grain: settings.grain,
            pixels: weights(damage, hole, face, cover),
            layers: layers(crop, batch),
            refined: refining.of(crop.index),
        };
        self.writer
            .write(frame, &face.region.to_crop, &completion)?;
        if let (Some(pixels), true) = (completion.pixels, settings.damage.from_alpha) {
            frame::make_opaque(frame, pixels, settings.strength);
        }
        Ok(())
    }

    /// Fills the damage that none of `faces`, whose crops are as large as the batch's, is completed
    /// in; tells whether there was any.
    pub fn fill(
        &mut self,
        frame: &mut Frame<'_>,
        faces: &[Face],
        missing: &mut Missing,
        settings: &Settings,
    ) -> bool {
        if !missing.is_filled(settings) {
            return false;
        }
        let Self {
            filler, earlier, ..
        } = self;
        let mut has_filled = false;
        missing.rest(faces, settings, |pixels, _| {
            filler.fill(frame, pixels, settings.strength);
            if settings.drop_outs.is_some() {
                earlier.lay(frame, pixels, settings.strength);
            }
            if settings.damage.from_alpha {
                frame::make_opaque(frame, pixels, settings.strength);
            }
            has_filled = true;
        });
        has_filled
    }
}

/// The weights of the pixels of the frame that are missing of `face`, before which is `cover`;
/// nothing where none are but those that `hole` takes from every crop.
pub(super) fn weights<'a>(
    damage: &'a mut FrameMissing,
    hole: &StaticHole,
    face: &Face,
    cover: Option<&LaidCover<'_>>,
) -> Option<PixelWeights<'a>> {
    damage.weights(&face.region, face.damage?, hole, cover)
}
