//! Drawing the overlay over a frame that is finished, and that nobody looks at any more.

use mde_core::alignment::AlignmentError;

use super::face::Face;
use super::missing::Missing;
use super::paint::{Frame, weights};
use super::settings::{Overlay, Settings};
use crate::completer::Batch;
use crate::frame::{self, Writer};
use crate::locate::Bounds;
use crate::missing::{LaidCover, Teller};

/// Draws overlays. Made once and reused.
#[derive(Debug, Default)]
pub struct Drawer {
    writer: Writer,
}

impl Drawer {
    /// Tints all of `frame`, of which a channel is lost.
    pub fn channels(&mut self, frame: &mut Frame<'_>) {
        frame::draw::all(&mut self.writer, frame, tint(Some(Teller::Channels)));
    }

    /// Tints the damage that none of `faces` is completed in.
    pub fn rest(
        &mut self,
        frame: &mut Frame<'_>,
        faces: &[Face],
        missing: &mut Missing,
        settings: &Settings,
    ) {
        let Self { writer } = self;
        missing.rest(faces, settings, |pixels, tellers| {
            frame::draw::pixels(writer, frame, pixels, |x, y| tint(tellers.at(x, y)));
        });
    }

    /// Draws the `overlay` of `face`.
    pub fn face(
        &mut self,
        frame: &mut Frame<'_>,
        face: &Face,
        cover: Option<&LaidCover<'_>>,
        missing: &mut Missing,
        batch: &Batch,
        overlay: Overlay,
    ) -> Result<(), AlignmentError> {
        let Self { writer } = self;
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
