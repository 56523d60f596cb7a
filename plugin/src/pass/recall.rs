//! Which of the last inference's completions belongs to which face of a later frame.

use super::face::{BatchCrop, Face};
use super::identity::Identity;

/// The completions of the last inference, which the batch still holds.
#[derive(Debug, Default)]
pub struct Recall {
    kept: Vec<(Identity, BatchCrop)>,
    frames: u32,
}

impl Recall {
    /// The next frame needs an inference.
    pub fn forget(&mut self) {
        self.kept.clear();
    }

    /// Takes over the completions that `faces` have from an inference.
    pub fn learn(&mut self, faces: &[Face]) {
        self.frames = 0;
        self.kept.clear();
        let kept = faces
            .iter()
            .filter_map(|face| Some((face.identity?, face.crop.clone()?)));
        self.kept.extend(kept);
    }

    /// Frames since the last inference, the present one counted by this call.
    pub fn count_frame(&mut self) -> u32 {
        self.frames = self.frames.saturating_add(1);
        self.frames
    }

    /// Lays earlier completions on those of `faces` that need one; tells whether each of these has
    /// one now.
    pub fn assign(&self, faces: &mut [Face]) -> bool {
        let mut has_all = true;
        for face in faces.iter_mut().filter(|face| face.is_holed) {
            let own = |kept: &&(Identity, BatchCrop)| Some(kept.0) == face.identity;
            face.crop = self.kept.iter().find(own).map(|kept| kept.1.clone());
            face.is_recalled = face.crop.is_some();
            has_all &= face.is_recalled;
        }
        has_all
    }
}
