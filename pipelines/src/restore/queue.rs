//! What is to be done next, for threads that do it side by side.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::film::Film;
use super::worker::Workers;

/// A piece of work.
#[derive(Debug)]
pub enum Piece {
    /// A clip, by its number.
    Clip(usize),
    /// A segment of a film, by its number.
    Segment(Arc<Film>, usize),
}

/// Clips, and segments of those that were cut, which come first: a film that is begun is to end.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    clips: Range<usize>,
    segments: VecDeque<(Arc<Film>, usize)>,
    /// Pieces that are being done, of which segments may come.
    busy: usize,
}

impl Queue {
    /// Of so many clips.
    pub fn of(clips: usize) -> Self {
        Self {
            state: Mutex::new(State {
                clips: 0..clips,
                segments: VecDeque::new(),
                busy: 0,
            }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to do next, once there is something; nothing when all is done, or `workers` are stopped and
    /// there are no more segments, each of which is to hear of that.
    pub fn next(&self, workers: &Workers) -> Option<Piece> {
        let mut state = self.state();
        loop {
            let segment = state.segments.pop_front();
            let segment = segment.map(|(film, number)| Piece::Segment(film, number));
            let clip = |state: &mut State| state.clips.next().map(Piece::Clip);
            let piece = segment.or_else(|| match workers.are_stopped() {
                true => None,
                false => clip(&mut state),
            });
            if piece.is_some() {
                state.busy += 1;
                return piece;
            }
            if state.busy == 0 {
                return None;
            }
            let changed = self.changed.wait(state);
            state = changed.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A piece is done, of which `film` has come.
    pub fn done(&self, film: Option<Film>) {
        let mut state = self.state();
        state.busy -= 1;
        if let Some(film) = film {
            let film = Arc::new(film);
            let segments = film.waiting().into_iter();
            state
                .segments
                .extend(segments.map(|number| (Arc::clone(&film), number)));
        }
        drop(state);
        self.changed.notify_all();
    }
}
