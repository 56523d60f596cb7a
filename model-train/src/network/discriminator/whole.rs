//! The discriminator of section 2.5: the encoder's convolutions with leaky ReLU, global average
//! pooling in the place of the fully-connected layer, a real/fake output, and the boxes of the
//! hide-and-seek loss (section 2.4).

use tch::{Kind, Tensor};

use super::block::{Block, Head};
use super::{Verdict, coordinates};
use crate::network::config::{DiscriminatorConfig, DiscriminatorNorm, ENCODER_DEPTH, channels};
use crate::network::layers::Pass;
use crate::network::parameters::Store;

/// Colour channels, each with a box of its own, of four coordinates.
const BOXES: i64 = 3;
const COORDINATES: i64 = 4;

/// The network `D` of the paper.
pub struct Whole {
    config: DiscriminatorConfig,
    blocks: Vec<Block>,
    real: Head,
    boxes: Head,
    kind: Kind,
}

impl Whole {
    /// A discriminator with freshly drawn weights (by torch's global generator) in `store`, all
    /// named `discriminator.*`.
    pub fn new(store: &mut Store, config: &DiscriminatorConfig) -> Self {
        let mut inputs = if config.coordinates { 5 } else { 3 };
        let mut blocks = Vec::new();
        for (level, (c, depth)) in channels(config.width)
            .into_iter()
            .zip(ENCODER_DEPTH)
            .enumerate()
        {
            for k in 0..depth {
                let name = format!("discriminator.{level}.{k}");
                let stride = if k + 1 == depth { 2 } else { 1 };
                blocks.push(Block::new(store, &name, inputs, c, stride, config.norm));
                inputs = c;
            }
        }
        let spectral = config.norm == DiscriminatorNorm::Spectral;
        Self {
            config: config.clone(),
            blocks,
            real: Head::new(store, "discriminator.real", inputs, 1, spectral),
            // Bounded by its sigmoid and no part of the game that needs a Lipschitz bound.
            boxes: Head::new(
                store,
                "discriminator.boxes",
                inputs,
                BOXES * COORDINATES,
                false,
            ),
            kind: store.precision.kind(),
        }
    }

    /// Judges `pictures` `[N, 3, H, W]` f32 in `[0, 1]`, sides multiples of 32.
    pub fn forward(&self, pictures: &Tensor, pass: Pass) -> Verdict {
        let mut x = pictures.to_kind(self.kind);
        if self.config.coordinates {
            x = Tensor::cat(&[&x, &coordinates(&x)], 1); // [N, 5, H, W]
        }
        let mut features = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            x = block.forward(&x, pass);
            features.push(x.shallow_clone());
        }
        let pooled = x.mean_dim([2i64, 3].as_slice(), false, Kind::Float); // [N, 8 W]
        let boxes = self.boxes.forward(&pooled, pass).sigmoid();
        let logit = self.real.forward(&pooled, pass).squeeze_dim(1);
        Verdict {
            weights: logit.ones_like() / logit.numel() as f64,
            logit,
            boxes: Some(boxes.view([-1, BOXES, COORDINATES])),
            features,
        }
    }
}
