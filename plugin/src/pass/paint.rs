//! Writing what has become of the faces into the frame.

use gst_video::VideoFrameRef;
use mde_core::alignment::AlignmentError;

use super::copying::layers;
use super::face::Face;
use super::missing::Missing;
use super::settings::{Overlay, Settings};
use crate::completer::Batch;
use crate::frame::{self, Completion, Filler, Writer};
use crate::locate::Bounds;

type Frame<'a> = VideoFrameRef<&'a mut gst::BufferRef>;

/// Writes completions, fills what no face has, and draws the overlay. Made once and reused.
#[derive(Debug, Default)]
pub struct Painter {
    writer: Writer,
    filler: Filler,
}

impl Painter {
    /// Writes the completion that `batch` holds of `face`, if it has one: the missing pixels alone.
    pub fn write(
        &mut self,
        frame: &mut Frame<'_>,
        face: &Face,
        missing: &mut Missing,
        batch: &Batch,
        settings: &Settings,
    ) -> Result<(), AlignmentError> {
        let crop = face.crop.as_ref();
        let Some((crop, rgb)) = crop.and_then(|c| Some((c, batch.completed(c.index)?))) else {
            return Ok(());
        };
        let Missing { hole, damage } = missing;
        let part = face.damage;
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
            pixels: part.and_then(|part| damage.weights(&face.region, part, hole)),
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
        let Self { writer, filler } = self;
        let completed = faces.iter().filter(|face| face.crop.is_some());
        let regions = completed.map(|face| &face.region);
        let mut has_filled = false;
        let size = missing.hole.size();
        missing.damage.rest(regions, size, |pixels| {
            filler.fill(frame, pixels, settings.strength);
            if settings.damage.from_alpha {
                frame::make_opaque(frame, pixels, settings.strength);
            }
            if settings.overlay == Overlay::Mask {
                frame::draw::pixels(writer, frame, pixels);
            }
            has_filled = true;
        });
        has_filled
    }

    /// Draws the `overlay` of `face`.
    pub fn draw(
        &mut self,
        frame: &mut Frame<'_>,
        face: &Face,
        missing: &mut Missing,
        batch: &Batch,
        overlay: Overlay,
    ) -> Result<(), AlignmentError> {
        let Self { writer, .. } = self;
        let (region, part) = (&face.region, face.damage);
        let Missing { hole, damage } = missing;
        match overlay {
            Overlay::None => (),
            Overlay::Mask => {
                let pixels = part.and_then(|part| damage.weights(region, part, hole));
                frame::draw::hole(writer, frame, &region.to_crop, hole.hole(), pixels)?;
            }
            Overlay::Sources => {
                let Some(crop) = &face.crop else {
                    return Ok(());
                };
                let pixels = part.and_then(|part| damage.weights(region, part, hole));
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
