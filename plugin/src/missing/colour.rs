//! Damage told by its colour: which of the pixels of that colour are a hole, and which are things
//! of the scene that happen to have it.

use std::ops::Range;

use gst_video::VideoFrameRef;
use mde_core::occlusion::Rect;

use super::raster::{Damage, Raster};
use crate::frame::{ColourRange, Match, Search};
use crate::parts::{Part, Parts};

/// The share of a frame from which a part away from faces is too large for damage.
const LARGEST_IN_FRAME: f64 = 0.1;

/// Widths of a part that is still damage, in heights of the frame: burnt-in bars and drop-outs are
/// lines.
const WIDEST: f64 = 1.0 / 16.0;

/// The share of a face's crop from which nothing could be completed from the rest.
const LARGEST_IN_CROP: f64 = 0.75;

/// The least share of a cover that lies in the middle of the crop, which has half its width and
/// height. A bar over the eyes and a covered half have theirs there, a wall around the head has
/// next to none.
const LEAST_IN_MIDDLE: f64 = 0.2;

/// How many pixels from damage one that shares samples with it may lie.
const SHARED: usize = 2;

/// Finds damage by its colour. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct ColourDamage {
    /// Of each pixel of the frame.
    matches: Vec<Match>,
    parts: Parts,
    is_hole: Vec<bool>,
    areas: Vec<usize>,
    areas_in_middle: Vec<usize>,
}

impl ColourDamage {
    /// Marks as lost in `raster`, of the size of `frame`, what is damage among the pixels whose
    /// colour is in `range`. `crops` are the parts of the frame that the faces' crops show.
    ///
    /// A part of that colour is damage where it covers the middle of a face's crop, or is as narrow
    /// as a line. With it go pixels beside it that have its colour for themselves, but share
    /// samples with others (such as chroma in 4:2:0, where a sample at the edge of the damage is a
    /// mixture). Gives rectangles that hold all that is marked.
    pub fn mark<T>(
        &mut self,
        search: &mut Search,
        frame: &VideoFrameRef<T>,
        range: ColourRange,
        crops: &[Rect],
        raster: &mut Raster,
    ) -> impl Iterator<Item = Rect> {
        let (width, height) = raster.size();
        let Self { matches, parts, .. } = self;
        matches.clear();
        matches.resize(width * height, Match::None);
        parts.clear();
        search.colour(frame, range, raster.all(), |y, best, row| {
            matches[y * width..][..width].copy_from_slice(row);
            if best == Match::All {
                parts.add_row(y, 0, row.iter().map(|found| *found == Match::All));
            }
        });
        self.judge(crops, (width, height));
        self.take(raster);
        let holes = self.parts.found().iter().zip(&self.is_hole);
        holes.filter_map(move |(part, is_hole)| {
            let Rect { x0, y0, x1, y1 } = part.bounds;
            is_hole.then(|| around(x0..x1, y0..y1, (width, height)))
        })
    }

    /// Tells holes from things.
    fn judge(&mut self, crops: &[Rect], (width, height): (usize, usize)) {
        let is_line = |part: &Part| {
            part.width() <= WIDEST * height as f64
                && part.area as f64 <= LARGEST_IN_FRAME * (width * height) as f64
        };
        let parts = self.parts.finish();
        self.is_hole.clear();
        self.is_hole.extend(parts.iter().map(is_line));
        for crop in crops {
            self.parts.areas_in(*crop, &mut self.areas);
            self.parts
                .areas_in(middle(*crop), &mut self.areas_in_middle);
            let areas = self.areas.iter().zip(&self.areas_in_middle);
            for (is_hole, (area, in_middle)) in self.is_hole.iter_mut().zip(areas) {
                *is_hole |= *in_middle > 0
                    && *in_middle as f64 >= LEAST_IN_MIDDLE * *area as f64
                    && *area as f64 <= LARGEST_IN_CROP * crop.area() as f64;
            }
        }
    }

    fn take(&self, raster: &mut Raster) {
        let (width, height) = raster.size();
        for (y, xs) in self.parts.pixels(|part| self.is_hole[part]) {
            let around = around(xs.clone(), y..y + 1, (width, height));
            for row in around.y0..around.y1 {
                let matches = &self.matches[row * width..][around.x0..around.x1];
                let damages = raster.row_mut(around, row).iter_mut();
                for (damage, _) in damages.zip(matches).filter(|(_, m)| **m == Match::Own) {
                    *damage = Damage::Lost;
                }
            }
            let run = Rect::new(xs.start, y, xs.end, y + 1);
            raster.row_mut(run, y).fill(Damage::Lost);
        }
    }
}

/// The pixels of a frame of `size` = (width, height) that share samples with those of `xs` and `ys`.
fn around(xs: Range<usize>, ys: Range<usize>, size: (usize, usize)) -> Rect {
    Rect::new(
        xs.start.saturating_sub(SHARED),
        ys.start.saturating_sub(SHARED),
        (xs.end + SHARED).min(size.0),
        (ys.end + SHARED).min(size.1),
    )
}

/// The middle of `crop`, of half its width and height.
fn middle(crop: Rect) -> Rect {
    let (x, y) = (crop.width() / 4, crop.height() / 4);
    Rect::new(crop.x0 + x, crop.y0 + y, crop.x1 - x, crop.y1 - y)
}
