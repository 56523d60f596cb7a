//! What generated pictures are judged by.

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use mde_core::mask::{CHANNELS, Mask, Task};
use ndarray::{Array3, ArrayView3};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::context::ExperimentContext;
use crate::data::Dataset;
use crate::evaluation::{Completion, Model, SUMS};
use crate::network::perceptual::Face;

/// Pictures in one forward pass.
const BATCH: usize = 32;

/// Means over pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// PSNR in dB of the generator's whole output, and with the known pixels put back.
    pub psnr: [f64; 2],
    /// SSIM, likewise.
    pub ssim: [f64; 2],
    /// Inception score of the whole outputs, where there is a network for it.
    pub inception: Option<f64>,
    /// Gradient along the mask's border, divided by the original's there.
    pub seam: f64,
}

impl ExperimentContext {
    /// Measures `model` on the first pictures of `dataset` under masks of `task`.
    ///
    /// # Errors
    /// As [`Model::complete`], and where the face network is of another picture size.
    pub fn measure(&self, model: &Model<'_>, dataset: &Dataset, task: &Task) -> Result<Measures> {
        let count = self.settings.count.min(dataset.len());
        let indices: Vec<usize> = (0..count).collect();
        let bar = ProgressBar::new(count as u64);
        let mut sums = [0.0; SUMS];
        let (mut seam, mut posteriors) = ([0.0; 2], Vec::new());
        for chunk in indices.chunks(BATCH) {
            let completions = model.complete(dataset, chunk, task, self.settings.seed)?;
            let scores: Vec<_> = completions.par_iter().map(Completion::scores).collect();
            for (sum, value) in scores.iter().flat_map(|s| s.iter().enumerate()) {
                sums[sum] += value;
            }
            for c in &completions {
                seam[0] += border_gradient(c.generated.view(), &c.mask).unwrap_or(0.0);
                seam[1] += border_gradient(c.original.view(), &c.mask).unwrap_or(0.0);
            }
            if let Some(face) = &self.tools.face {
                posteriors.push(posterior(face, completions.iter().map(|c| &c.generated))?);
            }
            bar.inc(chunk.len() as u64);
        }
        bar.finish_and_clear();
        let [raw, put_back, ssim_raw, ssim_put_back, ..] = sums.map(|s| s / count as f64);
        Ok(Measures {
            psnr: [raw, put_back],
            ssim: [ssim_raw, ssim_put_back],
            inception: (!posteriors.is_empty()).then(|| inception_score(&posteriors)),
            seam: seam[0] / f64::max(seam[1], f64::MIN_POSITIVE),
        })
    }

    /// Inception score of the first pictures of `dataset` themselves.
    ///
    /// # Errors
    /// Where there is no network for it, or it is of another picture size.
    pub fn inception_of_originals(&self, dataset: &Dataset) -> Result<f64> {
        let face = self.face()?;
        let count = self.settings.count.min(dataset.len());
        let size = dataset.size();
        let mut posteriors = Vec::new();
        for first in (0..count).step_by(BATCH) {
            let pictures: Vec<Array3<f32>> = (first..count.min(first + BATCH))
                .map(|i| {
                    let bytes = dataset.picture(i);
                    Array3::from_shape_fn((CHANNELS, size, size), |(c, y, x)| {
                        f32::from(bytes[(y * size + x) * CHANNELS + c]) / 255.0
                    })
                })
                .collect();
            posteriors.push(posterior(face, pictures.iter())?);
        }
        Ok(inception_score(&posteriors))
    }

    /// The face network.
    ///
    /// # Errors
    /// Where none was given.
    pub fn face(&self) -> Result<&Face> {
        (self.tools.face.as_ref()).context(
            "the inception score needs a network: give --face-network FILE, the \
             face.safetensors of `mde-train features`",
        )
    }
}

/// Posterior `[N, attributes]` of each attribute in `pictures` `[3, S, S]`.
fn posterior<'a>(face: &Face, pictures: impl Iterator<Item = &'a Array3<f32>>) -> Result<Tensor> {
    let mut tensors = Vec::new();
    for picture in pictures {
        let (c, h, w) = picture.dim();
        ensure!(
            h as i64 == face.config.size && w == h,
            "the face network is of {0}x{0} pictures, these are {w}x{h}: train one with \
             `mde-train features --size {h}`",
            face.config.size
        );
        let values: Vec<f32> = picture.iter().copied().collect();
        tensors.push(Tensor::from_slice(&values).view([c as i64, h as i64, w as i64]));
    }
    let batch = Tensor::stack(&tensors, 0);
    Ok(tch::no_grad(|| face.describe(&batch).attributes))
}

/// Inception score (Salimans et al. 2016): the exponential of the mean divergence of the pictures'
/// posteriors from their mean. A class is a set of attributes, each there or not with the
/// probability in `posteriors` `[N, attributes]`, whatever the others are; the divergence is then
/// the sum of theirs.
fn inception_score(posteriors: &[Tensor]) -> f64 {
    let there = Tensor::cat(posteriors, 0).to_kind(Kind::Double);
    let divergence = |p: &Tensor| {
        let mean = p.mean_dim([0i64].as_slice(), true, Kind::Double);
        let ratio = (p + f64::MIN_POSITIVE).log() - (mean + f64::MIN_POSITIVE).log();
        (p * ratio).sum_dim_intlist(1, false, Kind::Double)
    };
    let divergence = divergence(&there) + divergence(&(1.0 - &there));
    divergence.mean(Kind::Double).exp().double_value(&[])
}

/// Mean absolute difference of neighbouring values of `picture` `[3, H, W]` of which one is known
/// and one is not: how visible the seam is. `None` where the mask has no border.
fn border_gradient(picture: ArrayView3<'_, f32>, mask: &Mask) -> Option<f64> {
    let known = mask.view();
    let (channels, height, width) = picture.dim();
    let (mut sum, mut count) = (0.0, 0usize);
    for c in 0..channels {
        for y in 0..height {
            for x in 0..width {
                for (dy, dx) in [(0, 1), (1, 0)] {
                    let (y2, x2) = (y + dy, x + dx);
                    if y2 < height && x2 < width && known[[c, y, x]] != known[[c, y2, x2]] {
                        sum += f64::from((picture[[c, y, x]] - picture[[c, y2, x2]]).abs());
                        count += 1;
                    }
                }
            }
        }
    }
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::occlusion::Rect;

    #[test]
    fn inception_scores_are_those_worked_by_hand() {
        // Sure of one attribute that is there in half of the pictures: two classes.
        let sure = Tensor::from_slice(&[1.0f32, 0.0]).view([2, 1]);
        assert!((inception_score(&[sure]) - 2.0).abs() < 1e-9);
        // Sure of two such, each beside each: four classes.
        let sure = [1.0f32, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
        let sure = Tensor::from_slice(&sure).view([4, 2]);
        assert!((inception_score(&[sure]) - 4.0).abs() < 1e-9);
        let unsure = Tensor::from_slice(&[0.5f32, 0.5, 0.5, 0.5]).view([2, 2]);
        assert!((inception_score(&[unsure]) - 1.0).abs() < 1e-9);
        // 3/4 and 1/4: the divergence is 3/4 ln 3/2 + 1/4 ln 1/2.
        let half = Tensor::from_slice(&[0.75f32, 0.25]).view([2, 1]);
        let expected = 0.75 * 1.5f64.ln() + 0.25 * 0.5f64.ln();
        assert!((inception_score(&[half]) - expected.exp()).abs() < 1e-6);
    }

    #[test]
    fn the_border_is_measured_in_each_channel_where_its_mask_ends() {
        let mut mask = Mask::known(4, 4);
        mask.drop_rect(Rect::new(0, 0, 2, 4));
        // A step of 0.6 at the border of the mask, and a larger one elsewhere.
        let row = [0.0, 0.0, 0.6, 1.6];
        let picture = Array3::from_shape_fn((3, 4, 4), |(_, _, x)| row[x]);
        let gradient = border_gradient(picture.view(), &mask).unwrap();
        assert!((gradient - 0.6).abs() < 1e-6, "{gradient}");
        assert_eq!(border_gradient(picture.view(), &Mask::known(4, 4)), None);
    }
}
