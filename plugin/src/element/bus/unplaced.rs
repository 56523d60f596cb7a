//! Reference pictures that fit no face.

use crate::pass::Report;

/// Frames in a row after which the application is told.
const PATIENCE: u32 = 30;

/// Counts the frames in which a reference picture fits no face.
#[derive(Debug, Default)]
pub struct Unplaced {
    frames: u32,
    is_told: bool,
}

impl Unplaced {
    /// Takes note of what became of a frame; tells, once, when it is time for a message.
    pub fn is_news(&mut self, report: &Report) -> bool {
        self.frames = match report.is_unplaced {
            true => self.frames + 1,
            false => 0,
        };
        self.frames >= PATIENCE && !std::mem::replace(&mut self.is_told, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_after_a_while() {
        let unplaced = |is_unplaced| Report {
            is_unplaced,
            ..Report::default()
        };
        let mut count = Unplaced::default();
        let mut told = |report: Report| count.is_news(&report);
        assert!((1..PATIENCE).all(|_| !told(unplaced(true))));
        assert!(!told(unplaced(false)));
        assert!((1..PATIENCE).all(|_| !told(unplaced(true))));
        assert!(told(unplaced(true)));
        assert!((0..3 * PATIENCE).all(|_| !told(unplaced(true))));
    }
}
