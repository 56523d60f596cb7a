//! Which means are clear: where faces could not be laid on each other, their mean is blurred.

use mde_core::CROP_SIZE;
use mde_core::occlusion::Occlusion;
use tch::{Kind, Tensor};

use super::blurred;

/// What must be clear.
const PARTS: [Occlusion; 3] = [Occlusion::LeftEye, Occlusion::RightEye, Occlusion::Mouth];
/// The detail that is looked for is finer than this, in pixels.
const FINE: f64 = 2.0;
/// A mean is clear that has this share of the contrast that the middle one of all has, in each part.
const LEAST: f64 = 0.8;

/// Those of `means`, `[3, S, S]` each, that are as clear as the others are.
pub fn clear(means: Vec<Tensor>) -> Vec<Tensor> {
    let contrasts: Vec<_> = means.iter().map(contrasts).collect();
    let middle = |part: usize| {
        let mut sorted: Vec<f64> = contrasts.iter().map(|own| own[part]).collect();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
    };
    let wanted: [f64; PARTS.len()] = std::array::from_fn(|part| LEAST * middle(part));
    let is_clear =
        |own: &[f64; PARTS.len()]| own.iter().zip(&wanted).all(|(own, least)| own >= least);
    let both = means.into_iter().zip(&contrasts);
    both.filter(|(_, own)| is_clear(own))
        .map(|(mean, _)| mean)
        .collect()
}

/// The contrast of fine detail in each part.
fn contrasts(mean: &Tensor) -> [f64; PARTS.len()] {
    let side = mean.size()[2];
    let grey = mean
        .mean_dim([0i64].as_slice(), true, Kind::Float)
        .unsqueeze(0);
    let detail = &grey - blurred(&grey, FINE);
    PARTS.map(|part| {
        let rect = part.rect();
        let along = |low: usize, high: usize| {
            let [low, high] = [low, high].map(|v| v as i64 * side / CROP_SIZE as i64);
            (low, high - low)
        };
        let ((x, width), (y, height)) = (along(rect.x0, rect.x1), along(rect.y0, rect.y1));
        let part = detail.narrow(3, x, width).narrow(2, y, height);
        part.std(false).double_value(&[])
    })
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn a_mean_with_one_blurred_eye_is_left_out() {
        tch::manual_seed(2);
        let sharp = Tensor::rand([3, 96, 96], (Kind::Float, Device::Cpu));
        let soft = blurred(&sharp.unsqueeze(0), 3.0).squeeze_dim(0);
        let half = Tensor::cat(&[soft.narrow(2, 0, 48), sharp.narrow(2, 48, 48)], 2);
        let kept = clear(vec![sharp.copy(), half, sharp.flip([2])]);
        assert_eq!(kept.len(), 2);
        assert_eq!(kept[0], sharp);
    }
}
