//! The ways of the streams through the pipeline.

use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;

use super::plan::{Fate, Keep, Plan};
use crate::container::{self, Container};
use crate::edits::EditList;
use crate::probe::{Kind, Media};
use crate::{Error, Result, pipeline, subtitles};

/// Links streams as they turn up.
#[derive(Clone)]
pub struct Branches(Arc<Shared>);

struct Shared {
    /// Not to be kept alive by its own signal handlers.
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    /// The stream whose picture is completed.
    picture: String,
    container: Container,
    plan: Plan,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    has_picture: bool,
    /// Of the sound tracks written, in their order.
    edits: Vec<Option<EditList>>,
}

impl Branches {
    /// Links the streams of `pipeline` as `plan` has it, from `streams` to `mux`, once they turn up.
    /// `ticks` is the time scale of the picture's track, if it has one.
    ///
    /// # Errors
    /// If an element is missing.
    pub fn connect(
        pipeline: &gst::Pipeline,
        media: &Media,
        container: Container,
        plan: &Plan,
        ticks: Option<u32>,
    ) -> Result<Self> {
        let mux = pipeline::element(pipeline, "mux")?;
        let pad = request(&mux, "video_%u")?;
        if let Some(ticks) = ticks.filter(|_| container.is_isobmff()) {
            pad.set_property("trak-timescale", ticks);
        }
        let coded = pipeline::element(pipeline, "coded")?;
        link(&own_pad(&coded, "src")?, &pad)?;

        let frames = own_pad(&pipeline::element(pipeline, "frames")?, "sink")?;
        let decoder = pipeline::element(pipeline, "decoder")?;
        decoder.connect_pad_added(move |decoder, pad| {
            if !frames.is_linked() {
                report(decoder, link(pad, &frames));
            }
        });

        let branches = Self(Arc::new(Shared {
            pipeline: pipeline.downgrade(),
            picture: media.video.id.clone(),
            container,
            plan: plan.clone(),
            state: Mutex::default(),
        }));
        let streams = pipeline::element(pipeline, "streams")?;
        let joining = branches.clone();
        streams.connect_pad_added(move |streams, pad| report(streams, joining.join(pad)));
        let whole = branches.clone();
        streams.connect_no_more_pads(move |streams| report(streams, whole.check()));
        Ok(branches)
    }

    /// The edit lists of the sound tracks written, in their order.
    pub fn edits(&self) -> Vec<Option<EditList>> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.edits.clone()
    }

    fn check(&self) -> Result<()> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.has_picture {
            true => Ok(()),
            false => Err(Error::Pipeline("the picture has not turned up".to_owned())),
        }
    }

    /// Links a stream that has turned up.
    fn join(&self, pad: &gst::Pad) -> Result<()> {
        let Shared {
            pipeline,
            picture,
            container,
            plan,
            state,
        } = &*self.0;
        let Some(pipeline) = pipeline.upgrade() else {
            return Ok(());
        };
        let id = pad.stream_id().unwrap_or_default();
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let kind = Kind::of(&caps);
        // Packets of all streams wait here until those beside them have come.
        let abreast = pipeline::element(&pipeline, "abreast")?;
        let waiting = request(&abreast, "sink_%u")?;
        let next = own_pad(&abreast, &waiting.name().replace("sink", "src"))?;

        if id == *picture {
            next.set_offset(plan.delay);
            link(&next, &own_pad(&pipeline::element(&pipeline, "decoder")?, "sink")?)?;
            state.lock().unwrap_or_else(PoisonError::into_inner).has_picture = true;
            return link(pad, &waiting);
        }
        let mux = pipeline::element(&pipeline, "mux")?;
        let steps = match plan.fate(&id) {
            Some(Fate::Keep(Keep { shift, .. })) => {
                next.set_offset(plan.delay + shift);
                container::adapter(&caps).unwrap_or("identity").to_owned()
            }
            Some(Fate::Transcode) => {
                next.set_offset(plan.delay);
                let (encoder, _) = container.sound_encoder();
                format!("decodebin ! audioconvert ! audioresample ! {encoder} ! queue")
            }
            Some(Fate::Drop) | None => "fakesink sync=false async=false".to_owned(),
        };
        let steps = gst::parse::bin_from_description(&steps, true)?;
        pipeline.add(&steps)?;
        if let Some(Fate::Keep(_) | Fate::Transcode) = plan.fate(&id) {
            let template = match kind {
                Kind::Sound => "audio_%u",
                Kind::Picture => "video_%u",
                Kind::Subtitles | Kind::Data => "subtitle_%u",
            };
            let end = own_pad(steps.upcast_ref(), "src")?;
            if kind == Kind::Subtitles && container::adapter(&caps).is_some() {
                subtitles::unmark(&end, container.is_isobmff());
            }
            link(&end, &request(&mux, template)?)?;
        }
        if kind == Kind::Sound {
            let edits = match plan.fate(&id) {
                Some(Fate::Keep(Keep { edits, .. })) => Some(edits.clone()),
                Some(Fate::Transcode) => Some(None),
                _ => None,
            };
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.edits.extend(edits);
        }
        link(&next, &own_pad(steps.upcast_ref(), "sink")?)?;
        steps.sync_state_with_parent()?;
        link(pad, &waiting)
    }
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
    let caps = |pad: &gst::Pad| pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    from.link(to).map(|_| ()).map_err(|e| {
        let (given, taken) = (caps(from), to.query_caps(None));
        Error::Pipeline(format!("{e}: {given} cannot go where {taken} is taken"))
    })
}

/// Ends the pipeline of `element` if something went wrong.
fn report(element: &gst::Element, result: Result<()>) {
    if let Err(error) = result {
        gst::element_error!(element, gst::StreamError::Failed, ["{error}"]);
    }
}
