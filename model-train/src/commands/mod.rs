//! The subcommands.

pub mod bench;
pub mod convert_squeezenet;
pub mod covers;
pub mod eval;
pub mod experiment;
pub mod export;
pub mod export_lpips;
pub mod features;
mod model;
mod objective;
mod opponent;
pub mod points;
pub mod prototypes;
pub mod refine;
pub mod results;
mod run;
pub mod scenes;
pub mod train;
pub mod views;

use tch::Device;

/// Where to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DeviceArg {
    /// The processor.
    Cpu,
    /// The first CUDA device.
    Cuda,
}

impl DeviceArg {
    /// The device.
    ///
    /// # Errors
    /// Where this libtorch has no CUDA or finds no device.
    pub fn device(self) -> anyhow::Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda => {
                anyhow::ensure!(
                    tch::Cuda::is_available(),
                    "--device cuda: this libtorch finds no CUDA device. Set LIBTORCH to a build \
                     with CUDA and check the driver, or use --device cpu"
                );
                Ok(Device::Cuda(0))
            }
        }
    }
}
