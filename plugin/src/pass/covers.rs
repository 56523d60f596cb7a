//! What is before the faces of a frame.

use std::time::Duration;

use gst_video::VideoFrameRef;
use mde_core::alignment::Affine;

use super::copying::Copying;
use super::face::Face;
use super::identity::Identity;
use super::settings::Settings;
use crate::covers::{Asking, Cover, CoverFinder, CoverNet, Kinds, Known};
use crate::missing::{FrameMissing, LaidCover};
use crate::runtime::NetError;

/// Finds covers, and knows which were told of. Made once and reused.
#[derive(Debug, Default)]
pub struct Covers {
    /// Without one nothing is found.
    finder: Option<CoverFinder<Identity>>,
    /// What was before the faces of a frame that was looked at ahead, where it is the present one.
    shown: Option<Vec<(Identity, Cover)>>,
    told: Vec<(Identity, Kinds)>,
}

/// What is known of the faces of a frame before their covers are found.
pub struct KnownOfFaces<'a, T> {
    /// The frame.
    pub frame: &'a VideoFrameRef<T>,
    /// What is missing of it.
    pub damage: &'a FrameMissing,
    /// Where views come from.
    pub copying: &'a Copying,
    /// When it is.
    pub now: Duration,
}

impl<T> Known<Identity> for KnownOfFaces<'_, T> {
    fn hide(&self, to_frame: &Affine, to_crop: &Affine, side: usize, inside: &mut [f32]) {
        (self.damage).carry_all(self.frame, to_frame, to_crop, (side, side), inside);
    }

    fn show(&self, asking: &Asking<'_, Identity>, view: &mut [f32], known: &mut [f32]) {
        self.copying.show_nearest(asking, self.now, view, known);
    }
}

impl Covers {
    /// Finds covers with `net`, if there is one.
    pub fn new(net: Option<CoverNet>) -> Self {
        Self {
            finder: net.map(CoverFinder::new),
            shown: None,
            told: Vec::new(),
        }
    }

    /// Takes each face for a new one.
    pub fn forget(&mut self) {
        if let Some(finder) = &mut self.finder {
            finder.forget();
        }
    }

    /// Looks for covers of `faces`, all that there are in the frame of `known`, with crops of
    /// `size` = (width, height), if `settings` ask for it. Tells how many faces the net looked at.
    ///
    /// # Errors
    /// [`NetError::Run`].
    pub fn find<T>(
        &mut self,
        settings: &Settings,
        faces: &[Face],
        size: (usize, usize),
        known: &KnownOfFaces<'_, T>,
    ) -> Result<usize, NetError> {
        let (Some(finder), Some(asked)) = (&mut self.finder, &settings.covers) else {
            return Ok(0);
        };
        let faces = faces.iter();
        let faces = faces.filter_map(|face| Some((face.identity?, &face.region)));
        finder.find(known.frame, faces, size, asked, known.now, known)
    }

    /// What is before `faces`, all that there are in the frame.
    pub fn all(&self, faces: &[Face]) -> Vec<(Identity, Cover)> {
        let finder = self.finder.as_ref();
        let covers = faces.iter().filter(|face| face.cover.is_some());
        let covers = covers.filter_map(|face| {
            let identity = face.identity?;
            Some((identity, finder?.cover(identity)?.clone()))
        });
        covers.collect()
    }

    /// Takes `covers`, if there are any given, for what is before the faces of the present frame,
    /// which have taken note of it, instead of what was found last.
    pub fn show(&mut self, covers: Option<Vec<(Identity, Cover)>>) {
        self.shown = covers;
    }

    /// Takes note in `faces` of what is before them.
    pub fn mark(&self, settings: &Settings, faces: &mut [Face]) {
        if self.shown.is_some() {
            return;
        }
        let finder = self.finder.as_ref().filter(|_| settings.covers.is_some());
        for face in faces {
            let own = finder.zip(face.identity);
            let cover = own.and_then(|(finder, identity)| finder.cover(identity));
            face.cover = cover.map(|cover| cover.finding());
            face.is_doubtful = own.is_some_and(|(finder, own)| finder.is_doubtful(own));
        }
    }

    /// Whether the faces that are covered, or the kinds of what covers them, are others than those
    /// told of last; from then on they are told of.
    pub fn is_news(&mut self, faces: &[Face]) -> bool {
        let covered = || {
            let covered = faces.iter();
            covered.filter_map(|face| Some((face.identity?, face.cover?.kinds)))
        };
        let is_same = covered().count() == self.told.len()
            && covered().all(|cover| self.told.contains(&cover));
        if !is_same {
            self.told.clear();
            self.told.extend(covered());
        }
        !is_same
    }

    /// What is before `face`, for crops of `size` = (width, height).
    pub fn laid(
        &self,
        settings: &Settings,
        face: &Face,
        size: (usize, usize),
    ) -> Option<LaidCover<'_>> {
        face.cover?;
        let identity = face.identity?;
        let cover = match &self.shown {
            Some(shown) => &shown.iter().find(|(own, _)| *own == identity)?.1,
            None => self.finder.as_ref()?.cover(identity)?,
        };
        let (grow, is_frame) = (settings.damage.grow, settings.hole.is_frame);
        Some(LaidCover::new(cover, &face.region, size, grow, is_frame))
    }

    /// Leaves of `known`, for crops of `size` = (width, height), what the present frame shows of the face
    /// `identity` for sure; tells whether that is enough to know a face by.
    pub fn keep_sure(&self, identity: Identity, size: (usize, usize), known: &mut [f32]) -> bool {
        let finder = self.finder.as_ref();
        finder.is_some_and(|finder| finder.keep_sure(identity, size, known))
    }

    /// The crop of `face` as it was read of the present frame, and which of its pixels lie in that,
    /// if it has `size` = (width, height).
    pub fn crop(&self, face: &Face, size: (usize, usize)) -> Option<(&[f32], &[f32])> {
        let finder = self.finder.as_ref().filter(|_| self.shown.is_none())?;
        finder.crop(face.identity?, size)
    }
}
