//! The face network of `mde-train features`, trained.

use anyhow::{Context, Result};
use tch::{Kind, Tensor};

use super::{ConvShape, FeatureNetwork, FixedConv, Weights};
use crate::network::face::{
    DEPTH, EMBEDDING, FaceConfig, halved, identity_logits, standardised, stride,
};

/// Name of the first tensor.
pub const FIRST: &str = "face.0.0.weight";

/// The network with fixed weights. Features are the last ReLU of each block: `[N, W, 48, 48]`,
/// `[N, 2 W, 24, 24]`, `[N, 4 W, 12, 12]`, `[N, 8 W, 6, 6]`, `[N, 8 W, 3, 3]` for 96x96 pictures.
pub struct Face {
    /// Its sizes.
    pub config: FaceConfig,
    blocks: Vec<Vec<FixedConv>>,
    embedding: [Tensor; 2],
    identity: Tensor,
    attributes: [Tensor; 2],
    kind: Kind,
}

/// What the network says of `N` pictures, f32.
pub struct Description {
    /// A vector a picture, `[N, 256]`.
    pub embedding: Tensor,
    /// Posterior of the persons, `[N, identities]`.
    pub identity: Tensor,
    /// Probabilities of the attributes, `[N, attributes]`.
    pub attributes: Tensor,
}

impl Face {
    /// The network with `weights`, of the sizes they tell.
    ///
    /// # Errors
    /// Where a tensor is missing or does not fit the others.
    pub fn new(weights: &Weights) -> Result<Self> {
        let rows = |name: &str| -> Result<(i64, i64)> {
            let size = weights.size(name)?;
            let rows = *size.first().context("an empty tensor")?;
            Ok((rows, size.iter().skip(1).product()))
        };
        let width = rows(FIRST)?.0;
        let coarse = rows("face.embedding.weight")?.1 / (8 * width).max(1);
        let config = FaceConfig {
            size: ((coarse as f64).sqrt() as i64) << DEPTH.len(),
            width,
            identities: rows("face.identity.weight")?.0,
            attributes: rows("face.attributes.weight")?.0,
        };
        let mut inputs = 3;
        let mut blocks = Vec::new();
        for (n, (outputs, depth)) in config.channels().into_iter().zip(DEPTH).enumerate() {
            let mut block = Vec::new();
            for k in 0..depth {
                let shape = ConvShape {
                    inputs,
                    outputs,
                    kernel: 3,
                    stride: stride(n, k),
                    padding: 1,
                };
                block.push(FixedConv::new(weights, &format!("face.{n}.{k}"), &shape)?);
                inputs = outputs;
            }
            blocks.push(block);
        }
        let features = config.coarse_features();
        let f32 = |name: &str, size: &[i64]| -> Result<Tensor> {
            Ok(weights.get(name, size)?.to_kind(Kind::Float))
        };
        Ok(Self {
            embedding: [
                f32("face.embedding.weight", &[EMBEDDING, features])?,
                f32("face.embedding.bias", &[EMBEDDING])?,
            ],
            identity: f32("face.identity.weight", &[config.identities, EMBEDDING])?,
            attributes: [
                f32("face.attributes.weight", &[config.attributes, EMBEDDING])?,
                f32("face.attributes.bias", &[config.attributes])?,
            ],
            config,
            blocks,
            kind: weights.kind,
        })
    }

    /// Describes `pictures` `[N, 3, S, S]` f32 RGB in `[0, 1]` of the side [`FaceConfig::size`].
    pub fn describe(&self, pictures: &Tensor) -> Description {
        let coarse = self
            .features(pictures)
            .pop()
            .expect("there are five blocks");
        let coarse = coarse.to_kind(Kind::Float).flatten(1, -1);
        let [weight, bias] = &self.embedding;
        let embedding = coarse.linear(weight, Some(bias)).relu();
        let [weight, bias] = &self.attributes;
        Description {
            identity: identity_logits(&embedding, &self.identity).softmax(1, Kind::Float),
            attributes: embedding.linear(weight, Some(bias)).sigmoid(),
            embedding,
        }
    }
}

impl FeatureNetwork for Face {
    fn features(&self, pictures: &Tensor) -> Vec<Tensor> {
        let mut x = standardised(pictures).to_kind(self.kind);
        let mut features: Vec<Tensor> = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            if let Some(finer) = features.last() {
                x = halved(finer);
            }
            for conv in block {
                x = conv.forward(&x);
            }
            features.push(x.shallow_clone());
        }
        features
    }
}
