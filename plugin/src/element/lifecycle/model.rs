//! The element's generator while frames go through: telling of it, replacing it, losing it.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use gst::glib::subclass::Signal;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::opening::{model_name, open_completer};
use crate::CAT;
use crate::completer::Completer;
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

impl MdeComplete {
    /// A number for a wish for a model, which outdates all earlier ones.
    pub(in crate::element) fn new_model_request(&self) -> u64 {
        self.model_requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// If the element runs, loads the model that the settings name by now on another thread, while
    /// frames go on with the old one. A later call outdates an earlier one that is not done.
    pub(in crate::element) fn replace_model(&self) {
        if self.state().is_none() {
            return;
        }
        let request = self.new_model_request();
        self.obj().call_async(move |element| {
            let this = element.imp();
            let Some((settings, succeeded)) = this.open_replacement(request) else {
                return;
            };
            let file = settings
                .model_file
                .map(|file| file.to_string_lossy().into_owned());
            let arguments: [&dyn ToValue; 2] = [&file, &succeeded];
            element.emit_by_name::<()>("model-updated", &arguments);
            element.notify("active-execution-provider");
        });
    }

    /// Waits until no model is being loaded aside; one that is asked for before is not begun any
    /// more if its request is outdated.
    pub(in crate::element) fn wait_for_loading(&self) {
        drop(self.loading());
    }

    /// Held while a model is loaded aside.
    fn loading(&self) -> MutexGuard<'_, ()> {
        (self.loading.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the model that the settings name by now and takes it, or keeps the old one. Gives these
    /// settings and whether that succeeded, and nothing where `request` is outdated.
    fn open_replacement(&self, request: u64) -> Option<(ModelSettings, bool)> {
        let _loading = self.loading();
        let is_outdated = || self.model_requests.load(Ordering::Relaxed) != request;
        if is_outdated() {
            return None;
        }
        let settings = self.settings().clone();
        let opened = open_completer(&self.obj(), &settings.model, settings.frame.region);
        if is_outdated() {
            return None;
        }
        let settings = settings.model;
        let succeeded = opened.is_ok();
        match opened {
            Ok(completer) => {
                announce(&self.obj(), &completer);
                self.hand_over(completer, &settings);
            }
            Err(error) => {
                self.keep_model();
                gst::element_imp_warning!(
                    self,
                    gst::ResourceError::OpenRead,
                    ("The model stays as it is: {}", error)
                );
            }
        }
        Some((settings, succeeded))
    }

    /// Completes with `completer` from the next frame on.
    fn hand_over(&self, completer: Completer, settings: &ModelSettings) {
        if let Some(state) = self.state().as_mut() {
            state.active = completer.active();
            state.model = model_name(settings);
            state.model_file.clone_from(&settings.model_file);
            state.new_completer = Some(completer);
        }
    }

    /// Lets the property tell the model in use again.
    fn keep_model(&self) {
        let in_use = self.state().as_ref().map(|s| s.model_file.clone());
        if let Some(in_use) = in_use {
            self.settings().model.model_file = in_use;
        }
    }

    /// Tells where the generator runs if that has changed: its provider failed, the next took over.
    pub(in crate::element) fn follow_provider(&self, completer: &Completer) {
        let active = completer.active();
        let is_new = self.state().as_mut().is_some_and(|state| {
            // A completer that waits to be taken over has been told of already.
            state.new_completer.is_none() && std::mem::replace(&mut state.active, active) != active
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
