//! Finding the faces of a frame, each with its identity.

use std::time::Duration;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::alignment::AlignmentError;

use super::FrameError;
use super::face::Face;
use super::identity::Identities;
use super::region_collector::RegionCollector;
use super::settings::{RegionSource, Settings};
use crate::damage::DropOut;
use crate::locate::{self, CutDetector, DisplaySpace, Hidden, Locator, Region};

/// Finds faces wherever [`Settings::source`] says that they are.
#[derive(Debug)]
pub struct FaceFinder {
    /// Without one there are no faces where a locator should find them.
    locator: Option<Locator>,
    /// For regions that are not the locator's, which has one of its own.
    cuts: CutDetector,
    identities: Identities,
}

/// What came of looking for faces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// Regions that cannot be completed.
    pub invalid: usize,
    /// Regions that are more than are wanted.
    pub surplus: usize,
    /// Whether the frame shows another scene than the last one.
    pub is_cut: bool,
}

impl FaceFinder {
    /// With `locator`, if there is one.
    pub fn new(locator: Option<Locator>) -> Self {
        Self {
            locator,
            cuts: CutDetector::default(),
            identities: Identities::default(),
        }
    }

    /// Finds faces with `locator` from now on.
    pub fn set_locator(&mut self, locator: Locator) {
        self.locator = Some(locator);
    }

    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.cuts.forget();
        self.identities.forget_places();
        if let Some(locator) = &mut self.locator {
            locator.forget();
        }
    }

    /// Fills `faces` with those of the frame at the time `now`, of which what is `damaged` shows
    /// nothing, for crops of `crop` = (width, height).
    pub fn find<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        settings: &Settings,
        damaged: &[DropOut],
        crop: (usize, usize),
        now: Duration,
        faces: &mut Vec<Face>,
    ) -> Result<Found, FrameError> {
        let display = DisplaySpace::of(frame.info(), settings.orientation);
        let mut regions = RegionCollector::new(frame, crop, faces);
        let mut is_cut = false;
        match settings.source {
            RegionSource::FullFrame => {
                is_cut = self.cuts.is_cut(frame);
                let region = Region::full_frame(regions.frame, &display, crop)?;
                regions.add(Ok::<_, AlignmentError>(region));
            }
            RegionSource::RoiList => {
                is_cut = self.cuts.is_cut(frame);
                if is_cut {
                    self.identities.forget_places();
                }
                for region in locate::marked(frame.buffer(), &display, crop) {
                    regions.add(region);
                }
            }
            RegionSource::Faces(options) => {
                let tracks = match &mut self.locator {
                    Some(locator) => {
                        let hidden = |at, rgb| settings.hide(at, rgb) || is_in(damaged, at);
                        let has_some = settings.hide_some() || !damaged.is_empty();
                        let hidden = has_some.then_some(&hidden as &Hidden);
                        locator.locate_past(hidden, frame, &display, now, &options)?
                    }
                    None => &[],
                };
                for track in tracks {
                    let region = Region::of_track(track, crop);
                    regions.add(region.map(|region| region.in_frame(&display)));
                }
            }
        }
        let found = Found {
            surplus: regions.keep_largest(settings.max_faces),
            invalid: regions.invalid,
            is_cut,
        };
        self.identities.recognise(faces, now);
        Ok(found)
    }

    /// Takes `faces` to be where they were, for a frame in which there is no time to look for them,
    /// unless it shows another scene.
    pub fn stay<T>(&mut self, frame: &VideoFrameRef<T>, faces: &mut Vec<Face>) {
        faces.iter_mut().for_each(Face::renew);
        if let Some(locator) = &mut self.locator
            && locator.skip(frame)
        {
            faces.clear();
        }
    }
}

/// Whether `at` = (x, y) lies in one of `damaged`.
fn is_in(damaged: &[DropOut], [x, y]: [f64; 2]) -> bool {
    // Casts cut what is negative.
    let (x, y) = (x.round() as usize, y.round() as usize);
    (damaged.iter()).any(|drop_out| drop_out.area.contains(x, y))
}
