//! `mde-train covers samples`.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;
use image::RgbImage;
use mde_core::covers;
use tch::{Kind as Dtype, Tensor};

use super::DataArgs;
use crate::covers::batches::CoverBatch;
use crate::covers::faces::clean;
use crate::covers::network::Inputs;
use crate::covers::sample::{Plan, Sample};
use crate::covers::scores::looks;
use crate::covers::trainee;
use crate::data::Split;
use crate::files::write_tensors;
use crate::network::layers::Pass;
use crate::report::sheet;
use crate::tensors::to_picture;

/// Writes a picture of validation samples, four in a row: what the net is shown, the view, the truth
/// and, where a checkpoint is given, what is found. Objects are red, masks green, sunglasses blue,
/// glasses yellow, hair violet; what does not count is dark.
#[derive(Args, Debug)]
pub struct Samples {
    #[command(flatten)]
    data: DataArgs,
    /// Checkpoint of `mde-train covers train`, or a model of `mde-train covers export` (`*.onnx`).
    #[arg(long)]
    checkpoint: Option<PathBuf>,
    /// A folder of what `face-crops` cuts out of videos, to be shown as it is instead of samples.
    #[arg(long)]
    plain: Option<PathBuf>,
    /// Show stills with nothing laid on instead of samples.
    #[arg(long, conflicts_with = "plain")]
    stills: bool,
    /// The PNG to write.
    #[arg(long)]
    out: PathBuf,
    /// Write what goes in and what comes out of the samples to this safetensors file, by the names
    /// of the exported model, for comparing other runtimes.
    #[arg(long, requires = "checkpoint")]
    dump: Option<PathBuf>,
    /// Samples drawn.
    #[arg(long, default_value_t = 48)]
    count: usize,
    /// Seed of the samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

const IN_A_ROW: usize = 4;
/// Colours of the kinds.
const COLOURS: [[f32; 3]; 5] = [
    [1.0, 0.0, 0.0],
    [0.0, 1.0, 0.0],
    [0.1, 0.3, 1.0],
    [1.0, 1.0, 0.0],
    [0.9, 0.0, 1.0],
];

impl Samples {
    /// Draws and writes.
    pub fn run(&self) -> Result<()> {
        ensure!(self.count > 0, "--count 0: there is nothing to write");
        let material = self.data.open(Split::Val)?;
        let samples: Vec<Sample> = match (&self.plain, self.stills) {
            (Some(folder), _) => {
                let pictures = clean(folder, self.data.faces.cache.as_deref())?;
                let step = (pictures.len() / self.count).max(1);
                let looks = looks(&pictures);
                let shown = looks.iter().step_by(step).take(self.count);
                shown.map(Sample::plain).collect()
            }
            (None, true) => {
                let first = 97 * self.seed as usize;
                let numbers = first..first + self.count;
                let stills = material.faces.len()[0];
                numbers
                    .map(|i| Sample::plain(&material.faces.still(i % stills)))
                    .collect()
            }
            (None, false) => (0..self.count as u128)
                .map(|stream| material.sample(Plan::Any, self.seed, stream))
                .collect(),
        };
        let batch = CoverBatch::of(&samples);
        let image = &batch.inputs.image;
        let mut columns = vec![
            image.shallow_clone(),
            batch.inputs.view.shallow_clone(),
            tinted(image, &batch.covers, Some(&batch.weights)),
        ];
        if let Some(path) = &self.checkpoint {
            let (_store, net) = trainee::open(path, tch::Device::Cpu)?;
            let found = tch::no_grad(|| net.forward(&batch.inputs, Pass::Use).sigmoid());
            if let Some(path) = &self.dump {
                dump(path, &batch.inputs, &found)?;
            }
            columns.push(tinted(image, &found.ge(0.5).to_kind(Dtype::Float), None));
        }
        let rows: Vec<Vec<RgbImage>> = (0..samples.len() as i64)
            .collect::<Vec<_>>()
            .chunks(IN_A_ROW)
            .map(|numbers| {
                let of_row = numbers
                    .iter()
                    .flat_map(|&n| columns.iter().map(move |c| c.get(n)));
                of_row.map(|t| to_picture(&t)).collect()
            })
            .collect();
        sheet::write(&self.out, &rows)?;
        println!("{}", self.out.display());
        Ok(())
    }
}

fn dump(path: &Path, inputs: &Inputs, found: &Tensor) -> Result<()> {
    let tensors = [
        (covers::INPUT_IMAGE, &inputs.image),
        (covers::INPUT_VIEW, &inputs.view),
        (covers::INPUT_VIEW_MASK, &inputs.view_mask),
        (covers::INPUT_LAST, &inputs.last),
        (covers::OUTPUT, found),
    ];
    let tensors = tensors.map(|(name, t)| (name, t.contiguous()));
    write_tensors(path, &tensors)
}

/// `image` `[N, 3, S, S]`, grey, with `covers` `[N, 5, S / 2, S / 2]` in their colours.
fn tinted(image: &Tensor, covers: &Tensor, weights: Option<&Tensor>) -> Tensor {
    let side = image.size()[3];
    let enlarged = |t: &Tensor| t.upsample_nearest2d([side, side], None, None);
    let mut tinted = image.mean_dim([1i64].as_slice(), true, Dtype::Float) * 0.8;
    tinted = tinted.expand([-1, 3, -1, -1], false).contiguous();
    if let Some(weights) = weights {
        let known = weights
            .amin([1i64].as_slice(), true)
            .gt(0.0)
            .to_kind(Dtype::Float);
        tinted *= enlarged(&known) * 0.6 + 0.4;
    }
    let covers = enlarged(covers);
    for (colour, channel) in COLOURS.iter().zip(0..) {
        let share = covers.narrow(1, channel, 1) * 0.6;
        let colour = Tensor::from_slice(colour).view([1, 3, 1, 1]);
        tinted = &tinted + (colour - &tinted) * share;
    }
    tinted
}
