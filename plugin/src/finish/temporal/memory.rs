//! What is remembered of one face.

use mde_core::contract::grid_cell;
use mde_core::occlusion::Rect;

use super::cells::Cells;
use super::change::Change;
use super::light::Light;
use super::motion::Motion;
use super::seen::Seen;
use crate::finish::completed_crop::CompletedCrop;

/// Pixels around the hole that writing it into a frame may look at.
const MARGIN: usize = 2;

/// What was painted on a face, and what was seen of it then.
#[derive(Debug)]
pub struct Memory {
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
    light: Light,
    plane: Vec<f32>,
    /// Of a row, the share of what was painted before, and by how much that was lighter.
    shares: Vec<f32>,
    lighter: Vec<f32>,
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
            light: Light::default(),
            plane: vec![0.0; size.0 * size.1],
            shares: vec![0.0; size.0],
            lighter: vec![0.0; size.0],
            numbers: (0..size.0).map(|column| column as f32).collect(),
        }
    }
}

impl Memory {
    /// Of nothing, for crops of `size` = (width, height) pixels.
    pub fn new(size: (usize, usize)) -> Self {
        Self {
            size,
            seen: Seen::new(size),
            painted: vec![0.0; 3 * size.0 * size.1],
            noise: None,
        }
    }

    /// Blends a crop's completion with what was painted before, of which the share `keep` stays
    /// where nothing changes, and remembers it; of what is copied, the light alone. Where there is no such
    /// share, for nothing was painted on this face, the completion stays as it is.
    pub fn blend(
        &mut self,
        crop: &mut CompletedCrop<'_>,
        keep: Option<f32>,
        scratch: &mut Scratch,
    ) {
        scratch.seen.read(crop.image, crop.mask);
        let motion = keep.and_then(|keep| {
            scratch.cells.compare(&self.seen, &scratch.seen);
            Some((Motion::between(&scratch.cells)?, keep))
        });
        match motion {
            Some((motion, keep)) if self.measure(&motion, scratch) => {
                let motion = motion.in_pixels(scratch.seen.block);
                self.mix(crop, &motion, keep, scratch);
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

    fn mix(
        &mut self,
        crop: &mut CompletedCrop<'_>,
        motion: &Motion,
        keep: f32,
        scratch: &mut Scratch,
    ) {
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
        let light = &mut scratch.light;
        if crop.painted.is_some() {
            light.compare(crop.completed, &self.painted, width, part);
        }
        let shares = &mut scratch.shares[..part.width()];
        let lighter = &mut scratch.lighter[..part.width()];
        for y in part.y0..part.y1 {
            scratch.change.row(y, part.x0, shares);
            shares
                .iter_mut()
                .for_each(|share| *share = keep * (1.0 - *share));
            for channel in 0..3 {
                match crop.painted {
                    Some(_) => light.row(channel, y, lighter),
                    // All is painted, and its light goes with the rest.
                    None => lighter.fill(0.0),
                }
                let start = (channel * height + y) * width + part.x0;
                let painted = &self.painted[start..][..part.width()];
                let completed = crop.completed[start..].iter_mut().zip(painted);
                let kept = shares.iter().zip(lighter.iter());
                for (((completed, before), (share, lighter)), x) in
                    completed.zip(kept).zip(part.x0..)
                {
                    let painted = crop.painted.map_or(1.0, |painted| {
                        painted[grid_cell(x, y, width, painted.len())]
                    });
                    let off = before - *completed;
                    *completed += share * (lighter + painted * (off - lighter));
                }
            }
        }
    }
}
