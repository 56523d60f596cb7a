//! Frames a second where there is nothing to complete, against GStreamer's `identity`:
//! 1920x1080 I420 from `videotestsrc` to `fakesink`, and the element alone.
//!
//! `cargo bench --bench passthrough`. The elements take turns, so that all meet the same noise of
//! the machine. Fails below 0.98 of `identity` in the pipeline.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst_video::VideoFormat;

mod measure;

use measure::{Properties, Verdict, element, harness, info, median, rate};

const ROUNDS: usize = 15;
const FRAMES: u32 = 600;

/// Name, element, properties.
const CONTENDERS: [(&str, &str, &Properties); 3] = [
    ("identity", "identity", &[]),
    (
        "no occlusion",
        "mdecomplete",
        &[("region", "full-frame"), ("execution-provider", "cpu")],
    ),
    (
        "no region",
        "mdecomplete",
        &[
            ("region", "roi-list"),
            ("occlusion", "eyes"),
            ("execution-provider", "cpu"),
        ],
    ),
];

fn main() -> ExitCode {
    measure::init();
    let mut verdict = Verdict::default();

    let rounds: Vec<[f64; 3]> = (0..=ROUNDS)
        .map(|_| CONTENDERS.map(|(_, name, properties)| in_pipeline(&element(name, properties))))
        .skip(1)
        .collect();
    println!("in a pipeline, 1920x1080 I420, median of {ROUNDS} turns");
    report(&rounds, |what, ratio| verdict.at_least(what, ratio, 0.98));

    let info = info(VideoFormat::I420, 1920, 1080);
    let mut alone = CONTENDERS.map(|(_, name, properties)| {
        let frame = gst::Buffer::from_mut_slice(vec![128u8; info.size()]);
        (harness(&element(name, properties), &info), Some(frame))
    });
    let rounds: Vec<[f64; 3]> = (0..=ROUNDS)
        .map(|_| {
            alone.each_mut().map(|(harness, frame)| {
                rate(Duration::from_millis(100), || {
                    let buffer = frame.take().expect("the buffer came back");
                    *frame = Some(harness.push_and_pull(buffer).expect("a frame"));
                })
            })
        })
        .skip(1)
        .collect();
    println!("alone, one frame over and over, median of {ROUNDS} turns");
    report(&rounds, |what, ratio| println!("{what:56} {ratio:9.3}"));
    verdict.exit_code()
}

/// Prints the rates and gives each ratio to the first contender to `judge`.
fn report(rounds: &[[f64; 3]], mut judge: impl FnMut(&str, f64)) {
    for (index, (name, _, _)) in CONTENDERS.into_iter().enumerate() {
        let rate = median(rounds.iter().map(|round| round[index]));
        println!(
            "{name:40} {rate:12.1} frames/s {:9.3} us a frame",
            1e6 / rate
        );
    }
    for (index, (name, _, _)) in CONTENDERS.into_iter().enumerate().skip(1) {
        let ratio = median(rounds.iter().map(|round| round[index] / round[0]));
        judge(&format!("ratio {name} to identity"), ratio);
    }
}

/// Frames a second of a pipeline, its start not counted.
fn in_pipeline(element: &gst::Element) -> f64 {
    let source = format!(
        "videotestsrc pattern=black num-buffers={FRAMES} ! capsfilter \
         caps=video/x-raw,format=I420,width=1920,height=1080"
    );
    let source = gst::parse::bin_from_description(&source, true).expect("a source");
    let sink = gst::ElementFactory::make("fakesink")
        .property("sync", false)
        .build()
        .expect("a sink");
    let pipeline = gst::Pipeline::new();
    let elements = [source.upcast_ref(), element, &sink];
    pipeline.add_many(elements).expect("elements");
    gst::Element::link_many(elements).expect("links");
    pipeline.set_state(gst::State::Paused).expect("pausing");
    pipeline.state(None).0.expect("paused");

    let start = Instant::now();
    pipeline.set_state(gst::State::Playing).expect("playing");
    let end = [gst::MessageType::Eos, gst::MessageType::Error];
    let bus = pipeline.bus().expect("a bus");
    let message = bus.timed_pop_filtered(None, &end).expect("a message");
    let time = start.elapsed();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
    pipeline.set_state(gst::State::Null).expect("stopping");
    f64::from(FRAMES) / time.as_secs_f64()
}
