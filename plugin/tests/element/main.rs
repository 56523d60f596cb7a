//! The element in harnesses, on the real GStreamer and the real ONNX Runtime.

#[allow(dead_code, reason = "the models that only other tests use")]
#[path = "../inference/models.rs"]
mod models;

#[path = "../common/samples.rs"]
mod samples;

#[path = "../common/skip.rs"]
mod skip;

#[cfg(feature = "analytics")]
mod analytics;
mod buffers;
mod covers;
mod damage;
mod display;
mod faults;
mod follow;
mod lifecycle;
mod lookahead;
mod marks;
mod model;
mod negotiation;
mod picture;
mod pipelines;
mod refine;
mod regions;
mod seams;
mod start;
mod steady;
mod stream;
mod support;
mod timeliness;
mod views;
