//! What is measured of three channels of a frame.

use super::edges::{self, Edges, Pair};
use super::grain::Grain;
use super::planes::Planes;
use super::tone::Tone;

/// Correlation of brightness below which two frames show different scenes.
const LEAST_LIKENESS: f32 = 0.6;

/// Three channels of a frame.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The frame at a size at which noise and edges are averaged away.
    pub thumb: Planes,
    /// The same coarser yet: what a coder leaves of a channel that shows nothing is not seen any
    /// more.
    coarse: Planes,
    /// What the channels show there.
    pub tones: [Tone; 3],
    /// How coarse the channels are.
    pub grains: [Grain; 3],
    /// Of each patch, where its edges lie.
    pub edges: Vec<Edges>,
}

impl Look {
    /// Measures `thumb`, of which `side` x `side` pixels go together for the tones, and `patches`,
    /// each [`edges::PATCH`] pixels wide and high.
    pub fn fill(&mut self, thumb: &Planes, side: usize, patches: &[Planes]) {
        self.thumb.clone_from(thumb);
        self.coarse.average(thumb, side);
        self.tones = Tone::of(&self.coarse);
        self.grains = Grain::of(patches);
        self.edges.resize_with(patches.len(), Edges::default);
        for (edges, patch) in self.edges.iter_mut().zip(patches) {
            edges.fill(patch);
        }
    }

    /// How well `channel`, moved by `shift`, agrees with the two others.
    pub fn agreement(&self, channel: usize, shift: [i32; 2]) -> f32 {
        agreement_in(self.edges.iter(), channel, shift)
    }

    /// The same in every other patch, from the first or from the second on.
    pub fn agreement_in_half(&self, half: usize, channel: usize, shift: [i32; 2]) -> f32 {
        agreement_in(self.edges.iter().skip(half).step_by(2), channel, shift)
    }

    /// How well the two channels besides `channel` agree if one is moved by `shift`.
    pub fn agreement_beside(&self, channel: usize, shift: [i32; 2]) -> f32 {
        let [a, b] = others(channel);
        let pairs = self.edges.iter().map(|edges| Pair {
            own: &edges.steepness[a],
            other: &edges.steepness[b],
        });
        edges::agreement(pairs, shift)
    }

    /// How much of the contrast of the channels besides `channel` lies between neighbours, as a
    /// share of that of its own: the greater of both.
    pub fn whiteness_beside(&self, channel: usize) -> f32 {
        let beside = others(channel).map(|other| self.grains[other].whiteness());
        beside[0].max(beside[1]) / self.grains[channel].whiteness().max(f32::MIN_POSITIVE)
    }

    /// The greatest noise of the channels besides `channel`, as a share of its own.
    pub fn spill(&self, channel: usize) -> f32 {
        let beside = others(channel).map(|other| self.grains[other].noise);
        beside[0].max(beside[1]) / self.grains[channel].noise.max(f32::MIN_POSITIVE)
    }

    /// Whether `channel` goes on from `before` as it does from frame to frame of one scene.
    pub fn continues(&self, before: &Self, channel: usize) -> bool {
        if self.thumb.size != before.thumb.size {
            return false;
        }
        let [now, then] =
            [self, before].map(|look| (&look.thumb.values[channel], look.tones[channel]));
        let pairs = now.0.iter().zip(then.0);
        let count = now.0.len() as f32;
        let both: f32 = pairs
            .map(|(a, b)| (a - now.1.mean) * (b - then.1.mean))
            .sum::<f32>()
            / count;
        let product = now.1.deviation * then.1.deviation;
        product > 0.0 && both / product > LEAST_LIKENESS
    }

    /// The mean difference of `channel` from `before`.
    pub fn change(&self, before: &Self, channel: usize) -> f32 {
        if self.thumb.size != before.thumb.size {
            return f32::INFINITY;
        }
        let pairs = self.thumb.values[channel]
            .iter()
            .zip(&before.thumb.values[channel]);
        pairs.map(|(a, b)| (a - b).abs()).sum::<f32>() / self.thumb.values[channel].len() as f32
    }
}

fn agreement_in<'a>(
    edges: impl Iterator<Item = &'a Edges>,
    channel: usize,
    shift: [i32; 2],
) -> f32 {
    let pairs = edges.map(|edges| Pair {
        own: &edges.steepness[channel],
        other: &edges.others[channel],
    });
    edges::agreement(pairs, shift)
}

/// The channels besides `channel`.
pub fn others(channel: usize) -> [usize; 2] {
    match channel {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    }
}
