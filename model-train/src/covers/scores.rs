//! How well covers are found, and how much is found where there are none.

use std::fmt;

use mde_core::covers::{Kind, SIDE};
use tch::{Kind as Dtype, Tensor};

use super::batches::{CoverBatch, Material};
use super::faces::{Framing, Look, Wears};
use super::network::CoverNet;
use super::sample::{FACE, GRID, Plan, Sample, is_within};
use crate::data::Dataset;
use crate::network::layers::Pass;

/// Samples the net sees at once.
const BATCH: usize = 32;
/// The stream of random numbers, far from those of training.
const STREAM: u128 = 1 << 100;
/// How much of a cell is covered that is to be found.
pub(super) const COVERED: f64 = 0.5;
/// The kinds that count where nothing else is said.
pub(super) const DEFAULT: [Kind; 3] = [Kind::Objects, Kind::Masks, Kind::Sunglasses];

/// How covers of one kind were found. Intersections over unions, over all pixels of all samples
/// together.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The kind.
    pub kind: Kind,
    /// Of the kind's own channel.
    pub of_kind: f64,
    /// Of all kinds together, on the whole crop.
    pub of_all: f64,
    /// The same on the face alone.
    pub on_face: f64,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            of_kind,
            of_all,
            on_face,
        } = self;
        write!(
            f,
            "| {kind:10} | {of_kind:.3} | {of_all:.3} | {on_face:.3} |"
        )
    }
}

/// What was found on faces with nothing before them, in % of their pixels.
#[derive(Clone, Copy, Debug)]
pub struct Alarms {
    /// Faces.
    pub faces: usize,
    /// Of the kinds that count by default.
    pub by_default: f64,
    /// Of any kind.
    pub of_any: f64,
    /// Share of the faces with more than a hundredth found by default, in %.
    pub large: f64,
}

impl fmt::Display for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            faces,
            by_default,
            of_any,
            large,
        } = self;
        write!(f, "{faces} | {by_default:.3} | {of_any:.3} | {large:.1} |")
    }
}

/// Sums of what is common to both and of what is in either.
#[derive(Default)]
pub(super) struct Overlap([f64; 2]);

impl Overlap {
    pub(super) fn add(&mut self, found: &Tensor, truth: &Tensor, counts: &Tensor) {
        let sum = |t: Tensor| {
            (t.to_kind(Dtype::Float) * counts)
                .sum(Dtype::Double)
                .double_value(&[])
        };
        self.0[0] += sum(found.logical_and(truth));
        self.0[1] += sum(found.logical_or(truth));
    }

    pub(super) fn share(&self) -> f64 {
        self.0[0] / self.0[1].max(1.0)
    }
}

/// The cells of the answer on the face, `[1, 1, S / 2, S / 2]` f32.
pub(super) fn face() -> Tensor {
    let places = (0..GRID * GRID).map(|i| [(i % GRID) as f64, (i / GRID) as f64]);
    let step = SIDE as f64 / GRID as f64;
    let is_on_face = |[x, y]: [f64; 2]| is_within([step * x + 0.5, step * y + 0.5], FACE);
    let values: Vec<f32> = places.map(|p| f32::from(u8::from(is_on_face(p)))).collect();
    Tensor::from_slice(&values).view([1, 1, GRID as i64, GRID as i64])
}

pub(super) fn answer(net: &CoverNet, batch: &CoverBatch) -> Tensor {
    tch::no_grad(|| net.forward(&batch.inputs, Pass::Use).sigmoid())
}

/// Of `values` `[N, 5, ...]` the largest of `kinds`, `[N, 1, ...]`.
pub(super) fn largest(values: &Tensor, kinds: &[Kind]) -> Tensor {
    let channels: Vec<Tensor> = (kinds.iter())
        .map(|kind| values.narrow(1, kind.channel() as i64, 1))
        .collect();
    Tensor::cat(&channels, 1).amax([1i64].as_slice(), true)
}

/// What is scored.
#[derive(Clone, Copy)]
pub struct Scored<'a> {
    /// The net.
    pub net: &'a CoverNet,
    /// Probability from which on a pixel counts as found.
    pub threshold: f64,
}

/// The scores of `count` samples of each kind.
pub fn score(scored: Scored, material: &Material, count: usize, seed: u64) -> Vec<Row> {
    let face = face();
    let row = |kind: Kind| {
        let mut sums: [Overlap; 3] = Default::default();
        let numbers: Vec<usize> = (0..count).collect();
        for numbers in numbers.chunks(BATCH) {
            let draw =
                |&number: &usize| material.sample(Plan::One(kind), seed, STREAM + number as u128);
            let batch = CoverBatch::of(&numbers.iter().map(draw).collect::<Vec<_>>());
            let found = answer(scored.net, &batch);
            let is_known = batch.weights.gt(0.0).to_kind(Dtype::Float);
            let of_kind = |t: &Tensor, least: f64| t.narrow(1, kind.channel() as i64, 1).ge(least);
            let known = is_known.narrow(1, kind.channel() as i64, 1);
            let own = of_kind(&found, scored.threshold);
            sums[0].add(&own, &of_kind(&batch.covers, COVERED), &known);
            // What may be there though no label says so counts neither way.
            let all_known = is_known.amin([1i64].as_slice(), true);
            let truth = largest(&batch.covers, &Kind::ALL).ge(COVERED);
            let all_known = all_known.maximum(&truth.to_kind(Dtype::Float));
            let found = largest(&found, &Kind::ALL).ge(scored.threshold);
            sums[1].add(&found, &truth, &all_known);
            sums[2].add(&found, &truth, &(all_known * &face));
        }
        Row {
            kind,
            of_kind: sums[0].share(),
            of_all: sums[1].share(),
            on_face: sums[2].share(),
        }
    };
    Kind::ALL.map(row).into()
}

/// What is found on the first `count` stills that wear nothing.
pub fn alarms_on_stills(scored: Scored, material: &Material, count: usize) -> Alarms {
    let bare = material.faces.bare();
    let looks: Vec<Look> = (bare.iter().take(count))
        .map(|&i| material.faces.still(i))
        .collect();
    alarms(scored, &looks)
}

/// What is found on `pictures`, which show faces with nothing before them as `face-crops` lays them.
pub fn alarms_on(scored: Scored, pictures: &Dataset) -> Alarms {
    alarms(scored, &looks(pictures))
}

/// `pictures` as `face-crops` lays them, with nothing before the faces.
pub fn looks(pictures: &Dataset) -> Vec<Look<'_>> {
    (0..pictures.len())
        .map(|i| Look {
            picture: pictures.picture(i),
            view: pictures.picture(i),
            framing: Framing::MIDDLE,
            before: None,
            wears: Some(Wears::default()),
        })
        .collect()
}

fn alarms(scored: Scored, looks: &[Look]) -> Alarms {
    let face = face();
    let pixels = face.sum(Dtype::Double).double_value(&[]);
    let (mut by_default, mut of_any, mut large) = (0.0, 0.0, 0.0);
    for looks in looks.chunks(BATCH) {
        let batch = CoverBatch::of(&looks.iter().map(Sample::plain).collect::<Vec<_>>());
        let found = answer(scored.net, &batch);
        let share = |kinds: &[Kind]| {
            let found = largest(&found, kinds).ge(scored.threshold);
            let found = found.to_kind(Dtype::Float) * &face;
            found.sum_dim_intlist([1i64, 2, 3].as_slice(), false, Dtype::Double) / pixels
        };
        let shares = share(&DEFAULT);
        large += shares.gt(0.01).sum(Dtype::Double).double_value(&[]);
        by_default += shares.sum(Dtype::Double).double_value(&[]);
        of_any += share(&Kind::ALL).sum(Dtype::Double).double_value(&[]);
    }
    let percent = 100.0 / looks.len().max(1) as f64;
    Alarms {
        faces: looks.len(),
        by_default: by_default * percent,
        of_any: of_any * percent,
        large: large * percent,
    }
}
