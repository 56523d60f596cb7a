//! Small ONNX models that keep, or break, the contract of a generator.

use gstmdecomplete::completer::{Completer, CompleterError, Config, ModelSource};
use gstmdecomplete::runtime::{self, FallbackPolicy, Provider, RuntimeError, RuntimeOptions};
use mde_core::contract::{
    Alignment, Contract, INPUT_IMAGE, INPUT_MASK, INPUT_VIEW, INPUT_VIEW_MASK, OUTPUT, OUTPUT_FLOW,
    OUTPUT_WEIGHTS, ValueRange, Version,
};
use mde_core::covers;
use mde_core::refining;
use onnx_protobuf::{
    GraphProto, Message, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
    tensor_proto::DataType,
    tensor_shape_proto::{Dimension, dimension},
    type_proto,
};

use crate::skip::skip;

/// A model under construction.
#[derive(Clone)]
pub struct Model {
    sides: [i64; 2],
    graph: GraphProto,
    contract: Option<Contract>,
    covers: Option<covers::Contract>,
    refining: Option<refining::Contract>,
}

impl Model {
    /// A generator's inputs, output and metadata for `width` x `height` crops; no nodes yet.
    pub fn generator(width: usize, height: usize) -> Self {
        let sides = [height as i64, width as i64];
        let mut model = Self {
            sides,
            graph: GraphProto {
                name: "generator".into(),
                ..Default::default()
            },
            contract: Some(Contract {
                version: Version::One,
                width,
                height,
                alignment: Alignment::FaceTemplate,
                range: ValueRange::Unit,
                training: "none: a graph built by hand".into(),
                license: "MPL-2.0".into(),
            }),
            covers: None,
            refining: None,
        };
        model.graph.output = vec![tensor(OUTPUT, [-1, 3, sides[0], sides[1]])];
        model.with_input(INPUT_IMAGE, 3).with_input(INPUT_MASK, 3)
    }

    /// A generator's inputs, outputs and metadata where it is shown views; no nodes yet.
    pub fn generator_with_views(width: usize, height: usize) -> Self {
        let mut model = Self::generator(width, height)
            .with_input(INPUT_VIEW, 3)
            .with_input(INPUT_VIEW_MASK, 1);
        if let Some(contract) = &mut model.contract {
            contract.version = Version::Two;
        }
        let grid = model.sides.map(|side| side / 2);
        for (name, channels) in [(OUTPUT_FLOW, 4), (OUTPUT_WEIGHTS, 3)] {
            let output = tensor(name, [-1, channels, grid[0], grid[1]]);
            model.graph.output.push(output);
        }
        model
    }

    /// Takes every other column and row of `input`.
    fn every_other(self, input: &str, output: &str) -> Self {
        self.constant("starts", &[2], Values::Int64(&[0; 2]))
            .constant("ends", &[2], Values::Int64(&[i64::MAX; 2]))
            .constant("axes", &[2], Values::Int64(&[2, 3]))
            .constant("steps", &[2], Values::Int64(&[2; 2]))
            .node("Slice", &[input, "starts", "ends", "axes", "steps"], output)
    }

    /// Fills holes with the view where it is known, and with grey elsewhere. It says that it copies
    /// from `flow` away.
    pub fn copies_view(width: usize, height: usize, flow: [f32; 2]) -> Self {
        Self::generator_with_views(width, height)
            .constant("one", &[], Values::Float(&[1.0]))
            .constant("grey", &[], Values::Float(&[0.5]))
            .node("Sub", &["one", INPUT_MASK], "missing")
            .node("Sub", &["one", INPUT_VIEW_MASK], "unknown")
            .node("Mul", &["unknown", "grey"], "painted")
            .node("Add", &[INPUT_VIEW, "painted"], "fill")
            .node("Mul", &["missing", "fill"], "filled")
            .node("Add", &[INPUT_IMAGE, "filled"], OUTPUT)
            .every_other(INPUT_VIEW_MASK, "copied")
            .constant("moves", &[1, 3, 1, 1], Values::Float(&[-1.0, 1.0, 0.0]))
            .constant("rest", &[1, 3, 1, 1], Values::Float(&[1.0, 0.0, 0.0]))
            .node("Mul", &["copied", "moves"], "moved")
            .node("Add", &["moved", "rest"], OUTPUT_WEIGHTS)
            .constant("none", &[1, 4, 1, 1], Values::Float(&[0.0; 4]))
            .constant(
                "away",
                &[1, 4, 1, 1],
                Values::Float(&[flow[0], flow[1], 0.0, 0.0]),
            )
            .node("Mul", &["copied", "none"], "nowhere")
            .node("Add", &["nowhere", "away"], OUTPUT_FLOW)
    }

    /// Fills holes with the picture mirrored left to right, and says so.
    pub fn copies_mirror(width: usize, height: usize) -> Self {
        Self::generator_with_views(width, height)
            .constant("one", &[], Values::Float(&[1.0]))
            .node("Sub", &["one", INPUT_MASK], "missing")
            .constant("rightmost", &[1], Values::Int64(&[-1]))
            .constant("leftmost", &[1], Values::Int64(&[i64::MIN]))
            .constant("across", &[1], Values::Int64(&[3]))
            .constant("back", &[1], Values::Int64(&[-1]))
            .node(
                "Slice",
                &[INPUT_IMAGE, "rightmost", "leftmost", "across", "back"],
                "mirror",
            )
            .node("Mul", &["missing", "mirror"], "filled")
            .node("Add", &[INPUT_IMAGE, "filled"], OUTPUT)
            .every_other(INPUT_VIEW_MASK, "cells")
            .constant("none", &[1, 4, 1, 1], Values::Float(&[0.0; 4]))
            .node("Mul", &["cells", "none"], OUTPUT_FLOW)
            .constant("no", &[1, 3, 1, 1], Values::Float(&[0.0; 3]))
            .node("Mul", &["cells", "no"], "nothing")
            .constant("all", &[1, 3, 1, 1], Values::Float(&[0.0, 0.0, 1.0]))
            .node("Add", &["nothing", "all"], OUTPUT_WEIGHTS)
    }

    /// A cover net for crops of `side` pixels that takes pure green for objects, pure blue for masks
    /// and pure red for sunglasses.
    pub fn sees_colours(side: usize) -> Self {
        let mut weights = [-1.0; 15];
        for (kind, own) in [1, 2, 0].into_iter().enumerate() {
            weights[3 * kind + own] = 1.0;
        }
        weights[9..].fill(0.0);
        Self::cover_net(side)
            .constant("weights", &[5, 3, 1, 1], Values::Float(&weights))
            .every_other(INPUT_IMAGE, "small")
            .node("Conv", &["small", "weights"], "off")
            .node("Relu", &["off"], covers::OUTPUT)
    }

    /// The inputs, output and metadata of a cover net for crops of `side` pixels; no nodes yet.
    pub fn cover_net(side: usize) -> Self {
        let mut model = Self::generator(side, side)
            .with_input(INPUT_VIEW, 3)
            .with_input(INPUT_VIEW_MASK, 1);
        model.contract = None;
        model.covers = Some(covers::Contract {
            side,
            range: ValueRange::Unit,
            training: "none: a graph built by hand".into(),
            license: "MPL-2.0".into(),
        });
        model.graph.input.retain(|input| input.name != INPUT_MASK);
        let grid = [-1, 5, side as i64 / 2, side as i64 / 2];
        model.graph.input.push(tensor(covers::INPUT_LAST, grid));
        model.graph.output = vec![tensor(covers::OUTPUT, grid)];
        model
    }

    /// A refiner for twice a generator's resolution that adds `by` to what is missing:
    /// `image + by (1 - mask)`.
    pub fn brightens(by: f32) -> Self {
        Self::refiner()
            .constant("one", &[], Values::Float(&[1.0]))
            .constant("by", &[], Values::Float(&[by]))
            .node("Sub", &["one", INPUT_MASK], "missing")
            .node("Mul", &["missing", "by"], "change")
            .node("Add", &[INPUT_IMAGE, "change"], refining::OUTPUT)
    }

    /// The inputs, output and metadata of a refiner; no nodes yet.
    pub fn refiner() -> Self {
        let mut model = Self::generator(8, 8);
        model.contract = None;
        model.refining = Some(refining::Contract {
            scale: 2,
            range: ValueRange::Unit,
            training: "none: a graph built by hand".into(),
            license: "MPL-2.0".into(),
        });
        let free = |name, channels| tensor(name, [-1, channels, -1, -1]);
        model.graph.input = vec![free(INPUT_IMAGE, 3), free(INPUT_MASK, 1)];
        model.graph.output = vec![free(refining::OUTPUT, 3)];
        model
    }

    /// Fills holes with the mean of each channel's known values:
    /// `image + (1 - mask) sum(image) / (sum(mask) + e)`.
    pub fn mean_fill(width: usize, height: usize) -> Self {
        Self::generator(width, height)
            .constant("axes", &[2], Values::Int64(&[2, 3]))
            .constant("one", &[], Values::Float(&[1.0]))
            .constant("epsilon", &[], Values::Float(&[1e-6]))
            .node("ReduceSum", &[INPUT_IMAGE, "axes"], "sum")
            .node("ReduceSum", &[INPUT_MASK, "axes"], "known")
            .node("Add", &["known", "epsilon"], "known_plus")
            .node("Div", &["sum", "known_plus"], "mean")
            .node("Sub", &["one", INPUT_MASK], "missing")
            .node("Mul", &["missing", "mean"], "fill")
            .node("Add", &[INPUT_IMAGE, "fill"], OUTPUT)
    }

    /// `image / mask`: NaN under every hole, the image elsewhere.
    pub fn divide(width: usize, height: usize) -> Self {
        Self::generator(width, height).node("Div", &[INPUT_IMAGE, INPUT_MASK], OUTPUT)
    }

    /// A 1x1 convolution that adds the thirds of the two other channels to each: something to round
    /// for providers that compute in fewer bits. The hole is zero.
    pub fn mix(width: usize, height: usize) -> Self {
        let third = 1.0 / 3.0;
        let weights = [
            1.0, third, third, //
            third, 1.0, third, //
            third, third, 1.0,
        ];
        Self::generator(width, height)
            .constant("weights", &[3, 3, 1, 1], Values::Float(&weights))
            .node("Conv", &[INPUT_IMAGE, "weights"], "mixed")
            .node("Mul", &["mixed", INPUT_MASK], OUTPUT)
    }

    /// Fills holes with the mean of all known values of the whole batch.
    pub fn mean_of_batch(width: usize, height: usize) -> Self {
        Self::generator(width, height)
            .constant("one", &[], Values::Float(&[1.0]))
            .node("ReduceSum", &[INPUT_IMAGE], "sum")
            .node("ReduceSum", &[INPUT_MASK], "known")
            .node("Div", &["sum", "known"], "mean")
            .node("Sub", &["one", INPUT_MASK], "missing")
            .node("Mul", &["missing", "mean"], "fill")
            .node("Add", &[INPUT_IMAGE, "fill"], OUTPUT)
    }

    /// Fills holes with one value.
    pub fn flat(width: usize, height: usize, value: f32) -> Self {
        Self::generator(width, height)
            .constant("one", &[], Values::Float(&[1.0]))
            .constant("value", &[], Values::Float(&[value]))
            .node("Sub", &["one", INPUT_MASK], "missing")
            .node("Mul", &["missing", "value"], "fill")
            .node("Add", &[INPUT_IMAGE, "fill"], OUTPUT)
    }

    /// Fills holes with the mean of `values` zeros, which it makes as it runs.
    pub fn large(width: usize, height: usize, values: i64) -> Self {
        Self::generator(width, height)
            .constant("one", &[], Values::Float(&[1.0]))
            .constant("count", &[1], Values::Int64(&[values]))
            .constant("row", &[1], Values::Int64(&[1]))
            .constant("shape", &[4], Values::Int64(&[1, 1, 1, 1]))
            .node("ReduceMin", &[INPUT_IMAGE], "least")
            .node("Reshape", &["least", "row"], "seed")
            .node("Expand", &["seed", "count"], "zeros")
            .node("ReduceMax", &["zeros"], "value")
            .node("Reshape", &["value", "shape"], "fill_value")
            .node("Sub", &["one", INPUT_MASK], "missing")
            .node("Mul", &["missing", "fill_value"], "fill")
            .node("Add", &[INPUT_IMAGE, "fill"], OUTPUT)
    }

    /// Fills holes with one value, but fails as it runs where the pictures are almost white: an
    /// index taken from their mean then lies beyond a table.
    pub fn fails_on_white(width: usize, height: usize) -> Self {
        Self::generator(width, height)
            .constant("one", &[], Values::Float(&[1.0]))
            .constant("table", &[1], Values::Float(&[0.25]))
            .constant("shape", &[1], Values::Int64(&[1]))
            .constant("second", &[2], Values::Float(&[0.0, 1.0]))
            .constant("limit", &[2], Values::Float(&[0.8, 0.0]))
            .node("ReduceMean", &[INPUT_IMAGE], "mean_of_all")
            .node("Reshape", &["mean_of_all", "shape"], "mean")
            .node("Mul", &["mean", "second"], "mean_second")
            .node("Add", &["mean_second", "limit"], "limit_and_mean")
            .node("ArgMax", &["limit_and_mean"], "index")
            .node("Gather", &["table", "index"], "value")
            .node("Sub", &["one", INPUT_MASK], "missing")
            .node("Mul", &["missing", "value"], "fill")
            .node("Add", &[INPUT_IMAGE, "fill"], OUTPUT)
    }

    /// A graph without metadata and nodes; sides of -1 are open.
    pub fn stranger(inputs: &[(&str, [i64; 4])], output: (&str, [i64; 4])) -> Self {
        let mut model = Self::generator(16, 16).without_contract();
        let inputs = inputs.iter().map(|(name, sides)| tensor(name, *sides));
        model.graph.input = inputs.collect();
        model.graph.output = vec![tensor(output.0, output.1)];
        model
    }

    /// What exports of LaMa look like: one picture a run, a mask of one channel in which 1 means
    /// missing, values 0 to 1 in and 0 to 255 out. Fills holes with 0.25.
    pub fn like_lama(width: i64, height: i64) -> Self {
        let image = ("image", [1, 3, height, width]);
        let mask = ("mask", [1, 1, height, width]);
        Self::stranger(&[image, mask], ("output", [1, 3, height, width]))
            .constant("one", &[], Values::Float(&[1.0]))
            .constant("quarter", &[], Values::Float(&[0.25]))
            .constant("white", &[], Values::Float(&[255.0]))
            .node("Sub", &["one", "mask"], "known")
            .node("Mul", &["image", "known"], "seen")
            .node("Mul", &["mask", "quarter"], "fill")
            .node("Add", &["seen", "fill"], "filled")
            .node("Mul", &["filled", "white"], "output")
    }

    /// Adds a node with one output and the operator's default attributes.
    pub fn node(mut self, operator: &str, inputs: &[&str], output: &str) -> Self {
        self.graph.node.push(NodeProto {
            name: output.into(),
            op_type: operator.into(),
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            ..Default::default()
        });
        self
    }

    /// Adds an initialiser.
    pub fn constant(mut self, name: &str, dims: &[i64], values: Values) -> Self {
        let mut tensor = TensorProto {
            name: name.into(),
            dims: dims.to_vec(),
            ..Default::default()
        };
        match values {
            Values::Float(values) => {
                tensor.data_type = DataType::FLOAT as i32;
                tensor.float_data = values.to_vec();
            }
            Values::Int64(values) => {
                tensor.data_type = DataType::INT64 as i32;
                tensor.int64_data = values.to_vec();
            }
        }
        self.graph.initializer.push(tensor);
        self
    }

    /// Leaves the metadata out.
    pub fn without_contract(mut self) -> Self {
        self.contract = None;
        self
    }

    /// Says in the metadata that pictures are in `range`.
    pub fn with_range(mut self, range: ValueRange) -> Self {
        if let Some(contract) = &mut self.contract {
            contract.range = range;
        }
        self
    }

    /// Declares the input `name` (an existing one, or one more) with `channels` channels.
    pub fn with_input(mut self, name: &str, channels: i64) -> Self {
        self.graph.input.retain(|input| input.name != name);
        let input = tensor(name, [-1, channels, self.sides[0], self.sides[1]]);
        self.graph.input.push(input);
        self
    }

    /// The bytes of the ONNX file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let metadata = self.contract.iter().flat_map(Contract::to_metadata);
        let covers = self.covers.iter().flat_map(covers::Contract::to_metadata);
        let refining = (self.refining.iter()).flat_map(refining::Contract::to_metadata);
        let metadata = metadata.chain(covers).chain(refining);
        let model = ModelProto {
            ir_version: 8,
            producer_name: "mdecomplete tests".into(),
            opset_import: vec![OperatorSetIdProto {
                version: 17,
                ..Default::default()
            }],
            graph: Some(self.graph.clone()).into(),
            metadata_props: metadata
                .map(|(key, value)| StringStringEntryProto {
                    key: key.into(),
                    value,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        };
        model.write_to_bytes().expect("a complete message")
    }
}

/// The values of an initialiser.
pub enum Values<'a> {
    Float(&'a [f32]),
    Int64(&'a [i64]),
}

/// An f32 tensor; sides of -1 are open.
fn tensor(name: &str, sides: [i64; 4]) -> ValueInfoProto {
    let names = ["N", "channels", "height", "width"];
    let side = |(side, name): (i64, &str)| Dimension {
        value: Some(match side {
            -1 => dimension::Value::DimParam(name.into()),
            side => dimension::Value::DimValue(side),
        }),
        ..Default::default()
    };
    let shape = TensorShapeProto {
        dim: sides.into_iter().zip(names).map(side).collect(),
        ..Default::default()
    };
    let tensor = type_proto::Tensor {
        elem_type: DataType::FLOAT as i32,
        shape: Some(shape).into(),
        ..Default::default()
    };
    let ty = TypeProto {
        value: Some(type_proto::Value::TensorType(tensor)),
        ..Default::default()
    };
    ValueInfoProto {
        name: name.into(),
        type_: Some(ty).into(),
        ..Default::default()
    }
}

/// Runs `test` where ONNX Runtime is found, and says why not elsewhere.
pub fn with_runtime(test: impl FnOnce()) {
    match runtime::open(&Model::mean_fill(16, 16).to_bytes(), &cpu()) {
        Err(RuntimeError::Library(e)) => skip(e),
        _ => test(),
    }
}

/// The CPU provider and no other.
pub fn cpu() -> RuntimeOptions {
    RuntimeOptions {
        provider: Provider::Cpu,
        fallback: FallbackPolicy::Error,
        ..Default::default()
    }
}

/// A completer for the bytes of a model.
pub fn open(model: &[u8], options: &RuntimeOptions) -> Result<Completer, CompleterError> {
    let config = Config {
        options: options.clone(),
        ..Default::default()
    };
    Completer::open(
        ModelSource::Memory(model.to_vec().into()),
        config,
        &mut |_| (),
    )
}
