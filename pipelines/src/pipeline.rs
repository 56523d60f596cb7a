//! Building a pipeline from a description and running it to its end.

use std::path::Path;

use anyhow::Context;
use gst::prelude::*;

/// The pipeline of a `gst-launch-1.0` description.
pub fn parse(description: &str) -> anyhow::Result<gst::Pipeline> {
    gst::parse::launch(description)
        .with_context(|| format!("cannot build the pipeline '{description}'"))?
        .downcast()
        .map_err(|_| anyhow::anyhow!("'{description}' is one element, not a pipeline"))
}

/// The element called `name` in the pipeline's description.
pub fn element(pipeline: &gst::Pipeline, name: &str) -> anyhow::Result<gst::Element> {
    pipeline
        .by_name(name)
        .with_context(|| format!("the pipeline has no element '{name}'"))
}

/// Sets the file that the element called `name` reads or writes.
pub fn set_location(pipeline: &gst::Pipeline, name: &str, file: &Path) -> anyhow::Result<()> {
    element(pipeline, name)?.set_property("location", file);
    Ok(())
}

/// Plays the pipeline to the end of its stream.
pub fn run(pipeline: &gst::Pipeline) -> anyhow::Result<()> {
    let bus = pipeline.bus().context("the pipeline has no bus")?;
    let started = pipeline.set_state(gst::State::Playing);
    let ended = bus.timed_pop_filtered(
        gst::ClockTime::NONE,
        &[gst::MessageType::Eos, gst::MessageType::Error],
    );
    pipeline.set_state(gst::State::Null)?;
    if let Some(gst::MessageView::Error(error)) = ended.as_ref().map(|message| message.view()) {
        let debug = error.debug().unwrap_or_default();
        return Err(anyhow::Error::from(error.error()).context(debug.to_string()));
    }
    started?;
    Ok(())
}
