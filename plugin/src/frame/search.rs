//! Finding the pixels of a frame that are damaged by what they hold.

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};
use mde_core::occlusion::Rect;

use super::colour::Colour;
use super::component::{self, Layout, Sample, with_sample};
use super::write::PixelWeights;
use crate::damage::{Damage, Raster};

/// The component that alpha is, in formats that have it.
const ALPHA: usize = 3;

/// Whether frames described by `info` have alpha.
pub fn has_alpha(info: &VideoInfo) -> bool {
    info.format_info().has_alpha()
}

/// Finds damaged pixels. Made once and reused, so that it allocates only for a row longer than all
/// before.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// For each pixel of a row whether it is damaged as far as is known.
    matches: Vec<bool>,
}

impl Search {
    /// Marks in `raster` as lost the pixels of `area` that are fully transparent: none in formats
    /// without alpha.
    ///
    /// # Panics
    /// If `area` reaches beyond the frame or the raster, or the format is not a
    /// [supported](super::SUPPORTED_FORMATS) one.
    pub fn transparent<T>(&mut self, frame: &VideoFrameRef<T>, area: Rect, raster: &mut Raster) {
        if has_alpha(frame.info()) {
            self.mark(frame, area, raster, &[(ALPHA, [0.0, 0.0])]);
        }
    }

    /// Marks in `raster` as lost the pixels of `area` with the colour `rgb`: those of which each
    /// component is at most `tolerance` from the colour's, both in steps of 8-bit components. A
    /// pixel has the chroma of the sample that covers it.
    ///
    /// # Panics
    /// As [`Self::transparent`].
    pub fn coloured<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        rgb: [u8; 3],
        tolerance: f32,
        area: Rect,
        raster: &mut Raster,
    ) {
        let info = frame.info();
        let samples = Colour::of(info).samples(rgb.map(|v| f32::from(v) / 255.0));
        let ranges = [0, 1, 2].map(|index| {
            let depth = info.comp_depth(index as u8);
            let margin = tolerance * ((1u32 << depth) - 1) as f32 / 255.0;
            // Samples are whole numbers, the colour's are not.
            let sample = samples[index].round();
            (index, [sample - margin, sample + margin])
        });
        self.mark(frame, area, raster, &ranges[..component::count(frame)]);
    }

    /// Marks the pixels whose components lie in `ranges`: the component, its least and its
    /// greatest value.
    fn mark<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        area: Rect,
        raster: &mut Raster,
        ranges: &[(usize, [f32; 2])],
    ) {
        for y in area.y0..area.y1 {
            self.matches.clear();
            self.matches.resize(area.width(), true);
            for &(index, range) in ranges {
                self.narrow(frame, index, range, area, y);
            }
            for (damage, _) in (raster.row_mut(area, y).iter_mut())
                .zip(&self.matches)
                .filter(|(_, is_match)| **is_match)
            {
                *damage = Damage::Lost;
            }
        }
    }

    /// Leaves the matches of row `y` whose component `index` is within the range.
    fn narrow<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        index: usize,
        [least, most]: [f32; 2],
        area: Rect,
        y: usize,
    ) {
        let layout = Layout::of(frame, index);
        let data = frame
            .plane_data(layout.plane)
            .expect("a supported format has the plane");
        let start = layout.start_of(layout.row_of(y));
        with_sample!(layout.packing, sample => {
            for (is_match, x) in self.matches.iter_mut().zip(area.x0..) {
                let at = start + (x >> layout.shift[0]) * layout.step;
                let value = sample.get(data, at);
                *is_match &= least <= value && value <= most;
            }
        });
    }
}

/// Makes the fully transparent pixels among `pixels` as opaque as their weights times `strength`.
/// Nothing happens in formats without alpha.
///
/// # Panics
/// As [`Search::transparent`].
pub fn make_opaque(
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    pixels: PixelWeights<'_>,
    strength: f32,
) {
    if !has_alpha(frame.info()) {
        return;
    }
    let layout = Layout::of(frame, ALPHA);
    let most = ((1u32 << frame.info().comp_depth(ALPHA as u8)) - 1) as f32;
    let data = frame
        .plane_data_mut(layout.plane)
        .expect("a supported format has the plane");
    with_sample!(layout.packing, sample => {
        for y in pixels.area.y0..pixels.area.y1 {
            let (first, weights) = pixels.row(y);
            for (x, weight) in (first..).zip(weights) {
                let at = layout.start_of(y) + x * layout.step;
                if *weight > 0.0 && sample.get(data, at) == 0.0 {
                    sample.put(data, at, weight * strength * most);
                }
            }
        }
    });
}
