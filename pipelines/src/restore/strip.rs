//! Small pictures out of a recording, for people to look at.

use std::path::Path;

use gst::glib;
use gst::prelude::*;
use gst_app::AppSink;

use crate::sequence::{Pattern, Pictures, Rate};
use crate::{Error, Result, pipeline};

/// What does not come in so long never will.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(30);

/// How many pixels the pictures are high.
const HEIGHT: u32 = 180;

/// The pictures of the recording or sequence `file`, which lasts `duration` seconds, at `moments`, in
/// seconds from its start: JPEG files in base64, of the frames that are shown then.
///
/// # Errors
/// If it cannot be decoded.
pub fn of(file: &Path, moments: &[f64], duration: f64) -> Result<Vec<String>> {
    match Pattern::of(file) {
        Some(pattern) => {
            let pictures = Pictures::open(pattern, Rate::default())?;
            let glance = |moment: &f64| {
                let bytes = pictures.glance(moment / duration.max(1e-9), HEIGHT)?;
                Ok(glib::base64_encode(&bytes).into())
            };
            moments.iter().map(glance).collect()
        }
        None => of_recording(file, moments),
    }
}

fn of_recording(file: &Path, moments: &[f64]) -> Result<Vec<String>> {
    let pipeline = pipeline::parse(&format!(
        "filesrc name=read ! decodebin force-sw-decoders=true ! videoconvert ! videoflip video-direction=auto ! videoscale \
         ! video/x-raw,height={HEIGHT},pixel-aspect-ratio=1/1 ! jpegenc quality=80 \
         ! appsink name=taken sync=false"
    ))?;
    pipeline::set_location(&pipeline, "read", file)?;
    let taken = pipeline::application_element::<AppSink>(&pipeline, "taken")?;
    let shown = moments
        .iter()
        .map(|moment| picture(&pipeline, &taken, *moment));
    let shown = shown.collect();
    // Going down to Null does not fail.
    let _ = pipeline.set_state(gst::State::Null);
    shown
}

fn picture(pipeline: &gst::Pipeline, taken: &AppSink, moment: f64) -> Result<String> {
    let none = || Error::Pipeline(format!("there is no picture at {moment:.2} s"));
    pipeline.set_state(gst::State::Paused)?;
    pipeline.state(PATIENCE).0?;
    let time = gst::ClockTime::from_nseconds((moment.max(0.0) * 1e9) as u64);
    pipeline.seek_simple(gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE, time)?;
    pipeline.state(PATIENCE).0?;
    let sample = taken.try_pull_preroll(PATIENCE).ok_or_else(none)?;
    let bytes = sample
        .buffer()
        .and_then(|buffer| buffer.map_readable().ok());
    Ok(glib::base64_encode(&bytes.ok_or_else(none)?).into())
}
