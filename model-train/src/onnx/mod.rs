//! Writing a network as an ONNX graph, and reading it back.

mod graph;
mod import;

pub use graph::Graph;
pub use import::Imported;
