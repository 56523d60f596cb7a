//! `mde-train prototypes`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use image::{ImageFormat, RgbImage};
use indicatif::ProgressBar;
use mde_core::prototypes::SIDE;
use rand::SeedableRng;
use rand_pcg::Pcg64;
use tch::{Device, Kind, Tensor};

use crate::data::Split;
use crate::files::write_aside;
use crate::prototypes::{clear, groups, mean_face};
use crate::refine::batches::{Faces, STORED};
use crate::tensors::{from_pixels, to_picture};

/// Finds what groups of faces look like in the mean, and writes these prototypes as a picture.
#[derive(Args, Debug)]
pub struct Prototypes {
    /// A folder with a sub-folder train of what `face-crops --side 288` cuts out of videos and pictures.
    #[arg(long)]
    faces: PathBuf,
    /// Folder of the picture cache.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// How many prototypes.
    #[arg(long, default_value_t = 14)]
    count: usize,
    /// Faces that each is the mean of, at the most.
    #[arg(long, default_value_t = 100)]
    members: usize,
    /// Groups of fewer faces give none: nobody is to be known again.
    #[arg(long, default_value_t = 45)]
    least: usize,
    /// Of those found, the ones to write, counted from 0 in the order of the picture without this: the ones that
    /// smile or look aside can be left out.
    #[arg(long, value_delimiter = ',')]
    keep: Vec<usize>,
    /// Seed of the groups.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The picture (`*.png`).
    #[arg(long)]
    out: PathBuf,
}

impl Prototypes {
    /// Writes them.
    pub fn run(&self) -> Result<()> {
        let _without_gradients = tch::no_grad_guard();
        let faces = Faces::open(&self.faces, Split::Train, self.cache.clone())?;
        let crops = crops(&faces);
        ensure!(
            crops.size()[0] as usize >= self.count,
            "{} pictures that are sharp are too few for {} prototypes",
            crops.size()[0],
            self.count
        );
        let found = groups(
            &crops,
            self.count,
            self.members,
            &mut Pcg64::seed_from_u64(self.seed),
        );
        let progress = ProgressBar::new(found.len() as u64);
        let mut means = Vec::new();
        for group in &found {
            if group.len() >= self.least {
                let members = crops.index_select(0, &Tensor::from_slice(group));
                means.push(mean_face(&members));
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        ensure!(!means.is_empty(), "no group has {} faces", self.least);
        let means = kept(clear(means), &self.keep)?;
        write(&self.out, &to_picture(&Tensor::cat(&means, 1)))?;
        let sizes: Vec<usize> = found.iter().map(Vec::len).collect();
        println!("groups of {sizes:?} pictures");
        println!(
            "{} prototypes of {} pictures, each seen from both sides",
            means.len(),
            crops.size()[0] / 2
        );
        Ok(())
    }
}

/// Those of `means` with the numbers `keep`; all where there are none.
fn kept(means: Vec<Tensor>, keep: &[usize]) -> Result<Vec<Tensor>> {
    if keep.is_empty() {
        return Ok(means);
    }
    let count = means.len();
    let of_number = |&number: &usize| {
        let mean = means.get(number).map(Tensor::shallow_clone);
        mean.with_context(|| format!("--keep {number}: there are {count} prototypes, from 0 on"))
    };
    keep.iter().map(of_number).collect()
}

/// Less contrast of the finest detail has a picture that is out of focus or was enlarged.
const LEAST_SHARP: f64 = 0.012;

/// The crops of one picture of each of `faces`, as far as they are sharp, and their mirrors, `[N, 3, S, S]`.
fn crops(faces: &Faces) -> Tensor {
    let beside = (STORED - SIDE) as i64 / 2;
    let mut kept = Vec::new();
    for picture in faces.one_of_each() {
        let values: Vec<f32> = picture.iter().map(|v| f32::from(*v) / 255.0).collect();
        let crop = from_pixels(&values, 1, STORED);
        let crop = crop
            .narrow(2, beside, SIDE as i64)
            .narrow(3, beside, SIDE as i64);
        let grey = crop.mean_dim([1i64].as_slice(), true, Kind::Float);
        let middle = grey.narrow(2, SIDE as i64 / 4, SIDE as i64 / 2);
        let middle = middle.narrow(3, SIDE as i64 / 4, SIDE as i64 / 2);
        let detail = &middle - crate::tensors::local_means(&middle, 3);
        if detail.std(false).double_value(&[]) >= LEAST_SHARP {
            kept.push(crop.flip([3]));
            kept.push(crop);
        }
    }
    match kept.is_empty() {
        true => Tensor::zeros([0], (Kind::Float, Device::Cpu)),
        false => Tensor::cat(&kept, 0).contiguous(),
    }
}

fn write(file: &Path, picture: &RgbImage) -> Result<()> {
    write_aside(file, |aside| {
        picture
            .save_with_format(aside, ImageFormat::Png)
            .map_err(std::io::Error::other)
    })
    .with_context(|| format!("{} cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_named_are_kept_and_others_are_told_of() {
        let means = || (0..3i64).map(Tensor::from).collect::<Vec<_>>();
        assert_eq!(kept(means(), &[]).expect("all").len(), 3);
        let two = kept(means(), &[2, 0]).expect("two");
        assert_eq!(two, [Tensor::from(2i64), Tensor::from(0i64)]);
        let error = kept(means(), &[3]).expect_err("no such one").to_string();
        assert!(error.contains("there are 3 prototypes"), "{error}");
    }
}
