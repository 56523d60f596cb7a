//! The colour of a completion along its hole's border, matched to what is known on the other side.

use mde_core::mask::CHANNELS;
use mde_core::occlusion::Rect;

use super::border::median;
use super::completed_crop::CompletedCrop;
use super::membrane::{Cell, Membrane};

/// Half the side of the squares in which both sides of a border are compared, in pixels of the crop.
const AROUND: usize = 4;
/// Fewer pixels than this on either side tell nothing.
const LEAST: usize = 8;
/// How far into the hole a difference reaches, in pixels of the crop.
const REACH: f32 = 12.0;
/// What is known counts where its colour is no farther off than this in any channel, from black to white:
/// else it is something else, such as hair or what is behind the face.
const FARTHEST: f32 = 0.07;
/// Differences are cut that are farther from the border's median than this many times their median
/// distance from it, but never those that are nearer than `SMALL`.
const FROM_MIDDLE: f32 = 1.5;
const SMALL: f32 = 0.015;

/// Takes away the seams of completions. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Seam {
    membrane: Membrane,
    sides: Vec<Side>,
    /// Of a channel along the border.
    off: Vec<f32>,
}

/// On which side of a border a pixel is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    /// All of it is known for sure.
    Known,
    /// All of it is missing.
    Missing,
    Neither,
}

impl Seam {
    /// Changes the colour of the completion by `share`, in `[0, 1]`, of what it is off across the border
    /// of its hole, less and less with the distance from there. Brightness stays: light falls on a face
    /// from somewhere, and no two sides of a border are equally bright. So does what is copied from
    /// a view, which has been fitted.
    pub fn fit(&mut self, crop: &mut CompletedCrop<'_>, share: f32) {
        let Some(part) = crop.part().filter(|_| share > 0.0) else {
            return;
        };
        let (width, height) = crop.size;
        self.sides.clear();
        self.sides.resize(width * height, Side::Neither);
        let looked_at = Rect {
            x0: part.x0.saturating_sub(AROUND),
            y0: part.y0.saturating_sub(AROUND),
            x1: (part.x1 + AROUND).min(width),
            y1: (part.y1 + AROUND).min(height),
        };
        for place in crop.places(looked_at) {
            self.sides[place] = crop.side(place);
        }
        self.membrane.clear((part.width(), part.height()));
        let (values, known) = self.membrane.cells_mut();
        let cells = values.iter_mut().zip(known);
        for ((value, known), place) in cells.zip(crop.places(part)) {
            known[CHANNELS] = 1.0;
            let is_at_border = is_at_border(&self.sides, crop.size, place);
            if let Some(off) = (is_at_border.then(|| across(crop, &self.sides, place))).flatten() {
                known[..CHANNELS].fill(1.0);
                value[..CHANNELS].copy_from_slice(&off);
            }
        }
        self.trim();
        self.membrane.settle(REACH);
        for (value, place) in self.membrane.values().iter().zip(crop.places(part)) {
            let share = share * (1.0 - crop.copied_at(place));
            for (channel, value) in value.iter().enumerate().take(CHANNELS) {
                crop.completed[crop.at(channel, place)] += share * value;
            }
        }
    }

    /// Cuts what is off by something else than most of the border is: what was made there shows more than
    /// the face, such as a jaw that is painted half way to what is behind it.
    fn trim(&mut self) {
        let Self { membrane, off, .. } = self;
        let (values, known) = membrane.cells_mut();
        for channel in 0..CHANNELS {
            let is_at_border = |known: &Cell| known[channel] > 0.0;
            let cells = values.iter().zip(&*known);
            let at_border = cells.filter(|(_, known)| is_at_border(known));
            off.clear();
            off.extend(at_border.map(|(value, _)| value[channel]));
            let Some(middle) = median(off) else {
                return;
            };
            off.iter_mut().for_each(|off| *off = (*off - middle).abs());
            let reach = (FROM_MIDDLE * median(off).unwrap_or(0.0)).max(SMALL);
            let cells = values.iter_mut().zip(&*known);
            for (value, _) in cells.filter(|(_, known)| is_at_border(known)) {
                value[channel] = value[channel].clamp(middle - reach, middle + reach);
            }
        }
    }
}

/// Whether the pixel at `place` is missing, and one beside it is not.
fn is_at_border(sides: &[Side], (width, height): (usize, usize), place: usize) -> bool {
    let (x, y) = (place % width, place / width);
    let is_missing = |place: usize| sides[place] == Side::Missing;
    is_missing(place)
        && (x > 0 && !is_missing(place - 1)
            || x + 1 < width && !is_missing(place + 1)
            || y > 0 && !is_missing(place - width)
            || y + 1 < height && !is_missing(place + width))
}

/// By how much the colour of what is known around the pixel at `place` is off that of what was made of what
/// is missing there, but for the brightness; nothing where one of the two is hardly there.
fn across(crop: &CompletedCrop<'_>, sides: &[Side], place: usize) -> Option<[f32; CHANNELS]> {
    let (width, height) = crop.size;
    let around = |v: usize, side: usize| v.saturating_sub(AROUND)..(v + AROUND + 1).min(side);
    let of = |side: Side| {
        let columns = around(place % width, width);
        let square = around(place / width, height)
            .flat_map(move |y| columns.clone().map(move |x| y * width + x));
        square.filter(move |at| sides[*at] == side)
    };
    let made = mean(of(Side::Missing).map(|at| colour(crop.completed, crop, at)))?;
    let is_alike = |known: &[f32; CHANNELS]| {
        let mut off = known.iter().zip(&made).map(|(known, made)| known - made);
        off.all(|off| off.abs() <= FARTHEST)
    };
    let known = of(Side::Known).map(|at| colour(crop.image, crop, at));
    let known = mean(known.filter(is_alike))?;
    Some([0, 1, 2].map(|channel| known[channel] - made[channel]))
}

/// The colour of a pixel of `picture`, `[3, H, W]`: its channels without its brightness.
fn colour(picture: &[f32], crop: &CompletedCrop<'_>, place: usize) -> [f32; CHANNELS] {
    let rgb = crop.rgb(picture, place).map(|v| v.clamp(0.0, 1.0));
    let brightness = rgb.iter().sum::<f32>() / CHANNELS as f32;
    rgb.map(|value| value - brightness)
}

/// The mean of `colours`; nothing where there are too few.
fn mean(colours: impl Iterator<Item = [f32; CHANNELS]>) -> Option<[f32; CHANNELS]> {
    let (mut sum, mut count) = ([0.0; CHANNELS], 0);
    for colour in colours {
        sum.iter_mut().zip(colour).for_each(|(sum, v)| *sum += v);
        count += 1;
    }
    (count >= LEAST).then(|| sum.map(|sum| sum / count as f32))
}

impl CompletedCrop<'_> {
    fn side(&self, place: usize) -> Side {
        match (self.is_all_missing(place), self.is_all_sound(place)) {
            (true, _) => Side::Missing,
            (false, true) => Side::Known,
            (false, false) => Side::Neither,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mde_core::mask::Mask;
    use mde_core::occlusion::Occlusion;

    const SIDE: usize = 96;
    const PIXELS: usize = SIDE * SIDE;
    const PINK: [f32; 3] = [0.72, 0.52, 0.50];
    /// Less red and blue, and darker.
    const TAN: [f32; 3] = [0.60, 0.48, 0.42];
    const GREY: [f32; 3] = [0.5; 3];

    fn flat(rgb: [f32; 3]) -> Vec<f32> {
        rgb.iter().flat_map(|v| [*v; PIXELS]).collect()
    }

    /// What becomes of a mouth that was made of [`TAN`] on a face like `image`, of which `copied` was
    /// copied.
    fn fitted(image: &[f32], mask: &[f32], copied: Option<&[f32]>) -> Vec<f32> {
        let mut completed = flat(TAN);
        let mut crop = CompletedCrop {
            copied,
            ..CompletedCrop::new((SIDE, SIDE), image, mask, &mut completed)
        };
        Seam::default().fit(&mut crop, 1.0);
        completed
    }

    fn mouth() -> Mask {
        Mask::from_occlusions(SIDE, SIDE, [Occlusion::Mouth])
    }

    /// The pixel of the mouth in the middle of its upper border.
    fn top(mask: &Mask) -> usize {
        let missing = |i: &usize| mask.as_slice()[*i] == 0.0;
        let first = (0..PIXELS).find(missing).expect("a mouth");
        first / SIDE * SIDE + SIDE / 2
    }

    fn at(picture: &[f32], pixel: usize) -> [f32; 3] {
        [0, 1, 2].map(|channel| picture[channel * PIXELS + pixel])
    }

    fn colour_of(rgb: [f32; 3]) -> [f32; 3] {
        rgb.map(|v| v - rgb.iter().sum::<f32>() / 3.0)
    }

    /// The largest difference.
    fn off(a: [f32; 3], b: [f32; 3]) -> f32 {
        a.iter()
            .zip(b)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max)
    }

    #[test]
    fn the_colour_goes_on_across_the_border_and_the_brightness_stays() {
        let mask = mouth();
        let made = fitted(&flat(PINK), mask.as_slice(), None);
        let there = at(&made, top(&mask));
        assert!(off(colour_of(there), colour_of(PINK)) < 0.005, "{there:?}");
        let brightness = |rgb: [f32; 3]| rgb.iter().sum::<f32>() / 3.0;
        assert!((brightness(there) - brightness(TAN)).abs() < 1e-4);
    }

    #[test]
    fn what_is_copied_stays() {
        let mask = mouth();
        let copied = [1.0; PIXELS / 4];
        let made = fitted(&flat(PINK), mask.as_slice(), Some(&copied));
        assert_eq!(made, flat(TAN));
    }

    #[test]
    fn what_is_behind_the_face_does_not_colour_it() {
        let mask = mouth();
        assert_eq!(fitted(&flat(GREY), mask.as_slice(), None), flat(TAN));
        // On the left half there is something else.
        let mut image = flat(PINK);
        for i in (0..3 * PIXELS).filter(|i| i % SIDE < SIDE / 2) {
            image[i] = GREY[i / PIXELS];
        }
        let there = at(&fitted(&image, mask.as_slice(), None), top(&mask));
        assert!(off(colour_of(there), colour_of(PINK)) < 0.01, "{there:?}");
    }

    #[test]
    fn a_part_of_the_border_that_is_off_otherwise_follows_the_rest() {
        let mask = mouth();
        // On the left quarter there is something that is a little less red than what was made.
        let grey = [0.53, 0.49, 0.48];
        let mut image = flat(PINK);
        for i in (0..3 * PIXELS).filter(|i| i % SIDE < SIDE / 3) {
            image[i] = grey[i / PIXELS];
        }
        let made = fitted(&image, mask.as_slice(), None);
        let missing = |i: &usize| mask.as_slice()[*i] == 0.0;
        let corner = (0..PIXELS).find(missing).expect("a mouth");
        let (there, least) = (colour_of(at(&made, corner)), colour_of(TAN));
        assert!(
            there[0] > least[0] - 0.5 * (least[0] - colour_of(grey)[0]),
            "{there:?}"
        );
    }

    #[test]
    fn pixels_of_which_a_channel_is_missing_tell_no_colour() {
        let mut mask = mouth().as_slice().to_vec();
        mask[..PIXELS].fill(0.0);
        assert_eq!(fitted(&flat(PINK), &mask, None), flat(TAN));
    }

    #[test]
    fn a_channel_that_is_missing_alone_is_left_to_others() {
        let mut mask = vec![1.0; 3 * PIXELS];
        mask[..PIXELS].copy_from_slice(&mouth().as_slice()[..PIXELS]);
        assert_eq!(fitted(&flat(PINK), &mask, None), flat(TAN));
    }
}
