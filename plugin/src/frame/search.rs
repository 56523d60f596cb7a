//! What single pixels of a frame hold: their colour, their alpha.

use std::ops::RangeInclusive;

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};
use mde_core::occlusion::Rect;

use super::colour::Colour;
use super::component::{self, Layout, Sample, with_sample};
use super::write::PixelWeights;

/// The component that alpha is, in formats that have it.
const ALPHA: usize = 3;

/// Whether frames described by `info` have alpha.
pub fn has_alpha(info: &VideoInfo) -> bool {
    info.format_info().has_alpha()
}

/// The pixels to the right and down that share samples in frames described by `info`: (1, 1) where
/// each pixel has its own.
pub fn shared_block(info: &VideoInfo) -> (usize, usize) {
    let format = info.format_info();
    let shift = |subsamplings: &[u32]| subsamplings.iter().copied().max().unwrap_or(0);
    let rows = 1 << shift(format.h_sub());
    // A sample covers rows of one field, and those of the other lie between them.
    let fields = 1 + usize::from(info.is_interlaced() && rows > 1);
    (1 << shift(format.w_sub()), rows * fields)
}

/// How much of a pixel's colour is that of a [`ColourRange`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// It is another colour.
    #[default]
    None,
    /// What the pixel has for itself is as the colour has it; samples that it shares with its
    /// neighbours are not.
    Own,
    /// All of it.
    All,
}

/// The colours near one.
#[derive(Clone, Copy, Debug)]
pub struct ColourRange {
    /// The colour in the middle.
    pub rgb: [u8; 3],
    /// How far each component of a pixel may be from the colour's, in steps of 8-bit components.
    pub tolerance: f32,
}

impl ColourRange {
    /// Whether `rgb` in `[0, 1]`, a mean over pixels, is of the range, give or take what chroma that
    /// is shared with others and rounding change.
    pub fn holds(&self, rgb: [f32; 3]) -> bool {
        /// In steps of 8-bit components.
        const SLACK: f32 = 12.0;
        let near = |(a, b): (f32, u8)| (255.0 * a - f32::from(b)).abs() <= self.tolerance + SLACK;
        rgb.into_iter().zip(self.rgb).all(near)
    }
}

/// Looks at pixels. Made once and reused, so that it allocates only for a row longer than all
/// before.
#[derive(Clone, Debug, Default)]
pub struct Search {
    near: [NearPixels; 3],
    /// 1 where what a pixel has for itself is near the colour, else 0.
    own: Vec<u8>,
    /// The same of all that a pixel has.
    all: Vec<u8>,
    matches: Vec<Match>,
    alphas: Vec<f32>,
}

/// Colour component `index` of a frame, and which of its samples are near a colour.
#[derive(Clone, Debug)]
struct Component {
    index: usize,
    layout: Layout,
    near: RangeInclusive<u16>,
}

/// The pixels of a row one component of which is near a colour.
#[derive(Clone, Debug, Default)]
struct NearPixels {
    /// The row of samples, which other rows of pixels may share.
    row: Option<usize>,
    /// 1 for each sample that is near, else 0.
    samples: Vec<u8>,
    /// The same for each pixel, where any is.
    pixels: Vec<u8>,
    any: bool,
}

impl Search {
    /// Calls `take` with each row of `area` and the alpha of its pixels, in `[0, 1]`: not at all in
    /// formats without alpha.
    ///
    /// # Panics
    /// If `area` reaches beyond the frame, or the format is not a
    /// [supported](super::SUPPORTED_FORMATS) one.
    pub fn alpha<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        area: Rect,
        mut take: impl FnMut(usize, &[f32]),
    ) {
        if !has_alpha(frame.info()) {
            return;
        }
        let layout = Layout::of(frame, ALPHA);
        let most = ((1u32 << frame.info().comp_depth(ALPHA as u8)) - 1) as f32;
        let data = frame
            .plane_data(layout.plane)
            .expect("a supported format has the plane");
        for y in area.y0..area.y1 {
            let start = layout.start_of(y);
            self.alphas.clear();
            with_sample!(layout.packing, sample => {
                self.alphas.extend((area.x0..area.x1).map(|x| {
                    sample.get(data, start + x * layout.step) / most
                }));
            });
            take(y, &self.alphas);
        }
    }

    /// Calls `take` with each row of `area` in which something is of the colour, the best match in it,
    /// and how much of each of its pixels is. A pixel has the chroma of the sample that covers it.
    ///
    /// # Panics
    /// As [`Self::alpha`].
    pub fn colour<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        ColourRange { rgb, tolerance }: ColourRange,
        area: Rect,
        mut take: impl FnMut(usize, Match, &[Match]),
    ) {
        let info = frame.info();
        let samples = Colour::of(info).samples(rgb.map(|v| f32::from(v) / 255.0));
        let components = (0..component::count(frame)).map(|index| {
            let depth = info.comp_depth(index as u8);
            let margin = tolerance * ((1u32 << depth) - 1) as f32 / 255.0;
            // Samples are whole numbers, the colour's are not.
            let sample = samples[index].round();
            // The casts cut what is negative; no sample is as large as the rest.
            let near = (sample - margin).ceil() as u16..=(sample + margin) as u16;
            Component {
                index,
                layout: Layout::of(frame, index),
                near,
            }
        });
        let (own, shared): (Vec<_>, Vec<_>) = components.partition(|c| c.layout.is_full());
        self.near.iter_mut().for_each(|near| near.row = None);
        for y in area.y0..area.y1 {
            if !own.iter().all(|c| self.look(frame, c, area, y)) {
                continue;
            }
            self.own.clear();
            self.own.resize(area.width(), 1);
            let of_own = own.iter().map(|c| &self.near[c.index].pixels);
            of_own.for_each(|pixels| narrow(&mut self.own, pixels));
            if !self.own.contains(&1) {
                continue;
            }
            self.all.clone_from(&self.own);
            match shared.iter().all(|c| self.look(frame, c, area, y)) {
                true => {
                    let of_shared = shared.iter().map(|c| &self.near[c.index].pixels);
                    of_shared.for_each(|pixels| narrow(&mut self.all, pixels));
                }
                false => self.all.fill(0),
            }
            let best = match self.all.contains(&1) {
                true => Match::All,
                false => Match::Own,
            };
            self.matches.clear();
            let both = self.own.iter().zip(&self.all);
            self.matches.extend(both.map(|(own, all)| match own + all {
                0 => Match::None,
                1 => Match::Own,
                _ => Match::All,
            }));
            take(y, best, &self.matches);
        }
    }

    /// Looks which pixels of row `y` of `area` have their `component` near the colour; tells whether
    /// any has.
    fn look<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        component: &Component,
        area: Rect,
        y: usize,
    ) -> bool {
        let Component { layout, near, .. } = component;
        let found = &mut self.near[component.index];
        let row = layout.row_of(y);
        if found.row.replace(row) == Some(row) {
            return found.any;
        }
        let data = frame
            .plane_data(layout.plane)
            .expect("a supported format has the plane");
        let columns = layout.columns_of(&(area.x0..area.x1));
        let first = layout.start_of(row) + columns.start * layout.step;
        let data = &data[first..];
        found.samples.clear();
        found.samples.resize(columns.len(), 0);
        let samples = found.samples.iter_mut();
        with_sample!(layout.packing, sample => {
            let (least, most) = (*near.start(), *near.end());
            let is_near = |data: &[u8]| {
                let value = sample.whole(data, 0);
                u8::from((least <= value) & (value <= most))
            };
            match layout.step {
                // So that the compiler looks at many at once.
                1 => samples.zip(data.chunks_exact(1)).for_each(|(s, d)| *s = is_near(d)),
                step => samples.zip(data.chunks(step)).for_each(|(s, d)| *s = is_near(d)),
            }
        });
        found.any = found.samples.contains(&1);
        if found.any {
            let shift = layout.shift[0];
            let samples = (area.x0..area.x1).map(|x| found.samples[(x >> shift) - columns.start]);
            found.pixels.clear();
            match shift {
                0 => found.pixels.extend_from_slice(&found.samples),
                _ => found.pixels.extend(samples),
            }
        }
        found.any
    }
}

/// Leaves of `found` what is among `pixels`, too.
fn narrow(found: &mut [u8], pixels: &[u8]) {
    for (found, pixel) in found.iter_mut().zip(pixels) {
        *found &= pixel;
    }
}

/// Makes the pixels among `pixels` that have weights opaque, as far as `strength` in `[0, 1]` says.
/// Nothing happens in formats without alpha.
///
/// # Panics
/// As [`Search::alpha`].
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
                let alpha = sample.get(data, at);
                if *weight > 0.0 && alpha < most {
                    sample.put(data, at, alpha + (most - alpha) * strength);
                }
            }
        }
    });
}
