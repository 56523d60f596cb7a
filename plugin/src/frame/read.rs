//! Sampling a crop from the planes of a frame.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::alignment::Affine;

use super::colour::Colour;
use super::component::Samples;

/// Most samples averaged for one crop pixel in each direction, where the crop is smaller than its
/// region of the frame.
const MAX_SAMPLES: f32 = 3.0;

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
    let samples = Samples::of(frame);
    if samples.are_alike() {
        let bytes_at = |x, y| samples.at_shared(x, y);
        read_by(frame, to_frame, (width, height), rgb, inside, bytes_at);
    } else {
        let bytes_at = |x, y| samples.at(x, y);
        read_by(frame, to_frame, (width, height), rgb, inside, bytes_at);
    }
}

/// [`read_crop`] through `bytes_at`, which gives the components' bytes at a position.
fn read_by<T>(
    frame: &VideoFrameRef<T>,
    to_frame: &Affine,
    (width, height): (usize, usize),
    rgb: &mut [f32],
    inside: &mut [f32],
    bytes_at: impl Fn(f32, f32) -> [f32; 3],
) {
    let colour = Colour::of(frame.info());
    let grid = Grid::new(to_frame);
    let edges = [frame.width(), frame.height()].map(|side| side as f32 - 0.5);
    let [[step_x, _], [step_y, _]] = to_frame.linear.map(|row| row.map(|v| v as f32));
    let (red, rest) = rgb.split_at_mut(width * height);
    let (green, blue) = rest.split_at_mut(width * height);
    for row in 0..height {
        let [start_x, start_y] = to_frame.apply([0.0, row as f64]).map(|v| v as f32);
        let row = row * width..(row + 1) * width;
        let rgb = red[row.clone()]
            .iter_mut()
            .zip(&mut green[row.clone()])
            .zip(&mut blue[row.clone()]);
        for (column, (((red, green), blue), inside)) in rgb.zip(&mut inside[row]).enumerate() {
            let column = column as f32;
            let (x, y) = (start_x + column * step_x, start_y + column * step_y);
            let is_inside = (-0.5..edges[0]).contains(&x) && (-0.5..edges[1]).contains(&y);
            *inside = f32::from(u8::from(is_inside));
            [*red, *green, *blue] = colour.to_rgb(grid.mean(x, y, &bytes_at));
        }
    }
}

/// The positions whose mean stands for a crop pixel.
struct Grid {
    counts: [usize; 2],
    steps: [[f32; 2]; 2],
}

impl Grid {
    fn new(to_frame: &Affine) -> Self {
        let [[a, b], [c, d]] = to_frame.linear.map(|row| row.map(|v| v as f32));
        let count = |length: f32| length.round().clamp(1.0, MAX_SAMPLES) as usize;
        let counts = [count(a.hypot(c)), count(b.hypot(d))];
        let [right, down] = counts.map(|n| n as f32);
        Self {
            counts,
            steps: [[a / right, c / right], [b / down, d / down]],
        }
    }

    #[inline]
    fn mean(&self, x: f32, y: f32, bytes_at: &impl Fn(f32, f32) -> [f32; 3]) -> [f32; 3] {
        let [right, down] = self.counts;
        if right * down == 1 {
            return bytes_at(x, y);
        }
        let [step_right, step_down] = self.steps;
        let centred = |i: usize, n: usize| i as f32 - (n as f32 - 1.0) / 2.0;
        let mut sum = [0.0; 3];
        for j in 0..down {
            for i in 0..right {
                let (u, v) = (centred(i, right), centred(j, down));
                let bytes = bytes_at(
                    x + u * step_right[0] + v * step_down[0],
                    y + u * step_right[1] + v * step_down[1],
                );
                for (sum, byte) in sum.iter_mut().zip(bytes) {
                    *sum += byte;
                }
            }
        }
        sum.map(|v| v / (right * down) as f32)
    }
}
