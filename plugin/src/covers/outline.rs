//! From probabilities to the outline of a cover.

use mde_core::CROP_SIZE;
use mde_core::alignment::Affine;
use mde_core::covers::Kind;
use mde_core::occlusion::Rect;

use super::{Asked, Cover, Finding, Kinds};
use crate::distance::Distances;
use crate::locate::Bounds;
use crate::parts::Parts;

/// By how much less probable a cell may be that was covered before, to stay so.
const STAYS: f32 = 0.15;

/// The least share of the face's cells that a cover takes; of one that was there before, half of it.
const SPECK: f32 = 0.006;

/// The least share of the crop's cells that dark glasses take; of those that were there before, half of
/// it. Of 290 validation pictures of CelebA with glasses the net found dark ones on less than 0.015 of the
/// crop (the rims of clear ones) in 63, on 0.05 and more in 84, and between in 7; eyes with black make-up
/// come to 0.024.
const LEAST_SUNGLASSES: f32 = 0.03;

/// Of a face of which a greater share is covered, nothing is left to complete it from: it is more
/// probable that the net is wrong.
const LARGEST: f32 = 0.9;

/// Cells by which a cover is widened, so that no rim and no shadow of it stays.
const RIM: f32 = 2.0;

/// The least share of a cover that is of a kind for it to be told; of a kind that was told before,
/// half of it.
const LEAST_OF_KIND: f32 = 0.2;

/// What was found on a face, until it is looked at again.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// The cells that are covered, without a rim; empty where nothing was looked for yet.
    pub cells: Vec<bool>,
    pub cover: Option<Cover>,
    /// The cells that may be covered; none where they are no more than a speck.
    pub doubtful: Vec<bool>,
}

/// Makes outlines, reusing its memory.
#[derive(Clone, Debug, Default)]
pub struct Outliner {
    /// How probable it is that a cell is covered.
    chances: Vec<f32>,
    /// Whether it lies on the mean face.
    on_face: Vec<bool>,
    parts: Parts,
    areas: Vec<f32>,
    distances: Distances,
    made: u64,
}

impl Outliner {
    /// Makes the outline anew of the smoothed `answer` `[5, side, side]`: of what is `asked` for.
    /// `is_inside` tells whether the cell `(x, y)` lies in the frame.
    pub fn outline(
        &mut self,
        outline: &mut Outline,
        answer: &[f32],
        side: usize,
        asked: &Asked,
        is_inside: impl Fn(usize, usize) -> bool,
    ) {
        self.learn_face(side);
        outline.cells.resize(side * side, false);
        let before = outline.cover.take();
        let told = before.as_ref().map(|cover| cover.finding.kinds);
        self.take_chances(answer, side, asked, told, is_inside);
        let face = self.on_face.iter().filter(|on| **on).count() as f32;
        let least = SPECK * face;
        self.take_doubtful(&mut outline.doubtful, asked.threshold / 2.0, least);
        self.take_parts(&mut outline.cells, side, asked.threshold, least);
        let covered = |i: &usize| outline.cells[*i];
        let on_face = (0..side * side).filter(|i| covered(i) && self.on_face[*i]);
        let share = on_face.count() as f32 / face.max(1.0);
        if share == 0.0 || share > LARGEST {
            outline.cells.fill(false);
            return;
        }
        let cells = || (0..side * side).filter(covered);
        let count = cells().count() as f32;
        let finding = Finding {
            kinds: kinds(answer, side * side, cells, asked.kinds, told),
            share,
            confidence: cells().map(|i| self.chances[i]).sum::<f32>() / count,
        };
        let distances = before.map(|cover| cover.distances).unwrap_or_default();
        outline.cover = Some(self.widen(&outline.cells, side, finding, distances));
    }

    /// Which of `side` x `side` cells lie on the mean face.
    fn learn_face(&mut self, side: usize) {
        if self.on_face.len() != side * side {
            let to_template = Affine::stretch((side, side), (CROP_SIZE, CROP_SIZE));
            let cells = (0..side * side).map(|i| [i % side, i / side].map(|v| v as f64));
            self.on_face.clear();
            self.on_face
                .extend(cells.map(|cell| Bounds::TEMPLATE.ellipse_holds(to_template.apply(cell))));
        }
    }

    fn take_chances(
        &mut self,
        answer: &[f32],
        side: usize,
        asked: &Asked,
        told: Option<Kinds>,
        is_inside: impl Fn(usize, usize) -> bool,
    ) {
        self.chances.clear();
        self.chances.resize(side * side, 0.0);
        for kind in asked.kinds.iter() {
            let of_kind = &answer[kind.channel() * side * side..][..side * side];
            if kind == Kind::Sunglasses {
                let was_there = told.is_some_and(|told| told.contains(kind));
                let least = if was_there { 0.5 } else { 1.0 } * LEAST_SUNGLASSES;
                let dark = of_kind.iter().filter(|c| **c >= asked.threshold).count();
                if (dark as f32) < least * of_kind.len() as f32 {
                    continue;
                }
            }
            // Of several covers one is before the others, so that no pixel shows two.
            for (chance, new) in self.chances.iter_mut().zip(of_kind) {
                *chance = (*chance + new).min(1.0);
            }
        }
        for (i, chance) in self.chances.iter_mut().enumerate() {
            if !is_inside(i % side, i / side) {
                *chance = 0.0;
            }
        }
    }

    /// Finds the cells that are covered with a chance of `floor`, if at least `least` on the face are.
    fn take_doubtful(&self, doubtful: &mut Vec<bool>, floor: f32, least: f32) {
        doubtful.clear();
        doubtful.extend(self.chances.iter().map(|chance| *chance >= floor));
        let both = doubtful.iter().zip(&self.on_face);
        let on_face = both.filter(|(doubtful, on_face)| **doubtful && **on_face);
        if (on_face.count() as f32) < least {
            doubtful.fill(false);
        }
    }

    /// Finds the covered cells: parts of those that are probable, or were covered and still are
    /// somewhat, that have at least `least` cells on the face, or half as many where they were there
    /// before.
    fn take_parts(&mut self, cells: &mut [bool], side: usize, threshold: f32, least: f32) {
        self.parts.clear();
        let rows = self.chances.chunks(side).zip(cells.chunks(side));
        for (y, (chances, before)) in rows.enumerate() {
            let cells = chances.iter().zip(before).map(|(chance, was)| {
                let stays = if *was { STAYS } else { 0.0 };
                *chance >= threshold - stays && *chance > 0.0
            });
            self.parts.add_row(y, 0, cells);
        }
        let found = self.parts.finish().len();
        self.areas.clear();
        self.areas.resize(found, 0.0);
        for (part, y, xs) in self.parts.runs() {
            for i in xs.map(|x| y * side + x).filter(|i| self.on_face[*i]) {
                self.areas[part] += if cells[i] { 2.0 } else { 1.0 };
            }
        }
        cells.fill(false);
        for (part, y, xs) in self.parts.runs() {
            if self.areas[part] >= least {
                cells[y * side..][xs].fill(true);
            }
        }
    }

    /// The cover in `cells` with its rim; `distances` is memory to be used.
    fn widen(
        &mut self,
        cells: &[bool],
        side: usize,
        finding: Finding,
        mut distances: Vec<f32>,
    ) -> Cover {
        let squared = (self.distances).squared(side, cells.iter().map(|covered| !covered));
        distances.clear();
        // The border runs half a cell beyond the last covered one's centre.
        distances.extend(squared.iter().map(|d| (*d as f32).sqrt() - 0.5 - RIM));
        self.made += 1;
        Cover {
            bounds: bounds(&distances, side),
            side,
            distances,
            finding,
            version: self.made,
        }
    }
}

/// The smallest rectangle around the cells in which there is some of the cover.
fn bounds(distances: &[f32], side: usize) -> Rect {
    let none = Rect::new(side, side, 0, 0);
    // Its border may run between two cells.
    let within = distances.iter().enumerate().filter(|(_, d)| **d < 1.0);
    let (mut x1, mut y1) = (0, 0);
    let rect = within.fold(none, |rect, (i, _)| {
        let (x, y) = (i % side, i / side);
        (x1, y1) = (x1.max(x + 1), y1.max(y + 1));
        Rect::new(rect.x0.min(x), rect.y0.min(y), 0, 0)
    });
    Rect { x1, y1, ..rect }
}

/// The kinds, of those `asked` for, that the covered `cells` are of; `told` were told of before.
fn kinds<I: Iterator<Item = usize>>(
    answer: &[f32],
    plane: usize,
    cells: impl Fn() -> I,
    asked: Kinds,
    told: Option<Kinds>,
) -> Kinds {
    let sum = |kind: Kind| -> f32 {
        let of_kind = &answer[kind.channel() * plane..][..plane];
        cells().map(|i| of_kind[i]).sum()
    };
    let sums = Kind::ALL.map(|kind| if asked.contains(kind) { sum(kind) } else { 0.0 });
    let all: f32 = sums.iter().sum();
    let is_told = |kind: &Kind| {
        let known = told.is_some_and(|told| told.contains(*kind));
        let least = if known { 0.5 } else { 1.0 } * LEAST_OF_KIND;
        sums[kind.channel()] > 0.0 && sums[kind.channel()] >= least * all
    };
    Kind::ALL.into_iter().filter(is_told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 48;
    const CELLS: usize = SIDE * SIDE;
    /// In the middle of the face.
    const SPOT: Rect = Rect::new(18, 20, 30, 30);

    fn asked(kinds: &[Kind]) -> Asked {
        Asked {
            kinds: kinds.iter().copied().collect(),
            threshold: 0.5,
        }
    }

    /// That in `rect` something of `kind` is so probable.
    fn answer(parts: &[(Kind, Rect, f32)]) -> Vec<f32> {
        let mut answer = vec![0.02; Kind::ALL.len() * CELLS];
        for (kind, rect, chance) in parts {
            for y in rect.y0..rect.y1 {
                let row = kind.channel() * CELLS + y * SIDE;
                answer[row + rect.x0..row + rect.x1].fill(*chance);
            }
        }
        answer
    }

    /// One face, looked at again and again.
    #[derive(Default)]
    struct Face {
        outliner: Outliner,
        outline: Outline,
    }

    impl Face {
        fn see(&mut self, answer: &[f32], asked: &Asked) -> Option<Finding> {
            let Self { outliner, outline } = self;
            outliner.outline(outline, answer, SIDE, asked, |_, _| true);
            outline.cover.as_ref().map(Cover::finding)
        }

        fn is_doubtful(&self) -> bool {
            self.outline.doubtful.contains(&true)
        }

        fn see_spot(&mut self, chance: f32) -> Option<Finding> {
            let answer = answer(&[(Kind::Masks, SPOT, chance)]);
            self.see(&answer, &asked(&[Kind::Masks]))
        }
    }

    #[test]
    fn a_cover_is_told_with_its_share_and_widened() {
        let mut face = Face::default();
        let finding = face.see_spot(0.9).expect("a cover");
        assert_eq!(finding.kinds.to_string(), "masks");
        assert!((finding.confidence - 0.9).abs() < 1e-3);
        let on_face = std::f32::consts::PI / 4.0 * (61.0 / 2.0) * (82.0 / 2.0);
        let wanted = SPOT.area() as f32 / on_face;
        assert!((finding.share - wanted).abs() < 0.02, "{finding:?}");
        let cover = face.outline.cover.as_ref().expect("a cover");
        let is_in = |x: usize, y: usize| cover.distance([x as f32, y as f32]) <= 0.0;
        for (x, y) in [(16, 25), (31, 25), (24, 18), (24, 31)] {
            assert!(is_in(x, y), "({x}, {y})");
        }
        for (x, y) in [(15, 25), (32, 25), (24, 17), (24, 32), (16, 18)] {
            assert!(!is_in(x, y), "({x}, {y})");
        }
        let Rect { x0, y0, x1, y1 } = cover.bounds();
        assert!(x0 <= 16 && y0 <= 18 && x1 >= 32 && y1 >= 32);
        assert!(cover.bounds().area() < 20 * 20);
    }

    #[test]
    fn what_was_found_stays_until_it_is_clearly_less_probable() {
        let mut face = Face::default();
        assert!(face.see_spot(0.45).is_none());
        assert!(face.is_doubtful());
        assert!(face.see_spot(0.6).is_some());
        assert!(face.see_spot(0.45).is_some());
        assert!(face.see_spot(0.3).is_none());
        assert!(face.see_spot(0.45).is_none());
        assert!(face.see_spot(0.1).is_none());
        assert!(!face.is_doubtful());
    }

    #[test]
    fn specks_and_what_is_beside_the_face_are_no_covers() {
        let mut face = Face::default();
        let all = asked(&Kind::ALL);
        let beside = Rect::new(0, 0, 10, 10);
        for rect in [Rect::new(24, 24, 26, 26), beside] {
            let answer = answer(&[(Kind::Objects, rect, 1.0)]);
            assert_eq!(face.see(&answer, &all), None, "{rect:?}");
        }
        let whole = answer(&[(Kind::Objects, Rect::new(0, 0, SIDE, SIDE), 1.0)]);
        assert_eq!(face.see(&whole, &all), None, "nothing of the face is left");
        // With a cover they do not come along.
        let two = answer(&[(Kind::Objects, SPOT, 1.0), (Kind::Objects, beside, 1.0)]);
        assert!(face.see(&two, &all).is_some());
        assert!(!face.outline.cells[0]);
    }

    #[test]
    fn eyes_with_dark_make_up_wear_no_sunglasses() {
        let mut face = Face::default();
        let all = asked(&Kind::ALL);
        let lids = [13, 28].map(|x| (Kind::Sunglasses, Rect::new(x, 17, x + 7, 20), 0.9));
        assert_eq!(face.see(&answer(&lids), &all), None);
        assert!(!face.is_doubtful());
        let lenses = [11, 26].map(|x| (Kind::Sunglasses, Rect::new(x, 15, x + 11, 23), 0.9));
        let found = face.see(&answer(&lenses), &all).expect("sunglasses");
        assert_eq!(found.kinds.to_string(), "sunglasses");
        // They do not vanish where the light falls on them for a moment.
        let half = [13, 28].map(|x| (Kind::Sunglasses, Rect::new(x, 17, x + 7, 20), 0.9));
        assert!(face.see(&answer(&half), &all).is_some());
    }

    #[test]
    fn kinds_add_up_and_are_told_as_they_are() {
        let mut face = Face::default();
        let both = |objects: f32, masks: f32| {
            answer(&[(Kind::Objects, SPOT, objects), (Kind::Masks, SPOT, masks)])
        };
        let names = |finding: Option<Finding>| finding.map(|f| f.kinds.to_string());
        let asked_both = asked(&[Kind::Objects, Kind::Masks]);
        let found = face.see(&both(0.35, 0.35), &asked_both);
        assert_eq!(names(found).as_deref(), Some("objects+masks"));
        // A kind does not come and go with little of it.
        for (objects, wanted) in [(0.12, "objects+masks"), (0.05, "masks"), (0.12, "masks")] {
            let found = face.see(&both(objects, 0.7), &asked_both);
            assert_eq!(names(found).as_deref(), Some(wanted), "{objects}");
        }
        let found = face.see(&both(0.7, 0.1), &asked(&[Kind::Glasses]));
        assert_eq!(found, None);
    }

    #[test]
    fn what_lies_beyond_the_frame_is_not_covered() {
        let mut face = Face::default();
        let answer = answer(&[(Kind::Objects, SPOT, 1.0)]);
        let Face { outliner, outline } = &mut face;
        let all = asked(&Kind::ALL);
        outliner.outline(outline, &answer, SIDE, &all, |x, _| x < 24);
        assert!(outline.cells[25 * SIDE + 23] && !outline.cells[25 * SIDE + 24]);
    }
}
