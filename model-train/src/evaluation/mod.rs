//! Scores of a generator on validation pictures, and pictures of what it does.

mod frechet;

use std::path::Path;

use anyhow::Result;
use mde_core::mask::{CHANNELS, Mask, Task};
use mde_core::occlusion::Occlusion;
use mde_core::quality::{laplacian_variance, psnr, ssim};
use ndarray::{Array3, ArrayView3, Zip};
use rand_pcg::Pcg64;
use rayon::prelude::*;
use serde::Serialize;
use tch::{Kind, Tensor};

use crate::data::Dataset;
use crate::network::generator::Generator;
use crate::network::layers::Pass;
use crate::network::parameters::Store;
use crate::network::perceptual::FeatureNetwork;
use crate::network::view_generator::{Inputs, ViewGenerator};
use crate::report::grid::{Row, write_png};
use crate::tensors::{append_picture, channels_last, from_pixels};
use crate::training::loss::FeatureDistance;
use frechet::frechet_distance;

/// Pictures in one forward pass.
const BATCH: usize = 32;

/// Mean scores over pictures. PSNR in dB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// PSNR of the generator's whole output.
    pub psnr_raw: f64,
    /// PSNR with the known pixels put back.
    pub psnr_composited: f64,
    /// SSIM of the generator's whole output.
    pub ssim_raw: f64,
    /// SSIM with the known pixels put back.
    pub ssim_composited: f64,
    /// Sharpness: variance of the Laplacian inside the holes of all pictures, as a share of the
    /// originals'.
    pub laplacian: f64,
    /// Distances in the features of a network, where one is given.
    #[serde(flatten)]
    pub in_features: Option<FeatureScores>,
}

/// Distances, in the features of a network, of completions with the known pixels put back from the
/// originals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FeatureScores {
    /// Mean over pictures of [`FeatureDistance::Unit`].
    pub perceptual: f64,
    /// Frechet distance of the last layer's features, each averaged over its picture.
    pub frechet: f64,
}

/// One completed picture; arrays are `[3, S, S]` in `[0, 1]`.
pub struct Completion {
    /// The original.
    pub original: Array3<f32>,
    /// 1 known, 0 missing.
    pub mask: Mask,
    /// The generator's whole output.
    pub generated: Array3<f32>,
}

/// A network and where its weights are.
pub struct Model<'a> {
    /// Weights.
    pub store: &'a Store,
    /// Network.
    pub generator: &'a dyn Completes,
}

/// What completes pictures.
pub trait Completes {
    /// The side of the pictures that it takes.
    fn side(&self) -> i64;

    /// The whole output for `pictures`, missing values 0, under `masks`, both `[N, 3, S, S]`.
    fn complete(&self, pictures: &Tensor, masks: &Tensor) -> Tensor;
}

impl Completes for Generator {
    fn side(&self) -> i64 {
        self.size()
    }

    fn complete(&self, pictures: &Tensor, masks: &Tensor) -> Tensor {
        self.forward(pictures, masks, Pass::Use)
    }
}

impl Completes for ViewGenerator {
    fn side(&self) -> i64 {
        self.size()
    }

    /// Without views.
    fn complete(&self, pictures: &Tensor, masks: &Tensor) -> Tensor {
        let inputs = Inputs {
            image: channels_last(pictures),
            mask: channels_last(masks),
            view: channels_last(&pictures.zeros_like()),
            view_mask: pictures.narrow(1, 0, 1).zeros_like(),
        };
        self.forward(&inputs).completed
    }
}

impl Model<'_> {
    /// Completes pictures `indices` of `dataset` under masks of `task`, each drawn from the seed
    /// and the picture's number alone.
    ///
    /// # Errors
    /// Where the network's output has another shape than the pictures.
    pub fn complete(
        &self,
        dataset: &Dataset,
        indices: &[usize],
        task: &Task,
        seed: u64,
    ) -> Result<Vec<Completion>> {
        let size = dataset.size();
        let mut pictures = Vec::with_capacity(indices.len() * size * size * 3);
        let mut known = Vec::with_capacity(pictures.capacity());
        let mut masks = Vec::with_capacity(indices.len());
        for &i in indices {
            append_picture(&mut pictures, dataset.picture(i), size, false);
            let mask = task.sample(size, size, &mut Pcg64::new(seed.into(), i as u128));
            known.extend(mask.view().permuted_axes([1, 2, 0]).iter());
            masks.push(mask);
        }
        let tensor = |values: &[f32]| from_pixels(values, indices.len(), size);
        let (pictures, known) = (tensor(&pictures), tensor(&known));
        let generated = tch::no_grad(|| self.forward(&pictures, &known));
        let pictures = arrays(&pictures, size)?;
        let generated = arrays(&generated, size)?;
        let join = |((original, mask), generated)| Completion {
            original,
            mask,
            generated,
        };
        Ok(pictures
            .into_iter()
            .zip(masks)
            .zip(generated)
            .map(join)
            .collect())
    }

    /// Completes pictures `indices` of `dataset` and what comes of it, again and again, each time
    /// under new masks of `task`: for each the original and `passes` outputs, `[3, S, S]`.
    ///
    /// # Errors
    /// As [`Self::complete`].
    pub fn resample(
        &self,
        dataset: &Dataset,
        indices: &[usize],
        task: &Task,
        seed: u64,
        passes: u64,
    ) -> Result<Vec<Vec<Array3<f32>>>> {
        let size = dataset.size();
        let mut pictures = Vec::new();
        for &i in indices {
            append_picture(&mut pictures, dataset.picture(i), size, false);
        }
        let mut x = from_pixels(&pictures, indices.len(), size);
        let mut all: Vec<_> = arrays(&x, size)?.into_iter().map(|p| vec![p]).collect();
        for pass in 0..passes {
            let mut known = Vec::new();
            for &i in indices {
                let mut rng = Pcg64::new((seed + pass).into(), i as u128);
                let mask = task.sample(size, size, &mut rng);
                known.extend(mask.view().permuted_axes([1, 2, 0]).iter());
            }
            let known = from_pixels(&known, indices.len(), size);
            x = tch::no_grad(|| self.forward(&x, &known));
            for (row, output) in all.iter_mut().zip(arrays(&x, size)?) {
                row.push(output);
            }
        }
        Ok(all)
    }

    /// The generator's whole output for `pictures` under `masks`, both `[N, 3, S, S]`. One that takes
    /// pictures of another size is shown them enlarged or shrunk, and so is its output.
    fn forward(&self, pictures: &Tensor, masks: &Tensor) -> Tensor {
        let here = |t: &Tensor| {
            let kind = self.store.precision.kind();
            t.to_device(self.store.device).to_kind(kind)
        };
        let (side, own) = (pictures.size()[3], self.generator.side());
        let (pictures, masks) = (here(pictures), here(masks));
        if side == own {
            return self.generator.complete(&(pictures * &masks), &masks);
        }
        let pictures = pictures.upsample_bicubic2d([own, own], false, None, None);
        let masks = masks.upsample_nearest2d([own, own], None, None);
        let output = self.generator.complete(&(pictures * &masks), &masks);
        output.internal_upsample_bilinear2d_aa([side, side], false, None, None)
    }

    /// Mean scores over the first `count` pictures of `dataset`, with those in the features of
    /// `network` if there is one; `tick` is called with the number of pictures done since the last
    /// call.
    ///
    /// # Errors
    /// As [`Self::complete`].
    pub fn score(
        &self,
        dataset: &Dataset,
        count: usize,
        task: &Task,
        seed: u64,
        network: Option<&dyn FeatureNetwork>,
        tick: impl Fn(usize),
    ) -> Result<Scores> {
        let indices: Vec<usize> = (0..count.min(dataset.len())).collect();
        let mut sum = [0.0; SUMS];
        let mut features = network.map(Features::new);
        for chunk in indices.chunks(BATCH) {
            let completions = self.complete(dataset, chunk, task, seed)?;
            let scores: Vec<[f64; SUMS]> = completions.par_iter().map(Completion::scores).collect();
            for (total, score) in scores.iter().flat_map(|s| s.iter().enumerate()) {
                sum[total] += score;
            }
            if let Some(features) = &mut features {
                features.add(&completions, dataset.size());
            }
            tick(chunk.len());
        }
        let [
            psnr_raw,
            psnr_composited,
            ssim_raw,
            ssim_composited,
            sharp,
            original,
        ] = sum.map(|s| s / indices.len() as f64);
        Ok(Scores {
            psnr_raw,
            psnr_composited,
            ssim_raw,
            ssim_composited,
            laplacian: sharp / original,
            in_features: features.map(|f| f.scores()),
        })
    }
}

/// Values of [`Completion::scores`].
pub const SUMS: usize = 6;

/// Features of completions and originals seen so far.
struct Features<'a> {
    network: &'a dyn FeatureNetwork,
    distance: f64,
    completed: Vec<Tensor>,
    original: Vec<Tensor>,
}

impl<'a> Features<'a> {
    fn new(network: &'a dyn FeatureNetwork) -> Self {
        Self {
            network,
            distance: 0.0,
            completed: Vec::new(),
            original: Vec::new(),
        }
    }

    fn add(&mut self, completions: &[Completion], size: usize) {
        let side = size as i64;
        let tensor = |values: Vec<f32>| Tensor::from_slice(&values).view([-1, 3, side, side]);
        let completed = completions.iter().flat_map(|c| c.composited().into_iter());
        let original = completions.iter().flat_map(|c| c.original.iter().copied());
        let (completed, original) = (tensor(completed.collect()), tensor(original.collect()));
        tch::no_grad(|| {
            let distance = FeatureDistance::Unit.between(self.network, &completed, &original);
            self.distance += distance.double_value(&[]) * completions.len() as f64;
            let pooled = |pictures: &Tensor| {
                let last = self.network.features(pictures).pop();
                last.map(|f| f.mean_dim([2i64, 3].as_slice(), false, Kind::Float))
            };
            self.completed.extend(pooled(&completed));
            self.original.extend(pooled(&original));
        });
    }

    fn scores(&self) -> FeatureScores {
        let completed = Tensor::cat(&self.completed, 0);
        let original = Tensor::cat(&self.original, 0);
        FeatureScores {
            perceptual: self.distance / completed.size()[0] as f64,
            frechet: frechet_distance(&completed, &original),
        }
    }
}

impl Completion {
    /// Raw and composited PSNR, raw and composited SSIM, variance of the Laplacian inside the hole
    /// of completion and original.
    pub fn scores(&self) -> [f64; SUMS] {
        let composited = self.composited();
        let is_missing = |x, y| (0..CHANNELS).any(|c| !self.mask.is_known(c, x, y));
        let (z, raw, put_back) = (
            self.original.view(),
            self.generated.view(),
            composited.view(),
        );
        [
            psnr(raw, z),
            psnr(put_back, z),
            ssim(raw, z),
            ssim(put_back, z),
            laplacian_variance(put_back, is_missing),
            laplacian_variance(z, is_missing),
        ]
    }

    /// The generator's output with the known pixels put back.
    pub fn composited(&self) -> Array3<f32> {
        let mut composited = self.generated.clone();
        let mask: ArrayView3<'_, f32> = self.mask.view();
        Zip::from(&mut composited)
            .and(&self.original)
            .and(mask)
            .for_each(|out, &z, &m| {
                if m != 0.0 {
                    *out = z;
                }
            });
        composited
    }
}

/// An `[N, 3, S, S]` tensor as `N` arrays.
fn arrays(t: &Tensor, size: usize) -> Result<Vec<Array3<f32>>> {
    let values = Vec::<f32>::try_from(t.to_kind(Kind::Float).contiguous().flatten(0, -1))?;
    let picture = |v: &[f32]| Ok(Array3::from_shape_vec((3, size, size), v.to_vec())?);
    values.chunks_exact(3 * size * size).map(picture).collect()
}

/// Writes a picture grid: one row a task, each of another picture of `dataset`.
///
/// # Errors
/// Where the file cannot be written, and as [`Model::complete`].
pub fn write_grid(path: &Path, model: &Model<'_>, dataset: &Dataset, tasks: &[Task]) -> Result<()> {
    let mut completions = Vec::new();
    for (row, task) in tasks.iter().enumerate() {
        completions.extend(model.complete(dataset, &[row % dataset.len()], task, 1)?);
    }
    let views: Vec<_> = completions
        .iter()
        .map(|c| {
            (
                c.original.as_slice(),
                c.mask.as_slice(),
                c.generated.as_slice(),
            )
        })
        .collect();
    let rows: Vec<_> = views
        .iter()
        .filter_map(|&(original, mask, generated)| {
            Some(Row {
                original: original?,
                mask,
                generated: generated?,
            })
        })
        .collect();
    write_png(path, dataset.size(), &rows)
}

/// The tasks a generator is looked at and scored on: the six occlusions and the paper's I, RI,
/// Col, RE and REC.
pub fn all_tasks() -> Vec<Task> {
    let mut tasks: Vec<Task> = Occlusion::ALL
        .map(|occlusion| Task::Occlusion {
            occlusion,
            jitter: 0,
        })
        .to_vec();
    tasks.extend([Task::Inpainting(0.25), Task::ReverseInpainting(0.25)]);
    tasks.extend([1, 2].map(Task::Colorization));
    tasks.extend([0.1, 0.25].map(Task::RandomExtrapolation));
    tasks.extend([0.1, 0.3].map(Task::Rec));
    tasks
}
