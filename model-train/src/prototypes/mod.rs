//! Prototypes: faces that look alike, laid on each other and averaged, so that they are sharp and
//! nobody's.

mod clear;
mod flow;
mod groups;
mod mean;

pub use clear::clear;
pub use groups::groups;
pub use mean::mean_face;
use tch::Tensor;

/// `x` `[N, C, H, W]` blurred by a Gaussian of standard deviation `sigma` pixels; beyond the edges lies
/// what is on them.
fn blurred(x: &Tensor, sigma: f64) -> Tensor {
    let reach = (3.0 * sigma).ceil() as i64;
    let weights: Vec<f32> = (-reach..=reach)
        .map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp() as f32)
        .collect();
    let kernel = Tensor::from_slice(&weights);
    let kernel = &kernel / kernel.sum(tch::Kind::Float);
    let (size, side) = (x.size(), 2 * reach + 1);
    let planes = x.reshape([size[0] * size[1], 1, size[2], size[3]]);
    let along = |planes: &Tensor, pad: [i64; 4], shape: [i64; 4]| {
        let padded = planes.replication_pad2d(pad);
        let kernel = kernel.view(shape);
        padded.conv2d(&kernel, None::<Tensor>, [1, 1], [0, 0], [1, 1], 1)
    };
    let across = along(&planes, [reach, reach, 0, 0], [1, 1, 1, side]);
    along(&across, [0, 0, reach, reach], [1, 1, side, 1]).view_as(x)
}
