//! Writing ONNX graphs; of networks this knows nothing.

mod graph;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use onnx_protobuf::ModelProto;
use protobuf::Message;

use crate::files::write_aside;

pub use graph::{FREE, Graph, Layer};

/// Writes `model` to the file `path`, whole or not at all; its size in bytes.
///
/// # Errors
/// Where the file cannot be written; an earlier one is kept.
pub fn write(model: &ModelProto, path: &Path) -> Result<usize> {
    let bytes = model.write_to_bytes()?;
    write_aside(path, |aside| -> Result<()> {
        let mut file = File::create(aside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        Ok(())
    })
    .with_context(|| format!("cannot write '{}'", path.display()))?;
    Ok(bytes.len())
}
