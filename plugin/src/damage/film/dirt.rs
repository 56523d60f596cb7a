//! Dirt, dust and hairs: what is to be seen in one frame alone, and neither in the one before nor in
//! the one after, wherever things have moved.

use mde_core::occlusion::Rect;

use super::buried::Buried;
use super::motion::{BLOCK, Motion, Vector};
use super::neighbour::Neighbour;
use super::plane::{Plane, Steps};
use super::spikes::{self, BRIGHT, DARK, STRONG, Spikes};
use crate::damage::confidence;
use crate::distance::Distances;

/// Spots of less pixels are grain.
const LEAST_PIXELS: usize = 3;
/// The share of a spot's contrast that its surroundings may differ from what the neighbours show there.
const AROUND: f32 = 0.12;
/// The share of it that the neighbours may differ in the spot.
const APART: f32 = 0.25;
/// The share of it to which a place elsewhere in a neighbour is the same thing.
const SAME: f32 = 0.35;
/// And the share of it from which on the present frame shows another thing there.
const GONE: f32 = 0.5;
/// Squared distances from a spot that are its surroundings.
const RIM: std::ops::RangeInclusive<i32> = 9..=36;
/// Squared distances up to which all of a pixel, and half of it, is replaced.
const WHOLE: i32 = 2;
const HALF: i32 = 5;
/// Pixels around a spot that are looked at.
const MARGIN: usize = 6;
/// How far a thing may have gone from frame to frame that is taken for a spot, in pixels of a frame
/// 1080 high.
const FARTHEST: f32 = 60.0;
/// Pixels of a spot that are compared for that, at most.
const SAMPLES: usize = 48;
/// Grain from which on the frames show different things, in 255ths.
const CUT: f32 = 14.0;
/// The share of pixels that are strong spikes from which on something is wrong with the frame.
const FLOOD: f32 = 0.25;
/// Times that it is looked where the picture is buried.
const DIGS: usize = 6;

/// Finds dirt. Made once and reused.
#[derive(Debug, Default)]
pub struct Dirt {
    spikes: Spikes,
    buried: Buried,
    pixels: Vec<(usize, usize)>,
    heap: Vec<(usize, usize)>,
    spots: Vec<(Rect, std::ops::Range<usize>)>,
    is_refined: Vec<bool>,
    distances: Distances,
}

/// A spot that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// Where all of what is replaced lies.
    pub area: Rect,
    /// How sure it is that it is dirt, from 0.5 to 1.
    pub confidence: f32,
}

impl Dirt {
    /// Finds dirt in `now` with the frames before and after it, to which `sides` lead, and marks in
    /// `weights`, in 255ths, how much of each pixel is to be replaced. Spots with more than `most`
    /// pixels are none.
    pub fn find(
        &mut self,
        now: &Steps,
        shown: [&Steps; 2],
        sides: &mut [Neighbour; 2],
        most: usize,
        weights: &mut Plane,
        found: &mut Vec<Spot>,
    ) {
        for (side, shows) in sides.iter_mut().zip(shown) {
            side.compare(now, shows);
        }
        let spreads = sides.each_ref().map(|side| side.lights.middle_spread());
        if spreads[0].max(spreads[1]) > CUT {
            return;
        }
        self.mark(now.finest(), sides);
        self.dig_out(now.finest(), shown, sides);
        self.gather(now.finest().size, most);
        self.refine(now.finest(), shown, sides);
        for index in 0..self.spots.len() {
            let (area, pixels) = self.spots[index].clone();
            let judged = self.judge(now.finest(), shown, sides, area, pixels.clone());
            if let Some(confidence) = judged {
                found.push(Spot {
                    area: self.lay(now.finest().size, area, pixels, weights),
                    confidence,
                });
            }
        }
    }

    /// Marks what of `now` differs from both `sides` in time.
    fn mark(&mut self, now: &Plane, [before, after]: &[Neighbour; 2]) {
        self.spikes.mark(
            now,
            [&before.moved, &after.moved],
            [&before.lights, &after.lights],
        );
    }

    /// Finds where the picture has gone where it is buried, and what differs from that.
    fn dig_out(&mut self, now: &Plane, shown: [&Steps; 2], sides: &mut [Neighbour; 2]) {
        for _ in 0..DIGS {
            let [before, after] = &mut *sides;
            let motions = [&mut before.motion, &mut after.motion];
            let changed = self.buried.settle(&self.spikes.marks, motions);
            if changed.is_empty() {
                return;
            }
            for (side, shows) in sides.iter_mut().zip(shown) {
                changed
                    .iter()
                    .for_each(|block| side.move_block(shows.finest(), *block));
            }
            self.mark(now, sides);
        }
    }

    /// Gathers spikes that lie together around strong ones.
    fn gather(&mut self, (width, height): (usize, usize), most: usize) {
        self.pixels.clear();
        self.spots.clear();
        let marks = &mut self.spikes.marks;
        let strong = marks
            .values
            .iter()
            .filter(|mark| **mark & STRONG != 0)
            .count();
        if strong as f32 > FLOOD * (width * height) as f32 {
            return;
        }
        for y in 0..height {
            let mut from = 0;
            let next = |marks: &Plane, from: usize| {
                let strong = |mark: &u8| mark & STRONG != 0;
                Some(from + marks.row(y)[from..].iter().position(strong)?)
            };
            while let Some(x) = next(marks, from) {
                from = x + 1;
                let mark = marks.at(x, y);
                let kind = mark & (BRIGHT | DARK);
                let first = self.pixels.len();
                let mut area = Rect::new(x, y, x + 1, y + 1);
                self.heap.push((x, y));
                marks.row_mut(y)[x] = 0;
                while let Some((x, y)) = self.heap.pop() {
                    self.pixels.push((x, y));
                    area = Rect::new(
                        area.x0.min(x),
                        area.y0.min(y),
                        area.x1.max(x + 1),
                        area.y1.max(y + 1),
                    );
                    for v in y.saturating_sub(1)..(y + 2).min(height) {
                        for u in x.saturating_sub(1)..(x + 2).min(width) {
                            if marks.at(u, v) & kind != 0 {
                                marks.row_mut(v)[u] = 0;
                                self.heap.push((u, v));
                            }
                        }
                    }
                }
                let pixels = first..self.pixels.len();
                match (LEAST_PIXELS..=most).contains(&pixels.len()) {
                    true => self.spots.push((area, pixels)),
                    false => self.pixels.truncate(first),
                }
            }
        }
        for &(x, y) in &self.pixels {
            marks.row_mut(y)[x] = STRONG;
        }
    }

    /// Looks once more where the blocks with spots have come from, without the spots.
    fn refine(&mut self, now: &Plane, shown: [&Steps; 2], sides: &mut [Neighbour; 2]) {
        let (columns, rows) = sides[0].motion.count();
        self.is_refined.clear();
        self.is_refined.resize(columns * rows, false);
        for &(x, y) in &self.pixels {
            let block = (x / BLOCK, y / BLOCK);
            let is_done = &mut self.is_refined[block.1 * columns + block.0];
            if std::mem::replace(is_done, true) {
                continue;
            }
            for (neighbour, shows) in sides.iter_mut().zip(shown) {
                let pair = Pair {
                    now,
                    shows: shows.finest(),
                    marks: &self.spikes.marks,
                    offset: neighbour.lights.at(x, y).offset,
                };
                let way = pair.best_way(block, &neighbour.motion);
                if way != neighbour.motion.at(block.0, block.1) {
                    neighbour.motion.set(block.0, block.1, way);
                    neighbour.move_block(shows.finest(), block);
                }
            }
        }
    }

    /// How sure it is that the spot of `pixels` in `area` is none of the picture's things, if it is
    /// none.
    fn judge(
        &mut self,
        now: &Plane,
        shown: [&Steps; 2],
        sides: &[Neighbour; 2],
        area: Rect,
        pixels: std::ops::Range<usize>,
    ) -> Option<f32> {
        let spot = &self.pixels[pixels];
        let planes = sides.each_ref().map(|n| &n.moved);
        let (mut contrast, mut apart) = (0.0, 0.0);
        for &(x, y) in spot {
            let [a, b] = planes.map(|plane| f32::from(plane.at(x, y)));
            contrast += f32::from(now.at(x, y)) - (a + b) / 2.0;
            apart += (a - b).abs();
        }
        let count = spot.len() as f32;
        let (contrast, apart) = ((contrast / count).abs(), apart / count);
        let (x, y) = spot[0];
        let spread = sides.each_ref().map(|n| n.lights.at(x, y).spread);
        let grain = spread[0].max(spread[1]);
        if apart > (APART * contrast).max(grain) {
            return None;
        }
        let around = wider(area, now.size);
        let squares = distances(&mut self.distances, spot, around);
        let (mut off, mut rim) = ([0.0; 2], 0);
        for (index, square) in squares.iter().enumerate() {
            let (x, y) = (
                around.x0 + index % around.width(),
                around.y0 + index / around.width(),
            );
            if !RIM.contains(square) || self.spikes.marks.at(x, y) != 0 {
                continue;
            }
            rim += 1;
            for (off, plane) in off.iter_mut().zip(planes) {
                *off += f32::from(plane.at(x, y).abs_diff(now.at(x, y)));
            }
        }
        // All that is around is damaged as well: nothing is known.
        if rim * 2 < (spot.len() as f32).sqrt() as usize {
            return None;
        }
        let off = off.map(|off| off / rim.max(1) as f32);
        if off[0].max(off[1]) > AROUND * contrast + 0.8 * grain {
            return None;
        }
        let thing = Thing { spot, contrast };
        let reach = (FARTHEST * now.size.1 as f32 / 1080.0).max(16.0) as i32;
        let is_elsewhere = |index: usize| {
            let shows: &Steps = shown[index];
            let neighbour = &sides[index];
            let offset = neighbour.lights.at(x, y).offset;
            let way = neighbour.motion.at(x / BLOCK, y / BLOCK);
            thing.has_moved(now, shows.finest(), offset, way, reach)
        };
        let is_thing = is_elsewhere(0) && is_elsewhere(1);
        (!is_thing).then(|| confidence(contrast, spikes::needed(grain)))
    }

    /// Marks in `weights` how much of the spot of `pixels` in `area`, and of what is around, is to be
    /// replaced; gives where that lies.
    fn lay(
        &mut self,
        size: (usize, usize),
        area: Rect,
        pixels: std::ops::Range<usize>,
        weights: &mut Plane,
    ) -> Rect {
        let around = wider(area, size);
        let squares = distances(&mut self.distances, &self.pixels[pixels], around);
        for (y, squares) in (around.y0..).zip(squares.chunks(around.width())) {
            let row = &mut weights.row_mut(y)[around.x0..around.x1];
            for (weight, square) in row.iter_mut().zip(squares) {
                let own = match *square {
                    square if square <= WHOLE => 255,
                    square if square <= HALF => 128,
                    _ => 0,
                };
                *weight = own.max(*weight);
            }
        }
        around
    }
}

/// `area` with some pixels around it, in a frame of `size`.
fn wider(area: Rect, size: (usize, usize)) -> Rect {
    Rect::new(
        area.x0.saturating_sub(MARGIN),
        area.y0.saturating_sub(MARGIN),
        (area.x1 + MARGIN).min(size.0),
        (area.y1 + MARGIN).min(size.1),
    )
}

/// The squared distances of the pixels of `area` from the nearest one of `spot`.
fn distances<'a>(distances: &'a mut Distances, spot: &[(usize, usize)], area: Rect) -> &'a [i32] {
    let mut is_spot = vec![false; area.area()];
    for (x, y) in spot {
        is_spot[(y - area.y0) * area.width() + x - area.x0] = true;
    }
    distances.squared(area.width(), is_spot.into_iter().map(|is_spot| !is_spot))
}

/// Pixels of a frame that may be a thing which moves.
struct Thing<'a> {
    spot: &'a [(usize, usize)],
    /// By how much they differ from what is around them in time.
    contrast: f32,
}

impl Thing<'_> {
    /// Whether `other`, a neighbour of `now`, shows it somewhere up to `reach` pixels off, where `now`
    /// shows something else. `now` is brighter by `offset`, and what is around has gone the `way`.
    fn has_moved(&self, now: &Plane, other: &Plane, offset: i32, way: Vector, reach: i32) -> bool {
        let value = |plane: &Plane, x: i32, y: i32| {
            let (width, height) = (plane.size.0 as i32, plane.size.1 as i32);
            let (x, y) = (x.clamp(0, width - 1), y.clamp(0, height - 1));
            i32::from(plane.at(x as usize, y as usize))
        };
        let every = self.spot.len().div_ceil(SAMPLES);
        let samples = self.spot.iter().step_by(every);
        let samples: Vec<[i32; 3]> = samples
            .map(|&(x, y)| [x as i32, y as i32, i32::from(now.at(x, y)) - offset])
            .collect();
        let most = |share: f32| (share * self.contrast * samples.len() as f32) as i32;
        let (same, other_thing) = (most(SAME), most(GONE));
        let is_same = |dx: i32, dy: i32| {
            let mut sum = 0;
            samples.iter().all(|&[x, y, light]| {
                sum += (value(other, x + dx, y + dy) - light).abs();
                sum <= same
            })
        };
        let is_gone = |dx: i32, dy: i32| {
            let differences = samples.iter().map(|&[x, y, _]| {
                let then = value(other, x + dx, y + dy) + offset;
                (value(now, x + dx - way[0], y + dy - way[1]) - then).abs()
            });
            differences.sum::<i32>() > other_thing
        };
        let mut ways = (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dx, dy)));
        ways.any(|(dx, dy)| is_same(dx, dy) && is_gone(dx, dy))
    }
}

/// A frame beside another one, with what is damaged in it.
#[derive(Clone, Copy)]
struct Pair<'a> {
    now: &'a Plane,
    shows: &'a Plane,
    marks: &'a Plane,
    offset: i32,
}

impl Pair<'_> {
    /// The way of `block` = (column, row) by what of it and around it is not damaged.
    fn best_way(self, block: (usize, usize), motion: &Motion) -> Vector {
        let (column, row) = block;
        let mut best = (motion.at(column, row), f32::MAX);
        let try_way = |way: Vector, best: &mut (Vector, f32)| {
            if let Some(cost) = self.cost(block, way)
                && cost < best.1
            {
                *best = (way, cost);
            }
        };
        let own = motion.at(column, row);
        try_way(own, &mut best);
        let others = [
            motion.at(column.saturating_sub(1), row),
            motion.at(column + 1, row),
            motion.at(column, row.saturating_sub(1)),
            motion.at(column, row + 1),
        ];
        for (index, way) in others.into_iter().enumerate() {
            if way != own && !others[..index].contains(&way) {
                try_way(way, &mut best);
            }
        }
        for _ in 0..2 {
            let [x, y] = best.0;
            for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
                try_way([x + dx, y + dy], &mut best);
            }
        }
        best.0
    }

    /// The mean difference of what is not damaged; nothing where all is.
    fn cost(self, block: (usize, usize), way: Vector) -> Option<f32> {
        const RIM: usize = 6;
        let (width, height) = self.now.size;
        let (left, top) = (block.0 * BLOCK, block.1 * BLOCK);
        let clamp =
            |at: usize, by: i32, most: usize| (at as i32 + by).clamp(0, most as i32 - 1) as usize;
        let (mut sum, mut count) = (0, 0);
        for y in top.saturating_sub(RIM)..(top + BLOCK + RIM).min(height) {
            let v = clamp(y, way[1], height);
            for x in left.saturating_sub(RIM)..(left + BLOCK + RIM).min(width) {
                if self.marks.at(x, y) == 0 {
                    let shown = i32::from(self.shows.at(clamp(x, way[0], width), v));
                    sum += (i32::from(self.now.at(x, y)) - shown - self.offset).abs();
                    count += 1;
                }
            }
        }
        (count > 0).then(|| sum as f32 / count as f32)
    }
}
