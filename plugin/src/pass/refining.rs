//! What was painted of the faces of a frame, painted anew at a multiple of the crop's resolution.

use std::time::Duration;

use gst_video::VideoFrameRef;
use mde_core::alignment::Affine;
use mde_core::contract::grid_cell;
use mde_core::mask::CHANNELS;
use mde_core::occlusion::Rect;
use mde_core::refining::{CONTEXT, STEP};

use super::copying::layers;
use super::face::Face;
use super::identity::Identity;
use crate::completer::Batch;
use crate::frame::{
    Channels, Crop, Layer, MOST_LAYERS, Painting, Reader, Refined, Sharpener, shown,
};
use crate::refine::{Completed, Enlarged, Likenesses, RefineNet, Refiner, Shown};
use crate::runtime::NetError;

/// Frame pixels to a crop pixel from which on there is detail to be gained.
const LEAST_ENLARGED: f64 = 1.25;
/// A pixel of which less than this share is painted is left as it is.
const LEAST_PAINTED: f32 = 0.05;

/// How what is painted is to be refined.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Whether it is given the detail of prototypes.
    pub prototypes: bool,
    /// When the frame is, by the clock.
    pub now: Duration,
}

/// A face that is given a prototype's detail.
#[derive(Clone, Copy, Debug)]
struct Likened {
    identity: Identity,
    /// What is painted of its crop.
    part: Rect,
    /// When the frame is.
    now: Duration,
}

/// Refines what generators painted. Made once and reused.
#[derive(Debug)]
pub struct Refining {
    /// Without one nothing is refined.
    net: Option<RefineNet>,
    likenesses: Option<Likenesses<Identity>>,
    reader: Reader,
    /// How much of each of the crop's pixels is painted, where anything is missing of it.
    painted: Vec<f32>,
    /// The completed crop with what is known of it, `[3, H, W]`.
    whole: Vec<f32>,
    image: Vec<f32>,
    mask: Vec<f32>,
    inside: Vec<f32>,
    refined: Vec<f32>,
    sharpener: Sharpener,
    /// Of each crop of the batch.
    changes: Vec<Changes>,
}

/// What is changed of a crop; nothing where the area is empty.
#[derive(Debug)]
struct Changes {
    /// In pixels of the refiner.
    area: Rect,
    of_pixels: Vec<[f32; 3]>,
}

impl Refining {
    /// Refines with `refiner`, if there is one.
    pub fn new(refiner: Option<Refiner>) -> Self {
        let (net, prototypes) = refiner.map(|r| (r.net, r.prototypes)).unzip();
        Self {
            net,
            likenesses: prototypes.map(Likenesses::new),
            reader: Reader::default(),
            painted: Vec::new(),
            whole: Vec::new(),
            image: Vec::new(),
            mask: Vec::new(),
            inside: Vec::new(),
            refined: Vec::new(),
            sharpener: Sharpener::default(),
            changes: Vec::new(),
        }
    }

    /// Forgets what the faces looked like: another stream comes.
    pub fn forget(&mut self) {
        if let Some(likenesses) = &mut self.likenesses {
            likenesses.forget();
        }
    }

    /// What is changed of the batch's crop `index`, if anything.
    pub fn of(&self, index: usize) -> Option<Refined<'_>> {
        let scale = self.net.as_ref()?.scale();
        let Changes { area, of_pixels } = self.changes.get(index)?;
        (area.area() > 0).then_some(Refined {
            scale,
            area: *area,
            change: of_pixels,
        })
    }

    /// Refines what `batch` holds of `faces`, all that there are in the `frame`, as far as it is
    /// painted; what was refined of completions that are recalled stays. Without `wanted`, or without a
    /// net, nothing is refined.
    ///
    /// # Errors
    /// [`NetError::Run`] of the first face that the net failed on; the others are refined.
    pub fn refine<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        faces: &[Face],
        batch: &Batch,
        wanted: Option<Wanted>,
    ) -> Result<(), NetError> {
        let Some(scale) = self.net.as_ref().map(RefineNet::scale) else {
            return Ok(());
        };
        self.changes.resize_with(batch.len(), || Changes {
            area: Rect::new(0, 0, 0, 0),
            of_pixels: Vec::new(),
        });
        let mut outcome = Ok(());
        for face in faces {
            let Some(crop) = &face.crop else { continue };
            if face.is_recalled && wanted.is_some() {
                continue;
            }
            self.changes[crop.index].area = Rect::new(0, 0, 0, 0);
            let to_frame = &face.region.to_frame;
            let enlarged = to_frame.determinant().abs().sqrt();
            let Some(wanted) = wanted.filter(|_| enlarged >= LEAST_ENLARGED) else {
                continue;
            };
            let Some(completed) = batch.completed(crop.index) else {
                continue;
            };
            let (image, mask) = (batch.image(crop.index), batch.mask(crop.index));
            let size = batch.size();
            let part = self.find_painted(&layers(crop, batch), mask, size);
            let area = part.and_then(|part| Some((part, around(part, size, scale)?)));
            if let Some((part, area)) = area {
                self.show(frame, to_frame, [image, mask, completed], size, area);
                let likened = face
                    .identity
                    .filter(|_| wanted.prototypes && size.0 == size.1);
                let likened = likened.map(|identity| Likened {
                    identity,
                    part,
                    now: wanted.now,
                });
                outcome = outcome.and(self.change(crop.index, size.0, area, enlarged, likened));
            }
        }
        outcome
    }

    /// Finds how much of each pixel missing under `mask` is painted beside `layers`; the smallest
    /// rectangle around what is, if anything is.
    fn find_painted(
        &mut self,
        layers: &[Option<Layer<'_>>; MOST_LAYERS],
        mask: &[f32],
        (width, height): (usize, usize),
    ) -> Option<Rect> {
        let pixels = width * height;
        self.painted.clear();
        let mut part: Option<Rect> = None;
        for i in 0..pixels {
            let is_missing = (0..CHANNELS).any(|c| mask[c * pixels + i] < 1.0);
            let (x, y) = (i % width, i / width);
            let copied = layers.iter().flatten().filter(|l| !l.weights.is_empty());
            let copied = copied.map(|layer| {
                let cell = grid_cell(x, y, width, layer.weights.len());
                layer.opacity * shown(layer.weights[cell])
            });
            let painted = match is_missing {
                true => (1.0 - copied.sum::<f32>()).max(0.0),
                false => 0.0,
            };
            self.painted.push(painted);
            if painted >= LEAST_PAINTED {
                let part = part.get_or_insert(Rect::new(x, y, x + 1, y + 1));
                *part = Rect::new(
                    part.x0.min(x),
                    part.y0,
                    part.x1.max(x + 1),
                    part.y1.max(y + 1),
                );
            }
        }
        part
    }

    /// Puts together what the net is shown of `area`, in its pixels, of a crop of `size` that
    /// `to_frame` maps into `frame`: its picture, its mask and its completion are given.
    fn show<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        to_frame: &Affine,
        [image, mask, completed]: [&[f32]; 3],
        (width, height): (usize, usize),
        area: Rect,
    ) {
        let scale = self.net.as_ref().map_or(1, RefineNet::scale);
        let fine = (width * scale, height * scale);
        let first = Affine {
            linear: [[1.0, 0.0], [0.0, 1.0]],
            translation: [area.x0 as f64, area.y0 as f64],
        };
        let of_area = first.then(&Affine::stretch(fine, (width, height)));
        self.image.resize(3 * area.area(), 0.0);
        self.inside.resize(area.area(), 0.0);
        let crop = Crop {
            size: (area.width(), area.height()),
            rgb: &mut self.image,
            inside: &mut self.inside,
        };
        (self.reader).read(frame, &of_area.then(to_frame), Channels::Rgb, crop);
        let pixels = width * height;
        let is_known = |i: usize| (0..CHANNELS).all(|c| mask[c * pixels + i] >= 1.0);
        self.whole.clear();
        let both = image.iter().zip(completed).enumerate();
        self.whole
            .extend(both.map(|(i, (read, made))| match is_known(i % pixels) {
                true => *read,
                false => made.clamp(0.0, 1.0),
            }));
        self.mask.clear();
        // Edge on edge, as the completion is enlarged when it is written.
        let along = |v: usize, side: usize| {
            let position = (v as f32 + 0.5) / scale as f32 - 0.5;
            let position = position.clamp(0.0, side as f32 - 1.0);
            let first = (position as usize).min(side.saturating_sub(2));
            (first, (first + 1).min(side - 1), position - first as f32)
        };
        for y in area.y0..area.y1 {
            let (top, bottom, fy) = along(y, height);
            for x in area.x0..area.x1 {
                let known = is_known(y / scale * width + x / scale);
                let at = self.mask.len();
                self.mask.push(if known { 1.0 } else { 0.0 });
                if known {
                    continue;
                }
                let (left, right, fx) = along(x, width);
                for channel in 0..CHANNELS {
                    let plane = &self.whole[channel * pixels..(channel + 1) * pixels];
                    let row = |y: usize| {
                        let (a, b) = (plane[y * width + left], plane[y * width + right]);
                        a + fx * (b - a)
                    };
                    let value = row(top) + fy * (row(bottom) - row(top));
                    self.image[channel * area.area() + at] = value;
                }
            }
        }
    }

    /// Refines what is shown of `area` and keeps what changes of what is painted, for crop `index`, which
    /// is `width` pixels wide and becomes `enlarged` times as wide in the frame. Where it is `likened`, it
    /// is given a prototype's detail.
    fn change(
        &mut self,
        index: usize,
        width: usize,
        area: Rect,
        enlarged: f64,
        likened: Option<Likened>,
    ) -> Result<(), NetError> {
        let Some(net) = &mut self.net else {
            return Ok(());
        };
        let shown = Shown {
            size: (area.width(), area.height()),
            image: &self.image,
            mask: &self.mask,
        };
        net.refine(&shown, &mut self.refined)?;
        let (scale, pixels) = (net.scale(), area.area());
        if let (Some(likened), Some(likenesses)) = (likened, &mut self.likenesses) {
            let masks = self.mask.iter().cycle();
            for ((value, shown), known) in self.refined.iter_mut().zip(&self.image).zip(masks) {
                if *known > 0.0 {
                    *value = *shown;
                }
            }
            let completed = Completed {
                side: width,
                rgb: &self.whole,
                part: likened.part,
            };
            let area = Enlarged {
                scale,
                area,
                rgb: &mut self.refined,
                mask: &self.mask,
            };
            likenesses.give(likened.identity, &completed, area, likened.now);
        }
        let painted = |i: usize| {
            let (x, y) = (area.x0 + i % area.width(), area.y0 + i / area.width());
            self.painted[y / scale * width + x / scale]
        };
        let painting = Painting {
            rgb: &self.refined,
            size: shown.size,
            enlarged: enlarged / scale as f64,
        };
        let all = Rect::new(0, 0, area.width(), area.height());
        let is_missing = |i: usize| self.mask[i] == 0.0;
        let sharpened = (self.sharpener).away_from_means(painting, all, is_missing, painted);
        let changes = &mut self.changes[index];
        changes.area = area;
        changes.of_pixels.clear();
        changes.of_pixels.extend((0..pixels).map(|i| {
            [0, 1, 2].map(|channel| {
                let at = channel * pixels + i;
                painted(i) * (sharpened[at].clamp(0.0, 1.0) - self.image[at])
            })
        }));
        Ok(())
    }
}

/// What the net is shown for `part` of a crop of `size` = (width, height): that and what it makes use of
/// around, in its pixels, of which `scale` are one of the crop's; whole steps. Nothing where the crop
/// has no room for a step.
fn around(part: Rect, (width, height): (usize, usize), scale: usize) -> Option<Rect> {
    let along = |first: usize, end: usize, side: usize| {
        let most = side * scale / STEP * STEP;
        let first = (first * scale).saturating_sub(CONTEXT) / STEP * STEP;
        let end = ((end * scale + CONTEXT).next_multiple_of(STEP)).min(most);
        (first < end).then_some((first, end))
    };
    let (x0, x1) = along(part.x0, part.x1, width)?;
    let (y0, y1) = along(part.y0, part.y1, height)?;
    Some(Rect::new(x0, y0, x1, y1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_net_is_shown_whole_steps_with_their_surroundings() {
        let eyes = Rect::new(26, 37, 102, 67);
        assert_eq!(
            around(eyes, (128, 128), 2),
            Some(Rect::new(32, 48, 224, 160))
        );
        let all = Rect::new(0, 0, 128, 128);
        assert_eq!(around(all, (128, 128), 2), Some(Rect::new(0, 0, 256, 256)));
        assert_eq!(around(Rect::new(0, 0, 3, 3), (3, 3), 2), None);
    }
}
