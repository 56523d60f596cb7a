//! What the benchmarks share: elements and frames, rates in turns, verdicts.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo, VideoRegionOfInterestMeta};
use gstmdecomplete::locate::{POINT_FIELDS, POINTS_PARAM};
use gstmdecomplete::runtime::{self, Model, Provider, RuntimeOptions};
use mde_core::alignment::{FacePoints, TEMPLATE};

/// The embedded generator, for those who need the file.
pub const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/face.onnx");

/// Starts GStreamer with the plug-in.
pub fn init() {
    gst::init().expect("GStreamer");
    gstmdecomplete::plugin_register_static().expect("the plug-in");
}

/// The arguments that are not cargo's.
pub fn arguments() -> impl Iterator<Item = String> {
    std::env::args().skip(1).filter(|a| !a.starts_with("--"))
}

/// The folder `argument` for pictures, made where it is not there: one that cannot be made is told before
/// anything is measured.
pub fn pictures_in(argument: &str) -> Result<PathBuf> {
    std::fs::create_dir_all(argument)
        .with_context(|| format!("'{argument}' is no folder that pictures can be put into"))?;
    Ok(PathBuf::from(argument))
}

/// The folder that the environment variable `name` names; nothing where it is not set.
pub fn folder_named(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(name).filter(|value| !value.is_empty());
    folder.map(PathBuf::from)
}

/// The model in the file that the environment variable `name` names, on the CPU; nothing where it is
/// not set.
pub fn model_named(name: &str) -> Result<Option<Arc<Model>>> {
    let Some(file) = std::env::var_os(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let model = std::fs::read(&file).with_context(|| format!("{name}={file:?}"))?;
    let options = RuntimeOptions {
        provider: Provider::Cpu,
        ..RuntimeOptions::default()
    };
    Ok(Some(runtime::open(&model, &options)?))
}

/// The properties that the environment variable `MDE_PROPERTIES` names, as
/// `prototypes=false,temporal-smoothing=0.8`.
pub fn further_properties() -> Vec<(String, String)> {
    let given = std::env::var("MDE_PROPERTIES").unwrap_or_default();
    let pairs = given.split(',').filter_map(|given| given.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Names and values of properties.
pub type Properties<'a> = [(&'a str, &'a str)];

/// An element with `properties` over the defaults.
pub fn element(name: &str, properties: &Properties) -> gst::Element {
    let element = gst::ElementFactory::make(name);
    properties
        .iter()
        .fold(element, |element, (name, value)| {
            element.property_from_str(name, value)
        })
        .build()
        .expect("the element")
}

/// The format of frames of `width` x `height` pixels.
pub fn info(format: VideoFormat, width: u32, height: u32) -> VideoInfo {
    VideoInfo::builder(format, width, height)
        .fps(gst::Fraction::new(30, 1))
        .build()
        .expect("a video format")
}

/// `element` playing, with frames of the format `info` to come.
pub fn harness(element: &gst::Element, info: &VideoInfo) -> Harness {
    let mut harness = Harness::with_element(element, Some("sink"), Some("src"));
    harness.set_src_caps(info.to_caps().expect("caps"));
    harness.play();
    harness
}

/// The points of a face `height` pixels high whose crop begins at `(x, y)`.
pub fn face(x: f64, y: f64, height: f64) -> FacePoints {
    // From hairline to chin the template's face has 82 pixels.
    TEMPLATE.map(|[px, py]| [x + px * height / 82.0, y + py * height / 82.0])
}

/// Marks a face on `buffer` as an upstream detector does.
pub fn mark(buffer: &mut gst::BufferRef, face: &FacePoints) {
    let mut points = gst::Structure::new_empty(POINTS_PARAM);
    for ([x_field, y_field], [x, y]) in POINT_FIELDS.into_iter().zip(face) {
        points.set(x_field, x);
        points.set(y_field, y);
    }
    let [[x, y], _, _, _, [right, down]] = face.map(|point| point.map(|v| v as u32));
    VideoRegionOfInterestMeta::add(buffer, "face", (x, y, right - x, down - y)).add_param(points);
}

/// How often a second `work` is done, measured for `time`.
pub fn rate(time: Duration, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut done = 0;
    while start.elapsed() < time {
        work();
        done += 1;
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

/// The middle one of `values`.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A time in milliseconds out of the element's statistics.
pub fn stat_ms(element: &gst::Element, name: &str) -> f64 {
    let stats = element.property::<gst::Structure>("stats");
    stats.get::<u64>(name).expect("a time") as f64 / 1e3
}

/// Whether all that is required holds.
#[derive(Default)]
pub struct Verdict {
    failures: usize,
}

impl Verdict {
    /// Prints what was found; `holds` says whether that is `required`.
    pub fn require(&mut self, what: &str, found: f64, required: &str, holds: bool) {
        let word = if holds { "ok" } else { "MISSED" };
        println!("{what:56} {found:9.3}  required: {required}  {word}");
        self.failures += usize::from(!holds);
    }

    /// `found >= least` is required.
    pub fn at_least(&mut self, what: &str, found: f64, least: f64) {
        self.require(what, found, &format!("at least {least}"), found >= least);
    }

    /// `found <= most` is required.
    pub fn at_most(&mut self, what: &str, found: f64, most: f64) {
        self.require(what, found, &format!("at most {most}"), found <= most);
    }

    /// Failure where anything was missed.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.failures > 0))
    }
}
