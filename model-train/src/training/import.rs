//! Reading back what [`Generator::trace`](crate::network::generator::Generator::trace) wrote.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use mde_core::contract::INPUT_IMAGE;
use onnx_protobuf::{GraphProto, ModelProto, TensorProto, tensor_proto::DataType};
use protobuf::Message;
use tch::{Device, Kind, Tensor};

use crate::network::config::{GeneratorConfig, LEVELS};
use crate::network::generator::Generator;
use crate::network::layers::BATCH_NORM_EPS;
use crate::network::parameters::{Precision, Store};

/// A generator out of an ONNX file. Its normalisations are those that the export folded into the
/// convolutions: scale 1, the convolution's bias for the shift, and statistics that change nothing.
pub struct Imported {
    /// Sizes and inputs, as far as the graph tells.
    pub config: GeneratorConfig,
    /// All values by the names of a [`Store`].
    pub tensors: HashMap<String, Tensor>,
}

impl Imported {
    /// Reads the model at `path`.
    ///
    /// # Errors
    /// Where the file cannot be read or is not an export of `mde-train`.
    pub fn open(path: &Path) -> Result<Self> {
        let read = || -> Result<Self> { Self::from_graph(&graph(path)?) };
        read().with_context(|| {
            format!(
                "cannot take the generator in '{}': expected a file of `mde-train export`",
                path.display()
            )
        })
    }

    fn from_graph(graph: &GraphProto) -> Result<Self> {
        let weights: Vec<Tensor> = stored(graph).map(|(_, t)| t).collect::<Result<_>>()?;
        let config = config(graph, &weights)?;
        // A network of these sizes, for the names of its tensors.
        let mut store = Store::new(Device::Cpu, Precision::F32);
        Generator::new(&mut store, &config);
        let mut weights = weights.into_iter();
        let mut next = || weights.next().context("it has too few weights");
        let mut tensors = HashMap::new();
        for p in &store.parameters {
            if let Some(block) = p.name.strip_suffix(".conv.weight") {
                tensors.insert(p.name.clone(), next()?);
                let bias = next()?;
                let var = bias.ones_like() * (1.0 - BATCH_NORM_EPS);
                tensors.insert(format!("{block}.norm.weight"), bias.ones_like());
                tensors.insert(format!("{block}.norm.running_mean"), bias.zeros_like());
                tensors.insert(format!("{block}.norm.running_var"), var);
                tensors.insert(format!("{block}.norm.bias"), bias);
            } else if !p.name.contains(".norm.") {
                tensors.insert(p.name.clone(), next()?);
            }
        }
        Ok(Self { config, tensors })
    }
}

/// The weights by their names in the model at `path`, an export of `mde-train`, f32.
///
/// # Errors
/// Where the file cannot be read or is of another program.
pub fn weights(path: &Path) -> Result<HashMap<String, Tensor>> {
    let read = || -> Result<HashMap<String, Tensor>> {
        let graph = graph(path)?;
        (stored(&graph).map(|(name, t)| Ok((name.to_owned(), t?)))).collect()
    };
    read().with_context(|| {
        format!(
            "cannot take the weights in '{}': expected a model that mde-train exported",
            path.display()
        )
    })
}

/// Takes the weights of the model at `path`, an export of `mde-train`, into `store`: that of each name as
/// `imported` makes it of what the graph has by that name.
///
/// # Errors
/// Where the file cannot be read, is of another program, or has other weights.
pub fn load(store: &Store, path: &Path, imported: impl Fn(&str, &Tensor) -> Tensor) -> Result<()> {
    let weights = weights(path)?;
    store.load(path, |name| Some(imported(name, weights.get(name)?)))
}

/// The graph of the model at `path`.
fn graph(path: &Path) -> Result<GraphProto> {
    let model = ModelProto::parse_from_bytes(&fs::read(path)?)?;
    let producer = env!("CARGO_PKG_NAME");
    ensure!(
        model.producer_name == producer,
        "it was written by '{}', not by {producer}",
        model.producer_name
    );
    model.graph.into_option().context("it has no graph")
}

/// The 16-bit weights of a graph with their names, in the order of its layers.
fn stored(graph: &GraphProto) -> impl Iterator<Item = (&str, Result<Tensor>)> {
    (graph.initializer.iter())
        .filter(|t| t.data_type == DataType::FLOAT16 as i32)
        .map(|t| (t.name.as_str(), tensor(t)))
}

/// What the graph tells of its sizes.
fn config(graph: &GraphProto, weights: &[Tensor]) -> Result<GeneratorConfig> {
    let image = (graph.input.iter())
        .find(|input| input.name == INPUT_IMAGE)
        .context("it has no input 'image'")?;
    let dims = &image.type_.tensor_type().shape.dim;
    let size = dims.last().map_or(0, |side| side.dim_value());
    let has = |operator: &str| graph.node.iter().any(|n| n.op_type == operator);
    let first = weights.first().filter(|w| w.dim() == 4);
    let first = first.context("its first weight is not a convolution's")?;
    let bottleneck = weights.iter().find(|w| w.dim() == 2);
    let mirror_input = has("Slice");
    let pictures = if mirror_input { 2 } else { 1 };
    Ok(GeneratorConfig {
        size,
        width: first.size()[0],
        bottleneck: bottleneck.context("it has no bottleneck")?.size()[0],
        mask_input: first.size()[1] == 6 * pictures,
        mirror_input,
        skips: graph.node.iter().filter(|n| n.op_type == "Concat").count() >= LEVELS,
    })
}

/// A 16-bit initialiser as f32.
fn tensor(proto: &TensorProto) -> Result<Tensor> {
    let values: i64 = proto.dims.iter().product();
    ensure!(
        proto.raw_data.len() as i64 == 2 * values,
        "the weight '{}' has {} bytes for {values} values",
        proto.name,
        proto.raw_data.len()
    );
    let half = Tensor::from_data_size(&proto.raw_data, &proto.dims, Kind::Half);
    Ok(half.to_kind(Kind::Float))
}
