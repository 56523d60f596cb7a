//! Where the detector's model lies, and making its graph take any picture size.

use std::path::{Path, PathBuf};

use gst::glib;
use onnx_protobuf::tensor_shape_proto::{Dimension, dimension};
use onnx_protobuf::{Message, ModelProto, ValueInfoProto, type_proto};

use super::DetectorError;
use crate::runtime;

/// Environment variable that names the model file.
pub const VARIABLE: &str = "MDECOMPLETE_CENTERFACE";

const FILE_NAME: &str = "centerface.onnx";
const DATA_FOLDER: &str = "mdecomplete";

/// The file that [`VARIABLE`] names; else the first that is there of the plug-in's own folder, the
/// folder of dependencies known at build time, the user's and the system's data folders.
pub fn find() -> Result<PathBuf, DetectorError> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return Ok(named.into());
    }
    let folders = folders();
    let file = folders.iter().map(|folder| folder.join(FILE_NAME));
    match file.into_iter().find(|file| file.is_file()) {
        Some(file) => Ok(file),
        None => Err(DetectorError::NotFound { folders }),
    }
}

fn folders() -> Vec<PathBuf> {
    let dependencies = Path::new(env!("MDECOMPLETE_DEPS_DIR")).join("models");
    let data = std::iter::once(glib::user_data_dir()).chain(glib::system_data_dirs());
    runtime::own_folder()
        .into_iter()
        .chain([dependencies])
        .chain(data.map(|folder| folder.join(DATA_FOLDER)))
        .collect()
}

/// The model with symbolic batch and picture sizes. The published file declares the size it was
/// exported with, 10x3x32x32, although its graph is fully convolutional.
pub fn with_any_size(model: &[u8]) -> Result<Vec<u8>, String> {
    let mut model = ModelProto::parse_from_bytes(model).map_err(|e| e.to_string())?;
    let graph = model.graph.as_mut().ok_or("it has no graph")?;
    // Files of ONNX IR 3 and before list the weights among the inputs; those keep their sizes.
    let weights: Vec<&str> = graph.initializer.iter().map(|w| w.name.as_str()).collect();
    let pictures = graph.input.iter_mut();
    for input in pictures.filter(|input| !weights.contains(&input.name.as_str())) {
        free_sizes(input, "");
    }
    for output in &mut graph.output {
        let name = output.name.clone();
        free_sizes(output, &name);
    }
    graph.value_info.clear();
    model.write_to_bytes().map_err(|e| e.to_string())
}

/// Makes all sizes but the channels symbolic, `[<prefix>N, C, <prefix>H, <prefix>W]`.
fn free_sizes(info: &mut ValueInfoProto, prefix: &str) {
    let Some(type_proto::Value::TensorType(tensor)) = &mut info.type_.mut_or_insert_default().value
    else {
        return;
    };
    let shape = tensor.shape.mut_or_insert_default();
    for (axis, name) in [(0, "N"), (2, "H"), (3, "W")] {
        if let Some(size) = shape.dim.get_mut(axis) {
            *size = Dimension {
                value: Some(dimension::Value::DimParam(format!("{prefix}{name}"))),
                ..Dimension::default()
            };
        }
    }
}
