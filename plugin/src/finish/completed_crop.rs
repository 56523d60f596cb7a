//! What is passed from the generator to those that better its work.

use mde_core::contract::grid_cell;
use mde_core::mask::CHANNELS;
use mde_core::occlusion::Rect;

/// A crop with its completion.
#[derive(Debug)]
pub struct CompletedCrop<'a> {
    /// Width and height of the crop in pixels.
    pub size: (usize, usize),
    /// The crop as it was read, `[3, H, W]` in `[0, 1]`; missing values are not looked at.
    pub image: &'a [f32],
    /// 1 where a value is known, 0 where it is missing, `[3, H, W]`.
    pub mask: &'a [f32],
    /// As the mask, the hole that is covered up to all of its border, if one is: the cover runs into
    /// the values beside it, which are not compared.
    pub covered: Option<&'a [f32]>,
    /// How much of each pixel is painted and not copied from what was really seen, in `[0, 1]`,
    /// `[H/2, W/2]`; where this is not told, all of it.
    pub painted: Option<&'a [f32]>,
    /// How much of each pixel is copied from a view of the face, likewise; where this is not told, nothing.
    pub copied: Option<&'a [f32]>,
    /// What the generator made of it, known values too, `[3, H, W]`.
    pub completed: &'a mut [f32],
}

impl<'a> CompletedCrop<'a> {
    /// A crop of which all that is missing was painted, with a hole that no cover runs beyond.
    pub fn new(
        size: (usize, usize),
        image: &'a [f32],
        mask: &'a [f32],
        completed: &'a mut [f32],
    ) -> Self {
        Self {
            size,
            image,
            mask,
            covered: None,
            painted: None,
            copied: None,
            completed,
        }
    }

    /// Whether the value of `channel` at `place` is to be compared.
    pub(super) fn is_sound(&self, channel: usize, place: usize) -> bool {
        let (width, height) = self.size;
        let around = |v: usize, side: usize| v.saturating_sub(1)..(v + 2).min(side);
        let is_open = |hole: &[f32]| {
            around(place / width, height).all(|y| {
                around(place % width, width).all(|x| hole[self.at(channel, y * width + x)] != 0.0)
            })
        };
        self.mask[self.at(channel, place)] != 0.0 && self.covered.is_none_or(is_open)
    }

    /// Whether all channels at `place` are to be compared.
    pub(super) fn is_all_sound(&self, place: usize) -> bool {
        (0..CHANNELS).all(|channel| self.is_sound(channel, place))
    }

    /// Whether all channels at `place` are missing.
    pub(super) fn is_all_missing(&self, place: usize) -> bool {
        (0..CHANNELS).all(|channel| self.mask[self.at(channel, place)] == 0.0)
    }

    /// How much at `place` is copied from a view, in `[0, 1]`.
    pub(super) fn copied_at(&self, place: usize) -> f32 {
        let width = self.size.0;
        self.copied.map_or(0.0, |copied| {
            copied[grid_cell(place % width, place / width, width, copied.len())]
        })
    }

    /// Red, green and blue at `place` of `picture`, `[3, H, W]`.
    pub(super) fn rgb(&self, picture: &[f32], place: usize) -> [f32; CHANNELS] {
        std::array::from_fn(|channel| picture[self.at(channel, place)])
    }

    /// The smallest box around all that is missing, with a pixel more on each side to compare, cut
    /// to the crop; nothing where nothing is missing.
    pub(super) fn part(&self) -> Option<Rect> {
        let (width, height) = self.size;
        let mut part: Option<Rect> = None;
        for (row, values) in self.mask.chunks(width).enumerate() {
            let Some(first) = values.iter().position(|&v| v == 0.0) else {
                continue;
            };
            let end = values.iter().rposition(|&v| v == 0.0).unwrap_or(first) + 1;
            let y = row % height;
            let part = part.get_or_insert(Rect::new(first, y, end, y + 1));
            part.x0 = part.x0.min(first);
            part.x1 = part.x1.max(end);
            part.y0 = part.y0.min(y);
            part.y1 = part.y1.max(y + 1);
        }
        let reach = 1 + usize::from(self.covered.is_some());
        part.map(|part| Rect {
            x0: part.x0.saturating_sub(reach),
            y0: part.y0.saturating_sub(reach),
            x1: (part.x1 + reach).min(width),
            y1: (part.y1 + reach).min(height),
        })
    }

    /// The places of the pixels of `part` in a channel's plane, row by row.
    pub(super) fn places(&self, part: Rect) -> impl Iterator<Item = usize> + use<> {
        let width = self.size.0;
        (part.y0..part.y1).flat_map(move |y| (part.x0..part.x1).map(move |x| y * width + x))
    }

    /// Where the value of `channel` at `place` is.
    pub(super) fn at(&self, channel: usize, place: usize) -> usize {
        channel * self.size.0 * self.size.1 + place
    }
}
