//! Whole frames: a colour channel that a frame has lost is restored in all of it, not only in the
//! faces.
//!
//! The frame as a whole is shrunk to the size of a generator of scenes, completed there, held steady
//! in time, and written at the frame's own resolution, where the lost channel follows the edges of
//! the intact ones ([`crate::frame::Writer`]). What the scene looked like before the channel was lost
//! is remembered (`memory`).

mod memory;

use std::time::Duration;

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo, VideoOrientationMethod};
use mde_core::alignment::AlignmentError;

use crate::completer::{Batch, Completer, CompleterError};
use crate::finish::{CompletedCrop, TemporalBlend};
use crate::frame::{Channels, Completion, Crop, MOST_LAYERS, Reader, Writer};
use crate::locate::{Clock, CutDetector, DisplaySpace, Region, Turn};
use crate::missing::{self, StaticHole};
use memory::Memory;

/// A frame cannot be restored; it is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// The generator failed.
    #[error(transparent)]
    Completer(#[from] CompleterError),
    /// The frame has no area.
    #[error("the frame has no area: {0}")]
    Frame(#[from] AlignmentError),
    /// The generator made no picture.
    #[error("the generator of scenes completes with values that are no numbers (NaN or infinity)")]
    NoNumbers,
}

/// What is asked of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// Red, green and blue, which of them are lost.
    pub channels: [bool; 3],
    /// What is to be read of the frame: its colours, or luma alone.
    pub reading: Channels,
    /// What puts the frame upright.
    pub orientation: VideoOrientationMethod,
    /// How much of what is restored is blended in, in `[0, 1]`.
    pub strength: f32,
    /// The share of what was restored before that stays after 1/30 s, in `[0, 1]`.
    pub temporal_smoothing: f32,
}

/// Restores frames. Made once and reused.
#[derive(Debug)]
pub struct Restorer {
    completer: Completer,
    batch: Batch,
    reader: Reader,
    inside: Vec<f32>,
    hole: StaticHole,
    memory: Memory,
    cuts: CutDetector,
    /// Whether channels were lost in the last frame.
    was_lossy: bool,
    steady: TemporalBlend<()>,
    writer: Writer,
    clock: Clock,
}

impl Restorer {
    /// With a generator of any pictures.
    pub fn new(completer: Completer) -> Self {
        let size = completer.size();
        Self {
            batch: completer.batch(),
            reader: Reader::default(),
            inside: vec![0.0; size.0 * size.1],
            hole: StaticHole::new(missing::Asked::default(), size),
            memory: Memory::new(size),
            cuts: CutDetector::default(),
            was_lossy: false,
            steady: TemporalBlend::new(size),
            writer: Writer::default(),
            clock: Clock::default(),
            completer,
        }
    }

    /// Takes the next frame for the first of another scene.
    pub fn forget(&mut self) {
        self.cuts.forget();
        self.memory.forget();
        self.steady.forget();
    }

    /// Remembers what `frame` looks like, of which nothing is lost.
    ///
    /// # Errors
    /// [`SceneError::Frame`].
    pub fn remember(
        &mut self,
        frame: &VideoFrameRef<&gst::BufferRef>,
        orientation: VideoOrientationMethod,
    ) -> Result<(), SceneError> {
        let now = self.clock.tick(frame);
        self.notice_cut(frame, false);
        let region = self.region(frame.info(), orientation)?;
        if let Some(image) = self.memory.next_look(now) {
            let crop = Crop {
                size: self.completer.size(),
                rgb: image,
                inside: &mut self.inside,
            };
            (self.reader).read(frame, &region.to_frame, Channels::Rgb, crop);
        }
        Ok(())
    }

    /// Forgets the scene where `frame`, in which channels are lost if it `is_lossy`, shows another one.
    fn notice_cut<T>(&mut self, frame: &VideoFrameRef<T>, is_lossy: bool) {
        if std::mem::replace(&mut self.was_lossy, is_lossy) != is_lossy {
            // A channel that goes or comes back changes the picture as a cut does.
            self.cuts.forget();
        }
        if self.cuts.is_cut(frame) {
            self.memory.forget();
            self.steady.forget();
        }
    }

    /// Restores what is `asked` of `frame`. Tells whether that is known from what the scene looked like
    /// before; if not, a generator that knows more of what is in the frame may do better there.
    ///
    /// # Errors
    /// [`SceneError`]; the frame is then as it was.
    pub fn restore(
        &mut self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        asked: &Asked,
    ) -> Result<bool, SceneError> {
        let now = self.clock.tick(frame);
        self.notice_cut(frame, true);
        self.follow(asked);
        self.try_out(asked, now)?;
        let region = self.region(frame.info(), asked.orientation)?;
        self.read(frame, &region, asked.reading);
        self.completer.complete(&mut self.batch)?;
        let is_known = match self.batch.completed_mut(0) {
            Some(made) if asked.reading == Channels::Rgb => {
                (self.memory).correct(made.image, asked.channels, made.completed)
            }
            _ => false,
        };
        self.hold_steady(asked.temporal_smoothing, now);
        let rgb = self.batch.completed(0).ok_or(SceneError::NoNumbers)?;
        let completion = Completion {
            rgb,
            image: self.batch.image(0),
            hole: self.hole.hole(),
            channels: asked.reading,
            strength: asked.strength,
            // What is lost in part has the grain of the rest.
            grain: 0.0,
            pixels: None,
            layers: [None; MOST_LAYERS],
            refined: None,
        };
        (self.writer).write(frame, &region.to_crop, &completion)?;
        Ok(is_known)
    }

    /// Takes out of the picture what is `asked` for.
    fn follow(&mut self, asked: &Asked) {
        let hole = missing::Asked {
            channels: asked.channels,
            reading: asked.reading,
            is_frame: true,
            ..missing::Asked::default()
        };
        if !self.hole.is_of(&hole) {
            self.hole = StaticHole::new(hole, self.completer.size());
            self.memory.forget_trial();
            self.steady.forget();
        }
    }

    /// Finds out how the generator restores what is `asked` of a frame that is known.
    fn try_out(&mut self, asked: &Asked, now: Duration) -> Result<(), SceneError> {
        // In luma the frame's colours cannot be told from those of the memory.
        let Some(known) = self
            .memory
            .untried(now)
            .filter(|_| asked.reading == Channels::Rgb)
        else {
            return Ok(());
        };
        self.batch.resize(1);
        let (image, mask) = self.batch.crop_mut(0);
        image.copy_from_slice(known);
        mask.copy_from_slice(self.hole.mask());
        self.completer.complete(&mut self.batch)?;
        let made = self.batch.completed(0).ok_or(SceneError::NoNumbers)?;
        self.memory.learn(made);
        Ok(())
    }

    /// All of the frame, lying if the generator's pictures do.
    fn region(
        &self,
        info: &VideoInfo,
        orientation: VideoOrientationMethod,
    ) -> Result<Region, AlignmentError> {
        let size = self.completer.size();
        let display = DisplaySpace::of(info, orientation);
        let is_tall = |width: f64, height: f64| height > width;
        let lies =
            is_tall(display.size[0], display.size[1]) == is_tall(size.0 as f64, size.1 as f64);
        let display = display.turned(if lies { Turn::None } else { Turn::Right });
        let frame = (info.width() as usize, info.height() as usize);
        Region::full_frame(frame, &display, size)
    }

    /// Reads the frame and what is known of it.
    fn read(
        &mut self,
        frame: &VideoFrameRef<&mut gst::BufferRef>,
        region: &Region,
        reading: Channels,
    ) {
        let size = self.completer.size();
        self.batch.resize(1);
        let (image, mask) = self.batch.crop_mut(0);
        let crop = Crop {
            size,
            rgb: image,
            inside: &mut self.inside,
        };
        self.reader.read(frame, &region.to_frame, reading, crop);
        mask.copy_from_slice(self.hole.mask());
    }

    /// Blends what was made with what was before.
    fn hold_steady(&mut self, strength: f32, now: Duration) {
        let size = self.completer.size();
        if let Some(made) = self.batch.completed_mut(0) {
            let mut crop = CompletedCrop::new(size, made.image, made.mask, made.completed);
            self.steady.blend((), &mut crop, now, strength);
        }
    }
}
