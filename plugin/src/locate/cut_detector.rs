//! Scene cuts between the frames of a stream.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::alignment::Affine;

use super::track::{Scene, THUMBNAIL};
use crate::frame::{Channels, Crop, Reader};

/// Compares each frame with the one before, on thumbnails.
#[derive(Debug, Default)]
pub struct CutDetector {
    scene: Scene,
    thumbnail: Thumbnail,
}

impl CutDetector {
    /// Whether a cut lies between the last frame and this one. The first frame follows no cut.
    pub fn is_cut<T>(&mut self, frame: &VideoFrameRef<T>) -> bool {
        self.scene.is_cut(self.thumbnail.read(frame))
    }

    /// Takes the next frame for the first.
    pub fn forget(&mut self) {
        self.scene.forget();
    }
}

/// Frames at [`THUMBNAIL`]'s size.
#[derive(Debug, Default)]
struct Thumbnail {
    reader: Reader,
    rgb: Vec<f32>,
    inside: Vec<f32>,
}

impl Thumbnail {
    /// Luma, `[H, W]` in `[0, 1]`.
    fn read<T>(&mut self, frame: &VideoFrameRef<T>) -> &[f32] {
        let pixels = THUMBNAIL.0 * THUMBNAIL.1;
        self.rgb.resize(3 * pixels, 0.0);
        self.inside.resize(pixels, 0.0);
        let size = (frame.width() as usize, frame.height() as usize);
        let to_frame = Affine::stretch(THUMBNAIL, size);
        let crop = Crop {
            size: THUMBNAIL,
            rgb: &mut self.rgb,
            inside: &mut self.inside,
        };
        self.reader.read(frame, &to_frame, Channels::Luma, crop);
        &self.rgb[..pixels]
    }
}
