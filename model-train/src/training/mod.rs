//! From batches to updated weights.

pub mod average;
pub mod batches;
pub mod checkpoint;
pub mod import;
pub mod learner;
pub mod loss;
pub mod mixture;
pub mod opposed;
pub mod optimizer;
pub mod options;
pub mod pretrained;
pub mod run;
pub mod schedule;
pub mod single;
pub mod state;
pub mod step;
