//! Drop-outs: they are looked for in frames in the order in which these come, which may be before it
//! is their turn.

use super::settings::Settings;
use crate::damage::{self, DropOut};
use gst_video::VideoFrameRef;

/// Finds drop-outs, and tells what was found in the present frame.
#[derive(Debug, Default)]
pub struct DropOuts {
    finder: damage::DropOuts,
    /// Those of the present frame.
    found: Vec<DropOut>,
    /// Those of the last frame that had its turn.
    told: Vec<DropOut>,
}

impl DropOuts {
    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.finder.forget();
    }

    /// Looks for what `settings` ask for in `frame`, the next one to come.
    pub fn look<T>(&mut self, frame: &VideoFrameRef<T>, settings: &Settings) {
        self.found.clear();
        match &settings.drop_outs {
            Some(wanted) => self
                .found
                .extend_from_slice(self.finder.look(frame, wanted)),
            // What it saw last is long gone when it is asked again.
            None => self.finder.forget(),
        }
    }

    /// Takes `found`, of a frame whose turn it is, in place of what was found in the last one to come.
    pub fn show(&mut self, found: Vec<DropOut>) {
        self.found = found;
    }

    /// What is damaged in the present frame.
    pub fn found(&self) -> &[DropOut] {
        &self.found
    }

    /// Whether it is damaged elsewhere or otherwise than the last frame that had its turn.
    pub fn is_news(&mut self) -> bool {
        let what = |drop_out: &DropOut| (drop_out.area, drop_out.kind);
        let is_news = !(self.found.iter().map(what)).eq(self.told.iter().map(what));
        self.told.clone_from(&self.found);
        is_news
    }
}
