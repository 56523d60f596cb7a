//! Ctrl-C and its kin, told to the pipeline that runs and to whoever asks between pipelines.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::{Error, Result};

/// Whether a signal has asked the program to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The first signal that came; 0 before.
    signal: AtomicI32,
    /// Where a running pipeline waits.
    bus: Mutex<Option<gst::Bus>>,
}

impl Interrupt {
    /// Takes SIGINT, SIGTERM and SIGHUP from now on.
    ///
    /// # Errors
    /// If the system refuses that.
    pub fn listen() -> Result<Self> {
        let failed = |e: std::io::Error| Error::Pipeline(format!("signals cannot be taken: {e}"));
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
        let interrupt = Self::default();
        let told = interrupt.clone();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || signals.forever().for_each(|signal| told.tell(signal)))
            .map_err(failed)?;
        Ok(interrupt)
    }

    /// As if `signal` had come.
    pub fn tell(&self, signal: i32) {
        let first = self
            .0
            .signal
            .compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed);
        let bus = self.0.bus.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Ok(_), Some(bus)) = (first, bus.as_ref()) {
            // A bus that is flushing belongs to a pipeline that ends anyway.
            let _ = bus.post(gst::message::Application::new(gst::Structure::new_empty(
                "interrupt",
            )));
        }
    }

    /// Fails once a signal has come.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn check(&self) -> Result<()> {
        match self.0.signal.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Error::Interrupted(signal)),
        }
    }

    /// Wakes whoever waits on `bus` by an application message when a signal comes, while the guard
    /// lives.
    pub(crate) fn wake(&self, bus: gst::Bus) -> Wake<'_> {
        *self.0.bus.lock().unwrap_or_else(PoisonError::into_inner) = Some(bus);
        Wake(self)
    }
}

/// Keeps a bus informed of signals.
pub(crate) struct Wake<'a>(&'a Interrupt);

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        let mut bus = self.0.0.bus.lock().unwrap_or_else(PoisonError::into_inner);
        *bus = None;
    }
}
