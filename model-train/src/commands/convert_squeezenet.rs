//! `mde-train convert-squeezenet`: a perceptual network from its ncnn form.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use tch::{Device, Kind};

use crate::files::write_tensors;
use crate::ncnn;
use crate::network::perceptual::{SqueezeNet, Weights};

/// Converts SqueezeNet v1.1 (Caffe's weights in ncnn format) to safetensors, for the perceptual
/// loss of `mde-train train`.
#[derive(Args, Debug)]
pub struct ConvertSqueezenet {
    /// The list of layers, squeezenet_v1.1.param.
    #[arg(long)]
    param: PathBuf,
    /// The weights, squeezenet_v1.1.bin.
    #[arg(long)]
    bin: PathBuf,
    /// The safetensors file to write.
    #[arg(long)]
    out: PathBuf,
}

impl ConvertSqueezenet {
    /// Converts.
    pub fn run(&self) -> Result<()> {
        let (param, bin) = (&self.param, &self.bin);
        let text = fs::read_to_string(param)
            .with_context(|| format!("cannot read '{}'", param.display()))?;
        let bytes = fs::read(bin).with_context(|| format!("cannot read '{}'", bin.display()))?;
        let tensors = ncnn::convolutions(&text, &bytes).with_context(|| {
            format!(
                "cannot convert '{}' with '{}'",
                param.display(),
                bin.display()
            )
        })?;
        let copies = tensors.iter().map(|(n, t)| (n.clone(), t.shallow_clone()));
        SqueezeNet::new(&Weights::new(copies.collect(), Device::Cpu, Kind::Float))
            .with_context(|| format!("'{}' is not SqueezeNet v1.1", param.display()))?;
        write_tensors(&self.out, &tensors)?;
        println!("{}: {} tensors", self.out.display(), tensors.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tch::Tensor;

    use super::*;
    use crate::network::perceptual;

    #[test]
    fn the_converted_network_sees_blur_and_other_pictures() {
        let Some(data) = std::env::var_os("MDE_DATA").filter(|data| !data.is_empty()) else {
            println!("skipped: MDE_DATA is not set to a folder that holds squeezenet/");
            return;
        };
        let model = Path::new(&data).join("squeezenet");
        let folder = tempfile::TempDir::new().unwrap();
        let out = folder.path().join("squeezenet.safetensors");
        let command = ConvertSqueezenet {
            param: model.join("squeezenet_v1.1.param"),
            bin: model.join("squeezenet_v1.1.bin"),
            out: out.clone(),
        };
        command.run().unwrap();
        let tensors = Tensor::read_safetensors(&out).unwrap();
        let values: usize = tensors.iter().map(|(_, t)| t.numel()).sum();
        assert_eq!(
            values, 1_235_496,
            "SqueezeNet v1.1 has that many parameters"
        );
        let network = perceptual::open(&out, Device::Cpu, Kind::Float).unwrap();

        // Stripes, the same a little darker, and stripes across.
        let line = Tensor::arange(96, (Kind::Float, Device::Cpu));
        let wave = ((line * 0.5).sin() * 0.4 + 0.5).view([1, 1, 1, 96]);
        let stripes = wave.expand([1, 3, 96, 96], false).contiguous();
        let darker = &stripes * 0.9;
        let across = stripes.transpose(2, 3).contiguous();
        let [stripes, darker, across] = [stripes, darker, across].map(|p| network.features(&p));
        let sizes: Vec<_> = stripes.iter().map(Tensor::size).collect();
        let expected = [(64, 47), (128, 23), (256, 11), (384, 5), (512, 5)];
        assert_eq!(sizes, expected.map(|(c, s)| vec![1, c, s, s]));
        for ((a, near), far) in stripes.iter().zip(&darker).zip(&across) {
            let distance = |b: &Tensor| (a - b).square().mean(Kind::Float).double_value(&[]);
            assert!(distance(near) > 0.0 && distance(near) < distance(far));
        }
    }
}
