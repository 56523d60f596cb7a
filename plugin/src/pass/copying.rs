//! Views on their way through a frame: which looks at the faces are kept, which view the generator
//! is shown of each, and what of it is laid on the completion.

use std::sync::Arc;
use std::time::Duration;

use gst_video::VideoFrameRef;
use mde_core::mask::CHANNELS;
use mde_core::registration::{Displacement, Registrar};

use super::covers::Covers;
use super::face::{BatchCrop, Face};
use super::identity::Identity;
use super::report::Shares;
use crate::completer::Batch;
use crate::covers::Asking;
use crate::frame::{Layer, MOST_LAYERS};
use crate::views::{Choice, LookReader, Origin, Reference, Sight, View, Views};

/// Where less than this share of what is missing is copied from the mirror, its detail would not be
/// seen.
const LEAST_MIRRORED: f32 = 0.05;

/// Keeps looks at the faces of a stream and hands them out. Made once and reused.
#[derive(Debug)]
pub struct Copying {
    references: Vec<Reference>,
    /// Of the crops.
    size: (usize, usize),
    /// How long a look is kept; 0 for not at all.
    memory: Duration,
    views: Views<Identity>,
    reader: LookReader,
    /// What each face with something missing looks like in the present frame.
    seen: Vec<(Identity, Sight)>,
    /// Of one of them.
    known: Vec<f32>,
    /// Of each crop, who found where its view lies.
    registrars: Vec<Registrar>,
}

impl Copying {
    /// For crops of `size` = (width, height), with the pictures `references`.
    pub fn new(size: (usize, usize), references: Vec<Reference>) -> Self {
        let mut views = Views::default();
        views.set_references(references.iter().filter_map(|r| r.view(size)));
        Self {
            references,
            size,
            memory: Duration::ZERO,
            views,
            reader: LookReader::default(),
            seen: Vec::new(),
            known: Vec::new(),
            registrars: Vec::new(),
        }
    }

    /// Begins anew, for crops of `size` = (width, height).
    pub fn resize(&mut self, size: (usize, usize)) {
        *self = Self::new(size, std::mem::take(&mut self.references));
    }

    /// Forgets all faces.
    pub fn forget(&mut self) {
        self.views.forget();
    }

    /// Keeps looks for the time `memory` from now on, the time being `now`.
    pub fn follow(&mut self, memory: Duration, now: Duration) {
        self.memory = memory;
        self.views.expire(now, memory);
    }

    /// Keeps a look at one of `faces` of which nothing is missing, if it is time for one; of what
    /// `covers` are sure that it is the face.
    pub fn remember<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        faces: &[Face],
        covers: &Covers,
        now: Duration,
    ) {
        for face in faces.iter().filter(|face| !face.is_holed) {
            let is_due = |own: &Identity| self.is_due(*own, now, !face.is_doubtful);
            let Some(identity) = face.identity.filter(is_due) else {
                continue;
            };
            self.known.clear();
            self.known.resize(self.size.0 * self.size.1, 1.0);
            if face.is_doubtful && !covers.keep_sure(identity, self.size, &mut self.known) {
                continue;
            }
            let known = face.is_doubtful.then_some(self.known.as_slice());
            let look = self.reader.read(frame, &face.region, self.size, known);
            self.views.remember(identity, &look, now);
            // The others have their turn in the next frames.
            return;
        }
    }

    /// Chooses a view for each of `faces` with a crop in `batch`, and shows it there to the
    /// generator. Tells whether every reference picture has a face that it fits, as far as there are
    /// any to fit.
    pub fn show(&mut self, faces: &mut [Face], batch: &mut Batch, now: Duration) -> bool {
        for index in 0..batch.len() {
            if let Some((_, known)) = batch.view_mut(index) {
                known.fill(0.0);
            }
        }
        self.seen.clear();
        for (identity, crop, face) in cropped(faces) {
            self.find_known(batch.mask(crop.index));
            let points = face.region.face_points(self.size);
            let points = points.map(|point| face.region.to_crop.apply(point));
            let known = |i: usize| self.known[i];
            let sight = Sight::new(self.size, batch.image(crop.index), known, &points);
            self.seen.push((identity, sight));
        }
        let are_placed = self.views.place_references(&self.seen, now);
        self.registrars.resize_with(batch.len(), Registrar::default);
        let seen = std::mem::take(&mut self.seen);
        let crops = faces.iter_mut().filter_map(|face| face.crop.as_mut());
        for (crop, (identity, seen)) in crops.zip(&seen) {
            crop.view = self.choose(*identity, seen, crop.index, batch, now);
        }
        self.seen = seen;
        are_placed || self.seen.is_empty()
    }

    /// The view for the face `identity`, which looks like `seen` on crop `index` of `batch`; shows
    /// it there.
    fn choose(
        &mut self,
        identity: Identity,
        seen: &Sight,
        index: usize,
        batch: &mut Batch,
        now: Duration,
    ) -> Option<Choice> {
        self.find_known(batch.mask(index));
        let (size, known) = (self.size, &self.known);
        let registrar = &mut self.registrars[index];
        registrar.look(size, batch.image(index), known);
        let register =
            |view: &View, before: &Displacement| registrar.register(view.detail(), before);
        let choice = self.views.choose(identity, seen, now, register)?;
        if let Some((view, known)) = batch.view_mut(index) {
            choice.placed.shown().show(view, known);
        }
        Some(choice)
    }

    /// Keeps a look at what is known of one of `faces` with a crop in `batch`, of which something
    /// is missing, if it is time for one; of what `covers` are sure that it is the face.
    pub fn remember_known<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        faces: &[Face],
        covers: &Covers,
        batch: &Batch,
        now: Duration,
    ) {
        let mut holed = cropped(faces);
        let due = holed.find(|(identity, ..)| self.is_due(*identity, now, false));
        if let Some((identity, crop, face)) = due {
            self.find_known(batch.mask(crop.index));
            if face.is_doubtful && !covers.keep_sure(identity, self.size, &mut self.known) {
                return;
            }
            let known = Some(self.known.as_slice());
            let look = self.reader.read(frame, &face.region, self.size, known);
            self.views.remember(identity, &look, now);
        }
    }

    /// Puts the view that tells most of what the face asked about is like `now`, with what is known of
    /// it, into slices of zeros, if there is one of that size.
    pub fn show_nearest(
        &self,
        asking: &Asking<'_, Identity>,
        now: Duration,
        view: &mut [f32],
        known: &mut [f32],
    ) {
        if self.size != (asking.side, asking.side) || !self.views.knows(asking.key) {
            return;
        }
        let points = asking.region.face_points(self.size);
        let points = points.map(|point| asking.region.to_crop.apply(point));
        let is_known = |i: usize| f32::from(u8::from(asking.is_face(i)));
        let sight = Sight::new(self.size, asking.rgb, is_known, &points);
        if let Some(nearest) = self.views.nearest(asking.key, &sight, now) {
            nearest.pyramid().base().show(view, known);
        }
    }

    /// Follows the flows by which the completions that `faces` have in `batch` were copied as far as
    /// the `frame` bears them out, and finds what it shows where they were copied from their mirror.
    pub fn settle<T>(&mut self, frame: &VideoFrameRef<T>, faces: &mut [Face], batch: &mut Batch) {
        for face in faces {
            let (Some(identity), Some(crop)) = (face.identity, &mut face.crop) else {
                continue;
            };
            if crop.view.is_some()
                && let Some(mut copied) = batch.copied_mut(crop.index)
            {
                let registrar = &self.registrars[crop.index];
                self.views.settle(identity, registrar, &mut copied);
            }
            let mask = batch.mask(crop.index);
            let shares = batch.copied(crop.index).map(|c| c.shares(mask, self.size));
            let is_mirrored = shares.is_some_and(|[_, _, mirror]| mirror >= LEAST_MIRRORED);
            crop.mirror = is_mirrored.then(|| {
                self.find_known(mask);
                let known = &self.known;
                let looks = &mut self.reader;
                Arc::new(looks.read_mirrored(frame, &face.region, self.size, known))
            });
        }
    }

    fn is_due(&self, identity: Identity, now: Duration, is_whole: bool) -> bool {
        !self.memory.is_zero() && self.views.is_due(identity, now, is_whole)
    }

    /// Finds out which pixels are known in all channels of `mask`.
    fn find_known(&mut self, mask: &[f32]) {
        let pixels = self.size.0 * self.size.1;
        self.known.clear();
        self.known.extend((0..pixels).map(|i| {
            let values = (0..CHANNELS).map(|channel| mask[channel * pixels + i]);
            values.fold(1.0, f32::min)
        }));
    }
}

/// Those of `faces` that have a crop.
fn cropped(faces: &[Face]) -> impl Iterator<Item = (Identity, &BatchCrop, &Face)> {
    (faces.iter()).filter_map(|face| Some((face.identity?, face.crop.as_ref()?, face)))
}

/// What is laid on the completion that is `crop` of `batch`.
pub fn layers<'a>(crop: &'a BatchCrop, batch: &'a Batch) -> [Option<Layer<'a>>; MOST_LAYERS] {
    let mut layers = [None; MOST_LAYERS];
    if let (Some(choice), Some(copied)) = (&crop.view, batch.copied(crop.index)) {
        let (flow, weights) = copied.of_view();
        layers[0] = Some(Layer {
            pyramid: choice.view.pyramid(),
            displacement: choice.placed.displacement(),
            shown: choice.placed.shown(),
            flow,
            weights,
            opacity: choice.opacity,
        });
        layers[1] = choice.before.as_deref().map(|before| Layer {
            pyramid: before.view.pyramid(),
            displacement: before.placed.displacement(),
            shown: before.placed.shown(),
            flow: &before.flow,
            weights: &before.weights,
            opacity: 1.0 - choice.opacity,
        });
    }
    if let (Some(mirror), Some(copied)) = (&crop.mirror, batch.copied(crop.index)) {
        let (flow, weights) = copied.of_mirror();
        layers[2] = Some(Layer {
            pyramid: mirror,
            displacement: &Displacement::NONE,
            shown: mirror.base(),
            flow,
            weights,
            opacity: 1.0,
        });
    }
    layers
}

/// What the hole of the batch's `crop` of a frame at `now` is filled with; nothing where the generator does not tell it.
pub fn shares(crop: &BatchCrop, batch: &Batch, now: Duration) -> Option<Shares> {
    let copied = batch.copied(crop.index)?;
    let choice = crop.view.as_ref();
    let [painted, view, mirror] = copied.shares(batch.mask(crop.index), batch.size());
    let mut shares = Shares {
        painted,
        mirror,
        agreement: choice.map(Choice::agreement),
        ..Shares::default()
    };
    let source = choice.map(|choice| &choice.view);
    match source.map(|view| view.origin()) {
        Some(Origin::Memory) if source.is_some_and(|view| view.taken_at() > now) => {
            shares.later = view;
        }
        Some(Origin::Memory) => shares.memory = view,
        Some(Origin::Reference) => shares.reference = view,
        // What it says it copies where it is shown no view it has painted.
        None => shares.painted += view,
    }
    Some(shares)
}
