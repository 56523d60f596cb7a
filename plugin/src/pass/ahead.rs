//! Frames that are looked at before it is their turn, so that what they show of a face is there to be
//! copied into frames before them.

use std::time::Duration;

use gst_video::{VideoFrameRef, VideoInfo};

use super::face::Face;
use super::identity::Identity;
use super::{FrameError, Pass, Report, Settings, describe};
use crate::covers::Cover;
use crate::damage::DropOut;

/// What was seen in a frame whose turn is still to come.
#[derive(Debug)]
pub struct Ahead {
    pub(super) faces: Vec<Face>,
    /// What is damaged.
    pub(super) drop_outs: Vec<DropOut>,
    /// What is before the faces.
    pub(super) covers: Vec<(Identity, Cover)>,
    /// When it was, by the clock of the pass.
    pub(super) now: Duration,
    pub(super) is_cut: bool,
    pub(super) report: Report,
    /// Width and height of the crops that the faces' regions are made for.
    crop: (usize, usize),
}

impl Pass {
    /// Looks at the frame in `buffer`, the next one to come, as `settings` ask for: finds the faces
    /// and what is missing of them, and remembers what they look like. What was seen is to be handed
    /// to [`Self::process`] when it is the frame's turn; frames have theirs in the order in
    /// which they came.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn look_ahead(
        &mut self,
        buffer: &gst::BufferRef,
        info: &VideoInfo,
        settings: &Settings,
    ) -> Result<Ahead, FrameError> {
        self.follow(settings);
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info)
            .map_err(|_| FrameError::Map(describe(info)))?;
        self.covers.show(None);
        self.now = self.clock.tick(&frame);
        self.drop_outs.look(&frame, settings);
        let mut report = Report::default();
        let is_cut = self.see(&frame, false, &mut report)?;
        Ok(Ahead {
            covers: self.covers.all(&self.faces),
            faces: std::mem::take(&mut self.faces),
            drop_outs: self.drop_outs.found().to_vec(),
            now: self.now,
            is_cut,
            report,
            crop: self.completer.size(),
        })
    }

    /// Takes up what was seen in a frame whose turn it is. Tells whether it shows another scene than
    /// the one before; nothing where the regions are made for another generator's crops.
    pub(super) fn take_up(&mut self, seen: Ahead, report: &mut Report) -> Option<bool> {
        if seen.crop != self.completer.size() {
            return None;
        }
        self.faces = seen.faces;
        self.covers.show(Some(seen.covers));
        self.now = seen.now;
        *report = seen.report;
        Some(seen.is_cut)
    }
}
