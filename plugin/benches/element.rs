//! Frames a second of RGB at the generator's size through the element with `region=full-frame`,
//! against a bare ONNX Runtime loop over the same model on the same execution provider.
//!
//! `cargo bench --bench element -- [execution-provider [precision [model-file]]]`; the defaults
//! are `cpu`, `auto` and the embedded model. The two take turns, so that both meet the same noise
//! of the machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo};
use gstmdecomplete::element::{ExecutionProvider, Precision};
use gstmdecomplete::runtime::{self, FallbackPolicy, Model, RuntimeOptions};
use mde_core::contract::OUTPUT;
use ort::session::SessionInputValue;
use ort::value::TensorRef;

const ROUNDS: usize = 15;
const ROUND_TIME: Duration = Duration::from_millis(400);

fn main() {
    gst::init().expect("GStreamer");
    gstmdecomplete::plugin_register_static().expect("the plug-in");
    let mut arguments = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let provider = arguments.next().unwrap_or_else(|| "cpu".to_owned());
    let precision = arguments.next().unwrap_or_else(|| "auto".to_owned());
    let model_file = arguments.next();

    let element = gst::ElementFactory::make("mdecomplete")
        .property_from_str("region", "full-frame")
        .property_from_str("occlusion", "eyes")
        .property_from_str("execution-provider", &provider)
        .property_from_str("precision", &precision)
        .property_from_str("fallback-policy", "error")
        .property("calibrate", false)
        .property("model-file", &model_file)
        .build()
        .expect("the element");
    let options = RuntimeOptions {
        provider: element
            .property::<ExecutionProvider>("execution-provider")
            .into(),
        precision: element.property::<Precision>("precision").into(),
        fallback: FallbackPolicy::Error,
        ..Default::default()
    };
    let model = match &model_file {
        Some(file) => std::fs::read(file).expect("the model file"),
        None => include_bytes!("../models/face.onnx").to_vec(),
    };
    let model = runtime::open(&model, &options).expect("a session");
    println!("{}", model.active());

    let mut bare = Bare::new(model);
    let mut streamed = Streamed::new(&element, bare.side());
    let mut rounds: Vec<[f64; 2]> = (0..=ROUNDS)
        .map(|_| [rate(|| bare.run()), rate(|| streamed.run())])
        .collect();
    // The first round warms up.
    rounds.remove(0);

    let bare = median(rounds.iter().map(|[bare, _]| *bare));
    let streamed = median(rounds.iter().map(|[_, streamed]| *streamed));
    let ratio = median(rounds.iter().map(|[bare, streamed]| streamed / bare));
    println!("bare ONNX Runtime loop  {bare:8.1} frames/s");
    println!("through the element     {streamed:8.1} frames/s");
    println!("ratio (median of {ROUNDS} turns) {ratio:.3}");
}

struct Bare {
    model: Arc<Model>,
    /// Names, shapes and values.
    inputs: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl Bare {
    fn new(model: Arc<Model>) -> Self {
        let session = model.session();
        let input = |input: &ort::value::Outlet| {
            let shape = input.dtype().tensor_shape().expect("a tensor");
            // What is free is the number of pictures.
            let shape: Vec<usize> = shape.iter().map(|&side| side.max(1) as usize).collect();
            let values = vec![0.5; shape.iter().product()];
            (input.name().to_owned(), shape, values)
        };
        let inputs = session.inputs().iter().map(input).collect();
        drop(session);
        Self { model, inputs }
    }

    /// Of the pictures, in pixels.
    fn side(&self) -> u32 {
        self.inputs[0].1[3] as u32
    }

    fn run(&mut self) {
        let inputs: Vec<(&str, SessionInputValue)> = (self.inputs.iter())
            .map(|(name, shape, values)| {
                let tensor = TensorRef::from_array_view((shape.as_slice(), values.as_slice()));
                (name.as_str(), tensor.expect("a tensor").into())
            })
            .collect();
        let mut session = self.model.session();
        let outputs = session.run(inputs).expect("an inference");
        let (_, values) = outputs[OUTPUT]
            .try_extract_tensor::<f32>()
            .expect("a picture");
        std::hint::black_box(values[0]);
    }
}

struct Streamed {
    harness: Harness,
    buffer: Option<gst::Buffer>,
}

impl Streamed {
    fn new(element: &gst::Element, side: u32) -> Self {
        let info = VideoInfo::builder(VideoFormat::Rgb, side, side)
            .build()
            .expect("a video format");
        let mut harness = Harness::with_element(element, Some("sink"), Some("src"));
        harness.set_src_caps(info.to_caps().expect("caps"));
        harness.play();
        Self {
            harness,
            buffer: Some(gst::Buffer::from_mut_slice(vec![128u8; info.size()])),
        }
    }

    fn run(&mut self) {
        let buffer = self.buffer.take().expect("the buffer came back");
        self.buffer = Some(self.harness.push_and_pull(buffer).expect("a frame"));
    }
}

/// How often a second `work` is done.
fn rate(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut done = 0;
    while start.elapsed() < ROUND_TIME {
        work();
        done += 1;
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
