//! Sampling a crop from the planes of a frame.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::alignment::Affine;

use super::colour::Colour;
use super::component::{self, Layout, Samples};

/// Most samples averaged for one crop pixel in each direction, where the crop is smaller than its
/// region of the frame.
const MAX_SAMPLES: f64 = 3.0;

/// Reads the crop of `size` = (width, height) that `to_frame` maps into `frame`.
///
/// `rgb` becomes `[3, H, W]` in `[0, 1]`, interpolated bilinearly, beyond the frame its edge;
/// `inside` becomes `[H, W]`, 1 where the crop pixel lies in the frame, else 0.
///
/// # Panics
/// If `rgb` or `inside` has another length, or the format is not a
/// [supported](super::SUPPORTED_FORMATS) one.
pub fn read_crop<T>(
    frame: &VideoFrameRef<T>,
    to_frame: &Affine,
    (width, height): (usize, usize),
    rgb: &mut [f32],
    inside: &mut [f32],
) {
    assert_eq!(rgb.len(), 3 * width * height, "three values a pixel");
    assert_eq!(inside.len(), width * height, "one value a pixel");
    let colour = Colour::of(frame.info());
    let samples = |index: usize| {
        let data = frame
            .comp_data(index as u32)
            .expect("a supported format has the component");
        Samples::new(data, &Layout::of(frame, index))
    };
    let bytes_at: &dyn Fn(f32, f32) -> [f32; 3] = match component::count(frame) {
        1 => {
            let gray = samples(0);
            &move |x, y| [gray.at(x, y); 3]
        }
        _ => {
            let three = [samples(0), samples(1), samples(2)];
            &move |x, y| three.map(|samples| samples.at(x, y))
        }
    };
    let grid = Grid::new(to_frame);
    let (frame_width, frame_height) = (f64::from(frame.width()), f64::from(frame.height()));
    let (red, rest) = rgb.split_at_mut(width * height);
    let (green, blue) = rest.split_at_mut(width * height);
    for y in 0..height {
        for x in 0..width {
            let at = to_frame.apply([x as f64, y as f64]);
            let pixel = y * width + x;
            let is_inside = (-0.5..frame_width - 0.5).contains(&at[0])
                && (-0.5..frame_height - 0.5).contains(&at[1]);
            inside[pixel] = f32::from(u8::from(is_inside));
            let bytes = grid.mean(at, bytes_at);
            [red[pixel], green[pixel], blue[pixel]] = colour.to_rgb(bytes);
        }
    }
}

/// The positions whose mean stands for a crop pixel.
struct Grid {
    counts: [usize; 2],
    steps: [[f64; 2]; 2],
}

impl Grid {
    fn new(to_frame: &Affine) -> Self {
        let [[a, b], [c, d]] = to_frame.linear;
        let count = |length: f64| length.round().clamp(1.0, MAX_SAMPLES) as usize;
        let counts = [count(a.hypot(c)), count(b.hypot(d))];
        let [right, down] = counts.map(|n| n as f64);
        Self {
            counts,
            steps: [[a / right, c / right], [b / down, d / down]],
        }
    }

    fn mean(&self, at: [f64; 2], bytes_at: &dyn Fn(f32, f32) -> [f32; 3]) -> [f32; 3] {
        let [right, down] = self.counts;
        if right * down == 1 {
            return bytes_at(at[0] as f32, at[1] as f32);
        }
        let [step_right, step_down] = self.steps;
        let centred = |i: usize, n: usize| i as f64 - (n as f64 - 1.0) / 2.0;
        let mut sum = [0.0; 3];
        for j in 0..down {
            for i in 0..right {
                let (u, v) = (centred(i, right), centred(j, down));
                let x = at[0] + u * step_right[0] + v * step_down[0];
                let y = at[1] + u * step_right[1] + v * step_down[1];
                for (sum, byte) in sum.iter_mut().zip(bytes_at(x as f32, y as f32)) {
                    *sum += byte;
                }
            }
        }
        sum.map(|v| v / (right * down) as f32)
    }
}
