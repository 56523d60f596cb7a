//! The connected parts of what is damaged.

use std::ops::Range;

use mde_core::occlusion::Rect;

/// Damaged pixels side by side in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    y: usize,
    x0: usize,
    x1: usize,
    /// Another run of the same part, or this one.
    parent: usize,
}

/// Pixels that touch each other, also by their corners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The smallest rectangle around them.
    pub bounds: Rect,
    /// How many there are.
    pub area: usize,
    /// How many sides of pixels lie on the border of the part.
    pub perimeter: usize,
}

impl Part {
    /// How wide the part is in the mean, if it were a bent line.
    pub fn width(&self) -> f64 {
        2.0 * self.area as f64 / self.perimeter as f64
    }
}

/// Finds connected parts, row by row. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    runs: Vec<Run>,
    /// The runs of the row above the last one, and those of the last one.
    above: Range<usize>,
    last: Range<usize>,
    /// The part of each run, once all are found.
    of_run: Vec<usize>,
    parts: Vec<Part>,
}

impl Parts {
    /// Forgets what was found.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.parts.clear();
        self.of_run.clear();
        self.above = 0..0;
        self.last = 0..0;
    }

    /// Adds row `y`, which lies below all that have been added, of pixels from column `first` on.
    /// Rows without damage may be left out.
    pub fn add_row(&mut self, y: usize, first: usize, is_damaged: impl Iterator<Item = bool>) {
        let begin = self.runs.len();
        let is_next = (self.runs.last()).is_some_and(|run| run.y + 1 == y);
        self.above = if is_next { self.last.clone() } else { 0..0 };
        let mut open = None;
        let end = [false];
        for (x, is_damaged) in (first..).zip(is_damaged.chain(end)) {
            match (open, is_damaged) {
                (None, true) => open = Some(x),
                (Some(x0), false) => {
                    let parent = self.runs.len();
                    let run = Run {
                        y,
                        x0,
                        x1: x,
                        parent,
                    };
                    self.runs.push(run);
                    open = None;
                }
                _ => (),
            }
        }
        self.last = begin..self.runs.len();
        self.join();
    }

    /// Joins the last row's runs to those above that they touch.
    fn join(&mut self) {
        let mut upper = self.above.start;
        for lower in self.last.clone() {
            let Run { x0, x1, .. } = self.runs[lower];
            while upper < self.above.end && self.runs[upper].x1 < x0 {
                upper += 1;
            }
            let mut touching = upper;
            while touching < self.above.end && self.runs[touching].x0 <= x1 {
                let (a, b) = (self.root(touching), self.root(lower));
                self.runs[a.max(b)].parent = a.min(b);
                touching += 1;
            }
        }
    }

    /// The first run of the part of `run`.
    fn root(&mut self, mut run: usize) -> usize {
        while self.runs[run].parent != run {
            let parent = self.runs[run].parent;
            self.runs[run].parent = self.runs[parent].parent;
            run = parent;
        }
        run
    }

    /// Ends the search: the parts that were found.
    pub fn finish(&mut self) -> &[Part] {
        self.parts.clear();
        self.of_run.clear();
        for index in 0..self.runs.len() {
            let Run { y, x0, x1, .. } = self.runs[index];
            let root = self.root(index);
            let part = match root == index {
                true => {
                    self.parts.push(Part {
                        bounds: Rect::new(x0, y, x1, y + 1),
                        area: 0,
                        perimeter: 0,
                    });
                    self.parts.len() - 1
                }
                // The first run of a part comes before all others of it.
                false => self.of_run[root],
            };
            self.of_run.push(part);
            let part = &mut self.parts[part];
            part.bounds.x0 = part.bounds.x0.min(x0);
            part.bounds.x1 = part.bounds.x1.max(x1);
            part.bounds.y1 = y + 1;
            part.area += x1 - x0;
            // Less those above and below that a neighbour covers.
            part.perimeter += 2 + 2 * (x1 - x0);
        }
        self.take_shared_sides();
        &self.parts
    }

    fn take_shared_sides(&mut self) {
        let mut above = 0;
        for lower in 0..self.runs.len() {
            let Run { y, x0, x1, .. } = self.runs[lower];
            let is_before = |run: &Run| run.y + 1 < y || (run.y + 1 == y && run.x1 <= x0);
            while is_before(&self.runs[above]) {
                above += 1;
            }
            let beside = self.runs[above..].iter();
            let shared: usize = beside
                .take_while(|run| run.y + 1 == y && run.x0 < x1)
                .map(|run| run.x1.min(x1) - run.x0.max(x0))
                .sum();
            self.parts[self.of_run[lower]].perimeter -= 2 * shared;
        }
    }

    /// The parts, after [`Self::finish`].
    pub fn found(&self) -> &[Part] {
        &self.parts
    }

    /// How many pixels of each part lie in `area`, after [`Self::finish`].
    pub fn areas_in(&self, area: Rect, areas: &mut Vec<usize>) {
        areas.clear();
        areas.resize(self.parts.len(), 0);
        for (run, part) in self.runs.iter().zip(&self.of_run) {
            if (area.y0..area.y1).contains(&run.y) {
                let (x0, x1) = (run.x0.max(area.x0), run.x1.min(area.x1));
                areas[*part] += x1.saturating_sub(x0);
            }
        }
    }

    /// The pixels of the parts that `is_taken`, as row and columns, after [`Self::finish`].
    pub fn pixels<'a>(
        &'a self,
        is_taken: impl Fn(usize) -> bool + 'a,
    ) -> impl Iterator<Item = (usize, Range<usize>)> + 'a {
        self.runs()
            .filter(move |(part, ..)| is_taken(*part))
            .map(|(_, y, xs)| (y, xs))
    }

    /// All pixels, as the part, row and columns, after [`Self::finish`].
    pub fn runs(&self) -> impl Iterator<Item = (usize, usize, Range<usize>)> {
        let runs = self.runs.iter().zip(&self.of_run);
        runs.map(|(run, part)| (*part, run.y, run.x0..run.x1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(rows: &[&str]) -> Vec<Part> {
        let mut parts = Parts::default();
        // What an earlier picture left does not matter.
        parts.add_row(3, 1, [true; 4].into_iter());
        parts.clear();
        for (y, row) in rows.iter().enumerate() {
            parts.add_row(y, 5, row.bytes().map(|pixel| pixel == b'#'));
        }
        parts.finish().to_vec()
    }

    #[test]
    fn pixels_that_touch_are_one_part() {
        let parts = found(&[
            "#..#...", //
            ".#.#..#", //
            "...#...", //
            "####...",
        ]);
        let [line, hook, dot] = parts[..] else {
            panic!("{parts:?}");
        };
        assert_eq!((line.bounds, line.area), (Rect::new(5, 0, 7, 2), 2));
        assert_eq!(line.perimeter, 8);
        assert_eq!((hook.bounds, hook.area), (Rect::new(5, 0, 9, 4), 7));
        assert_eq!(hook.perimeter, 16);
        assert_eq!((dot.bounds, dot.area), (Rect::new(11, 1, 12, 2), 1));
    }

    #[test]
    fn a_line_is_as_wide_as_it_is() {
        let rows = ["#".repeat(100), "#".repeat(100), "#".repeat(100)];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let width = found(&rows)[0].width();
        assert!((width - 3.0).abs() < 0.1, "{width}");
    }

    proptest! {
        /// Against a flood of the picture.
        #[test]
        fn parts_are_those_of_a_flood(
            width in 1..16usize,
            pixels in proptest::collection::vec(any::<bool>(), 1..200),
        ) {
            let height = pixels.len() / width;
            let at = |x: usize, y: usize| pixels[y * width + x];
            let mut parts = Parts::default();
            for y in 0..height {
                parts.add_row(y, 0, (0..width).map(|x| at(x, y)));
            }
            let found = parts.finish().to_vec();
            let mut seen = vec![false; width * height];
            let mut flooded = Vec::new();
            for start in 0..width * height {
                let mut stack = vec![start];
                let (mut area, mut perimeter) = (0, 0);
                while let Some(place) = stack.pop() {
                    let (x, y) = (place % width, place / width);
                    if !at(x, y) || std::mem::replace(&mut seen[place], true) {
                        continue;
                    }
                    area += 1;
                    for v in y.saturating_sub(1)..(y + 2).min(height) {
                        for u in x.saturating_sub(1)..(x + 2).min(width) {
                            stack.push(v * width + u);
                        }
                    }
                    let is_out = |u: usize, v: usize| u >= width || v >= height || !at(u, v);
                    for (u, v) in [
                        (x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1),
                    ] {
                        perimeter += usize::from(is_out(u, v));
                    }
                }
                if area > 0 {
                    flooded.push((area, perimeter));
                }
            }
            let mut found: Vec<_> = found.iter().map(|part| (part.area, part.perimeter)).collect();
            found.sort();
            flooded.sort();
            prop_assert_eq!(found, flooded);
        }
    }
}
