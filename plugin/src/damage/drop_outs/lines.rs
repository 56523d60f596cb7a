//! Lines that a tape's drop-outs leave: of one colour or of noise, across the picture.

use std::ops::Range;

use mde_core::occlusion::Rect;

use super::sheet::Sheet;
use super::slide::{down, join, up};
use super::{DropOut, Kind};
use crate::damage::confidence;
use crate::parts::{Part, Parts};

/// How much a line differs from the rows around it.
const UNLIKE_ROWS: u8 = 18;
/// How much it lies beyond what is known.
const UNLIKE_BEFORE: u8 = 9;
/// A drop-out is high at most this share of the frame.
const HIGHEST: usize = 100;
/// And long at least this one.
const SHORTEST: usize = 24;
/// Least values of a line.
const LEAST_VALUES: usize = 8;
/// The share of a line that differs from what is around it. Noise looks like a picture now and then.
const DENSE: f32 = 0.5;
/// The share of its bounds that a line has.
const STRAIGHT: f32 = 0.4;
/// The share of a row that is known, where the picture goes on beside a line.
const SAME: f32 = 0.6;
/// How far to the left and right things may have moved that were there before, in values.
const ASIDE: usize = 2;

/// Finds lines. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The picture without thin bright things, and without thin dark ones.
    opened: Vec<u8>,
    closed: Vec<u8>,
    /// The least and the greatest that was around the values of a row before.
    least: Vec<u8>,
    greatest: Vec<u8>,
    hits: Vec<bool>,
    marks: Vec<bool>,
    parts: Parts,
}

impl Lines {
    /// Finds the lines of `now` that none of `known`, which are as large, has shown: the frame before,
    /// and what there was before that. In pixels of the frame.
    pub fn find(&mut self, now: &Sheet, known: [&Sheet; 2]) -> impl Iterator<Item = DropOut> {
        let (width, height) = now.size;
        let highest = (height / HIGHEST).max(2) + 3;
        let shortest = (width / SHORTEST).max(LEAST_VALUES);
        self.parts.clear();
        if height > 2 * highest && width > shortest {
            self.flatten(now, highest);
            for y in 0..height {
                if self.hit(now, known, y, highest, shortest) {
                    self.mark(shortest);
                    self.parts.add_row(y, 0, self.marks.iter().copied());
                }
            }
        }
        let Self {
            opened,
            closed,
            parts,
            ..
        } = self;
        let is_line = move |part: &&Part| {
            let bounds = part.bounds;
            bounds.height() <= highest
                && bounds.width() >= shortest
                && part.area as f32 >= STRAIGHT * bounds.area() as f32
                && is_alone(now, known[0], bounds, highest)
        };
        let lines = parts.finish().iter().filter(is_line);
        lines.map(move |part| {
            let Rect { x0, y0, x1, y1 } = part.bounds;
            DropOut {
                area: Rect::new(x0 * now.step, y0, x1 * now.step, y1),
                kind: Kind::Line,
                confidence: confidence(
                    contrast(now, opened, closed, part.bounds),
                    UNLIKE_ROWS.into(),
                ),
            }
        })
    }

    /// Takes out of the picture what is less than `highest` rows high.
    fn flatten(&mut self, now: &Sheet, highest: usize) {
        let width = now.size.0;
        self.opened.clone_from(&now.values);
        down(&mut self.opened, width, highest, u8::min);
        up(&mut self.opened, width, highest, u8::max);
        self.closed.clone_from(&now.values);
        down(&mut self.closed, width, highest, u8::max);
        up(&mut self.closed, width, highest, u8::min);
    }

    /// Finds the values of row `y` that neither the rows around nor any of `known` explain. Tells
    /// whether there are enough of them for a line.
    fn hit(
        &mut self,
        now: &Sheet,
        known: [&Sheet; 2],
        y: usize,
        highest: usize,
        shortest: usize,
    ) -> bool {
        let (width, height) = now.size;
        let places = y * width..(y + 1) * width;
        let around = self.opened[places.clone()].iter().zip(&self.closed[places]);
        let values = now.row(y).iter().zip(around);
        self.hits.clear();
        self.hits.extend(values.map(|(value, (opened, closed))| {
            value.saturating_sub(*opened) > UNLIKE_ROWS
                || closed.saturating_sub(*value) > UNLIKE_ROWS
        }));
        let least = (DENSE * shortest as f32) as usize;
        let is_enough = |hits: &[bool]| hits.iter().filter(|hit| **hit).count() >= least;
        if !is_enough(&self.hits) {
            return false;
        }
        let rows = y.saturating_sub(highest / 2)..(y + highest / 2 + 1).min(height);
        known.into_iter().all(|known| {
            spread(known, rows.clone(), &mut self.least, u8::min);
            spread(known, rows.clone(), &mut self.greatest, u8::max);
            let bounds = self.least.iter().zip(&self.greatest);
            let values = now.row(y).iter().zip(bounds);
            for (hit, (value, (least, greatest))) in self.hits.iter_mut().zip(values) {
                let beyond = value
                    .saturating_sub(*greatest)
                    .max(least.saturating_sub(*value));
                *hit &= beyond > UNLIKE_BEFORE;
            }
            is_enough(&self.hits)
        })
    }

    /// Marks the parts of a row where hits lie close to each other.
    fn mark(&mut self, shortest: usize) {
        let Self { hits, marks, .. } = self;
        let width = hits.len();
        marks.clear();
        marks.resize(width, false);
        let least = DENSE * shortest as f32;
        let mut count = 0;
        let mut marked = 0;
        for x in 0..width {
            count += usize::from(hits[x]);
            if x >= shortest {
                count -= usize::from(hits[x - shortest]);
            }
            if count as f32 >= least && x + 1 >= shortest {
                marks[marked.max(x + 1 - shortest)..=x].fill(true);
                marked = x + 1;
            }
        }
        for (x, mark) in marks.iter_mut().enumerate() {
            let near = x.saturating_sub(ASIDE)..(x + ASIDE + 1).min(width);
            *mark &= hits[near].contains(&true);
        }
    }
}

/// Whether the picture goes on from the one `before` beside the line in `area`: whether above it and
/// below there is a row at most `highest` off that mostly does. Where a thing has gone, there is none.
fn is_alone(now: &Sheet, before: &Sheet, area: Rect, highest: usize) -> bool {
    let goes_on = |y: usize| share_of(now, before, area.x0..area.x1, y, highest) >= SAME;
    let above = area.y0.saturating_sub(highest)..area.y0;
    let below = area.y1..(area.y1 + highest).min(now.size.1);
    [above, below]
        .into_iter()
        .all(|mut rows| rows.is_empty() || rows.any(goes_on))
}

/// The share of `columns` of row `y` of `now` that shows what there was `before` up to half of
/// `highest` rows off.
fn share_of(now: &Sheet, before: &Sheet, columns: Range<usize>, y: usize, highest: usize) -> f32 {
    let (width, height) = before.size;
    let rows = y.saturating_sub(highest / 2)..(y + highest / 2 + 1).min(height);
    let goes_on = |x: &usize| {
        let near = x.saturating_sub(ASIDE)..(x + ASIDE + 1).min(width);
        let value = now.values[y * width + x];
        let values = rows.clone().flat_map(|y| &before.row(y)[near.clone()]);
        let (least, greatest) = values.fold((u8::MAX, 0), |(least, greatest), value| {
            (least.min(*value), greatest.max(*value))
        });
        value
            .saturating_sub(greatest)
            .max(least.saturating_sub(value))
            <= UNLIKE_BEFORE
    };
    let count = columns.len();
    columns.filter(goes_on).count() as f32 / count as f32
}

/// How far the values of `now` in `area` lie beyond what is around them, on average: the picture
/// without thin bright things, `opened`, and without thin dark ones, `closed`.
fn contrast(now: &Sheet, opened: &[u8], closed: &[u8], area: Rect) -> f32 {
    let row = |y: usize| y * now.size.0 + area.x0..y * now.size.0 + area.x1;
    let places = (area.y0..area.y1).flat_map(row);
    let beyond = places.map(|i| {
        let value = now.values[i];
        let beyond = value.saturating_sub(opened[i]);
        f32::from(beyond.max(closed[i].saturating_sub(value)))
    });
    beyond.sum::<f32>() / area.area() as f32
}

/// Puts into `values` what `pick` makes of the values of `rows` and of those beside them.
fn spread(
    sheet: &Sheet,
    rows: Range<usize>,
    values: &mut Vec<u8>,
    pick: impl Fn(u8, u8) -> u8 + Copy,
) {
    values.clear();
    values.extend_from_slice(sheet.row(rows.start));
    for y in rows.skip(1) {
        join(values, sheet.row(y), pick);
    }
    // A row beside each other as rows of one value.
    down(values, 1, 2 * ASIDE + 1, pick);
    let aside = ASIDE.min(values.len());
    values.rotate_right(aside);
    let first = values.get(ASIDE).copied().unwrap_or_default();
    values
        .iter_mut()
        .take(ASIDE)
        .for_each(|value| *value = first);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (120, 90);

    /// A slope of light with boxes on it, with `value` in the rectangle `area`.
    fn sheet(area: Rect, value: impl Fn(usize, usize) -> u8) -> Sheet {
        let picture = |x: usize, y: usize| {
            let is_box = (x / 20 + y / 15).is_multiple_of(2);
            40 + (x / 2) as u8 + if is_box { 60 } else { 0 }
        };
        let pixels = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
        let values = pixels.map(|(x, y)| match area.contains(x, y) {
            true => value(x, y),
            false => picture(x, y),
        });
        Sheet {
            size: SIZE,
            step: 2,
            values: values.collect(),
        }
    }

    fn found(now: &Sheet, before: &Sheet) -> Vec<Rect> {
        let mut lines = Lines::default();
        let found = lines.find(now, [before; 2]);
        let area = |line: DropOut| {
            assert_eq!(line.kind, Kind::Line);
            assert!((0.5..1.0).contains(&line.confidence), "{line:?}");
            line.area
        };
        found.map(area).collect()
    }

    #[test]
    fn lines_of_one_colour_and_of_noise_are_found_in_the_frame_that_has_them() {
        let line = Rect::new(30, 40, 80, 42);
        let sound = sheet(Rect::new(0, 0, 0, 0), |_, _| 0);
        let noise = |x: usize, y: usize| (x * 7919 + y * 104_729 + x * x * 31) as u8;
        for damaged in [
            sheet(line, |_, _| 255),
            sheet(line, |_, _| 0),
            sheet(line, noise),
        ] {
            let lines = found(&damaged, &sound);
            let [Rect { x0, y0, x1, y1 }] = lines[..] else {
                panic!("{lines:?}");
            };
            assert_eq!((y0, y1), (40, 42));
            assert!(
                (54..=66).contains(&x0) && (154..=166).contains(&x1),
                "{x0} to {x1}"
            );
            assert!(found(&damaged, &damaged).is_empty(), "it was there before");
            assert!(found(&sound, &sound).is_empty());
        }
    }

    #[test]
    fn what_is_high_or_short_is_a_thing() {
        let sound = sheet(Rect::new(0, 0, 0, 0), |_, _| 0);
        for thing in [Rect::new(30, 40, 80, 60), Rect::new(30, 40, 33, 42)] {
            assert!(found(&sheet(thing, |_, _| 255), &sound).is_empty());
        }
    }
}
