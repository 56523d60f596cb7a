//! A mask picture at the size of a stream's frames, and as these lie.

use std::sync::Arc;

use gst_video::VideoOrientationMethod;

use super::raster::Raster;
use crate::locate::DisplaySpace;

/// What a mask picture is laid on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShape {
    /// Width and height.
    pub size: (usize, usize),
    /// What puts frames upright. The mask picture is upright.
    pub orientation: VideoOrientationMethod,
}

/// A mask picture of any size, and the same at the size of the frames.
#[derive(Clone, Debug)]
pub struct FittedMask {
    picture: Raster,
    fitted: Option<(FrameShape, Arc<Raster>)>,
    is_intact: bool,
}

impl FittedMask {
    /// A mask for frames whose size is not known yet.
    pub fn new(picture: Raster) -> Self {
        Self {
            is_intact: picture.is_intact(),
            picture,
            fitted: None,
        }
    }

    /// Scales the picture to frames of the shape `frames` and turns it as they lie, unless that is
    /// done already.
    pub fn fit(&mut self, frames: FrameShape) {
        if self.is_fitted_to(frames) {
            return;
        }
        let display = DisplaySpace::of_square(frames.size, frames.orientation);
        let [width, height] = display.size.map(|side| side as usize);
        let mut fitted = self.picture.scaled_to(width, height);
        if frames.orientation != VideoOrientationMethod::Identity {
            let shown = fitted;
            fitted = Raster::from_fn(frames.size.0, frames.size.1, |x, y| {
                let [x, y] = display.from_frame.apply([x as f64, y as f64]);
                shown.at(x.round() as usize, y.round() as usize)
            });
        }
        self.is_intact = fitted.is_intact();
        self.fitted = Some((frames, Arc::new(fitted)));
    }

    /// Whether it is made for frames of the shape `frames`.
    pub fn is_fitted_to(&self, frames: FrameShape) -> bool {
        (self.fitted.as_ref()).is_some_and(|(shape, _)| *shape == frames)
    }

    /// The mask as the frames are; nothing before that is known.
    pub fn fitted(&self) -> Option<&Arc<Raster>> {
        self.fitted.as_ref().map(|(_, fitted)| fitted)
    }

    /// Whether there is nothing to complete, at the frames' size where that is known.
    pub fn is_intact(&self) -> bool {
        self.is_intact
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missing::Damage;

    fn upright(width: usize, height: usize) -> FrameShape {
        FrameShape {
            size: (width, height),
            orientation: VideoOrientationMethod::Identity,
        }
    }

    #[test]
    fn it_lies_as_the_frames_do() {
        // White in the upper right corner of what is shown.
        let picture = Raster::from_fn(8, 4, |x, y| match x >= 6 && y < 1 {
            true => Damage::Lost,
            false => Damage::None,
        });
        let mut mask = FittedMask::new(picture);
        for (orientation, corner) in [
            (VideoOrientationMethod::Identity, (7, 0)),
            (VideoOrientationMethod::_90r, (0, 0)),
            (VideoOrientationMethod::_180, (0, 3)),
            (VideoOrientationMethod::_90l, (3, 7)),
            (VideoOrientationMethod::Horiz, (0, 0)),
        ] {
            let lies = [VideoOrientationMethod::_90r, VideoOrientationMethod::_90l];
            let size = match lies.contains(&orientation) {
                true => (4, 8),
                false => (8, 4),
            };
            mask.fit(FrameShape { size, orientation });
            let fitted = mask.fitted().expect("a mask");
            assert_eq!(fitted.size(), size);
            let (x, y) = corner;
            assert!(fitted.at(x, y) != Damage::None, "{orientation:?}");
            let found = fitted.bounds_in(fitted.all()).map(|area| area.area());
            assert_eq!(found, Some(2), "{orientation:?}");
        }
    }

    #[test]
    fn it_follows_the_frames_size() {
        // Between the centres that a 4x4 frame looks at.
        let picture = Raster::from_fn(16, 16, |x, y| match (x, y) {
            (3, 3) => Damage::Lost,
            _ => Damage::None,
        });
        let mut mask = FittedMask::new(picture);
        assert!(!mask.is_intact());
        assert!(mask.fitted().is_none());
        mask.fit(upright(4, 4));
        assert!(mask.is_intact());
        mask.fit(upright(32, 16));
        assert!(!mask.is_intact());
        let fitted = mask.fitted().expect("a mask").clone();
        mask.fit(upright(32, 16));
        assert!(Arc::ptr_eq(&fitted, mask.fitted().expect("a mask")));
    }
}
