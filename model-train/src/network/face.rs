//! Our own face network: a VGG-like classifier of persons and attributes. What it has learned
//! serves as feature space and, in the place of the paper's VGG-Face, as the class posterior of
//! the inception score.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::layers::{ConvBlock, LinearRelu, Pass, he_uniform};
use super::parameters::Store;

/// Convolutions of each block. The first of all is strided, for speed; in front of each further
/// block the resolution is halved by max-pooling, as in VGG.
pub const DEPTH: [usize; 5] = [2, 2, 2, 2, 1];
/// Values of the embedding.
pub const EMBEDDING: i64 = 256;
/// Length of the logits' vectors: cosines between embedding and class are multiplied by it, or the
/// posterior of thousands of classes could never be sharp (Wang et al. 2017, "NormFace").
pub const SCALE: f64 = 24.0;
/// Keeps a vector of zeros from being divided by its length.
const EPSILON: f64 = 1e-12;

/// Sizes of a face network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaceConfig {
    /// Side of the pictures in pixels, a multiple of 32.
    pub size: i64,
    /// Channels of the first block.
    pub width: i64,
    /// Persons told apart.
    pub identities: i64,
    /// Attributes told.
    pub attributes: i64,
}

impl FaceConfig {
    /// Channels of each block.
    pub fn channels(&self) -> [i64; DEPTH.len()] {
        [1, 2, 4, 8, 8].map(|k| k * self.width)
    }

    /// Values of the last block.
    pub fn coarse_features(&self) -> i64 {
        8 * self.width * (self.size >> DEPTH.len()).pow(2)
    }
}

/// The network, to be trained.
pub struct FaceNetwork {
    blocks: Vec<Vec<ConvBlock>>,
    embedding: LinearRelu,
    identity: Tensor,
    attributes: [Tensor; 2],
    kind: Kind,
}

/// What the network says of `N` pictures, f32.
pub struct Judgement {
    /// Logits of the persons, `[N, identities]`.
    pub identity: Tensor,
    /// Log-odds of the attributes, `[N, attributes]`.
    pub attributes: Tensor,
}

impl FaceNetwork {
    /// A network with freshly drawn weights (by torch's global generator) in `store`, all named
    /// `face.*`.
    pub fn new(store: &mut Store, config: &FaceConfig) -> Self {
        let mut inputs = 3;
        let mut blocks = Vec::new();
        for (n, (c, depth)) in config.channels().into_iter().zip(DEPTH).enumerate() {
            let mut block = Vec::new();
            for k in 0..depth {
                let name = format!("face.{n}.{k}");
                block.push(ConvBlock::new(store, &name, inputs, c, stride(n, k)));
                inputs = c;
            }
            blocks.push(block);
        }
        let features = config.coarse_features();
        let embedding = LinearRelu::new(store, "face.embedding", features, EMBEDDING);
        let zeros = Tensor::zeros([config.attributes], (Kind::Float, Device::Cpu));
        let head = |outputs| he_uniform(&[outputs, EMBEDDING], EMBEDDING);
        let mut add = |name: &str, init: &Tensor| store.f32_parameter(format!("face.{name}"), init);
        Self {
            blocks,
            embedding,
            identity: add("identity.weight", &head(config.identities)),
            attributes: [
                add("attributes.weight", &head(config.attributes)),
                add("attributes.bias", &zeros),
            ],
            kind: store.precision.kind(),
        }
    }

    /// Judges `pictures` `[N, 3, S, S]` f32 RGB in `[0, 1]`.
    pub fn forward(&self, pictures: &Tensor, pass: Pass) -> Judgement {
        let mut x = standardised(pictures).to_kind(self.kind);
        for (n, block) in self.blocks.iter().enumerate() {
            if n > 0 {
                x = halved(&x);
            }
            for conv in block {
                x = conv.forward(&x, pass);
            }
        }
        let embedding = self.embedding.forward(&x.flatten(1, -1));
        let embedding = embedding.to_kind(Kind::Float);
        let [weight, bias] = &self.attributes;
        Judgement {
            identity: identity_logits(&embedding, &self.identity),
            attributes: embedding.linear(weight, Some(bias)),
        }
    }

    /// The trained network with batch normalisation folded into the convolutions: tensors
    /// `face.BLOCK.K.weight` and `.bias`, and the heads, as [`super::perceptual::Face`] takes
    /// them. Needs f32 weights.
    pub fn folded(&self, store: &Store) -> Vec<(String, Tensor)> {
        let mut tensors = Vec::new();
        for (n, block) in self.blocks.iter().enumerate() {
            for (k, conv) in block.iter().enumerate() {
                let (weight, bias) = conv.folded();
                tensors.push((format!("face.{n}.{k}.weight"), weight.contiguous()));
                tensors.push((format!("face.{n}.{k}.bias"), bias));
            }
        }
        let is_head = |name: &str| {
            ["face.embedding.", "face.identity.", "face.attributes."]
                .iter()
                .any(|head| name.starts_with(head))
        };
        let heads = store.parameters.iter().filter(|p| is_head(&p.name));
        tensors.extend(heads.map(|p| (p.name.clone(), p.master.shallow_clone())));
        tensors
    }
}

/// Stride of convolution `k` of block `n`.
pub fn stride(n: usize, k: usize) -> i64 {
    if n == 0 && k == 0 { 2 } else { 1 }
}

/// Pictures in `[0, 1]` about zero, with a deviation of about one.
pub fn standardised(pictures: &Tensor) -> Tensor {
    (pictures - 0.5) * 4.0
}

/// `[N, C, H, W]` at half the resolution.
pub fn halved(x: &Tensor) -> Tensor {
    x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)
}

/// Logits `[N, C]` of `embedding` `[N, E]` under the classes' vectors `[C, E]`: [`SCALE`] times
/// their cosines.
pub fn identity_logits(embedding: &Tensor, classes: &Tensor) -> Tensor {
    unit(embedding).linear(&unit(classes), None::<&Tensor>) * SCALE
}

/// Rows of length one.
pub fn unit(rows: &Tensor) -> Tensor {
    let squares = rows.square().sum_dim_intlist(1, true, Kind::Float);
    rows * (squares + EPSILON).rsqrt()
}
