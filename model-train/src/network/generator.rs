//! The generator of section 2.5 and Fig. 4: a VGG-like encoder, one large fully-connected
//! bottleneck, a mirrored decoder, and skip connections between levels of equal resolution.

use mde_core::contract;
use tch::Tensor;

use super::config::{DECODER_DEPTH, ENCODER_DEPTH, GeneratorConfig};
use super::layers::{Conv, ConvBlock, LinearRelu, Pass, UpBlock};
use super::parameters::Store;
use crate::onnx::Graph;

/// An encoder level: convolutions at one resolution, whose result is the skip connection, and the
/// strided one that halves it.
struct Down {
    same: Vec<ConvBlock>,
    halve: ConvBlock,
}

/// A decoder level: the transposed convolution that doubles the resolution, and the convolutions
/// over its result and the skip connection.
struct Up {
    double: UpBlock,
    same: Vec<ConvBlock>,
}

/// The network `G`.
pub struct Generator {
    config: GeneratorConfig,
    down: Vec<Down>,
    encode: LinearRelu,
    decode: LinearRelu,
    up: Vec<Up>,
    out: Conv,
}

impl Generator {
    /// With what the names of the weights begin that [`Self::encode`] takes.
    pub const ENCODER: [&str; 2] = ["encoder.", "bottleneck.0."];

    /// Side of the pictures.
    pub fn size(&self) -> i64 {
        self.config.size
    }

    /// A generator with freshly drawn weights (by torch's global generator) in `store`.
    pub fn new(store: &mut Store, config: &GeneratorConfig) -> Self {
        let channels = config.channels();
        let mut inputs = config.input_channels();
        let mut down = Vec::new();
        for (level, (&c, depth)) in channels.iter().zip(ENCODER_DEPTH).enumerate() {
            let name = |k: usize| format!("encoder.{level}.{k}");
            let mut same = Vec::new();
            for k in 0..depth - 1 {
                same.push(ConvBlock::new(store, &name(k), inputs, c, 1));
                inputs = c;
            }
            down.push(Down {
                same,
                halve: ConvBlock::new(store, &name(depth - 1), c, c, 2),
            });
        }
        let features = config.coarse_features();
        let encode = LinearRelu::new(store, "bottleneck.0", features, config.bottleneck);
        let decode = LinearRelu::new(store, "bottleneck.1", config.bottleneck, features);
        let joined = if config.skips { 2 } else { 1 };
        let mut up = Vec::new();
        for (level, (&c, depth)) in channels.iter().rev().zip(DECODER_DEPTH).enumerate() {
            let name = |k: usize| format!("decoder.{level}.{k}");
            let double = UpBlock::new(store, &name(0), inputs, c);
            let same = (0..depth)
                .map(|k| {
                    ConvBlock::new(
                        store,
                        &name(k + 1),
                        if k == 0 { joined * c } else { c },
                        c,
                        1,
                    )
                })
                .collect();
            up.push(Up { double, same });
            inputs = c;
        }
        let out = Conv::with_bias(store, "out", config.width, 3, 1);
        Self {
            config: config.clone(),
            down,
            encode,
            decode,
            up,
            out,
        }
    }

    /// Completes `masked` = `M * Z` `[N, 3, S, S]` under `mask` = `M` `[N, 3, S, S]` (1 known):
    /// `[N, 3, S, S]` f32 in `[0, 1]`, the generator's whole output. Both inputs have the kind of
    /// the working weights and are channels last.
    pub fn forward(&self, masked: &Tensor, mask: &Tensor, pass: Pass) -> Tensor {
        let (skips, mut x) = self.descend(masked, mask, pass);
        let coarse = x.size(); // [N, 8 W, S / 32, S / 32]
        let code = self.encode.forward(&x.flatten(1, -1)); // [N, B]
        x = self.decode.forward(&code).view(coarse.as_slice());
        for (level, skip) in self.up.iter().zip(skips.iter().rev()) {
            x = level.double.forward(&x, pass);
            if self.config.skips {
                x = Tensor::cat(&[&x, skip], 1);
            }
            for block in &level.same {
                x = block.forward(&x, pass);
            }
        }
        self.out.forward(&x).to_kind(tch::Kind::Float).sigmoid_()
    }

    /// The values of the bottleneck `[N, B]` for inputs as [`Self::forward`] takes them.
    pub fn encode(&self, masked: &Tensor, mask: &Tensor, pass: Pass) -> Tensor {
        let (_, x) = self.descend(masked, mask, pass);
        self.encode.forward(&x.flatten(1, -1))
    }

    /// The encoder's levels, finest first, and its last feature map `[N, 8 W, S / 32, S / 32]`.
    fn descend(&self, masked: &Tensor, mask: &Tensor, pass: Pass) -> (Vec<Tensor>, Tensor) {
        let mut x = self.input(masked, mask); // [N, 3..12, S, S]
        let mut skips = Vec::with_capacity(self.down.len());
        for level in &self.down {
            for block in &level.same {
                x = block.forward(&x, pass);
            }
            let half = level.halve.forward(&x, pass);
            skips.push(std::mem::replace(&mut x, half));
        }
        (skips, x)
    }

    fn input(&self, masked: &Tensor, mask: &Tensor) -> Tensor {
        let mut parts = vec![masked.shallow_clone()];
        if self.config.mask_input {
            parts.push(mask.shallow_clone());
        }
        if self.config.mirror_input {
            let mirrored: Vec<_> = parts.iter().map(|t| t.flip([3])).collect();
            parts.extend(mirrored);
        }
        Tensor::cat(&parts, 1)
    }

    /// The network as an ONNX graph that keeps the contract; needs f32 weights.
    pub fn trace(&self) -> Graph {
        let mut graph = Graph::new(contract::KIND);
        let shape = [3, self.config.size, self.config.size];
        let image = graph.input(contract::INPUT_IMAGE, &shape);
        let mask = graph.input(contract::INPUT_MASK, &shape);
        let mut parts = vec![image];
        if self.config.mask_input {
            parts.push(mask);
        }
        if self.config.mirror_input {
            let mirrored: Vec<_> = parts.iter().map(|p| graph.mirror(p)).collect();
            parts.extend(mirrored);
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let mut x = graph.concat(&parts);
        let mut skips = Vec::with_capacity(self.down.len());
        for level in &self.down {
            for block in &level.same {
                x = block.trace(&mut graph, &x);
            }
            let half = level.halve.trace(&mut graph, &x);
            skips.push(std::mem::replace(&mut x, half));
        }
        x = graph.flatten(&x);
        x = self.encode.trace(&mut graph, &x);
        x = self.decode.trace(&mut graph, &x);
        let coarse = self.config.coarse_size();
        x = graph.reshape(&x, &[8 * self.config.width, coarse, coarse]);
        for (level, skip) in self.up.iter().zip(skips.iter().rev()) {
            x = level.double.trace(&mut graph, &x);
            if self.config.skips {
                x = graph.concat(&[&x, skip]);
            }
            for block in &level.same {
                x = block.trace(&mut graph, &x);
            }
        }
        x = self.out.trace(&mut graph, &x);
        x = graph.sigmoid(&x);
        graph.output(&x, contract::OUTPUT, &shape);
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::config::Preset;
    use crate::network::parameters::Precision;
    use crate::tensors::channels_last;
    use tch::{Device, Kind};

    #[test]
    fn adopting_statistics_changes_nothing_and_makes_training_start_from_there() {
        tch::manual_seed(1);
        let config = Preset::Tiny.config();
        let mut store = Store::new(Device::Cpu, Precision::F32);
        let generator = Generator::new(&mut store, &config);
        let random = || {
            let picture = Tensor::rand([8, 3, 32, 32], (Kind::Float, Device::Cpu));
            channels_last(&picture)
        };
        let (picture, mask) = (random(), random().lt(0.5).to_kind(Kind::Float));
        let run = |pass| tch::no_grad(|| generator.forward(&(&picture * &mask), &mask, pass));
        let largest = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]);
        let before = run(Pass::Use);
        assert!(largest(&before, &run(Pass::Train)) > 1e-2, "they differ");
        // Training has moved the running statistics a little.
        let before = run(Pass::Use);
        let adopting = run(Pass::Adopt);
        assert!(largest(&before, &adopting) < 1e-4);
        assert!(largest(&before, &run(Pass::Use)) < 1e-4);
        assert!(largest(&before, &run(Pass::Train)) < 1e-3);
    }
}
