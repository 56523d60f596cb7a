//! A discriminator of patches (Isola et al. 2017), given the mask: it sees the picture as the user
//! will, with the known pixels put back, and says of each patch whether it fits.

use tch::{Kind, Tensor};

use super::block::{Block, Head};
use super::{Verdict, coordinates};
use crate::network::config::{DiscriminatorConfig, DiscriminatorNorm};
use crate::network::layers::Pass;
use crate::network::parameters::Store;

/// Convolutions: channels as multiples of the width, and stride. A verdict sees 43 x 43 pixels:
/// more than both eyes' distance.
const LAYERS: [(i64, i64); 6] = [(1, 2), (2, 1), (4, 2), (4, 1), (8, 2), (8, 1)];
/// How much the pictures' detail is strengthened.
const DETAIL: f64 = 8.0;
/// Pixels from patch to patch.
const STRIDE: i64 = 8;

/// The network.
pub struct Patch {
    config: DiscriminatorConfig,
    blocks: Vec<Block>,
    real: Head,
    kind: Kind,
}

impl Patch {
    /// A discriminator with freshly drawn weights in `store`, all named `discriminator.*`.
    pub fn new(store: &mut Store, config: &DiscriminatorConfig) -> Self {
        let mut inputs = if config.coordinates { 11 } else { 9 };
        let mut blocks = Vec::new();
        for (n, (multiple, stride)) in LAYERS.into_iter().enumerate() {
            let name = format!("discriminator.patch.{n}");
            let outputs = multiple * config.width;
            blocks.push(Block::new(
                store,
                &name,
                inputs,
                outputs,
                stride,
                config.norm,
            ));
            inputs = outputs;
        }
        let spectral = config.norm == DiscriminatorNorm::Spectral;
        Self {
            config: config.clone(),
            blocks,
            real: Head::new(store, "discriminator.patch.real", inputs, 1, spectral),
            kind: store.precision.kind(),
        }
    }

    /// Judges patches of `pictures` `[N, 3, H, W]` f32 in `[0, 1]` under `mask` likewise.
    pub fn forward(&self, pictures: &Tensor, mask: &Tensor, pass: Pass) -> Verdict {
        // About 0, where a normalised convolution is at its most sensitive.
        let detail = detail(pictures);
        let mut x = Tensor::cat(&[pictures * 2.0 - 1.0, mask * 2.0 - 1.0, detail], 1);
        x = x.to_kind(self.kind);
        if self.config.coordinates {
            x = Tensor::cat(&[&x, &coordinates(&x)], 1); // [N, 11, H, W]
        }
        let mut features = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            x = block.forward(&x, pass);
            features.push(x.shallow_clone());
        }
        let x = x.permute([0, 2, 3, 1]).to_kind(Kind::Float); // [N, H / 8, W / 8, 8 width]
        Verdict {
            weights: weights(mask),
            logit: self.real.forward(&x, pass).squeeze_dim(3),
            boxes: None,
            features,
        }
    }
}

/// What `pictures` differ in from their own means over 5x5 pixels, about as strong as they
/// themselves: pictures have so little fine detail beside all else that a blur would go unseen.
fn detail(pictures: &Tensor) -> Tensor {
    let smooth = pictures.avg_pool2d([5i64, 5], [1, 1], [2, 2], false, false, None::<i64>);
    (pictures - smooth) * DETAIL
}

/// Weights `[N, H / 8, W / 8]` of the patches under `mask` `[N, 3, H, W]`: 0 where all that a patch
/// and its neighbours cover is known, else the same over each picture, in sum 1 over all.
fn weights(mask: &Tensor) -> Tensor {
    let missing: Tensor = 1.0 - mask.amin([1].as_slice(), true);
    let (k, p) = (3 * STRIDE, STRIDE);
    let near = missing.max_pool2d([k, k], [STRIDE, STRIDE], [p, p], [1, 1], false);
    let near = near.squeeze_dim(1);
    let of_picture = near.sum_dim_intlist([1i64, 2].as_slice(), true, Kind::Float);
    near / (of_picture.clamp_min(1.0) * mask.size()[0] as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn patches_near_the_hole_count() {
        let mask = Tensor::ones([2, 3, 64, 64], (Kind::Float, Device::Cpu));
        // One value of the first picture is missing, at (30, 17).
        let _ = mask.get(0).get(1).get(17).get(30).fill_(0.0);
        let weights = weights(&mask);
        assert_eq!(weights.size(), [2, 8, 8]);
        let of = |n, y, x| weights.double_value(&[n, y, x]);
        for y in 0..8 {
            for x in 0..8 {
                let near = (1..4).contains(&y) && (2..5).contains(&x);
                let wanted = if near { 1.0 / 18.0 } else { 0.0 };
                assert!((of(0, y, x) - wanted).abs() < 1e-6, "{x} {y}");
                assert_eq!(of(1, y, x), 0.0, "nothing is missing");
            }
        }
    }
}
