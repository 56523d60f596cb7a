//! Which cells of a face may be covered, or were a moment ago.

use std::time::Duration;

use super::outline::Outline;

/// What was covered is not taken for the face before nothing is found there for this time: what is
/// remembered of a cover as if it were the face would not be found again.
const CLEAN_FOR: Duration = Duration::from_secs(1);
/// What the net is not sure of for this time, without any cover, is the face's own: make-up, a sticker, a
/// scar.
const USUAL_AFTER: Duration = Duration::from_secs(2);

/// The doubts about a face, cell by cell.
#[derive(Debug, Default)]
pub struct Doubts {
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// When something was, or may have been, before it last.
    covered_at: Option<Duration>,
    /// Since when the net has not been sure of it, without any cover on the face.
    unsure_since: Option<Duration>,
    /// Whether that is how it always is.
    is_usual: bool,
}

impl Doubts {
    /// Takes over the `outline` of the frame at `now`. What the net is not sure of when it sees a face for the
    /// first time, with nothing before it, is the face's own.
    pub fn take(&mut self, outline: &Outline, now: Duration) {
        let is_uncovered = outline.cover.is_none();
        let is_first = self.cells.is_empty();
        self.cells.resize(outline.cells.len(), Cell::default());
        let both = outline.cells.iter().zip(&outline.doubtful);
        for (cell, (&is_covered, &is_doubtful)) in self.cells.iter_mut().zip(both) {
            cell.unsure_since = match is_doubtful && is_uncovered {
                true => cell.unsure_since.or(Some(now)),
                false => None,
            };
            let is_old = |since: Duration| is_first || now.saturating_sub(since) >= USUAL_AFTER;
            cell.is_usual |= cell.unsure_since.is_some_and(is_old);
            cell.is_usual &= !is_covered;
            if is_covered || is_doubtful && !cell.is_usual {
                cell.covered_at = Some(now);
            }
        }
    }

    /// Which cells may be covered `now`, or were a moment ago.
    pub fn at(&self, now: Duration) -> impl Iterator<Item = usize> {
        let covered_at = self.cells.iter().map(|cell| cell.covered_at).enumerate();
        covered_at.filter_map(move |(cell, at)| {
            at.is_some_and(|at| now.saturating_sub(at) < CLEAN_FOR)
                .then_some(cell)
        })
    }
}

#[cfg(test)]
mod tests {
    use mde_core::occlusion::Rect;

    use super::*;
    use crate::covers::{Cover, Finding, Kinds};

    /// What is doubtful and what is covered of two cells.
    fn outline(doubtful: [bool; 2], cells: [bool; 2]) -> Outline {
        let finding = Finding {
            kinds: Kinds::default(),
            share: 0.5,
            confidence: 1.0,
        };
        let cover = || Cover::of_rect(1, Rect::new(0, 0, 1, 1), finding);
        Outline {
            cells: cells.to_vec(),
            cover: cells.contains(&true).then(cover),
            doubtful: doubtful.to_vec(),
        }
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn at(doubts: &Doubts, now: f64) -> Vec<usize> {
        doubts.at(seconds(now)).collect()
    }

    #[test]
    fn what_is_doubtful_from_the_first_look_on_is_the_faces_own() {
        let mut doubts = Doubts::default();
        doubts.take(&outline([true, false], [false; 2]), seconds(0.0));
        assert!(at(&doubts, 0.0).is_empty());
        // What comes later is not.
        doubts.take(&outline([true, true], [false; 2]), seconds(0.5));
        assert_eq!(at(&doubts, 0.5), [1]);
        // Once it was covered it has to show itself again.
        doubts.take(&outline([true, false], [true, false]), seconds(1.0));
        doubts.take(&outline([true, false], [false; 2]), seconds(2.5));
        assert_eq!(at(&doubts, 2.5), [0]);
    }

    #[test]
    fn what_is_doubtful_beside_a_cover_is_doubtful_as_long_as_that_is_there() {
        let mut doubts = Doubts::default();
        for step in 0..10 {
            let now = f64::from(step);
            doubts.take(&outline([true, true], [true, false]), seconds(now));
            assert_eq!(at(&doubts, now), [0, 1]);
        }
        doubts.take(&outline([false, true], [false; 2]), seconds(10.0));
        assert_eq!(at(&doubts, 10.5), [1]);
        doubts.take(&outline([false, true], [false; 2]), seconds(12.0));
        assert!(at(&doubts, 13.0).is_empty());
    }

    #[test]
    fn what_was_covered_is_doubtful_for_a_while() {
        let mut doubts = Doubts::default();
        doubts.take(&outline([false; 2], [true, false]), seconds(0.0));
        doubts.take(&outline([false; 2], [false; 2]), seconds(0.1));
        assert_eq!(at(&doubts, 0.9), [0]);
        assert!(at(&doubts, 1.0).is_empty());
    }
}
