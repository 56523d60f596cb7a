//! The ways of the streams through the pipeline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gst::prelude::*;

use super::plan::{Fate, Keep, Plan};
use super::segment;
use crate::container::{self, Container};
use crate::probe::{Kind, Media};
use crate::{Error, Result, pipeline, subtitles};

/// What becomes of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// It is decoded and completed.
    Completed,
    /// So is it, from the key frame at this time on, in nanoseconds, and no other stream is read.
    From(u64),
    /// It is left, because it was completed before.
    Left,
}

/// Links streams as they turn up.
#[derive(Clone)]
pub struct Branches(Arc<Shared>);

struct Shared {
    /// Not to be kept alive by its own signal handlers.
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    /// The stream whose picture is completed.
    picture: String,
    fate: Picture,
    /// What is written; nothing but pictures where it is nothing.
    container: Option<Container>,
    /// Whether the recording begins with its picture, although sound comes before.
    begins_late: bool,
    plan: Plan,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    has_picture: bool,
    /// Where the streams that have not turned up yet go into the file.
    awaited: HashMap<String, gst::Pad>,
}

impl Branches {
    /// Links the coded picture in `pipeline` to the file of the kind `container`. `ticks` is the time
    /// scale of its track, if that has one.
    ///
    /// # Errors
    /// If an element is missing.
    pub fn connect_picture(
        pipeline: &gst::Pipeline,
        container: Container,
        ticks: Option<u32>,
    ) -> Result<()> {
        let pad = request(&pipeline::element(pipeline, "mux")?, "video_%u")?;
        if let Some(ticks) = ticks.filter(|_| container.is_isobmff()) {
            pad.set_property("trak-timescale", ticks);
        }
        let coded = pipeline::element(pipeline, "coded")?;
        link(&own_pad(&coded, "src")?, &pad)
    }

    /// Links the streams of `pipeline` as `plan` has it, from `streams` to the decoder or to `mux`, once
    /// they turn up.
    ///
    /// # Errors
    /// If an element is missing.
    pub fn connect(
        pipeline: &gst::Pipeline,
        media: &Media,
        container: Option<Container>,
        plan: &Plan,
        fate: Picture,
    ) -> Result<()> {
        if fate != Picture::Left {
            let frames = own_pad(&pipeline::element(pipeline, "frames")?, "sink")?;
            let decoder = pipeline::element(pipeline, "decoder")?;
            decoder.connect_pad_added(move |decoder, pad| {
                if !frames.is_linked() {
                    report(decoder, link(pad, &frames));
                }
            });
        }

        // In the plan's order, which is that of the tracks in the file.
        let mut awaited = HashMap::new();
        for (id, kind, fate) in plan.fates() {
            if *fate != Fate::Drop {
                let mux = pipeline::element(pipeline, "mux")?;
                awaited.insert(id.clone(), request(&mux, template(*kind))?);
            }
        }
        let state = State {
            awaited,
            ..State::default()
        };
        let branches = Self(Arc::new(Shared {
            pipeline: pipeline.downgrade(),
            picture: media.video.id.clone(),
            fate,
            container,
            begins_late: media.begins_late(),
            plan: plan.clone(),
            state: Mutex::new(state),
        }));
        let streams = pipeline::element(pipeline, "streams")?;
        streams.connect("autoplug-continue", false, |values| {
            let caps = values.get(2).and_then(|caps| caps.get::<gst::Caps>().ok());
            let is_subtitles = caps.is_some_and(|caps| Kind::of(&caps) == Kind::Subtitles);
            // What reads subtitles further makes plain text of them.
            Some((!is_subtitles).to_value())
        });
        let joining = branches.clone();
        streams.connect_pad_added(move |streams, pad| report(streams, joining.join(pad)));
        let whole = branches;
        streams.connect_no_more_pads(move |streams| report(streams, whole.check()));
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails if a stream has not turned up: the file would wait for it for ever.
    fn check(&self) -> Result<()> {
        let state = self.state();
        match (state.has_picture, state.awaited.is_empty()) {
            (true, true) => Ok(()),
            (false, _) => Err(Error::Pipeline("the picture has not turned up".to_owned())),
            (_, false) => Err(Error::Pipeline(format!(
                "{} of the streams found before have not turned up",
                state.awaited.len()
            ))),
        }
    }

    /// Links a stream that has turned up.
    fn join(&self, pad: &gst::Pad) -> Result<()> {
        let Shared {
            pipeline,
            picture,
            container,
            plan,
            ..
        } = &*self.0;
        let Some(pipeline) = pipeline.upgrade() else {
            return Ok(());
        };
        if self.0.begins_late {
            begin_earlier(pad);
        }
        let id = pad.stream_id().unwrap_or_default();
        let is_picture = id == *picture;
        if let Picture::From(_) = self.0.fate
            && !is_picture
        {
            // What is linked to nothing is thrown away.
            return Ok(());
        }
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let kind = Kind::of(&caps);
        // Packets of all streams wait here until those beside them have come.
        let abreast = pipeline::element(&pipeline, "abreast")?;
        let waiting = request(&abreast, "sink_%u")?;
        let next = own_pad(&abreast, &waiting.name().replace("sink", "src"))?;

        if is_picture {
            self.state().has_picture = true;
        }
        if is_picture && self.0.fate != Picture::Left {
            next.set_offset(plan.delay);
            link(
                &next,
                &own_pad(&pipeline::element(&pipeline, "decoder")?, "sink")?,
            )?;
            return match self.0.fate {
                Picture::From(time) if time > 0 => {
                    let streams = pipeline::element(&pipeline, "streams")?;
                    segment::link_from(pad, &waiting, &streams, time);
                    Ok(())
                }
                _ => link(pad, &waiting),
            };
        }
        let is_isobmff = container.is_some_and(Container::is_isobmff);
        let steps = match plan.fate(&id).zip(*container) {
            Some((Fate::Keep(Keep { shift, .. }), _)) => {
                next.set_offset(plan.delay + shift);
                let adapter = container::adapter(&caps).unwrap_or("identity");
                gst::parse::bin_from_description(adapter, true)?
            }
            Some((Fate::Transcode, container)) => {
                next.set_offset(plan.delay);
                let (encoder, _) = container.sound_encoder();
                coded_anew(encoder)?
            }
            Some((Fate::Drop, _)) | None => {
                gst::parse::bin_from_description("fakesink sync=false async=false", true)?
            }
        };
        pipeline.add(&steps)?;
        let entry = self.state().awaited.remove(id.as_str());
        if let Some(entry) = entry {
            let end = own_pad(steps.upcast_ref(), "src")?;
            if kind == Kind::Subtitles && container::adapter(&caps).is_some() {
                subtitles::unmark(&end, is_isobmff);
            }
            link(&end, &entry)?;
        }
        link(&next, &own_pad(steps.upcast_ref(), "sink")?)?;
        steps.sync_state_with_parent()?;
        link(pad, &waiting)
    }
}

/// Lets what leaves `pad` begin earlier than the demuxer says, so that nothing before is left out; all
/// streams by the same time.
fn begin_earlier(pad: &gst::Pad) {
    /// Longer than sound that belongs to a picture comes before it.
    const LEAD: gst::ClockTime = gst::ClockTime::from_seconds(10);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
        let event = info.event().and_then(|event| match event.view() {
            gst::EventView::Segment(event) => {
                let mut segment = event.segment().downcast_ref::<gst::ClockTime>()?.clone();
                let start = segment.start()?;
                segment.set_start(start.saturating_sub(LEAD));
                let number = event.seqnum();
                Some(
                    gst::event::Segment::builder(&segment)
                        .seqnum(number)
                        .build(),
                )
            }
            _ => None,
        });
        if let Some(event) = event {
            info.data = Some(gst::PadProbeData::Event(event));
        }
        gst::PadProbeReturn::Ok
    });
}

/// The pads of muxers for streams of a kind.
fn template(kind: Kind) -> &'static str {
    match kind {
        Kind::Sound => "audio_%u",
        Kind::Picture => "video_%u",
        Kind::Subtitles | Kind::Data => "subtitle_%u",
    }
}

/// Decodes sound and codes it with `encoder`.
fn coded_anew(encoder: &str) -> Result<gst::Bin> {
    let steps = gst::parse::bin_from_description(
        &format!(
            "decodebin name=first ! audioconvert ! audioresample ! {encoder} ! queue name=last"
        ),
        false,
    )?;
    for (element, pad) in [("first", "sink"), ("last", "src")] {
        let inside = steps.by_name(element);
        let inside = inside.ok_or_else(|| Error::Pipeline(format!("there is no '{element}'")))?;
        steps.add_pad(&gst::GhostPad::with_target(&own_pad(&inside, pad)?)?)?;
    }
    Ok(steps)
}

/// A pad of `element` that is always there.
fn own_pad(element: &gst::Element, name: &str) -> Result<gst::Pad> {
    let none = || Error::Pipeline(format!("{} has no pad '{name}'", element.name()));
    element.static_pad(name).ok_or_else(none)
}

fn request(element: &gst::Element, name: &str) -> Result<gst::Pad> {
    let none = || Error::Pipeline(format!("{} gives no pad '{name}'", element.name()));
    element.request_pad_simple(name).ok_or_else(none)
}

fn link(from: &gst::Pad, to: &gst::Pad) -> Result<()> {
    from.link(to).map(|_| ()).map_err(|e| {
        let caps = from.current_caps().unwrap_or_else(|| from.query_caps(None));
        let given = caps.structure(0).map_or("nothing", |s| s.name().as_str());
        let taker = to.parent_element().map(|element| element.name());
        let taker = taker.unwrap_or_default();
        Error::Pipeline(format!("{e}: {given} cannot go to {taker}"))
    })
}

/// Ends the pipeline of `element` if something went wrong.
fn report(element: &gst::Element, result: Result<()>) {
    if let Err(error) = result {
        gst::element_error!(element, gst::StreamError::Failed, ["{error}"]);
    }
}
