//! The mean of faces that lie on each other.

use mde_core::prototypes::COARSEST;
use tch::{Kind, Tensor};

use super::blurred;
use super::flow::{equalised, fetched, flows};

/// How smooth flows are, in pixels, round by round: each round finds them anew, to the mean of the last.
const SMOOTHNESS: [f64; 6] = [8.0, 6.0, 5.0, 4.0, 3.0, 3.0];
/// A deviation from the mean beyond this counts ever less, in [0, 1].
const ODD: f64 = 0.03;
/// Bands that detail falls into: what is finer than each blur, in pixels.
const BANDS: [f64; 3] = [0.8, 1.6, COARSEST];
/// Most that a band is raised by, and around how many pixels its contrast is judged.
const MOST_RAISED: f64 = 2.5;
const AROUND: f64 = 8.0;
/// Contrast that noise makes, in [0, 1]: it is not raised.
const NOISE: f64 = 0.006;

/// What `faces` `[N, 3, S, S]` in `[0, 1]`, which look alike, are in the mean, `[3, S, S]`: registered
/// with their mean again and again, the mean of shapes as well as of colours, with as much contrast of
/// detail as they have themselves.
pub fn mean_face(faces: &Tensor) -> Tensor {
    let equal = equalised(faces);
    let mut mean = faces.mean_dim([0i64].as_slice(), true, Kind::Float);
    let mut laid = faces.shallow_clone();
    for smoothness in SMOOTHNESS {
        let flow = flows(&equalised(&mean), &equal, smoothness);
        // Nobody's shape but the mean one.
        let flow = &flow - flow.mean_dim([0i64].as_slice(), true, Kind::Float);
        laid = fetched(faces, &flow);
        mean = agreed(&laid);
    }
    raised(&mean, &laid).squeeze_dim(0).clamp(0.0, 1.0)
}

/// The mean of `laid`, in which what deviates from it counts less.
fn agreed(laid: &Tensor) -> Tensor {
    let mean = laid.mean_dim([0i64].as_slice(), true, Kind::Float);
    let off = (laid - mean)
        .abs()
        .mean_dim([1i64].as_slice(), true, Kind::Float);
    let weights = (blurred(&off, 3.0) + ODD).square().reciprocal();
    let sum = |x: &Tensor| x.sum_dim_intlist([0i64].as_slice(), true, Kind::Float);
    sum(&(laid * &weights)) / sum(&weights)
}

/// `mean` with the contrast that each band of `laid` has: averaging takes of it.
fn raised(mean: &Tensor, laid: &Tensor) -> Tensor {
    let mut whole = blurred(mean, COARSEST);
    let mut finer = [mean.shallow_clone(), laid.shallow_clone()];
    for sigma in BANDS {
        let coarser = finer.each_ref().map(|x| blurred(x, sigma));
        let [own, theirs] = [0, 1].map(|i| &finer[i] - &coarser[i]);
        let contrast = |x: &Tensor| {
            let squares = x.square().mean_dim([0i64, 1].as_slice(), true, Kind::Float);
            blurred(&squares, AROUND).sqrt()
        };
        let by = contrast(&theirs) / (contrast(&own) + NOISE);
        whole += own * by.clamp(1.0, MOST_RAISED);
        finer = coarser;
    }
    whole
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn the_mean_of_shifted_faces_is_sharp() {
        tch::manual_seed(5);
        let noise = Tensor::rand([1, 3, 64, 64], (Kind::Float, Device::Cpu));
        let face = (blurred(&noise, 1.5) - 0.5) * 2.0 + 0.5;
        let shifts = [[0, 0], [3, 1], [-3, 1], [1, -3], [-1, -2], [0, 3]];
        let faces = shifts.map(|[x, y]| face.roll([x, y], [3, 2]));
        let faces = Tensor::cat(&faces, 0);
        let contrast = |x: &Tensor| {
            let inner = x.narrow(-1, 16, 32).narrow(-2, 16, 32);
            inner.std(false).double_value(&[])
        };
        let plain = faces.mean_dim([0i64].as_slice(), false, Kind::Float);
        let [was, plain, mean] = [&face, &plain, &mean_face(&faces)].map(contrast);
        assert!(plain < 0.75 * was, "{plain} of {was}");
        let gained = (mean - plain) / (was - plain);
        assert!(gained > 0.5, "{mean} of {was}, {plain} without");
    }
}
