//! When a frame is searched for faces, and in which turn. Pure: what is followed is told by others.

use std::time::Duration;

use super::Turn;

/// While a face is missing, searches are as far apart as this share of the time since then. So each
/// frame is searched at first, and a face that has just gone is found again at once.
const SHARE_OF_TIME_MISSING: u32 = 4;

/// Searches are never farther apart than this while a face is missing. Every second one may be in
/// another turn, so that a new face is found within a second.
const LONGEST_GAP: Duration = Duration::from_millis(400);

/// What is followed in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// No face.
    Nothing,
    /// Faces of which at least one is lost.
    SomeLost,
    /// Faces, all of which are seen.
    All,
}

/// The searches of a stream.
#[derive(Clone, Debug, Default)]
pub struct SearchSchedule {
    now: Duration,
    is_cut: bool,
    /// Nothing before the first search began.
    last: Option<Last>,
    /// Since when nothing is followed, or a face is lost.
    missing_since: Option<Duration>,
    /// Frames without anything to follow, since a turn was tried if one was.
    untried: u32,
    /// The turn in which faces were found last.
    stance: Turn,
    /// The one of the other turns that was tried last, since faces were found.
    tried: Option<Turn>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    at: Duration,
    /// Frames since then.
    frames: u32,
    turn: Turn,
}

impl SearchSchedule {
    /// Begins the next frame, at `now`, after a scene cut or not.
    pub fn next_frame(&mut self, now: Duration, is_cut: bool, followed: Followed) {
        (self.now, self.is_cut) = (now, is_cut);
        if let Some(last) = &mut self.last {
            last.frames = last.frames.saturating_add(1);
        }
        if is_cut || followed == Followed::All {
            self.missing_since = None;
        }
        if followed != Followed::All {
            self.missing_since.get_or_insert(now);
        }
        self.untried = match followed {
            Followed::Nothing if !is_cut => self.untried.saturating_add(1),
            _ => 0,
        };
    }

    /// Whether no frame of the stream has been searched yet.
    pub fn is_first(&self) -> bool {
        self.last.is_none()
    }

    /// The turn in which this frame is to be searched, if it is. Without a face to follow, each
    /// `interval` frames another turn is tried than that in which faces are expected.
    pub fn due(&self, interval: u32) -> Option<Turn> {
        let Some(last) = self.last else {
            return Some(self.stance);
        };
        let is_missed = self.missing_since.is_some_and(|since| {
            let gap = self.now.saturating_sub(since) / SHARE_OF_TIME_MISSING;
            self.now.saturating_sub(last.at) >= gap.min(LONGEST_GAP)
        });
        if !self.is_cut && last.frames < interval && !is_missed {
            return None;
        }
        match self.untried >= interval && last.turn == self.stance {
            true => Some(self.next_turn()),
            false => Some(self.stance),
        }
    }

    /// A search of this frame in `turn` begins.
    pub fn began(&mut self, turn: Turn) {
        self.last = Some(Last {
            at: self.now,
            frames: 0,
            turn,
        });
        if turn != self.stance {
            (self.untried, self.tried) = (0, Some(turn));
        }
    }

    /// A face that is followed now was found in `turn`, and more of them are expected so.
    pub fn found(&mut self, turn: Turn) {
        (self.stance, self.tried) = (turn, None);
    }

    /// The one to try after the last.
    fn next_turn(&self) -> Turn {
        let others = || Turn::ALL.into_iter().filter(|turn| *turn != self.stance);
        let later = (self.tried).and_then(|tried| {
            let mut from_tried = others().skip_while(|turn| *turn != tried);
            from_tried.nth(1)
        });
        later.or_else(|| others().next()).unwrap_or(self.stance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: u32 = 15;
    /// Of 25 a second.
    const FRAME: Duration = Duration::from_millis(40);

    /// The searches of as many frames as `followed` has, by number and turn.
    fn searches(
        schedule: &mut SearchSchedule,
        followed: impl IntoIterator<Item = Followed>,
        interval: u32,
    ) -> Vec<(u32, Turn)> {
        let mut searches = Vec::new();
        for (number, followed) in (0..).zip(followed) {
            schedule.next_frame(schedule.now + FRAME, false, followed);
            if let Some(turn) = schedule.due(interval) {
                schedule.began(turn);
                searches.push((number, turn));
            }
        }
        searches
    }

    #[test]
    fn a_face_that_is_followed_costs_a_search_each_interval() {
        let all = std::iter::repeat_n(Followed::All, 46);
        let searches = searches(&mut SearchSchedule::default(), all, INTERVAL);
        assert_eq!(searches, [0, 15, 30, 45].map(|number| (number, Turn::None)));
    }

    #[test]
    fn without_a_face_searches_become_rare_but_not_too_rare() {
        let nothing = std::iter::repeat_n(Followed::Nothing, 1000);
        let searches = searches(&mut SearchSchedule::default(), nothing, INTERVAL);
        let first: Vec<u32> = searches.iter().take(5).map(|(number, _)| *number).collect();
        assert_eq!(first, [0, 1, 2, 3, 4]);
        assert!(searches.len() < 120, "{} of 1000", searches.len());
        let upright: Vec<u32> = (searches.iter())
            .filter(|(_, turn)| *turn == Turn::None)
            .map(|(number, _)| *number)
            .collect();
        let longest = upright.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(longest <= Some(24), "{longest:?} frames, a second has 25");
    }

    #[test]
    fn each_turn_is_tried_in_its_turn() {
        let nothing = std::iter::repeat_n(Followed::Nothing, 200);
        let mut schedule = SearchSchedule::default();
        let searches = searches(&mut schedule, nothing, INTERVAL);
        let tried = searches.iter().filter(|(_, turn)| *turn != Turn::None);
        let tried: Vec<(u32, Turn)> = tried.copied().collect();
        let turns: Vec<Turn> = tried.iter().map(|(_, turn)| *turn).take(4).collect();
        assert_eq!(turns, [Turn::Right, Turn::Left, Turn::Over, Turn::Right]);
        let apart = tried.windows(2).map(|pair| pair[1].0 - pair[0].0);
        assert!(apart.min() >= Some(INTERVAL), "{tried:?}");
    }

    #[test]
    fn a_turn_that_held_a_face_comes_first_from_then_on() {
        let mut schedule = SearchSchedule::default();
        searches(&mut schedule, [Followed::Nothing; 3], INTERVAL);
        schedule.found(Turn::Over);
        let seen = std::iter::repeat_n(Followed::All, 40);
        let gone = std::iter::repeat_n(Followed::SomeLost, 10);
        let searched = searches(&mut schedule, seen.chain(gone), INTERVAL);
        assert!(searched.iter().all(|(_, turn)| *turn == Turn::Over));
        let nothing = std::iter::repeat_n(Followed::Nothing, 40);
        let searched = searches(&mut schedule, nothing, INTERVAL);
        assert!(searched.iter().any(|(_, turn)| *turn == Turn::None));
    }

    #[test]
    fn even_with_the_shortest_interval_turns_alternate_with_the_expected_one() {
        let nothing = std::iter::repeat_n(Followed::Nothing, 60);
        let searches = searches(&mut SearchSchedule::default(), nothing, 1);
        assert_eq!(searches.len(), 60);
        let upright = searches.iter().filter(|(_, turn)| *turn == Turn::None);
        assert_eq!(upright.count(), 30);
    }

    #[test]
    fn a_cut_is_searched_at_once() {
        let mut schedule = SearchSchedule::default();
        let nothing = std::iter::repeat_n(Followed::Nothing, 101);
        searches(&mut schedule, nothing, u32::MAX);
        schedule.next_frame(schedule.now + FRAME, true, Followed::Nothing);
        assert_eq!(schedule.due(u32::MAX), Some(Turn::None));
    }
}
