//! The paper's experiments (section 3), each from training its networks to its report.

mod context;
mod losses;
mod measure;
mod occlusions;
mod opencv;
mod pictures;
mod probe;
mod published;
mod recipe;
mod tasks;
mod training;
mod transfer;

use anyhow::Result;

pub use context::{ExperimentContext, Length, REPORT, Set, Settings, TRANSFER_UPDATES, Tools};
pub use recipe::LossChoice;

/// An experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Experiment {
    /// Fig. 5: RI, RE and REC on faces, flowers and digits.
    Completion,
    /// Fig. 6: five masks a face.
    Samples,
    /// Fig. 7: ten passes, each through a new mask.
    Resample,
    /// Fig. 8: PSNR and inception score of networks trained on each task, on every task.
    Tasks,
    /// Fig. 9: losses added one by one; seams, and how well a discriminator finds the boxes.
    Losses,
    /// Tables 1 and 2: attributes and landmarks from the bottleneck.
    Transfer,
    /// Table 3: the six occlusions, beside rivals and OpenCV.
    Occlusions,
}

impl Experiment {
    /// Name on the command line and of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Samples => "samples",
            Self::Resample => "resample",
            Self::Tasks => "tasks",
            Self::Losses => "losses",
            Self::Transfer => "transfer",
            Self::Occlusions => "occlusions",
        }
    }

    /// Runs it in `context`, and writes its report there.
    ///
    /// # Errors
    /// Where data or networks cannot be used, or a file cannot be written.
    pub fn run(self, context: &ExperimentContext) -> Result<()> {
        let document = match self {
            Self::Completion => pictures::completion(context),
            Self::Samples => pictures::samples(context),
            Self::Resample => pictures::resample(context),
            Self::Tasks => tasks::run(context),
            Self::Losses => losses::run(context),
            Self::Transfer => transfer::run(context),
            Self::Occlusions => occlusions::run(context),
        }?;
        context.publish(&document)
    }
}
