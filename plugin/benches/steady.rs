//! What blending a completion with earlier ones costs a face, on crops of 96x96 pixels that move
//! and shine as a face before a camera does.
//!
//! `cargo bench --bench steady`; ends with an error where it is more than is allowed.

mod measure;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use gstmdecomplete::finish::{CompletedCrop, TemporalBlend};
use mde_core::CROP_SIZE;
use mde_core::mask::Mask;
use mde_core::occlusion::Occlusion;

use measure::Verdict;

const SIZE: (usize, usize) = (CROP_SIZE, CROP_SIZE);
const FRAMES: u32 = 2000;
/// Most of a frame's time for one face, in milliseconds, with the eyes or the mouth covered.
const MOST: f64 = 0.05;

fn main() -> ExitCode {
    let mut verdict = Verdict::default();
    for occlusion in [Occlusion::Eyes, Occlusion::Mouth] {
        let what = format!("ms a face, {occlusion} covered");
        verdict.at_most(&what, milliseconds(occlusion), MOST);
    }
    println!(
        "{:.3} ms with a half covered",
        milliseconds(Occlusion::LeftHalf)
    );
    verdict.exit_code()
}

/// The median time of a frame.
fn milliseconds(occlusion: Occlusion) -> f64 {
    let mask = Mask::from_occlusions(SIZE.0, SIZE.1, [occlusion]);
    let mut blend = TemporalBlend::new(SIZE);
    let times = (0..FRAMES).map(|frame| {
        let picture = picture(0.3 * (frame as f32).sin());
        let mut completed = picture.clone();
        let mut crop = CompletedCrop::new(SIZE, &picture, mask.as_slice(), &mut completed);
        let now = Duration::from_millis(33) * (frame + 1);
        let start = Instant::now();
        blend.blend(1, &mut crop, now, 0.8);
        start.elapsed().as_secs_f64() * 1e3
    });
    measure::median(times.collect::<Vec<f64>>())
}

/// Waves, `shift` pixels to the right.
fn picture(shift: f32) -> Vec<f32> {
    let values = (0..3 * CROP_SIZE * CROP_SIZE).map(|i| {
        let (x, y) = ((i % CROP_SIZE) as f32, (i / CROP_SIZE % CROP_SIZE) as f32);
        0.5 + 0.2 * (0.3 * (x - shift)).sin() + 0.2 * (0.2 * y).cos()
    });
    values.collect()
}
