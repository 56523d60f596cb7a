//! `mde-train export-lpips`: the perceptual distance LPIPS as ONNX.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tch::Device;

use crate::network::perceptual::Lpips;
use crate::onnx;

/// Writes the network of LPIPS 0.1 (VGG-16) as ONNX, for `make own-face`: what goes in is pictures
/// [N, 3, H, W] in [0, 1], what comes out is features of five layers, and the distance of two
/// pictures is the sum over the layers of the mean over the positions of the squared difference.
#[derive(Args, Debug)]
pub struct ExportLpips {
    /// The network as setup/lpips.sh writes it.
    #[arg(long, default_value = ".deps/lpips/vgg16.safetensors")]
    network: PathBuf,
    /// The ONNX file to write.
    #[arg(long)]
    out: PathBuf,
}

impl ExportLpips {
    /// Writes the model.
    pub fn run(&self) -> Result<()> {
        let network = Lpips::open(&self.network, Device::Cpu)?;
        let model = tch::no_grad(|| network.trace()).into_model(Vec::new());
        let bytes = onnx::write(&model, &self.out)?;
        println!("{}: {:.2} MB", self.out.display(), bytes as f64 / 1e6);
        Ok(())
    }
}
