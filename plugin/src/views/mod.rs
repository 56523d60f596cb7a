//! What the same face looked like at other times: views that a completion is copied from, each an
//! aligned look at the face with the part of it that is known.
//!
//! Views live in the process's memory alone: nothing here is ever written to a file. What the stream
//! has shown goes with the stream ([`Views::forget`]), with its age ([`Views::expire`]), and when
//! the element stops. [References](Reference) are read from the files that the user names.
//!
//! Knows nothing of how faces are told apart: they are named by who uses it.

mod bank;
mod look;
mod placed;
pub mod reference;
mod sight;
mod trials;
mod view;

use std::sync::Arc;
use std::time::Duration;

use crate::completer::CopiedMut;
use crate::one_euro::OneEuro;
use bank::{Bank, Candidate};
use mde_core::registration::{Displacement, Registrar, Registration, TERMS};
use trials::Trials;

pub use look::{Look, LookReader};
pub use placed::Placed;
pub use reference::Reference;
pub use sight::Sight;
pub use view::{Origin, View};

/// Faces that are remembered: so that a stream with ever new ones cannot take all memory.
const MOST_FACES: usize = 16;

/// Time from one look that is kept of a face to the next.
const PACE: Duration = Duration::from_millis(250);
/// The same where a part of the face is missing.
const PACE_WHERE_MISSING: Duration = Duration::from_secs(1);

/// How long one view takes to give way to the next.
const FADE: Duration = Duration::from_millis(250);

/// Cut-off in Hz for where the view of a face that stands still lies, and how much more it is for each
/// crop pixel that the factors of its displacement change by in a second, in the mean.
const STILL: f64 = 1.0;
const PER_SPEED: f64 = 2.0;

/// A face that is away for this time may give its references to another one.
const LONGEST_AWAY: Duration = Duration::from_secs(2);

/// The views of each face; faces are told apart by `K`.
#[derive(Debug)]
pub struct Views<K> {
    faces: Vec<Face<K>>,
    references: Vec<Held<K>>,
}

/// A view of a reference picture, with the face that it is of, once that is found.
#[derive(Debug)]
struct Held<K> {
    view: Arc<View>,
    owner: Option<K>,
}

#[derive(Debug)]
struct Face<K> {
    key: K,
    bank: Bank,
    /// When it was in a frame last.
    seen_at: Duration,
    /// When a look at it was kept last.
    kept_at: Option<Duration>,
    current: Option<Current>,
    trials: Trials,
}

/// The view that a face's completions are copied from.
#[derive(Debug)]
struct Current {
    view: Arc<View>,
    /// When it came into use.
    since: Duration,
    /// Where it lay in the last frame, and when that was.
    placed: Option<Arc<Placed>>,
    placed_at: Duration,
    /// Holds it still.
    filter: OneEuro<TERMS>,
    /// How much of the generator's flow was followed in the last frame.
    followed: Option<f32>,
    /// How it was copied in the last frame, flow and weights.
    copied: (Vec<f32>, Vec<f32>),
    before: Option<Arc<Fading>>,
}

/// A view that gives way to another one, with how it was copied last.
#[derive(Debug)]
pub struct Fading {
    /// The view.
    pub view: Arc<View>,
    /// Where it lay.
    pub placed: Arc<Placed>,
    /// `[2, H/2, W/2]`, as the generator's.
    pub flow: Vec<f32>,
    /// `[H/2, W/2]`, as the generator's.
    pub weights: Vec<f32>,
}

/// The view for a face in a frame.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What the completion is copied from.
    pub view: Arc<View>,
    /// Where it lies on the face, as the generator is to be shown it.
    pub placed: Arc<Placed>,
    /// How much of what it shows is laid on, in `[0, 1]`: less than 1 while another one gives way.
    pub opacity: f32,
    /// The one that gives way: the rest is its.
    pub before: Option<Arc<Fading>>,
    /// The mean difference of colours from what is seen of the face, in `[0, 1]`, but for the
    /// light.
    pub difference: f32,
}

impl Choice {
    /// How well the view agrees with what is seen of the face: 1 where they are the same but for the
    /// light, 0 where they differ as much as two faces do.
    pub fn agreement(&self) -> f32 {
        (1.0 - self.difference / bank::FARTHEST).clamp(0.0, 1.0)
    }
}

impl<K: Copy + PartialEq> Default for Views<K> {
    fn default() -> Self {
        Self {
            faces: Vec::new(),
            references: Vec::new(),
        }
    }
}

impl<K: Copy + PartialEq> Views<K> {
    /// Forgets all faces: what comes next is another stream. References stay, for whoever they fit.
    pub fn forget(&mut self) {
        self.faces.clear();
        for reference in &mut self.references {
            reference.owner = None;
        }
    }

    /// Takes the views of reference pictures.
    pub fn set_references(&mut self, views: impl IntoIterator<Item = View>) {
        let held = |view| Held {
            view: Arc::new(view),
            owner: None,
        };
        self.references = views.into_iter().map(held).collect();
    }

    /// Gives each reference to the one of `faces`, which are those with something missing in the
    /// frame at `now`, that it agrees with most, if it fits any. It stays with a face as long as
    /// that is there. Tells whether all have one.
    pub fn place_references(&mut self, faces: &[(K, Sight)], now: Duration) -> bool {
        let is_there = |key: K| {
            let seen = self.faces.iter().find(|face| face.key == key);
            seen.is_some_and(|face| now.saturating_sub(face.seen_at) <= LONGEST_AWAY)
        };
        for reference in &mut self.references {
            reference.owner = reference.owner.filter(|key| is_there(*key));
            if reference.owner.is_none() {
                let fits = |(key, seen): &(K, Sight)| {
                    let difference = bank::fits(&reference.view, seen)?;
                    Some((*key, difference))
                };
                let best = faces.iter().filter_map(fits);
                let best = best.min_by(|(_, a), (_, b)| a.total_cmp(b));
                reference.owner = best.map(|(key, _)| key);
            }
        }
        self.references.iter().all(|r| r.owner.is_some())
    }

    /// Drops what was seen more than `keep` before `now`.
    pub fn expire(&mut self, now: Duration, keep: Duration) {
        let oldest = now.saturating_sub(keep);
        for face in &mut self.faces {
            face.bank.expire(oldest);
            if (face.current.as_ref()).is_some_and(|c| c.view.is_older_than(oldest)) {
                face.current = None;
            }
        }
        (self.faces).retain(|face| !face.bank.is_empty() || face.seen_at >= oldest);
    }

    /// Whether it is time for another look at the face `key`, of which `is_whole` or a part is
    /// missing.
    pub fn is_due(&self, key: K, now: Duration, is_whole: bool) -> bool {
        let pace = if is_whole { PACE } else { PACE_WHERE_MISSING };
        let face = self.faces.iter().find(|face| face.key == key);
        let kept_at = face.and_then(|face| face.kept_at);
        kept_at.is_none_or(|at| now.saturating_sub(at) >= pace)
    }

    /// Takes a look at the face `key`, and keeps it if it is worth it.
    pub fn remember(&mut self, key: K, look: &Look<'_>, now: Duration) {
        let index = self.index_of(key, now);
        let face = &mut self.faces[index];
        face.kept_at = Some(now);
        face.bank.offer(View::new(look, Origin::Memory, now));
    }

    /// The view for the face `key` in the frame at `now`, in which it looks like `seen`; nothing
    /// where none would help. `register` says how a view lies on the face, given how it lay before.
    pub fn choose(
        &mut self,
        key: K,
        seen: &Sight,
        now: Duration,
        register: impl FnMut(&View, &Displacement) -> Registration,
    ) -> Option<Choice> {
        let index = self.index_of(key, now);
        let face = &mut self.faces[index];
        let current = face.current.take();
        let in_use = current.as_ref().map(|current| &current.view);
        let own = self.references.iter().filter(|r| r.owner == Some(key));
        let references = own.map(|reference| &reference.view);
        let candidates = face.bank.candidates(references, seen, now, in_use);
        let (chosen, displacement) = face.trials.choose(candidates, in_use, register)?;
        let Candidate {
            view, difference, ..
        } = chosen;
        let current = match current {
            Some(current) if Arc::ptr_eq(&current.view, &view) => current,
            before => Current {
                view,
                since: now,
                placed: None,
                placed_at: now,
                filter: OneEuro::default(),
                followed: None,
                copied: Default::default(),
                before: before.and_then(Current::fading),
            },
        };
        let current = face.current.insert(current);
        let elapsed = now.saturating_sub(current.since).as_secs_f32() / FADE.as_secs_f32();
        if elapsed >= 1.0 {
            current.before = None;
        }
        let displacement = current.steadied(displacement, now);
        let placed = Arc::new(Placed::new(&current.view, displacement));
        current.placed = Some(placed.clone());
        Some(Choice {
            view: current.view.clone(),
            placed,
            opacity: match current.before {
                // The first frame shows a little of it already.
                Some(_) => elapsed.clamp(0.1, 1.0),
                None => 1.0,
            },
            before: current.before.clone(),
            difference,
        })
    }

    /// Whether there is a view of the face `key`.
    pub fn knows(&self, key: K) -> bool {
        let face = self.faces.iter().find(|face| face.key == key);
        face.is_some_and(|face| !face.bank.is_empty()) || self.own_references(key).next().is_some()
    }

    /// The view that tells most of what the face `key`, of which `seen` is seen `now`, is like without
    /// a cover.
    pub fn nearest(&self, key: K, seen: &Sight, now: Duration) -> Option<&View> {
        let face = self.faces.iter().find(|face| face.key == key);
        let views = face.into_iter().flat_map(|face| face.bank.all());
        let views = views.chain(self.own_references(key));
        bank::nearest(views, seen, now).map(|view| &**view)
    }

    /// The views of reference pictures of the face `key`.
    fn own_references(&self, key: K) -> impl Iterator<Item = &Arc<View>> {
        let own = self.references.iter();
        own.filter(move |reference| reference.owner == Some(key))
            .map(|reference| &reference.view)
    }

    /// Follows the flow by which the generator has copied the view chosen for the face `key` as far
    /// as the frame bears it out ([`Placed::followed`]), and takes note of what was copied how.
    /// `registrar` is the one that registered the view.
    pub fn settle(&mut self, key: K, registrar: &Registrar, copied: &mut CopiedMut<'_>) {
        let face = self.faces.iter_mut().find(|face| face.key == key);
        let Some(current) = face.and_then(|face| face.current.as_mut()) else {
            return;
        };
        if let Some(placed) = &current.placed {
            let share = placed.followed(&current.view, registrar, copied, current.followed);
            placed.follow(copied, share);
            current.followed = Some(share);
        }
        let (flow, weights) = &mut current.copied;
        copied.flow.clone_into(flow);
        copied.weights.clone_into(weights);
    }

    /// Where the face `key`, at `now` in the frame, is; a new one takes the place of the one away
    /// longest where there are too many.
    fn index_of(&mut self, key: K, now: Duration) -> usize {
        let known = self.faces.iter().position(|face| face.key == key);
        let index = known.unwrap_or_else(|| {
            if self.faces.len() >= MOST_FACES {
                let ages = self.faces.iter().map(|face| face.seen_at).enumerate();
                if let Some((oldest, _)) = ages.min_by_key(|(_, seen_at)| *seen_at) {
                    self.faces.swap_remove(oldest);
                }
            }
            self.faces.push(Face {
                key,
                bank: Bank::default(),
                seen_at: now,
                kept_at: None,
                current: None,
                trials: Trials::default(),
            });
            self.faces.len() - 1
        });
        self.faces[index].seen_at = now;
        index
    }
}

impl Current {
    /// Where the view lies at `now`, of which `found` tells, and the noise in it.
    fn steadied(&mut self, found: Displacement, now: Duration) -> Displacement {
        let elapsed = now.saturating_sub(std::mem::replace(&mut self.placed_at, now));
        let cutoff = |speed: f64| STILL + PER_SPEED * speed;
        let factors = self.filter.filter(&found.factors(), elapsed, cutoff);
        found.with_factors(&factors)
    }

    /// What is left of it while the next one comes; nothing where it was not copied yet.
    fn fading(self) -> Option<Arc<Fading>> {
        let (flow, weights) = self.copied;
        let fading = Fading {
            view: self.view,
            placed: self.placed?,
            flow,
            weights,
        };
        (!fading.flow.is_empty()).then(|| Arc::new(fading))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::alignment::{FacePoints, TEMPLATE};
    use mde_core::occlusion::Rect;

    const CROP: (usize, usize) = (96, 96);
    const PIXELS: usize = 96 * 96;
    const CELLS: usize = PIXELS / 4;

    fn picture(phase: f32) -> Vec<f32> {
        let value = |i: usize| {
            let (x, y) = ((i % 96) as f32, (i / 96 % 96) as f32);
            0.5 + 0.4 * (x / 7.0 + phase).sin() * (y / 9.0 - phase).cos()
        };
        (0..3 * PIXELS).map(value).collect()
    }

    fn remember(views: &mut Views<u32>, key: u32, phase: f32, millis: u64) {
        let points: FacePoints = TEMPLATE;
        let look = Look {
            crop: CROP,
            factor: 1,
            rgb: &picture(phase),
            known: &[1.0; PIXELS],
            points,
        };
        views.remember(key, &look, Duration::from_millis(millis));
    }

    /// The face with its upper half missing.
    fn seen(phase: f32) -> Sight {
        let known = |i: usize| f32::from(u8::from(i / 96 >= 48));
        Sight::new(CROP, &picture(phase), known, &TEMPLATE)
    }

    fn choose(views: &mut Views<u32>, key: u32, phase: f32, millis: u64) -> Option<Choice> {
        let seen = seen(phase);
        let register = |view: &View, before: &Displacement| Registration {
            displacement: *before,
            residual: view.sight().difference(&seen).unwrap_or(1.0),
        };
        views.choose(key, &seen, Duration::from_millis(millis), register)
    }

    #[test]
    fn each_face_has_its_own_views() {
        let mut views = Views::default();
        remember(&mut views, 1, 0.0, 0);
        assert!(choose(&mut views, 2, 0.0, 40).is_none());
        let choice = choose(&mut views, 1, 0.0, 40).expect("a view");
        assert_eq!(choice.view.taken_at(), Duration::ZERO);
        assert_eq!(choice.opacity, 1.0);
        assert!(choice.difference < 0.01);
        views.forget();
        assert!(choose(&mut views, 1, 0.0, 80).is_none());
    }

    #[test]
    fn a_look_is_due_from_time_to_time() {
        let mut views = Views::default();
        let at = Duration::from_millis;
        assert!(views.is_due(1, at(0), true));
        remember(&mut views, 1, 0.0, 0);
        assert!(!views.is_due(1, at(240), true));
        assert!(views.is_due(1, at(250), true));
        assert!(!views.is_due(1, at(250), false));
        assert!(views.is_due(1, at(1000), false));
        assert!(views.is_due(2, at(160), true));
    }

    #[test]
    fn old_views_and_faces_are_dropped() {
        let mut views = Views::default();
        remember(&mut views, 1, 0.0, 0);
        let keep = Duration::from_secs(2);
        views.expire(Duration::from_millis(1900), keep);
        assert!(choose(&mut views, 1, 0.0, 1900).is_some());
        views.expire(Duration::from_millis(2100), keep);
        assert!(choose(&mut views, 1, 0.0, 2100).is_none());
        views.expire(Duration::from_millis(9000), keep);
        assert!(views.faces.is_empty());
        for key in 0..100 {
            remember(&mut views, key, 0.0, u64::from(key));
        }
        assert_eq!(views.faces.len(), MOST_FACES);
        assert!(choose(&mut views, 99, 0.0, 100).is_some());
    }

    #[test]
    fn references_go_to_the_faces_that_they_fit() {
        let mut views = Views::default();
        let reference = |phase: f32| {
            let rgb = picture(phase);
            let look = Look {
                crop: CROP,
                factor: 1,
                rgb: &rgb,
                known: &[1.0; PIXELS],
                points: TEMPLATE,
            };
            View::new(&look, Origin::Reference, Duration::ZERO)
        };
        views.set_references([reference(0.0), reference(1.6)]);
        let at = Duration::from_millis;
        assert!(
            !views.place_references(&[(1, seen(0.05))], at(0)),
            "one fits nobody"
        );
        assert!(choose(&mut views, 1, 0.05, 0).is_some());
        let both = [(1, seen(0.0)), (2, seen(1.55))];
        assert!(views.place_references(&both, at(40)));
        for (key, phase) in [(1, 0.0), (2, 1.55)] {
            let choice = choose(&mut views, key, phase, 40).expect("a reference");
            assert_eq!(choice.view.origin(), Origin::Reference);
            assert!(choice.difference < 0.02, "{key}: {}", choice.difference);
        }
        assert!(choose(&mut views, 3, 0.0, 40).is_none());
        // Another stream's faces may have them.
        views.forget();
        assert!(choose(&mut views, 1, 0.0, 80).is_none());
        assert!(!views.place_references(&[(7, seen(1.55))], at(80)));
        assert!(choose(&mut views, 7, 1.55, 80).is_some());
    }

    #[test]
    fn a_view_fades_into_the_next() {
        let mut views = Views::default();
        remember(&mut views, 1, 0.0, 0);
        remember(&mut views, 1, 0.6, 10);
        let first = choose(&mut views, 1, 0.0, 20).expect("a view");
        assert_eq!((first.view.taken_at().as_millis(), first.opacity), (0, 1.0));
        let mut flow = [2.0; 2 * CELLS];
        let mut copied = CopiedMut {
            size: CROP,
            part: Rect::new(0, 0, 96, 96),
            completed: &mut picture(0.0),
            flow: &mut flow,
            weights: &[0.5; CELLS],
        };
        // Nothing was registered, so that nothing speaks against the flow.
        views.settle(1, &Registrar::default(), &mut copied);
        let second = choose(&mut views, 1, 0.6, 40).expect("a view");
        assert_eq!(second.view.taken_at().as_millis(), 10);
        let before = second.before.expect("the one before");
        assert!(Arc::ptr_eq(&before.view, &first.view));
        assert_eq!(
            (before.flow.as_slice(), before.weights.as_slice()),
            (&flow[..], &[0.5; CELLS][..])
        );
        let opacities = [40, 140, 240, 300].map(|millis| {
            let choice = choose(&mut views, 1, 0.6, millis).expect("a view");
            (choice.opacity, choice.before.is_some())
        });
        assert_eq!(
            opacities,
            [(0.1, true), (0.4, true), (0.8, true), (1.0, false)]
        );
    }
}
