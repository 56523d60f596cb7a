//! What a refiner changes of a completion, laid on it at the refiner's resolution.

use std::ops::Range;

use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;

use super::canvas::{BlendSource, Original, Row};
use super::colour::Colour;
use super::sampler::{BLOCK, Line, Sampler};

/// What a refiner changes of a completion, as it is enlarged bilinearly.
#[derive(Clone, Copy, Debug)]
pub struct Refined<'a> {
    /// Its pixels for each of the crop's, in each direction.
    pub scale: usize,
    /// Those of the crop at that scale that it looked at.
    pub area: Rect,
    /// What is to be added to the red, green and blue of each of them, row by row.
    pub change: &'a [[f32; 3]],
}

/// Changes to be looked up between pixels. Made once and refilled.
#[derive(Clone, Debug, Default)]
pub struct Refinement {
    sampler: Sampler<3>,
}

impl Refinement {
    /// Lays what is `refined`, if anything is, of a crop of `size` = (width, height) on what `source`
    /// paints.
    pub fn source<'a, I>(
        &'a mut self,
        source: I,
        refined: Option<&Refined<'_>>,
        to_crop: &Affine,
        (width, height): (usize, usize),
        colour: Colour,
    ) -> RefinedSource<'a, I> {
        let to_fine = refined.map(|refined| {
            let area = refined.area;
            self.sampler.clear((area.width(), area.height()));
            for row in refined.change.chunks_exact(area.width()) {
                self.sampler.add_row(row.iter().copied());
            }
            self.sampler.finish();
            let fine = (width * refined.scale, height * refined.scale);
            let to_fine = to_crop.then(&Affine::stretch((width, height), fine));
            (to_fine, area)
        });
        RefinedSource {
            source,
            sampler: &self.sampler,
            to_fine,
            colour,
        }
    }
}

/// A blend source whose blends have the components' values times one weight, with what is refined laid
/// on it.
#[derive(Debug)]
pub struct RefinedSource<'a, I> {
    source: I,
    sampler: &'a Sampler<3>,
    /// From the frame to the refiner's pixels, and those it looked at; nothing where it did not.
    to_fine: Option<(Affine, Rect)>,
    colour: Colour,
}

impl<I: BlendSource> BlendSource for RefinedSource<'_, I> {
    fn blend_row(
        &mut self,
        original: &Original<'_>,
        xs: &Range<usize>,
        y: usize,
        row: &mut Row<'_>,
    ) {
        self.source.blend_row(original, xs, y, row);
        let Some((to_fine, area)) = &self.to_fine else {
            return;
        };
        let line = Line::of_frame(to_fine, area, xs.start, y);
        let [a, b, c, weights] = row;
        for first in (0..xs.len()).step_by(BLOCK) {
            let end = (first + BLOCK).min(xs.len());
            let weights = &weights[first..end];
            if weights.iter().all(|weight| *weight == 0.0) {
                continue;
            }
            let (changes, _) = self.sampler.look_up(&line, first, weights.len(), 0);
            for (i, (weight, change)) in weights.iter().zip(changes).enumerate() {
                let change = self.colour.change(change);
                for (plane, change) in [&mut *a, &mut *b, &mut *c].into_iter().zip(change) {
                    plane[first + i] += weight * change;
                }
            }
        }
    }

    fn painted(&self) -> Option<&[f32]> {
        self.source.painted()
    }
}
