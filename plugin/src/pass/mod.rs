//! The way of a frame: locate the regions, read their crops, complete them in one run or recall
//! their last completions, write the holes back, draw the overlay, mark what was completed.

mod copying;
mod finds;
mod marks;
mod recall;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo, VideoOrientationMethod};
use mde_core::alignment::AlignmentError;
use mde_core::occlusion::Rect;

use crate::completer::{Batch, Completer, CompleterError};
use crate::element::bus::stats::{Report, Step};
use crate::element::properties::{FrameSettings, MAX_FACES, Overlay, RegionSource};
use crate::finish::temporal::Steady;
use crate::finish::{self, Border};
use crate::frame::{self, Channels, Completion, Crop, Filler, Reader, Writer};
use crate::locate::{self, Bounds, Clock, DisplaySpace, LocateError, Locator, Region};
use crate::missing::{FrameMissing, Raster, StaticHole};
use crate::views::Reference;
use copying::Copying;
use finds::Finds;
use marks::Marks;
use recall::Recall;

/// A frame cannot be completed.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The generator failed.
    #[error(transparent)]
    Completer(#[from] CompleterError),
    /// Faces cannot be located.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// The frame has no area.
    #[error("the frame is no region: {0}")]
    Frame(#[from] AlignmentError),
    /// The buffer is too small for the caps, or its memory is not to be had.
    #[error("the buffer holds no frame of the format {0}: its memory cannot be mapped")]
    Map(String),
}

/// Everything that working on frames takes, between start and stop.
#[derive(Debug)]
pub struct Worker {
    completer: Completer,
    locator: Option<Locator>,
    is_live: bool,
    orientation: VideoOrientationMethod,
    /// Where the regions of the last frame came from.
    source: RegionSource,
    batch: Batch,
    cut: StaticHole,
    damage: FrameMissing,
    marks: Marks,
    recall: Recall,
    references: Vec<Reference>,
    copying: Copying<i32>,
    clock: Clock,
    /// Of the present frame, by the clock.
    now: Duration,
    steady: Steady,
    /// Of the present frame.
    regions: Vec<Region>,
    /// The part of the frame with each region's damage, if it has any besides the cut.
    damaged: Vec<Option<Rect>>,
    /// The regions of which something is to be completed.
    holed: Vec<usize>,
    /// The batch's crop with each region's completion.
    crops: Vec<Option<usize>>,
    /// Whether each of the batch's crops is covered up to the border of the cut.
    covered: Vec<bool>,
    inside: Vec<f32>,
    border: Border,
    reader: Reader,
    writer: Writer,
    filler: Filler,
}

impl Worker {
    /// Ready for the first frame; `references` are pictures of the people in it. Without a locator
    /// there are no faces in any frame.
    pub fn new(
        completer: Completer,
        locator: Option<Locator>,
        references: Vec<Reference>,
        settings: &FrameSettings,
    ) -> Self {
        let size = completer.size();
        Self {
            locator,
            is_live: false,
            orientation: VideoOrientationMethod::Identity,
            source: settings.region,
            batch: completer.batch(),
            cut: StaticHole::new(settings.static_hole(), size),
            damage: FrameMissing::default(),
            marks: Marks::new(settings.occlusion, size),
            recall: Recall::default(),
            copying: Copying::new(size, &references),
            references,
            clock: Clock::default(),
            now: Duration::ZERO,
            steady: Steady::new(size),
            regions: Vec::with_capacity(MAX_FACES as usize),
            damaged: Vec::with_capacity(MAX_FACES as usize),
            holed: Vec::with_capacity(MAX_FACES as usize),
            crops: Vec::with_capacity(MAX_FACES as usize),
            covered: Vec::with_capacity(MAX_FACES as usize),
            inside: vec![0.0; size.0 * size.1],
            border: Border::default(),
            reader: Reader::default(),
            writer: Writer::default(),
            filler: Filler::default(),
            completer,
        }
    }

    /// Finds faces with `locator` from now on.
    pub fn set_locator(&mut self, locator: Locator) {
        self.locator = Some(locator);
    }

    /// Takes the stream to be live from now on, or not to be.
    pub fn set_live(&mut self, is_live: bool) {
        self.is_live = is_live;
    }

    /// Takes frames to be put upright by `orientation` from now on.
    pub fn set_orientation(&mut self, orientation: VideoOrientationMethod) {
        if self.orientation != orientation {
            self.orientation = orientation;
            self.forget();
        }
    }

    /// Takes `mask` for the mask picture, at the size of the frames, from now on.
    pub fn set_mask(&mut self, mask: Option<Arc<Raster>>) {
        if self.damage.set_mask(mask) {
            self.recall.forget();
            self.steady.forget();
        }
    }

    /// The generator in use.
    pub fn completer(&self) -> &Completer {
        &self.completer
    }

    /// Completes with `completer` from now on.
    pub fn set_completer(&mut self, completer: Completer, settings: &FrameSettings) {
        let locator = self.locator.take();
        let references = std::mem::take(&mut self.references);
        let mut damage = std::mem::take(&mut self.damage);
        damage.forget();
        *self = Self {
            damage,
            // Time goes on for the faces that are followed.
            clock: std::mem::take(&mut self.clock),
            now: self.now,
            is_live: self.is_live,
            orientation: self.orientation,
            ..Self::new(completer, locator, references, settings)
        };
    }

    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.recall.forget();
        self.steady.forget();
        self.copying.forget();
        self.regions.clear();
        if let Some(locator) = &mut self.locator {
            locator.forget();
        }
    }

    /// Completes the frame in `buffer`, which is copied only if it changes and others hold it too.
    /// Where completing fails the frame is as it was. For a frame that `is_late` the generator and
    /// the locator do not run.
    pub fn process(
        &mut self,
        buffer: &mut gst::Buffer,
        info: &VideoInfo,
        settings: &FrameSettings,
        is_late: bool,
    ) -> Result<Report, FrameError> {
        self.follow(settings);
        let mut report = Report::default();
        let is_recalled = {
            let frame = VideoFrameRef::from_buffer_ref_readable(buffer, info)
                .map_err(|_| FrameError::Map(describe(info)))?;
            self.now = self.clock.tick(&frame);
            self.look(&frame, settings, is_late, &mut report)?
        };
        if self.changes_frame(settings) {
            let mut lap = Lap::start();
            if !is_recalled {
                self.match_borders(settings);
                // Afterwards, so that what is matched does not flicker either.
                self.hold_still(settings.temporal_smoothing);
            }
            self.paint(buffer.make_mut(), info, settings, is_recalled, &mut report)?;
            report.set_time(Step::Postprocess, lap.next());
        }
        if settings.only_marks() && !self.regions.is_empty() {
            let (buffer, size) = (buffer.make_mut(), (info.width(), info.height()));
            for region in &self.regions {
                self.marks.add(buffer, region, size);
            }
        }
        let done = self.crops.iter().flatten().count();
        (report.completed, report.reused) = match is_recalled {
            true => (0, done),
            false => (done, 0),
        };
        Ok(report)
    }

    /// All that is done before the frame changes: fills `regions` and `crops`, tells whether the
    /// completions are recalled ones.
    fn look<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        settings: &FrameSettings,
        is_late: bool,
        report: &mut Report,
    ) -> Result<bool, FrameError> {
        let mut lap = Lap::start();
        self.crops.clear();
        if !(is_late && settings.region == RegionSource::Faces) {
            self.locate(frame, settings, report)?;
            report.set_time(Step::Locate, lap.next());
        }
        report.faces = self.regions.len();
        let is_young = self.recall.count_frame() < settings.inference_interval;
        self.find_damage(frame, settings);
        self.remember_faces(frame, settings, is_late);
        if self.holed.is_empty() {
            self.crops.resize(self.regions.len(), None);
            return Ok(false);
        }
        if is_late || is_young {
            self.recall();
            let is_recalled = |&index: &usize| self.crops[index].is_some();
            if is_late || self.holed.iter().all(is_recalled) {
                return Ok(true);
            }
        }
        self.read(frame);
        report.is_unplaced = !self.show_views(frame);
        report.set_time(Step::Preprocess, lap.next());
        self.infer(report)?;
        report.set_time(Step::Inference, lap.next());
        Ok(false)
    }

    fn follow(&mut self, settings: &FrameSettings) {
        if self.source != settings.region {
            // Numbers that one source gives to faces mean nothing to another.
            self.source = settings.region;
            self.recall.forget();
            self.steady.forget();
            self.copying.forget();
            self.regions.clear();
        }
        let asked = settings.static_hole();
        if !self.cut.takes_as(&asked) {
            self.steady.forget();
        }
        if !self.cut.is_of(&asked) {
            let size = self.completer.size();
            self.cut = StaticHole::new(asked, size);
            self.marks = Marks::new(settings.occlusion, size);
            self.damage.forget();
            self.recall.forget();
        }
    }

    /// Fills the lists of damaged parts and of regions to be completed.
    fn find_damage<T>(&mut self, frame: &VideoFrameRef<T>, settings: &FrameSettings) {
        let crop = self.completer.size();
        self.damage
            .look(frame, &settings.sources(), &self.regions, crop);
        self.damaged.clear();
        self.holed.clear();
        for (index, region) in self.regions.iter().enumerate() {
            let part = self.damage.part_of(region, crop);
            let is_holed = part.is_some() || !self.cut.is_empty();
            if is_holed && !settings.only_marks() {
                self.holed.push(index);
            }
            self.damaged.push(part);
        }
    }

    /// Takes earlier completions for the regions that need one.
    fn recall(&mut self) {
        self.recall.assign(&self.regions, &mut self.crops);
        for (index, crop) in self.crops.iter_mut().enumerate() {
            *crop = crop.filter(|_| self.holed.contains(&index));
        }
    }

    /// Fills the list of regions.
    fn locate<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        settings: &FrameSettings,
        report: &mut Report,
    ) -> Result<(), FrameError> {
        let display = DisplaySpace::of(frame.info(), self.orientation);
        let mut finds = Finds::new(frame, self.completer.size(), &mut self.regions);
        match settings.region {
            RegionSource::FullFrame => {
                let region = Region::full_frame(finds.frame, &display, finds.crop)?;
                finds.regions.push(region);
            }
            RegionSource::RoiList => {
                for region in locate::marked(frame.buffer(), &display, finds.crop) {
                    finds.add(region);
                }
            }
            RegionSource::Faces => {
                let options = settings.following.options(self.is_live);
                let tracks = match &mut self.locator {
                    Some(locator) => locator.locate(frame, &display, self.now, &options)?,
                    None => &[],
                };
                for track in tracks {
                    let region = Region::of_track(track, finds.crop);
                    finds.add(region.map(|region| region.in_frame(&display)));
                }
            }
        }
        report.surplus = finds.keep_largest(settings.max_faces as usize);
        report.invalid = finds.invalid;
        Ok(())
    }

    /// Reads the crops of the regions to be completed, with their masks.
    fn read<T>(&mut self, frame: &VideoFrameRef<T>) {
        let size = self.batch.size();
        self.batch.resize(self.holed.len());
        self.covered.clear();
        for (crop, &index) in self.holed.iter().enumerate() {
            let region = &self.regions[index];
            let (image, mask) = self.batch.crop_mut(crop);
            let crop = Crop {
                size,
                rgb: image,
                inside: &mut self.inside,
            };
            self.reader
                .read(frame, &region.to_frame, self.cut.channels(), crop);
            // What lies beyond the frame's edge is as unknown as what is covered.
            let known = self.cut.mask().chunks(self.inside.len());
            for (mask, known) in mask.chunks_mut(self.inside.len()).zip(known) {
                for (value, (known, inside)) in mask.iter_mut().zip(known.iter().zip(&self.inside))
                {
                    *value = known * inside;
                }
            }
            self.covered.push(match self.cut.hole().bounds() {
                Some(part)
                    if frame::mixes_pixels(frame.info(), &region.to_frame, &region.to_crop) =>
                {
                    let crop = finish::Crop {
                        size,
                        image,
                        cut: self.cut.mask(),
                        part,
                    };
                    finish::distrust_border(&crop, mask)
                }
                _ => false,
            });
            if let Some(part) = self.damaged[index] {
                self.damage.carry(frame, region, part, size, mask);
            }
        }
    }

    /// Keeps looks at the faces of which nothing is missing, if the generator is shown such.
    fn remember_faces<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        settings: &FrameSettings,
        is_late: bool,
    ) {
        if !self.completer.takes_views() {
            return;
        }
        self.copying.follow(settings.copying.memory(), self.now);
        if !is_late {
            let (regions, holed) = (&self.regions, &self.holed);
            let whole = regions.iter().enumerate();
            let whole = whole.filter(|(index, _)| !holed.contains(index));
            let whole = whole.filter_map(|(_, region)| Some((name(region, regions)?, region)));
            self.copying.remember(frame, whole, self.now);
        }
    }

    /// Shows the generator views of the faces, if it takes them. Tells whether every reference
    /// picture has a face that it fits, as far as there are any to fit.
    fn show_views<T>(&mut self, frame: &VideoFrameRef<T>) -> bool {
        if !self.completer.takes_views() {
            return true;
        }
        let holed = match self.cut.channels() {
            Channels::Rgb => self.holed.as_slice(),
            // Views have no place in a picture of luma.
            Channels::Luma => &[],
        };
        let regions = &self.regions;
        let cropped = holed.iter().enumerate().filter_map(|(crop, &index)| {
            let region = &regions[index];
            Some((name(region, regions)?, region, crop))
        });
        let (batch, now) = (&mut self.batch, self.now);
        let are_placed = self.copying.show(cropped.clone(), batch, now);
        (self.copying).remember_known(frame, cropped, batch, now);
        are_placed
    }

    /// Runs the generator; a completion that is no picture is left out.
    fn infer(&mut self, report: &mut Report) -> Result<(), FrameError> {
        // Until it has succeeded there is nothing to recall.
        self.recall.forget();
        self.crops.clear();
        self.completer.complete(&mut self.batch)?;
        self.crops.resize(self.regions.len(), None);
        for (crop, &index) in self.holed.iter().enumerate() {
            match self.batch.completed(crop) {
                Some(_) => self.crops[index] = Some(crop),
                None => report.without_numbers += 1,
            }
        }
        report.invalid += report.without_numbers;
        let (regions, crops) = (&self.regions, &self.crops);
        let copied = regions.iter().zip(crops);
        let copied = copied.filter_map(|(region, crop)| Some((name(region, regions)?, (*crop)?)));
        self.copying.note(copied, &self.batch);
        self.recall.learn(&self.regions, &self.crops);
        Ok(())
    }

    /// Matches new completions to what is known around their holes.
    fn match_borders(&mut self, settings: &FrameSettings) {
        for &crop in self.crops.iter().flatten() {
            if let Some(mut completion) = self.batch.completed_crop_mut(crop) {
                completion.covered = self.covered[crop].then(|| self.cut.mask());
                self.border.fit(completion, settings.blending.border_match);
            }
        }
    }

    /// Blends new completions with earlier ones of the same faces.
    fn hold_still(&mut self, strength: f32) {
        let (batch, regions, crops) = (&mut self.batch, &self.regions, &self.crops);
        self.steady
            .smooth(batch, regions, crops, self.now, strength);
    }

    /// Whether damage is filled plainly where no region is completed.
    fn fills(&self, settings: &FrameSettings) -> bool {
        settings.strength > 0.0 && self.damage.is_damaged()
    }

    fn changes_frame(&self, settings: &FrameSettings) -> bool {
        let is_drawn_on = settings.overlay != Overlay::None && !self.regions.is_empty();
        let is_completed = self.crops.iter().any(Option::is_some);
        is_drawn_on || is_completed || self.fills(settings)
    }

    /// Writes the completions, draws the overlay and marks the completed regions.
    fn paint(
        &mut self,
        buffer: &mut gst::BufferRef,
        info: &VideoInfo,
        settings: &FrameSettings,
        is_recalled: bool,
        report: &mut Report,
    ) -> Result<(), FrameError> {
        let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, info)
            .map_err(|_| FrameError::Map(describe(info)))?;
        self.write(&mut frame, settings)?;
        report.has_filled = self.fill(&mut frame, settings);
        self.draw(&mut frame, settings.overlay)?;
        drop(frame);
        let size = (info.width(), info.height());
        for (region, crop) in self.regions.iter().zip(&self.crops) {
            let Some(crop) = *crop else { continue };
            let shares = self.copying.shares(&self.batch, crop);
            if let Some(shares) = &shares {
                report.add_shares(shares);
            }
            (self.marks).add_completed(buffer, region, size, is_recalled, shares.as_ref());
        }
        Ok(())
    }

    fn write(
        &mut self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        settings: &FrameSettings,
    ) -> Result<(), FrameError> {
        for (index, region) in self.regions.iter().enumerate() {
            let crop = self.crops[index];
            let Some((crop, rgb)) = crop.and_then(|c| Some((c, self.batch.completed(c)?))) else {
                continue;
            };
            let part = self.damaged[index];
            let completion = Completion {
                rgb,
                image: self.batch.image(crop),
                hole: match self.covered[crop] {
                    true => self.cut.sharp_hole(),
                    false => self.cut.hole(),
                },
                channels: self.cut.channels(),
                strength: settings.strength,
                grain: settings.blending.grain,
                pixels: part.and_then(|part| self.damage.weights(region, part, &self.cut)),
                layers: self.copying.layers(&self.batch, crop),
            };
            self.writer.write(frame, &region.to_crop, &completion)?;
            if let (Some(pixels), true) = (completion.pixels, settings.mask_from_alpha) {
                frame::make_opaque(frame, pixels, settings.strength);
            }
        }
        Ok(())
    }

    /// Fills the damage that no completed region has; tells whether there was any.
    fn fill(
        &mut self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        settings: &FrameSettings,
    ) -> bool {
        if !self.fills(settings) {
            return false;
        }
        let regions = self.regions.iter().zip(&self.crops);
        let completed = regions.filter_map(|(region, crop)| crop.map(|_| region));
        let mut has_filled = false;
        self.damage
            .rest(completed, self.completer.size(), |pixels| {
                self.filler.fill(frame, pixels, settings.strength);
                if settings.mask_from_alpha {
                    frame::make_opaque(frame, pixels, settings.strength);
                }
                if settings.overlay == Overlay::Mask {
                    frame::draw::pixels(&mut self.writer, frame, pixels);
                }
                has_filled = true;
            });
        has_filled
    }

    fn draw(
        &mut self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        overlay: Overlay,
    ) -> Result<(), FrameError> {
        let writer = &mut self.writer;
        for (index, region) in self.regions.iter().enumerate() {
            let part = self.damaged[index];
            match overlay {
                Overlay::None => (),
                Overlay::Mask => {
                    let pixels = part.and_then(|part| self.damage.weights(region, part, &self.cut));
                    frame::draw::hole(writer, frame, &region.to_crop, self.cut.hole(), pixels)?;
                }
                Overlay::Sources => {
                    let Some(Some(crop)) = self.crops.get(index) else {
                        continue;
                    };
                    let pixels = part.and_then(|part| self.damage.weights(region, part, &self.cut));
                    let (copied, width) = (self.batch.copied(*crop), self.batch.size().0);
                    let shares = |i: usize| match &copied {
                        Some(copied) => copied.at(i, width),
                        None => [1.0, 0.0, 0.0],
                    };
                    let hole = self.cut.hole();
                    frame::draw::sources(writer, frame, &region.to_crop, hole, pixels, shares)?;
                }
                Overlay::Faces => {
                    let Bounds { x0, y0, x1, y1 } = region.bounds;
                    frame::draw::outline(writer, frame, [x0, y0], [x1, y1]);
                    frame::draw::points(writer, frame, region.points.as_ref().map_or(&[], |p| p));
                    if region.id > 0 {
                        let number = region.id.unsigned_abs();
                        frame::draw::number(writer, frame, [x0, y0], number);
                    }
                }
            }
        }
        Ok(())
    }
}

/// What the face in `region` is remembered by: its number, or, where it is alone in the frame, that
/// it has none.
fn name(region: &Region, all: &[Region]) -> Option<i32> {
    (region.id != 0 || all.len() == 1).then_some(region.id)
}

/// Times between laps.
struct Lap(Instant);

impl Lap {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn next(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}

fn describe(info: &VideoInfo) -> String {
    format!("{} {}x{}", info.format(), info.width(), info.height())
}
