//! Writing a checkpoint's network as a model for the element.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::onnx::{self, Graph};

/// Which checkpoint becomes which model.
#[derive(Args, Debug)]
pub struct ModelArgs {
    /// Checkpoint of a run of this network's `train`.
    #[arg(long)]
    pub checkpoint: PathBuf,
    /// The ONNX file to write.
    #[arg(long)]
    out: PathBuf,
    /// Terms of the weights, stored in the model.
    #[arg(
        long,
        default_value = "Weights trained on CelebA: non-commercial research use only"
    )]
    pub license: String,
}

impl ModelArgs {
    /// Writes the graph that `trace` makes of the network, with `metadata`.
    ///
    /// # Errors
    /// Where the file cannot be written; an earlier one is kept.
    pub fn write(
        &self,
        trace: impl FnOnce() -> Graph,
        metadata: Vec<(&'static str, String)>,
    ) -> Result<()> {
        let model = tch::no_grad(trace).into_model(metadata);
        let bytes = onnx::write(&model, &self.out)?;
        println!("{}: {:.2} MB", self.out.display(), bytes as f64 / 1e6);
        Ok(())
    }
}
