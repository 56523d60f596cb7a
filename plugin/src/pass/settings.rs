//! What is asked of a frame.

use std::sync::Arc;
use std::time::Duration;

use gst_video::{VideoInfo, VideoOrientationMethod};

use crate::covers;
use crate::damage::Wanted;
use crate::frame;
use crate::locate::LocateOptions;
use crate::missing::{Asked, Raster, Sources};

/// What is done to a frame, and what is known of its stream; all of it may change between any two
/// frames.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the regions are.
    pub source: RegionSource,
    /// What puts the frames upright.
    pub orientation: VideoOrientationMethod,
    /// More regions than this are left as they are.
    pub max_faces: usize,
    /// The generator runs on every n-th frame, at least 1, and on each with a face that is new.
    pub inference_interval: u32,
    /// What is missing from every region.
    pub hole: Asked,
    /// What is missing where it is found before a face; nothing where covers are not looked for.
    pub covers: Option<covers::Asked>,
    /// What tells of damage in pixels of the frame, besides the mask picture.
    pub damage: Sources,
    /// Which damage is found by itself; nothing where it is not looked for.
    pub drop_outs: Option<Wanted>,
    /// Whether channels are lost in all of the frame: restored before the pass sees it, or not to be
    /// painted.
    pub loses_channels: bool,
    /// The mask picture at the size of the frames, if it covers something.
    pub mask: Option<Arc<Raster>>,
    /// How long a look at a face is kept; 0 for not at all.
    pub memory: Duration,
    /// How much of the completion is blended in, in `[0, 1]`. At 0 regions are marked and nothing
    /// is completed.
    pub strength: f32,
    /// Whether only those regions are marked that would be completed, and nothing is.
    pub dry_run: bool,
    /// The share of a difference along the hole's border that is taken out, in `[0, 1]`.
    pub border_match: f32,
    /// The share of the frame's grain that the completion gets, in `[0, 1]`.
    pub grain: f32,
    /// Whether what is painted is refined, where there is a net for it.
    pub refine: bool,
    /// Whether what is refined is given the detail of prototypes.
    pub prototypes: bool,
    /// The share of what was painted before that stays after 1/30 s, in `[0, 1]`.
    pub temporal_smoothing: f32,
    /// What is drawn over the frame.
    pub overlay: Overlay,
}

/// Where in the frame the pictures to complete are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RegionSource {
    /// Found and followed by a [`Locator`](crate::locate::Locator).
    Faces(LocateOptions),
    /// Told by the buffer's metas.
    RoiList,
    /// The frame as a whole.
    FullFrame,
}

/// What is drawn over the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Nothing.
    None,
    /// The missing pixels, tinted by what tells that they are.
    Mask,
    /// The regions' boxes, five points and numbers.
    Faces,
    /// The completed pixels, tinted by where they come from.
    Sources,
}

impl Settings {
    /// Whether every frame of the format `info` leaves as it came.
    pub fn change_nothing(&self, info: &VideoInfo) -> bool {
        let is_whole =
            self.hole.is_nothing() && self.covers.is_none() && !self.tell_of_damage(info);
        let is_drawn_on = match self.overlay {
            Overlay::Faces => true,
            Overlay::Mask => self.loses_channels,
            Overlay::None | Overlay::Sources => false,
        };
        is_whole && !self.marks_all() && !is_drawn_on
    }

    /// Whether a frame of the format `info` without a region leaves as it came.
    pub fn need_region(&self, info: &VideoInfo) -> bool {
        let is_tinted = self.loses_channels && self.overlay == Overlay::Mask;
        !self.tell_of_damage(info) && !is_tinted
    }

    /// Whether regions are marked and nothing is completed.
    pub fn only_marks(&self) -> bool {
        self.strength == 0.0 || self.dry_run
    }

    /// Whether all of them are marked, whatever they are like.
    pub fn marks_all(&self) -> bool {
        self.strength == 0.0 && !self.dry_run
    }

    /// Whether there is something that [hides](Self::hide) pixels.
    pub fn hide_some(&self) -> bool {
        self.damage.colour.is_some() || self.mask.is_some()
    }

    /// Whether the pixel at `at` = (x, y) of a frame, which in a smaller picture of it has the colour
    /// `rgb` in `[0, 1]`, is known to be damage without looking at others.
    pub fn hide(&self, [x, y]: [f64; 2], rgb: [f32; 3]) -> bool {
        let is_coloured = self.damage.colour.is_some_and(|range| range.holds(rgb));
        is_coloured
            || self.mask.as_ref().is_some_and(|mask| {
                let (width, height) = mask.size();
                // Casts cut what is negative.
                let (x, y) = (x.round() as usize, y.round() as usize);
                x < width && y < height && mask.at(x, y).is_hidden()
            })
    }

    /// Whether anything tells of damage in pixels of frames of the format `info`.
    fn tell_of_damage(&self, info: &VideoInfo) -> bool {
        let by_alpha = self.damage.from_alpha && frame::has_alpha(info);
        by_alpha || self.damage.colour.is_some() || self.drop_outs.is_some() || self.mask.is_some()
    }
}
