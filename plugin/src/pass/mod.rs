//! A frame's whole way: find the faces, find what is missing of each, read their crops, complete
//! them in one run or recall their last completions, finish these, write the missing pixels, draw
//! the overlay, mark what was completed.
//!
//! No GObject is known here: the element says what is asked for ([`Settings`], one value a frame)
//! and opens what a [`Pass`] works with ([`Parts`], [`Update`]). One [`Face`] goes through all steps
//! for each region, and [`identity`] alone says whether it is one of an earlier frame.

mod ahead;
mod copying;
mod covers;
mod draw;
mod drop_outs;
mod face;
mod finder;
mod finisher;
mod identity;
mod look;
mod missing;
mod paint;
mod read;
mod recall;
mod refining;
mod region_collector;
mod report;
mod roi_writer;
mod settings;
#[cfg(test)]
mod tests;

use std::mem::discriminant;
use std::time::Duration;

use gst_video::{VideoFrameRef, VideoInfo};
use mde_core::alignment::AlignmentError;
use mde_core::contract::Alignment;

#[cfg(feature = "analytics")]
use crate::analytics;
use crate::completer::{Batch, Completer, CompleterError};
use crate::covers::{CoverNet, Finding};
use crate::damage::DropOut;
use crate::frame::Channels;
use crate::locate::{Clock, LocateError, Locator, Region};
use crate::refine::Refiner;
use crate::runtime::NetError;
use crate::views::Reference;
use copying::Copying;
use covers::Covers;
use draw::Drawer;
use drop_outs::DropOuts;
use face::Face;
use finder::FaceFinder;
use finisher::Finisher;
use missing::Missing;
use paint::{Made, Painter};
use read::CropReader;
use recall::Recall;
use refining::{Refining, Wanted};
use report::Lap;
use roi_writer::RoiWriter;

pub use ahead::Ahead;
pub use report::{Report, Step};
pub use settings::{Overlay, RegionSource, Settings};

/// A frame cannot be completed.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The generator failed.
    #[error(transparent)]
    Completer(#[from] CompleterError),
    /// Faces cannot be located.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// Covers cannot be found.
    #[error(transparent)]
    Covers(#[from] NetError),
    /// The frame has no area.
    #[error("the frame is no region: {0}")]
    Frame(#[from] AlignmentError),
    /// The buffer is too small for the caps, or its memory is not to be had.
    #[error("the buffer holds no frame of the format {0}: its memory cannot be mapped")]
    Map(String),
}

/// What a pass is made of.
#[derive(Debug)]
pub struct Parts {
    /// The generator.
    pub completer: Completer,
    /// Without one there are no faces where they are to be found.
    pub locator: Option<Locator>,
    /// Without one no covers are found.
    pub cover_net: Option<CoverNet>,
    /// Without one nothing is refined.
    pub refiner: Option<Refiner>,
    /// Pictures of the people in the stream.
    pub references: Vec<Reference>,
}

/// What takes the place of a part, where there is one here.
#[derive(Debug, Default)]
pub struct Update {
    /// The generator.
    pub completer: Option<Completer>,
    /// What finds faces.
    pub locator: Option<Locator>,
    /// What finds covers.
    pub cover_net: Option<CoverNet>,
    /// What refines.
    pub refiner: Option<Refiner>,
}

/// Everything that working on frames takes, between start and stop.
#[derive(Debug)]
pub struct Pass {
    completer: Completer,
    /// What the last frame was asked for.
    settings: Settings,
    clock: Clock,
    /// Of the present frame, by the clock.
    now: Duration,
    finder: FaceFinder,
    /// Of the present frame.
    faces: Vec<Face>,
    covers: Covers,
    drop_outs: DropOuts,
    missing: Missing,
    reader: CropReader,
    batch: Batch,
    recall: Recall,
    copying: Copying,
    finisher: Finisher,
    refining: Refining,
    painter: Painter,
    drawer: Drawer,
    roi_writer: RoiWriter,
}

impl Pass {
    /// Ready for the first frame.
    pub fn new(parts: Parts, settings: Settings) -> Self {
        let Parts {
            completer,
            locator,
            cover_net,
            refiner,
            references,
        } = parts;
        let size = completer.size();
        Self {
            clock: Clock::default(),
            now: Duration::ZERO,
            finder: FaceFinder::new(locator),
            faces: Vec::new(),
            covers: Covers::new(cover_net),
            drop_outs: DropOuts::default(),
            missing: Missing::new(&settings, size),
            reader: CropReader::default(),
            batch: completer.batch(),
            recall: Recall::default(),
            copying: Copying::new(size, references),
            finisher: Finisher::new(size),
            refining: Refining::new(refiner),
            painter: Painter::default(),
            drawer: Drawer::default(),
            roi_writer: RoiWriter::new(settings.hole, size),
            settings,
            completer,
        }
    }

    /// Works with what `update` holds from the next frame on. Time goes on for the faces that are
    /// followed.
    pub fn update(&mut self, update: Update) {
        if let Some(locator) = update.locator {
            self.finder.set_locator(locator);
        }
        if let Some(net) = update.cover_net {
            self.covers = Covers::new(Some(net));
        }
        if let Some(refiner) = update.refiner {
            self.refining = Refining::new(Some(refiner));
        }
        if let Some(completer) = update.completer {
            let size = completer.size();
            self.batch = completer.batch();
            self.recall.forget();
            self.copying.resize(size);
            self.finisher = Finisher::new(size);
            self.refining.forget();
            self.completer = completer;
        }
    }

    /// The faces of the last frame before which something was found, and what.
    pub fn covered(&self) -> impl Iterator<Item = (&Region, Finding)> {
        let covered = self.faces.iter();
        covered.filter_map(|face| Some((&face.region, face.cover?)))
    }

    /// The drop-outs that are found in the last frame that had its turn.
    pub fn drop_outs(&self) -> &[DropOut] {
        self.drop_outs.found()
    }

    /// The generator in use.
    pub fn completer(&self) -> &Completer {
        &self.completer
    }

    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.faces.clear();
        self.finder.forget();
        self.covers.forget();
        self.recall.forget();
        self.finisher.forget();
        self.refining.forget();
        self.copying.forget();
        self.drop_outs.forget();
        self.painter.forget();
    }

    /// Does with the frame in `buffer` what `settings` ask for; the buffer is copied only if it
    /// changes and others hold it too. For a frame that `is_late` the generator and the locator do
    /// not run. Where the frame was [looked at ahead](Self::look_ahead), that is what was `seen`.
    ///
    /// # Errors
    /// [`FrameError`]; the frame is then as it was, unless writing it failed.
    pub fn process(
        &mut self,
        buffer: &mut gst::Buffer,
        info: &VideoInfo,
        settings: &Settings,
        is_late: bool,
        seen: Option<Ahead>,
    ) -> Result<Report, FrameError> {
        self.follow(settings);
        let mut report = Report::default();
        {
            let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info)
                .map_err(|_| FrameError::Map(describe(info)))?;
            self.look(&frame, is_late, seen, &mut report)?;
        }
        let mut lap = Lap::start();
        if self.paints() {
            let Self { faces, batch, .. } = self;
            (self.finisher).finish(faces, batch, &self.missing.hole, &self.settings, self.now);
            self.refine(buffer, info)?;
            self.paint(buffer.make_mut(), info, &mut report)?;
        }
        if self.settings.drop_outs.is_some() {
            let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info)
                .map_err(|_| FrameError::Map(describe(info)))?;
            self.painter.keep(&frame);
        }
        if self.draws() {
            self.draw(buffer.make_mut(), info)?;
        }
        if self.paints() || self.draws() {
            report.set_time(Step::Postprocess, lap.next());
        }
        if self.marks() {
            let (buffer, size) = (buffer.make_mut(), (info.width(), info.height()));
            let marks_all = self.settings.marks_all();
            for face in self.faces.iter().filter(|f| marks_all || f.is_holed) {
                self.roi_writer.add(buffer, face, size);
                #[cfg(feature = "analytics")]
                self.publish(buffer, face, size);
            }
        }
        if !self.drop_outs.found().is_empty() {
            roi_writer::mark_drop_outs(buffer.make_mut(), self.drop_outs.found());
        }
        Ok(report)
    }

    /// Follows what `settings` ask for otherwise than before.
    fn follow(&mut self, settings: &Settings) {
        let before = std::mem::replace(&mut self.settings, settings.clone());
        let size = self.completer.size();
        self.roi_writer.follow(settings.hole, size);
        let outdated = self.missing.follow(settings, size);
        if outdated.completions {
            self.recall.forget();
        }
        if outdated.painted {
            self.finisher.forget();
        }
        // Numbers that one source gives to faces mean nothing to another.
        let is_other_source = discriminant(&before.source) != discriminant(&settings.source);
        if is_other_source || before.orientation != settings.orientation {
            self.forget();
        }
    }

    /// Whether regions are marked that are not completed.
    fn marks(&self) -> bool {
        let marks_all = self.settings.marks_all();
        let mut faces = self.faces.iter();
        self.settings.only_marks() && faces.any(|face| marks_all || face.is_holed)
    }

    /// Whether the frame is written to.
    fn paints(&self) -> bool {
        let is_completed = self.faces.iter().any(|face| face.crop.is_some());
        is_completed || self.missing.is_filled(&self.settings)
    }

    /// Whether the frame is drawn on.
    fn draws(&self) -> bool {
        let has_faces = !self.faces.is_empty();
        match self.settings.overlay {
            Overlay::None => false,
            Overlay::Mask => {
                has_faces || self.missing.damage.is_damaged() || self.settings.loses_channels
            }
            Overlay::Faces | Overlay::Sources => has_faces,
        }
    }

    /// Refines what is painted. A net that fails is told of in the log: the faces are completed without
    /// it.
    fn refine(&mut self, buffer: &gst::BufferRef, info: &VideoInfo) -> Result<(), FrameError> {
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info)
            .map_err(|_| FrameError::Map(describe(info)))?;
        let hole = &self.missing.hole;
        let is_colour = hole.channels() == Channels::Rgb && hole.hole().is_uniform();
        let contract = self.completer.contract();
        let is_face = contract.is_some_and(|c| c.alignment == Alignment::FaceTemplate)
            && self.settings.source != RegionSource::FullFrame;
        let wanted = (self.settings.refine && is_colour && is_face).then_some(Wanted {
            prototypes: self.settings.prototypes,
            now: self.now,
        });
        let refined = (self.refining).refine(&frame, &self.faces, &self.batch, wanted);
        if let Err(error) = refined {
            gst::warning!(crate::CAT, "{error}");
        }
        Ok(())
    }

    /// Writes the completions and marks the completed regions.
    fn paint(
        &mut self,
        buffer: &mut gst::BufferRef,
        info: &VideoInfo,
        report: &mut Report,
    ) -> Result<(), FrameError> {
        let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, info)
            .map_err(|_| FrameError::Map(describe(info)))?;
        let Self {
            faces,
            covers,
            missing,
            batch,
            settings,
            painter,
            refining,
            ..
        } = self;
        let size = batch.size();
        let made = Made { batch, refining };
        for face in &*faces {
            let cover = covers.laid(settings, face, size);
            let cover = cover.as_ref();
            painter.write(&mut frame, face, cover, missing, made, settings)?;
        }
        report.has_filled = painter.fill(&mut frame, faces, missing, settings);
        drop(frame);
        let size = (info.width(), info.height());
        for face in &self.faces {
            let Some(crop) = &face.crop else { continue };
            let shares = copying::shares(crop, &self.batch, self.now);
            report.add_completed(face.is_recalled, shares.as_ref());
            (self.roi_writer).add_completed(buffer, face, size, shares.as_ref());
            #[cfg(feature = "analytics")]
            self.publish(buffer, face, size);
        }
        Ok(())
    }

    /// Tells of `face` in a frame of `size` = (width, height) pixels by the metas that others than this
    /// element know.
    #[cfg(feature = "analytics")]
    fn publish(&self, buffer: &mut gst::BufferRef, face: &Face, size: (u32, u32)) {
        let cover = self
            .covers
            .laid(&self.settings, face, self.completer.size());
        let cover = cover.as_ref().and_then(|cover| {
            Some(analytics::Mask {
                area: cover.area((size.0 as usize, size.1 as usize))?,
                hides: move |x, y| cover.damage(x, y).is_hidden(),
            })
        });
        let region = face.region.bounds.pixels(size);
        if let Err(error) = analytics::publish(buffer, region, cover) {
            gst::warning!(crate::CAT, "A region is not told of: {error}");
        }
    }

    /// Draws the overlay.
    fn draw(&mut self, buffer: &mut gst::BufferRef, info: &VideoInfo) -> Result<(), FrameError> {
        let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, info)
            .map_err(|_| FrameError::Map(describe(info)))?;
        let Self {
            faces,
            covers,
            missing,
            batch,
            settings,
            drawer,
            ..
        } = self;
        if settings.overlay == Overlay::Mask {
            if settings.loses_channels {
                drawer.channels(&mut frame);
            }
            drawer.rest(&mut frame, faces, missing, settings);
        }
        for face in &*faces {
            let cover = covers.laid(settings, face, batch.size());
            let cover = cover.as_ref();
            drawer.face(&mut frame, face, cover, missing, batch, settings.overlay)?;
        }
        Ok(())
    }
}

fn describe(info: &VideoInfo) -> String {
    format!("{} {}x{}", info.format(), info.width(), info.height())
}
