//! The regions of a frame, as they are found.

use std::fmt::Display;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;

use super::face::Face;
use crate::CAT;
use crate::locate::Region;

/// The regions found in a frame, each as a face of which nothing else is known.
pub struct RegionCollector<'a> {
    /// Width and height of the frame.
    pub frame: (usize, usize),
    /// Width and height of a crop.
    pub crop: (usize, usize),
    faces: &'a mut Vec<Face>,
    /// How many cannot be completed.
    pub invalid: usize,
}

impl<'a> RegionCollector<'a> {
    /// None yet, in `frame`, for crops of `crop` = (width, height).
    pub fn new<T>(
        frame: &VideoFrameRef<T>,
        crop: (usize, usize),
        faces: &'a mut Vec<Face>,
    ) -> Self {
        faces.clear();
        Self {
            frame: (frame.width() as usize, frame.height() as usize),
            crop,
            faces,
            invalid: 0,
        }
    }

    /// Adds `region`, or logs and counts why there is none.
    pub fn add(&mut self, region: Result<Region, impl Display>) {
        let region = match region {
            Ok(region) if region.is_within(self.frame, self.crop) => Ok(region),
            Ok(region) => Err(format!("{:?} lies outside the frame", region.bounds)),
            Err(reason) => Err(reason.to_string()),
        };
        match region {
            Ok(region) => self.faces.push(Face::new(region)),
            Err(reason) => {
                gst::debug!(CAT, "Skipping a region: {reason}");
                self.invalid += 1;
            }
        }
    }

    /// Drops all but the `most` largest; tells how many were dropped.
    pub fn keep_largest(&mut self, most: usize) -> usize {
        let surplus = self.faces.len().saturating_sub(most);
        if surplus > 0 {
            let area = |face: &Face| face.region.bounds.area();
            self.faces.sort_by(|a, b| area(b).total_cmp(&area(a)));
            self.faces.truncate(most);
        }
        surplus
    }
}
