//! A face that stays in one square of the picture.

use std::str::FromStr;

use gst::prelude::*;
use gst_video::VideoRegionOfInterestMeta;
use mde_core::CROP_SIZE;
use mde_core::alignment::TEMPLATE;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A square that is taken for an aligned face: eyes at 36 % and 64 % of its width and 40 % of its
/// height. In pixels of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Square {
    x: u32,
    y: u32,
    side: u32,
}

impl FromStr for Square {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers: Vec<_> = text.split(',').map(|n| n.trim().parse()).collect();
        match numbers[..] {
            [Ok(x), Ok(y), Ok(side)] if side > 0 => Ok(Self { x, y, side }),
            _ => Err(format!(
                "'{text}' is no X,Y,SIDE, such as 600,200,400: the upper left corner of a square \
                 and its side, in pixels"
            )),
        }
    }
}

impl Square {
    /// Fails unless it lies in a picture of (width, height) pixels.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn fit(self, (width, height): (u32, u32)) -> Result<()> {
        let Self { x, y, side } = self;
        let is_within =
            |from: u32, whole: u32| u64::from(from) + u64::from(side) <= u64::from(whole);
        match is_within(x, width) && is_within(y, height) {
            true => Ok(()),
            false => Err(Error::Usage(format!(
                "the square {x},{y},{side} reaches beyond the picture of {width}x{height} pixels"
            ))),
        }
    }

    /// Marks the face on each buffer that comes to `element`, which is then to have
    /// `region=roi-list`.
    ///
    /// # Errors
    /// If the element has no sink pad.
    pub fn mark(self, element: &gst::Element) -> Result<()> {
        let pad = element.static_pad("sink");
        let pad = pad.ok_or_else(|| Error::Pipeline("there is no pad to mark at".to_owned()))?;
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(buffer) = info.buffer_mut() {
                self.add(buffer.make_mut());
            }
            gst::PadProbeReturn::Ok
        });
        Ok(())
    }

    fn add(self, buffer: &mut gst::BufferRef) {
        let Self { x, y, side } = self;
        let scale = f64::from(side) / CROP_SIZE as f64;
        let mut points = gst::Structure::new_empty("face-points");
        for (name, [u, v]) in POINTS.into_iter().zip(TEMPLATE) {
            // The square and the crop share their edges, not the centres of their first pixels.
            points.set(format!("{name}-x"), f64::from(x) + (u + 0.5) * scale - 0.5);
            points.set(format!("{name}-y"), f64::from(y) + (v + 0.5) * scale - 0.5);
        }
        let mut meta = VideoRegionOfInterestMeta::add(buffer, "face", (x, y, side, side));
        meta.set_id(1);
        meta.add_param(points);
    }
}

/// The points of the template, as the element names them in a region of interest.
const POINTS: [&str; 5] = ["left-eye", "right-eye", "nose", "left-mouth", "right-mouth"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_are_read_and_must_fit() {
        let square: Square = "600,200,400".parse().expect("a square");
        assert!(square.fit((1000, 600)).is_ok());
        assert!(square.fit((999, 600)).is_err());
        for text in ["", "1,2", "1,2,0", "1,2,-3", "a,b,c", "1,2,3,4"] {
            assert!(text.parse::<Square>().is_err(), "{text}");
        }
    }
}
