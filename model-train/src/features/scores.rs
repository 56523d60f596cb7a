//! How well a face network knows pictures it has not been trained on.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::faces::Faces;
use crate::network::face::unit;
use crate::network::perceptual::{Description, Face};

/// Pictures in one forward pass.
const BATCH: usize = 64;
/// From this probability on an attribute counts as there.
const THERE: f64 = 0.5;

/// Scores in percent, each beside what guessing would give.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scores {
    /// Held-out pictures whose person comes first.
    pub identity_top1: f64,
    /// Held-out pictures whose person is among the first five.
    pub identity_top5: f64,
    /// The first, guessed.
    pub identity_chance: f64,
    /// Held-out pictures.
    pub held_out: usize,
    /// Attributes told right on the other split, mean over attributes.
    pub attributes: f64,
    /// The same when each attribute's commoner value is always told.
    pub attributes_chance: f64,
    /// Attributes told right, each.
    pub each_attribute: Vec<(String, f64)>,
    /// Pairs of pictures of the other split's persons, whom the network has never seen, that are
    /// rightly told to show one person or two, at the threshold where both errors are equal.
    pub verification: f64,
    /// Pairs, half of them of one person.
    pub pairs: usize,
}

impl Scores {
    /// Scores `face` on the pictures `held` of `train`, whose persons it knows, and on `other`,
    /// whose persons it does not.
    ///
    /// # Errors
    /// Where values cannot be read back.
    pub fn of(face: &Face, train: &Faces, held: &[usize], other: &Faces) -> Result<Self> {
        let (mut first, mut among_five) = (0.0, 0.0);
        for chunk in held.chunks(BATCH) {
            let batch = train.batch(chunk, None);
            let top = describe(face, &batch.pictures).identity.topk(
                5.min(train.persons as i64),
                1,
                true,
                true,
            );
            let right = top.1.eq_tensor(&batch.identities.unsqueeze(1));
            first += right.narrow(1, 0, 1).sum(Kind::Double).double_value(&[]);
            among_five += right.sum(Kind::Double).double_value(&[]);
        }
        let all: Vec<usize> = (0..other.dataset.len()).collect();
        let columns = other.attributes.len() as i64;
        let mut right = Tensor::zeros([columns], (Kind::Double, Device::Cpu));
        let mut embeddings = Vec::new();
        for chunk in all.chunks(BATCH) {
            let batch = other.batch(chunk, None);
            let said = describe(face, &batch.pictures);
            let told = said
                .attributes
                .ge(THERE)
                .eq_tensor(&batch.attributes.ge(THERE));
            right += told.sum_dim_intlist(0, false, Kind::Double);
            embeddings.push(unit(&said.embedding));
        }
        let percent = 100.0 / all.len() as f64;
        let right: Vec<f64> = Vec::try_from(right * percent)?;
        let commoner = |share: f64| 100.0 * share.max(1.0 - share);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let chances: Vec<f64> = other.frequencies().into_iter().map(commoner).collect();
        let (same, different) = similarities(&Tensor::cat(&embeddings, 0), &other.identities)?;
        let of_held = 100.0 / held.len().max(1) as f64;
        Ok(Self {
            identity_top1: first * of_held,
            identity_top5: among_five * of_held,
            identity_chance: 100.0 / train.persons as f64,
            held_out: held.len(),
            attributes: mean(&right),
            attributes_chance: mean(&chances),
            each_attribute: other.attributes.iter().cloned().zip(right).collect(),
            verification: equal_error_accuracy(&same, &different),
            pairs: same.len() + different.len(),
        })
    }
}

fn describe(face: &Face, pictures: &Tensor) -> Description {
    tch::no_grad(|| face.describe(pictures))
}

/// Cosines of all pairs of pictures of one person, and of as many of different persons, from unit
/// `embeddings` `[N, E]`.
fn similarities(embeddings: &Tensor, persons: &[usize]) -> Result<(Vec<f32>, Vec<f32>)> {
    let count = persons.len();
    let pairs: Vec<(usize, usize)> = (0..count)
        .flat_map(|i| (i + 1..count).map(move |j| (i, j)))
        .filter(|&(i, j)| persons[i] == persons[j])
        .collect();
    // The same first pictures, each beside one half the list away, where persons are others.
    let others = pairs.iter().enumerate().filter_map(|(n, &(i, _))| {
        let j = (i + count / 2 + n) % count;
        (persons[i] != persons[j]).then_some((i, j))
    });
    let others: Vec<(usize, usize)> = others.collect();
    let cosines = |pairs: &[(usize, usize)]| -> Result<Vec<f32>> {
        let rows = |of: fn(&(usize, usize)) -> usize| {
            let numbers: Vec<i64> = pairs.iter().map(|p| of(p) as i64).collect();
            embeddings.index_select(0, &Tensor::from_slice(&numbers))
        };
        let products = rows(|p| p.0) * rows(|p| p.1);
        Ok(Vec::try_from(products.sum_dim_intlist(
            1,
            false,
            Kind::Float,
        ))?)
    };
    Ok((cosines(&pairs)?, cosines(&others)?))
}

/// Share in percent of pairs told right where both kinds are told equally well.
fn equal_error_accuracy(same: &[f32], different: &[f32]) -> f64 {
    let mut sorted: Vec<f32> = same.to_vec();
    sorted.sort_by(f32::total_cmp);
    let mut accuracy: f64 = 0.0;
    for (missed, &threshold) in sorted.iter().enumerate() {
        let of_same = 1.0 - missed as f64 / same.len() as f64;
        let below = different.iter().filter(|&&d| d < threshold).count();
        let of_different = below as f64 / different.len().max(1) as f64;
        accuracy = accuracy.max(of_same.min(of_different));
    }
    100.0 * accuracy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_told_apart_at_equal_errors() {
        assert_eq!(equal_error_accuracy(&[0.8, 0.9], &[0.1, 0.2]), 100.0);
        // At 0.5 three of four are right on either side.
        let same = [0.2, 0.5, 0.6, 0.9];
        let different = [0.1, 0.3, 0.4, 0.7];
        assert_eq!(equal_error_accuracy(&same, &different), 75.0);
    }

    #[test]
    fn similarities_are_of_the_right_pairs() {
        let embeddings = Tensor::from_slice(&[1.0f32, 0.0, 1.0, 0.0, 0.0, 1.0]).view([3, 2]);
        let (same, different) = similarities(&embeddings, &[4, 4, 7]).unwrap();
        assert_eq!(same, [1.0]);
        // The pair's first picture and the one after it would be the same person, so none is left.
        assert!(different.is_empty() || different == [0.0]);
    }
}
