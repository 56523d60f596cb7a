//! Views on their way through a frame: which looks at the faces are kept, which view the generator
//! is shown of each, and what of it is laid on the completion.

use std::time::Duration;

use gst_video::VideoFrameRef;
use mde_core::mask::CHANNELS;

use crate::completer::Batch;
use crate::element::bus::stats::Shares;
use crate::frame::{Layer, MOST_LAYERS};
use crate::locate::Region;
use crate::views::{Choice, LookReader, Origin, Reference, Sight, Views};

/// Keeps looks at the faces of a stream and hands them out; faces are told apart by `K`. Made once
/// and reused.
#[derive(Debug)]
pub struct Copying<K> {
    /// Of the crops.
    size: (usize, usize),
    /// How long a look is kept; 0 for not at all.
    memory: Duration,
    views: Views<K>,
    reader: LookReader,
    /// What each face with something missing looks like in the present frame.
    seen: Vec<(K, Sight)>,
    /// Of one of them.
    known: Vec<f32>,
    /// Of each crop of the batch.
    choices: Vec<Option<Choice>>,
}

impl<K: Copy + PartialEq> Copying<K> {
    /// For crops of `size` = (width, height), with the pictures `references`.
    pub fn new(size: (usize, usize), references: &[Reference]) -> Self {
        let mut views = Views::default();
        views.set_references(references.iter().filter_map(|r| r.view(size)));
        Self {
            size,
            memory: Duration::ZERO,
            views,
            reader: LookReader::default(),
            seen: Vec::new(),
            known: Vec::new(),
            choices: Vec::new(),
        }
    }

    /// Forgets all faces.
    pub fn forget(&mut self) {
        self.views.forget();
        self.choices.clear();
    }

    /// Keeps looks for the time `memory` from now on, the time being `now`.
    pub fn follow(&mut self, memory: Duration, now: Duration) {
        self.memory = memory;
        self.views.expire(now, memory);
    }

    /// Keeps a look at one of `faces`, of which nothing is missing, if it is time for one.
    pub fn remember<'r, T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        mut faces: impl Iterator<Item = (K, &'r Region)>,
        now: Duration,
    ) {
        // The others have their turn in the next frames.
        if let Some((key, region)) = faces.find(|(key, _)| self.is_due(*key, now, true)) {
            let look = self.reader.read(frame, region, self.size, None);
            self.views.remember(key, &look, now);
        }
    }

    /// Chooses a view for each of `faces`, with its crop in `batch`, and shows it there to the
    /// generator. Tells whether every reference picture has a face that it fits, as far as there are
    /// any to fit.
    pub fn show<'r>(
        &mut self,
        faces: impl Iterator<Item = (K, &'r Region, usize)> + Clone,
        batch: &mut Batch,
        now: Duration,
    ) -> bool {
        self.choices.clear();
        self.choices.resize(batch.len(), None);
        self.seen.clear();
        for index in 0..batch.len() {
            if let Some((_, known)) = batch.view_mut(index) {
                known.fill(0.0);
            }
        }
        for (key, region, index) in faces.clone() {
            self.find_known(batch.mask(index));
            let points = region.face_points(self.size);
            let points = points.map(|point| region.to_crop.apply(point));
            let known = |i: usize| self.known[i];
            let sight = Sight::new(self.size, batch.image(index), known, &points);
            self.seen.push((key, sight));
        }
        let are_placed = self.views.place_references(&self.seen, now);
        for ((key, _, index), (_, seen)) in faces.zip(&self.seen) {
            let choice = self.views.choose(key, seen, now);
            if let (Some((view, known)), Some(choice)) = (batch.view_mut(index), &choice) {
                choice.view.show(view, known);
            }
            self.choices[index] = choice;
        }
        are_placed || self.seen.is_empty()
    }

    /// Keeps a look at what is known of one of `faces`, with its crop in `batch`, of which something
    /// is missing, if it is time for one.
    pub fn remember_known<'r, T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        mut faces: impl Iterator<Item = (K, &'r Region, usize)>,
        batch: &Batch,
        now: Duration,
    ) {
        let due = faces.find(|(key, ..)| self.is_due(*key, now, false));
        if let Some((key, region, index)) = due {
            self.find_known(batch.mask(index));
            let known = Some(self.known.as_slice());
            let look = self.reader.read(frame, region, self.size, known);
            self.views.remember(key, &look, now);
        }
    }

    /// Takes note of how the completions of faces, with their crops in `batch`, were copied.
    pub fn note(&mut self, faces: impl Iterator<Item = (K, usize)>, batch: &Batch) {
        for (key, index) in faces {
            if let (Some(copied), true) = (batch.copied(index), self.choice(index).is_some()) {
                let (flow, weights) = copied.of_view();
                self.views.note(key, flow, weights);
            }
        }
    }

    /// What is laid on the completion that is crop `index` of `batch`.
    pub fn layers<'a>(
        &'a self,
        batch: &'a Batch,
        index: usize,
    ) -> [Option<Layer<'a>>; MOST_LAYERS] {
        let mut layers = [None; MOST_LAYERS];
        if let (Some(choice), Some(copied)) = (self.choice(index), batch.copied(index)) {
            let (flow, weights) = copied.of_view();
            layers[0] = Some(Layer {
                detail: choice.view.detail(),
                flow,
                weights,
                opacity: choice.opacity,
            });
            layers[1] = choice.before.as_deref().map(|before| Layer {
                detail: before.view.detail(),
                flow: &before.flow,
                weights: &before.weights,
                opacity: 1.0 - choice.opacity,
            });
        }
        layers
    }

    /// What the hole of the batch's crop `index` is filled with; nothing where the generator does
    /// not tell it.
    pub fn shares(&self, batch: &Batch, index: usize) -> Option<Shares> {
        let copied = batch.copied(index)?;
        let choice = self.choice(index);
        let [painted, view, mirror] = copied.shares(batch.mask(index), batch.size());
        let mut shares = Shares {
            painted,
            mirror,
            agreement: choice.map(Choice::agreement),
            ..Shares::default()
        };
        match choice.map(|choice| choice.view.origin()) {
            Some(Origin::Memory) => shares.memory = view,
            Some(Origin::Reference) => shares.reference = view,
            // What it says it copies where it is shown no view it has painted.
            None => shares.painted += view,
        }
        Some(shares)
    }

    fn choice(&self, index: usize) -> Option<&Choice> {
        self.choices.get(index).and_then(Option::as_ref)
    }

    fn is_due(&self, key: K, now: Duration, is_whole: bool) -> bool {
        !self.memory.is_zero() && self.views.is_due(key, now, is_whole)
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
