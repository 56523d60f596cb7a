//! What is missing of the faces: from every crop, and from the present frame.

use gst_video::VideoFrameRef;

use super::covers::Covers;
use super::face::Face;
use super::settings::Settings;
use crate::damage::DropOut;
use crate::frame::PixelWeights;
use crate::missing::{FrameMissing, StaticHole, Tellers};

/// Finds out what is missing. Made once and reused.
#[derive(Debug)]
pub struct Missing {
    /// What is missing from every crop.
    pub hole: StaticHole,
    /// What is missing from the present frame.
    pub damage: FrameMissing,
}

/// What is worth nothing any more, for something else is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outdated {
    /// The last completions.
    pub completions: bool,
    /// What they are blended with.
    pub painted: bool,
}

impl Missing {
    /// As `settings` ask for, for crops of `size` = (width, height).
    pub fn new(settings: &Settings, size: (usize, usize)) -> Self {
        let mut damage = FrameMissing::default();
        damage.set_mask(settings.mask.clone());
        Self {
            hole: StaticHole::new(settings.hole, size),
            damage,
        }
    }

    /// Follows what `settings` ask for otherwise than before, or crops that have another `size` =
    /// (width, height).
    pub fn follow(&mut self, settings: &Settings, size: (usize, usize)) -> Outdated {
        let is_new_mask = self.damage.set_mask(settings.mask.clone());
        let is_resized = self.hole.size() != size;
        let is_new_hole = is_resized || !self.hole.is_of(&settings.hole);
        let takes_otherwise = is_resized || !self.hole.takes_as(&settings.hole);
        if is_new_hole {
            self.hole = StaticHole::new(settings.hole, size);
            self.damage.forget();
        }
        Outdated {
            completions: is_new_mask || is_new_hole,
            painted: is_new_mask || takes_otherwise,
        }
    }

    /// Looks for what is missing of `frame`, but for what is before `faces`, all that there are in it, with
    /// the `drop_outs` that were found.
    pub fn look<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        settings: &Settings,
        drop_outs: &[DropOut],
        faces: &[Face],
    ) {
        let size = self.hole.size();
        let regions = faces.iter().map(|face| &face.region);
        let is_asked = settings.drop_outs.is_some();
        let found = is_asked.then(|| drop_outs.iter().map(|drop_out| drop_out.area));
        (self.damage).look(frame, &settings.damage, found, regions, size);
    }

    /// Takes note in each of `faces` of what is missing of it, with the `covers` that were found.
    pub fn mark(&self, settings: &Settings, faces: &mut [Face], covers: &Covers) {
        let size = self.hole.size();
        covers.mark(settings, faces);
        for face in faces {
            let cover = covers.laid(settings, face, size);
            face.damage = (self.damage).part_of(&face.region, size, cover.as_ref());
            face.is_holed = face.damage.is_some() || !self.hole.is_empty();
        }
    }

    /// Calls `take` with all damage that none of `faces` is completed in.
    pub fn rest(
        &mut self,
        faces: &[Face],
        settings: &Settings,
        take: impl FnMut(PixelWeights<'_>, &Tellers),
    ) {
        // Where nothing is painted, those that would be.
        let is_completed = |face: &&Face| match settings.only_marks() {
            true => face.is_holed,
            false => face.crop.is_some(),
        };
        let regions = faces.iter().filter(is_completed).map(|face| &face.region);
        self.damage.rest(regions, self.hole.size(), take);
    }

    /// Whether damage is filled plainly where no face is completed.
    pub fn is_filled(&self, settings: &Settings) -> bool {
        !settings.only_marks() && self.damage.is_damaged()
    }
}
