//! What decoders make of streams that have lost slices.

use anyhow::{Context, Result};
use gst::prelude::*;
use gst_video::VideoInfo;
use rand::RngExt;
use rand::rngs::StdRng;

use super::clips::Image;

/// Of so many pictures one loses slices, on average.
const SELDOM: usize = 12;
/// Most slices that it loses, one after the other.
const MOST: usize = 3;
/// The first of them is one of these.
const FIRST: usize = 6;

#[derive(Clone, Copy, Debug)]
pub enum Codec {
    H264,
    Mpeg2,
}

impl Codec {
    fn encoder(self) -> &'static str {
        match self {
            Self::H264 => {
                "x264enc key-int-max=25 bitrate=1200 option-string=slices=8 \
                 ! video/x-h264,stream-format=byte-stream"
            }
            // The encoder takes no larger frames; libav's takes none at all in this GStreamer.
            Self::Mpeg2 => {
                "videoscale ! video/x-raw,width=[16,640,2],height=[16,480,2] \
                 ! mpeg2enc format=3 bitrate=2500 ! mpegvideoparse"
            }
        }
    }

    fn decoder(self) -> &'static str {
        match self {
            Self::H264 => "h264parse ! avdec_h264 output-corrupt=true max-threads=1",
            Self::Mpeg2 => "mpegvideoparse ! avdec_mpeg2video output-corrupt=true max-threads=1",
        }
    }

    /// Whether `unit`, which begins with its start code, is a slice.
    fn is_slice(self, unit: &[u8]) -> bool {
        match (self, unit.get(3)) {
            (Self::H264, Some(header)) => matches!(header & 31, 1 | 5),
            (Self::Mpeg2, Some(header)) => (1..=0xaf).contains(header),
            _ => false,
        }
    }
}

/// The frames `images` as they are decoded from a whole stream, and from one that has lost slices.
pub fn decoded(images: &[Image], codec: Codec, random: &mut StdRng) -> Result<[Vec<Image>; 2]> {
    let frames = images.iter().map(even).map(|image| image.frame());
    let frames = frames.collect::<Result<Vec<_>>>()?;
    let caps = frames.first().context("no frames")?.0.to_caps()?;
    let step = gst::ClockTime::SECOND / super::clips::RATE as u64;
    let buffers = (0..).zip(frames).map(|(number, (_, mut buffer))| {
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(number * step);
        }
        buffer
    });
    let encode = format!(
        "videoconvert ! video/x-raw,format=I420 ! {}",
        codec.encoder()
    );
    let coded = through(&encode, &caps, buffers)?;
    let caps = coded
        .first()
        .and_then(|sample| sample.caps())
        .context("caps")?;
    let mut units = Vec::new();
    for sample in &coded {
        units.push(
            sample
                .buffer()
                .context("a buffer")?
                .map_readable()?
                .to_vec(),
        );
    }
    let lossy: Vec<_> = units.iter().map(|unit| lose(unit, codec, random)).collect();
    let decode = |units: Vec<Vec<u8>>| -> Result<Vec<Image>> {
        let decoder = format!(
            "{} ! videoconvert ! video/x-raw,format=RGB",
            codec.decoder()
        );
        let buffers = units.into_iter().map(gst::Buffer::from_mut_slice);
        let samples = through(&decoder, caps, buffers)?;
        let image = |sample: &gst::Sample| {
            let info = VideoInfo::from_caps(sample.caps().context("caps")?)?;
            Image::of(sample.buffer().context("a buffer")?, &info)
        };
        samples.iter().map(image).collect()
    };
    Ok([decode(units)?, decode(lossy)?])
}

/// What comes out of the elements that `description` names when `buffers` go in.
fn through(
    description: &str,
    caps: &gst::CapsRef,
    buffers: impl Iterator<Item = gst::Buffer>,
) -> Result<Vec<gst::Sample>> {
    let description = format!(
        "appsrc name=in format=time max-bytes=0 ! {description} ! appsink name=out sync=false"
    );
    let pipeline = gst::parse::launch(&description)?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .ok()
        .context("a pipeline")?;
    let source = pipeline.by_name("in").context("a source")?;
    let source = source
        .downcast::<gst_app::AppSrc>()
        .ok()
        .context("an appsrc")?;
    source.set_caps(Some(&caps.to_owned()));
    let sink = pipeline.by_name("out").context("a sink")?;
    let sink = sink
        .downcast::<gst_app::AppSink>()
        .ok()
        .context("an appsink")?;
    pipeline.set_state(gst::State::Playing)?;
    for buffer in buffers {
        source.push_buffer(buffer)?;
    }
    source.end_of_stream()?;
    let samples = std::iter::from_fn(|| sink.pull_sample().ok()).collect();
    pipeline.set_state(gst::State::Null)?;
    Ok(samples)
}

/// `picture`, a coded one, without some of its slices or parts of them.
fn lose(picture: &[u8], codec: Codec, random: &mut StdRng) -> Vec<u8> {
    if random.random_range(0..SELDOM) > 0 {
        return picture.to_vec();
    }
    let first = random.random_range(0..FIRST);
    let lost = first..first + random.random_range(1..=MOST);
    let starts: Vec<usize> = (0..picture.len().saturating_sub(2))
        .filter(|at| picture[*at..][..3] == [0, 0, 1])
        .collect();
    let mut rest = picture[..starts.first().copied().unwrap_or(0)].to_vec();
    let ends = starts.iter().copied().skip(1).chain([picture.len()]);
    let mut slice = 0;
    for (start, end) in starts.iter().copied().zip(ends) {
        let unit = &picture[start..end];
        if !codec.is_slice(unit) {
            rest.extend_from_slice(unit);
            continue;
        }
        if !lost.contains(&slice) {
            rest.extend_from_slice(unit);
        } else if random.random() {
            // The rest of it was in a packet that is lost.
            let kept = random.random_range(5..unit.len().max(6));
            rest.extend_from_slice(&unit[..kept.min(unit.len())]);
        }
        slice += 1;
    }
    rest
}

/// `image` without a last column or row that makes its sides odd, which no encoder takes.
fn even(image: &Image) -> Image {
    let (width, height) = (image.width / 2 * 2, image.height / 2 * 2);
    let rows = image.pixels.chunks_exact(3 * image.width).take(height);
    Image {
        width,
        height,
        pixels: rows.flat_map(|row| &row[..3 * width]).copied().collect(),
    }
}
