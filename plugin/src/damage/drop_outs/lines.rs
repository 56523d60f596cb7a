//! Lines that a tape's drop-outs leave: of one colour or of noise, across the picture.

use mde_core::occlusion::Rect;

use super::sheet::Sheet;
use super::slide::{down, join, up};
use crate::parts::{Part, Parts};

/// How much a line differs from the rows around it.
const UNLIKE_ROWS: u8 = 18;
/// How much it lies beyond what was there before.
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
    /// Finds the lines of `now` that were not there `before`, in pixels of the frame.
    pub fn find(&mut self, now: &Sheet, before: &Sheet) -> impl Iterator<Item = Rect> {
        let (width, height) = now.size;
        let highest = (height / HIGHEST).max(2) + 3;
        let shortest = (width / SHORTEST).max(LEAST_VALUES);
        self.parts.clear();
        if height > 2 * highest && width > shortest {
            self.flatten(now, highest);
            for y in 0..height {
                if self.hit(now, before, y, highest, shortest) {
                    self.mark(shortest);
                    self.parts.add_row(y, 0, self.marks.iter().copied());
                }
            }
        }
        let step = now.step;
        let is_line = move |part: &&Part| {
            let bounds = part.bounds;
            bounds.height() <= highest
                && bounds.width() >= shortest
                && part.area as f32 >= STRAIGHT * bounds.area() as f32
        };
        let lines = self.parts.finish().iter().filter(is_line);
        lines.map(move |part| {
            let Rect { x0, y0, x1, y1 } = part.bounds;
            Rect::new(x0 * step, y0, x1 * step, y1)
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

    /// Finds the values of row `y` that neither the rows around nor the frame before explain. Tells
    /// whether there are enough of them for a line.
    fn hit(
        &mut self,
        now: &Sheet,
        before: &Sheet,
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
        spread(before, rows.clone(), &mut self.least, u8::min);
        spread(before, rows, &mut self.greatest, u8::max);
        let bounds = self.least.iter().zip(&self.greatest);
        let values = now.row(y).iter().zip(bounds);
        for (hit, (value, (least, greatest))) in self.hits.iter_mut().zip(values) {
            let beyond = value
                .saturating_sub(*greatest)
                .max(least.saturating_sub(*value));
            *hit &= beyond > UNLIKE_BEFORE;
        }
        is_enough(&self.hits)
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

/// Puts into `values` what `pick` makes of the values of `rows` and of those beside them.
fn spread(
    sheet: &Sheet,
    rows: std::ops::Range<usize>,
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
        Lines::default().find(now, before).collect()
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
