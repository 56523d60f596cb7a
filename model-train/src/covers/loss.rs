//! What the cover net is trained to keep small.

use tch::{Kind, Reduction, Tensor};

use super::batches::CoverBatch;
use crate::training::loss::Losses;

/// Names of the losses: the cross entropy of each pixel and kind, and how little what is found and
/// what is there have in common.
pub const NAMES: [&str; 2] = ["entropy", "overlap"];

/// Weight of the entropy: with few covered pixels its mean is small.
const ENTROPY_WEIGHT: f64 = 20.0;
/// Cells of a cover that count for one in its overlap, which would else jump for tiny ones, and
/// without which there is none.
const LEAST: f64 = 4.0;

/// The losses of `logits` `[N, 5, S / 2, S / 2]`.
pub fn of(logits: &Tensor, batch: &CoverBatch) -> Losses {
    let weights = &batch.weights;
    let entropy = logits.binary_cross_entropy_with_logits(
        &batch.covers,
        Some(weights),
        None::<&Tensor>,
        Reduction::None,
    );
    let entropy = entropy.sum(Kind::Float) / weights.sum(Kind::Float).clamp_min(1.0);
    // Of each sample and kind: a soft Jaccard distance (Rahman and Wang 2016, "Optimizing
    // Intersection-Over-Union in Deep Neural Networks for Image Segmentation", equations 4 and 5),
    // which counts small covers as much as large ones. Of kinds that are not there it would make
    // the net say nothing where it is not sure; of these the entropy says enough.
    let sum = |values: Tensor| {
        (values * weights).sum_dim_intlist([2i64, 3].as_slice(), false, Kind::Float)
    };
    let found = logits.sigmoid();
    let is_there = sum(batch.covers.shallow_clone())
        .gt(LEAST)
        .to_kind(Kind::Float);
    let common = sum(&found * &batch.covers);
    let either = sum(&found + &batch.covers - &found * &batch.covers);
    let overlap: Tensor = 1.0 - (common + LEAST) / (either + LEAST);
    let overlap = (overlap * &is_there).sum(Kind::Float) / is_there.sum(Kind::Float).clamp_min(1.0);
    Losses {
        total: &entropy * ENTROPY_WEIGHT + &overlap,
        parts: NAMES.into_iter().zip([entropy, overlap]).collect(),
    }
}
