//! Damage told in pixels of the frame, from where it is told to where it is mended.

use std::sync::Arc;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::occlusion::Rect;

use super::cut::Cut;
use super::settings::FrameSettings;
use crate::damage::{self, Damage, PixelHole, Raster};
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
}

impl Default for FrameDamage {
    fn default() -> Self {
        Self {
            mask: None,
            raster: Raster::intact(0, 0),
            search: Search::default(),
            hole: PixelHole::default(),
        }
    }
}

impl FrameDamage {
    /// Takes `mask` for the mask picture from now on; tells whether it is another one.
    pub fn set_mask(&mut self, mask: Option<Arc<Raster>>) -> bool {
        let address = |mask: &Option<Arc<Raster>>| mask.as_ref().map(Arc::as_ptr);
        let is_new = address(&mask) != address(&self.mask);
        self.mask = mask;
        is_new
    }

    /// Looks for damage in the part of `frame` that `region`'s crop of `crop` = (width, height)
    /// shows. Gives that part if there is any.
    pub fn find<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        region: &Region,
        crop: (usize, usize),
        settings: &FrameSettings,
    ) -> Option<Rect> {
        let size = (frame.width() as usize, frame.height() as usize);
        let mask = self.mask.as_deref().filter(|mask| mask.size() == size);
        if mask.is_none() && !settings.marks_pixels(frame::has_alpha(frame.info())) {
            return None;
        }
        if self.raster.size() != size {
            self.raster = Raster::intact(size.0, size.1);
        }
        let area = damage::area_of_crop(&region.to_frame, crop, size);
        self.raster.reset(area, mask);
        if settings.mask_from_alpha {
            self.search.transparent(frame, area, &mut self.raster);
        }
        if let Some(rgb) = settings.damage_color() {
            let tolerance = settings.damage_tolerance as f32;
            self.search
                .coloured(frame, rgb, tolerance, area, &mut self.raster);
        }
        (!self.raster.is_intact_in(area)).then_some(area)
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

    /// The weights of the damaged pixels of `area` and of those that `cut` takes from `region`'s
    /// crop.
    pub fn weights(&mut self, region: &Region, area: Rect, cut: &Cut) -> Option<PixelWeights<'_>> {
        let scale = region.to_frame.determinant().abs().sqrt() as f32;
        let hole = cut.hole();
        let (width, height) = hole.size();
        let raster = &self.raster;
        self.hole.fill(area, cut.feather() * scale, |x, y| {
            let [u, v] = region.to_crop.apply([x as f64, y as f64]).map(f64::round);
            let is_within = (0.0..width as f64).contains(&u) && (0.0..height as f64).contains(&v);
            match is_within {
                true if hole.covers(u as usize, v as usize) => raster.at(x, y).max(Damage::Covered),
                true => raster.at(x, y),
                false => Damage::None,
            }
        });
        let (area, weights) = self.hole.weights()?;
        Some(PixelWeights { area, weights })
    }
}
