//! Fitting new completions to what is around them, in the frame and in time.

use std::time::Duration;

use super::face::Face;
use super::identity::Identity;
use super::settings::Settings;
use crate::completer::Batch;
use crate::finish::{Behind, Border, CompletedCrop, Seam, TemporalBlend};
use crate::missing::StaticHole;

/// Betters completions. Made once and reused.
#[derive(Debug)]
pub struct Finisher {
    border: Border,
    seam: Seam,
    behind: Behind,
    temporal: TemporalBlend<Identity>,
}

impl Finisher {
    /// For crops of `size` = (width, height).
    pub fn new(size: (usize, usize)) -> Self {
        Self {
            border: Border::default(),
            seam: Seam::default(),
            behind: Behind::default(),
            temporal: TemporalBlend::new(size),
        }
    }

    /// Takes each face for a new one.
    pub fn forget(&mut self) {
        self.temporal.forget();
    }

    /// Matches the new completions that `batch` holds of `faces`, at the time `now`, to what is
    /// known around their holes, and blends them with earlier ones of the same faces. `hole` is
    /// missing from every crop.
    pub fn finish(
        &mut self,
        faces: &[Face],
        batch: &mut Batch,
        hole: &StaticHole,
        settings: &Settings,
        now: Duration,
    ) {
        let size = batch.size();
        for face in faces.iter().filter(|face| !face.is_recalled) {
            let (Some(identity), Some(crop)) = (face.identity, &face.crop) else {
                continue;
            };
            let Some(made) = batch.completed_mut(crop.index) else {
                continue;
            };
            // While one view gives way to another the copy changes too.
            let is_steady = (crop.view.as_ref()).is_none_or(|choice| choice.before.is_none());
            let mut completion = CompletedCrop {
                size,
                image: made.image,
                mask: made.mask,
                covered: crop.is_covered.then(|| hole.mask()),
                painted: (made.copied.filter(|_| is_steady)).map(|copied| copied.painted()),
                copied: (made.copied.filter(|_| crop.view.is_some()))
                    .map(|copied| copied.of_view().1),
                completed: made.completed,
            };
            self.border.fit(&mut completion, settings.border_match);
            self.seam.fit(&mut completion, settings.border_match);
            self.behind.fit(&mut completion, settings.border_match);
            // Afterwards, so that what is matched does not flicker either.
            let strength = settings.temporal_smoothing;
            self.temporal
                .blend(identity, &mut completion, now, strength);
        }
    }
}
