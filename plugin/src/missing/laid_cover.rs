//! A cover that was found before a face, where it falls onto the frame and onto a crop.

use mde_core::alignment::Affine;
use mde_core::occlusion::Rect;

use super::area::area_of;
use super::raster::Damage;
use super::widen::Reach;
use crate::covers::Cover;
use crate::locate::Region;

/// Cells along the crop's border in which a cover gives way to the frame: it may go on beyond the
/// crop, where nothing of it is completed.
const FADE: f32 = 2.0;

/// A cover on the region that it was found in.
#[derive(Clone, Copy, Debug)]
pub struct LaidCover<'a> {
    cover: &'a Cover,
    /// From the frame to the cells of the cover.
    to_cells: Affine,
    /// And back.
    to_frame: Affine,
    /// From the crop to the cells.
    of_crop: Affine,
    /// Pixels of the frame to a cell, along a side.
    scale: f32,
    reach: Reach,
    fade: f32,
}

impl<'a> LaidCover<'a> {
    /// `cover` before the face in `region`, whose crops are of `crop` = (width, height), with a rim
    /// of `grow` pixels of the frame. `is_frame`: the crop is the whole frame, so that nothing goes
    /// on beyond it.
    pub fn new(
        cover: &'a Cover,
        region: &Region,
        crop: (usize, usize),
        grow: usize,
        is_frame: bool,
    ) -> Self {
        let cells = (cover.side(), cover.side());
        let to_frame = Affine::stretch(cells, crop).then(&region.to_frame);
        Self {
            cover,
            to_cells: region.to_crop.then(&Affine::stretch(crop, cells)),
            of_crop: Affine::stretch(crop, cells),
            scale: to_frame.determinant().abs().sqrt() as f32,
            to_frame,
            reach: Reach {
                grow,
                block: (1, 1),
            },
            fade: if is_frame { 0.0 } else { FADE },
        }
    }

    /// The number of the cover.
    pub fn version(&self) -> u64 {
        self.cover.version()
    }

    /// The pixels of a `frame` = (width, height) around all that it hides; nothing where it lies
    /// beyond the frame.
    pub fn area(&self, frame: (usize, usize)) -> Option<Rect> {
        let Rect { x0, y0, x1, y1 } = self.cover.bounds();
        let grow = ((self.reach.grow + 1) as f32 / self.scale).ceil() as usize;
        let part = Rect::new(
            x0.saturating_sub(grow),
            y0.saturating_sub(grow),
            (x1 + grow).min(self.cover.side()),
            (y1 + grow).min(self.cover.side()),
        );
        let area = area_of(&self.to_frame, part, frame);
        (area.area() > 0).then_some(area)
    }

    /// How much of the frame's pixel `(x, y)` it hides.
    pub fn damage(&self, x: usize, y: usize) -> Damage {
        let cell = self.to_cells.apply([x as f64, y as f64]).map(|v| v as f32);
        let last = (self.cover.side() - 1) as f32;
        // Of the crop's border, which runs half a cell around the outer ones.
        let depths = cell.map(|v| (v + 0.5).min(last + 0.5 - v));
        let depth = depths[0].min(depths[1]);
        if depth.is_nan() || depth < 0.0 {
            return Damage::None;
        }
        let share = self.share(cell);
        match self.fade > 0.0 {
            true => Damage::of_share(share * (depth / self.fade).min(1.0)),
            false => Damage::of_share(share),
        }
    }

    /// Makes missing in `mask`, `[3, H, W]` with 1 where known, the pixels of the crop of `size` =
    /// (width, height) that it hides.
    pub fn carry(&self, (width, height): (usize, usize), mask: &mut [f32]) {
        let pixels = width * height;
        for i in 0..pixels {
            let pixel = [(i % width) as f64, (i / width) as f64];
            let cell = self.of_crop.apply(pixel).map(|v| v as f32);
            if Damage::of_share(self.share(cell)).is_hidden() {
                for plane in mask.chunks_mut(pixels) {
                    plane[i] = 0.0;
                }
            }
        }
    }

    /// How much of the frame's pixel at a `cell` it hides, in `[0, 1]`.
    fn share(&self, cell: [f32; 2]) -> f32 {
        let distance = self.scale * self.cover.distance(cell);
        match distance <= 0.0 {
            true => 1.0,
            false => self.reach.share(distance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::covers::{Finding, Kinds};
    use crate::locate::Bounds;

    const FRAME: (usize, usize) = (300, 200);
    const CROP: (usize, usize) = (128, 128);

    /// In cells of two crop pixels: a bar to the lower edge of the crop.
    fn bar() -> Cover {
        let finding = Finding {
            kinds: Kinds::default(),
            share: 0.2,
            confidence: 1.0,
        };
        Cover::of_rect(64, Rect::new(20, 30, 40, 64), finding)
    }

    fn region() -> Region {
        let bounds = Bounds {
            x0: 90.0,
            y0: 40.0,
            x1: 180.0,
            y1: 160.0,
        };
        Region::of_box(bounds, CROP).expect("a region")
    }

    #[test]
    fn its_area_holds_all_of_it_and_it_stays_on_the_crop() {
        let (cover, region) = (bar(), region());
        for grow in [0, 4] {
            let laid = LaidCover::new(&cover, &region, CROP, grow, false);
            let area = laid.area(FRAME).expect("an area");
            let mut mask = vec![1.0; 3 * CROP.0 * CROP.1];
            laid.carry(CROP, &mut mask);
            for y in 0..FRAME.1 {
                for x in 0..FRAME.0 {
                    let damage = laid.damage(x, y);
                    let [u, v] = region.to_crop.apply([x as f64, y as f64]);
                    if damage == Damage::None {
                        continue;
                    }
                    assert!(area.contains(x, y), "({x}, {y})");
                    let on_crop = |v: f64| (-0.5..127.5).contains(&v);
                    assert!(on_crop(u) && on_crop(v), "({x}, {y})");
                    let (u, v) = (u.round() as usize, v.round() as usize);
                    if damage == Damage::Lost && u < 127 && v < 127 {
                        let (left, up) = (u.saturating_sub(1), v.saturating_sub(1));
                        let around = [(u, v), (u + 1, v), (u, v + 1), (left, v), (u, up)];
                        let is_missing = |(u, v): &(usize, usize)| mask[v * CROP.0 + u] == 0.0;
                        assert!(around.iter().any(is_missing), "({u}, {v})");
                    }
                }
            }
        }
    }

    #[test]
    fn it_gives_way_to_the_frame_at_the_crop_s_edge() {
        let (cover, region) = (bar(), region());
        let at = |laid: &LaidCover<'_>, v: f64| {
            let [x, y] = region.to_frame.apply([60.0, v]);
            laid.damage(x.round() as usize, y.round() as usize).share()
        };
        let laid = LaidCover::new(&cover, &region, CROP, 0, false);
        assert_eq!(at(&laid, 110.0), 1.0);
        assert!((0.05..0.95).contains(&at(&laid, 125.5)));
        let whole = LaidCover::new(&cover, &region, CROP, 0, true);
        assert_eq!(at(&whole, 125.5), 1.0);
    }
}
