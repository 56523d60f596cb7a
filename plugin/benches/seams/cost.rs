//! What matching a completion to its surroundings costs.

use std::time::Instant;

use gst_video::{VideoFormat, VideoFrameRef, VideoInfo};
use gstmdecomplete::finish::{Border, CompletedCrop};
use gstmdecomplete::frame::{Channels, Completion, Hole, Writer};
use mde_core::CROP_SIZE;
use mde_core::alignment::Affine;
use mde_core::mask::Mask;
use mde_core::occlusion::Occlusion;

use super::measure::{self, Verdict};
use super::scene::{HEIGHT, WIDTH};

const RUNS: usize = 300;

/// Side of the square of the frame that becomes the crop.
const SIDE: f64 = 400.0;

/// Milliseconds a face, for a face of 400 pixels in 1920x1080.
const MOST: f64 = 0.5;

/// Judges what it takes.
pub fn judge(verdict: &mut Verdict) {
    for format in [VideoFormat::I420, VideoFormat::Rgb, VideoFormat::P01010le] {
        for occlusion in [Occlusion::Eyes, Occlusion::Mouth, Occlusion::RightHalf] {
            let [border, grain] = milliseconds(format, occlusion);
            println!(
                "{format}, {}: border {border:.3} ms, grain {grain:.3} ms",
                occlusion.name()
            );
            let what = format!("{format}, {}: ms a face", occlusion.name());
            verdict.at_most(&what, border + grain, MOST);
        }
    }
}

/// Of the border and of the grain.
fn milliseconds(format: VideoFormat, occlusion: Occlusion) -> [f64; 2] {
    let info = measure::info(format, WIDTH as u32, HEIGHT as u32);
    let mask = Mask::from_occlusions(CROP_SIZE, CROP_SIZE, [occlusion]);
    let hole = Hole::new(&mask, 2.0);
    let values = 3 * CROP_SIZE * CROP_SIZE;
    let image: Vec<f32> = (0..values).map(|i| (i * 31 % 251) as f32 / 500.0).collect();
    let generated: Vec<f32> = image.iter().map(|v| v + 0.03).collect();
    let mut completed = generated.clone();
    let mut fitter = Border::default();
    let border = median_time(|| {
        completed.copy_from_slice(&generated);
        let mut crop = CompletedCrop {
            covered: Some(mask.as_slice()),
            ..CompletedCrop::new(
                (CROP_SIZE, CROP_SIZE),
                &image,
                mask.as_slice(),
                &mut completed,
            )
        };
        fitter.fit(&mut crop, 1.0);
    });
    let mut frame = Frame::new(info);
    let mut completion = Completion {
        rgb: &completed,
        image: &image,
        hole: &hole,
        channels: Channels::Rgb,
        strength: 1.0,
        grain: 1.0,
        pixels: None,
        layers: Default::default(),
        refined: None,
    };
    let with_grain = median_time(|| frame.write(&completion));
    completion.grain = 0.0;
    let without = median_time(|| frame.write(&completion));
    [border, with_grain - without]
}

struct Frame {
    info: VideoInfo,
    buffer: gst::Buffer,
    writer: Writer,
    to_crop: Affine,
}

impl Frame {
    /// A frame of noise.
    fn new(info: VideoInfo) -> Self {
        let bytes = (0..info.size()).map(|i| (i * 31 % 251) as u8).collect();
        let scale = CROP_SIZE as f64 / SIDE;
        Self {
            info,
            buffer: gst::Buffer::from_mut_slice::<Vec<u8>>(bytes),
            writer: Writer::default(),
            to_crop: Affine {
                linear: [[scale, 0.0], [0.0, scale]],
                translation: [-170.3, -60.7],
            },
        }
    }

    fn write(&mut self, completion: &Completion<'_>) {
        let buffer = self.buffer.get_mut().expect("the only reference");
        let frame = VideoFrameRef::from_buffer_ref_writable(buffer, &self.info);
        let mut frame = frame.expect("a frame");
        self.writer
            .write(&mut frame, &self.to_crop, completion)
            .expect("an inverse");
    }
}

fn median_time(mut work: impl FnMut()) -> f64 {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e3
    });
    measure::median(times)
}
