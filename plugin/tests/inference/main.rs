//! Models on the real ONNX Runtime: finding it, choosing a provider, completing crops.

mod completer;
mod models;
mod runtime;
