//! What more regions in a frame cost: 1 and 8 marked faces in 1280x720 I420, in turns.
//!
//! `cargo bench --bench regions -- [execution-provider [precision]]`

use std::time::Instant;

use gst_check::Harness;
use gst_video::{VideoFormat, VideoInfo, VideoRegionOfInterestMeta};

const TURNS: usize = 25;
const FRAMES_A_TURN: usize = 4;
const REGIONS: usize = 8;

fn main() {
    gst::init().expect("GStreamer");
    gstmdecomplete::plugin_register_static().expect("the plug-in");
    let mut arguments = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let provider = arguments.next().unwrap_or_else(|| "cpu".to_owned());
    let precision = arguments.next().unwrap_or_else(|| "auto".to_owned());

    let mut streams = [1, REGIONS].map(|regions| Stream::start(&provider, &precision, regions));
    let mut turns: Vec<[f64; 2]> = (0..=TURNS)
        .map(|_| {
            let [one, all] = &mut streams;
            [one.milliseconds(), all.milliseconds()]
        })
        .collect();
    // The first turn warms up.
    turns.remove(0);
    let one = median(turns.iter().map(|[one, _]| *one));
    let all = median(turns.iter().map(|[_, all]| *all));
    println!(
        "{provider} {precision}: {one:.2} ms a frame with 1 region, {all:.2} ms with {REGIONS}"
    );
    println!("ratio {:.2}", all / one);
}

struct Stream {
    harness: Harness,
    info: VideoInfo,
    regions: usize,
}

impl Stream {
    fn start(provider: &str, precision: &str, regions: usize) -> Self {
        let element = gst::ElementFactory::make("mdecomplete")
            .property_from_str("region", "roi-list")
            .property_from_str("occlusion", "eyes")
            .property_from_str("execution-provider", provider)
            .property_from_str("precision", precision)
            .property_from_str("fallback-policy", "error")
            .build()
            .expect("the element");
        let info = VideoInfo::builder(VideoFormat::I420, 1280, 720)
            .build()
            .expect("a video format");
        let mut harness = Harness::with_element(&element, Some("sink"), Some("src"));
        harness.set_src_caps(info.to_caps().expect("caps"));
        harness.play();
        Self {
            harness,
            info,
            regions,
        }
    }

    /// Mean time of a frame.
    fn milliseconds(&mut self) -> f64 {
        let frames: Vec<gst::Buffer> = (0..FRAMES_A_TURN).map(|_| self.frame()).collect();
        let start = Instant::now();
        for frame in frames {
            self.harness.push_and_pull(frame).expect("a frame");
        }
        start.elapsed().as_secs_f64() * 1e3 / FRAMES_A_TURN as f64
    }

    fn frame(&self) -> gst::Buffer {
        let mut buffer = gst::Buffer::from_mut_slice(vec![128u8; self.info.size()]);
        for region in 0..self.regions as u32 {
            let place = (20 + 150 * region, 200, 120, 160);
            VideoRegionOfInterestMeta::add(buffer.make_mut(), "face", place);
        }
        buffer
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
