//! How the views of a face lie on it, and which of them lies best.
//!
//! Five points under a cover tell badly where a face is, and so how much a view looks like what is
//! seen of it. So each view is registered before it is compared: all of them when they are new, later
//! the one in use in each frame and the others in turns, one every other frame.

use std::sync::Arc;

use mde_core::registration::{Displacement, Registration};

use super::bank::Candidate;
use super::view::View;

/// A view must be nearer than the one in use by this to take its place.
const CLEARLY_NEARER: f32 = 0.0015;

/// Frames from one that tries another view than the one in use to the next.
const TURNS: usize = 2;

/// The views of one face that have been laid on it.
#[derive(Debug, Default)]
pub struct Trials {
    tried: Vec<Trial>,
    /// How many frames there were: whose turn it is follows from that.
    frames: usize,
}

#[derive(Debug)]
struct Trial {
    view: Arc<View>,
    found: Registration,
    /// Whether that is of the present frame.
    is_fresh: bool,
}

impl Trials {
    /// The one of `candidates` that serves the frame best, and where it lies in it: `current` goes on
    /// unless another one is clearly better. `register` says how a view lies on the face, given how
    /// it lay before.
    pub fn choose(
        &mut self,
        candidates: Vec<Candidate>,
        current: Option<&Arc<View>>,
        mut register: impl FnMut(&View, &Displacement) -> Registration,
    ) -> Option<(Candidate, Displacement)> {
        let is_current =
            |view: &Arc<View>| current.is_some_and(|current| Arc::ptr_eq(current, view));
        let is_candidate = |trial: &Trial| {
            let mut views = candidates.iter().map(|candidate| &candidate.view);
            views.any(|view| Arc::ptr_eq(view, &trial.view))
        };
        self.tried.retain(is_candidate);
        for trial in &mut self.tried {
            trial.is_fresh = false;
            if is_current(&trial.view) {
                trial.lay(&mut register);
            }
        }
        self.frames = self.frames.wrapping_add(1);
        if self.frames.is_multiple_of(TURNS) {
            let turn = self.frames / TURNS % self.tried.len().max(1);
            if let Some(trial) = self.tried.get_mut(turn) {
                trial.lay(&mut register);
            }
        }
        // A new one lies about as the one in use does: what the points err by is the same.
        let from = self.tried.iter().find(|trial| is_current(&trial.view));
        let from = from.map_or(Displacement::NONE, |trial| trial.found.displacement);
        for Candidate { view, .. } in &candidates {
            if self.of(view).is_none() {
                self.tried.push(Trial {
                    view: view.clone(),
                    found: register(view, &from),
                    is_fresh: true,
                });
            }
        }
        let rated = candidates.into_iter().filter_map(|candidate| {
            let left = self.of(&candidate.view)?.found.residual;
            let bonus = if is_current(&candidate.view) {
                CLEARLY_NEARER
            } else {
                0.0
            };
            Some((candidate.cost + left - bonus, candidate))
        });
        let (_, best) = rated.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
        let mut tried = self.tried.iter_mut();
        let trial = tried.find(|trial| Arc::ptr_eq(&trial.view, &best.view))?;
        trial.lay(&mut register);
        Some((best, trial.found.displacement))
    }

    fn of(&self, view: &Arc<View>) -> Option<&Trial> {
        let mut tried = self.tried.iter();
        tried.find(|trial| Arc::ptr_eq(&trial.view, view))
    }
}

impl Trial {
    /// Finds out how it lies in the present frame, unless that is known.
    fn lay(&mut self, register: &mut impl FnMut(&View, &Displacement) -> Registration) {
        if !self.is_fresh {
            self.found = register(&self.view, &self.found.displacement);
            self.is_fresh = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mde_core::alignment::TEMPLATE;

    use super::*;
    use crate::views::look::Look;
    use crate::views::view::Origin;

    const CROP: (usize, usize) = (32, 32);

    fn candidate(millis: u64) -> Candidate {
        let look = Look {
            crop: CROP,
            factor: 1,
            rgb: &[0.5; 3 * 32 * 32],
            known: &[1.0; 32 * 32],
            points: TEMPLATE,
        };
        Candidate {
            view: Arc::new(View::new(
                &look,
                Origin::Memory,
                Duration::from_millis(millis),
            )),
            difference: 0.0,
            cost: 0.0,
        }
    }

    #[test]
    fn all_are_laid_once_and_then_the_one_in_use_and_the_others_in_turns() {
        let all: Vec<Candidate> = (0..5).map(candidate).collect();
        let mut trials = Trials::default();
        let mut current: Option<Arc<View>> = None;
        let mut laid = Vec::new();
        let mut times = [0; 5];
        let counts: Vec<usize> = (0..1 + 5 * TURNS)
            .map(|_| {
                laid.clear();
                let register = |view: &View, from: &Displacement| {
                    laid.push(view.taken_at().as_millis() as usize);
                    Registration {
                        displacement: *from,
                        residual: if laid.last() == Some(&3) { 0.01 } else { 0.02 },
                    }
                };
                let chosen = trials.choose(all.clone(), current.as_ref(), register);
                let (best, _) = chosen.expect("there are some");
                assert_eq!(best.view.taken_at().as_millis(), 3);
                current = Some(best.view);
                laid.iter().for_each(|view| times[*view] += 1);
                laid.len()
            })
            .collect();
        assert_eq!(counts[0], 5);
        assert!(counts[1..].iter().all(|count| *count <= 2), "{counts:?}");
        assert_eq!(times, [2, 2, 2, 1 + 5 * TURNS, 2]);
    }

    #[test]
    fn a_change_comes_when_another_is_clearly_nearer() {
        let all = [candidate(0), candidate(1)];
        let mut trials = Trials::default();
        let mut current = None;
        let mut chosen = |residuals: [f32; 2]| {
            let register = |view: &View, from: &Displacement| Registration {
                displacement: *from,
                residual: residuals[view.taken_at().as_millis() as usize],
            };
            let (best, _) = trials
                .choose(all.to_vec(), current.as_ref(), register)
                .expect("there are two");
            let millis = best.view.taken_at().as_millis();
            current = Some(best.view);
            millis
        };
        assert_eq!(chosen([0.020, 0.021]), 0);
        for _ in 0..3 {
            assert_eq!(chosen([0.020, 0.019]), 0);
        }
        let changed: Vec<u128> = (0..3).map(|_| chosen([0.020, 0.010])).collect();
        assert_eq!(changed[2], 1);
    }
}
