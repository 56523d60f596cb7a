//! The way of a frame: locate the regions, read their crops, complete them in one run, write the
//! holes back, draw the overlay.

use gst_video::VideoFrameRef;
use std::fmt::Display;

use gst_video::prelude::*;
use mde_core::alignment::AlignmentError;
use mde_core::mask::Mask;

use super::imp::CAT;
use super::settings::FrameSettings;
use super::{Occlusions, Overlay, RegionSource};
use crate::completer::{Batch, Completer, CompleterError};
use crate::frame::{self, Hole};
use crate::locate::{self, Bounds, Detector, DetectorError, Region};

/// More regions in a frame than anybody looks at; those beyond are left as they are, so that a
/// frame cannot take all memory.
const MAX_REGIONS: usize = 64;

/// A frame cannot be completed.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The generator failed.
    #[error(transparent)]
    Completer(#[from] CompleterError),
    /// The detector failed.
    #[error(transparent)]
    Detector(#[from] DetectorError),
    /// The frame has no area.
    #[error("the frame is no region: {0}")]
    Frame(#[from] AlignmentError),
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Regions completed.
    pub completed: usize,
    /// Regions left as they were: beyond the greatest number, without an alignment, or with a
    /// completion that is no picture.
    pub skipped: usize,
}

/// Everything that working on frames takes, between start and stop.
#[derive(Debug)]
pub struct Worker {
    completer: Completer,
    detector: Option<Detector>,
    batch: Batch,
    cut: Cut,
    regions: Vec<Region>,
    inside: Vec<f32>,
}

/// What is missing from each crop, and how its completion is blended in.
#[derive(Debug)]
struct Cut {
    occlusion: Occlusions,
    feather: f32,
    mask: Mask,
    hole: Hole,
}

impl Cut {
    fn new(occlusion: Occlusions, feather: f32, (width, height): (usize, usize)) -> Self {
        let mask = Mask::from_occlusions(width, height, occlusion.named());
        Self {
            occlusion,
            feather,
            hole: Hole::new(&mask, feather),
            mask,
        }
    }
}

impl Worker {
    /// Ready for the first frame. Without a detector there are no faces in any frame.
    pub fn new(completer: Completer, detector: Option<Detector>, settings: &FrameSettings) -> Self {
        let size = completer.size();
        Self {
            detector,
            batch: Batch::new(size),
            cut: Cut::new(settings.occlusion, settings.mask_feather, size),
            regions: Vec::with_capacity(MAX_REGIONS),
            inside: vec![0.0; size.0 * size.1],
            completer,
        }
    }

    /// Finds faces with `detector` from now on.
    pub fn set_detector(&mut self, detector: Detector) {
        self.detector = Some(detector);
    }

    /// Completes `frame` in place. Where it fails the frame is as it was.
    pub fn process(
        &mut self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        settings: &FrameSettings,
    ) -> Result<Report, FrameError> {
        self.follow(settings);
        let mut report = Report {
            skipped: self.locate(frame, settings.region)?,
            completed: 0,
        };
        if !settings.occlusion.is_empty() && !self.regions.is_empty() {
            self.read(frame);
            self.completer.complete(&mut self.batch)?;
            report.completed = self.write(frame)?;
            report.skipped += self.regions.len() - report.completed;
        }
        self.draw(frame, settings.overlay)?;
        Ok(report)
    }

    fn follow(&mut self, settings: &FrameSettings) {
        let FrameSettings {
            occlusion,
            mask_feather,
            ..
        } = *settings;
        if (self.cut.occlusion, self.cut.feather) != (occlusion, mask_feather) {
            self.cut = Cut::new(occlusion, mask_feather, self.completer.size());
        }
    }

    /// Fills the list of regions; tells how many were skipped.
    fn locate(
        &mut self,
        frame: &VideoFrameRef<&mut gst::BufferRef>,
        source: RegionSource,
    ) -> Result<usize, FrameError> {
        let crop = self.completer.size();
        let mut skipped = 0;
        self.regions.clear();
        match source {
            RegionSource::FullFrame => {
                let size = (frame.width() as usize, frame.height() as usize);
                self.regions.push(Region::full_frame(size, crop)?);
            }
            RegionSource::RoiList => {
                for region in locate::marked(frame.buffer(), crop) {
                    skipped += keep(region, &mut self.regions);
                }
            }
            RegionSource::Faces => {
                let faces = match &mut self.detector {
                    Some(detector) => detector.detect(frame)?,
                    None => &[],
                };
                for face in faces {
                    let region = Region::of_points(&face.points, face.bounds, crop);
                    skipped += keep(region, &mut self.regions);
                }
            }
        }
        skipped += self.regions.len().saturating_sub(MAX_REGIONS);
        self.regions.truncate(MAX_REGIONS);
        Ok(skipped)
    }

    fn read(&mut self, frame: &VideoFrameRef<&mut gst::BufferRef>) {
        let size = self.batch.size();
        self.batch.resize(self.regions.len());
        for (index, region) in self.regions.iter().enumerate() {
            let (image, mask) = self.batch.crop_mut(index);
            frame::read_crop(frame, &region.to_frame, size, image, &mut self.inside);
            // What lies beyond the frame's edge is as unknown as what is covered.
            let known = self.cut.mask.as_slice().chunks(self.inside.len());
            for (mask, known) in mask.chunks_mut(self.inside.len()).zip(known) {
                for (value, (known, inside)) in mask.iter_mut().zip(known.iter().zip(&self.inside))
                {
                    *value = known * inside;
                }
            }
        }
    }

    /// Writes the completions; tells how many there are.
    fn write(&self, frame: &mut VideoFrameRef<&mut gst::BufferRef>) -> Result<usize, FrameError> {
        let mut written = 0;
        for (index, region) in self.regions.iter().enumerate() {
            if let Some(completed) = self.batch.completed(index) {
                frame::write_crop(frame, &region.to_crop, completed, &self.cut.hole)?;
                written += 1;
            }
        }
        Ok(written)
    }

    fn draw(
        &self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        overlay: Overlay,
    ) -> Result<(), FrameError> {
        for region in &self.regions {
            match overlay {
                Overlay::None => (),
                Overlay::Mask => frame::draw::hole(frame, &region.to_crop, &self.cut.hole)?,
                Overlay::Faces => {
                    let Bounds { x0, y0, x1, y1 } = region.bounds;
                    frame::draw::outline(frame, [x0, y0], [x1, y1]);
                    frame::draw::points(frame, region.points.as_ref().map_or(&[], |p| p));
                }
            }
        }
        Ok(())
    }
}

/// Adds `region` to `regions`, or logs why there is none; tells how many were skipped.
fn keep(region: Result<Region, impl Display>, regions: &mut Vec<Region>) -> usize {
    match region {
        Ok(region) => {
            regions.push(region);
            0
        }
        Err(reason) => {
            gst::debug!(CAT, "Skipping a region: {reason}");
            1
        }
    }
}
