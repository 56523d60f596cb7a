//! A mask picture at the size of a stream's frames.

use std::sync::Arc;

use super::raster::Raster;

/// A mask picture of any size, and the same at the size of the frames.
#[derive(Clone, Debug)]
pub struct FittedMask {
    picture: Raster,
    fitted: Option<Arc<Raster>>,
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

    /// Scales the picture to frames of `size` = (width, height), unless it has that size already.
    pub fn fit(&mut self, size: (usize, usize)) {
        if self
            .fitted
            .as_ref()
            .is_none_or(|fitted| fitted.size() != size)
        {
            let fitted = self.picture.scaled_to(size.0, size.1);
            self.is_intact = fitted.is_intact();
            self.fitted = Some(Arc::new(fitted));
        }
    }

    /// The mask at the frames' size; nothing before that is known.
    pub fn fitted(&self) -> Option<&Arc<Raster>> {
        self.fitted.as_ref()
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
        mask.fit((4, 4));
        assert!(mask.is_intact());
        mask.fit((32, 16));
        assert!(!mask.is_intact());
        let fitted = mask.fitted().expect("a mask").clone();
        mask.fit((32, 16));
        assert!(Arc::ptr_eq(&fitted, mask.fitted().expect("a mask")));
    }
}
