//! What is remembered of one face.

use std::time::Duration;

use mde_core::occlusion::Rect;

use super::cells::Cells;
use super::change::Change;
use super::motion::Motion;
use super::seen::Seen;
use crate::completed_crop::CompletedCrop;
use crate::locate::{Bounds, Region};

/// Pixels around the hole that writing it into a frame may look at.
const MARGIN: usize = 2;

/// Whose face it is.
#[derive(Debug)]
pub struct Owner {
    id: i32,
    bounds: Bounds,
}

impl Owner {
    /// That of `region`.
    pub fn of(region: &Region) -> Self {
        Self {
            id: region.id,
            bounds: region.bounds,
        }
    }

    /// Infinite for the same identifier, else, where there are none, the overlap of the boxes.
    pub fn likeness(&self, region: &Region) -> f64 {
        match (self.id, region.id) {
            (0, 0) => self.bounds.overlap(&region.bounds),
            (own, other) if own == other => f64::INFINITY,
            _ => 0.0,
        }
    }
}

/// What was painted on a face, and what was seen of it then.
#[derive(Debug)]
pub struct Memory {
    /// Nothing where it is free for any face.
    pub owner: Option<Owner>,
    /// When the face had its last completion.
    pub seen_at: Duration,
    size: (usize, usize),
    seen: Seen,
    /// `[3, H, W]` in `[0, 1]`.
    painted: Vec<f32>,
    /// Change of the stillest cells; nothing before there were two frames.
    noise: Option<f32>,
}

/// What blending takes for a while.
#[derive(Debug)]
pub struct Scratch {
    seen: Seen,
    cells: Cells,
    change: Change,
    plane: Vec<f32>,
    shares: Vec<f32>,
    /// From 0 on, one for each column.
    numbers: Vec<f32>,
}

impl Scratch {
    /// For crops of `size` = (width, height) pixels.
    pub fn new(size: (usize, usize)) -> Self {
        let seen = Seen::new(size);
        Self {
            cells: Cells::new(seen.size),
            seen,
            change: Change::new(size),
            plane: vec![0.0; size.0 * size.1],
            shares: vec![0.0; size.0],
            numbers: (0..size.0).map(|column| column as f32).collect(),
        }
    }
}

impl Memory {
    /// Free, for crops of `size` = (width, height) pixels.
    pub fn new(size: (usize, usize)) -> Self {
        Self {
            owner: None,
            seen_at: Duration::ZERO,
            size,
            seen: Seen::new(size),
            painted: vec![0.0; 3 * size.0 * size.1],
            noise: None,
        }
    }

    /// Blends a crop's completion with what was painted before, of which the share `keep` stays
    /// where nothing changes, and remembers it. Where the memory is free, the completion stays as
    /// it is.
    pub fn blend(&mut self, crop: CompletedCrop<'_>, keep: f32, scratch: &mut Scratch) {
        scratch.seen.read(crop.image, crop.mask);
        let motion = self.owner.as_ref().and_then(|_| {
            scratch.cells.compare(&self.seen, &scratch.seen);
            Motion::between(&scratch.cells)
        });
        match motion {
            Some(motion) if self.measure(&motion, scratch) => {
                let motion = motion.in_pixels(scratch.seen.block);
                self.mix(crop.completed, &motion, keep, scratch);
            }
            _ => self.noise = None,
        }
        std::mem::swap(&mut self.seen, &mut scratch.seen);
        self.painted.copy_from_slice(crop.completed);
    }

    /// Whether the crop still shows what it did.
    fn measure(&mut self, motion: &Motion, scratch: &mut Scratch) -> bool {
        let Scratch { cells, change, .. } = scratch;
        change.measure(cells, motion, &mut self.noise)
    }

    fn mix(&mut self, completed: &mut [f32], motion: &Motion, keep: f32, scratch: &mut Scratch) {
        let (width, height) = self.size;
        let [columns, rows] = scratch.cells.hole();
        let columns = Cells::pixels(columns, width);
        let rows = Cells::pixels(rows, height);
        let part = Rect::new(
            columns.start.saturating_sub(MARGIN),
            rows.start.saturating_sub(MARGIN),
            (columns.end + MARGIN).min(width),
            (rows.end + MARGIN).min(height),
        );
        for plane in self.painted.chunks_exact_mut(width * height) {
            motion.carry(plane, width, part, &scratch.numbers, &mut scratch.plane);
        }
        let shares = &mut scratch.shares[..part.width()];
        for y in part.y0..part.y1 {
            scratch.change.row(y, part.x0, shares);
            for start in (0..3).map(|channel| (channel * height + y) * width + part.x0) {
                let painted = &self.painted[start..][..part.width()];
                let completed = completed[start..].iter_mut().zip(painted);
                for ((completed, painted), change) in completed.zip(shares.iter()) {
                    *completed += keep * (1.0 - change) * (painted - *completed);
                }
            }
        }
    }
}
