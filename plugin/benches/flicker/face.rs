//! One face of a video, laid on the template by points that do not shake.

use anyhow::{Context, Result};
use gst_video::VideoFrameRef;
use gstmdecomplete::frame::{Channels, Crop, Reader};
use gstmdecomplete::locate::Locator;
use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, FacePoints, align_face};

use super::clips::{self, Image};
use super::smoothed::smoothed;

/// Values of a crop.
pub const VALUES: usize = 3 * CROP_SIZE * CROP_SIZE;

/// Where the face is in one frame.
#[derive(Clone, Copy)]
pub struct Place {
    /// Frames with the same number show the same face without a cut between them.
    pub track: i32,
    /// From frame to crop pixels.
    pub to_crop: Affine,
}

/// Where the face that is followed for longest is in each of `frames`, which show it uncovered.
pub fn places(frames: &[Image], locator: &mut Locator) -> Result<Vec<Option<Place>>> {
    locator.forget();
    let seen: Vec<Option<(i32, FacePoints)>> = (frames.iter().enumerate())
        .map(|(index, image)| {
            let (info, buffer) = image.frame()?;
            let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)
                .ok()
                .context("a frame cannot be mapped")?;
            let tracks = clips::faces(locator, &frame, index)?;
            Ok(tracks.first().map(|track| (track.id, track.points)))
        })
        .collect::<Result<_>>()?;
    let place = |(index, seen_now): (usize, &Option<(i32, FacePoints)>)| {
        let Some((track, _)) = *seen_now else {
            return Ok(None);
        };
        let points = smoothed(&seen, index, track);
        let to_crop = align_face(&points, CROP_SIZE, CROP_SIZE)?;
        Ok(Some(Place { track, to_crop }))
    };
    seen.iter().enumerate().map(place).collect()
}

/// The crop, `[3, 96, 96]` in `[0, 1]`, that `to_crop` makes of `image`.
pub fn crop(image: &Image, to_crop: &Affine, reader: &mut Reader) -> Result<Vec<f32>> {
    let (info, buffer) = image.frame()?;
    let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)
        .ok()
        .context("a frame cannot be mapped")?;
    let mut rgb = vec![0.0; VALUES];
    let crop = Crop {
        size: (CROP_SIZE, CROP_SIZE),
        rgb: &mut rgb,
        inside: &mut [0.0; VALUES / 3],
    };
    reader.read(&frame, &to_crop.inverse()?, Channels::Rgb, crop);
    Ok(rgb)
}
