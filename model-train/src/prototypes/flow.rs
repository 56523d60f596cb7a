//! Dense registration of many pictures with one.

use tch::{Kind, Tensor};

use super::blurred;
use crate::tensors::local_means;

/// Sides of the picture pyramid, as shares of the pictures' side, and steps at each. A flow is smooth, and
/// told to a small part of a pixel: nothing is gained at the full size.
const LEVELS: [i64; 3] = [8, 4, 2];
const STEPS: usize = 4;
/// Side of the window that a pixel's flow is told from, in the level's pixels.
const WINDOW: i64 = 7;
/// A difference this large counts half, in standard deviations of the pictures.
const OUTLIER: f64 = 0.6;
/// Added to the slopes' squares: where a picture is flat its flow is its surroundings'.
const FLAT: f64 = 0.05;
/// Most pixels of a step.
const MOST: f64 = 1.5;
/// Standard deviations in pixels of the blur whose light a picture is judged without, and the contrast
/// added to that of its surroundings, in [0, 1].
const LIGHT: f64 = 18.0;
const LEAST_CONTRAST: f64 = 0.025;

/// `pictures` `[N, 3, H, W]` in `[0, 1]` as grey ones with neither their light nor their contrast,
/// `[N, 1, H, W]`.
pub fn equalised(pictures: &Tensor) -> Tensor {
    let grey = pictures.mean_dim([1i64].as_slice(), true, Kind::Float);
    let detail = &grey - blurred(&grey, LIGHT);
    let contrast = blurred(&detail.square(), LIGHT).sqrt();
    detail / (contrast + LEAST_CONTRAST)
}

/// What lies `flow` `[N, 2, H, W]` pixels to the right and down of each pixel of `pictures` `[N, C, H, W]`.
pub fn fetched(pictures: &Tensor, flow: &Tensor) -> Tensor {
    let (n, height, width) = (flow.size()[0], flow.size()[2], flow.size()[3]);
    let identity = Tensor::from_slice(&[1.0f32, 0.0, 0.0, 0.0, 1.0, 0.0]).view([1, 2, 3]);
    let grid = Tensor::affine_grid_generator(&identity, [1, 1, height, width], false);
    let halves = Tensor::from_slice(&[width as f32 / 2.0, height as f32 / 2.0]);
    let grid = grid + flow.permute([0, 2, 3, 1]) / halves;
    // Cubic, so that what is fetched is as sharp as what it was fetched from.
    let pictures = pictures.expand([n, -1, -1, -1], false);
    pictures.grid_sampler(&grid, 2, 1, false)
}

/// Where each pixel of `one` `[1, 1, S, S]` lies in each of `many` `[N, 1, S, S]`, smooth over
/// `smoothness` pixels (iterated least squares, Lucas and Kanade 1981, from coarse to fine). Both are
/// [`equalised`].
pub fn flows(one: &Tensor, many: &Tensor, smoothness: f64) -> Tensor {
    let side = one.size()[3];
    let mut flow: Option<Tensor> = None;
    for share in LEVELS {
        let sides = [side / share; 2];
        let scaled = |x: &Tensor| blurred(x, share as f64 / 2.0).adaptive_avg_pool2d(sides);
        let (one, many) = (scaled(one), scaled(many));
        let mut found = match flow {
            None => Tensor::zeros(
                [many.size()[0], 2, sides[0], sides[1]],
                (Kind::Float, one.device()),
            ),
            Some(coarser) => coarser.upsample_bilinear2d(sides, false, None, None) * 2.0,
        };
        for _ in 0..STEPS {
            found = blurred(
                &(&found + step(&one, &fetched(&many, &found))),
                smoothness / share as f64,
            );
        }
        flow = Some(found);
    }
    let flow = flow.expect("there are levels");
    let finest = LEVELS[LEVELS.len() - 1] as f64;
    flow.upsample_bilinear2d([side, side], false, None, None) * finest
}

/// By how much more what is `fetched` is to be fetched from elsewhere to be `one`.
fn step(one: &Tensor, fetched: &Tensor) -> Tensor {
    let slope = |dim: i64| {
        let (forth, back) = (fetched.roll([-1], [dim]), fetched.roll([1], [dim]));
        (forth - back) / 2.0
    };
    let (right, down) = (slope(3), slope(2));
    let off = one - fetched;
    let weights = ((&off / OUTLIER).square() + 1.0).square().reciprocal();
    let mean = |x: Tensor| local_means(&local_means(&(x * &weights), WINDOW), WINDOW);
    let (xx, xy, yy) = (
        mean(&right * &right) + FLAT,
        mean(&right * &down),
        mean(&down * &down) + FLAT,
    );
    let (x, y) = (mean(&right * &off), mean(&down * &off));
    let determinant = &xx * &yy - &xy * &xy;
    let to_the_right = (&yy * &x - &xy * &y) / &determinant;
    let downwards = (&xx * &y - &xy * &x) / &determinant;
    Tensor::cat(&[to_the_right, downwards], 1).clamp(-MOST, MOST)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn a_flow_leads_to_where_a_picture_was_moved() {
        tch::manual_seed(3);
        let noise = Tensor::rand([1, 3, 64, 64], (Kind::Float, Device::Cpu));
        let picture = (blurred(&noise, 2.0) - 0.5) * 4.0 + 0.5;
        let moved = Tensor::cat(&[picture.roll([2], [3]), picture.roll([-3], [2])], 0);
        let flow = flows(&equalised(&picture), &equalised(&moved), 4.0);
        let inner = flow.narrow(2, 16, 32).narrow(3, 16, 32);
        let mean = inner.mean_dim([2i64, 3].as_slice(), false, Kind::Float);
        let expected = Tensor::from_slice2(&[[2.0f32, 0.0], [0.0, -3.0]]);
        let off = (mean - expected).abs().max().double_value(&[]);
        assert!(off < 0.3, "{off}: {flow}");
    }
}
