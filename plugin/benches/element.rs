//! Frames a second of 96x96 RGB through the element with `region=full-frame`, against a bare ONNX
//! Runtime loop over the same model on the same execution provider.
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
use mde_core::CROP_SIZE;
use mde_core::contract::{INPUT_IMAGE, INPUT_MASK, OUTPUT};
use mde_core::mask::Mask;
use mde_core::occlusion::Occlusion;
use ort::value::TensorRef;

const ROUNDS: usize = 15;
const ROUND_TIME: Duration = Duration::from_millis(400);
const SHAPE: [usize; 4] = [1, 3, CROP_SIZE, CROP_SIZE];

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
    let mut streamed = Streamed::new(&element);
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
    image: Vec<f32>,
    mask: Mask,
}

impl Bare {
    fn new(model: Arc<Model>) -> Self {
        Self {
            model,
            image: vec![0.5; SHAPE.iter().product()],
            mask: Mask::from_occlusions(CROP_SIZE, CROP_SIZE, [Occlusion::Eyes]),
        }
    }

    fn run(&mut self) {
        let inputs = ort::inputs![
            INPUT_IMAGE => TensorRef::from_array_view((SHAPE, self.image.as_slice())).expect("a tensor"),
            INPUT_MASK => TensorRef::from_array_view((SHAPE, self.mask.as_slice())).expect("a tensor"),
        ];
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
    fn new(element: &gst::Element) -> Self {
        let side = CROP_SIZE as u32;
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
