//! A segment of a recording, and segments joined to what the whole recording would have become.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gst::prelude::*;
use gst_app::{AppSink, AppSrc};

use super::branch::Picture;
use super::coding::Coding;
use super::plan::Plan;
use super::source::Source;
use super::target::Target;
use super::{Audience, FRAMES, Job, Onlooker, Pipeline, settings};
use crate::aside::Aside;
use crate::container::Container;
use crate::interrupt::Interrupt;
use crate::pipeline;
use crate::progress::Counts;
use crate::segments::{self, Joined, Segment, Writer};
use crate::sequence::{Fault, Pattern};
use crate::summary::Summary;
use crate::{Error, Result};

/// The segments into which the recording of `job` is cut, each at least as long as `length`; none if it is
/// too short, or cannot be cut. Also how long it plays, where that is known.
///
/// # Errors
/// As [`super::run`], for what is known before any work.
pub fn cut(
    job: &Job,
    length: Duration,
    interrupt: &Interrupt,
) -> Result<(Vec<Segment>, Option<Duration>)> {
    let source = Source::check(job)?.look()?;
    let duration = source.media().duration;
    let is_whole =
        Pattern::of(&job.output).is_some() || job.masks.is_some() || job.region.is_some();
    if is_whole || source.pictures().is_some() {
        return Ok((Vec::new(), duration));
    }
    let target = Target::begin(job)?;
    super::fit(job.codec, &job.output)?;
    if let Some(container) = target.container() {
        Plan::make(source.media(), source.movie(), container, job)?;
    }
    let segments = segments::cuts(&job.input, source.media(), length, interrupt)?;
    Ok((segments, duration))
}

/// Completes `segment` of the recording of `job`, and writes its coded packets to the file `part`.
///
/// # Errors
/// As [`super::run`]; if there are not as many frames as in the recording, which then cannot be cut.
pub fn segment(
    job: &Job,
    segment: &Segment,
    part: &Path,
    interrupt: &Interrupt,
    audience: &mut dyn Audience,
) -> Result<Summary> {
    let settings = settings(job)?;
    let source = Source::check(job)?.look()?;
    let aside = Aside::begin(part, &job.input, true)?;
    let container = Container::of(&job.output)?;
    let coding = Coding::choose(container, job.codec, source.media().video.size);
    let fault = Fault::default();
    let is_turned = super::target::is_turned_by_pixels(&source, Some(container));
    let end = format!(
        "videoconvert ! {} ! {FRAMES} ! appsink name=written sync=false",
        coding.elements(&source)
    );
    let made = Pipeline::build(job, &settings, &source, is_turned, &end)?;
    let sink = pipeline::application_element::<AppSink>(&made.pipeline, "written")?;
    sink.set_caps(Some(&container.takes("video_%u")?));
    let written = Writer::take(aside.path(), &sink, &fault)?;
    keep_within(&made, segment)?;
    let plan = Plan::of_picture_alone(source.media());
    source.connect(
        &made.pipeline,
        None,
        &plan,
        Picture::From(segment.warm),
        &fault,
    )?;

    let counts = Counts::of(&made.completer)?;
    let duration = segment.end.unwrap_or_else(|| {
        let whole = source.media().duration.unwrap_or_default();
        u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX)
    });
    let duration = Duration::from_nanos(duration.saturating_sub(segment.begin));
    audience.begin(String::new(), Arc::clone(&counts), Some(duration));
    let mut watch = Onlooker::new(audience, false);
    let played = pipeline::run(&made.pipeline, interrupt, &mut watch);
    let playing = played.map_err(|e| fault.or(e))?;
    let summary = Summary::of(&made.completer, &counts, watch.is_filled);
    drop(playing);
    let written = written.lock().map_or(0, |written| written.count());
    if (summary.frames, written) != (segment.frames, segment.frames) {
        return Err(Error::input(
            &job.input,
            format!(
                "a segment of it has {} frames, coded as {written}, where it has {} packets",
                summary.frames, segment.frames
            ),
        ));
    }
    interrupt.check()?;
    aside.finish()?;
    Ok(summary)
}

/// Lets only frames of `segment` leave the element, and ends after them. It is given those that come
/// after as well: it looks ahead.
fn keep_within(made: &Pipeline, segment: &Segment) -> Result<()> {
    let none = || Error::Pipeline("there is no pad to cut at".to_owned());
    let Segment { begin, end, .. } = *segment;
    let after = made.completer.static_pad("src").ok_or_else(none)?;
    let blocked = gst::PadProbeType::BLOCK | gst::PadProbeType::BUFFER;
    after.add_probe(blocked, move |pad, info| {
        let time = info.buffer().and_then(|buffer| buffer.pts());
        match time.map(gst::ClockTime::nseconds) {
            // Frames come as they are shown: none of the segment comes after this, and the element
            // stands still.
            Some(time) if end.is_some_and(|end| time >= end) => {
                if let Some(next) = pad.peer() {
                    next.send_event(gst::event::Eos::new());
                }
                gst::PadProbeReturn::Ok
            }
            Some(time) if time < begin => gst::PadProbeReturn::Drop,
            _ => gst::PadProbeReturn::Pass,
        }
    });
    Ok(())
}

/// Makes of the packets in `parts`, which are all segments of the recording of `job`, what
/// [`super::run`] would have made of the whole; telling `audience` what else is to be known.
///
/// # Errors
/// As [`super::run`]; if the parts do not go together.
pub fn join(
    job: &Job,
    parts: Vec<PathBuf>,
    interrupt: &Interrupt,
    audience: &mut dyn Audience,
) -> Result<()> {
    let source = Source::check(job)?.look()?;
    let target = Target::begin(job)?;
    let container = Container::of(&job.output)?;
    let plan = Plan::make(source.media(), source.movie(), container, job)?;
    for note in target.note(&source, job).iter().chain(&plan.notes) {
        audience.note(note);
    }
    super::seed(job);
    let fault = Fault::default();
    let pipeline = pipeline::parse(&format!(
        "{} appsrc name=parts format=time ! {FRAMES} name=coded \
         {} name=mux ! filesink name=written",
        source.streams(),
        container.muxer(),
    ))?;
    target.prepare(&pipeline, &source, &fault)?;
    let parts_in = pipeline::application_element::<AppSrc>(&pipeline, "parts")?;
    Joined::open(parts)?.feed(&parts_in, &fault)?;
    if let Some(pad) = parts_in.static_pad("src") {
        pad.set_offset(plan.delay);
    }
    source.connect(&pipeline, Some(container), &plan, Picture::Left, &fault)?;
    let mut watch = Joining(0);
    let played = pipeline::run(&pipeline, interrupt, &mut watch);
    drop(played.map_err(|e| match fault.or(e) {
        Error::Full(_) => Error::Full(job.output.clone()),
        other => other,
    })?);
    target.finish(&source, &plan, interrupt)
}

/// Nothing is told of joining, which is short.
struct Joining(u64);

impl pipeline::Watch for Joining {
    fn tick(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// Links `pad`, by which a stream leaves `streams`, to `next` once that begins at the key frame at `time`,
/// in nanoseconds.
pub fn link_from(pad: &gst::Pad, next: &gst::Pad, streams: &gst::Element, time: u64) {
    // What follows is not to see how the stream is gone to that frame: it may still be built.
    let next = next.clone();
    let streams = streams.downgrade();
    let is_gone = AtomicBool::new(false);
    let blocked = gst::PadProbeType::BLOCK | gst::PadProbeType::BUFFER;
    pad.add_probe(blocked, move |pad, info| {
        let (Some(streams), Some(probe), false) = (
            streams.upgrade(),
            info.id.take(),
            is_gone.swap(true, Ordering::Relaxed),
        ) else {
            return gst::PadProbeReturn::Ok;
        };
        let (pad, next) = (pad.clone(), next.clone());
        // The thread that the stream comes by cannot send it elsewhere.
        streams.call_async(move |streams| {
            if !pad.send_event(to_key_frame(time)) {
                let reason = "it cannot be gone to a key frame";
                gst::element_error!(streams, gst::StreamError::Failed, ["{reason}"]);
            } else if let Err(error) = pad.link(&next) {
                gst::element_error!(streams, gst::StreamError::Failed, ["{error}"]);
            }
            pad.remove_probe(probe);
        });
        gst::PadProbeReturn::Ok
    });
}

fn to_key_frame(time: u64) -> gst::Event {
    gst::event::Seek::new(
        1.0,
        gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT | gst::SeekFlags::SNAP_BEFORE,
        gst::SeekType::Set,
        gst::ClockTime::from_nseconds(time),
        gst::SeekType::None,
        gst::ClockTime::NONE,
    )
}
