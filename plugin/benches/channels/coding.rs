//! Frames after a coder has had them.

use anyhow::{Context, Result};
use gst::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use crate::clips::RATE;

/// H.264 as it is sent where room is short: crf 30.
const CODER: &str = "appsrc name=frames format=time block=true max-buffers=8 \
     ! x264enc pass=qual quantizer=30 speed-preset=veryfast ! h264parse ! avdec_h264 \
     ! appsink name=sink sync=false max-buffers=8";

/// Shows `see` each of `frames` after it was coded and decoded, in their order.
pub fn coded(
    frames: impl Iterator<Item = Result<(VideoInfo, gst::Buffer)>> + Send,
    mut see: impl FnMut(&VideoFrameRef<&gst::BufferRef>),
) -> Result<()> {
    let pipeline = gst::parse::launch(CODER)?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().ok();
    let pipeline = pipeline.context("a pipeline")?;
    let source = pipeline.by_name("frames").context("a source")?;
    let source = source.downcast::<gst_app::AppSrc>().ok();
    let source = source.context("an appsrc")?;
    let sink = pipeline.by_name("sink").context("a sink")?;
    let sink = sink.downcast::<gst_app::AppSink>().ok();
    let sink = sink.context("an appsink")?;
    pipeline.set_state(gst::State::Playing)?;
    std::thread::scope(|scope| {
        let feeding = scope.spawn(move || feed(&source, frames));
        while let Ok(sample) = sink.pull_sample() {
            let info = VideoInfo::from_caps(sample.caps().context("caps")?)?;
            let buffer = sample.buffer().context("a buffer")?;
            see(&VideoFrameRef::from_buffer_ref_readable(buffer, &info)?);
        }
        feeding.join().expect("no panic")
    })?;
    pipeline.set_state(gst::State::Null)?;
    Ok(())
}

fn feed(
    source: &gst_app::AppSrc,
    frames: impl Iterator<Item = Result<(VideoInfo, gst::Buffer)>>,
) -> Result<()> {
    for (number, frame) in (0u64..).zip(frames) {
        let (info, mut buffer) = frame?;
        if number == 0 {
            source.set_caps(Some(&info.to_caps()?));
        }
        let buffer_ref = buffer.make_mut();
        buffer_ref.set_pts(gst::ClockTime::SECOND * number / RATE as u64);
        buffer_ref.set_duration(gst::ClockTime::SECOND / RATE as u64);
        source.push_buffer(buffer)?;
    }
    source.end_of_stream()?;
    Ok(())
}
