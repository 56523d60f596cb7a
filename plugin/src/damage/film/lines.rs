//! Thin upright lines in a frame.
//!
//! They are looked for in means of bands of rows, in which grain and texture fade and an upright line
//! does not, and followed from band to band down the frame. What is to the left of a line is like what
//! is to the right of it, and the line differs from both: the edge of a door is none.

use super::plane::Plane;

/// Rows of a band.
pub const BAND: usize = 16;
/// Pixels from a line's middle within which it lies.
pub const HALF: usize = 2;
/// And pixels beside them that tell what it covers.
const BESIDE: usize = 3;
/// The least height of a line above what is beside it, in 255ths.
const LEAST: f32 = 2.5;
/// And for each of the heights that half of the ridges of its band have anyway.
const BY_TEXTURE: f32 = 4.0;
/// Parts of a line that is seen elsewhere are this share of it at least.
const FAINT: f32 = 0.5;
/// By how much the two sides may differ, as a share of the line's height.
const UNLIKE: f32 = 1.0;
/// What lies beside a line's middle belongs to it down to this share of its height.
const SLOPE: f32 = 0.25;
/// The share of the bands that a line must be seen in, and how many at least, one under the other:
/// letters that stand above each other are none.
const LENGTH: f32 = 0.25;
const LEAST_BANDS: usize = 4;
/// What a band counts in which it is not.
const MISSED: f32 = -0.5;
/// What going aside costs.
const ASIDE: f32 = 0.25;
/// Most lines in a frame that are brighter than what is beside them, and as many that are darker.
const MOST: usize = 24;
/// Columns between two lines that touch each other, at most.
const TOUCHING: i32 = 1;
/// Says that nothing of the line is above.
const BEGINS: i8 = i8::MIN;

/// What a band shows of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// The column of its middle, and the columns that it covers.
    pub middle: usize,
    pub columns: (usize, usize),
    /// How far it is above what is beside it, in 255ths.
    pub height: f32,
    /// Whether it would be seen alone.
    pub is_clear: bool,
}

/// A line from band to band.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Band by band; nothing where it is not seen.
    pub parts: Vec<Option<Part>>,
    /// Whether it is brighter than what is beside it.
    pub is_bright: bool,
}

impl Line {
    /// Its clear parts, with the numbers of their bands.
    pub fn clear(&self) -> impl Iterator<Item = (usize, Part)> {
        let parts = self.parts.iter().enumerate();
        parts.filter_map(|(band, part)| Some((band, (*part)?)).filter(|(_, part)| part.is_clear))
    }

    /// The most bands, one under the other, in which it is seen.
    fn longest_run(&self) -> usize {
        let runs = self.parts.split(|part| part.is_none());
        runs.map(<[_]>::len).max().unwrap_or(0)
    }

    /// The column that half of its clear parts lie to the left of.
    pub fn middle(&self) -> i32 {
        let mut columns: Vec<usize> = self.clear().map(|(_, part)| part.middle).collect();
        let middle = columns.len() / 2;
        match columns.is_empty() {
            true => 0,
            false => *columns.select_nth_unstable(middle).1 as i32,
        }
    }

    /// Whether it is beside `other`, of which one is bright and the other one dark, in most of its bands.
    fn touches(&self, other: &Self) -> bool {
        if self.is_bright == other.is_bright {
            return false;
        }
        let both = self.parts.iter().zip(&other.parts);
        let touching = both.filter(|(own, other)| match (own, other) {
            (Some(own), Some(other)) => {
                let gap = own.columns.0.max(other.columns.0) as i32
                    - own.columns.1.min(other.columns.1) as i32;
                gap <= TOUCHING
            }
            _ => false,
        });
        2 * touching.count() > self.parts.iter().flatten().count()
    }

    /// Pixels that it covers.
    pub fn area(&self) -> usize {
        let parts = self.parts.iter().flatten();
        let widths = parts.map(|part| part.columns.1 - part.columns.0);
        BAND * widths.sum::<usize>()
    }
}

/// How far the mean in column `x` is above both its sides, or below if it is not `is_bright`; less than
/// zero where the sides are unlike. `x` is `HALF + BESIDE` away from either border at least.
pub fn height_of(means: &[f32], x: usize, is_bright: bool) -> f32 {
    let sign = if is_bright { 1.0 } else { -1.0 };
    let mean = |from: usize| sign * means[from..from + BESIDE].iter().sum::<f32>() / BESIDE as f32;
    let (left, right) = (mean(x - HALF - BESIDE), mean(x + HALF + 1));
    let height = sign * means[x] - left.max(right);
    match height > 0.0 && (left - right).abs() > UNLIKE * height {
        true => -height,
        false => height,
    }
}

/// The columns of `width` of which the height can be told.
pub fn columns(width: usize) -> std::ops::Range<usize> {
    HALF + BESIDE..width.saturating_sub(HALF + BESIDE)
}

/// Puts the means of the columns `xs` in `rows` of `plane` into `means`.
pub fn average(
    plane: &Plane,
    xs: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
    means: &mut Vec<f32>,
) {
    let start = means.len();
    means.resize(start + xs.len(), 0.0);
    let means = &mut means[start..];
    let count = rows.len() as f32;
    for y in rows {
        for (mean, value) in means.iter_mut().zip(&plane.row(y)[xs.clone()]) {
            *mean += f32::from(*value);
        }
    }
    means.iter_mut().for_each(|mean| *mean /= count);
}

/// Finds lines. Made once and reused.
#[derive(Debug, Default)]
pub struct Lines {
    /// The means of each band's columns.
    means: Vec<f32>,
    /// How far above what is beside it each of them is, and the same as a share of what is needed.
    heights: Vec<f32>,
    ridges: Vec<f32>,
    /// Of the best line that ends in each place, and from where it has come.
    sums: Vec<f32>,
    steps: Vec<i8>,
    ends: Vec<usize>,
    sizes: Vec<f32>,
}

impl Lines {
    /// Finds the lines of `now`.
    pub fn find(&mut self, now: &Plane) -> Vec<Line> {
        let (width, height) = now.size;
        self.means.clear();
        for top in (0..height / BAND * BAND).step_by(BAND) {
            average(now, 0..width, top..top + BAND, &mut self.means);
        }
        let mut found = Vec::new();
        for is_bright in [true, false] {
            self.rise(width, is_bright);
            self.descend(width);
            self.gather(width, is_bright, &mut found);
        }
        // What is left between a line and the edge of a thing beside it looks like one as well.
        let is_rest = |line: &Line| {
            let mut others = found.iter();
            others.any(|other| line.touches(other) && line.area() > other.area())
        };
        let are_rests: Vec<bool> = found.iter().map(is_rest).collect();
        let mut are_rests = are_rests.into_iter();
        found.retain(|_| are_rests.next() == Some(false));
        found
    }

    /// Tells how far each mean is above what is beside it, or below.
    fn rise(&mut self, width: usize, is_bright: bool) {
        self.heights.clear();
        self.ridges.clear();
        for means in self.means.chunks_exact(width) {
            let start = self.heights.len();
            self.heights.resize(start + width, 0.0);
            let heights = &mut self.heights[start..];
            self.sizes.clear();
            for x in columns(width) {
                heights[x] = height_of(means, x, is_bright);
                self.sizes.push(heights[x].abs());
            }
            let middle = self.sizes.len() / 2;
            let usual = match self.sizes.is_empty() {
                true => 0.0,
                false => {
                    *(self.sizes)
                        .select_nth_unstable_by(middle, f32::total_cmp)
                        .1
                }
            };
            let needed = LEAST.max(BY_TEXTURE * usual);
            self.ridges
                .extend(heights.iter().map(|height| height / needed));
        }
    }

    /// Adds up the best lines from above down to each place.
    fn descend(&mut self, width: usize) {
        self.sums.clear();
        self.steps.clear();
        for (band, ridges) in self.ridges.chunks_exact(width).enumerate() {
            for (x, ridge) in ridges.iter().enumerate() {
                let own = if *ridge >= 1.0 {
                    ridge.min(2.0)
                } else {
                    MISSED
                };
                let mut best = (BEGINS, 0.0);
                if band > 0 {
                    let above = &self.sums[(band - 1) * width..][..width];
                    for (step, costs) in [(0i8, 0.0), (-1, ASIDE), (1, ASIDE)] {
                        let from = x.checked_add_signed(step.into());
                        if let Some(sum) = from.and_then(|from| above.get(from))
                            && sum - costs > best.1
                        {
                            best = (step, sum - costs);
                        }
                    }
                }
                self.sums.push(own + best.1);
                self.steps.push(best.0);
            }
        }
    }

    /// Adds the best lines to `found`.
    fn gather(&mut self, width: usize, is_bright: bool, found: &mut Vec<Line>) {
        let bands = self.means.len() / width;
        let least = ((LENGTH * bands as f32).ceil() as usize).max(LEAST_BANDS);
        let places = 0..self.sums.len();
        self.ends.clear();
        (self.ends)
            .extend(places.filter(|at| self.ridges[*at] >= 1.0 && self.sums[*at] >= least as f32));
        (self.ends).sort_unstable_by(|a, b| self.sums[*b].total_cmp(&self.sums[*a]));
        let first = found.len();
        for end in &self.ends {
            let others = &found[first..];
            let is_near = |band: usize, x: usize| {
                let mut parts = others.iter().filter_map(|line| line.parts[band]);
                parts.any(|part| part.middle.abs_diff(x) <= 2 * HALF)
            };
            if is_near(end / width, end % width) {
                continue;
            }
            let mut parts = vec![None; bands];
            let mut at = Some(*end);
            let mut is_new = true;
            while let Some(place) = at {
                let (band, x) = (place / width, place % width);
                is_new &= !is_near(band, x);
                parts[band] = self.part(width, band, x, is_bright);
                at = match self.steps[place] {
                    BEGINS => None,
                    step => (place - width).checked_add_signed(step.into()),
                };
            }
            let line = Line { parts, is_bright };
            if is_new && line.clear().count() >= least && line.longest_run() >= LEAST_BANDS {
                found.push(line);
                if found.len() - first == MOST {
                    break;
                }
            }
        }
    }

    /// What is seen of a line in column `x` of `band`.
    fn part(&self, width: usize, band: usize, x: usize, is_bright: bool) -> Option<Part> {
        let at = band * width + x;
        let (ridge, height) = (self.ridges[at], self.heights[at]);
        if ridge < FAINT {
            return None;
        }
        let means = &self.means[band * width..][..width];
        let level = match is_bright {
            true => means[x] - (1.0 - SLOPE) * height,
            false => means[x] + (1.0 - SLOPE) * height,
        };
        let is_of_it = |x: &usize| match is_bright {
            true => means[*x] > level,
            false => means[*x] < level,
        };
        // What was followed may be any of its columns.
        let left = (x - 2 * HALF..x).rev().take_while(is_of_it).count();
        let right = (x + 1..=x + 2 * HALF).take_while(is_of_it).count();
        let (first, end) = (x - left, x + right + 1);
        Some(Part {
            middle: (first + end) / 2,
            columns: (first, end),
            height,
            is_clear: ridge >= 1.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (200, 160);

    /// A picture of unsteady grey in which `add` is added to each pixel `(x, y)`.
    fn picture(add: impl Fn(usize, usize) -> i32) -> Plane {
        let mut plane = Plane::default();
        plane.clear(SIZE);
        for y in 0..SIZE.1 {
            for x in 0..SIZE.0 {
                let grain = ((x * 7919 + y * 104_729) % 13) as i32 - 6;
                plane.row_mut(y)[x] = (110 + grain + add(x, y)).clamp(0, 255) as u8;
            }
        }
        plane
    }

    #[test]
    fn lines_are_found_by_their_length_and_in_their_width() {
        for width in 1..=5 {
            for add in [-25, 25] {
                // It goes aside by a pixel, and is as long as half of the picture.
                let column = |y: usize| 90 + y / 100;
                let plane = picture(|x, y| match (40..130).contains(&y) {
                    true if (column(y)..column(y) + width).contains(&x) => add,
                    _ => 0,
                });
                let found = Lines::default().find(&plane);
                let [line] = &found[..] else {
                    panic!("{width} {add}: {found:?}");
                };
                assert_eq!(line.is_bright, add > 0);
                assert!((5..=7).contains(&line.clear().count()), "{line:?}");
                for (band, part) in line.clear() {
                    assert!((2..=8).contains(&band), "{part:?}");
                    let (first, end) = part.columns;
                    assert!(
                        first.abs_diff(90) <= 1 && end.abs_diff(90 + width) <= 1,
                        "{part:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_left_between_a_line_and_an_edge_is_none() {
        let plane = picture(|x, _| match x {
            80..82 | 89.. => -80,
            _ => 0,
        });
        let found = Lines::default().find(&plane);
        let [line] = &found[..] else {
            panic!("{found:?}");
        };
        assert!(
            !line.is_bright && line.middle().abs_diff(81) <= 1,
            "{line:?}"
        );
    }

    #[test]
    fn edges_and_bars_and_short_strokes_are_no_lines() {
        let edge = picture(|x, _| if x < 90 { 0 } else { 60 });
        let lit_edge = picture(|x, _| [0, 70, 60][usize::from(x >= 90) + usize::from(x >= 92)]);
        let bar = picture(|x, _| if (90..104).contains(&x) { 60 } else { 0 });
        let text = picture(|x, y| {
            let is_stroke = x % 17 < 3 && (y % 40) < 28 && (x / 17 + y / 40) % 2 == 0;
            if is_stroke { 100 } else { 0 }
        });
        for (name, plane) in [
            ("edge", edge),
            ("lit edge", lit_edge),
            ("bar", bar),
            ("text", text),
        ] {
            let found = Lines::default().find(&plane);
            assert!(found.is_empty(), "{name}: {found:?}");
        }
    }
}
