//! Whether the element keeps its memory: 20,000 frames, and 100 times from NULL to PLAYING and
//! back, on each execution provider there is, each in a process of its own that must end well.
//!
//! `cargo bench --bench soak -- [execution-provider]`. Fails where resident memory drifts by 2 MB
//! or more, and where a process does not end with 0.

use std::process::{Command, ExitCode};

use gst::prelude::*;
use gst_video::{VideoFormat, VideoInfo};

mod measure;
#[allow(dead_code, reason = "the models that only tests use")]
#[path = "../tests/inference/models.rs"]
mod models;
#[path = "../tests/common/skip.rs"]
mod skip;

use measure::{Verdict, element, face, harness, info, mark};
use models::Model;

const FRAMES: usize = 20_000;
const CYCLES: usize = 100;
/// What comes before the first look: caches fill, threads start.
const WARM_UP: usize = 10;
const MOST_DRIFT_MB: f64 = 2.0;

fn main() -> ExitCode {
    measure::init();
    match measure::arguments().next() {
        Some(provider) => soak(&provider),
        None => each_provider(),
    }
}

fn each_provider() -> ExitCode {
    let this = std::env::current_exe().expect("the benchmark's own file");
    let mut verdict = Verdict::default();
    for provider in ["cpu", "openvino", "cuda", "tensorrt"] {
        let status = Command::new(&this).arg(provider).status();
        let status = status.expect("the benchmark itself");
        let code = status.code().map_or(f64::NAN, f64::from);
        verdict.require(
            &format!("{provider}: exit code"),
            code,
            "0",
            status.success(),
        );
    }
    verdict.exit_code()
}

fn soak(provider: &str) -> ExitCode {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("mean_fill.onnx");
    std::fs::write(&file, Model::mean_fill(96, 96).to_bytes()).expect("a model file");
    let element = element(
        "mdecomplete",
        &[
            ("region", "roi-list"),
            ("occlusion", "eyes"),
            ("execution-provider", provider),
            ("fallback-policy", "error"),
            ("model-file", &file.to_string_lossy()),
        ],
    );
    if element.set_state(gst::State::Paused).is_err() {
        println!("skipped: {provider} is not there");
        let _ = element.set_state(gst::State::Null);
        return ExitCode::SUCCESS;
    }
    element.set_state(gst::State::Null).expect("stopping");

    let mut verdict = Verdict::default();
    let drift = stream(&element);
    verdict.at_most(
        &format!("{provider}: MB more after {FRAMES} frames"),
        drift,
        MOST_DRIFT_MB,
    );
    let drift = cycle(&element);
    verdict.at_most(
        &format!("{provider}: MB more after {CYCLES} starts"),
        drift,
        MOST_DRIFT_MB,
    );
    verdict.exit_code()
}

/// How many megabytes [`FRAMES`] frames leave behind, with zero to three faces each.
fn stream(element: &gst::Element) -> f64 {
    let info = info(VideoFormat::I420, 320, 240);
    let mut harness = harness(element, &info);
    let mut drift = Drift::default();
    for number in 0..FRAMES + FRAMES / WARM_UP {
        if number == FRAMES / WARM_UP {
            drift.begin();
        }
        let frame = frame(&info, number);
        harness.push_and_pull(frame).expect("a frame");
        // Else the harness keeps what it is told for the test to look at.
        while harness.try_pull_event().is_some() {}
    }
    drift.end()
}

/// How many megabytes [`CYCLES`] starts leave behind.
fn cycle(element: &gst::Element) -> f64 {
    let info = info(VideoFormat::I420, 320, 240);
    let mut drift = Drift::default();
    for number in 0..CYCLES + WARM_UP {
        if number == WARM_UP {
            drift.begin();
        }
        let mut harness = harness(element, &info);
        harness.push_and_pull(frame(&info, 1)).expect("a frame");
        drop(harness);
        element.set_state(gst::State::Null).expect("stopping");
    }
    drift.end()
}

fn frame(info: &VideoInfo, number: usize) -> gst::Buffer {
    let mut frame = gst::Buffer::from_mut_slice(vec![128u8; info.size()]);
    for face_number in 0..number % 4 {
        let shift = (number % 50) as f64;
        let face = face(70.0 * face_number as f64 + shift, shift, 82.0);
        mark(frame.make_mut(), &face);
    }
    frame
}

/// Resident memory between two looks.
#[derive(Default)]
struct Drift {
    before: f64,
}

impl Drift {
    fn begin(&mut self) {
        self.before = resident_mb();
    }

    fn end(&self) -> f64 {
        resident_mb() - self.before
    }
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.expect("resident memory") / 1024.0
}
