//! The element while it streams: its part of each frame, and what it tells of time.

use std::collections::VecDeque;
use std::time::Duration;

use gst::glib::translate::from_glib_none;
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
use crate::element::lifecycle::orientation::{Orientation, turns};
use crate::element::properties::{FrameSettings, LatePolicy};
use crate::pass::{Ahead, FrameError, Pass, RegionSource, Report, Update};
use crate::{locate, pass};

/// Whether there are only so many buffers like `buffer`, so that upstream would wait for one that is
/// held back.
pub(super) fn is_of_few(buffer: &gst::BufferRef) -> bool {
    // SAFETY: the pool of a buffer that lives is a pool that lives, or null; this takes a reference.
    let pool: Option<gst::BufferPool> = unsafe { from_glib_none((*buffer.as_ptr()).pool) };
    let most = pool.and_then(|pool| Some(pool.config().params()?.3));
    most.is_some_and(|most| most > 0)
}

/// How much later the last of `waiting` is than the first; nothing where a time is missing, so that
/// frames without times are held back no more than others.
fn span(waiting: &VecDeque<Waiting>) -> Duration {
    let mut frames = waiting.iter().filter_map(|waiting| match waiting {
        Waiting::Frame(frame) => Some(frame.buffer.pts()),
        Waiting::Event(_) => None,
    });
    let first = frames.next();
    let last = frames.next_back().or(first);
    match first.flatten().zip(last.flatten()) {
        Some((first, last)) => last.saturating_sub(first).into(),
        None => Duration::MAX,
    }
}

/// What is wrong with a generator whose completions are no pictures.
const NO_NUMBERS: &str = "the generator completes with values that are no numbers (NaN or \
    infinity). Take another model-file; or, where that happens on one execution provider or in one \
    precision alone, set execution-provider=cpu precision=fp32";

/// What has come and not gone on.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are frames, and a box would be allocated for each"
)]
pub enum Waiting {
    /// A frame.
    Frame(Frame),
    /// An event that goes on when the frames before it have gone.
    Event(gst::Event),
}

/// A frame that has come.
#[derive(Debug)]
pub struct Frame {
    buffer: gst::Buffer,
    /// What is to be done with it; nothing where it passes as it is.
    work: Option<Work>,
}

/// What is to be done with a frame.
#[derive(Debug)]
struct Work {
    settings: pass::Settings,
    info: VideoInfo,
    late_policy: LatePolicy,
    /// What was seen in it, where it was looked at ahead.
    seen: Option<Ahead>,
}

impl MdeComplete {
    /// Takes the frame in `buffer`, the next one, as far as it is mended. Where frames are held back,
    /// it is looked at so that what it shows can be copied into those before it.
    pub(super) fn take_on(&self, mut buffer: gst::Buffer) -> Result<(), gst::FlowError> {
        self.sync_properties(&buffer);
        self.learn_whether_live();
        let mut frame = self.settings().frame;
        self.find_damaged_channels(&mut buffer, &mut frame);
        let loses_channels = self.restore_channels(&mut buffer, &mut frame)?;
        let work = self
            .begin_frame(&frame, loses_channels)
            .and_then(|(settings, info)| {
                let has_no_region =
                    settings.source == RegionSource::RoiList && !locate::is_marked(&buffer);
                let stays = settings.change_nothing(&info)
                    || (has_no_region && settings.need_region(&info))
                    || buffer.flags().contains(gst::BufferFlags::GAP);
                (!stays).then_some(Work {
                    settings,
                    info,
                    late_policy: frame.late_policy,
                    seen: None,
                })
            });
        let is_held = !frame.copying.lookahead().is_zero();
        let work = match work {
            Some(work) if is_held => self.look_ahead(&buffer, work)?,
            work => work,
        };
        if is_held
            && is_of_few(&buffer)
            && let Ok(copy) = buffer.copy_deep()
        {
            buffer = copy;
        }
        if let Some(state) = self.state().as_mut() {
            state
                .waiting
                .push_back(Waiting::Frame(Frame { buffer, work }));
        }
        Ok(())
    }

    /// Takes the events that came after the frame that a film held back.
    pub(super) fn take_on_events(&self) {
        if let Some(state) = self.state().as_mut() {
            let behind = state.film.take_behind();
            state.waiting.extend(behind.map(Waiting::Event));
        }
    }

    /// Looks at the frame in `buffer`, of which `work` is to be done; nothing is where that fails.
    fn look_ahead(
        &self,
        buffer: &gst::BufferRef,
        work: Work,
    ) -> Result<Option<Work>, gst::FlowError> {
        let Some((mut pass, update)) = self.take_pass() else {
            return Ok(Some(work));
        };
        pass.update(update);
        let seen = pass.look_ahead(buffer, &work.info, &work.settings);
        self.return_pass(pass, None);
        let seen = self.taken(seen)?;
        Ok(seen.map(|seen| Work {
            seen: Some(seen),
            ..work
        }))
    }

    /// The next frame whose turn it is, completed; nothing where it is no frame's. With `is_all` it
    /// is every frame's. Events before it go on.
    pub(in crate::element) fn next_done(
        &self,
        is_all: bool,
    ) -> Result<Option<gst::Buffer>, gst::FlowError> {
        let lookahead = self.settings().frame.copying.lookahead();
        loop {
            let next = self.state().as_mut().and_then(|state| {
                let waiting = &state.waiting;
                let is_event = matches!(waiting.front(), Some(Waiting::Event(_)));
                let is_due =
                    is_all || is_event || lookahead.is_zero() || span(waiting) >= lookahead;
                is_due.then(|| state.waiting.pop_front()).flatten()
            });
            match next {
                Some(Waiting::Frame(frame)) => return self.complete(frame).map(Some),
                Some(Waiting::Event(event)) => {
                    self.obj().src_pad().push_event(event);
                }
                None => return Ok(None),
            }
        }
    }

    /// Keeps `event` behind the frames that are held back, if there are any, and they need not go on
    /// for it; else gives it back. Frames that need to have gone on.
    pub(in crate::element) fn in_turn(&self, event: gst::Event) -> Option<gst::Event> {
        use gst::EventType::{
            Caps, Eos, FlushStop, Gap, Segment, SegmentDone, StreamCollection, StreamStart,
        };
        if !event.is_serialized() || event.type_() == FlushStop {
            return Some(event);
        }
        let ends_what_is_known = match event.view() {
            // What comes next lies otherwise.
            gst::EventView::Tag(tag) => turns(tag.tag()),
            _ => matches!(
                event.type_(),
                Caps | Eos | Gap | Segment | SegmentDone | StreamCollection | StreamStart
            ),
        };
        if ends_what_is_known {
            self.drain();
            return Some(event);
        }
        match self.state().as_mut() {
            Some(state) if state.film.holds() => state.film.keep_behind(event),
            Some(state) if !state.waiting.is_empty() => {
                state.waiting.push_back(Waiting::Event(event));
            }
            _ => return Some(event),
        }
        None
    }

    /// Completes all frames that are held back and sends them on.
    pub(in crate::element) fn drain(&self) {
        if let Some(buffer) = self.release(None)
            && self.take_on(buffer).is_err()
        {
            // It has been told of.
            return self.drop_waiting();
        }
        self.take_on_events();
        loop {
            match self.next_done(true) {
                Ok(Some(buffer)) => {
                    if let Err(error) = self.obj().src_pad().push(buffer) {
                        gst::debug!(CAT, imp = self, "A frame held back is not taken: {error}");
                        self.drop_waiting();
                    }
                }
                Ok(None) => return,
                // It has been told of.
                Err(_) => self.drop_waiting(),
            }
        }
    }

    /// Lets go of the frames that are held back. What an event between them tells of the stream stays.
    pub(in crate::element) fn drop_waiting(&self) {
        let waiting = self.state().as_mut().map(|state| {
            let mut waiting = std::mem::take(&mut state.waiting);
            waiting.extend(state.film.take_behind().map(Waiting::Event));
            state.film.forget();
            waiting
        });
        let pad = self.obj().src_pad().clone();
        for waiting in waiting.into_iter().flatten() {
            if let Waiting::Event(event) = waiting
                && event.is_sticky()
                && let Err(error) = pad.store_sticky_event(&event)
            {
                gst::debug!(CAT, imp = self, "An event held back is not taken: {error}");
            }
        }
    }

    /// Completes a frame whose turn it is, as far as it can be and is not too late.
    fn complete(&self, frame: Frame) -> Result<gst::Buffer, gst::FlowError> {
        let Frame { mut buffer, work } = frame;
        let Some(work) = work else { return Ok(buffer) };
        let is_late = self.is_late(&buffer);
        if is_late && work.late_policy == LatePolicy::Skip {
            return Ok(buffer);
        }
        let Some((mut pass, update)) = self.take_pass() else {
            return Ok(buffer);
        };
        // What gives way is dropped here, where nobody waits for the state.
        pass.update(update);
        let (settings, info) = (&work.settings, &work.info);
        let result = pass.process(&mut buffer, info, settings, is_late, work.seen);
        let report = *result.as_ref().unwrap_or(&Report::default());
        gst::trace!(CAT, imp = self, "{report:?}");
        self.follow_provider(pass.completer());
        if report.has_cover_news || report.has_drop_out_news {
            self.tell_of_finds(Some(&pass), info);
        }
        self.return_pass(pass, Some(&report));
        if report.has_filled {
            self.tell_of_fill(settings);
        }
        let report = self.taken(result)?;
        if report.is_some_and(|report| report.without_numbers > 0) {
            self.warn_of(NO_NUMBERS);
        }
        Ok(buffer)
    }

    /// What a pass made of a frame; nothing where it failed, which is told of.
    fn taken<T>(&self, made: Result<T, FrameError>) -> Result<Option<T>, gst::FlowError> {
        match made {
            Ok(made) => Ok(Some(made)),
            Err(FrameError::Completer(error @ CompleterError::Died { .. })) => {
                gst::element_imp_error!(self, gst::LibraryError::Failed, ("{}", error));
                Err(gst::FlowError::Error)
            }
            Err(failure) => {
                self.warn_of(&failure.to_string());
                Ok(None)
            }
        }
    }

    /// Counts a frame, which `loses_channels` or not, and tells what is to be done with it and what it
    /// is like. Nothing where that is not known yet.
    fn begin_frame(
        &self,
        frame: &FrameSettings,
        loses_channels: bool,
    ) -> Option<(pass::Settings, VideoInfo)> {
        let mut state = self.state();
        let state = state.as_mut()?;
        state.stats.frames += 1;
        let facts = state.stream_facts(loses_channels);
        Some((frame.for_pass(facts), state.info.clone()?))
    }

    /// Lets the controlled properties have their values at the time of `buffer`.
    pub(super) fn sync_properties(&self, buffer: &gst::BufferRef) {
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
        self.drop_waiting();
        if let Some(state) = self.state().as_mut() {
            state.qos = Qos::default();
            state.is_live = None;
            state.damage_finder.forget();
            if let Some(restorer) = &mut state.restorer {
                restorer.forget();
            }
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

    /// Gives the pass back and counts what it did with a frame, if it was that one's turn.
    fn return_pass(&self, pass: Pass, report: Option<&Report>) {
        let (is_new_latency, is_unplaced) = {
            let mut state = self.state();
            let Some(state) = state.as_mut() else { return };
            state.pass = Some(pass);
            let Some(report) = report else { return };
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
            self.tell_of_latency();
        }
    }

    /// Lets the pipeline ask for the latency again.
    pub(in crate::element) fn tell_of_latency(&self) {
        let message = gst::message::Latency::builder().src(&*self.obj());
        let _ = self.obj().post_message(message.build());
    }

    /// Adds the element's latency to that of upstream, where that is live.
    pub(in crate::element) fn answer_latency(&self, query: &mut gst::query::Latency) -> bool {
        if !self.obj().sink_pad().peer_query(query) {
            return false;
        }
        let (is_live, min, max) = query.result();
        let (film, mending) = self.film_latency();
        let held = self.settings().frame.copying.lookahead() + film;
        let work = self.state().as_ref().map(|state| state.latency.reported());
        let work = work.unwrap_or_default() + mending;
        // Only a live pipeline reckons with the time that the work takes.
        let own = if is_live { held + work } else { held };
        let own = gst::ClockTime::try_from(own).unwrap_or_default();
        if !own.is_zero() {
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
    pub(super) fn warn_of(&self, failure: &str) {
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
