//! Finding the covers of the faces of a stream.

use std::time::Duration;

use gst_video::VideoFrameRef;
use mde_core::alignment::Affine;
use mde_core::covers::MISSING;
use mde_core::mask::CHANNELS;

use super::answers::Answers;
use super::doubt::Doubts;
use super::glance::Glance;
use super::outline::{Outline, Outliner};
use super::{Asked, Cover, CoverNet};
use crate::frame::{Channels, Crop, Reader};
use crate::locate::Region;
use crate::runtime::NetError;

/// Frames after which the net looks at a face again that seems to be as it was.
const AT_THE_LATEST: u32 = 10;

/// A face that is away for this time is a new one.
const LONGEST_AWAY: Duration = Duration::from_secs(2);

/// What else is known of faces that are told apart by `K`.
pub trait Known<K> {
    /// Makes 0 in `inside` `[side, side]` what is missing of the crop that `to_crop` maps a frame's pixels to,
    /// and `to_frame` into it: the net is not to judge by that.
    fn hide(&self, to_frame: &Affine, to_crop: &Affine, side: usize, inside: &mut [f32]);

    /// Puts another look at a face, RGB in `[0, 1]` with unknown values 0, and what of it is known, into
    /// slices of zeros.
    fn show(&self, asking: &Asking<'_, K>, view: &mut [f32], known: &mut [f32]);
}

/// Nothing is missing, and there is no other look.
impl<K> Known<K> for () {
    fn hide(&self, _: &Affine, _: &Affine, _: usize, _: &mut [f32]) {}

    fn show(&self, _: &Asking<'_, K>, _: &mut [f32], _: &mut [f32]) {}
}

/// Finds what is before the faces of a stream, which are told apart by `K`. Allocates for faces that
/// it has not seen yet.
#[derive(Debug)]
pub struct CoverFinder<K> {
    net: CoverNet,
    faces: Vec<Face<K>>,
    /// What the covers are of that were found.
    asked: Option<Asked>,
    reader: Reader,
    glance: Glance,
    outliner: Outliner,
}

/// What is kept of a face.
#[derive(Debug)]
struct Face<K> {
    key: K,
    /// When it was in a frame last.
    seen_at: Duration,
    /// The crop of the present frame, `[3, S, S]` in `[0, 1]`, [`MISSING`] where there is nothing.
    crop: Vec<f32>,
    /// 1 where that lies in the frame and is not missing by other means, else 0, `[S, S]`.
    inside: Vec<f32>,
    /// What the crop was like when the net looked last.
    glance: Glance,
    /// Frames since then.
    age: u32,
    answers: Answers,
    outline: Outline,
    doubts: Doubts,
}

/// Cells beside those that may be covered of which nobody is sure either.
const UNSURE: usize = 2;

/// The least share of the cells that must be sure for it to be known whose face it is.
const LEAST_SURE: f32 = 0.5;

/// A face that the net is asked about.
#[derive(Debug)]
pub struct Asking<'a, K> {
    /// Whose it is.
    pub key: K,
    /// Where it is.
    pub region: &'a Region,
    /// Side of its crop in pixels.
    pub side: usize,
    /// The crop, RGB in `[0, 1]`, `[3, side, side]`.
    pub rgb: &'a [f32],
    inside: &'a [f32],
    /// Of the last answer, cells of two pixels; empty where there is none.
    covered: &'a [bool],
}

impl<K> Asking<'_, K> {
    /// Whether pixel `i` of the crop lies in the frame, is there and was not covered when the net looked last.
    pub fn is_face(&self, i: usize) -> bool {
        let cell = i / self.side / 2 * (self.side / 2) + i % self.side / 2;
        self.inside[i] > 0.0 && !self.covered.get(cell).is_some_and(|covered| *covered)
    }
}

impl<K: Copy + PartialEq> CoverFinder<K> {
    /// Looks at faces with `net`.
    pub fn new(net: CoverNet) -> Self {
        Self {
            net,
            faces: Vec::new(),
            asked: None,
            reader: Reader::default(),
            glance: Glance::default(),
            outliner: Outliner::default(),
        }
    }

    /// Forgets all faces: what comes next is another stream, or another scene.
    pub fn forget(&mut self) {
        self.faces.clear();
    }

    /// Finds what is before each of `faces`, all that there are in `frame` at the time `now`, of
    /// what is `asked` for, with what else is `known` of them. Their regions are made for crops of
    /// `size` = (width, height). Tells how many faces the net looked at.
    ///
    /// # Errors
    /// [`NetError::Run`].
    pub fn find<'r, T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        faces: impl Iterator<Item = (K, &'r Region)>,
        size: (usize, usize),
        asked: &Asked,
        now: Duration,
        known: &impl Known<K>,
    ) -> Result<usize, NetError> {
        let is_other = self.asked.replace(*asked) != Some(*asked);
        (self.faces).retain(|face| now.saturating_sub(face.seen_at) <= LONGEST_AWAY);
        let mut looked = 0;
        for (key, region) in faces {
            let index = self.index_of(key);
            self.read(frame, index, region, size, known);
            let Self {
                net,
                faces,
                glance,
                outliner,
                ..
            } = self;
            let (side, grid) = (net.side(), net.grid());
            let face = &mut faces[index];
            face.seen_at = now;
            glance.take(&face.crop, side);
            let is_due = face.is_due(glance);
            if is_due {
                face.look(net, region, known, now)?;
                std::mem::swap(&mut face.glance, glance);
                face.age = 0;
                looked += 1;
            } else {
                face.age += 1;
            }
            if is_due || is_other {
                let inside = &face.inside;
                let is_inside = |x: usize, y: usize| inside[2 * (y * side + x)] > 0.0;
                let answer = face.answers.steady();
                outliner.outline(&mut face.outline, answer, grid, asked, is_inside);
            }
            face.doubts.take(&face.outline, now);
        }
        Ok(looked)
    }

    /// What is before the face `key`, if anything is.
    pub fn cover(&self, key: K) -> Option<&Cover> {
        self.face(key)?.outline.cover.as_ref()
    }

    /// Whether it is not sure that what the frame shows of the face `key` is all face, or was not a
    /// moment ago.
    pub fn is_doubtful(&self, key: K) -> bool {
        let face = self.face(key);
        face.is_some_and(|face| face.doubts.at(face.seen_at).next().is_some())
    }

    /// Leaves of `known`, `[H, W]` for crops of `size` = (width, height), what the frame shows of the face `key` for
    /// sure, and did for a while; the rest becomes 0. Tells whether that is enough to know a face by; where it
    /// is not, `known` stays as it was.
    pub fn keep_sure(&self, key: K, (width, height): (usize, usize), known: &mut [f32]) -> bool {
        let Some(face) = self.face(key) else {
            return false;
        };
        let grid = self.net.grid();
        let near = |v: usize| v.saturating_sub(UNSURE)..(v + UNSURE + 1).min(grid);
        let mut is_sure = vec![true; grid * grid];
        for cell in face.doubts.at(face.seen_at) {
            for y in near(cell / grid) {
                is_sure[y * grid..][near(cell % grid)].fill(false);
            }
        }
        let sure = is_sure.iter().filter(|sure| **sure).count();
        if (sure as f32) < LEAST_SURE * is_sure.len() as f32 {
            return false;
        }
        for (i, known) in known.iter_mut().enumerate() {
            let (x, y) = (i % width * grid / width, i / width * grid / height);
            if !is_sure[y * grid + x] {
                *known = 0.0;
            }
        }
        true
    }

    /// The crop of the face `key` as it was read of the present frame, and which of its pixels lie in
    /// that and are not missing by other means, if crops of `size` = (width, height) are the net's.
    pub fn crop(&self, key: K, size: (usize, usize)) -> Option<(&[f32], &[f32])> {
        let side = self.net.side();
        let face = self.face(key).filter(|_| size == (side, side))?;
        Some((&face.crop, &face.inside))
    }

    fn face(&self, key: K) -> Option<&Face<K>> {
        self.faces.iter().find(|face| face.key == key)
    }

    fn index_of(&mut self, key: K) -> usize {
        let known = self.faces.iter().position(|face| face.key == key);
        known.unwrap_or_else(|| {
            let pixels = self.net.side() * self.net.side();
            self.faces.push(Face {
                key,
                seen_at: Duration::ZERO,
                crop: vec![0.0; CHANNELS * pixels],
                inside: vec![0.0; pixels],
                glance: Glance::default(),
                age: 0,
                answers: Answers::default(),
                outline: Outline::default(),
                doubts: Doubts::default(),
            });
            self.faces.len() - 1
        })
    }

    /// Reads the crop of the face `index`, which is in `region`, without what is missing.
    fn read<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        index: usize,
        region: &Region,
        size: (usize, usize),
        known: &impl Known<K>,
    ) {
        let side = (self.net.side(), self.net.side());
        let face = &mut self.faces[index];
        let to_frame = Affine::stretch(side, size).then(&region.to_frame);
        let crop = Crop {
            size: side,
            rgb: &mut face.crop,
            inside: &mut face.inside,
        };
        (self.reader).read(frame, &to_frame, Channels::Rgb, crop);
        let to_crop = region.to_crop.then(&Affine::stretch(size, side));
        known.hide(&to_frame, &to_crop, side.0, &mut face.inside);
        for plane in face.crop.chunks_exact_mut(face.inside.len()) {
            let missing = face.inside.iter().map(|inside| *inside == 0.0);
            for (value, _) in plane
                .iter_mut()
                .zip(missing)
                .filter(|(_, missing)| *missing)
            {
                *value = MISSING;
            }
        }
    }
}

impl<K: Copy> Face<K> {
    /// Whether the net is to look at it, which looks from afar like `glance`.
    fn is_due(&self, glance: &Glance) -> bool {
        !self.answers.is_settled() || self.age + 1 >= AT_THE_LATEST || self.glance.differs(glance)
    }

    /// Lets `net` look at it `now`.
    fn look(
        &mut self,
        net: &mut CoverNet,
        region: &Region,
        known: &impl Known<K>,
        now: Duration,
    ) -> Result<(), NetError> {
        let asking = Asking {
            key: self.key,
            region,
            side: net.side(),
            rgb: &self.crop,
            inside: &self.inside,
            covered: &self.outline.cells,
        };
        let answer = net.look(|inputs| {
            inputs.image.copy_from_slice(asking.rgb);
            inputs.view.fill(0.0);
            inputs.view_mask.fill(0.0);
            known.show(&asking, inputs.view, inputs.view_mask);
            // What it said before makes it say it again, right or wrong; edges are steadied here.
            inputs.last.fill(0.0);
        })?;
        self.answers.take(answer, now);
        Ok(())
    }
}
