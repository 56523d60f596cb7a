//! Replaces what scratches cover: by what a neighbour in time shows there, where the picture has moved
//! out from under the scratch, and else by what is to the left and right of it.

use gst_video::VideoFrameRef;
use mde_core::occlusion::Rect;

use super::beside::{Beside, Sight};
use super::lines::{BAND, Line, Part};
use super::plane::Plane;
use super::scratches::Scratch;
use crate::frame::{Filler, PixelWeights, Shown, Still, mend};

/// Pixels at either side of a scratch that are replaced with it.
const RIM: usize = 1;
/// By how much a scratch may be elsewhere in a neighbour in time, in pixels.
const WANDERS: i32 = 3;

/// A neighbour in time.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub sight: Sight<'a>,
    pub still: &'a Still,
}

/// Replaces scratches. Made once and reused.
#[derive(Debug, Default)]
pub struct Retouch {
    filler: Filler,
    weights: Vec<f32>,
}

impl Retouch {
    /// Replaces the `scratches` of `frame`, whose brightness is `now`, by the share `strength`, in
    /// `[0, 1]`. `sides` are the neighbours that show the same scene.
    pub fn mend(
        &mut self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        now: &Plane,
        scratches: &[Scratch],
        sides: [Option<Side<'_>>; 2],
        strength: f32,
    ) {
        for Scratch { line, .. } in scratches {
            let whole = area_of(line, now.size);
            let mut left = vec![0.0; whole.area()];
            for (area, band, part) in pieces(line, now.size) {
                let beside = Beside { now, band, part };
                let mut shown = [None; 2];
                for (shown, side) in shown.iter_mut().zip(sides) {
                    *shown = side.and_then(|side| bare(beside, line, scratches, side));
                }
                let shown: Vec<Shown<'_>> = shown.into_iter().flatten().collect();
                if shown.is_empty() {
                    for y in area.y0..area.y1 {
                        let start = (y - whole.y0) * whole.width() + area.x0 - whole.x0;
                        left[start..start + area.width()].fill(1.0);
                    }
                } else {
                    let pixels = full(area, &mut self.weights);
                    mend(frame, pixels, &shown, strength);
                }
            }
            if left.contains(&1.0) {
                let pixels = PixelWeights {
                    area: whole,
                    weights: &left,
                };
                self.filler.fill(frame, pixels, strength);
            }
        }
    }

    /// What is replaced of `line` in a frame of `size`, piece by piece.
    pub fn each_piece(
        &mut self,
        line: &Line,
        size: (usize, usize),
        mut each: impl FnMut(PixelWeights<'_>),
    ) {
        for (area, _, _) in pieces(line, size) {
            each(full(area, &mut self.weights));
        }
    }
}

/// What all of `line` lies in, in a frame of `size`.
pub fn area_of(line: &Line, size: (usize, usize)) -> Rect {
    let areas = pieces(line, size).map(|(area, _, _)| area);
    let all = areas.reduce(|a, b| {
        Rect::new(
            a.x0.min(b.x0),
            a.y0.min(b.y0),
            a.x1.max(b.x1),
            a.y1.max(b.y1),
        )
    });
    all.unwrap_or(Rect::new(0, 0, 0, 0))
}

/// The parts of `line` with what is replaced of each, and its band.
fn pieces(
    line: &Line,
    (width, height): (usize, usize),
) -> impl Iterator<Item = (Rect, usize, Part)> {
    let last = line.parts.len() - 1;
    line.parts
        .iter()
        .enumerate()
        .filter_map(move |(band, part)| {
            let part = (*part)?;
            let (first, end) = part.columns;
            // Rows that fill no band are the last one's.
            let bottom = if band == last {
                height
            } else {
                (band + 1) * BAND
            };
            let area = Rect::new(
                first.saturating_sub(RIM),
                band * BAND,
                (end + RIM).min(width),
                bottom,
            );
            Some((area, band, part))
        })
}

/// All of `area`.
fn full(area: Rect, weights: &mut Vec<f32>) -> PixelWeights<'_> {
    weights.clear();
    weights.resize(area.area(), 1.0);
    PixelWeights { area, weights }
}

/// What the neighbour at `side` shows of the place of a part of `line`, if it shows it without this
/// line and none of the `scratches` is there.
fn bare<'a>(
    beside: Beside<'_>,
    line: &Line,
    scratches: &[Scratch],
    side: Side<'a>,
) -> Option<Shown<'a>> {
    let matched = beside.matched(side.sight)?;
    let (first, end) = beside.part.columns;
    let columns = (first as i32 + matched.way[0], end as i32 + matched.way[0]);
    let is_there = |scratch: &Scratch| {
        let parts = || scratch.line.parts.iter().flatten();
        let first = parts().map(|part| part.columns.0 as i32).min();
        let end = parts().map(|part| part.columns.1 as i32).max();
        first.is_some_and(|first| first - WANDERS < columns.1)
            && end.is_some_and(|end| columns.0 < end + WANDERS)
    };
    let is_bare = beside.is_bare(side.sight, line.is_bright) == Some(true);
    (is_bare && !scratches.iter().any(is_there)).then_some(Shown {
        still: side.still,
        way: matched.way.map(|v| v as f32),
        offset: matched.offset / 255.0,
    })
}
