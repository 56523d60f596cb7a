//! Finds what has befallen a film, and mends it.
//!
//! Frames are looked at one after the other; what is found in one is known when the next one has been
//! seen. Each is compared, in brightness (`plane`), with the frames before and after it: `motion` says
//! where its blocks were there, `light` how much brighter it is, and how much grain there is. `spikes`
//! are pixels that neither of the two explains, and `dirt` are those of them that lie together and are
//! none of the picture's things; what moves where they have `buried` it is told by what is around. What is found is replaced by what the two frames show there.
//!
//! `lines` are thin and upright, and `scratches` those of them that are none of the picture's things, as
//! what is `beside` them tells. `retouch` replaces them.

mod beside;
mod buried;
mod dirt;
mod light;
mod lines;
mod motion;
mod neighbour;
mod plane;
mod retouch;
mod scratches;
mod spikes;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::occlusion::Rect;

use crate::frame::{PixelWeights, Shown, Still, Writer, draw, mend, read_brightness};
use beside::Sight;
use dirt::{Dirt, Spot};
use motion::BLOCK;
use neighbour::Neighbour;
use plane::{Plane, Steps};
use retouch::{Retouch, Side};
use scratches::{Scratch, Scratches};

/// The least side of frames that are looked at, in pixels.
const LEAST_SIDE: u32 = 32;
/// The colour in which what was found is shown, as red, green and blue.
const TINT: [f32; 3] = [1.0, 0.1, 0.1];

/// Which damage is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilmWanted {
    /// Dirt, dust and hairs.
    pub dirt: bool,
    /// Vertical scratches.
    pub scratches: bool,
    /// The share of a frame from which on something is too large for damage.
    pub max_size: f32,
}

/// What has befallen a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilmKind {
    /// Dirt, dust and hairs.
    Dirt,
    /// A vertical scratch.
    Scratch,
}

impl FilmKind {
    /// As messages and metas call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dirt => "dirt",
            Self::Scratch => "scratch",
        }
    }
}

/// Damage that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilmFind {
    /// What it is.
    pub kind: FilmKind,
    /// Pixels of the frame that hold all that is replaced.
    pub area: Rect,
    /// How sure it is that it is damage, from 0.5 to 1.
    pub confidence: f32,
}

/// A frame that was seen.
#[derive(Debug, Default)]
struct Shot {
    /// Whether there is a frame.
    is_taken: bool,
    still: Still,
    steps: Steps,
}

impl Shot {
    fn take<T>(&mut self, frame: &VideoFrameRef<T>) {
        self.is_taken = true;
        self.still.keep(frame);
        let size = (frame.width() as usize, frame.height() as usize);
        self.steps
            .refill(size, |values| read_brightness(frame, values));
    }
}

/// Looks for what has befallen the frames of a film, and mends it. Made once and reused.
#[derive(Debug, Default)]
pub struct Film {
    /// The last three, of which the last one was seen last.
    shots: [Shot; 3],
    /// From the middle one to the others.
    sides: [Neighbour; 2],
    /// Whether all three show one scene.
    goes_on: bool,
    dirt: Dirt,
    weights: Plane,
    spots: Vec<Spot>,
    lines: Scratches,
    scratches: Vec<Scratch>,
    retouch: Retouch,
    cell: Vec<f32>,
    writer: Writer,
}

impl Film {
    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        for shot in &mut self.shots {
            shot.is_taken = false;
        }
        self.lines.forget();
        self.clear();
    }

    /// Sees `frame`, the next one to come, or that none comes any more.
    pub fn see<T>(&mut self, frame: Option<&VideoFrameRef<T>>) {
        self.shots.rotate_left(1);
        self.shots[2].is_taken = false;
        self.clear();
        let is_fit = |frame: &&VideoFrameRef<T>| {
            frame.width().min(frame.height()) >= LEAST_SIDE && !frame.is_interlaced()
        };
        if let Some(frame) = frame.filter(is_fit) {
            if !self.shots[1].still.is_like(frame.info()) {
                self.forget();
            }
            self.shots[2].take(frame);
        }
    }

    /// Looks for what is `wanted` in the frame that came before the last one.
    pub fn find(&mut self, wanted: &FilmWanted) {
        self.clear();
        let [before, now, after] = &self.shots;
        if now.is_taken {
            let size = now.steps.finest().size;
            if self.weights.size != size {
                self.weights.clear(size);
            }
            let most = (wanted.max_size * (size.0 * size.1) as f32) as usize;
            let shown = [&before.steps, &after.steps];
            self.goes_on = before.is_taken
                && after.is_taken
                && Neighbour::follow(&mut self.sides, &now.steps, shown);
            if wanted.scratches {
                let sight = self.goes_on.then_some(Sight {
                    plane: before.steps.finest(),
                    motion: &self.sides[0].motion,
                });
                self.scratches = self.lines.find(now.steps.finest(), sight, most);
            }
            if wanted.dirt && self.goes_on {
                let (sides, spots) = (&mut self.sides, &mut self.spots);
                (self.dirt).find(&now.steps, shown, sides, most, &mut self.weights, spots);
            }
        }
    }

    /// What was found.
    pub fn found(&self) -> impl Iterator<Item = FilmFind> {
        let spots = self.spots.iter().map(|spot| FilmFind {
            kind: FilmKind::Dirt,
            area: spot.area,
            confidence: spot.confidence,
        });
        let scratches = self.scratches.iter().map(|scratch| FilmFind {
            kind: FilmKind::Scratch,
            area: retouch::area_of(&scratch.line, self.weights.size),
            confidence: scratch.confidence,
        });
        spots.chain(scratches)
    }

    /// The frame before the middle one (0) or after it (1), if it shows the same scene.
    fn sight(&self, side: usize) -> Option<Sight<'_>> {
        self.goes_on.then(|| Sight {
            plane: self.shots[2 * side].steps.finest(),
            motion: &self.sides[side].motion,
        })
    }

    /// Mends what was found in the frame, which is `frame`, by the share `strength`, in `[0, 1]`.
    ///
    /// # Panics
    /// If it has another size than the frame that was seen.
    pub fn mend(&mut self, frame: &mut VideoFrameRef<&mut gst::BufferRef>, strength: f32) {
        if self.spots.is_empty() && self.scratches.is_empty() {
            return;
        }
        let mut cell = std::mem::take(&mut self.cell);
        self.each_cell(&mut cell, |column, row, pixels| {
            let sides = [(&self.shots[0], 0), (&self.shots[2], 1)];
            let shown = sides.map(|(shot, side)| {
                let neighbour = &self.sides[side];
                let light = neighbour.lights.at(pixels.area.x0, pixels.area.y0);
                Shown {
                    still: &shot.still,
                    way: neighbour.motion.at(column, row).map(|v| v as f32),
                    offset: light.offset as f32 / 255.0,
                }
            });
            mend(frame, pixels, &shown, strength);
        });
        self.cell = cell;
        let mut retouch = std::mem::take(&mut self.retouch);
        let sides = [0, 1].map(|side| {
            let sight = self.sight(side)?;
            let still = &self.shots[2 * side].still;
            Some(Side { sight, still })
        });
        let now = self.shots[1].steps.finest();
        retouch.mend(frame, now, &self.scratches, sides, strength);
        self.retouch = retouch;
        // The next frame is compared with what was mended.
        self.shots[1].take(frame);
    }

    /// Tints what was found in the frame, which is `frame`.
    pub fn show(&mut self, frame: &mut VideoFrameRef<&mut gst::BufferRef>) {
        let mut writer = std::mem::take(&mut self.writer);
        self.each_piece(|pixels| draw::pixels(&mut writer, frame, pixels, |_, _| TINT));
        self.writer = writer;
    }

    /// What was found, as weights of pixels in pieces.
    pub fn each_piece(&mut self, mut each: impl FnMut(PixelWeights<'_>)) {
        let mut cell = std::mem::take(&mut self.cell);
        self.each_cell(&mut cell, |_, _, pixels| each(pixels));
        self.cell = cell;
        for Scratch { line, .. } in &self.scratches {
            self.retouch.each_piece(line, self.weights.size, &mut each);
        }
    }

    /// Goes through the blocks in which something was found: their column and row, and the weights.
    fn each_cell(&self, cell: &mut Vec<f32>, mut each: impl FnMut(usize, usize, PixelWeights<'_>)) {
        let (width, height) = self.weights.size;
        let mut blocks: Vec<(usize, usize)> = Vec::new();
        for Spot { area, .. } in &self.spots {
            for row in area.y0 / BLOCK..area.y1.div_ceil(BLOCK) {
                blocks
                    .extend((area.x0 / BLOCK..area.x1.div_ceil(BLOCK)).map(|column| (row, column)));
            }
        }
        blocks.sort_unstable();
        blocks.dedup();
        for (row, column) in blocks {
            let area = Rect::new(
                column * BLOCK,
                row * BLOCK,
                ((column + 1) * BLOCK).min(width),
                ((row + 1) * BLOCK).min(height),
            );
            cell.clear();
            for y in area.y0..area.y1 {
                let weights = &self.weights.row(y)[area.x0..area.x1];
                cell.extend(weights.iter().map(|weight| f32::from(*weight) / 255.0));
            }
            if cell.iter().any(|weight| *weight > 0.0) {
                each(
                    column,
                    row,
                    PixelWeights {
                        area,
                        weights: cell,
                    },
                );
            }
        }
    }

    /// Forgets what was found.
    fn clear(&mut self) {
        self.scratches.clear();
        self.goes_on = false;
        for Spot { area, .. } in self.spots.drain(..) {
            for y in area.y0..area.y1 {
                self.weights.row_mut(y)[area.x0..area.x1].fill(0);
            }
        }
    }
}
