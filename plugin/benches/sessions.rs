//! What more elements in one process cost: resident memory with 1 and with 8 of them, which share
//! the weights.
//!
//! `cargo bench --bench sessions -- [execution-provider]`; ends with an error where 8 elements take
//! more than 1.3 times what one takes.

use std::process::ExitCode;

use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo};
use mde_core::CROP_SIZE;

const ELEMENTS: usize = 8;
const FRAMES: usize = 20;
const LIMIT: f64 = 1.3;

fn main() -> ExitCode {
    gst::init().expect("GStreamer");
    gstmdecomplete::plugin_register_static().expect("the plug-in");
    let provider = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    let provider = provider.unwrap_or_else(|| "cpu".to_owned());

    let mut streams = vec![Stream::start(&provider)];
    streams[0].run();
    let one = resident_mb();
    streams.resize_with(ELEMENTS, || Stream::start(&provider));
    for stream in &mut streams {
        stream.run();
    }
    let all = resident_mb();
    let ratio = all / one;
    println!("{provider}: resident memory {one:.1} MB with 1 element, {all:.1} MB with {ELEMENTS}");
    println!("ratio {ratio:.2}, at most {LIMIT} allowed");
    match ratio <= LIMIT {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

struct Stream {
    harness: Harness,
    info: VideoInfo,
}

impl Stream {
    fn start(provider: &str) -> Self {
        let element = gst::ElementFactory::make("mdecomplete")
            .property_from_str("region", "full-frame")
            .property_from_str("occlusion", "eyes")
            .property_from_str("execution-provider", provider)
            .property_from_str("fallback-policy", "error")
            .build()
            .expect("the element");
        let side = CROP_SIZE as u32;
        let info = VideoInfo::builder(VideoFormat::Rgb, side, side)
            .build()
            .expect("a video format");
        let mut harness = Harness::with_element(&element, Some("sink"), Some("src"));
        harness.set_src_caps(info.to_caps().expect("caps"));
        harness.play();
        Self { harness, info }
    }

    fn run(&mut self) {
        for _ in 0..FRAMES {
            let frame = gst::Buffer::from_mut_slice(vec![128u8; self.info.size()]);
            self.harness.push_and_pull(frame).expect("a frame");
        }
    }
}

/// Of this process, by the second number of `/proc/self/statm`, pages of 4 KiB.
fn resident_mb() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("the kernel's figures");
    let pages = statm.split_whitespace().nth(1).expect("a second number");
    pages.parse::<f64>().expect("a number") * 4096.0 / 1e6
}
