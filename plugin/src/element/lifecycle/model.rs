//! The element's generator while frames go through: telling of it, replacing it, losing it.

use std::sync::{MutexGuard, PoisonError, mpsc};
use std::time::Instant;

use gst::glib::subclass::Signal;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::opening::{OpenError, open_completer};
use crate::CAT;
use crate::completer::{Completer, Step};
use crate::element::bus::messages;
use crate::element::imp::MdeComplete;
use crate::element::properties::ModelSettings;

/// Tells application and log where the generator runs and why.
pub fn announce(element: &crate::element::MdeComplete, completer: &Completer) {
    let active = completer.active();
    let attempts = completer.attempts();
    let reason = attempts.last().map_or("", |taken| taken.reason.as_str());
    gst::info!(
        CAT,
        obj = element,
        "Generator on {active} with ONNX Runtime {}: {reason}",
        completer.library().version()
    );
    for attempt in attempts {
        gst::info!(CAT, obj = element, "{attempt}");
    }
    if let Some(note) = completer.library().note_if_not_asked_for() {
        gst::warning!(CAT, obj = element, "{note}");
    }
    post(element, messages::provider(completer));
}

/// Posts an element message.
pub fn post(element: &crate::element::MdeComplete, structure: gst::Structure) {
    gst::info!(CAT, obj = element, "{structure}");
    let message = gst::message::Element::builder(structure).src(element);
    let _ = element.post_message(message.build());
}

/// `model-updated` with the new value of the property `model-file` and whether that model is in use
/// from the next frame on; where it is not, the old one stays.
pub fn signals() -> Vec<Signal> {
    let types = [Option::<String>::static_type(), bool::static_type()];
    vec![Signal::builder("model-updated").param_types(types).build()]
}

/// A model loaded aside.
struct Loaded {
    settings: ModelSettings,
    opened: Result<Completer, OpenError>,
    /// When loading began.
    start: Instant,
}

impl MdeComplete {
    /// If the element runs, and another model than its own has been set, loads that on another
    /// thread while frames go on with the old one. A later call outdates an earlier one that is not
    /// done.
    pub(in crate::element) fn replace_model(&self) {
        let wish = self.settings().wishes.model;
        let is_new = self.state().as_mut().is_some_and(|state| {
            let before = std::mem::replace(&mut state.wishes.model, wish);
            before != wish
        });
        if !is_new {
            return;
        }
        self.obj().call_async(move |element| {
            let this = element.imp();
            let Some(loaded) = this.load_aside(wish) else {
                return;
            };
            let file = loaded.settings.model_file.clone();
            let file = file.map(|file| file.to_string_lossy().into_owned());
            let Some(succeeded) = this.take_model(loaded, wish) else {
                return;
            };
            let arguments: [&dyn ToValue; 2] = [&file, &succeeded];
            element.emit_by_name::<()>("model-updated", &arguments);
            element.notify("active-execution-provider");
        });
    }

    /// Waits until no model is being loaded aside; one that is asked for before is not begun any
    /// more if its wish is outdated.
    pub(in crate::element) fn wait_for_loading(&self) {
        drop(self.loading());
    }

    /// Held while a model is loaded aside, and by nobody who calls the application: what that does
    /// then may stop the element, which waits for this.
    fn loading(&self) -> MutexGuard<'_, ()> {
        (self.loading.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the model of `wish`, and tells the application how far it is. Nothing where the wish is
    /// outdated.
    fn load_aside(&self, wish: u64) -> Option<Loaded> {
        let (steps, taken) = mpsc::channel();
        std::thread::scope(|scope| {
            let loader = scope.spawn(move || {
                self.load(wish, &mut |step, start: Instant| {
                    // That nobody listens any more does not matter.
                    let _ = steps.send((step, start.elapsed()));
                })
            });
            for (step, elapsed) in taken {
                post(&self.obj(), messages::progress(step, elapsed));
            }
            loader.join().unwrap_or(None)
        })
    }

    /// Opens the model of `wish`; nothing where that is outdated.
    fn load(&self, wish: u64, watch: &mut dyn FnMut(Step, Instant)) -> Option<Loaded> {
        let _loading = self.loading();
        let in_use = self.settings_in_use(wish)?;
        let (file, region) = {
            let settings = self.settings();
            (settings.model.model_file.clone(), settings.frame.region)
        };
        let settings = ModelSettings {
            model_file: file,
            ..in_use
        };
        let start = Instant::now();
        let opened = open_completer(&settings, region, &self.interrupt, &mut |step| {
            watch(step, start)
        });
        Some(Loaded {
            settings,
            opened,
            start,
        })
    }

    /// How the model in use was opened; nothing where the element does not wait for that of `wish`.
    fn settings_in_use(&self, wish: u64) -> Option<ModelSettings> {
        let state = self.state();
        let state = state.as_ref().filter(|state| state.wishes.model == wish)?;
        Some(state.model.clone())
    }

    /// Completes with what was loaded for `wish` from the next frame on, or keeps the old model.
    /// Tells which, and nothing where the wish is outdated.
    fn take_model(&self, loaded: Loaded, wish: u64) -> Option<bool> {
        let in_use = self.settings_in_use(wish)?;
        let element = &*self.obj();
        match loaded.opened {
            Ok(completer) => {
                post(element, messages::ready(&completer, loaded.start.elapsed()));
                announce(element, &completer);
                // What gives way is dropped here, where nobody waits for the state.
                let (is_taken, _gives_way) = self.hand_over(completer, loaded.settings, wish);
                is_taken.then_some(true)
            }
            Err(error) => {
                self.settings().keep_model(wish, in_use.model_file);
                gst::element_imp_warning!(
                    self,
                    gst::ResourceError::OpenRead,
                    ("model-file stays as it is: {}", error)
                );
                element.notify("model-file");
                Some(false)
            }
        }
    }

    /// Completes with `completer` from the next frame on, unless the wish is outdated. Tells whether,
    /// and gives what is not needed: one that has been waiting for that, or this one.
    fn hand_over(
        &self,
        completer: Completer,
        settings: ModelSettings,
        wish: u64,
    ) -> (bool, Option<Completer>) {
        let mut state = self.state();
        match &mut *state {
            Some(state) if state.wishes.model == wish => {
                state.active = completer.active();
                state.model = settings;
                (true, state.update.completer.replace(completer))
            }
            _ => (false, Some(completer)),
        }
    }

    /// Tells where the generator runs if that has changed: its provider failed, the next took over.
    pub(in crate::element) fn follow_provider(&self, completer: &Completer) {
        let active = completer.active();
        let is_new = self.state().as_mut().is_some_and(|state| {
            // A completer that waits to be taken over has been told of already.
            state.update.completer.is_none()
                && std::mem::replace(&mut state.active, active) != active
        });
        if is_new {
            announce(&self.obj(), completer);
            gst::element_imp_warning!(
                self,
                gst::LibraryError::Failed,
                ("The execution provider failed; {} has taken over", active)
            );
            self.obj().notify("active-execution-provider");
        }
    }
}
