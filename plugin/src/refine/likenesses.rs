//! The prototype that each face is likened to, where it lies on it, and its detail given to what is
//! painted.

use std::ops::Range;
use std::time::Duration;

use mde_core::occlusion::Rect;
use mde_core::registration::{Displacement, Registrar, TERMS};

use super::contrast::Contrast;
use super::look::{Look, Part};
use super::prototypes::{DARKEST, Id, LIGHT, Prototype, Prototypes};
use crate::blur::Blur;
use crate::frame::BLOCK;
use crate::one_euro::OneEuro;

/// Faces that are remembered.
const MOST_FACES: usize = 16;
/// On every so many frames a face is looked at: where its prototype lies, and how much contrast it has.
const TURNS: usize = 3;
/// After so long another prototype is looked for, and takes over where it agrees by so much more.
const PACE: Duration = Duration::from_secs(1);
const CLEARLY_NEARER: f32 = 0.05;
/// How long one takes to give way to the next.
const FADE: Duration = Duration::from_millis(250);
/// A face that is away for longer begins anew.
const LONGEST_AWAY: Duration = Duration::from_secs(1);
/// What is painted is another part of the face where it overlaps less (intersection over union).
const LEAST_OVERLAP: f32 = 0.5;
/// Cut-off in Hz for where the prototype of a face that stands still lies, and how much more it is for
/// each crop pixel that the factors of its displacement change by in a second, in the mean.
const STILL: f64 = 0.5;
const PER_SPEED: f64 = 1.0;
/// Radius of the blur by which a prototype begins beside what is known, in pixels of the enlarged crop.
const BORDER: usize = 3;

/// A completed crop.
#[derive(Clone, Copy, Debug)]
pub struct Completed<'a> {
    /// Its side in pixels.
    pub side: usize,
    /// Known and completed, `[3, side, side]` in `[0, 1]`.
    pub rgb: &'a [f32],
    /// What is painted of it.
    pub part: Rect,
}

/// A part of a completed crop at a multiple of its size.
#[derive(Debug)]
pub struct Enlarged<'a> {
    /// Its pixels for each of the crop's, in each direction.
    pub scale: usize,
    /// The part, in its pixels.
    pub area: Rect,
    /// `[3, H, W]` in `[0, 1]`, to be given detail where it is missing.
    pub rgb: &'a mut [f32],
    /// 1 known, 0 missing, `[H, W]`.
    pub mask: &'a [f32],
}

/// The prototypes of the faces in a stream; faces are told apart by `K`.
#[derive(Debug)]
pub struct Likenesses<K> {
    prototypes: Prototypes,
    faces: Vec<Face<K>>,
    registrar: Registrar,
    known: Vec<f32>,
    blur: Blur,
    light: Vec<f32>,
    /// How much is known around each pixel.
    near: Vec<f32>,
    /// Of each pixel, red, green and blue: by how much of its light the prototype is brighter, and
    /// how much it is the face.
    detail: Vec<[f32; 4]>,
}

#[derive(Debug)]
struct Face<K> {
    key: K,
    seen_at: Duration,
    looked_at: Duration,
    side: usize,
    part: Rect,
    current: Laid,
    since: Duration,
    before: Option<Laid>,
    /// Frames since it began.
    frames: usize,
    /// Where its prototype was found to lie last, and what holds it still.
    found: Displacement,
    filter: OneEuro<TERMS>,
    contrast: Contrast,
}

/// A prototype, and where it lies.
#[derive(Debug)]
struct Laid {
    id: Id,
    prototype: Prototype,
    displacement: Displacement,
}

impl<K: Copy + PartialEq> Likenesses<K> {
    /// Of `prototypes`.
    pub fn new(prototypes: Prototypes) -> Self {
        Self {
            prototypes,
            faces: Vec::new(),
            registrar: Registrar::default(),
            known: Vec::new(),
            blur: Blur::default(),
            light: Vec::new(),
            near: Vec::new(),
            detail: Vec::new(),
        }
    }

    /// Forgets all faces.
    pub fn forget(&mut self) {
        self.faces.clear();
    }

    /// Gives what is missing of `enlarged`, a part of the `completed` crop of the face `key` in the frame at
    /// `now`, the detail of the prototype that the face looks like. Its light and its colours stay.
    ///
    /// # Panics
    /// If a slice has another length than its size says.
    pub fn give(
        &mut self,
        key: K,
        completed: &Completed<'_>,
        enlarged: Enlarged<'_>,
        now: Duration,
    ) {
        let index = self.lay(key, completed, now);
        let Enlarged {
            scale,
            area,
            rgb,
            mask,
        } = enlarged;
        let (size, pixels) = ((area.width(), area.height()), area.area());
        assert_eq!(rgb.len(), 3 * pixels, "three values a pixel");
        assert_eq!(mask.len(), pixels, "one value a pixel");
        self.light.clear();
        self.light.extend_from_slice(rgb);
        for plane in self.light.chunks_exact_mut(pixels) {
            self.blur.blur(plane, size, LIGHT);
        }
        let face = &mut self.faces[index];
        self.detail.clear();
        let is_looked_at = face.is_looked_at();
        let is_wanted = |pixels: Range<usize>| is_looked_at || mask[pixels].contains(&0.0);
        face.look_up(area, scale, now, is_wanted, &mut self.detail);
        let (light, detail) = (&self.light, &self.detail);
        let contrast = match face.contrast.last().filter(|_| !is_looked_at) {
            Some(contrast) => contrast,
            None => face.contrast.see(rgb, light, mask, detail),
        };
        self.near.clear();
        self.near.extend_from_slice(mask);
        self.blur.blur(&mut self.near, size, BORDER);
        for (channel, plane) in rgb.chunks_exact_mut(pixels).enumerate() {
            let light = &light[channel * pixels..][..pixels];
            for i in (0..pixels).filter(|i| mask[*i] == 0.0) {
                let lit = light[i] + contrast * detail[i][channel] * (light[i] + DARKEST);
                let share = detail[i][3] * (1.0 - 2.0 * self.near[i]).max(0.0);
                plane[i] += share * (lit.clamp(0.0, 1.0) - plane[i]);
            }
        }
    }

    /// Finds the prototype of the face `key`, and lays it on it; where it is among the faces.
    fn lay(&mut self, key: K, completed: &Completed<'_>, now: Duration) -> usize {
        let Completed { side, rgb, part } = *completed;
        let known = self.faces.iter().position(|face| face.key == key);
        let known = known.filter(|index| {
            let face = &self.faces[*index];
            now.saturating_sub(face.seen_at) <= LONGEST_AWAY
                && face.side == side
                && overlap(face.part, part) >= LEAST_OVERLAP
        });
        let Some(index) = known else {
            self.look(completed);
            return self.begin(key, completed, now);
        };
        self.faces[index].frames += 1;
        let is_looked_at = self.faces[index].is_looked_at();
        if is_looked_at {
            self.look(completed);
        }
        let face = &mut self.faces[index];
        if is_looked_at && now.saturating_sub(face.looked_at) >= PACE {
            face.looked_at = now;
            let look = Look::new(side, rgb);
            let part = Part::new(side, part);
            let (nearest, agreement) = self.prototypes.nearest(&look, &part);
            let present = self.prototypes.agreement(face.current.id, &look, &part);
            if agreement > present + CLEARLY_NEARER {
                let next = laid(&self.prototypes, nearest, side, &self.registrar);
                face.before = Some(std::mem::replace(&mut face.current, next));
                face.found = face.current.displacement;
                face.filter = OneEuro::default();
                face.since = now;
            }
        }
        let elapsed = now.saturating_sub(std::mem::replace(&mut face.seen_at, now));
        if now.saturating_sub(face.since) >= FADE {
            face.before = None;
        }
        let current = &mut face.current;
        if is_looked_at {
            let found = (self.registrar).register(current.prototype.detail(), &face.found);
            // Bent, it would be no face.
            face.found = found.displacement.straightened();
        }
        let cutoff = |speed: f64| STILL + PER_SPEED * speed;
        let factors = face.filter.filter(&face.found.factors(), elapsed, cutoff);
        current.displacement = face.found.with_factors(&factors);
        index
    }

    /// Takes the crop for the one that prototypes are to be registered with.
    fn look(&mut self, completed: &Completed<'_>) {
        let Completed { side, rgb, .. } = *completed;
        self.known.clear();
        self.known.resize(side * side, 1.0);
        self.registrar.look((side, side), rgb, &self.known);
    }

    /// Takes note of a new face, or of one that is missing another part.
    fn begin(&mut self, key: K, completed: &Completed<'_>, now: Duration) -> usize {
        let Completed { side, rgb, part } = *completed;
        self.faces.retain(|face| face.key != key);
        if self.faces.len() >= MOST_FACES {
            let ages = self.faces.iter().map(|face| face.seen_at).enumerate();
            if let Some((oldest, _)) = ages.min_by_key(|(_, seen_at)| *seen_at) {
                self.faces.swap_remove(oldest);
            }
        }
        let (look, painted) = (Look::new(side, rgb), Part::new(side, part));
        let (nearest, _) = self.prototypes.nearest(&look, &painted);
        let current = laid(&self.prototypes, nearest, side, &self.registrar);
        let mut filter = OneEuro::default();
        filter.filter(&current.displacement.factors(), Duration::ZERO, |_| STILL);
        self.faces.push(Face {
            key,
            seen_at: now,
            looked_at: now,
            side,
            part,
            found: current.displacement,
            frames: 0,
            current,
            since: now,
            before: None,
            filter,
            contrast: Contrast::default(),
        });
        self.faces.len() - 1
    }
}

/// Prototype `id` where `registrar` finds that it lies.
fn laid(prototypes: &Prototypes, id: Id, side: usize, registrar: &Registrar) -> Laid {
    let prototype = prototypes.laid_out(id, side);
    let found = registrar.register(prototype.detail(), &Displacement::NONE);
    Laid {
        id,
        displacement: found.displacement.straightened(),
        prototype,
    }
}

impl<K> Face<K> {
    /// Whether this is the frame's turn.
    fn is_looked_at(&self) -> bool {
        self.frames.is_multiple_of(TURNS)
    }

    /// Puts the detail of its prototype at the pixels of `area`, of which `scale` are one of the crop's, into
    /// `detail`, row by row; zeros at those of which nothing `is_wanted`.
    fn look_up(
        &self,
        area: Rect,
        scale: usize,
        now: Duration,
        is_wanted: impl Fn(Range<usize>) -> bool,
        detail: &mut Vec<[f32; 4]>,
    ) {
        let shown = now.saturating_sub(self.since).as_secs_f32() / FADE.as_secs_f32();
        for y in area.y0..area.y1 {
            for start in (area.x0..area.x1).step_by(BLOCK) {
                let count = BLOCK.min(area.x1 - start);
                if !is_wanted(detail.len()..detail.len() + count) {
                    detail.resize(detail.len() + count, [0.0; 4]);
                    continue;
                }
                let along = |v: usize| (v as f32 + 0.5) / scale as f32 - 0.5;
                let at = |i: usize| [along(start + i), along(y)];
                let mut values = self.current.look_up(at, count);
                if let Some(before) = &self.before {
                    let shown = shown.clamp(0.1, 1.0);
                    let gone = before.look_up(at, count);
                    for (value, gone) in values.iter_mut().zip(&gone) {
                        let both = value.iter_mut().zip(gone);
                        both.for_each(|(value, gone)| *value = gone + shown * (*value - gone));
                    }
                }
                detail.extend_from_slice(&values[..count]);
            }
        }
    }
}

impl Laid {
    /// Its detail at `count` places of the crop.
    #[inline(always)]
    fn look_up(&self, at: impl Fn(usize) -> [f32; 2], count: usize) -> [[f32; 4]; BLOCK] {
        let there: [[f32; 2]; BLOCK] = std::array::from_fn(|i| {
            let at = at(i);
            let [right, down] = self.displacement.at(at);
            [at[0] + right, at[1] + down]
        });
        let positions = [0, 1].map(|axis| there.map(|there| there[axis]));
        self.prototype.look_up(positions, count)
    }
}

/// How much of both `a` and `b` is in both.
fn overlap(a: Rect, b: Rect) -> f32 {
    let within = |low: usize, high: usize| high.saturating_sub(low);
    let both = within(a.x0.max(b.x0), a.x1.min(b.x1)) * within(a.y0.max(b.y0), a.y1.min(b.y1));
    both as f32 / (a.area() + b.area() - both).max(1) as f32
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};
    use mde_core::prototypes::SIDE;

    use super::*;

    const CROP: usize = SIDE / 2;
    const HOLE: Rect = Rect::new(40, 44, 88, 84);

    /// What a prototype shows, in [0, 1]: structures as wide as irises and lips.
    fn value(x: usize, y: usize, phase: f32) -> f32 {
        let (x, y) = (x as f32, y as f32);
        let coarse = 0.1 * (x / 31.0 + phase).sin() * (y / 23.0 - phase).cos();
        0.5 + coarse + 0.15 * (x / 4.0 + 3.0 * phase).sin() * (y / 5.0).cos()
    }

    fn prototypes() -> Prototypes {
        let column = RgbImage::from_fn(SIDE as u32, 2 * SIDE as u32, |x, y| {
            let (phase, y) = ((y as usize / SIDE) as f32, y as usize % SIDE);
            Rgb([(255.0 * value(x as usize, y, phase)).round() as u8; 3])
        });
        Prototypes::new(column).expect("prototypes")
    }

    /// A face that looks like a prototype but for its light, `[3, side, side]`.
    fn face(side: usize, phase: f32) -> Vec<f32> {
        let (step, lit) = (SIDE / side, |v: f32| 0.1 + 0.7 * v);
        let mean = |i: usize| {
            let (x, y) = (i % side * step, i / side % side * step);
            let block = (0..step * step).map(|k| value(x + k % step, y + k / step, phase));
            lit(block.sum::<f32>() / (step * step) as f32)
        };
        (0..3 * side * side).map(mean).collect()
    }

    /// The face at [`SIDE`] with the hole blurred, and its mask.
    fn blurred() -> (Vec<f32>, Vec<f32>) {
        let sharp = face(SIDE, 0.0);
        let mut rgb = sharp.clone();
        let mut blur = Blur::default();
        for plane in rgb.chunks_exact_mut(SIDE * SIDE) {
            blur.blur(plane, (SIDE, SIDE), LIGHT);
        }
        let is_missing = |i: usize| {
            let (x, y) = (i % SIDE / 2, i / SIDE % SIDE / 2);
            (HOLE.x0..HOLE.x1).contains(&x) && (HOLE.y0..HOLE.y1).contains(&y)
        };
        for (i, value) in rgb.iter_mut().enumerate() {
            if !is_missing(i) {
                *value = sharp[i];
            }
        }
        let mask = (0..SIDE * SIDE).map(|i| if is_missing(i) { 0.0 } else { 1.0 });
        (rgb, mask.collect())
    }

    fn off(a: &[f32], b: &[f32]) -> f32 {
        let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
        squares.sum::<f32>()
    }

    #[test]
    fn what_is_blurred_gets_the_detail_of_the_face_it_looks_like() {
        let mut likenesses = Likenesses::new(prototypes());
        let (mut rgb, mask) = blurred();
        let (before, truth) = (rgb.clone(), face(SIDE, 0.0));
        let completed = Completed {
            side: CROP,
            rgb: &face(CROP, 0.0),
            part: HOLE,
        };
        let enlarged = Enlarged {
            scale: SIDE / CROP,
            area: Rect::new(0, 0, SIDE, SIDE),
            rgb: &mut rgb,
            mask: &mask,
        };
        likenesses.give(1u32, &completed, enlarged, Duration::ZERO);
        assert_eq!(likenesses.faces[0].current.id, Id::of(0, false));
        let (was, is) = (off(&before, &truth), off(&rgb, &truth));
        assert!(is < 0.4 * was, "{is} instead of {was}");
        // What is known stays, bit by bit.
        let known = (0..rgb.len()).filter(|i| mask[i % (SIDE * SIDE)] > 0.0);
        assert!(
            known
                .into_iter()
                .all(|i| rgb[i].to_bits() == before[i].to_bits())
        );
        // So does the light.
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        assert!((mean(&rgb) - mean(&before)).abs() < 0.002);
    }

    #[test]
    fn a_face_keeps_its_prototype_until_another_one_is_clearly_nearer() {
        let mut likenesses = Likenesses::new(prototypes());
        let mut lay = |phase: f32, part: Rect, millis: u64| {
            let completed = Completed {
                side: CROP,
                rgb: &face(CROP, phase),
                part,
            };
            let at = likenesses.lay(1u32, &completed, Duration::from_millis(millis));
            let face = &likenesses.faces[at];
            (
                face.current.id,
                face.before.is_some(),
                likenesses.faces.len(),
            )
        };
        let [first, second] = [0, 1].map(|index| Id::of(index, false));
        assert_eq!(lay(0.0, HOLE, 0), (first, false, 1));
        // Not each frame.
        assert_eq!(lay(1.0, HOLE, 40), (first, false, 1));
        assert_eq!(lay(1.0, HOLE, 80), (first, false, 1));
        assert_eq!(lay(1.0, HOLE, 1000), (second, true, 1));
        assert_eq!(lay(1.0, HOLE, 1300), (second, false, 1));
        // Another part is missing: at once, without a fade.
        let mouth = Rect::new(30, 90, 90, 110);
        assert_eq!(lay(0.0, mouth, 1340), (first, false, 1));
    }
}
