//! The network: strided convolutions down to 4x4, one fully-connected layer, three heads.

use mde_core::points::{
    INPUT, KIND, OUTPUT_POINTS, OUTPUT_SCORE, OUTPUT_VISIBILITY, SIZE, template,
};
use tch::{Device, Kind, Tensor};

use crate::network::layers::{ConvBlock, LinearRelu, Pass, he_uniform};
use crate::network::parameters::Store;
use crate::onnx::{Graph, Layer};

/// Channels and stride of the convolutions: 26 million multiplications a crop.
const CONVOLUTIONS: [(i64, i64); 8] = [
    (24, 2), // [24, 32, 32]
    (48, 2), // [48, 16, 16]
    (48, 1),
    (96, 2), // [96, 8, 8]
    (96, 1),
    (96, 1),
    (128, 2), // [128, 4, 4]
    (128, 1),
];
/// Values of the last feature map, `[128, 4, 4]`.
const FEATURES: i64 = 128 * 4 * 4;
/// Width of the fully-connected layer.
const HIDDEN: i64 = 128;
/// Crop pixels a unit of the points' head, so that its weights are of the others' size.
const UNIT: f64 = 8.0;

/// The point net.
pub struct PointNet {
    convolutions: Vec<ConvBlock>,
    hidden: LinearRelu,
    points: Head,
    visibility: Head,
    score: Head,
}

/// What the network says of a batch of crops.
pub struct Answer {
    /// `[N, 5, 2]` f32, crop pixels.
    pub points: Tensor,
    /// `[N, 5]` f32, logits.
    pub visibility: Tensor,
    /// `[N]` f32, logits.
    pub score: Tensor,
}

impl PointNet {
    /// A network with freshly drawn weights (by torch's global generator) in `store`.
    pub fn new(store: &mut Store) -> Self {
        let mut inputs = 3;
        let mut convolutions = Vec::new();
        for (k, (channels, stride)) in CONVOLUTIONS.into_iter().enumerate() {
            let name = format!("convolution.{k}");
            convolutions.push(ConvBlock::new(store, &name, inputs, channels, stride));
            inputs = channels;
        }
        Self {
            convolutions,
            hidden: LinearRelu::new(store, "hidden", FEATURES, HIDDEN),
            points: Head::new(store, "points", 10),
            visibility: Head::new(store, "visibility", 5),
            score: Head::new(store, "score", 1),
        }
    }

    /// The answer for `crops` `[N, 3, 64, 64]` f32, channels last.
    pub fn forward(&self, crops: &Tensor, pass: Pass) -> Answer {
        let mut x = crops.shallow_clone();
        for block in &self.convolutions {
            x = block.forward(&x, pass);
        }
        let x = self.hidden.forward(&x.flatten(1, -1)); // [N, 128]
        let points = self.points.forward(&x) * UNIT; // [N, 10]
        Answer {
            points: (points + template_row(x.device())).view([-1, 5, 2]),
            visibility: self.visibility.forward(&x),
            score: self.score.forward(&x).squeeze_dim(1),
        }
    }

    /// The network as an ONNX graph that keeps the contract; needs f32 weights.
    pub fn trace(&self) -> Graph {
        let mut graph = Graph::new(KIND);
        let side = SIZE as i64;
        let mut x = graph.input(INPUT, &[3, side, side]);
        for block in &self.convolutions {
            x = block.trace(&mut graph, &x);
        }
        x = graph.flatten(&x);
        x = self.hidden.trace(&mut graph, &x);
        let template = template_row(Device::Cpu).view([10]);
        let (weight, bias) = (
            &self.points.weight * UNIT,
            &self.points.bias * UNIT + template,
        );
        let layer = Layer {
            name: "points",
            weight: &weight,
            bias: &bias,
        };
        let points = graph.linear(&x, layer);
        graph.output(&points, OUTPUT_POINTS, &[10]);
        for (head, name, count) in [
            (&self.visibility, OUTPUT_VISIBILITY, 5),
            (&self.score, OUTPUT_SCORE, 1),
        ] {
            let layer = Layer {
                name,
                weight: &head.weight,
                bias: &head.bias,
            };
            let logits = graph.linear(&x, layer);
            let shares = graph.sigmoid(&logits);
            graph.output(&shares, name, &[count]);
        }
        graph
    }
}

/// A fully-connected layer in f32.
struct Head {
    weight: Tensor,
    bias: Tensor,
}

impl Head {
    fn new(store: &mut Store, name: &str, outputs: i64) -> Self {
        let zeros = Tensor::zeros([outputs], (Kind::Float, Device::Cpu));
        // A tenth, so that training starts from the mean face.
        let weight = he_uniform(&[outputs, HIDDEN], HIDDEN) * 0.1;
        Self {
            weight: store.f32_parameter(format!("{name}.weight"), &weight),
            bias: store.f32_parameter(format!("{name}.bias"), &zeros),
        }
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        x.linear(&self.weight, Some(&self.bias))
    }
}

/// The template's points, `[1, 10]`.
fn template_row(device: Device) -> Tensor {
    let values: Vec<f32> = template().iter().flatten().map(|&v| v as f32).collect();
    Tensor::from_slice(&values).view([1, 10]).to_device(device)
}
