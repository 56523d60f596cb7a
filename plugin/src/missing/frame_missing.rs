//! What is missing from a frame, and from each region in it: the one value from which the
//! generator's mask, the weights of what is painted, and the rest that no region has all come.

use std::sync::Arc;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;

use super::area::area_of_crop;
use super::carry::carry;
use super::colour::ColourDamage;
use super::laid_cover::LaidCover;
use super::raster::{Damage, Raster};
use super::region_weights::{Missing, RegionWeights};
use super::static_hole::StaticHole;
use super::teller::{Teller, Tellers};
use super::widen::{Reach, Widener};
use crate::frame::{self, ColourRange, PixelWeights, Search};
use crate::locate::Region;
use crate::parts::Parts;

/// More rectangles of damage than this are not told apart.
const MOST_HOLES: usize = 64;

/// What tells of damage, besides a mask picture.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources {
    /// Whether as much of a pixel is missing as its alpha is short of opaque.
    pub from_alpha: bool,
    /// The colours of missing pixels.
    pub colour: Option<ColourRange>,
    /// By how many pixels of the frame all damage is widened.
    pub grow: usize,
    /// Whether it is kept which source told of a pixel.
    pub keeps_tellers: bool,
}

/// What is missing from the present frame.
#[derive(Debug)]
pub struct FrameMissing {
    /// The mask picture, at the size of the frames.
    mask: Option<Arc<Raster>>,
    /// Rectangles that hold all of its damage, once they have been looked for.
    in_mask: Option<Vec<Rect>>,
    /// All damage of the frame.
    raster: Raster,
    /// Rectangles that hold all of it and overlap nowhere.
    holes: Vec<Rect>,
    /// Nothing unless they are kept.
    tellers: Tellers,
    search: Search,
    colour: ColourDamage,
    crops: Vec<Rect>,
    parts: Parts,
    widener: Widener,
    weights: RegionWeights,
    /// Into the crops of faces near a hole.
    near: Vec<Affine>,
    kept: DamageCache,
}

/// What still holds of earlier frames.
#[derive(Debug, Default, PartialEq)]
struct DamageCache {
    /// How damage was widened when `raster` and `holes` were made, if only the mask picture tells
    /// it.
    reach: Option<Reach>,
    /// Whether it was kept what told it.
    has_tellers: bool,
    /// What the weights were made for: their part of the frame, the way to the crop, and the number
    /// of the cover.
    weights: Option<(Rect, Affine, Option<u64>)>,
}

impl Default for FrameMissing {
    fn default() -> Self {
        Self {
            mask: None,
            in_mask: None,
            raster: Raster::intact(0, 0),
            holes: Vec::new(),
            tellers: Tellers::default(),
            search: Search::default(),
            colour: ColourDamage::default(),
            crops: Vec::new(),
            parts: Parts::default(),
            widener: Widener::default(),
            weights: RegionWeights::default(),
            near: Vec::new(),
            kept: DamageCache::default(),
        }
    }
}

impl FrameMissing {
    /// Takes `mask` for the mask picture from now on; tells whether it is another one.
    pub fn set_mask(&mut self, mask: Option<Arc<Raster>>) -> bool {
        let address = |mask: &Option<Arc<Raster>>| mask.as_ref().map(Arc::as_ptr);
        let is_new = address(&mask) != address(&self.mask);
        self.mask = mask;
        if is_new {
            self.in_mask = None;
            self.forget();
        }
        is_new
    }

    /// Keeps nothing of earlier frames, for what is asked for has changed.
    pub fn forget(&mut self) {
        self.kept = DamageCache::default();
    }

    /// Looks for all damage of `frame`, besides what was `found` in it by itself, of which `regions`
    /// show crops of `crop` = (width, height).
    pub fn look<'r, T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        sources: &Sources,
        found: Option<impl Iterator<Item = Rect>>,
        regions: impl Iterator<Item = &'r Region>,
        crop: (usize, usize),
    ) {
        let size = (frame.width() as usize, frame.height() as usize);
        let reach = Reach {
            grow: sources.grow,
            block: frame::shared_block(frame.info()),
        };
        let from_alpha = sources.from_alpha && frame::has_alpha(frame.info());
        let is_static = !from_alpha && sources.colour.is_none() && found.is_none();
        let keeps = sources.keeps_tellers;
        let is_kept = self.kept.reach == Some(reach) && self.kept.has_tellers == keeps;
        if is_static && is_kept && self.raster.size() == size {
            return;
        }
        self.kept = DamageCache {
            reach: is_static.then_some(reach),
            has_tellers: keeps,
            weights: None,
        };
        self.clear(size);
        self.tellers.clear(keeps.then_some(size));
        self.take_mask();
        let mut settled = self.settle(0, reach, keeps.then_some(Teller::MaskFile));
        if from_alpha {
            self.take_alpha(frame);
            settled = self.settle(settled, reach, keeps.then_some(Teller::Alpha));
        }
        if let Some(range) = sources.colour {
            self.crops.clear();
            let areas = regions.map(|region| area_of_crop(&region.to_frame, crop, size));
            self.crops.extend(areas);
            let Self { search, raster, .. } = self;
            let parts = self.colour.mark(search, frame, range, &self.crops, raster);
            self.holes.extend(parts);
            settled = self.settle(settled, reach, keeps.then_some(Teller::Colour));
        }
        if let Some(found) = found {
            self.take_found(found);
            self.settle(settled, reach, keeps.then_some(Teller::DropOut));
        }
        merge(&mut self.holes);
    }

    /// Widens what was found since there were `settled` holes, of which `teller` told, if that is to
    /// be kept. Gives the number of holes.
    fn settle(&mut self, settled: usize, reach: Reach, teller: Option<Teller>) -> usize {
        for hole in &mut self.holes[settled..] {
            *hole = self.widener.widen(&mut self.raster, *hole, reach);
            let Some(teller) = teller else { continue };
            for y in hole.y0..hole.y1 {
                let row = (hole.x0..).zip(self.raster.row(*hole, y));
                for (x, _) in row.filter(|(_, damage)| **damage != Damage::None) {
                    self.tellers.note(x, y, teller);
                }
            }
        }
        self.holes.len()
    }

    /// Makes the raster one of `size` = (width, height) without damage.
    fn clear(&mut self, size: (usize, usize)) {
        if self.raster.size() != size {
            self.raster = Raster::intact(size.0, size.1);
        } else {
            // They hold all that there is, so that not the whole of every frame is gone through.
            for hole in &self.holes {
                self.raster.reset(*hole, None);
            }
        }
        self.holes.clear();
    }

    fn take_mask(&mut self) {
        let Some(mask) = &self.mask else { return };
        if mask.size() != self.raster.size() {
            return;
        }
        let parts = &mut self.parts;
        let in_mask = self.in_mask.get_or_insert_with(|| {
            parts.clear();
            for y in 0..mask.size().1 {
                let row = mask.row(mask.all(), y).iter();
                parts.add_row(y, 0, row.map(|damage| *damage != Damage::None));
            }
            let mut holes = parts.finish().iter().map(|part| part.bounds).collect();
            merge(&mut holes);
            holes
        });
        for hole in in_mask.iter() {
            self.raster.reset(*hole, Some(mask));
        }
        self.holes.extend_from_slice(in_mask);
    }

    fn take_found(&mut self, found: impl Iterator<Item = Rect>) {
        for hole in found {
            for y in hole.y0..hole.y1 {
                self.raster.row_mut(hole, y).fill(Damage::Lost);
            }
            self.holes.push(hole);
        }
    }

    fn take_alpha<T>(&mut self, frame: &VideoFrameRef<T>) {
        let Self { raster, parts, .. } = self;
        let all = raster.all();
        parts.clear();
        self.search.alpha(frame, all, |y, alphas| {
            if alphas.iter().all(|alpha| *alpha == 1.0) {
                return;
            }
            let row = raster.row_mut(all, y).iter_mut();
            for (damage, alpha) in row.zip(alphas) {
                *damage = (*damage).max(Damage::of_share(1.0 - alpha));
            }
            parts.add_row(y, 0, alphas.iter().map(|alpha| *alpha < 1.0));
        });
        let found = parts.finish().iter().map(|part| part.bounds);
        self.holes.extend(found);
    }

    /// Whether anything of the frame is damaged.
    pub fn is_damaged(&self) -> bool {
        !self.holes.is_empty()
    }

    /// A rectangle around the damage that `region`'s crop of `crop` = (width, height) shows, and
    /// around the `cover` of its face, if there is any of them.
    pub fn part_of(
        &self,
        region: &Region,
        crop: (usize, usize),
        cover: Option<&LaidCover<'_>>,
    ) -> Option<Rect> {
        let area = area_of_crop(&region.to_frame, crop, self.raster.size());
        let holes = self
            .holes
            .iter()
            .filter_map(|hole| self.raster.bounds_in(overlap(*hole, area)?));
        let covered = cover.and_then(|cover| cover.area(self.raster.size()));
        holes.chain(covered).reduce(around)
    }

    /// Takes the damage of `frame` out of the mask of the crop of `size` = (width, height) that `to_crop` maps
    /// it to and `to_frame` back, `[C, H, W]` with 1 where known.
    pub fn carry_all<T>(
        &self,
        frame: &VideoFrameRef<T>,
        to_frame: &Affine,
        to_crop: &Affine,
        size: (usize, usize),
        mask: &mut [f32],
    ) {
        let area = area_of_crop(to_frame, size, self.raster.size());
        let reach = frame::reach(frame.info(), to_frame, to_crop);
        for hole in self.holes.iter().filter_map(|hole| overlap(*hole, area)) {
            carry(&self.raster, hole, to_crop, reach, size, mask);
        }
    }

    /// Takes the damage of `area`, and the `cover` of the face, out of the mask of `region`'s crop of
    /// `crop` = (width, height), `[3, H, W]` with 1 where known.
    pub fn carry<T>(
        &self,
        frame: &VideoFrameRef<T>,
        region: &Region,
        area: Rect,
        cover: Option<&LaidCover<'_>>,
        crop: (usize, usize),
        mask: &mut [f32],
    ) {
        let reach = frame::reach(frame.info(), &region.to_frame, &region.to_crop);
        carry(&self.raster, area, &region.to_crop, reach, crop, mask);
        if let Some(cover) = cover {
            cover.carry(crop, mask);
        }
    }

    /// The weights of the damaged pixels of `part`, of those that the `cover` of the face hides there,
    /// and of those that `cut` takes from `region`'s crop.
    pub fn weights(
        &mut self,
        region: &Region,
        part: Rect,
        cut: &StaticHole,
        cover: Option<&LaidCover<'_>>,
    ) -> Option<PixelWeights<'_>> {
        self.weigh(region, part, cut, cover);
        let (area, weights) = self.weights.weights()?;
        Some(PixelWeights { area, weights })
    }

    /// As [`Self::weights`], with what tells that a pixel is missing.
    pub fn told_weights<'a>(
        &'a mut self,
        region: &'a Region,
        part: Rect,
        cut: &'a StaticHole,
        cover: Option<&'a LaidCover<'_>>,
    ) -> Option<(PixelWeights<'a>, impl Fn(usize, usize) -> Option<Teller>)> {
        self.weigh(region, part, cut, cover);
        let (area, weights) = self.weights.weights()?;
        let (tellers, size) = (&self.tellers, cut.size());
        let teller = move |x, y| {
            let is_covered = || cover.is_some_and(|cover| cover.damage(x, y) != Damage::None);
            let in_crop = || in_crop(&region.to_crop, size, x, y);
            let of_crop = || in_crop().map(|(u, v)| cut.teller(v * size.0 + u));
            tellers
                .at(x, y)
                .or_else(|| is_covered().then_some(Teller::Cover))
                .or_else(of_crop)
        };
        Some((PixelWeights { area, weights }, teller))
    }

    /// Makes the weights, unless they are made already.
    fn weigh(
        &mut self,
        region: &Region,
        part: Rect,
        cut: &StaticHole,
        cover: Option<&LaidCover<'_>>,
    ) {
        let hole = cut.hole();
        let size = hole.size();
        let is_cut = !cut.is_empty();
        let area = match is_cut {
            true => area_of_crop(&region.to_frame, size, self.raster.size()),
            false => part,
        };
        let wanted = Some((area, region.to_crop, cover.map(LaidCover::version)));
        if self.kept.weights != wanted {
            let scale = region.to_frame.determinant().abs().sqrt() as f32;
            let raster = &self.raster;
            self.weights.fill(area, cut.feather() * scale, |x, y| {
                let covered = cover.map_or(Damage::None, |cover| cover.damage(x, y));
                let damage = raster.at(x, y).max(covered);
                if damage == Damage::None && !is_cut {
                    return Missing::default();
                }
                match in_crop(&region.to_crop, size, x, y) {
                    Some((u, v)) => Missing {
                        damage,
                        is_cut: is_cut && hole.covers(u, v),
                    },
                    None => Missing::default(),
                }
            });
            self.kept.weights = wanted;
        }
    }

    /// Calls `take` with the weights of all the damage that lies in none of the crops of `size` =
    /// (width, height) of `regions`, and with what told of damage.
    pub fn rest<'r>(
        &mut self,
        regions: impl Iterator<Item = &'r Region> + Clone,
        size: (usize, usize),
        mut take: impl FnMut(PixelWeights<'_>, &Tellers),
    ) {
        let Self {
            raster,
            holes,
            tellers,
            weights,
            near,
            ..
        } = self;
        self.kept.weights = None;
        for hole in holes.iter() {
            let area = |region: &Region| area_of_crop(&region.to_frame, size, raster.size());
            let is_near = |region: &&Region| overlap(area(region), *hole).is_some();
            near.clear();
            near.extend(regions.clone().filter(is_near).map(|region| region.to_crop));
            weights.fill(*hole, 0.0, |x, y| {
                let damage = raster.at(x, y);
                let is_rest = damage != Damage::None
                    && (near.iter()).all(|to_crop| in_crop(to_crop, size, x, y).is_none());
                match is_rest {
                    true => Missing {
                        damage,
                        is_cut: false,
                    },
                    false => Missing::default(),
                }
            });
            if let Some((area, weights)) = weights.weights()
                && weights.iter().any(|weight| *weight > 0.0)
            {
                take(PixelWeights { area, weights }, tellers);
            }
        }
    }
}

/// The pixel of a crop of `size` = (width, height) on which the frame's pixel `(x, y)` falls, if
/// there is one.
fn in_crop(to_crop: &Affine, size: (usize, usize), x: usize, y: usize) -> Option<(usize, usize)> {
    let [u, v] = to_crop.apply([x as f64, y as f64]).map(f64::round);
    let is_within = (0.0..size.0 as f64).contains(&u) && (0.0..size.1 as f64).contains(&v);
    is_within.then_some((u as usize, v as usize))
}

/// What both rectangles hold, if that is anything.
fn overlap(a: Rect, b: Rect) -> Option<Rect> {
    let (x0, y0) = (a.x0.max(b.x0), a.y0.max(b.y0));
    let (x1, y1) = (a.x1.min(b.x1), a.y1.min(b.y1));
    (x0 < x1 && y0 < y1).then(|| Rect::new(x0, y0, x1, y1))
}

/// The smallest rectangle around both.
fn around(a: Rect, b: Rect) -> Rect {
    Rect::new(
        a.x0.min(b.x0),
        a.y0.min(b.y0),
        a.x1.max(b.x1),
        a.y1.max(b.y1),
    )
}

/// Joins the rectangles that overlap, until none do; all of them where there are too many.
fn merge(holes: &mut Vec<Rect>) {
    if holes.len() > MOST_HOLES {
        let all = holes.drain(..).reduce(around);
        holes.extend(all);
    }
    let mut at = 0;
    while at < holes.len() {
        let other = (at + 1..holes.len()).find(|other| overlap(holes[at], holes[*other]).is_some());
        match other {
            Some(other) => {
                let other = holes.swap_remove(other);
                holes[at] = around(holes[at], other);
                // The larger one may overlap those that it did not before.
                at = 0;
            }
            None => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn merged_rectangles_hold_the_same_and_do_not_overlap(
            corners in proptest::collection::vec((0..90usize, 0..90usize, 1..20usize, 1..20usize), 0..90),
        ) {
            let before: Vec<Rect> = corners
                .iter()
                .map(|&(x, y, width, height)| Rect::new(x, y, x + width, y + height))
                .collect();
            let mut holes = before.clone();
            merge(&mut holes);
            for rect in before {
                prop_assert!(holes.iter().any(|hole| overlap(*hole, rect) == Some(rect)));
            }
            for (at, hole) in holes.iter().enumerate() {
                for other in &holes[at + 1..] {
                    prop_assert_eq!(overlap(*hole, *other), None);
                }
            }
        }
    }
}
