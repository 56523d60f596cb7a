//! Models on the real ONNX Runtime: finding it, choosing a provider, completing crops.

#[path = "../common/skip.rs"]
mod skip;

mod completer;
mod covers;
mod damaged;
mod gpu;
mod group;
#[allow(dead_code, reason = "the models that only other tests use")]
mod models;
mod refine;
mod runtime;
mod strangers;
mod views;
