/**
 * SECTION:element-mdecomplete
 *
 * Completes missing parts of faces in video: a neural generator (a Missing Data Encoder) fills in
 * what is missing from the rest of the face. Only pixels of the missing parts change.
 *
 * What is missing is said by parts of the face (#mdecomplete:occlusion; with `auto` what covers the
 * face is found, see #mdecomplete:cover-kinds), by whole colour channels
 * (#mdecomplete:damaged-channels), or in pixels of the frame: by a picture that is white there
 * (#mdecomplete:mask-file), by transparency (#mdecomplete:mask-from-alpha), or by a colour that
 * damaged pixels have (#mdecomplete:damage-color). All of these unite. Masks are widened a little
 * (#mdecomplete:mask-grow). What lies in no completed region is filled from what is around it; an
 * element message `mdecomplete/fills-plainly` tells so, once (`properties`, `reason`). Another
 * `mdecomplete/covers-nothing` tells, once, that a mask covers nothing (`property`, `reason`).
 *
 * Faces are found by a detector and followed from frame to frame, told by upstream as
 * `GstVideoRegionOfInterestMeta`, or the frame is itself an aligned face, see
 * #mdecomplete:region. A region of interest may carry a parameter structure `face-points` with the doubles `left-eye-x`, `left-eye-y`, `right-eye-x`,
 * `right-eye-y`, `nose-x`, `nose-y`, `left-mouth-x`, `left-mouth-y`, `right-mouth-x` and
 * `right-mouth-y` in pixels, left and right being the picture's; otherwise its rectangle is taken
 * for a face from hairline to chin.
 *
 * All of this is meant for the picture as it is displayed: of square pixels, whatever the
 * pixel-aspect-ratio of the frames, and turned or mirrored as the tag `image-orientation` tells.
 * Faces that lie on their side or stand on their head without such a tag are found as well, if a
 * bit later than others. Fields of their own (interlace-mode `fields` and `alternate`) are no
 * frames: put deinterlace before the element.
 *
 * The element runs its models with ONNX Runtime, loaded when the element starts. An element
 * message `mdecomplete/provider` tells the execution provider in use (`execution-provider`,
 * `precision`, `reason`) and what was considered before (`attempts`); messages
 * `mdecomplete/progress` before it tell how far the start is (`step`). The signal `model-updated`
 * (the new #mdecomplete:model-file, whether it is in use) answers a change of the model while playing.
 *
 * Each completed region is marked on the buffer with a `GstVideoRegionOfInterestMeta` of the type
 * `mdecomplete/face`, whose identifier is that of upstream's meta or 0. Its parameters are
 * `face-points` as above and `completion` with the strings `occlusion` (as the property's) and the
 * boolean `reused` (whether it is the completion of an earlier frame), and the doubles
 * `from-memory`, `from-later`, `from-reference`, `from-mirror` and `painted` (the shares of the hole that are
 * filled so, together 1) and, where there was a view to copy from, `agreement` (how well it agrees
 * with what is seen of the face, 0 to 1). Where a cover was found there is also a parameter `cover`
 * with the string `kinds` (as #mdecomplete:cover-kinds) and the doubles `share` (of the face) and
 * `confidence`. With #mdecomplete:strength 0 the generator does not run,
 * and every region is marked, without `completion`; with #mdecomplete:dry-run those that would be
 * completed are. A drop-out that is found is marked with the type `mdecomplete/drop-out` and the
 * parameter `drop-out`, and channels that are found damaged with the type `mdecomplete/channels` and a
 * parameter `channel` for each, as in the message `mdecomplete/damage`. Metas of these types are no
 * regions for another mdecomplete downstream; those of upstream stay on the buffer.
 *
 * Generators that are shown views copy what is missing from what the stream has shown of the same
 * face (#mdecomplete:memory, kept in memory alone and forgotten with the stream) and from pictures
 * of the person (#mdecomplete:reference-file). An element message
 * `mdecomplete/reference-fits-no-face` tells, once, that a picture fits no face (`reason`).
 *
 * A channel that is lost (#mdecomplete:damaged-channels) is restored in the whole frame by a generator
 * of scenes, before anybody looks for faces, see #mdecomplete:channel-scope.
 *
 * An element message `mdecomplete/damage` tells, once a change, what is found by itself: in
 * `channels` the damaged channels (each a structure with `channel`, `kind`, `confidence` and, if it
 * is displaced, `x` and `y`), in `covers` the covered faces (each with `face`, `kinds`, `x`, `y`,
 * `width`, `height`, `share` and `confidence`), in `drop-outs` the drop-outs (each with `kind`, `x`,
 * `y`, `width`, `height` and `confidence`). Which kinds count is told by #mdecomplete:channel-kinds,
 * #mdecomplete:cover-kinds and #mdecomplete:damage.
 *
 * Dirt and scratches of a film (#mdecomplete:damage) are replaced by what the frames before and after
 * show, or what is beside a scratch, before anybody looks for faces. One frame is held back for that.
 *
 * With #mdecomplete:lookahead frames are held back for a while, so that what later ones show is copied
 * as well (`from-later` in metas and statistics). Frames that are held back are sent on before an event
 * that tells of another stream, another part of one, a gap or its end, and dropped by a flush; other
 * events, such as tags, wait behind them.
 *
 * No frame is dropped. One that downstream finds late passes untouched or with an earlier
 * completion, see #mdecomplete:late-policy; one with the flag GAP passes untouched. In live
 * pipelines the element reports as latency how long completing a frame takes, measured while it
 * runs, and tells by a latency message when that changes; #mdecomplete:stats has the figures.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! mdecomplete occlusion=eyes ! videoconvert ! autovideosink
 * ]| Completes the eyes of every face in a file and shows the result.
 *
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! mdecomplete occlusion=mouth overlay=faces ! videoconvert ! autovideosink
 * ]| Completes the mouth of every face before a camera, for instance behind a mask, and marks the faces.
 *
 * |[
 * gst-launch-1.0 filesrc location=in.png ! pngdec ! mdecomplete mask-from-alpha=true ! pngenc ! filesink location=out.png
 * ]| Completes what was erased from the faces of a picture.
 */
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::glib::subclass::Signal;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::base_transform::GenerateOutputSuccess;
use gst_base::subclass::prelude::*;
use gst_video::VideoInfo;
use gst_video::subclass::prelude::*;

use super::bus::latency::Latency;
use super::bus::qos::Qos;
use super::bus::refusal;
use super::bus::stats::Stats;
use super::bus::unplaced::Unplaced;
use super::lifecycle::damage::DamageFinder;
use super::lifecycle::film::FilmMender;
use super::lifecycle::masks::Masks;
use super::lifecycle::orientation::Orientation;
use super::lifecycle::{Waiting, model, model_name};
use super::properties::{self, ModelSettings, Settings, StreamFacts, Wishes};
use crate::completer::Interrupt;
use crate::frame::SUPPORTED_FORMATS;
use crate::pass::{Pass, Update};
use crate::runtime::ActiveProvider;
use crate::scene::Restorer;

/// Between start and stop.
#[derive(Debug)]
pub(super) struct State {
    /// Nothing while a frame is being worked on.
    pub(super) pass: Option<Pass>,
    /// For the pass to take over with the next frame.
    pub(super) update: Update,
    pub(super) active: ActiveProvider,
    /// How the model in use was opened.
    pub(super) model: ModelSettings,
    /// The mask picture in use.
    pub(super) mask_file: Option<PathBuf>,
    /// Those that are followed already.
    pub(super) wishes: Wishes,
    /// Of the frames, once there are caps.
    pub(super) info: Option<VideoInfo>,
    /// The last caps that were not taken.
    pub(super) refused: Option<gst::Caps>,
    /// As upstream's tags tell.
    pub(super) orientation: Orientation,
    /// Whether upstream is live, once it has been asked.
    pub(super) is_live: Option<bool>,
    /// Whether there is a locator: in the pass, or on its way to it.
    pub(super) has_locator: bool,
    /// Whether there is a net that finds covers: in the pass, or on its way to it.
    pub(super) has_cover_net: bool,
    /// Whether there is something that refines: in the pass, or on its way to it.
    pub(super) has_refiner: bool,
    pub(super) masks: Masks,
    pub(super) has_warned: bool,
    pub(super) stats: Stats,
    pub(super) latency: Latency,
    pub(super) qos: Qos,
    /// Frames that are held back, the next one first.
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) unplaced: Unplaced,
    /// Away while it looks at a frame.
    pub(super) damage_finder: DamageFinder,
    /// Away while it looks at a frame.
    pub(super) film: FilmMender,
    /// What restores whole frames; away while it does.
    pub(super) restorer: Option<Restorer>,
    pub(super) has_restorer: bool,
}

impl State {
    /// What is known of the stream, and that its present frame `loses_channels` or not.
    pub(super) fn stream_facts(&self, loses_channels: bool) -> StreamFacts {
        StreamFacts {
            is_live: self.is_live == Some(true),
            orientation: self.orientation.method(),
            mask: self.masks.fitted(),
            loses_channels,
        }
    }

    /// The property `stats`.
    pub(super) fn statistics(&self) -> gst::Structure {
        let provider = self.active.provider.to_string();
        self.stats.to_structure(&provider, &model_name(&self.model))
    }
}

/// The element's private data.
#[derive(Debug, Default)]
pub struct MdeComplete {
    settings: Mutex<Settings>,
    state: Mutex<Option<State>>,
    /// Locked while a model is loaded aside.
    pub(super) loading: Mutex<()>,
    /// Ends the wait for other elements of the group where the stream cannot wait.
    pub(super) interrupt: Interrupt,
}

impl MdeComplete {
    pub(super) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[glib::object_subclass]
impl ObjectSubclass for MdeComplete {
    const NAME: &'static str = "GstMdeComplete";
    type Type = super::MdeComplete;
    type ParentType = gst_video::VideoFilter;
}

impl ObjectImpl for MdeComplete {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(properties::properties);
        &PROPERTIES
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.change(pspec, value);
    }

    fn signals() -> &'static [Signal] {
        static SIGNALS: LazyLock<Vec<Signal>> = LazyLock::new(model::signals);
        &SIGNALS
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        if let Some(value) = self.settings().get(pspec.name()) {
            return value;
        }
        let state = self.state();
        let state = state.as_ref();
        match pspec.name() {
            "stats" => state.map(State::statistics).to_value(),
            _ => state.map(|s| s.active.provider.to_string()).to_value(),
        }
    }
}

impl GstObjectImpl for MdeComplete {}

impl ElementImpl for MdeComplete {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Missing data completion",
                "Filter/Effect/Video",
                "Completes missing parts of faces with a neural generator",
                env!("CARGO_PKG_REPOSITORY"),
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let caps = gst_video::VideoCapsBuilder::new()
                .format_list(SUPPORTED_FORMATS.iter().copied())
                .build();
            [
                ("sink", gst::PadDirection::Sink),
                ("src", gst::PadDirection::Src),
            ]
            .into_iter()
            .filter_map(|(name, direction)| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
            })
            .collect()
        });
        &TEMPLATES
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        match transition {
            // The pads wait for the frame under way.
            gst::StateChange::PausedToReady => self.interrupt.set(),
            gst::StateChange::ReadyToPaused => self.interrupt.clear(),
            _ => (),
        }
        self.parent_change_state(transition)
    }
}

impl BaseTransformImpl for MdeComplete {
    const MODE: gst_base::subclass::BaseTransformMode =
        gst_base::subclass::BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        self.begin()
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        self.end();
        Ok(())
    }

    fn accept_caps(&self, direction: gst::PadDirection, caps: &gst::Caps) -> bool {
        let accepted = self.parent_accept_caps(direction, caps) && refusal::has_whole_frames(caps);
        if !accepted && direction == gst::PadDirection::Sink {
            self.tell_of_refusal(caps);
        }
        accepted
    }

    fn generate_output(&self) -> Result<GenerateOutputSuccess, gst::FlowError> {
        // The base class would make each buffer writable, and so copy those that others hold too,
        // whether it changes or not.
        if let Some(buffer) = self.take_queued_buffer() {
            self.take_in(buffer)?;
        }
        // It is called until there is nothing more.
        Ok(match self.next_done(false)? {
            Some(buffer) => GenerateOutputSuccess::Buffer(buffer),
            None => GenerateOutputSuccess::NoOutput,
        })
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView::{FlushStart, FlushStop, StreamStart, Tag};
        // What comes before it goes before it.
        let Some(event) = self.in_turn(event) else {
            return true;
        };
        match event.view() {
            FlushStart(_) => self.interrupt.set(),
            FlushStop(_) => {
                self.interrupt.clear();
                self.forget_stream();
            }
            StreamStart(_) => {
                self.forget_stream();
                self.forget_orientation();
            }
            Tag(tag) => self.observe_tags(tag.tag()),
            _ => (),
        }
        self.parent_sink_event(event)
    }

    fn src_event(&self, event: gst::Event) -> bool {
        if let gst::EventView::Qos(qos) = event.view() {
            self.observe_qos(qos);
            // The base class, if it saw the event, would drop late frames.
            return self.obj().sink_pad().push_event(event);
        }
        self.parent_src_event(event)
    }

    fn query(&self, direction: gst::PadDirection, query: &mut gst::QueryRef) -> bool {
        if query.type_() == gst::QueryType::Drain {
            self.drain();
        }
        match (direction, query.view_mut()) {
            (gst::PadDirection::Src, gst::QueryViewMut::Latency(latency)) => {
                self.answer_latency(latency)
            }
            _ => BaseTransformImplExt::parent_query(self, direction, query),
        }
    }
}

impl VideoFilterImpl for MdeComplete {
    fn set_info(
        &self,
        _incaps: &gst::Caps,
        in_info: &VideoInfo,
        _outcaps: &gst::Caps,
        _out_info: &VideoInfo,
    ) -> Result<(), gst::LoggableError> {
        if let Some(state) = self.state().as_mut() {
            state.info = Some(in_info.clone());
            state.masks.set_info(in_info);
            if let Some(pass) = &mut state.pass {
                pass.forget();
            }
        }
        self.fit_mask();
        self.tell_of_empty_masks();
        Ok(())
    }
}
