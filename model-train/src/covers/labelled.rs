//! How well real covers are found, on pictures whose covers people outlined.

use std::fmt;

use anyhow::{Context, Result};
use mde_core::covers::Kind;
use tch::{Kind as Dtype, Tensor};

use super::batches::CoverBatch;
use super::faces::CoverFaces;
use super::labels::Labelled;
use super::network::CoverNet;
use super::sample::Sample;
use super::scores::{COVERED, DEFAULT, Overlap, answer, face, largest};

/// What the net says of labelled pictures.
pub struct Answered<'a> {
    pictures: &'a [Labelled],
    batch: CoverBatch,
    /// `[N, 5, S / 2, S / 2]` in `[0, 1]`.
    found: Tensor,
    face: Tensor,
}

/// Intersections over unions at a threshold.
#[derive(Clone, Debug)]
pub struct Real {
    /// Of each kind that is labelled, its own channel, with how many pictures show it.
    pub of_kind: Vec<(Kind, usize, f64)>,
    /// Of the kinds that count by default, on the whole crops, all pixels of all pictures together.
    pub of_all: f64,
    /// The same on the faces alone.
    pub on_face: f64,
    /// Of each picture with one of these kinds, on the face: its number and the share.
    pub each: Vec<(usize, f64)>,
    /// Share of the face found by default on each clean picture, in %: its number and the share.
    pub clean: Vec<(usize, f64)>,
}

/// Thresholds that are tried.
const THRESHOLDS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

impl<'a> Answered<'a> {
    /// Shows `net` each of `pictures`, which are among `faces`, with nothing else.
    ///
    /// # Errors
    /// Names the first picture that is not there.
    pub fn new(net: &CoverNet, pictures: &'a [Labelled], faces: &CoverFaces) -> Result<Self> {
        let samples: Result<Vec<Sample>> = (pictures.iter())
            .map(|picture| {
                let name = &picture.name;
                let look = faces
                    .named(name)
                    .with_context(|| format!("the data has no validation picture '{name}'"))?;
                let [covers, known] = picture.on_crop(&look.framing.to_picture());
                Ok(Sample::plain(&look).labelled(&covers, &known))
            })
            .collect();
        let batch = CoverBatch::of(&samples?);
        let found = answer(net, &batch);
        Ok(Self {
            pictures,
            batch,
            found,
            face: face(),
        })
    }

    /// The scores from the probability `threshold` on.
    pub fn at(&self, threshold: f64) -> Real {
        let known = |kinds: &[Kind]| -> Tensor {
            let weights = self.batch.weights.gt(0.5).to_kind(Dtype::Float);
            1.0 - largest(&(1.0 - weights), kinds)
        };
        let found = |kinds: &[Kind]| largest(&self.found, kinds).ge(threshold);
        let truth = |kinds: &[Kind]| largest(&self.batch.covers, kinds).ge(COVERED);
        let overlap = |kinds: &[Kind], counts: &Tensor, numbers: &[usize]| {
            let mut sums = Overlap::default();
            let (found, truth) = (found(kinds), truth(kinds));
            // What is surely there counts though another kind is not known.
            let counts = known(kinds).maximum(&truth.to_kind(Dtype::Float)) * counts;
            for &n in numbers {
                let of = |t: &Tensor| t.get(n as i64);
                sums.add(&of(&found), &of(&truth), &of(&counts));
            }
            sums.share()
        };
        let numbers = |is_meant: &dyn Fn(&Labelled) -> bool| -> Vec<usize> {
            let numbers = (0..self.pictures.len()).filter(|&n| is_meant(&self.pictures[n]));
            numbers.collect()
        };
        let everywhere = self.face.ones_like();
        let of_kind = Kind::ALL.into_iter().filter_map(|kind| {
            let shown = numbers(&|p| p.shows(kind));
            let share = overlap(&[kind], &everywhere, &shown);
            (!shown.is_empty()).then_some((kind, shown.len(), share))
        });
        let covered = numbers(&|p| DEFAULT.iter().any(|&kind| p.shows(kind)));
        let each = (covered.iter()).map(|&n| (n, overlap(&DEFAULT, &self.face, &[n])));
        let false_share = |n: usize| {
            let counts = (known(&DEFAULT) * &self.face).get(n as i64);
            let sum = |t: Tensor| t.sum(Dtype::Double).double_value(&[]);
            let found = found(&DEFAULT).get(n as i64).to_kind(Dtype::Float);
            100.0 * sum(found * &counts) / sum(counts).max(1.0)
        };
        let clean = numbers(&Labelled::is_clean);
        Real {
            of_kind: of_kind.collect(),
            of_all: overlap(&DEFAULT, &everywhere, &covered),
            on_face: overlap(&DEFAULT, &self.face, &covered),
            each: each.collect(),
            clean: clean.into_iter().map(|n| (n, false_share(n))).collect(),
        }
    }

    /// The threshold at which most of the covers on the faces is found, and what is.
    pub fn best(&self) -> (f64, Real) {
        let all = THRESHOLDS.map(|threshold| (threshold, self.at(threshold)));
        let best = all
            .into_iter()
            .max_by(|(_, a), (_, b)| a.on_face.total_cmp(&b.on_face));
        // There are thresholds.
        best.unwrap_or_else(|| (COVERED, self.at(COVERED)))
    }
}

impl Real {
    /// A table of each of `pictures`, which the scores are of, the worst first.
    pub fn each_of(&self, pictures: &[Labelled]) -> String {
        let mut each = self.each.clone();
        each.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        let covered = each.iter().map(|&(n, share)| {
            let Labelled { name, what, .. } = &pictures[n];
            format!("| {name} | {what} | {share:.3} |\n")
        });
        let clean = self.clean.iter().map(|&(n, share)| {
            let Labelled { name, what, .. } = &pictures[n];
            format!("| {name} | nothing: {what} | {share:.2} % |\n")
        });
        covered.chain(clean).collect()
    }
}

impl fmt::Display for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, count, share) in &self.of_kind {
            writeln!(f, "| {kind} | {count} | {share:.3} |")?;
        }
        let count = self.each.len();
        writeln!(f, "| all by default | {count} | {:.3} |", self.of_all)?;
        writeln!(
            f,
            "| the same on the face | {count} | {:.3} |",
            self.on_face
        )?;
        let mean = |of: &[(usize, f64)]| {
            of.iter().map(|(_, share)| share).sum::<f64>() / of.len().max(1) as f64
        };
        writeln!(
            f,
            "| the same, mean of pictures | {count} | {:.3} |",
            mean(&self.each)
        )?;
        let (clean, share) = (self.clean.len(), mean(&self.clean));
        writeln!(
            f,
            "| nothing there, found on the face | {clean} | {share:.3} % |"
        )
    }
}
