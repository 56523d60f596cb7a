//! Damage told in pixels of the frame, from where it is told to where it is mended.

use std::sync::Arc;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;

use super::cut::Cut;
use crate::damage::{self, Damage, PixelHole, Raster};
use crate::element::properties::FrameSettings;
use crate::frame::{self, PixelWeights, Search};
use crate::locate::Region;

/// The damage of the present frame.
#[derive(Debug)]
pub struct FrameDamage {
    /// Of the mask picture, at the size of the frames.
    mask: Option<Arc<Raster>>,
    /// All damage, filled in where the regions are.
    raster: Raster,
    search: Search,
    hole: PixelHole,
    kept: Kept,
}

/// What still holds of earlier frames where the mask picture alone tells the damage.
#[derive(Debug, Default)]
struct Kept {
    /// The part of the frame that was looked at last, and the damage there.
    found: Option<(Rect, Option<Rect>)>,
    /// Where the hole's weights were made for: their part of the frame, and the way to the crop.
    hole: Option<(Rect, Affine)>,
}

impl Default for FrameDamage {
    fn default() -> Self {
        Self {
            mask: None,
            raster: Raster::intact(0, 0),
            search: Search::default(),
            hole: PixelHole::default(),
            kept: Kept::default(),
        }
    }
}

impl FrameDamage {
    /// Takes `mask` for the mask picture from now on; tells whether it is another one.
    pub fn set_mask(&mut self, mask: Option<Arc<Raster>>) -> bool {
        let address = |mask: &Option<Arc<Raster>>| mask.as_ref().map(Arc::as_ptr);
        let is_new = address(&mask) != address(&self.mask);
        self.mask = mask;
        if is_new {
            self.forget();
        }
        is_new
    }

    /// Keeps nothing of earlier frames, for what is asked for has changed.
    pub fn forget(&mut self) {
        self.kept = Kept::default();
    }

    /// Looks for damage in the part of `frame` that `region`'s crop of `crop` = (width, height)
    /// shows. Gives the smallest rectangle around it, if there is any.
    pub fn find<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        region: &Region,
        crop: (usize, usize),
        settings: &FrameSettings,
    ) -> Option<Rect> {
        let size = (frame.width() as usize, frame.height() as usize);
        let mask = self.mask.as_deref().filter(|mask| mask.size() == size);
        let marks_pixels = settings.marks_pixels(frame::has_alpha(frame.info()));
        if mask.is_none() && !marks_pixels {
            return None;
        }
        let area = damage::area_of_crop(&region.to_frame, crop, size);
        if let (Some((of, found)), false) = (self.kept.found, marks_pixels)
            && of == area
            && self.raster.size() == size
        {
            return found;
        }
        if self.raster.size() != size {
            self.raster = Raster::intact(size.0, size.1);
        }
        self.raster.reset(area, mask);
        if settings.mask_from_alpha {
            self.search.transparent(frame, area, &mut self.raster);
        }
        if let Some(rgb) = settings.damage_color() {
            let tolerance = settings.damage_tolerance as f32;
            self.search
                .coloured(frame, rgb, tolerance, area, &mut self.raster);
        }
        let found = self.raster.bounds_in(area);
        self.kept.hole = None;
        self.kept.found = (!marks_pixels).then_some((area, found));
        found
    }

    /// Takes the damage of `area` out of the mask of `region`'s crop, `[3, H, W]`.
    pub fn carry<T>(
        &self,
        frame: &VideoFrameRef<T>,
        region: &Region,
        area: Rect,
        crop: (usize, usize),
        mask: &mut [f32],
    ) {
        let reach = frame::reach(frame.info(), &region.to_frame, &region.to_crop);
        damage::carry(&self.raster, area, &region.to_crop, reach, crop, mask);
    }

    /// The weights of the damaged pixels of `part` and of those that `cut` takes from `region`'s
    /// crop.
    pub fn weights(&mut self, region: &Region, part: Rect, cut: &Cut) -> Option<PixelWeights<'_>> {
        let crop = cut.hole().size();
        let area = damage::area_of_crop(&region.to_frame, crop, self.raster.size());
        let area = match cut.is_empty() {
            true => with_border(part, area),
            false => area,
        };
        let wanted = Some((area, region.to_crop));
        if self.kept.hole != wanted {
            self.fill(region, area, cut);
            self.kept.hole = wanted;
        }
        let (area, weights) = self.hole.weights()?;
        Some(PixelWeights { area, weights })
    }

    /// Makes the weights of `area`.
    fn fill(&mut self, region: &Region, area: Rect, cut: &Cut) {
        let scale = region.to_frame.determinant().abs().sqrt() as f32;
        let hole = cut.hole();
        let (width, height) = hole.size();
        let (raster, is_cut) = (&self.raster, !cut.is_empty());
        self.hole.fill(area, cut.feather() * scale, |x, y| {
            let damage = raster.at(x, y);
            if damage == Damage::None && !is_cut {
                return Damage::None;
            }
            let [u, v] = region.to_crop.apply([x as f64, y as f64]).map(f64::round);
            let is_within = (0.0..width as f64).contains(&u) && (0.0..height as f64).contains(&v);
            match is_within {
                true if hole.covers(u as usize, v as usize) => damage.max(Damage::Covered),
                true => damage,
                false => Damage::None,
            }
        });
    }
}

/// `part` with the pixels next to it that lie in `area`, from where the hole's border is seen.
fn with_border(part: Rect, area: Rect) -> Rect {
    Rect::new(
        part.x0.saturating_sub(1).max(area.x0),
        part.y0.saturating_sub(1).max(area.y0),
        (part.x1 + 1).min(area.x1),
        (part.y1 + 1).min(area.y1),
    )
}
