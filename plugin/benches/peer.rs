//! Frames a second of 1920x1080 I420 with one face of 400 pixels that upstream marked by its
//! points, against what a user would write with OpenCV and ONNX Runtime; the time outside inference
//! there and in 3840x2160.
//!
//! `cargo bench --bench peer`. `MDECOMPLETE_PEER` names the other program: a command that is
//! called with `MODEL VIDEO --points x,y x,y x,y x,y x,y --frames N` and prints `... N frames/s`.
//! Without it that comparison is left out. The two take turns over the same clip. Fails below 4
//! times the other's rate, and above 0.6 ms (0.8 ms in 3840x2160) outside inference, to which what
//! makes completions fit their surroundings may add 0.5 ms.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo};
use mde_core::alignment::FacePoints;

mod measure;

use measure::{Verdict, element, face, harness, info, mark, median, stat_ms};

const FRAMES: usize = 40;
const ROUNDS: usize = 5;
const PEER_ROUNDS: usize = 3;
const HEIGHT: f64 = 400.0;

fn main() -> ExitCode {
    measure::init();
    let mut verdict = Verdict::default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clip = folder.path().join("clip.avi");
    write_clip(&clip);
    let (info, frames) = read_clip(&clip);
    let faces = [face(700.0, 250.0, HEIGHT)];

    let mut run = Run::new(&info, true);
    run.rate(&frames, &faces);
    let ours = median((0..ROUNDS).map(|_| run.rate(&frames, &faces)));
    println!("1920x1080, one face of {HEIGHT} px: {ours:.1} frames/s");
    run.report(&mut verdict, "1920x1080", 0.6 + FITTING_MOST);
    plain(&mut verdict, &info, &frames, &faces, ("1920x1080", 0.6));
    match std::env::var("MDECOMPLETE_PEER") {
        Ok(peer) => {
            let turns = (0..PEER_ROUNDS).map(|_| {
                let ours = run.rate(&frames, &faces);
                let theirs = peer_rate(&peer, &clip, &faces[0]);
                println!("{ours:8.1} frames/s here, {theirs:8.1} frames/s there");
                ours / theirs
            });
            verdict.at_least("ratio to the other program", median(turns), 4.0);
        }
        Err(_) => println!("skipped: MDECOMPLETE_PEER names no other program"),
    }

    let info = measure::info(VideoFormat::I420, 3840, 2160);
    let frame = gst::Buffer::from_mut_slice(vec![128u8; info.size()]);
    let frames = vec![frame; FRAMES];
    plain(&mut verdict, &info, &frames, &faces, ("3840x2160", 0.8));
    verdict.exit_code()
}

/// Judges the time outside inference without what makes completions fit.
fn plain(
    verdict: &mut Verdict,
    info: &VideoInfo,
    frames: &[gst::Buffer],
    faces: &[FacePoints],
    (what, most): (&str, f64),
) {
    let mut run = Run::new(info, false);
    for _ in 0..ROUNDS {
        run.rate(frames, faces);
    }
    run.report(verdict, &format!("{what}, plain"), most);
}

/// What makes completions fit their surroundings, in the picture and in time.
const FITTING: [&str; 3] = ["border-match", "grain", "temporal-smoothing"];
/// What that may take, in ms.
const FITTING_MOST: f64 = 0.5;

/// The element on frames with marked faces.
struct Run {
    element: gst::Element,
    harness: Harness,
}

impl Run {
    /// At its default settings, or without what makes completions fit.
    fn new(info: &VideoInfo, fits: bool) -> Self {
        let element = element(
            "mdecomplete",
            &[("region", "roi-list"), ("occlusion", "eyes")],
        );
        for property in FITTING.iter().filter(|_| !fits) {
            element.set_property_from_str(property, "0");
        }
        let harness = harness(&element, info);
        let provider = element.property::<String>("active-execution-provider");
        println!("generator on {provider}");
        Self { element, harness }
    }

    /// Frames a second; copying the frames and marking the faces is not counted.
    fn rate(&mut self, frames: &[gst::Buffer], faces: &[FacePoints]) -> f64 {
        let mut time = Duration::ZERO;
        for frame in frames {
            let mut frame = frame.copy_deep().expect("a copy");
            for face in faces {
                mark(frame.make_mut(), face);
            }
            let start = Instant::now();
            let out = self.harness.push_and_pull(frame).expect("a frame");
            time += start.elapsed();
            drop(out);
        }
        frames.len() as f64 / time.as_secs_f64()
    }

    /// Prints where the time went since the start, and judges that outside inference.
    fn report(&self, verdict: &mut Verdict, what: &str, most: f64) {
        let time = |step: &str| stat_ms(&self.element, &format!("{step}-us-p50"));
        println!("{what}: inference {:.3} ms", time("inference"));
        let steps = ["locate", "preprocess", "postprocess"].map(|step| (step, time(step)));
        for (step, time) in steps {
            println!("{what}: {step} {time:.3} ms");
        }
        let outside = steps.iter().map(|(_, time)| time).sum();
        verdict.at_most(&format!("{what}: ms outside inference"), outside, most);
    }
}

fn write_clip(file: &Path) {
    let pipeline = format!(
        "videotestsrc num-buffers={FRAMES} pattern=ball background-color=0xff806040 ! \
         video/x-raw,format=I420,width=1920,height=1080,framerate=30/1 ! jpegenc ! avimux ! \
         filesink location={}",
        file.display()
    );
    let pipeline = gst::parse::launch(&pipeline).expect("a pipeline");
    pipeline.set_state(gst::State::Playing).expect("playing");
    let end = [gst::MessageType::Eos, gst::MessageType::Error];
    let bus = pipeline.bus().expect("a bus");
    let message = bus.timed_pop_filtered(None, &end).expect("a message");
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
    pipeline.set_state(gst::State::Null).expect("stopping");
}

fn read_clip(file: &Path) -> (VideoInfo, Vec<gst::Buffer>) {
    let info = info(VideoFormat::I420, 1920, 1080);
    let pipeline = gst::parse::launch(&format!(
        "filesrc location={} ! avidemux ! jpegdec ! videoconvert ! video/x-raw,format=I420 ! \
         appsink name=sink sync=false",
        file.display()
    ));
    let pipeline = pipeline.expect("a pipeline");
    let bin = pipeline
        .downcast_ref::<gst::Bin>()
        .expect("several elements");
    let sink = bin.by_name("sink").and_downcast::<gst_app::AppSink>();
    let sink = sink.expect("the sink");
    pipeline.set_state(gst::State::Playing).expect("playing");
    let frames: Vec<_> = std::iter::from_fn(|| sink.pull_sample().ok())
        .map(|sample| {
            sample
                .buffer()
                .expect("a frame")
                .copy_deep()
                .expect("a copy")
        })
        .collect();
    pipeline.set_state(gst::State::Null).expect("stopping");
    assert_eq!(frames.len(), FRAMES);
    assert_eq!(frames[0].size(), info.size());
    (info, frames)
}

/// What the other program prints before `frames/s`.
fn peer_rate(peer: &str, clip: &Path, face: &FacePoints) -> f64 {
    let points = face.map(|[x, y]| format!("{x:.2},{y:.2}"));
    let mut words = peer.split_whitespace();
    let output = Command::new(words.next().expect("a command"))
        .args(words)
        .arg(measure::MODEL)
        .arg(clip)
        .arg("--points")
        .args(points)
        .args(["--frames", &FRAMES.to_string()])
        .output()
        .expect("the other program");
    let said = String::from_utf8_lossy(&output.stdout);
    let before = said.split("frames/s").next().unwrap_or_default();
    let number = before.split_whitespace().last();
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| {
            let errors = String::from_utf8_lossy(&output.stderr);
            panic!("the other program gives no rate: {said}{errors}")
        })
}
