//! What is found damaged in frames by itself.

use gst::subclass::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo, VideoRegionOfInterestMeta};

use super::model::post;
use crate::damage::{Confidences, Faults, Watch};
use crate::element::bus::messages;
use crate::element::imp::{MdeComplete, State};
use crate::element::properties::{DamagedChannels, FrameSettings};
use crate::findings;
use crate::frame::Realigner;
use crate::locate::CHANNELS_TYPE;
use crate::pass::Pass;

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
        let kinds = frame.channel_kinds;
        let faults = finder.look(buffer, &info);
        let faults = faults.filtered(|fault| kinds.hold(fault));
        if frame.paints() && faults.displaced().next().is_some() {
            finder.put_back(buffer.make_mut(), &info, &faults);
        }
        if !faults.is_none() {
            mark(
                buffer.make_mut(),
                &info,
                &faults,
                finder.watch.confidences(),
            );
        }
        frame.damaged_channels |= DamagedChannels::of(&faults);
        let is_news = finder.told != faults;
        finder.told = faults;
        let news = self.state().as_mut().and_then(|state| {
            state.damage_finder = finder;
            let pass = state.pass.as_ref().filter(|_| is_news)?;
            Some(state.message(pass, &info))
        });
        if let Some(message) = news {
            post(&self.obj(), message);
        }
    }

    /// Tells the application of all that is found by itself in the frame of the format `info` that
    /// `pass` has worked on; without one it is that of the stream.
    pub(super) fn tell_of_finds(&self, pass: Option<&Pass>, info: &VideoInfo) {
        let message = self.state().as_ref().and_then(|state| {
            let pass = pass.or(state.pass.as_ref())?;
            Some(state.message(pass, info))
        });
        if let Some(message) = message {
            post(&self.obj(), message);
        }
    }
}

impl State {
    /// The message on all that is found by itself, of the last frame of `pass`, which has the format
    /// `info`.
    fn message(&self, pass: &Pass, info: &VideoInfo) -> gst::Structure {
        let finder = &self.damage_finder;
        messages::damage(
            &finder.told,
            finder.watch.confidences(),
            pass.covered(),
            pass.drop_outs(),
            self.film.found(),
            (info.width(), info.height()),
        )
    }
}

/// Marks on `buffer` that channels of the frame in it have these `faults`.
fn mark(buffer: &mut gst::BufferRef, info: &VideoInfo, faults: &Faults, sure: &Confidences) {
    let all = (0, 0, info.width(), info.height());
    let mut meta = VideoRegionOfInterestMeta::add(buffer, CHANNELS_TYPE, all);
    for channel in findings::channels(faults, sure) {
        meta.add_param(channel);
    }
}
