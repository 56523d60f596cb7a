//! Blocks that decoders leave where they have nothing to show: of one colour, or smeared.

use mde_core::occlusion::Rect;

use super::sheet::Sheet;
use super::{DropOut, Kind as DropOutKind};
use crate::damage::confidence;

/// Pixels along each side of the blocks that codecs work with.
const SIDE: usize = 16;
/// How much a block differs from what was there before, on average.
const UNLIKE: f32 = 10.0;
/// Its values differ from those beside them by no more than this, on average, to the right or down.
const PLAIN: f32 = 1.0;
/// Beside one that is lost, one of a single colour need not differ more than this.
const ALIKE: f32 = 1.0;
/// That is what noise is left of a single colour.
const FLAT: f32 = 0.3;
/// Where it has taken the place of a picture, those before differed by more: by less, where it has no
/// noise at all, as nothing has that a camera took.
const DETAILED: f32 = 2.5;
const NOISY: f32 = 0.5;
/// How far things move from frame to frame, in values of a sheet to the left and right.
const FAR: usize = 6;
/// How much they change in doing so, on average.
const MOVED: u32 = 3;
/// How much a patch of blocks stands out along its border, on average, more than before.
const SEAM: f32 = 6.0;
/// Fewest blocks of a patch.
const FEWEST: usize = 2;
/// Frames after which a patch is picture. By then, streams begin anew.
const LONGEST: u16 = 60;

/// Finds blocks. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    /// Blocks to the right and down.
    count: (usize, usize),
    kinds: Vec<Kind>,
    /// For how many frames each block has been found.
    ages: Vec<u16>,
    /// How sure it is that it is lost; nothing where it is not.
    found: Vec<Option<f32>>,
    patch: Vec<usize>,
}

/// What a block looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It may be picture.
    Sound,
    /// It is plain and was otherwise.
    Plain,
    /// And there was a picture before.
    Lost,
    /// It belongs to a patch.
    Taken,
}

impl Blocks {
    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.ages.clear();
    }

    /// Finds the blocks of `now` that have taken the place of what was there `before`, in pixels of the
    /// frame, whose size is `frame` = (width, height). Patches of them that are larger
    /// than the share `max_size` of the frame are picture.
    pub fn find(
        &mut self,
        now: &Sheet,
        before: &Sheet,
        frame: (usize, usize),
        max_size: f32,
    ) -> impl Iterator<Item = DropOut> {
        let columns = SIDE / now.step;
        self.count = (now.size.0 / columns, now.size.1 / SIDE);
        let all = self.count.0 * self.count.1;
        self.ages.resize(all, 0);
        self.found.clear();
        self.found.resize(all, None);
        self.kinds.clear();
        self.kinds
            .extend((0..all).map(|block| kind(now, before, place(block, self.count.0, columns))));
        let most = max_size * (frame.0 * frame.1) as f32 / (SIDE * SIDE) as f32;
        for block in 0..all {
            if self.kinds[block] != Kind::Lost {
                continue;
            }
            self.gather(block);
            let is_patch = (FEWEST..=most as usize).contains(&self.patch.len());
            if !is_patch {
                continue;
            }
            let seam = self.seam(now, before, columns);
            if seam >= SEAM {
                for block in &self.patch {
                    self.found[*block] = Some(confidence(seam, SEAM));
                }
            }
        }
        for (age, found) in self.ages.iter_mut().zip(&mut self.found) {
            *age = if found.is_some() {
                age.saturating_add(1)
            } else {
                0
            };
            found.take_if(|_| *age > LONGEST);
        }
        self.rects(frame)
    }

    /// Makes the patch all blocks that are connected with `first`.
    fn gather(&mut self, first: usize) {
        self.patch.clear();
        self.patch.push(first);
        self.kinds[first] = Kind::Taken;
        let mut next = 0;
        while let Some(block) = self.patch.get(next).copied() {
            next += 1;
            for beside in neighbours(block, self.count).into_iter().flatten() {
                if matches!(self.kinds[beside], Kind::Plain | Kind::Lost) {
                    self.kinds[beside] = Kind::Taken;
                    self.patch.push(beside);
                }
            }
        }
    }

    /// How much more the patch stands out along its border than what was there before, on average.
    fn seam(&self, now: &Sheet, before: &Sheet, columns: usize) -> f32 {
        let (mut sum, mut edges) = (0.0, 0);
        for block in &self.patch {
            let place = place(*block, self.count.0, columns);
            let sides = neighbours(*block, self.count);
            for (side, beside) in sides.into_iter().enumerate() {
                // Blocks side by side are of one patch.
                if beside.is_some_and(|beside| self.kinds[beside] != Kind::Taken) {
                    sum += (step(now, place, side) - step(before, place, side)).max(0.0);
                    edges += 1;
                }
            }
        }
        // Without an edge it is the whole frame.
        sum / edges.max(1) as f32
    }

    /// Rectangles around blocks side by side; those at the right and at the bottom reach to the edge
    /// of the `frame`.
    fn rects(&self, frame: (usize, usize)) -> impl Iterator<Item = DropOut> {
        let (across, down) = self.count;
        let rows = self.found.chunks_exact(across.max(1)).enumerate();
        rows.flat_map(move |(y, row)| {
            let mut x = 0;
            std::iter::from_fn(move || {
                x += row.get(x..)?.iter().position(Option::is_some)?;
                let (first, confidence) = (x, row[x]?);
                x += row[x..].iter().take_while(|found| found.is_some()).count();
                let end = |at: usize, count: usize, size: usize| match at == count {
                    true => size,
                    false => at * SIDE,
                };
                let (x1, y1) = (end(x, across, frame.0), end(y + 1, down, frame.1));
                Some(DropOut {
                    area: Rect::new(first * SIDE, y * SIDE, x1, y1),
                    kind: DropOutKind::Block,
                    confidence,
                })
            })
        })
    }
}

/// Where in a sheet a block is: the part of it that it takes.
fn place(block: usize, across: usize, columns: usize) -> Rect {
    let (x0, y0) = (block % across * columns, block / across * SIDE);
    Rect::new(x0, y0, x0 + columns, y0 + SIDE)
}

/// The blocks to the left and right of `block`, above and below it.
fn neighbours(block: usize, (across, down): (usize, usize)) -> [Option<usize>; 4] {
    let (x, y) = (block % across, block / across);
    [
        (x > 0).then(|| block - 1),
        (x + 1 < across).then_some(block + 1),
        (y > 0).then(|| block - across),
        (y + 1 < down).then_some(block + across),
    ]
}

fn kind(now: &Sheet, before: &Sheet, place: Rect) -> Kind {
    let unlike: u32 = (place.y0..place.y1)
        .map(|y| differ(part(now, place, y), part(before, place, y)))
        .sum();
    let unlike = unlike as f32 / place.area() as f32;
    let [across, down] = details(now, place);
    let is_smeared = unlike > UNLIKE && across.min(down) <= PLAIN;
    let is_flat = unlike > ALIKE && across.max(down) <= FLAT;
    let [across_before, down_before] = details(before, place);
    let enough = match is_blank(now, place) {
        true => NOISY,
        false => DETAILED,
    };
    let was_picture = across_before.min(down_before) > enough;
    match (is_smeared, is_flat) {
        (true, _) if was_picture && !has_moved(now, before, place) => Kind::Lost,
        (false, false) => Kind::Sound,
        _ => Kind::Plain,
    }
}

/// Whether all values in `place` are the same.
fn is_blank(sheet: &Sheet, place: Rect) -> bool {
    let first = part(sheet, place, place.y0)[0];
    (place.y0..place.y1).all(|y| part(sheet, place, y).iter().all(|value| *value == first))
}

/// Whether what is seen in `place` was nearby before.
fn has_moved(now: &Sheet, before: &Sheet, place: Rect) -> bool {
    let (width, height) = before.size;
    let columns = place.x0.saturating_sub(FAR)..=(place.x0 + FAR).min(width - place.width());
    let rows = place.y0.saturating_sub(2 * FAR)..=(place.y0 + 2 * FAR).min(height - SIDE);
    let most = MOVED * place.area() as u32;
    let is_there = |x: usize, y: usize| {
        let mut differs = 0;
        (0..SIDE).all(|row| {
            let then = &before.row(y + row)[x..x + place.width()];
            differs += differ(part(now, place, place.y0 + row), then);
            differs <= most
        })
    };
    rows.step_by(2)
        .any(|y| columns.clone().any(|x| is_there(x, y)))
}

fn part(sheet: &Sheet, place: Rect, y: usize) -> &[u8] {
    &sheet.row(y)[place.x0..place.x1]
}

/// The sum of the differences of `a` and `b`.
fn differ(a: &[u8], b: &[u8]) -> u32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| u32::from(a.abs_diff(*b)))
        .sum()
}

/// By how much values differ from those to the right, and from those below, on average.
fn details(sheet: &Sheet, place: Rect) -> [f32; 2] {
    let across: u32 = (place.y0..place.y1)
        .map(|y| part(sheet, place, y))
        .map(|row| differ(&row[1..], row))
        .sum();
    let down: u32 = (place.y0 + 1..place.y1)
        .map(|y| differ(part(sheet, place, y), part(sheet, place, y - 1)))
        .sum();
    [
        across as f32 / (place.height() * (place.width() - 1)) as f32,
        down as f32 / (place.width() * (place.height() - 1)) as f32,
    ]
}

/// By how much the values along a `side` of `place` differ from those beyond it, more than values do
/// there anyway, on average. The sides are in the order of [`neighbours`]; there is a block beyond.
fn step(sheet: &Sheet, place: Rect, side: usize) -> f32 {
    let at = |x: usize, y: usize| sheet.values[y * sheet.size.0 + x];
    let excess = |line: [u8; 4]| {
        let [a, b, c, d] = line;
        let around = a.abs_diff(b).max(c.abs_diff(d));
        u32::from(b.abs_diff(c).saturating_sub(around))
    };
    let Rect { x0, y0, x1, y1 } = place;
    let (sum, count): (u32, usize) = if side < 2 {
        let edge = if side == 0 { x0 } else { x1 };
        let line = |y| excess([edge - 2, edge - 1, edge, edge + 1].map(|x| at(x, y)));
        ((y0..y1).map(line).sum(), y1 - y0)
    } else {
        let edge = if side == 2 { y0 } else { y1 };
        let line = |x| excess([edge - 2, edge - 1, edge, edge + 1].map(|y| at(x, y)));
        ((x0..x1).map(line).sum(), x1 - x0)
    };
    sum as f32 / count as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: (usize, usize) = (168, 100);

    /// Waves of light, with `value` in the rectangle `area` of the frame.
    fn sheet(area: Rect, value: impl Fn(usize, usize) -> u8) -> Sheet {
        let (width, height) = (FRAME.0 / 2, FRAME.1);
        let picture = |x: usize, y: usize| (60 + (x * 11 + y * 5) % 90) as u8;
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let values = pixels.map(|(x, y)| match area.contains(2 * x, y) {
            true => value(x, y),
            false => picture(x, y),
        });
        Sheet {
            size: (width, height),
            step: 2,
            values: values.collect(),
        }
    }

    fn found(finder: &mut Blocks, now: &Sheet, before: &Sheet, max_size: f32) -> Vec<Rect> {
        let found = finder.find(now, before, FRAME, max_size);
        let area = |block: DropOut| {
            assert!((0.5..1.0).contains(&block.confidence), "{block:?}");
            block.area
        };
        found.map(area).collect()
    }

    #[test]
    fn blocks_of_one_colour_and_smeared_ones_are_found() {
        let sound = sheet(Rect::new(0, 0, 0, 0), |_, _| 0);
        let area = Rect::new(64, 32, 128, 48);
        let smear = |x: usize, _: usize| (x * 20 % 160) as u8;
        for lost in [
            sheet(area, |_, _| 128),
            sheet(area, |_, _| 0),
            sheet(area, smear),
        ] {
            let mut finder = Blocks::default();
            assert_eq!(found(&mut finder, &lost, &sound, 0.25), [area]);
            assert!(found(&mut finder, &lost, &lost, 0.25).is_empty());
            assert!(found(&mut finder, &sound, &sound, 0.25).is_empty());
            assert!(
                found(&mut finder, &lost, &sound, 0.05).is_empty(),
                "too large"
            );
        }
    }

    #[test]
    fn of_a_wall_noise_tells_them_apart() {
        let wall = |x: usize, y: usize| (90 + (x * 7 + y * 3) % 4) as u8;
        let all = Rect::new(0, 0, FRAME.0, FRAME.1);
        let sound = sheet(all, wall);
        let area = Rect::new(64, 32, 128, 48);
        let with = |value: &dyn Fn(usize, usize) -> u8| {
            sheet(all, |x, y| match area.contains(2 * x, y) {
                true => value(x, y),
                false => wall(x, y),
            })
        };
        let blank = with(&|_, _| 128);
        assert_eq!(found(&mut Blocks::default(), &blank, &sound, 0.25), [area]);
        // A thing of another colour is as rough as the wall is.
        let thing = with(&|x, y| wall(x, y) + 38);
        assert!(found(&mut Blocks::default(), &thing, &sound, 0.25).is_empty());
    }

    #[test]
    fn they_reach_to_the_edge_of_the_frame() {
        let sound = sheet(Rect::new(0, 0, 0, 0), |_, _| 0);
        let area = Rect::new(112, 80, 168, 100);
        let lost = sheet(area, |_, _| 128);
        let rects = found(&mut Blocks::default(), &lost, &sound, 0.25);
        assert_eq!(rects, [area]);
    }

    #[test]
    fn what_stays_and_what_lies_on_no_grid_is_picture() {
        let sound = sheet(Rect::new(0, 0, 0, 0), |_, _| 0);
        let lost = sheet(Rect::new(64, 32, 128, 48), |_, _| 128);
        let mut finder = Blocks::default();
        for frame in 1..=LONGEST + 5 {
            let is_found = !found(&mut finder, &lost, &sound, 0.25).is_empty();
            assert_eq!(is_found, frame <= LONGEST, "frame {frame}");
        }
        let thing = sheet(Rect::new(72, 24, 120, 56), |_, _| 128);
        assert!(found(&mut Blocks::default(), &thing, &sound, 0.25).is_empty());
    }
}
