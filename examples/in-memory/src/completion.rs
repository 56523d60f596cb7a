//! Frames in, completed frames out.

use anyhow::{Context, Result, anyhow, ensure};
use gst::prelude::*;
use gst_app::{AppSink, AppSrc};
use gst_video::{VideoFormat, VideoFrameExt, VideoFrameRef, VideoInfo};
use image::RgbImage;

/// A running pipeline `appsrc ! mdecomplete ! appsink` for RGB frames of one size.
pub struct Completion {
    pipeline: gst::Pipeline,
    source: AppSrc,
    sink: AppSink,
    info: VideoInfo,
}

impl Completion {
    /// Starts completing frames of `width` x `height` pixels. `settings` are properties of
    /// mdecomplete and their values, written as for `gst-launch-1.0`.
    ///
    /// # Errors
    /// Where the plug-in is not found, a property or value does not exist, or the element does not
    /// start; with the element's own words.
    pub fn start(width: u32, height: u32, settings: &[(&str, &str)]) -> Result<Self> {
        let info = VideoInfo::builder(VideoFormat::Rgb, width, height).build()?;
        let source = AppSrc::builder()
            .caps(&info.to_caps()?)
            .format(gst::Format::Time)
            .build();
        let filter = gst::ElementFactory::make("mdecomplete")
            .build()
            .context("GST_PLUGIN_PATH names no folder with libgstmdecomplete.so")?;
        for &(name, value) in settings {
            let property = filter
                .find_property(name)
                .with_context(|| format!("mdecomplete has no property '{name}'"))?;
            let value = gst::glib::Value::deserialize_with_pspec(value, &property)
                .with_context(|| format!("'{value}' is not a value of '{name}'"))?;
            filter.set_property_from_value(name, &value);
        }
        // One frame goes in and one comes out: no clock, nothing dropped.
        let sink = AppSink::builder().sync(false).build();
        let pipeline = gst::Pipeline::new();
        pipeline.add_many([source.upcast_ref(), &filter, sink.upcast_ref()])?;
        gst::Element::link_many([source.upcast_ref(), &filter, sink.upcast_ref()])?;

        let completion = Self {
            pipeline,
            source,
            sink,
            info,
        };
        let started = completion.pipeline.set_state(gst::State::Playing);
        started.map_err(|_| completion.error())?;
        Ok(completion)
    }

    /// Completes one frame.
    ///
    /// # Errors
    /// Where the frame is of another size, or the pipeline has stopped; with the element's words.
    pub fn complete(&self, frame: &RgbImage) -> Result<RgbImage> {
        let size = (self.info.width(), self.info.height());
        ensure!(
            frame.dimensions() == size,
            "a frame of {:?} pixels where {size:?} were agreed",
            frame.dimensions()
        );
        self.source
            .push_buffer(self.to_buffer(frame)?)
            .map_err(|_| self.error())?;
        let sample = self.sink.pull_sample().map_err(|_| self.error())?;
        self.to_picture(sample.buffer().context("a sample without a frame")?)
    }

    fn to_buffer(&self, frame: &RgbImage) -> Result<gst::Buffer> {
        let mut buffer = gst::Buffer::with_size(self.info.size())?;
        let writable = buffer.get_mut().context("a new buffer is ours alone")?;
        let mut target = VideoFrameRef::from_buffer_ref_writable(writable, &self.info)?;
        // GStreamer pads the rows of RGB frames to whole words.
        let stride = target.plane_stride()[0] as usize;
        let row = 3 * frame.width() as usize;
        let rows = target.plane_data_mut(0)?.chunks_mut(stride);
        for (to, from) in rows.zip(frame.as_raw().chunks_exact(row)) {
            to[..row].copy_from_slice(from);
        }
        drop(target);
        Ok(buffer)
    }

    fn to_picture(&self, buffer: &gst::BufferRef) -> Result<RgbImage> {
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &self.info)?;
        let row = 3 * frame.width() as usize;
        let rows = frame
            .plane_data(0)?
            .chunks(frame.plane_stride()[0] as usize);
        let pixels = rows.flat_map(|r| r[..row].iter().copied()).collect();
        RgbImage::from_raw(frame.width(), frame.height(), pixels).context("too few pixels")
    }

    /// What went wrong in the pipeline.
    fn error(&self) -> anyhow::Error {
        let bus = self.pipeline.bus();
        let message = bus.and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        match message.as_ref().map(|m| m.view()) {
            Some(gst::MessageView::Error(error)) => anyhow!("{}", error.error()),
            _ => anyhow!("the pipeline has stopped"),
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        // Nothing is left to be done where stopping fails.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
