//! What is painted beside a face, made to go on as what is known there.

use mde_core::mask::CHANNELS;
use mde_core::occlusion::Rect;

use super::border::median;
use super::completed_crop::CompletedCrop;
use super::membrane::Membrane;
use crate::blur::Blur;

/// Middle and half axes of the ellipse within which all is face, as shares of the crop's sides.
const FACE: [[f32; 2]; 2] = [[0.496, 0.563], [0.26, 0.33]];
/// How far the shares of red, green and blue may be from the skin's for a pixel to be skin, and from which
/// distance on it is none.
const UNLIKE: [f32; 2] = [0.03, 0.06];
/// A sum of red, green and blue, each in `[0, 1]`, below which a pixel tells no colour.
const DARKEST: f32 = 0.3;
/// The same of what is known around, from which on hair that is painted there is not believed, and by how
/// much.
const BRIGHT: [f32; 2] = [0.9, 1.5];
/// Radius of the blur by which what is skin and what is not give way to each other, in pixels of the crop.
const AROUND: usize = 2;
/// What must be told of around a pixel: sums of a blur do not come back to nothing.
const LEAST_TOLD: f32 = 0.01;
/// How far what is known reaches, in pixels of the crop, what must be left of it there, and what is enough
/// for it to be all that counts.
const REACH: f32 = 12.0;
const FARTHEST: f32 = 0.05;
const NEAR: f32 = 0.2;
/// Fewer known pixels of the face than this do not tell its skin.
const LEAST: usize = 64;

/// Completes what is behind faces. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    membrane: Membrane,
    /// Whether each pixel of a crop is within the face, and the size of that.
    face: Vec<bool>,
    size: (usize, usize),
    values: [Vec<f32>; CHANNELS],
    unlike: Vec<f32>,
    told: Vec<f32>,
    blur: Blur,
}

impl Behind {
    /// Replaces `share`, in `[0, 1]`, of what was painted beside the face and has not the colour of its skin
    /// by what is known around the hole there, carried into it: a generator of faces knows little of
    /// what may be behind them. What is copied from a view stays.
    pub fn fit(&mut self, crop: &mut CompletedCrop<'_>, share: f32) {
        let Some(part) = crop.part().filter(|_| share > 0.0) else {
            return;
        };
        self.outline(crop.size);
        if crop.places(part).all(|place| self.face[place]) {
            return;
        }
        let Some(skin) = self.skin(crop) else {
            return;
        };
        self.membrane.clear((part.width(), part.height()));
        let (values, known) = self.membrane.cells_mut();
        for ((value, known), place) in values.iter_mut().zip(known).zip(crop.places(part)) {
            if !self.face[place] && crop.is_all_sound(place) {
                let [red, green, blue] = crop.rgb(crop.image, place);
                // The fourth tells how much of a value comes from what is known.
                (*value, *known) = ([red, green, blue, 1.0], [1.0; 4]);
            }
        }
        self.membrane.settle(REACH);
        self.weigh(crop, part, skin);
        let weights = self.unlike.iter().zip(&self.told);
        let both = self.membrane.values().iter().zip(weights);
        for ((value, (unlike, told)), place) in both.zip(crop.places(part)) {
            let near = value[CHANNELS];
            let is_told = *told > LEAST_TOLD && near > FARTHEST;
            if self.face[place] || !is_told || !crop.is_all_missing(place) {
                continue;
            }
            let painted = 1.0 - crop.copied_at(place);
            let sure = ((near - FARTHEST) / (NEAR - FARTHEST)).min(1.0);
            let share = share * painted * unlike / told * sure;
            for (channel, known) in value.iter().enumerate().take(CHANNELS) {
                let made = &mut crop.completed[crop.at(channel, place)];
                *made += share * (known / near - *made);
            }
        }
    }

    /// Makes `face` that of crops of `size`.
    fn outline(&mut self, size @ (width, height): (usize, usize)) {
        if self.size == size {
            return;
        }
        let [middle, axes] = FACE;
        let along = |v: usize, side: usize, axis: usize| {
            ((v as f32 + 0.5) / side as f32 - middle[axis]) / axes[axis]
        };
        let is_face = |place: usize| {
            along(place % width, width, 0).hypot(along(place / width, height, 1)) < 1.0
        };
        self.face = (0..width * height).map(is_face).collect();
        self.size = size;
    }

    /// Finds how much of what is around each pixel of `part` is none of the `skin`, and how much of that tells
    /// it. What is too dark to tell is hair or a beard; but it is no hair, above the middle of the face, where
    /// all that is known about there is bright.
    fn weigh(&mut self, crop: &CompletedCrop<'_>, part: Rect, skin: [f32; CHANNELS]) {
        let Self {
            unlike,
            told,
            blur,
            membrane,
            ..
        } = self;
        unlike.clear();
        told.clear();
        let middle = FACE[0][1] * crop.size.1 as f32;
        for (place, known) in crop.places(part).zip(membrane.values()) {
            let is_above = ((place / crop.size.0) as f32) < middle;
            let found = self::unlike(crop.rgb(crop.completed, place), skin)
                .or_else(|| brightness(known).filter(|_| is_above));
            unlike.push(found.unwrap_or(0.0));
            told.push(f32::from(u8::from(found.is_some())));
        }
        for plane in [unlike, told] {
            blur.blur(plane, (part.width(), part.height()), AROUND);
        }
    }

    /// The colour of the skin: the middle one of what is known of the face; nothing where that is little or too
    /// dark.
    fn skin(&mut self, crop: &CompletedCrop<'_>) -> Option<[f32; CHANNELS]> {
        self.values.iter_mut().for_each(Vec::clear);
        for place in (0..self.face.len()).filter(|place| self.face[*place]) {
            if crop.rgb(crop.mask, place).iter().all(|mask| *mask != 0.0) {
                let values = self.values.iter_mut().zip(crop.rgb(crop.image, place));
                values.for_each(|(values, value)| values.push(value));
            }
        }
        let [red, green, blue] = &mut self.values;
        let are_enough = red.len() >= LEAST;
        let skin = [median(red)?, median(green)?, median(blue)?];
        let tells = skin.iter().sum::<f32>() >= DARKEST;
        (are_enough && tells).then_some(skin)
    }
}

/// How much a colour is none of the `skin`'s, in `[0, 1]`, whatever the light; nothing where it is too dark.
fn unlike(rgb: [f32; CHANNELS], skin: [f32; CHANNELS]) -> Option<f32> {
    let rgb = rgb.map(|v| v.clamp(0.0, 1.0));
    let sums = [rgb, skin].map(|rgb| rgb.iter().sum::<f32>());
    if sums[0] < DARKEST {
        return None;
    }
    let both = rgb.iter().zip(&skin);
    let off = both.map(|(rgb, skin)| (rgb / sums[0] - skin / sums[1]).abs());
    let off = off.fold(0.0, f32::max);
    let [low, high] = UNLIKE;
    Some(((off - low) / (high - low)).clamp(0.0, 1.0))
}

/// How bright what is `known` around a place is, in `[0, 1]`: a sum of each channel and of how much is known;
/// nothing where it is dark or far.
fn brightness(known: &[f32; CHANNELS + 1]) -> Option<f32> {
    let [red, green, blue, near] = known;
    let sum = (red + green + blue) / near.max(FARTHEST);
    let [low, high] = BRIGHT;
    (*near > FARTHEST && sum > low).then(|| ((sum - low) / (high - low)).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 96;
    const PIXELS: usize = SIDE * SIDE;
    const SKIN: [f32; 3] = [0.62, 0.46, 0.40];
    const WALL: [f32; 3] = [0.6; 3];
    const BLUE: [f32; 3] = [0.5, 0.62, 0.7];
    /// Missing from there on down, across the whole crop.
    const TOP: usize = 50;
    /// Beside the face, and on its chin.
    const BESIDE: usize = 70 * SIDE + 8;
    const CHIN: usize = 75 * SIDE + 48;

    /// An upright face of `skin` before something else, `[3, 96, 96]`.
    fn face(skin: [f32; 3], behind: [f32; 3]) -> Vec<f32> {
        let is_face = |place: usize| {
            let [x, y] = [place % SIDE, place / SIDE].map(|v| v as f32);
            ((x - 48.0) / 30.0).hypot((y - 54.0) / 40.0) < 1.0
        };
        (0..3 * PIXELS)
            .map(|i| if is_face(i % PIXELS) { skin } else { behind }[i / PIXELS])
            .collect()
    }

    /// What becomes of `made` on a face before a wall, of which the sides of the wall below `TOP` stay known.
    fn fitted(image: &[f32], made: &[f32], copied: Option<&[f32]>) -> Vec<f32> {
        let is_missing = |i: usize| i % PIXELS / SIDE >= TOP && (4..92).contains(&(i % SIDE));
        let mask: Vec<f32> = (0..3 * PIXELS)
            .map(|i| if is_missing(i) { 0.0 } else { 1.0 })
            .collect();
        let mut completed = made.to_vec();
        let mut crop = CompletedCrop {
            copied,
            ..CompletedCrop::new((SIDE, SIDE), image, &mask, &mut completed)
        };
        Behind::default().fit(&mut crop, 1.0);
        completed
    }

    fn at(picture: &[f32], place: usize) -> [f32; 3] {
        [0, 1, 2].map(|channel| picture[channel * PIXELS + place])
    }

    #[test]
    fn the_wall_goes_on_behind_a_face_that_stays() {
        let (image, made) = (face(SKIN, WALL), face(SKIN, BLUE));
        let found = fitted(&image, &made, None);
        let beside = at(&found, BESIDE);
        let off = beside.iter().zip(WALL).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f32::max) < 0.02, "{beside:?}");
        assert_eq!(at(&found, CHIN), SKIN);
    }

    #[test]
    fn what_is_far_from_all_that_is_known_stays() {
        // Of the left half of the crop alone is anything known.
        let (image, made) = (face(SKIN, WALL), face(SKIN, BLUE));
        let mask: Vec<f32> = (0..3 * PIXELS)
            .map(|i| if i % SIDE >= SIDE / 2 { 0.0 } else { 1.0 })
            .collect();
        let mut completed = made.clone();
        let mut crop = CompletedCrop::new((SIDE, SIDE), &image, &mask, &mut completed);
        Behind::default().fit(&mut crop, 1.0);
        let far = 60 * SIDE + 90;
        assert_eq!(at(&completed, far), at(&made, far));
    }

    #[test]
    fn dark_hair_stays_but_not_before_a_bright_wall() {
        let [wall, dark] = [WALL, [0.06; 3]].map(|behind| face(SKIN, behind));
        assert_eq!(fitted(&dark, &dark, None), dark);
        let found = fitted(&wall, &dark, None);
        let (hair, beard) = ((TOP + 1) * SIDE + 8, BESIDE);
        assert!(at(&found, hair)[0] > 0.5, "{:?}", at(&found, hair));
        assert_eq!(at(&found, beard), [0.06; 3]);
    }

    #[test]
    fn what_is_copied_and_faces_without_skin_stay() {
        let image = face(SKIN, WALL);
        let made = face(SKIN, BLUE);
        assert_eq!(fitted(&image, &made, Some(&[1.0; PIXELS / 4])), made);
        let unlit = face([0.02; 3], WALL);
        assert_eq!(fitted(&unlit, &made, None), made);
    }
}
