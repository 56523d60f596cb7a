//! What a model file says before ONNX Runtime sees it.

use onnx_protobuf::tensor_proto::DataLocation;
use onnx_protobuf::tensor_shape_proto::dimension;
use onnx_protobuf::type_proto::Value;
use onnx_protobuf::{
    GraphProto, Message, ModelProto, NodeProto, TensorProto, TensorShapeProto, ValueInfoProto,
};
use sha2::{Digest, Sha256};

use super::tensor;

/// SHA-256 of a model file.
pub type Fingerprint = [u8; 32];

/// What matters of a model before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Of the whole file.
    pub fingerprint: Fingerprint,
    /// What has to be fed.
    pub inputs: Vec<Input>,
}

/// An input that has to be fed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its shape; nothing for a side that is left open.
    pub sides: Vec<Option<i64>>,
}

impl Facts {
    /// Reads `model`, the bytes of an ONNX file.
    ///
    /// # Errors
    /// A sentence where it is no ONNX file, takes what are no pictures, has tensors that do not hold
    /// what they say, or keeps its weights in other files. Those are refused wherever they lie: the
    /// path of such a file comes from the model, and a model must not make the element read files
    /// that the user did not name.
    pub fn of(model: &[u8]) -> Result<Self, String> {
        if model.is_empty() {
            return Err("the file is empty".into());
        }
        let parsed = ModelProto::parse_from_bytes(model).map_err(|e| e.to_string())?;
        let Some(graph) = parsed.graph.as_ref() else {
            return Err("the file holds no graph".into());
        };
        if let Some(file) = first(graph, &other_file) {
            return Err(format!(
                "it keeps weights in another file, '{file}', which is not read. Export it as one \
                 file (in Python: onnx.save(onnx.load('model.onnx'), 'one-file.onnx'))"
            ));
        }
        if let Some(fault) = first(graph, &tensor::fault) {
            return Err(fault);
        }
        let has_value = |name: &str| graph.initializer.iter().any(|t| t.name == name);
        let inputs = || graph.input.iter().filter(|i| !has_value(&i.name));
        if let Some((name, sides)) = inputs().find_map(other_than_pictures) {
            return Err(format!(
                "its input '{name}' has {sides} sides, and pictures have four: [N, channels, H, W]"
            ));
        }
        if let Some(name) = deep_kernel(graph) {
            return Err(format!(
                "its tensor '{name}' is to convolve pictures and has more than four sides"
            ));
        }
        Ok(Self {
            fingerprint: Sha256::digest(model).into(),
            inputs: inputs().map(Input::of).collect(),
        })
    }
}

impl Input {
    fn of(info: &ValueInfoProto) -> Self {
        let shape = shape_of(info);
        let side = |value: &Option<dimension::Value>| match value {
            Some(dimension::Value::DimValue(side)) => Some(*side),
            _ => None,
        };
        let sides = shape.map(|s| s.dim.iter().map(|d| side(&d.value)).collect());
        Self {
            name: info.name.clone(),
            sides: sides.unwrap_or_default(),
        }
    }
}

/// The shape that is declared for a value.
fn shape_of(info: &ValueInfoProto) -> Option<&TensorShapeProto> {
    match info.type_.value.as_ref() {
        Some(Value::TensorType(tensor)) => tensor.shape.as_ref(),
        _ => None,
    }
}

/// Name and number of sides of an input that declares another number of them than pictures have.
/// ONNX Runtime 1.24 reads beyond the end of a shape that is shorter than its convolutions expect.
fn other_than_pictures(info: &ValueInfoProto) -> Option<(&str, usize)> {
    let sides = shape_of(info)?.dim.len();
    (sides != 4).then_some((&info.name, sides))
}

/// A convolution's weights with more sides than pictures have, at which ONNX Runtime 1.24 reads beyond
/// the end of the picture's shape.
fn deep_kernel(graph: &GraphProto) -> Option<&str> {
    let convolves = |node: &&NodeProto| node.op_type.starts_with("Conv");
    let weights = graph.node.iter().filter(convolves);
    let mut weights = weights.filter_map(|node| node.input.get(1));
    let is_deep = |t: &&TensorProto| t.dims.len() > 4;
    weights.find_map(|name| {
        let tensor = graph.initializer.iter().find(|t| t.name == *name);
        tensor.filter(is_deep).map(|t| t.name.as_str())
    })
}

/// The first of what `find` finds in the tensors of the graph and of the graphs in its nodes.
fn first<T>(graph: &GraphProto, find: &impl Fn(&TensorProto) -> Option<T>) -> Option<T> {
    let sparse = graph.sparse_initializer.iter();
    let sparse = sparse.flat_map(|s| s.values.as_ref().into_iter().chain(s.indices.as_ref()));
    let own = graph.initializer.iter().chain(sparse).find_map(find);
    own.or_else(|| graph.node.iter().find_map(|node| first_of_node(node, find)))
}

fn first_of_node<T>(node: &NodeProto, find: &impl Fn(&TensorProto) -> Option<T>) -> Option<T> {
    node.attribute.iter().find_map(|attribute| {
        let tensors = attribute.t.as_ref().into_iter().chain(&attribute.tensors);
        let graphs = attribute.g.as_ref().into_iter().chain(&attribute.graphs);
        let own = tensors.into_iter().find_map(find);
        own.or_else(|| graphs.into_iter().find_map(|graph| first(graph, find)))
    })
}

/// The file that the tensor lies in, where it is another one.
fn other_file(tensor: &TensorProto) -> Option<String> {
    if tensor.data_location.value() != DataLocation::EXTERNAL as i32 {
        return None;
    }
    let entry = tensor.external_data.iter().find(|e| e.key == "location");
    Some(entry.map(|e| e.value.clone()).unwrap_or_default())
}
