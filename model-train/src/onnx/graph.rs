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

    /// Declares an input `[N, shape...]`.
    pub fn input(&mut self, name: &str, shape: &[i64]) -> String {
        self.proto.input.push(value_info(name, shape));
        name.to_owned()
    }

    /// Declares `value` as the output `name` `[N, shape...]`.
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

    /// 3x3 convolution with padding 1.
    pub fn conv(&mut self, x: &str, weight: &Tensor, bias: &Tensor, stride: i64) -> String {
        let (weight, bias) = (self.weight(weight), self.weight(bias));
        let mut node = node("Conv", &[x, &weight, &bias]);
        node.attribute.push(ints("kernel_shape", &[3, 3]));
        node.attribute.push(ints("pads", &[1; 4]));
        node.attribute.push(ints("strides", &[stride; 2]));
        self.push(node)
    }

    /// 4x4 transposed convolution that doubles the resolution.
    pub fn conv_transpose(&mut self, x: &str, weight: &Tensor, bias: &Tensor) -> String {
        let (weight, bias) = (self.weight(weight), self.weight(bias));
        let mut node = node("ConvTranspose", &[x, &weight, &bias]);
        node.attribute.push(ints("kernel_shape", &[4, 4]));
        node.attribute.push(ints("pads", &[1; 4]));
        node.attribute.push(ints("strides", &[2, 2]));
        self.push(node)
    }

    /// Fully-connected layer, `weight` `[outputs, inputs]`.
    pub fn linear(&mut self, x: &str, weight: &Tensor, bias: &Tensor) -> String {
        let (weight, bias) = (self.weight(weight), self.weight(bias));
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

    /// A 16-bit initialiser and its cast to f32.
    fn weight(&mut self, values: &Tensor) -> String {
        let mut raw = vec![0; 2 * values.numel()];
        values
            .to_kind(Kind::Half)
            .contiguous()
            .copy_data_u8(&mut raw, values.numel());
        let name = self.fresh("weight");
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
    dim.extend(
        shape
            .iter()
            .map(|&d| dimension(dimension::Value::DimValue(d))),
    );
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
