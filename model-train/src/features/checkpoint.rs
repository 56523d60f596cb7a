//! The face network in training on disk: weights, statistics, Adam's moments and how far it has
//! come, in one safetensors file that is written aside and renamed.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tch::Tensor;

use super::training::Trainee;
use crate::files::write_aside;

/// Name of the tensor that holds updates and seconds.
const PROGRESS: &str = "progress";

/// Writes `trainee` to `path`.
///
/// # Errors
/// Where the file cannot be written; an earlier one is kept.
pub fn save(path: &Path, trainee: &Trainee) -> Result<()> {
    let values = trainee.store.named().map(|(name, t)| (name.to_owned(), t));
    let mut tensors: Vec<(String, Tensor)> =
        values.map(|(name, t)| (name, t.contiguous())).collect();
    for (p, (m, v)) in trainee.store.parameters.iter().zip(&trainee.adam.moments) {
        tensors.push((format!("adam.first.{}", p.name), m.contiguous()));
        tensors.push((format!("adam.second.{}", p.name), v.contiguous()));
    }
    let progress = [trainee.updates as f64, trainee.seconds];
    tensors.push((PROGRESS.to_owned(), Tensor::from_slice(&progress)));
    write_aside(path, |aside| -> Result<()> {
        Ok(Tensor::write_safetensors(&tensors, aside)?)
    })
    .with_context(|| format!("cannot write the checkpoint '{}'", path.display()))
}

/// Puts what is in the file at `path` into `trainee`.
///
/// # Errors
/// Where it cannot be read, or a tensor is missing or of another shape.
pub fn restore(path: &Path, trainee: &mut Trainee) -> Result<()> {
    let tensors = Tensor::read_safetensors(path)
        .with_context(|| format!("cannot read the checkpoint '{}'", path.display()))?;
    let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
    let get = |name: &str| tensors.get(name).map(Tensor::shallow_clone);
    trainee.store.load(path, get)?;
    for (p, (m, v)) in trainee.store.parameters.iter().zip(&trainee.adam.moments) {
        for (which, moment) in [("first", m), ("second", v)] {
            let found = get(&format!("adam.{which}.{}", p.name));
            let found = found.filter(|t| t.size() == moment.size());
            let found = found
                .with_context(|| format!("'{}' has no moment of '{}'", path.display(), p.name))?;
            moment.shallow_clone().copy_(&found);
        }
    }
    let progress = get(PROGRESS).context("no progress")?;
    ensure!(progress.numel() == 2, "'{}' is damaged", path.display());
    trainee.updates = progress.double_value(&[0]) as u64;
    trainee.seconds = progress.double_value(&[1]);
    trainee.adam.updates = trainee.updates;
    Ok(())
}
