//! Writing what has become of the faces into the frame.

use gst_video::VideoFrameRef;
use mde_core::alignment::AlignmentError;

use super::copying::layers;
use super::face::Face;
use super::missing::Missing;
use super::settings::{Overlay, Settings};
use crate::completer::Batch;
use crate::frame::{self, Completion, Earlier, Filler, PixelWeights, Writer};
use crate::locate::Bounds;
use crate::missing::{FrameMissing, LaidCover, StaticHole, Teller};

type Frame<'a> = VideoFrameRef<&'a mut gst::BufferRef>;

/// Writes completions, fills what no face has, and draws the overlay. Made once and reused.
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

    /// Writes the completion that `batch` holds of `face`, if it has one: the missing pixels alone.
    pub fn write(
        &mut self,
        frame: &mut Frame<'_>,
        face: &Face,
        cover: Option<&LaidCover<'_>>,
        missing: &mut Missing,
        batch: &Batch,
        settings: &Settings,
    ) -> Result<(), AlignmentError> {
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
        };
        self.writer
            .write(frame, &face.region.to_crop, &completion)?;
        if let (Some(pixels), true) = (completion.pixels, settings.damage.from_alpha) {
            frame::make_opaque(frame, pixels, settings.strength);
        }
        Ok(())
    }

    /// Fills the damage that none of `faces`, whose crops are as large as the batch's, is completed
    /// in, or shows where it is; tells whether any was filled.
    pub fn fill(
        &mut self,
        frame: &mut Frame<'_>,
        faces: &[Face],
        missing: &mut Missing,
        settings: &Settings,
    ) -> bool {
        let is_shown = settings.overlay == Overlay::Mask;
        let is_filled = missing.is_filled(settings);
        if !is_filled && !is_shown {
            return false;
        }
        let Self {
            writer,
            filler,
            earlier,
        } = self;
        // Where nothing is painted, those that would be.
        let is_completed = |face: &&Face| match settings.only_marks() {
            true => face.is_holed,
            false => face.crop.is_some(),
        };
        let regions = faces.iter().filter(is_completed).map(|face| &face.region);
        let mut has_filled = false;
        let size = missing.hole.size();
        missing.damage.rest(regions, size, |pixels, tellers| {
            if is_filled {
                filler.fill(frame, pixels, settings.strength);
                if settings.drop_outs.is_some() {
                    earlier.lay(frame, pixels, settings.strength);
                }
                if settings.damage.from_alpha {
                    frame::make_opaque(frame, pixels, settings.strength);
                }
                has_filled = true;
            }
            if is_shown {
                frame::draw::pixels(writer, frame, pixels, |x, y| tint(tellers.at(x, y)));
            }
        });
        has_filled
    }

    /// Draws the `overlay` of `face`.
    pub fn draw(
        &mut self,
        frame: &mut Frame<'_>,
        face: &Face,
        cover: Option<&LaidCover<'_>>,
        missing: &mut Missing,
        batch: &Batch,
        overlay: Overlay,
    ) -> Result<(), AlignmentError> {
        let Self { writer, .. } = self;
        let region = &face.region;
        let Missing { hole, damage } = missing;
        match overlay {
            Overlay::None => (),
            Overlay::Mask => {
                let rgb = |i: usize| tint(Some(hole.teller(i)));
                let (to_crop, cut) = (&region.to_crop, hole.hole());
                let part = face.damage;
                let told = part.and_then(|part| damage.told_weights(region, part, hole, cover));
                match told {
                    Some((pixels, teller)) => {
                        let told = |x, y| tint(teller(x, y));
                        frame::draw::mask(writer, frame, to_crop, cut, rgb, pixels, told)?;
                    }
                    None => frame::draw::hole(writer, frame, to_crop, cut, rgb)?,
                }
            }
            Overlay::Sources => {
                let Some(crop) = &face.crop else {
                    return Ok(());
                };
                let pixels = weights(damage, hole, face, cover);
                let (copied, width) = (batch.copied(crop.index), batch.size().0);
                let shares = |i: usize| match &copied {
                    Some(copied) => copied.at(i, width),
                    None => [1.0, 0.0, 0.0],
                };
                frame::draw::sources(writer, frame, &region.to_crop, hole.hole(), pixels, shares)?;
            }
            Overlay::Faces => {
                let Bounds { x0, y0, x1, y1 } = region.bounds;
                frame::draw::outline(writer, frame, [x0, y0], [x1, y1]);
                frame::draw::points(writer, frame, region.points.as_ref().map_or(&[], |p| p));
                if region.id > 0 {
                    let number = region.id.unsigned_abs();
                    frame::draw::number(writer, frame, [x0, y0], number);
                }
            }
        }
        Ok(())
    }
}

/// The weights of the pixels of the frame that are missing of `face`, before which is `cover`;
/// nothing where none are but those that `hole` takes from every crop.
fn weights<'a>(
    damage: &'a mut FrameMissing,
    hole: &StaticHole,
    face: &Face,
    cover: Option<&LaidCover<'_>>,
) -> Option<PixelWeights<'a>> {
    damage.weights(&face.region, face.damage?, hole, cover)
}

/// The colour in which `overlay=mask` shows what `teller` told of.
fn tint(teller: Option<Teller>) -> [f32; 3] {
    match teller {
        None | Some(Teller::Occlusion) => [1.0, 0.2, 0.7],
        Some(Teller::Channels) => [0.55, 0.35, 1.0],
        Some(Teller::MaskFile) => [1.0, 0.85, 0.1],
        Some(Teller::Alpha) => [0.2, 0.9, 0.3],
        Some(Teller::Colour) => [0.1, 0.75, 1.0],
        Some(Teller::Cover) => [1.0, 0.5, 0.05],
        Some(Teller::DropOut) => [1.0, 0.1, 0.1],
    }
}
