//! The layers the networks are made of.

use tch::{Device, Kind, Tensor};

use super::parameters::Store;
use crate::onnx::{Graph, Layer};

/// What a network is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Training: batch normalisation takes the statistics of the batch and updates the running
    /// ones.
    Train,
    /// Use: batch normalisation takes the running statistics.
    Use,
    /// As for use, but batch normalisation first takes the batch's statistics for its running ones
    /// and changes its scale and shift such that it computes what it did before. Weights without
    /// statistics, as an exported model has them, can be trained on after one such pass.
    Adopt,
}

/// A 2-D convolution whose padding keeps the size, kernel 3 where nothing else is said.
pub struct Conv {
    name: String,
    weight: Tensor,
    bias: Option<Tensor>,
    stride: i64,
}

impl Conv {
    /// Without a bias, for a layer that is normalised. The tensor is named `NAME.weight`.
    pub fn new(store: &mut Store, name: &str, inputs: i64, outputs: i64, stride: i64) -> Self {
        let init = he_uniform(&[outputs, inputs, 3, 3], inputs * 9);
        Self {
            name: name.to_owned(),
            weight: store.weight(format!("{name}.weight"), &init),
            bias: None,
            stride,
        }
    }

    /// With a bias, `NAME.bias`.
    pub fn with_bias(
        store: &mut Store,
        name: &str,
        inputs: i64,
        outputs: i64,
        stride: i64,
    ) -> Self {
        let mut conv = Self::new(store, name, inputs, outputs, stride);
        let zeros = Tensor::zeros([outputs], (Kind::Float, Device::Cpu));
        conv.bias = Some(store.weight(format!("{name}.bias"), &zeros));
        conv
    }

    /// With a bias and a kernel of 1.
    pub fn pointwise(store: &mut Store, name: &str, inputs: i64, outputs: i64) -> Self {
        let weight = he_uniform(&[outputs, inputs, 1, 1], inputs);
        let bias = Tensor::zeros([outputs], (Kind::Float, Device::Cpu));
        Self::of(store, name, &weight, &bias, 1)
    }

    /// With an odd kernel, and these values at first.
    pub fn of(store: &mut Store, name: &str, weight: &Tensor, bias: &Tensor, stride: i64) -> Self {
        Self {
            name: name.to_owned(),
            weight: store.weight(format!("{name}.weight"), weight),
            bias: Some(store.weight(format!("{name}.bias"), bias)),
            stride,
        }
    }

    /// With a bias, and all zeros at first.
    pub fn zeroed(store: &mut Store, name: &str, inputs: i64, outputs: i64) -> Self {
        let options = (Kind::Float, Device::Cpu);
        let weight = Tensor::zeros([outputs, inputs, 3, 3], options);
        let bias = Tensor::zeros([outputs], options);
        Self::of(store, name, &weight, &bias, 1)
    }

    /// `[N, inputs, H, W]` to `[N, outputs, H / stride, W / stride]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.forward_with(&self.weight, x)
    }

    /// As [`Self::forward`], with `weight` in the place of its own.
    pub fn forward_with(&self, weight: &Tensor, x: &Tensor) -> Tensor {
        let (s, p) = (self.stride, weight.size()[2] / 2);
        x.conv2d(weight, self.bias.as_ref(), [s, s], [p, p], [1, 1], 1)
    }

    /// The weight, `[outputs, inputs, K, K]`.
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// Appends the layer to an ONNX graph; needs f32 weights.
    pub fn trace(&self, graph: &mut Graph, x: &str) -> String {
        self.trace_with(graph, x, &self.weight)
    }

    /// As [`Self::trace`] of what [`Graph::space_to_depth`] gives, which orders the channels of a
    /// block of `block` x `block` pixels after the pixels and not before them.
    pub fn trace_unshuffled(&self, graph: &mut Graph, x: &str, block: i64) -> String {
        self.trace_with(graph, x, &Self::unshuffled(&self.weight, block))
    }

    /// `weight` for inputs as [`Graph::space_to_depth`] orders them.
    pub fn unshuffled(weight: &Tensor, block: i64) -> Tensor {
        let [outputs, inputs, height, width] = weight.size()[..] else {
            unreachable!("a convolution's weight has four dimensions");
        };
        let pixels = block * block;
        weight
            .reshape([outputs, inputs / pixels, pixels, height, width])
            .transpose(1, 2)
            .reshape([outputs, inputs, height, width])
    }

    /// The weight of the layer where `traced` is that of [`Self::trace_unshuffled`].
    pub fn shuffled(traced: &Tensor, block: i64) -> Tensor {
        let pixels = block * block;
        let size = traced.size();
        (traced.reshape([size[0], pixels, size[1] / pixels, size[2], size[3]]))
            .transpose(1, 2)
            .reshape(size)
    }

    /// As [`Self::trace`], with `weight` in the place of its own.
    pub fn trace_with(&self, graph: &mut Graph, x: &str, weight: &Tensor) -> String {
        let zeros = || Tensor::zeros([weight.size()[0]], (Kind::Float, Device::Cpu));
        let bias = self.bias.as_ref().map_or_else(zeros, Tensor::shallow_clone);
        let layer = Layer {
            name: &self.name,
            weight,
            bias: &bias,
        };
        graph.conv(x, layer, self.stride)
    }
}

/// `x + b(relu(a(relu(x))))`.
pub struct Residual {
    first: Conv,
    second: Conv,
}

impl Residual {
    /// With `channels` of both, named `NAME.0` and `NAME.1`.
    pub fn new(store: &mut Store, name: &str, channels: i64) -> Self {
        Self {
            first: Conv::with_bias(store, &format!("{name}.0"), channels, channels, 1),
            // A block begins as the identity.
            second: Conv::zeroed(store, &format!("{name}.1"), channels, channels),
        }
    }

    /// `[N, channels, H, W]` to the same.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x + self.second.forward(&self.first.forward(&x.relu()).relu_())
    }

    /// Appends the block to an ONNX graph; needs f32 weights.
    pub fn trace(&self, graph: &mut Graph, x: &str) -> String {
        let inner = graph.relu(x);
        let inner = self.first.trace(graph, &inner);
        let inner = graph.relu(&inner);
        let inner = self.second.trace(graph, &inner);
        graph.add(x, &inner)
    }
}

/// Batch normalisation with f32 statistics.
pub struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
}

/// Weight of the newest batch in the running statistics.
const MOMENTUM: f64 = 0.1;
/// Added to the variance.
pub const BATCH_NORM_EPS: f64 = 1e-5;

impl BatchNorm {
    /// Tensors are named `NAME.weight`, `NAME.bias`, `NAME.running_mean` and `NAME.running_var`.
    pub fn new(store: &mut Store, name: &str, channels: i64) -> Self {
        let options = (Kind::Float, Device::Cpu);
        let (ones, zeros) = (
            Tensor::ones([channels], options),
            Tensor::zeros([channels], options),
        );
        Self {
            weight: store.f32_parameter(format!("{name}.weight"), &ones),
            bias: store.f32_parameter(format!("{name}.bias"), &zeros),
            running_mean: store.buffer(format!("{name}.running_mean"), &zeros),
            running_var: store.buffer(format!("{name}.running_var"), &ones),
        }
    }

    /// `[N, channels, H, W]` to the same.
    pub fn forward(&self, x: &Tensor, pass: Pass) -> Tensor {
        if pass == Pass::Adopt {
            self.adopt(x);
        }
        x.batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            pass == Pass::Train,
            MOMENTUM,
            BATCH_NORM_EPS,
            true,
        )
    }

    /// Takes the statistics of `x` for the running ones, and keeps [`Self::affine`].
    fn adopt(&self, x: &Tensor) {
        tch::no_grad(|| {
            let (scale, shift) = self.affine();
            let x = x.to_kind(Kind::Float);
            let (var, mean) = x.var_mean_dim([0i64, 2, 3].as_slice(), false, false);
            let deviation = (&var + BATCH_NORM_EPS).sqrt();
            self.weight.detach().copy_(&(&scale * deviation));
            self.bias.detach().copy_(&(shift + scale * &mean));
            self.running_mean.detach().copy_(&mean);
            self.running_var.detach().copy_(&var);
        });
    }

    /// `(scale, shift)` per channel of the trained normalisation: `scale x + shift`.
    fn affine(&self) -> (Tensor, Tensor) {
        let scale = &self.weight / (&self.running_var + BATCH_NORM_EPS).sqrt();
        let shift = &self.bias - &self.running_mean * &scale;
        (scale, shift)
    }
}

/// Convolution, batch normalisation, ReLU.
pub struct ConvBlock {
    conv: Conv,
    norm: BatchNorm,
}

impl ConvBlock {
    /// Tensors are named `NAME.conv.*` and `NAME.norm.*`.
    pub fn new(store: &mut Store, name: &str, inputs: i64, outputs: i64, stride: i64) -> Self {
        Self {
            conv: Conv::new(store, &format!("{name}.conv"), inputs, outputs, stride),
            norm: BatchNorm::new(store, &format!("{name}.norm"), outputs),
        }
    }

    /// `[N, inputs, H, W]` to `[N, outputs, H / stride, W / stride]`.
    pub fn forward(&self, x: &Tensor, pass: Pass) -> Tensor {
        // In place: the gradient of the normalisation needs its input, not its output.
        self.norm.forward(&self.conv.forward(x), pass).relu_()
    }

    /// Appends the block to an ONNX graph, the normalisation folded into the convolution; needs
    /// f32 weights.
    pub fn trace(&self, graph: &mut Graph, x: &str) -> String {
        let (weight, bias) = self.folded();
        let layer = Layer {
            name: &self.conv.name,
            weight: &weight,
            bias: &bias,
        };
        let x = graph.conv(x, layer, self.conv.stride);
        graph.relu(&x)
    }

    /// Weight and bias of the convolution with the normalisation folded in; needs f32 weights.
    pub fn folded(&self) -> (Tensor, Tensor) {
        let (scale, shift) = self.norm.affine();
        (&self.conv.weight * scale.view([-1, 1, 1, 1]), shift)
    }
}

/// Transposed convolution (kernel 4, stride 2), batch normalisation, ReLU.
pub struct UpBlock {
    name: String,
    weight: Tensor,
    norm: BatchNorm,
}

impl UpBlock {
    /// Tensors are named `NAME.conv.*` and `NAME.norm.*`.
    pub fn new(store: &mut Store, name: &str, inputs: i64, outputs: i64) -> Self {
        // Each output value sees a quarter of the 16 taps.
        let init = he_uniform(&[inputs, outputs, 4, 4], inputs * 4);
        Self {
            name: format!("{name}.conv"),
            weight: store.weight(format!("{name}.conv.weight"), &init),
            norm: BatchNorm::new(store, &format!("{name}.norm"), outputs),
        }
    }

    /// `[N, inputs, H, W]` to `[N, outputs, 2 H, 2 W]`.
    pub fn forward(&self, x: &Tensor, pass: Pass) -> Tensor {
        let up = x.conv_transpose2d(
            &self.weight,
            None::<&Tensor>,
            [2, 2],
            [1, 1],
            [0, 0],
            1,
            [1, 1],
        );
        self.norm.forward(&up, pass).relu_()
    }

    /// Appends the block to an ONNX graph, the normalisation folded into the convolution; needs
    /// f32 weights.
    pub fn trace(&self, graph: &mut Graph, x: &str) -> String {
        let (scale, shift) = self.norm.affine();
        let weight = &self.weight * scale.view([1, -1, 1, 1]);
        let layer = Layer {
            name: &self.name,
            weight: &weight,
            bias: &shift,
        };
        let x = graph.conv_transpose(x, layer);
        graph.relu(&x)
    }
}

/// Fully-connected layer.
pub struct Linear {
    name: String,
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Tensors are named `NAME.weight` and `NAME.bias`.
    pub fn new(store: &mut Store, name: &str, inputs: i64, outputs: i64) -> Self {
        let zeros = Tensor::zeros([outputs], (Kind::Float, Device::Cpu));
        Self {
            name: name.to_owned(),
            weight: store.weight(
                format!("{name}.weight"),
                &he_uniform(&[outputs, inputs], inputs),
            ),
            bias: store.weight(format!("{name}.bias"), &zeros),
        }
    }

    /// `[N, inputs]` to `[N, outputs]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.linear(&self.weight, Some(&self.bias))
    }

    /// Appends the layer to an ONNX graph; needs f32 weights.
    pub fn trace(&self, graph: &mut Graph, x: &str) -> String {
        let layer = Layer {
            name: &self.name,
            weight: &self.weight,
            bias: &self.bias,
        };
        graph.linear(x, layer)
    }
}

/// Fully-connected layer and ReLU.
pub struct LinearRelu(Linear);

impl LinearRelu {
    /// Tensors are named `NAME.weight` and `NAME.bias`.
    pub fn new(store: &mut Store, name: &str, inputs: i64, outputs: i64) -> Self {
        Self(Linear::new(store, name, inputs, outputs))
    }

    /// `[N, inputs]` to `[N, outputs]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.0.forward(x).relu_()
    }

    /// Appends the layer to an ONNX graph; needs f32 weights.
    pub fn trace(&self, graph: &mut Graph, x: &str) -> String {
        let x = self.0.trace(graph, x);
        graph.relu(&x)
    }
}

/// He et al. 2015, equation 14, uniform: variance `2 / fan_in`.
pub fn he_uniform(size: &[i64], fan_in: i64) -> Tensor {
    let bound = (6.0 / fan_in as f64).sqrt();
    Tensor::empty(size, (Kind::Float, Device::Cpu)).uniform_(-bound, bound)
}
