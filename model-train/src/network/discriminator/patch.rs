//! A discriminator of patches (Isola et al. 2017), given the mask: it sees the picture as the user
//! will, with the known pixels put back, and says of each patch whether it fits: of small ones,
//! and of large ones that hold most of a face.

use tch::{Kind, Tensor};

use super::block::{Block, Head};
use super::{Verdict, coordinates};
use crate::network::config::{DiscriminatorConfig, DiscriminatorNorm};
use crate::network::layers::Pass;
use crate::network::parameters::Store;
use crate::tensors::local_means;

/// Convolutions: channels as multiples of the width, and stride.
const LAYERS: [(i64, i64); 8] = [
    (1, 2),
    (2, 1),
    (4, 2),
    (4, 1),
    (8, 2),
    (8, 1),
    (8, 2),
    (8, 1),
];
/// Heads: after how many convolutions each judges, and the pixels from patch to patch there. What
/// one verdict sees is 43 pixels wide, more than both eyes' distance, or 91.
const HEADS: [(usize, i64); 2] = [(6, 8), (8, 16)];
/// How much the pictures' detail is strengthened.
const DETAIL: f64 = 8.0;

/// The network.
pub struct Patch {
    config: DiscriminatorConfig,
    blocks: Vec<Block>,
    heads: Vec<Head>,
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
        let heads = HEADS.into_iter().enumerate().map(|(n, (layers, _))| {
            let name = format!("discriminator.patch.real.{n}");
            let inputs = LAYERS[layers - 1].0 * config.width;
            Head::new(store, &name, inputs, 1, spectral)
        });
        Self {
            heads: heads.collect(),
            config: config.clone(),
            blocks,
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
        let heads = self.heads.iter().zip(HEADS);
        let (logits, shares): (Vec<Tensor>, Vec<Tensor>) = heads
            .map(|(head, (layers, stride))| {
                let x = features[layers - 1].permute([0, 2, 3, 1]);
                let logit = head.forward(&x.to_kind(Kind::Float), pass);
                (logit.flatten(1, -1), weights(mask, stride).flatten(1, -1))
            })
            .unzip();
        Verdict {
            weights: Tensor::cat(&shares, 1) / HEADS.len() as f64,
            logit: Tensor::cat(&logits, 1),
            boxes: None,
            features,
        }
    }
}

/// What `pictures` differ in from their own means over 5x5 pixels, about as strong as they
/// themselves: pictures have so little fine detail beside all else that a blur would go unseen.
fn detail(pictures: &Tensor) -> Tensor {
    (pictures - local_means(pictures, 5)) * DETAIL
}

/// Weights `[N, H / stride, W / stride]` of patches `stride` pixels apart under `mask`
/// `[N, 3, H, W]`: 0 where all that a patch and its neighbours cover is known, else the same over
/// each picture, in sum 1 over all.
fn weights(mask: &Tensor, stride: i64) -> Tensor {
    let missing: Tensor = 1.0 - mask.amin([1].as_slice(), true);
    let (k, p) = (3 * stride, stride);
    let near = missing.max_pool2d([k, k], [stride, stride], [p, p], [1, 1], false);
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
        let weights = weights(&mask, 8);
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
