//! How far off a net's points are under each cover.

use std::fmt;

use mde_core::occlusion::Occlusion;
use rand_pcg::Pcg64;
use tch::Tensor;

use super::batches::PointBatch;
use super::cover::{Cover, Fill};
use super::network::PointNet;
use super::sample::{Placement, PointFaces, Sample};
use crate::network::layers::Pass;

/// Samples the net sees at once.
const BATCH: usize = 256;
/// The stream of random numbers, far from those of training.
const STREAM: u128 = 1 << 100;

/// The scores under one cover, errors in % of the distance of the eyes.
#[derive(Clone, Debug)]
pub struct Row {
    /// The cover.
    pub name: String,
    /// Median error of all points.
    pub median: f64,
    /// Mean error of all points.
    pub mean: f64,
    /// Mean error of each point.
    pub points: [f64; 5],
    /// Share of crops whose face score is at least a half, in %.
    pub found: f64,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e] = self.points;
        write!(
            f,
            "| {:10} | {:5.2} | {:5.2} | {a:.1} {b:.1} {c:.1} {d:.1} {e:.1} | {:5.1} |",
            self.name, self.median, self.mean, self.found
        )
    }
}

/// The scores on the first `count` faces: uncovered, then under each part of the face. Each face has
/// the same random placement under all of them, and one of grey, black, noise and a piece of another
/// picture in turn.
pub fn score(net: &PointNet, faces: &PointFaces, count: usize, seed: u64) -> Vec<Row> {
    let covers = std::iter::once(None).chain(Occlusion::ALL.map(Some));
    covers
        .map(|part| row(net, faces, count, seed, part))
        .collect()
}

fn row(
    net: &PointNet,
    faces: &PointFaces,
    count: usize,
    seed: u64,
    part: Option<Occlusion>,
) -> Row {
    let (mut errors, mut found) = (Vec::new(), 0.0);
    let indices: Vec<usize> = (0..count.min(faces.len())).collect();
    for indices in indices.chunks(BATCH) {
        let samples: Vec<Sample> = (indices.iter())
            .map(|&i| sample(faces, i, seed, part))
            .collect();
        let batch = PointBatch::of(&samples);
        let answer = tch::no_grad(|| net.forward(&batch.crops, Pass::Use));
        let off = (&answer.points - &batch.points).square();
        let off = off.sum_dim_intlist(2, false, tch::Kind::Float).sqrt(); // [N, 5]
        let eyes = batch.points.select(1, 0) - batch.points.select(1, 1);
        let eyes = eyes
            .square()
            .sum_dim_intlist(1, true, tch::Kind::Float)
            .sqrt(); // [N, 1]
        errors.push(off / eyes * 100.0);
        found += answer.score.ge(0.0).sum(tch::Kind::Float).double_value(&[]);
    }
    let errors = Tensor::cat(&errors, 0);
    Row {
        name: match part {
            None => "nothing".to_owned(),
            Some(part) => part.to_string(),
        },
        median: errors.median().double_value(&[]),
        mean: errors.mean(tch::Kind::Double).double_value(&[]),
        points: std::array::from_fn(|k| {
            let of_point = errors.select(1, k as i64);
            of_point.mean(tch::Kind::Double).double_value(&[])
        }),
        found: 100.0 * found / indices.len() as f64,
    }
}

fn sample(faces: &PointFaces, index: usize, seed: u64, part: Option<Occlusion>) -> Sample {
    let mut rng = Pcg64::new(seed.into(), STREAM + index as u128);
    let placement = Placement::of_track(&mut rng);
    let cover = part.map(|part| {
        let fill = match index % 4 {
            0 => Fill::Plain([0.5; 3]),
            1 => Fill::Plain([0.0; 3]),
            2 => Fill::noise(&mut rng),
            _ => Fill::piece(faces, &mut rng),
        };
        Cover::of_part(part, fill)
    });
    Sample::of(&faces.face(index, false), &placement, cover.as_ref(), None)
}
