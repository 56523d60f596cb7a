//! One crop with covers laid on, what else the net is shown, and what it should answer.

use std::f64::consts::TAU;

use mde_core::CROP_SIZE;
use mde_core::alignment::{Affine, FacePoints, Point, TEMPLATE};
use mde_core::covers::{Kind, MISSING, SIDE};
use mde_core::mask::{Mask, Strokes, sample_rect};
use rand::RngExt;
use rand_pcg::Pcg64;

use super::draw::Sources;
use super::faces::{CoverFaces, Look, PICTURE};
use super::layer::{AREA, Layer, blurred};
use super::parsed::{CLEAR, UNSURE};
use super::{pixels, shade};
use crate::points::light::Light;
use crate::views::placement::normal;

/// Kinds of covers.
pub const KINDS: usize = Kind::ALL.len();
/// Side of the answer.
pub const GRID: usize = SIDE / 2;
/// Values of a channel of the answer.
pub const CELLS: usize = GRID * GRID;

/// Samples without a cover.
const CLEAN: f64 = 0.3;
/// Covered samples with a second cover.
const SECOND: f64 = 0.25;
/// Samples in good light, before a good camera.
const GOOD_LIGHT: f64 = 0.6;
/// Samples with a view.
const WITH_VIEW: f64 = 0.5;
/// Views that are covered as well, and views of which a part is not known, among them.
const COVERED_VIEWS: f64 = 0.12;
const HOLED_VIEWS: f64 = 0.3;
/// Samples with a last answer, and those among them where it is of something else.
const WITH_LAST: f64 = 0.5;
const STALE: f64 = 0.25;
/// Samples of which a part is missing, which is not to be told from.
const WITH_MISSING: f64 = 0.15;
/// How often each kind is drawn.
const SHARES: [f64; KINDS] = [0.46, 0.18, 0.12, 0.12, 0.12];
/// Weight of what is beside the face.
const BESIDE: f32 = 0.5;

/// Half the axes of the oval about [`MIDDLE`] that is the face.
pub const FACE: Point = [44.0, 56.0];
/// The middle of the face on the crop.
const MIDDLE: Point = [63.5, 72.0];
/// Half the axes of the oval where hair counts as before the face.
const WITHIN: Point = [40.0, 48.0];
/// Half the axes of the oval in which no hair is but a fringe, and the row from which on there is
/// not even that.
const BARE: Point = [30.0, 40.0];
const BELOW_FRINGE: f64 = 66.0;
/// The row above which a hat may hide a face.
const BELOW_HAT: f64 = 50.0;

/// What the net is shown, `[S, S, C]` and `[5, S / 2, S / 2]`, and what it should answer.
pub struct Sample {
    /// RGB in `[0, 1]`.
    pub image: Vec<f32>,
    /// RGB in `[0, 1]`, unknown values 0.
    pub view: Vec<f32>,
    /// 1 where the view is known.
    pub view_mask: Vec<f32>,
    /// What was last said.
    pub last: Vec<f32>,
    /// The right answer.
    pub covers: Vec<f32>,
    /// How much each value of it counts.
    pub weights: Vec<f32>,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// As in training.
    Any,
    /// One cover of a kind.
    One(Kind),
}

impl Plan {
    fn kinds(self, rng: &mut Pcg64) -> Vec<Kind> {
        let mut any = || {
            let mut at = rng.random::<f64>();
            for (kind, share) in Kind::ALL.into_iter().zip(SHARES) {
                at -= share;
                if at < 0.0 {
                    return kind;
                }
            }
            Kind::Objects
        };
        match self {
            Self::One(kind) => vec![kind],
            Self::Any => {
                let first = any();
                let second = any();
                match rng.random::<f64>() {
                    v if v < CLEAN => Vec::new(),
                    v if v < CLEAN + (1.0 - CLEAN) * SECOND => vec![first, second],
                    _ => vec![first],
                }
            }
        }
    }
}

/// Whether `at` is in the oval about the middle of the face with these half axes.
pub fn is_within(at: Point, axes: Point) -> bool {
    ((at[0] - MIDDLE[0]) / axes[0]).hypot((at[1] - MIDDLE[1]) / axes[1]) < 1.0
}

/// How crops lie on the crop they should be.
pub fn placement(spread: f64, rng: &mut Pcg64) -> Affine {
    let middle = [(SIDE as f64 - 1.0) / 2.0; 2];
    let shift = [normal(rng), normal(rng)].map(|v| 2.2 * spread * v);
    let scale = (0.04 * spread * normal(rng)).exp();
    Affine::about(middle, 0.045 * spread * normal(rng), scale, shift)
}

/// From the crop mirrored left to right to the crop.
pub const MIRROR: Affine = Affine {
    linear: [[-1.0, 0.0], [0.0, 1.0]],
    translation: [SIDE as f64 - 1.0, 0.0],
};

impl Sample {
    /// A random sample.
    pub fn draw(faces: &CoverFaces, sources: &Sources, plan: Plan, rng: &mut Pcg64) -> Self {
        Self::of(&faces.draw(rng), sources, plan, rng)
    }

    /// A random sample of the face that `look` shows.
    pub fn of(look: &Look, sources: &Sources, plan: Plan, rng: &mut Pcg64) -> Self {
        let mirrored = rng.random();
        let placed = placement(1.0, rng);
        let onto_picture = |placed: &Affine| {
            let crop = if mirrored {
                placed.then(&MIRROR)
            } else {
                *placed
            };
            crop.then(&look.framing.to_picture())
        };
        let to_picture = onto_picture(&placed);
        let mut image = read(look.picture, &to_picture, [0.0; 4]);
        let beside = placed.then(&placement(0.5, rng));
        let bend = match std::ptr::eq(look.view, look.picture) {
            true => [2.0 * normal(rng), 0.09, 2.0 * normal(rng), 0.07],
            false => [0.0; 4],
        };
        let mut view = read(look.view, &onto_picture(&beside), bend);
        if rng.random_bool(0.08) {
            shade::darken(&mut image, &mut rng.clone());
            shade::darken(&mut view, rng);
        }
        if rng.random_bool(0.15) {
            shade::make_up(&mut image, &mut rng.clone());
            shade::make_up(&mut view, rng);
        }
        if rng.random_bool(0.35) {
            shade::shadow(&mut image, rng);
        }
        let mut truth = Truth::of(look, &to_picture);
        let points = points(&placed);
        let skin = mean(&image);
        for kind in plan.kinds(rng) {
            let layer = cover(kind, &points, skin, sources, &mut image, rng);
            layer.lay_on(&mut image);
            truth.cover(&layer);
        }
        let light = match rng.random_bool(GOOD_LIGHT) {
            true => Light::mild(rng),
            false => Light::draw(rng),
        };
        light.shine_on(&mut image, SIDE, rng);
        let view_mask = match rng.random::<f64>() {
            v if v >= WITH_VIEW => vec![0.0; AREA],
            v if v < WITH_VIEW * HOLED_VIEWS => {
                let holes = Strokes::default().sample(SIDE, SIDE, rng);
                holes.as_slice()[..AREA].to_vec()
            }
            _ => vec![1.0; AREA],
        };
        if view_mask.contains(&1.0) {
            if rng.random_bool(COVERED_VIEWS) {
                let kind = Kind::ALL[rng.random_range(0..KINDS)];
                sources
                    .draw(kind, &points, skin, rng)
                    .softened()
                    .lay_on(&mut view);
            }
            light.shine_on(&mut view, SIDE, rng);
            relight(&mut view, rng);
        }
        for (pixel, known) in view.chunks_exact_mut(3).zip(&view_mask) {
            pixel.iter_mut().for_each(|v| *v *= known);
        }
        if rng.random_bool(WITH_MISSING) {
            truth.lose(&mut image, rng);
        }
        let covers = halved(&truth.covers, most);
        Self {
            last: last(&covers, rng),
            weights: halved(&truth.weights, mean_of),
            covers,
            image,
            view,
            view_mask,
        }
    }

    /// With other truth: what is covered and what of that is known, `[5, S, S]`.
    pub fn labelled(self, covers: &[f32], known: &[f32]) -> Self {
        Self {
            covers: halved(covers, mean_of),
            weights: halved(known, mean_of),
            ..self
        }
    }

    /// The face of `look` as it is, with nothing else shown.
    pub fn plain(look: &Look) -> Self {
        let to_picture = look.framing.to_picture();
        let truth = Truth::of(look, &to_picture);
        Self {
            image: read(look.picture, &to_picture, [0.0; 4]),
            view: vec![0.0; 3 * AREA],
            view_mask: vec![0.0; AREA],
            last: vec![0.0; KINDS * CELLS],
            covers: halved(&truth.covers, most),
            weights: halved(&truth.weights, mean_of),
        }
    }
}

/// The five points on a crop that `placed` maps to where it should lie.
fn points(placed: &Affine) -> FacePoints {
    let to_crop = placed.inverse().unwrap_or(Affine::IDENTITY);
    let from_template = Affine::stretch((CROP_SIZE, CROP_SIZE), (SIDE, SIDE)).then(&to_crop);
    TEMPLATE.map(|p| from_template.apply(p))
}

/// A cover in the light of the scene; its shadow falls on `image`.
fn cover(
    kind: Kind,
    points: &FacePoints,
    skin: [f32; 3],
    sources: &Sources,
    image: &mut [f32],
    rng: &mut Pcg64,
) -> Layer {
    let mut layer = sources.draw(kind, points, skin, rng);
    if !layer.is_lit && rng.random_bool(0.6) {
        let (toward, light) = match kind {
            Kind::Objects => (rng.random_range(0.0..1.0), rng.random_range(0.0..1.0)),
            Kind::Hair => (0.0, 0.0),
            // Some masks are of the colour of skin.
            Kind::Masks if rng.random_bool(0.3) => {
                (rng.random_range(0.0..1.0), rng.random_range(0.0..1.0))
            }
            _ => (0.0, rng.random_range(0.0..0.6)),
        };
        layer = layer.lit_like(skin, toward, light, rng);
    }
    if rng.random_bool(0.7) {
        layer = layer.softened();
    }
    let moves = matches!(kind, Kind::Objects | Kind::Hair);
    if moves && rng.random_bool(0.15) {
        let angle = rng.random_range(0.0..TAU) as f32;
        layer = layer.smeared(angle, rng.random_range(3..12));
    }
    if rng.random_bool(0.5) {
        let shift = [rng.random_range(-7..=7), rng.random_range(-3..=9)];
        let blurs = rng.random_range(1..8);
        layer.cast_shadow(image, shift, blurs, rng.random_range(0.1..0.6));
    }
    layer
}

/// The truth at the crop's size, a channel after the other.
struct Truth {
    covers: Vec<f32>,
    weights: Vec<f32>,
}

impl Truth {
    /// What `look` shows by itself.
    fn of(look: &Look, to_picture: &Affine) -> Self {
        let mut covers = vec![0.0; KINDS * AREA];
        let mut weights = vec![0.0; KINDS * AREA];
        let on_face: Vec<f32> = pixels()
            .map(|at| if is_within(at, FACE) { 1.0 } else { BESIDE })
            .collect();
        for (i, at) in pixels().enumerate() {
            let before = look.before.map(|before| {
                let [x, y] = (to_picture.apply(at)).map(|v| reflected(v.round() as i32));
                before[y * PICTURE + x]
            });
            for kind in Kind::ALL {
                let is_told = before == Some(kind as u8);
                let is_clear = before != Some(UNSURE)
                    && look.wears.is_none_or(|wears| wears.is_known(kind, at));
                let known = is_told || is_clear;
                weights[kind.channel() * AREA + i] = if known { on_face[i] } else { 0.0 };
            }
            if let Some(kind) = before.filter(|&v| v != CLEAR && v != UNSURE) {
                covers[usize::from(kind) * AREA + i] = 1.0;
            }
        }
        Self { covers, weights }
    }

    /// Loses a rectangle or strokes of `image`: what is there does not count.
    fn lose(&mut self, image: &mut [f32], rng: &mut Pcg64) {
        let mask = match rng.random_bool(0.7) {
            true => {
                let mut mask = Mask::known(SIDE, SIDE);
                let ratio = rng.random_range(0.02..0.4);
                mask.drop_rect(sample_rect(ratio, SIDE, SIDE, rng));
                mask
            }
            false => Strokes::default().sample(SIDE, SIDE, rng),
        };
        let known = &mask.as_slice()[..AREA];
        for (i, pixel) in image.chunks_exact_mut(3).enumerate() {
            if known[i] < 0.5 {
                pixel.fill(MISSING);
                (0..KINDS).for_each(|kind| self.weights[kind * AREA + i] = 0.0);
            }
        }
    }

    /// Takes in a cover that lies over all there is.
    fn cover(&mut self, layer: &Layer) {
        let channel = layer.kind.channel();
        for (i, (&found, at)) in layer.found().iter().zip(pixels()).enumerate() {
            let found = found.clamp(0.0, 1.0);
            let counts = layer.kind != Kind::Hair || is_within(at, WITHIN);
            for kind in 0..KINDS {
                let at = kind * AREA + i;
                if kind != channel {
                    // Through lenses one sees what is behind them.
                    self.covers[at] *= 1.0 - layer.alpha[i].min(found);
                } else if counts {
                    self.covers[at] += found * (1.0 - self.covers[at]);
                }
                if kind == channel && found > 0.5 {
                    let is_on_face = is_within([(i % SIDE) as f64, (i / SIDE) as f64], FACE);
                    self.weights[at] = match (counts, is_on_face) {
                        (false, _) => 0.0,
                        (true, true) => 1.0,
                        (true, false) => BESIDE,
                    };
                }
            }
        }
    }
}

impl super::faces::Wears {
    /// Whether it is known that nothing of `kind` is at a place.
    fn is_known(self, kind: Kind, at: Point) -> bool {
        match kind {
            Kind::Objects => !(self.other || self.hat && at[1] < BELOW_HAT),
            Kind::Masks => !self.other,
            Kind::Sunglasses | Kind::Glasses => !self.glasses,
            Kind::Hair => {
                let fringe = self.fringe || self.hat;
                is_within(at, BARE) && (!fringe || at[1] > BELOW_FRINGE)
            }
        }
    }
}

/// Of each channel what `of_four` makes of 2x2 pixels.
fn halved(values: &[f32], of_four: fn([f32; 4]) -> f32) -> Vec<f32> {
    let mut halved = Vec::with_capacity(values.len() / 4);
    for channel in values.chunks_exact(AREA) {
        for y in 0..GRID {
            for x in 0..GRID {
                let at = 2 * y * SIDE + 2 * x;
                let four = [at, at + 1, at + SIDE, at + SIDE + 1];
                halved.push(of_four(four.map(|i| channel[i])));
            }
        }
    }
    halved
}

/// As much as the most covered of four pixels: strands and letters are thinner than a cell, and
/// nothing of a cover is to stay.
fn most(four: [f32; 4]) -> f32 {
    four.into_iter().fold(0.0, f32::max)
}

fn mean_of(four: [f32; 4]) -> f32 {
    four.iter().sum::<f32>() / 4.0
}

/// What the net may last have said: nothing, about the truth a little ago, or something else.
fn last(covers: &[f32], rng: &mut Pcg64) -> Vec<f32> {
    if !rng.random_bool(WITH_LAST) {
        return vec![0.0; KINDS * CELLS];
    }
    let is_stale = rng.random_bool(STALE);
    let reach = if is_stale { 20 } else { 2 };
    let [dx, dy] = [0; 2].map(|_| rng.random_range(-reach..=reach));
    let sure = rng.random_range(0.7f32..1.0);
    // Wider or narrower than it is.
    let (gain, offset) = (
        rng.random_range(0.8f32..1.6),
        rng.random_range(-0.25f32..0.25),
    );
    let mut last = Vec::with_capacity(covers.len());
    for channel in covers.chunks_exact(CELLS) {
        for y in 0..GRID as i32 {
            for x in 0..GRID as i32 {
                let (x, y) = (x - dx, y - dy);
                let inside = (0..GRID as i32).contains(&x) && (0..GRID as i32).contains(&y);
                let value = match inside {
                    true => channel[y as usize * GRID + x as usize],
                    false => 0.0,
                };
                let value = (gain * (value - 0.5) + 0.5 + offset * value).clamp(0.0, 1.0);
                last.push(sure * value);
            }
        }
    }
    if is_stale && rng.random() {
        // A cover that is gone.
        let kind = rng.random_range(0..KINDS);
        let middle = [rng.random_range(12.0..52.0), rng.random_range(12.0..58.0)];
        let axes = [rng.random_range(4.0..18.0), rng.random_range(4.0..18.0)];
        for (i, value) in last[kind * CELLS..][..CELLS].iter_mut().enumerate() {
            let [x, y] = [(i % GRID) as f64, (i / GRID) as f64];
            if ((x - middle[0]) / axes[0]).hypot((y - middle[1]) / axes[1]) < 1.0 {
                *value = sure;
            }
        }
    }
    last
}

/// Changes colours a little, as time does.
fn relight(rgb: &mut [f32], rng: &mut Pcg64) {
    let all: f64 = 0.08 * normal(rng);
    let gains = [0; 3].map(|_| (all + 0.03 * normal(rng)).exp() as f32);
    for pixel in rgb.chunks_exact_mut(3) {
        for (v, gain) in pixel.iter_mut().zip(gains) {
            *v = (*v * gain).min(1.0);
        }
    }
    if rng.random_bool(0.2) {
        let soft = blurred(rgb, 3);
        rgb.copy_from_slice(&soft);
    }
}

/// Mean colour of the middle of the face.
fn mean(image: &[f32]) -> [f32; 3] {
    let (mut sum, mut count) = ([0.0; 3], 0.0);
    for (pixel, at) in image.chunks_exact(3).zip(pixels()) {
        if is_within(at, BARE) {
            count += 1.0;
            for (sum, v) in sum.iter_mut().zip(pixel) {
                *sum += v;
            }
        }
    }
    sum.map(|v| v / count)
}

/// The crop that `to_picture` maps into `picture` `[144, 144, 3]`, interpolated bilinearly, beyond
/// the edges its reflection; bent along waves of heights (pixels) and frequencies in x and y.
fn read(picture: &[u8], to_picture: &Affine, bend: [f64; 4]) -> Vec<f32> {
    let mut crop = Vec::with_capacity(3 * AREA);
    for [x, y] in pixels() {
        let bent = [
            x + bend[0] * (bend[1] * y).sin(),
            y + bend[2] * (bend[3] * x).cos(),
        ];
        let [x, y] = to_picture.apply(bent);
        let (left, top) = (x.floor(), y.floor());
        let (right_share, low_share) = ((x - left) as f32, (y - top) as f32);
        let columns = [left, left + 1.0].map(|v| reflected(v as i32));
        let rows = [top, top + 1.0].map(|v| reflected(v as i32));
        let mut sum = [0.0; 3];
        for (row, share) in rows.into_iter().zip([1.0 - low_share, low_share]) {
            for (column, share) in
                (columns.into_iter()).zip([share * (1.0 - right_share), share * right_share])
            {
                let at = 3 * (row * PICTURE + column);
                for (sum, v) in sum.iter_mut().zip(&picture[at..at + 3]) {
                    *sum += share * f32::from(*v);
                }
            }
        }
        crop.extend(sum.map(|v| v / 255.0));
    }
    crop
}

/// The row or column `at`, reflected at the edges into the picture.
fn reflected(at: i32) -> usize {
    let last = PICTURE as i32 - 1;
    let at = at.rem_euclid(2 * last);
    at.min(2 * last - at) as usize
}
