//! What is found damaged in frames by itself.

use gst::subclass::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::model::post;
use crate::damage::{Faults, Watch};
use crate::element::bus::messages;
use crate::element::imp::MdeComplete;
use crate::element::properties::{DamagedChannels, FrameSettings};
use crate::frame::Realigner;

/// What looks for damage in a stream, and what was told of it.
#[derive(Debug, Default)]
pub struct DamageFinder {
    watch: Watch,
    realigner: Realigner,
    told: Faults,
}

impl DamageFinder {
    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.watch = Watch::default();
    }

    /// What is wrong with the frame in `buffer`. Nothing where there is no frame in it.
    fn look(&mut self, buffer: &gst::BufferRef, info: &VideoInfo) -> Faults {
        match VideoFrameRef::from_buffer_ref_readable(buffer, info) {
            Ok(frame) => self.watch.see(&frame),
            Err(_) => Faults::default(),
        }
    }

    /// Puts back what is displaced in the frame in `buffer`.
    fn put_back(&mut self, buffer: &mut gst::BufferRef, info: &VideoInfo, faults: &Faults) {
        if let Ok(mut frame) = VideoFrameRef::from_buffer_ref_writable(buffer, info) {
            for (part, shift) in faults.displaced() {
                self.realigner.put_back(&mut frame, part, shift);
            }
        }
    }
}

impl MdeComplete {
    /// Where damaged channels are to be found: adds those that are missing in `buffer` to what
    /// `frame` asks for, and puts back those that are displaced.
    pub(super) fn find_damaged_channels(
        &self,
        buffer: &mut gst::Buffer,
        frame: &mut FrameSettings,
    ) {
        let is_asked = frame.damaged_channels.contains(DamagedChannels::AUTO);
        if !is_asked || buffer.flags().contains(gst::BufferFlags::GAP) {
            return;
        }
        // Neither looking nor putting back is to hold the state.
        let Some((mut finder, info)) = self.state().as_mut().and_then(|state| {
            let info = state.info.clone()?;
            Some((std::mem::take(&mut state.damage_finder), info))
        }) else {
            return;
        };
        let faults = finder.look(buffer, &info);
        if frame.strength > 0.0 && faults.displaced().next().is_some() {
            finder.put_back(buffer.make_mut(), &info, &faults);
        }
        frame.damaged_channels |= DamagedChannels::of(&faults);
        let is_news = finder.told != faults;
        finder.told = faults;
        if let Some(state) = self.state().as_mut() {
            state.damage_finder = finder;
        }
        if is_news {
            post(&self.obj(), messages::damage(&faults));
        }
    }
}
