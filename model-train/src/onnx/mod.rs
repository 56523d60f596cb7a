//! Writing a network as an ONNX graph.

mod graph;

pub use graph::Graph;
