//! The element while it streams: its part of each frame, and what it tells of time.

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_video::VideoInfo;

use super::model::post;
use crate::CAT;
use crate::completer::CompleterError;
use crate::element::bus::messages::fits_no_face;
use crate::element::bus::qos::{self, Qos, Times};
use crate::element::bus::refusal;
use crate::element::imp::MdeComplete;
use crate::element::lifecycle::orientation::Orientation;
use crate::element::properties::{FrameSettings, LatePolicy};
use crate::pass::{FrameError, Pass, RegionSource, Report, Update};
use crate::{locate, pass};

/// What is wrong with a generator whose completions are no pictures.
const NO_NUMBERS: &str = "the generator completes with values that are no numbers (NaN or \
    infinity). Take another model-file; or, where that happens on one execution provider or in one \
    precision alone, set execution-provider=cpu precision=fp32";

impl MdeComplete {
    /// Completes the frame in `buffer`, as far as it can be and is not too late.
    pub(in crate::element) fn complete(
        &self,
        buffer: &mut gst::Buffer,
    ) -> Result<(), gst::FlowError> {
        self.sync_properties(buffer);
        self.learn_whether_live();
        let mut frame = self.settings().frame;
        self.find_damaged_channels(buffer, &mut frame);
        let Some((settings, info)) = self.begin_frame(&frame) else {
            return Ok(());
        };
        let has_no_region = settings.source == RegionSource::RoiList && !locate::is_marked(buffer);
        let stays = settings.change_nothing(&info)
            || (has_no_region && settings.need_region(&info))
            || buffer.flags().contains(gst::BufferFlags::GAP);
        if stays {
            return Ok(());
        }
        let is_late = self.is_late(buffer);
        if is_late && frame.late_policy == LatePolicy::Skip {
            return Ok(());
        }
        let Some((mut pass, update)) = self.take_pass() else {
            return Ok(());
        };
        // What gives way is dropped here, where nobody waits for the state.
        pass.update(update);
        let result = pass.process(buffer, &info, &settings, is_late);
        let report = *result.as_ref().unwrap_or(&Report::default());
        gst::trace!(CAT, imp = self, "{report:?}");
        self.follow_provider(pass.completer());
        if report.has_cover_news {
            self.tell_of_covers(&pass, &info);
        }
        self.return_pass(pass, &report);
        if report.has_filled {
            self.tell_of_fill(&settings);
        }
        match result {
            Err(FrameError::Completer(error @ CompleterError::Died { .. })) => {
                gst::element_imp_error!(self, gst::LibraryError::Failed, ("{}", error));
                Err(gst::FlowError::Error)
            }
            Err(failure) => {
                self.warn_of(&failure.to_string());
                Ok(())
            }
            Ok(Report {
                without_numbers: 0, ..
            }) => Ok(()),
            Ok(_) => {
                self.warn_of(NO_NUMBERS);
                Ok(())
            }
        }
    }

    /// Counts a frame, and tells what is to be done with it and what it is like. Nothing where that
    /// is not known yet.
    fn begin_frame(&self, frame: &FrameSettings) -> Option<(pass::Settings, VideoInfo)> {
        let mut state = self.state();
        let state = state.as_mut()?;
        state.stats.frames += 1;
        Some((frame.for_pass(state.stream_facts()), state.info.clone()?))
    }

    /// Lets the controlled properties have their values at the time of `buffer`.
    fn sync_properties(&self, buffer: &gst::BufferRef) {
        let segment = self.obj().segment();
        let segment = segment.downcast_ref::<gst::ClockTime>();
        if let Some(time) = segment.and_then(|s| s.to_stream_time(buffer.pts()))
            && let Err(error) = self.obj().sync_values(time)
        {
            gst::warning!(CAT, imp = self, "At {time}: {error}");
        }
    }

    /// Whether `buffer` comes too late to be completed; tells application and statistics if so.
    fn is_late(&self, buffer: &gst::BufferRef) -> bool {
        let times = Times::of(buffer, &self.obj().segment());
        let late = {
            let mut state = self.state();
            let Some(state) = state.as_mut() else {
                return false;
            };
            let late = state.qos.judge(times.running_time);
            state.stats.late += u64::from(late.is_some());
            late
        };
        if let Some(late) = &late {
            gst::debug!(CAT, imp = self, "A frame is late: {late:?}");
            let message = late.message(&times).src(&*self.obj()).build();
            let _ = self.obj().post_message(message);
        }
        late.is_some()
    }

    /// Asks upstream whether it is live, once a stream.
    fn learn_whether_live(&self) {
        if (self.state().as_ref()).is_none_or(|state| state.is_live.is_some()) {
            return;
        }
        let mut query = gst::query::Latency::new();
        let is_live = self.obj().sink_pad().peer_query(&mut query) && query.result().0;
        if let Some(state) = self.state().as_mut() {
            state.is_live = Some(is_live);
        }
    }

    /// Takes what downstream says of a frame's lateness, if the property `qos` is set.
    pub(in crate::element) fn observe_qos(&self, event: &gst::event::Qos) {
        let is_heeded = self.obj().is_qos();
        let Some(state) = &mut *self.state() else {
            return;
        };
        if is_heeded {
            let frame = state.info.as_ref().map(qos::frame_duration);
            state.qos.observe(event, frame.unwrap_or_default());
        } else {
            state.qos = Qos::default();
        }
    }

    /// What comes next is another stream, or another part of it.
    pub(in crate::element) fn forget_stream(&self) {
        if let Some(state) = self.state().as_mut() {
            state.qos = Qos::default();
            state.is_live = None;
            state.damage_finder.forget();
            if let Some(pass) = &mut state.pass {
                pass.forget();
            }
        }
    }

    /// What comes next need not lie as what came before.
    pub(in crate::element) fn forget_orientation(&self) {
        self.change_orientation(|orientation| *orientation = Orientation::default());
    }

    /// Takes what upstream tells of the stream.
    pub(in crate::element) fn observe_tags(&self, tags: &gst::TagListRef) {
        self.change_orientation(|orientation| orientation.observe(tags));
    }

    fn change_orientation(&self, change: impl FnOnce(&mut Orientation)) {
        if let Some(state) = self.state().as_mut() {
            change(&mut state.orientation);
            state.masks.set_orientation(state.orientation.method());
        }
        self.fit_mask();
    }

    /// The pass, for one frame, and what has been opened for it since the last one.
    fn take_pass(&self) -> Option<(Pass, Update)> {
        let mut state = self.state();
        let state = state.as_mut()?;
        let pass = state.pass.take()?;
        Some((pass, std::mem::take(&mut state.update)))
    }

    /// Gives the pass back and counts what it did.
    fn return_pass(&self, pass: Pass, report: &Report) {
        let (is_new_latency, is_unplaced) = {
            let mut state = self.state();
            let Some(state) = state.as_mut() else { return };
            state.pass = Some(pass);
            state.stats.record(report);
            let is_new = report.completed > 0 && state.latency.record(report.total());
            // Only a live pipeline reckons with it.
            let is_new = is_new && state.is_live == Some(true);
            (is_new, state.unplaced.is_news(report))
        };
        if is_unplaced {
            post(&self.obj(), fits_no_face());
        }
        if is_new_latency {
            let message = gst::message::Latency::builder().src(&*self.obj());
            let _ = self.obj().post_message(message.build());
        }
    }

    /// Adds the element's latency to that of upstream, where that is live.
    pub(in crate::element) fn answer_latency(&self, query: &mut gst::query::Latency) -> bool {
        if !self.obj().sink_pad().peer_query(query) {
            return false;
        }
        let (is_live, min, max) = query.result();
        let own = self.state().as_ref().map(|state| state.latency.reported());
        let own = gst::ClockTime::try_from(own.unwrap_or_default()).unwrap_or_default();
        if is_live {
            let max = max.map(|max| max.saturating_add(own));
            let min = min.saturating_add(own);
            query.set(is_live, min, max);
            gst::debug!(CAT, imp = self, "Latency {min}, {own} of it here");
        }
        true
    }

    /// Tells why `caps` are not taken, once. Upstream stops with an error of its own, which says
    /// only that nothing was negotiated.
    pub(in crate::element) fn tell_of_refusal(&self, caps: &gst::Caps) {
        let is_new = self
            .state()
            .as_mut()
            .is_some_and(|state| state.refused.replace(caps.clone()).as_ref() != Some(caps));
        if is_new {
            gst::element_imp_warning!(
                self,
                gst::StreamError::Format,
                ("{}", refusal::reason(caps)),
                ["{}", caps]
            );
        }
    }

    /// Puts the first failure since the start on the bus, all of them into the log.
    fn warn_of(&self, failure: &str) {
        gst::warning!(CAT, imp = self, "A frame passes as it is: {failure}");
        let first = self
            .state()
            .as_mut()
            .is_some_and(|state| !std::mem::replace(&mut state.has_warned, true));
        if first {
            gst::element_imp_warning!(
                self,
                gst::StreamError::Failed,
                (
                    "Frames pass as they are while completing them fails: {}",
                    failure
                )
            );
        }
    }
}
