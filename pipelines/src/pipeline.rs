//! Building a pipeline from a description and running it to its end.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::interrupt::Interrupt;
use crate::{Error, Result};

/// How often whoever watches a pipeline is asked how far it is.
const TICK: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// A pipeline that has not come a step further for so long never will. Compiling a model for a
/// graphics card takes minutes.
const STALL: Duration = Duration::from_secs(900);

/// The pipeline of a `gst-launch-1.0` description.
///
/// # Errors
/// If an element is missing or they cannot be linked.
pub fn parse(description: &str) -> Result<gst::Pipeline> {
    let failed = |e| Error::Pipeline(format!("cannot build the pipeline '{description}': {e}"));
    gst::parse::launch(description)
        .map_err(|e| failed(e.to_string()))?
        .downcast()
        .map_err(|_| failed("it is one element".to_owned()))
}

/// The element called `name` in the pipeline's description.
///
/// # Errors
/// If there is none.
pub fn element(pipeline: &gst::Pipeline, name: &str) -> Result<gst::Element> {
    let none = || Error::Pipeline(format!("the pipeline has no element '{name}'"));
    pipeline.by_name(name).ok_or_else(none)
}

/// As [`element`], where a program gives or takes what flows.
///
/// # Errors
/// If there is none of that kind.
pub fn application_element<E: IsA<gst::Element>>(
    pipeline: &gst::Pipeline,
    name: &str,
) -> Result<E> {
    let other = |_| Error::Pipeline(format!("the element '{name}' is of another kind"));
    element(pipeline, name)?.downcast().map_err(other)
}

/// Sets the file that the element called `name` reads or writes.
///
/// # Errors
/// If there is no such element.
pub fn set_location(pipeline: &gst::Pipeline, name: &str, file: &Path) -> Result<()> {
    element(pipeline, name)?.set_property("location", file);
    Ok(())
}

/// Looks at a pipeline while it runs.
pub trait Watch {
    /// An element said something of its own.
    fn said(&mut self, _message: &gst::StructureRef) {}

    /// An element warned of something.
    fn warned(&mut self, _text: &str) {}

    /// Comes some times a second; gives how far the pipeline is, in any unit.
    fn tick(&mut self) -> u64 {
        0
    }
}

/// Nobody looks.
impl Watch for () {}

/// Plays the pipeline to the end of its stream, and leaves it playing there for who wants to ask it
/// something: [`Playing`] stops it.
///
/// # Errors
/// The first error of an element; [`Error::Interrupted`] after a signal; a pipeline that stands
/// still.
pub fn run<'a>(
    pipeline: &'a gst::Pipeline,
    interrupt: &Interrupt,
    watch: &mut dyn Watch,
) -> Result<Playing<'a>> {
    let bus = pipeline.bus();
    let bus = bus.ok_or_else(|| Error::Pipeline("the pipeline has no bus".to_owned()))?;
    let _wake = interrupt.wake(bus.clone());
    interrupt.check()?;
    let playing = Playing(pipeline);
    let started = pipeline.set_state(gst::State::Playing);
    let (mut reached, mut since) = (0, Instant::now());
    loop {
        let message = bus.timed_pop(TICK);
        interrupt.check()?;
        match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Eos(_)) => return Ok(playing),
            Some(gst::MessageView::Error(error)) => return Err(told(error)),
            Some(gst::MessageView::Warning(warning)) => {
                watch.warned(&warning.error().to_string());
            }
            Some(gst::MessageView::Element(said)) => {
                if let Some(said) = said.structure() {
                    watch.said(said);
                }
            }
            Some(_) => {}
            // The error that goes with it came before.
            None => {
                started?;
            }
        }
        let now = watch.tick();
        if now != reached {
            (reached, since) = (now, Instant::now());
        } else if since.elapsed() > STALL {
            let stood = STALL.as_secs() / 60;
            return Err(Error::Pipeline(format!(
                "the pipeline has stood still for {stood} minutes"
            )));
        }
    }
}

/// That the disk is full, without saying which file; else an error in the words of its element, and where those say little what it tells developers.
fn told(error: &gst::message::Error) -> Error {
    if error.error().matches(gst::ResourceError::NoSpaceLeft) {
        return Error::Full(PathBuf::new());
    }
    let from = error.src().map(|element| element.name().to_string());
    let mut text = format!("{}: {}", from.unwrap_or_default(), error.error());
    let debug = error.debug().unwrap_or_default();
    // File, line and object of the source come first.
    if let Some((_, detail)) = debug.split_once('\n') {
        text.push_str(&format!(" ({})", detail.trim()));
    }
    Error::Pipeline(text)
}

/// A pipeline that stops when this goes.
#[derive(Debug)]
pub struct Playing<'a>(&'a gst::Pipeline);

impl Drop for Playing<'_> {
    fn drop(&mut self) {
        // Going down to Null does not fail.
        let _ = self.0.set_state(gst::State::Null);
    }
}
