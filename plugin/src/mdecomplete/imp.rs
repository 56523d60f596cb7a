/**
 * SECTION:element-mdecomplete
 *
 * Completes missing parts of faces in video: what #mdecomplete:occlusion names on each face is
 * treated as missing and filled in by a neural generator (a Missing Data Encoder) from the rest of
 * the face. Only pixels of the missing parts change.
 *
 * Faces are found by a detector, told by upstream as `GstVideoRegionOfInterestMeta`, or the frame
 * is itself an aligned face, see #mdecomplete:region. A region of interest may carry a parameter
 * structure `face-points` with the doubles `left-eye-x`, `left-eye-y`, `right-eye-x`,
 * `right-eye-y`, `nose-x`, `nose-y`, `left-mouth-x`, `left-mouth-y`, `right-mouth-x` and
 * `right-mouth-y` in pixels, left and right being the picture's; otherwise its rectangle is taken
 * for a face from hairline to chin.
 *
 * The element runs its models with ONNX Runtime, loaded when the element starts. An element
 * message `mdecomplete/provider` tells the execution provider in use (`execution-provider`,
 * `precision`, `reason`) and what was considered before (`attempts`).
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! mdecomplete occlusion=eyes ! videoconvert ! autovideosink
 * ]| Completes the eyes of every face in a file and shows the result.
 *
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! mdecomplete occlusion=mouth overlay=faces ! videoconvert ! autovideosink
 * ]| Completes the mouth of every face before a camera, for instance behind a mask, and marks the faces.
 */
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use gst_video::VideoFrameRef;
use gst_video::subclass::prelude::*;

use super::RegionSource;
use super::settings::{self, ModelSettings, Settings};
use super::worker::{Report, Worker};
use crate::completer::{Completer, CompleterError};
use crate::frame::SUPPORTED_FORMATS;
use crate::locate::Detector;
use crate::runtime::RuntimeError;

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "mdecomplete",
        gst::DebugColorFlags::empty(),
        Some("Completion of missing picture parts"),
    )
});

/// The generator that the plug-in carries with it.
static EMBEDDED_MODEL: &[u8] = include_bytes!("../../models/face.onnx");

/// Between start and stop.
#[derive(Debug)]
struct State {
    /// Nothing while a frame is being worked on.
    worker: Option<Worker>,
    active_provider: String,
    /// Whether there is a detector: in the worker, or on its way to it.
    has_detector: bool,
    /// For the worker to take over with the next frame.
    new_detector: Option<Detector>,
    has_warned: bool,
    skipped: u64,
}

/// The element's private data.
#[derive(Debug, Default)]
pub struct MdeComplete {
    settings: Mutex<Settings>,
    state: Mutex<Option<State>>,
}

impl MdeComplete {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the detector if the element runs without one. Called on the application's thread, so
    /// that the stream does not wait for it.
    fn provide_detector(&self) -> Result<(), gst::ErrorMessage> {
        let needs_one = self.state().as_ref().is_some_and(|s| !s.has_detector);
        if needs_one {
            let detector = open_detector()?;
            if let Some(state) = self.state().as_mut() {
                state.new_detector = Some(detector);
                state.has_detector = true;
            }
        }
        Ok(())
    }

    /// Tells application and log where the generator runs and why.
    fn announce(&self, completer: &Completer) {
        let active = completer.active();
        let attempts = completer.attempts();
        let reason = attempts.last().map_or("", |taken| taken.reason.as_str());
        gst::info!(
            CAT,
            imp = self,
            "Generator on {active} with ONNX Runtime {}: {reason}",
            completer.library().version()
        );
        for attempt in attempts {
            gst::info!(CAT, imp = self, "{attempt}");
        }
        if let Some(note) = completer.library_note() {
            gst::warning!(CAT, imp = self, "{note}");
        }
        let structure = gst::Structure::builder("mdecomplete/provider")
            .field("execution-provider", active.provider.to_string())
            .field("precision", active.precision.to_string())
            .field("reason", reason)
            .field(
                "attempts",
                gst::Array::new(attempts.iter().map(ToString::to_string)),
            )
            .build();
        let message = gst::message::Element::builder(structure).src(&*self.obj());
        let _ = self.obj().post_message(message.build());
    }

    /// The worker, for one frame, and with it a detector that has been opened since the last one.
    fn take_worker(&self) -> Option<Worker> {
        let mut state = self.state();
        let state = state.as_mut()?;
        let mut worker = state.worker.take()?;
        if let Some(detector) = state.new_detector.take() {
            worker.set_detector(detector);
        }
        Some(worker)
    }

    /// Gives the worker back and counts what it skipped.
    fn return_worker(&self, worker: Worker, report: Report) {
        let mut state = self.state();
        let Some(state) = state.as_mut() else { return };
        state.worker = Some(worker);
        if report.skipped > 0 {
            state.skipped += report.skipped as u64;
            gst::debug!(
                CAT,
                imp = self,
                "{} regions skipped, {} since the start",
                report.skipped,
                state.skipped
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

#[glib::object_subclass]
impl ObjectSubclass for MdeComplete {
    const NAME: &'static str = "GstMdeComplete";
    type Type = super::MdeComplete;
    type ParentType = gst_video::VideoFilter;
}

impl ObjectImpl for MdeComplete {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(settings::properties);
        &PROPERTIES
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        if value.get() == Ok(RegionSource::Faces)
            && let Err(error) = self.provide_detector()
        {
            gst::element_imp_warning!(
                self,
                gst::LibraryError::Settings,
                ("region stays as it is: {}", error)
            );
            return;
        }
        let mut settings = self.settings();
        if !settings.set(pspec.name(), value) {
            gst::error!(CAT, imp = self, "no writable property {}", pspec.name());
            return;
        }
        gst::debug!(CAT, imp = self, "{} is now {value:?}", pspec.name());
        let passthrough = settings.frame.change_nothing();
        drop(settings);
        self.obj().set_passthrough(passthrough);
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match self.settings().get(pspec.name()) {
            Some(value) => value,
            None => {
                let state = self.state();
                let active = state.as_ref().map(|s| s.active_provider.as_str());
                active.to_value()
            }
        }
    }

    fn constructed(&self) {
        self.parent_constructed();
        let passthrough = self.settings().frame.change_nothing();
        self.obj().set_passthrough(passthrough);
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
            [gst::PadDirection::Sink, gst::PadDirection::Src]
                .into_iter()
                .filter_map(|direction| {
                    let name = match direction {
                        gst::PadDirection::Sink => "sink",
                        _ => "src",
                    };
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
                })
                .collect()
        });
        &TEMPLATES
    }
}

impl BaseTransformImpl for MdeComplete {
    const MODE: gst_base::subclass::BaseTransformMode =
        gst_base::subclass::BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.settings().clone();
        let completer = open_completer(&settings.model)?;
        let detector = match settings.frame.region {
            RegionSource::Faces => Some(open_detector()?),
            RegionSource::RoiList | RegionSource::FullFrame => None,
        };
        self.announce(&completer);
        *self.state() = Some(State {
            active_provider: completer.active().provider.to_string(),
            has_detector: detector.is_some(),
            worker: Some(Worker::new(completer, detector, &settings.frame)),
            new_detector: None,
            has_warned: false,
            skipped: 0,
        });
        self.obj().notify("active-execution-provider");
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        let stopped = self.state().take();
        if let Some(state) = stopped {
            gst::info!(
                CAT,
                imp = self,
                "Stopped, {} regions skipped",
                state.skipped
            );
        }
        self.obj().notify("active-execution-provider");
        Ok(())
    }
}

impl VideoFilterImpl for MdeComplete {
    fn transform_frame_ip(
        &self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let settings = self.settings().frame;
        let Some(mut worker) = self.take_worker() else {
            return Ok(gst::FlowSuccess::Ok);
        };
        let result = worker.process(frame, &settings);
        let report = *result.as_ref().unwrap_or(&Report::default());
        gst::trace!(CAT, imp = self, "{report:?}");
        self.return_worker(worker, report);
        if let Err(failure) = result {
            self.warn_of(&failure.to_string());
        }
        Ok(gst::FlowSuccess::Ok)
    }
}

fn open_completer(settings: &ModelSettings) -> Result<Completer, gst::ErrorMessage> {
    let options = settings.options();
    let Some(file) = &settings.model_file else {
        return Completer::new(EMBEDDED_MODEL, &options)
            .map_err(|e| completer_error("The embedded model cannot be used", &e));
    };
    let file_name = file.display();
    let model = std::fs::read(file).map_err(|e| {
        gst::error_msg!(
            gst::ResourceError::OpenRead,
            (
                "model-file {} cannot be read: {}. Set it to an ONNX file exported by mde-train, \
                 or leave it empty for the embedded model",
                file_name,
                e
            )
        )
    })?;
    Completer::new(&model, &options)
        .map_err(|e| completer_error(&format!("model-file {file_name} cannot be used"), &e))
}

/// `what` names the model; errors that are not the model's are told as they are.
fn completer_error(what: &str, error: &CompleterError) -> gst::ErrorMessage {
    match error {
        CompleterError::Runtime(RuntimeError::Library(e)) => {
            gst::error_msg!(gst::LibraryError::Init, ("{}", e))
        }
        CompleterError::Runtime(
            e @ (RuntimeError::Provider { .. } | RuntimeError::Precision { .. }),
        ) => {
            gst::error_msg!(gst::LibraryError::Settings, ("{}", e))
        }
        _ => gst::error_msg!(gst::ResourceError::Read, ("{}: {}", what, error)),
    }
}

fn open_detector() -> Result<Detector, gst::ErrorMessage> {
    Detector::open().map_err(|e| {
        gst::error_msg!(
            gst::ResourceError::NotFound,
            (
                "region=faces needs a face detector: {}. Or set region to full-frame or roi-list",
                e
            )
        )
    })
}
