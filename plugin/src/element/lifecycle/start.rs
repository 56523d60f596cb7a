//! Starting, stopping, and what a property that is set between needs to be of use.

use std::collections::VecDeque;
use std::time::Instant;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::damage::DamageFinder;
use super::film::FilmMender;
use super::masks::Masks;
use super::model::{announce, post};
use super::opening::{
    OpenError, open_completer, open_cover_net, open_finding, open_locator, open_mask, open_refiner,
    open_restorer,
};
use super::orientation::Orientation;
use crate::CAT;
use crate::completer::{Completer, Step};
use crate::element::bus::latency::Latency;
use crate::element::bus::messages;
use crate::element::bus::qos::Qos;
use crate::element::bus::stats::Stats;
use crate::element::bus::unplaced::Unplaced;
use crate::element::imp::{MdeComplete, State};
use crate::element::properties::{ChannelScope, FrameSettings, Settings};
use crate::element::{Occlusions, RegionSource};
use crate::pass::{Parts, Pass, Update};

impl MdeComplete {
    /// Opens what the settings ask for, and takes up what was set meanwhile.
    pub(in crate::element) fn begin(&self) -> Result<(), gst::ErrorMessage> {
        let settings = self.settings().clone();
        let parts = self.open_parts(&settings)?;
        let restorer = (settings.frame.may_restore_frames())
            .then(|| open_restorer(&settings.model, settings.scene_model.as_deref()))
            .transpose()?;
        let mut masks = Masks::default();
        masks.set_picture(open_mask(settings.mask_file.as_deref())?);
        announce(&self.obj(), &parts.completer);
        let mut state = State {
            active: parts.completer.active(),
            model: settings.model,
            mask_file: settings.mask_file,
            wishes: settings.wishes,
            info: None,
            refused: None,
            orientation: Orientation::default(),
            is_live: None,
            has_locator: parts.locator.is_some(),
            has_cover_net: parts.cover_net.is_some(),
            has_refiner: parts.refiner.is_some(),
            pass: None,
            update: Update::default(),
            masks,
            has_warned: false,
            stats: Stats::new(),
            latency: Latency::default(),
            qos: Qos::default(),
            waiting: VecDeque::new(),
            unplaced: Unplaced::default(),
            damage_finder: DamageFinder::default(),
            film: FilmMender::default(),
            has_restorer: restorer.is_some(),
            restorer,
        };
        let asked = settings.frame.for_pass(state.stream_facts(false));
        state.pass = Some(Pass::new(parts, asked));
        *self.state() = Some(state);
        self.obj().notify("active-execution-provider");
        self.catch_up(&settings.frame);
        Ok(())
    }

    /// Opens the generator and what finds faces and covers side by side, for neither keeps all of the processor busy.
    fn open_parts(&self, settings: &Settings) -> Result<Parts, OpenError> {
        let find = || open_finding(settings);
        let finding = std::thread::scope(|scope| {
            let mut opening = None;
            let completer = self.open_generator(settings, |step| {
                // While providers are measured nothing else is to run.
                if !matches!(step, Step::Measuring(_)) {
                    opening.get_or_insert_with(|| scope.spawn(find));
                }
            })?;
            let finding = match opening {
                Some(opening) => (opening.join()).unwrap_or_else(|e| std::panic::resume_unwind(e)),
                None => find(),
            };
            Ok((completer, finding?))
        });
        let (completer, finding) = finding?;
        for fault in finding.faults {
            gst::element_imp_warning!(self, gst::ResourceError::Read, ("{}", fault));
        }
        Ok(Parts {
            completer,
            locator: finding.locator,
            cover_net: finding.cover_net,
            refiner: finding.refiner,
            references: finding.references,
        })
    }

    /// Opens the generator, and tells the application and `watch` how far it is.
    fn open_generator(
        &self,
        settings: &Settings,
        mut watch: impl FnMut(Step),
    ) -> Result<Completer, OpenError> {
        let (element, start) = (self.obj(), Instant::now());
        let mut tell = |step| {
            watch(step);
            post(&element, messages::progress(step, start.elapsed()));
        };
        let region = settings.frame.region;
        let completer = open_completer(&settings.model, region, &self.interrupt, &mut tell)?;
        post(&element, messages::ready(&completer, start.elapsed()));
        Ok(completer)
    }

    /// Closes all.
    pub(in crate::element) fn end(&self) {
        // A model that is being loaded comes too late from here on.
        let stopped = self.state().take();
        // The process may end next, and OpenVINO crashes where it does while compiling.
        self.wait_for_loading();
        if let Some(state) = stopped {
            gst::info!(CAT, imp = self, "Stopped: {}", state.statistics());
        }
        self.obj().notify("active-execution-provider");
    }

    /// Takes over the new `value` of a property.
    pub(in crate::element) fn change(&self, pspec: &glib::ParamSpec, value: &glib::Value) {
        let name = pspec.name();
        let before = self.settings().frame;
        // Before the property changes, so that until then frames are treated as they were.
        if name == "region"
            && value.get() == Ok(RegionSource::Faces)
            && let Err(error) = self.provide_locator()
        {
            self.warn_of_refusal("region", &error);
            return;
        }
        if name == "occlusion"
            && (value.get::<Occlusions>()).is_ok_and(|asked| asked.contains(Occlusions::AUTO))
            && let Err(error) = self.provide_cover_net()
        {
            self.warn_of_refusal("occlusion", &error);
            return;
        }
        let is_fixed = !pspec.flags().contains(gst::PARAM_FLAG_MUTABLE_PLAYING);
        let comes_late = is_fixed && self.state().is_some() && !self.has(name, value);
        if !self.settings().set(name, value) {
            gst::error!(CAT, imp = self, "no writable property {name}");
            return;
        }
        gst::debug!(CAT, imp = self, "{name} is now {value:?}");
        if comes_late {
            gst::element_imp_warning!(
                self,
                gst::LibraryError::Settings,
                (
                    "{} cannot change while the element runs: the new value counts from the next \
                     start on",
                    name
                )
            );
        }
        self.catch_up(&before);
        if !before.holds_as_long_as(&self.settings().frame) {
            self.tell_of_latency();
        }
    }

    /// Whether the property `name` has this `value` already.
    fn has(&self, name: &str, value: &glib::Value) -> bool {
        let text = |value: &glib::Value| value.serialize().ok();
        let old = self.settings().get(name);
        old.is_some_and(|old| text(&old) == text(value))
    }

    /// Opens what the settings ask for and the element, if it runs, lacks. Called after each change
    /// of the settings and after the start, so that nothing set while the element starts is lost.
    /// Where faces or covers cannot be found, the regions or occlusions are those of `before` again.
    fn catch_up(&self, before: &FrameSettings) {
        let wanted = self.settings().frame;
        if wanted.region == RegionSource::Faces
            && let Err(error) = self.provide_locator()
        {
            self.settings().frame.region = before.region;
            self.warn_of_refusal("region", &error);
            self.obj().notify("region");
        }
        if wanted.looks_for_covers()
            && let Err(error) = self.provide_cover_net()
        {
            self.settings().frame.occlusion = before.occlusion - Occlusions::AUTO;
            self.warn_of_refusal("occlusion", &error);
            self.obj().notify("occlusion");
        }
        if wanted.blending.refine
            && let Err(error) = self.provide_refiner()
        {
            self.settings().frame.blending.refine = false;
            self.warn_of_refusal("refine", &error);
            self.obj().notify("refine");
        }
        if wanted.may_restore_frames()
            && let Err(error) = self.provide_restorer()
        {
            self.settings().frame.channel_scope = ChannelScope::Regions;
            self.warn_of_refusal("channel-scope", &error);
            self.obj().notify("channel-scope");
        }
        self.replace_mask();
        self.replace_model();
        self.tell_of_empty_masks();
    }

    /// Opens the locator if the element runs without one. Called on the application's thread, so
    /// that the stream does not wait for it.
    fn provide_locator(&self) -> Result<(), OpenError> {
        let needs_one = |state: &&mut State| !state.has_locator;
        if self.state().as_mut().filter(needs_one).is_none() {
            return Ok(());
        }
        let mut locator = Some(open_locator()?);
        if let Some(state) = self.state().as_mut().filter(needs_one) {
            state.update.locator = locator.take();
            state.has_locator = true;
        }
        // One too many is dropped here, where nobody waits for the state.
        Ok(())
    }

    /// Opens the net that finds covers if the element runs without one, as [`Self::provide_locator`]
    /// does.
    fn provide_cover_net(&self) -> Result<(), OpenError> {
        let needs_one = |state: &&mut State| !state.has_cover_net;
        if self.state().as_mut().filter(needs_one).is_none() {
            return Ok(());
        }
        let file = self.settings().cover_model.clone();
        let mut net = Some(open_cover_net(file.as_deref())?);
        if let Some(state) = self.state().as_mut().filter(needs_one) {
            state.update.cover_net = net.take();
            state.has_cover_net = true;
        }
        Ok(())
    }

    /// Opens what refines if the element runs without one, as [`Self::provide_locator`] does.
    fn provide_refiner(&self) -> Result<(), OpenError> {
        let needs_one = |state: &&mut State| !state.has_refiner;
        if self.state().as_mut().filter(needs_one).is_none() {
            return Ok(());
        }
        let settings = self.settings().clone();
        let mut refiner = Some(open_refiner(&settings)?);
        if let Some(state) = self.state().as_mut().filter(needs_one) {
            state.update.refiner = refiner.take();
            state.has_refiner = true;
        }
        Ok(())
    }

    fn warn_of_refusal(&self, property: &str, error: &OpenError) {
        gst::element_imp_warning!(
            self,
            gst::LibraryError::Settings,
            ("{} stays as it is: {}", property, error)
        );
    }
}
