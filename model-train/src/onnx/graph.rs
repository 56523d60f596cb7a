//! A builder of ONNX graphs: each operator takes value names and yields the name of its result.

use onnx_protobuf::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto, tensor_proto,
    tensor_shape_proto, type_proto,
};
use protobuf::{EnumOrUnknown, MessageField};
use tch::{Kind, Tensor};

/// ONNX operator set the graph is written in.
const OPSET: i64 = 17;
/// File format version that goes with it.
const IR_VERSION: i64 = 8;
/// Name of the free batch dimension.
const BATCH: &str = "N";
/// A dimension of any length.
pub const FREE: i64 = -1;

/// The weights of a layer, and its name, which no other layer of the graph has.
#[derive(Clone, Copy)]
pub struct Layer<'a> {
    pub name: &'a str,
    pub weight: &'a Tensor,
    pub bias: &'a Tensor,
}

/// A graph under construction. All values are f32; weights are stored in 16 bits and cast up when
/// the model is loaded.
#[derive(Default)]
pub struct Graph {
    proto: GraphProto,
    values: usize,
}

impl Graph {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        let mut graph = Self::default();
        graph.proto.name = name.to_owned();
        graph
    }

    /// Declares an input `[N, shape...]`, free where the shape is [`FREE`].
    pub fn input(&mut self, name: &str, shape: &[i64]) -> String {
        self.proto.input.push(value_info(name, shape));
        name.to_owned()
    }

    /// Declares `value` as the output `name` `[N, shape...]`, likewise.
    pub fn output(&mut self, value: &str, name: &str, shape: &[i64]) {
        let mut node = node("Identity", &[value]);
        node.output.push(name.to_owned());
        self.proto.node.push(node);
        self.proto.output.push(value_info(name, shape));
    }

    /// Concatenation along the channels.
    pub fn concat(&mut self, parts: &[&str]) -> String {
        let mut node = node("Concat", parts);
        node.attribute.push(int("axis", 1));
        self.push(node)
    }

    /// The picture mirrored left to right.
    pub fn mirror(&mut self, x: &str) -> String {
        let mut inputs = vec![x.to_owned()];
        for (what, v) in [
            ("starts", -1),
            ("ends", i64::MIN),
            ("axes", 3),
            ("steps", -1),
        ] {
            inputs.push(self.integers(what, &[v]));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.push(node("Slice", &inputs))
    }

    /// Convolution with an odd kernel and half of it as padding.
    pub fn conv(&mut self, x: &str, layer: Layer, stride: i64) -> String {
        let kernel = layer.weight.size()[2];
        let [weight, bias] = self.weights(layer);
        let mut node = node("Conv", &[x, &weight, &bias]);
        node.attribute.push(ints("kernel_shape", &[kernel; 2]));
        node.attribute.push(ints("pads", &[kernel / 2; 4]));
        node.attribute.push(ints("strides", &[stride; 2]));
        self.push(node)
    }

    /// The greatest of each 2x2 pixels.
    pub fn max_pool(&mut self, x: &str) -> String {
        let mut node = node("MaxPool", &[x]);
        node.attribute.push(ints("kernel_shape", &[2, 2]));
        node.attribute.push(ints("strides", &[2, 2]));
        self.push(node)
    }

    /// The greatest of each 3x3 pixels about every other one of an even number.
    pub fn max_pool_overlapping(&mut self, x: &str) -> String {
        let mut node = node("MaxPool", &[x]);
        node.attribute.push(ints("kernel_shape", &[3, 3]));
        node.attribute.push(ints("pads", &[0, 0, 1, 1]));
        node.attribute.push(ints("strides", &[2, 2]));
        self.push(node)
    }

    /// 4x4 transposed convolution that doubles the resolution.
    pub fn conv_transpose(&mut self, x: &str, layer: Layer) -> String {
        let [weight, bias] = self.weights(layer);
        let mut node = node("ConvTranspose", &[x, &weight, &bias]);
        node.attribute.push(ints("kernel_shape", &[4, 4]));
        node.attribute.push(ints("pads", &[1; 4]));
        node.attribute.push(ints("strides", &[2, 2]));
        self.push(node)
    }

    /// Fully-connected layer, `weight` `[outputs, inputs]`.
    pub fn linear(&mut self, x: &str, layer: Layer) -> String {
        let [weight, bias] = self.weights(layer);
        let mut node = node("Gemm", &[x, &weight, &bias]);
        node.attribute.push(int("transB", 1));
        self.push(node)
    }

    /// `[N, C, H, W]` to `[N, C H W]`.
    pub fn flatten(&mut self, x: &str) -> String {
        let mut node = node("Flatten", &[x]);
        node.attribute.push(int("axis", 1));
        self.push(node)
    }

    /// `[N, ...]` to `[N, shape...]`.
    pub fn reshape(&mut self, x: &str, shape: &[i64]) -> String {
        let mut full = vec![-1];
        full.extend(shape);
        let shape = self.integers("shape", &full);
        self.push(node("Reshape", &[x, &shape]))
    }

    /// Rectified linear unit.
    pub fn relu(&mut self, x: &str) -> String {
        self.push(node("Relu", &[x]))
    }

    /// Logistic sigmoid.
    pub fn sigmoid(&mut self, x: &str) -> String {
        self.push(node("Sigmoid", &[x]))
    }

    /// Hyperbolic tangent.
    pub fn tanh(&mut self, x: &str) -> String {
        self.push(node("Tanh", &[x]))
    }

    /// Natural logarithm.
    pub fn logarithm(&mut self, x: &str) -> String {
        self.push(node("Log", &[x]))
    }

    /// Softmax over the channels.
    pub fn softmax(&mut self, x: &str) -> String {
        let mut node = node("Softmax", &[x]);
        node.attribute.push(int("axis", 1));
        self.push(node)
    }

    /// `a + b`, a side of 1 standing for any.
    pub fn add(&mut self, a: &str, b: &str) -> String {
        self.push(node("Add", &[a, b]))
    }

    /// `a * b`, likewise.
    pub fn multiply(&mut self, a: &str, b: &str) -> String {
        self.push(node("Mul", &[a, b]))
    }

    /// `a / b`, likewise.
    pub fn divide(&mut self, a: &str, b: &str) -> String {
        self.push(node("Div", &[a, b]))
    }

    /// `x` times `factor`.
    pub fn scale(&mut self, x: &str, factor: f32) -> String {
        let factor = self.number(factor);
        self.multiply(x, &factor)
    }

    /// `x` plus `offset`.
    pub fn shift(&mut self, x: &str, offset: f32) -> String {
        let offset = self.number(offset);
        self.add(x, &offset)
    }

    /// The greater of `x` and `least`.
    pub fn at_least(&mut self, x: &str, least: f32) -> String {
        let least = self.number(least);
        self.push(node("Max", &[x, &least]))
    }

    /// The channels from `first` up to, but without, `end`.
    pub fn channels(&mut self, x: &str, first: i64, end: i64) -> String {
        let [first, end, axis] = [("starts", first), ("ends", end), ("axes", 1)]
            .map(|(what, value)| self.integers(what, &[value]));
        self.push(node("Slice", &[x, &first, &end, &axis]))
    }

    /// The least of the channels, `[N, 1, H, W]`.
    pub fn minimum_of_channels(&mut self, x: &str) -> String {
        let mut node = node("ReduceMin", &[x]);
        node.attribute.push(ints("axes", &[1]));
        node.attribute.push(int("keepdims", 1));
        self.push(node)
    }

    /// The length of the channels as a vector, `[N, 1, H, W]`.
    pub fn length_of_channels(&mut self, x: &str) -> String {
        let mut node = node("ReduceL2", &[x]);
        node.attribute.push(ints("axes", &[1]));
        node.attribute.push(int("keepdims", 1));
        self.push(node)
    }

    /// `[N, C, H, W]` to `[N, H, W, C]`.
    pub fn channels_last(&mut self, x: &str) -> String {
        let mut node = node("Transpose", &[x]);
        node.attribute.push(ints("perm", &[0, 2, 3, 1]));
        self.push(node)
    }

    /// `[N, C, H, W]` to `[N, block block C, H / block, W / block]`: the channels of a block's
    /// first pixel, then those of the next one.
    pub fn space_to_depth(&mut self, x: &str, block: i64) -> String {
        let mut node = node("SpaceToDepth", &[x]);
        node.attribute.push(int("blocksize", block));
        self.push(node)
    }

    /// `[N, C block block, H, W]` to `[N, C, H block, W block]`: the pixels of a block's first
    /// channel, then those of the next one.
    pub fn depth_to_space(&mut self, x: &str, block: i64) -> String {
        let mut node = node("DepthToSpace", &[x]);
        node.attribute.push(int("blocksize", block));
        node.attribute.push(text("mode", "CRD"));
        self.push(node)
    }

    /// Each pixel `factor` times in each direction.
    pub fn enlarge_nearest(&mut self, x: &str, factor: i64) -> String {
        let attributes = [
            text("mode", "nearest"),
            text("coordinate_transformation_mode", "asymmetric"),
            text("nearest_mode", "floor"),
        ];
        self.resize(x, factor, attributes)
    }

    /// `factor` times the resolution, interpolated bilinearly, edge on edge.
    pub fn enlarge_bilinear(&mut self, x: &str, factor: i64) -> String {
        let attributes = [
            text("mode", "linear"),
            text("coordinate_transformation_mode", "half_pixel"),
        ];
        self.resize(x, factor, attributes)
    }

    fn resize<const N: usize>(
        &mut self,
        x: &str,
        factor: i64,
        attributes: [AttributeProto; N],
    ) -> String {
        let factor = factor as f32;
        let scales = self.constant(&Tensor::from_slice(&[1.0, 1.0, factor, factor]));
        // No region of interest.
        let mut node = node("Resize", &[x, "", &scales]);
        node.attribute.extend(attributes);
        self.push(node)
    }

    /// Means of blocks of `block` x `block` pixels.
    pub fn mean_of_blocks(&mut self, x: &str, block: i64) -> String {
        let mut node = node("AveragePool", &[x]);
        node.attribute.push(ints("kernel_shape", &[block; 2]));
        node.attribute.push(ints("strides", &[block; 2]));
        self.push(node)
    }

    /// `x` `[N, C, H, W]` at `places` `[N, H, W, 2]`, x and y from -1 at one edge to 1 at the
    /// other, interpolated bilinearly; beyond the edges what is on them.
    pub fn grid_sample(&mut self, x: &str, places: &str) -> String {
        let mut node = node("GridSample", &[x, places]);
        node.attribute.push(text("mode", "bilinear"));
        node.attribute.push(text("padding_mode", "border"));
        node.attribute.push(int("align_corners", 0));
        self.push(node)
    }

    /// An f32 tensor of its own.
    pub fn constant(&mut self, values: &Tensor) -> String {
        let mut raw = vec![0; 4 * values.numel()];
        let values = values.to_kind(Kind::Float).contiguous();
        values.copy_data_u8(&mut raw, values.numel());
        let name = self.fresh("constant");
        self.proto.initializer.push(TensorProto {
            name: name.clone(),
            dims: values.size(),
            data_type: tensor_proto::DataType::FLOAT as i32,
            raw_data: raw,
            ..Default::default()
        });
        name
    }

    fn number(&mut self, value: f32) -> String {
        self.constant(&Tensor::from_slice(&[value]))
    }

    /// The finished model with its metadata.
    pub fn into_model(self, metadata: Vec<(&'static str, String)>) -> ModelProto {
        let entry = |(key, value): (&str, String)| StringStringEntryProto {
            key: key.to_owned(),
            value,
            ..Default::default()
        };
        ModelProto {
            ir_version: IR_VERSION,
            producer_name: env!("CARGO_PKG_NAME").to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            opset_import: vec![OperatorSetIdProto {
                version: OPSET,
                ..Default::default()
            }],
            graph: MessageField::some(self.proto),
            metadata_props: metadata.into_iter().map(entry).collect(),
            ..Default::default()
        }
    }

    /// The weights of `layer`, by the names that it has in a store.
    fn weights(&mut self, layer: Layer) -> [String; 2] {
        [("weight", layer.weight), ("bias", layer.bias)]
            .map(|(what, values)| self.weight(format!("{}.{what}", layer.name), values))
    }

    /// A 16-bit initialiser and its cast to f32.
    pub fn weight(&mut self, name: String, values: &Tensor) -> String {
        let mut raw = vec![0; 2 * values.numel()];
        values
            .to_kind(Kind::Half)
            .contiguous()
            .copy_data_u8(&mut raw, values.numel());
        self.proto.initializer.push(TensorProto {
            name: name.clone(),
            dims: values.size(),
            data_type: tensor_proto::DataType::FLOAT16 as i32,
            raw_data: raw,
            ..Default::default()
        });
        let mut cast = node("Cast", &[&name]);
        cast.attribute
            .push(int("to", tensor_proto::DataType::FLOAT as i64));
        self.push(cast)
    }

    fn integers(&mut self, what: &str, values: &[i64]) -> String {
        let name = self.fresh(what);
        self.proto.initializer.push(TensorProto {
            name: name.clone(),
            dims: vec![values.len() as i64],
            data_type: tensor_proto::DataType::INT64 as i32,
            int64_data: values.to_vec(),
            ..Default::default()
        });
        name
    }

    fn push(&mut self, mut node: NodeProto) -> String {
        let name = self.fresh(&node.op_type.to_lowercase());
        node.name = name.clone();
        node.output.push(name.clone());
        self.proto.node.push(node);
        name
    }

    fn fresh(&mut self, what: &str) -> String {
        self.values += 1;
        format!("{what}_{}", self.values)
    }
}

fn node(op: &str, inputs: &[&str]) -> NodeProto {
    NodeProto {
        op_type: op.to_owned(),
        input: inputs.iter().map(|&s| s.to_owned()).collect(),
        ..Default::default()
    }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        type_: EnumOrUnknown::new(attribute_proto::AttributeType::STRING),
        s: value.as_bytes().to_vec(),
        ..Default::default()
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        type_: EnumOrUnknown::new(attribute_proto::AttributeType::INT),
        i: value,
        ..Default::default()
    }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        type_: EnumOrUnknown::new(attribute_proto::AttributeType::INTS),
        ints: values.to_vec(),
        ..Default::default()
    }
}

fn value_info(name: &str, shape: &[i64]) -> ValueInfoProto {
    use tensor_shape_proto::{Dimension, dimension};
    let dimension = |value| Dimension {
        value: Some(value),
        ..Default::default()
    };
    let mut dim = vec![dimension(dimension::Value::DimParam(BATCH.to_owned()))];
    dim.extend(shape.iter().enumerate().map(|(axis, &d)| {
        dimension(match d {
            FREE => dimension::Value::DimParam(format!("{name}_{axis}")),
            d => dimension::Value::DimValue(d),
        })
    }));
    let tensor = type_proto::Tensor {
        elem_type: tensor_proto::DataType::FLOAT as i32,
        shape: MessageField::some(TensorShapeProto {
            dim,
            ..Default::default()
        }),
        ..Default::default()
    };
    let type_ = TypeProto {
        value: Some(type_proto::Value::TensorType(tensor)),
        ..Default::default()
    };
    ValueInfoProto {
        name: name.to_owned(),
        type_: MessageField::some(type_),
        ..Default::default()
    }
}
