//! The mask picture of a stream, and what the bus knows of masks that cover nothing.

use std::path::PathBuf;
use std::sync::Arc;

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::{VideoInfo, VideoOrientationMethod};

use super::model::post;
use super::opening::open_mask;
use crate::element::bus::messages::{covers_nothing, fills_plainly};
use crate::element::imp::{MdeComplete, State};
use crate::element::properties::Settings;
use crate::missing::{FittedMask, FrameShape, Raster};
use crate::{frame, pass};

/// Between start and stop.
#[derive(Debug, Default)]
pub struct Masks {
    picture: Option<FittedMask>,
    /// Of the frames, once there are caps.
    info: Option<VideoInfo>,
    /// What puts them upright; nothing where they are.
    orientation: Option<VideoOrientationMethod>,
    is_picture_told: bool,
    is_alpha_told: bool,
    is_fill_told: bool,
}

impl Masks {
    /// Takes over the picture of `mask-file`; gives the one before.
    pub fn set_picture(&mut self, picture: Option<FittedMask>) -> Option<FittedMask> {
        self.is_picture_told = false;
        std::mem::replace(&mut self.picture, picture)
    }

    /// Takes over what the frames are like.
    pub fn set_info(&mut self, info: &VideoInfo) {
        self.info = Some(info.clone());
        self.is_alpha_told = false;
    }

    /// Takes over what puts the frames upright.
    pub fn set_orientation(&mut self, orientation: VideoOrientationMethod) {
        self.orientation = Some(orientation);
    }

    /// Whether `picture` is as the frames are, or need not be so yet.
    fn fits(&self, picture: &FittedMask) -> bool {
        self.frame_shape()
            .is_none_or(|shape| picture.is_fitted_to(shape))
    }

    /// The picture, if it is not as the frames are.
    fn take_unfitted(&mut self) -> Option<FittedMask> {
        match &self.picture {
            Some(picture) if !self.fits(picture) => self.picture.take(),
            _ => None,
        }
    }

    /// How large the frames are, and how they lie.
    fn frame_shape(&self) -> Option<FrameShape> {
        let info = self.info.as_ref()?;
        Some(FrameShape {
            size: (info.width() as usize, info.height() as usize),
            orientation: self.orientation.unwrap_or(VideoOrientationMethod::Identity),
        })
    }

    /// The mask picture as the frames are, if it covers something.
    pub fn fitted(&self) -> Option<Arc<Raster>> {
        let picture = self.picture.as_ref().filter(|mask| !mask.is_intact())?;
        picture.fitted().cloned()
    }

    /// A message, once, that damage has been filled plainly.
    pub fn fill_news(&mut self, settings: &pass::Settings) -> Option<gst::Structure> {
        let told_by = [
            ("mask-file", settings.mask.is_some()),
            ("mask-from-alpha", settings.damage.from_alpha),
            ("damage-color", settings.damage.colour.is_some()),
            ("damage", settings.drop_outs.is_some()),
        ];
        let properties = told_by.iter().filter(|(_, is_set)| *is_set);
        let properties: Vec<&str> = properties.map(|(name, _)| *name).collect();
        (!std::mem::replace(&mut self.is_fill_told, true)).then(|| fills_plainly(&properties))
    }

    /// Messages for masks that are set and cover nothing, once for each.
    pub fn news(&mut self, settings: &Settings) -> Vec<gst::Structure> {
        let mut news = Vec::new();
        if self.picture.as_ref().is_some_and(FittedMask::is_intact)
            && !std::mem::replace(&mut self.is_picture_told, true)
        {
            let file = settings.mask_file.as_deref().unwrap_or("".as_ref());
            let reason = format!("{} is nowhere white", file.display());
            news.push(covers_nothing("mask-file", &reason));
        }
        if let Some(info) = &self.info
            && settings.frame.mask_from_alpha
            && !frame::has_alpha(info)
            && !std::mem::replace(&mut self.is_alpha_told, true)
        {
            let reason = format!("frames of the format {} have no alpha", info.format());
            news.push(covers_nothing("mask-from-alpha", &reason));
        }
        news
    }
}

impl MdeComplete {
    /// If the element runs, and another mask picture than its own has been set, opens that, or lets
    /// the property tell the one in use again. Called on the application's thread, so that the
    /// stream does not wait for it.
    pub(in crate::element) fn replace_mask(&self) {
        let (file, wish) = {
            let settings = self.settings();
            (settings.mask_file.clone(), settings.wishes.mask)
        };
        let is_new = |state: &&mut State| state.wishes.mask < wish;
        let in_use = match self.state().as_mut().filter(is_new) {
            Some(state) => state.mask_file.clone(),
            None => return,
        };
        match open_mask(file.as_deref()) {
            Ok(picture) => self.take_mask(file, picture, wish),
            Err(error) => {
                if let Some(state) = self.state().as_mut().filter(is_new) {
                    state.wishes.mask = wish;
                }
                self.settings().keep_mask(wish, in_use);
                gst::element_imp_warning!(
                    self,
                    gst::ResourceError::OpenRead,
                    ("mask-file stays as it is: {}", error)
                );
                self.obj().notify("mask-file");
            }
        }
    }

    /// Takes the `picture` in `file` for the mask, unless `wish` is outdated.
    fn take_mask(&self, mut file: Option<PathBuf>, mut picture: Option<FittedMask>, wish: u64) {
        loop {
            let shape = {
                let mut state = self.state();
                let Some(state) = state.as_mut().filter(|state| state.wishes.mask < wish) else {
                    return;
                };
                if picture
                    .as_ref()
                    .is_none_or(|picture| state.masks.fits(picture))
                {
                    state.wishes.mask = wish;
                    state.mask_file = file.take();
                    // The one before is dropped when nobody waits for the state any more.
                    picture = state.masks.set_picture(picture);
                    None
                } else {
                    state.masks.frame_shape()
                }
            };
            match (&mut picture, shape) {
                (Some(picture), Some(shape)) => picture.fit(shape),
                _ => return,
            }
        }
    }

    /// Makes the mask picture one for frames as they are. Meanwhile the state has none: only frames would
    /// miss it, and those wait for this.
    pub(in crate::element) fn fit_mask(&self) {
        let unfitted = self.state().as_mut().and_then(|state| {
            let picture = state.masks.take_unfitted()?;
            Some((picture, state.masks.frame_shape()?, state.wishes.mask))
        });
        let Some((mut picture, shape, wish)) = unfitted else {
            return;
        };
        picture.fit(shape);
        if let Some(state) = &mut *self.state()
            && state.wishes.mask == wish
        {
            state.masks.picture = Some(picture);
        }
    }

    /// Tells the application, once, that damage is filled plainly.
    pub(super) fn tell_of_fill(&self, settings: &pass::Settings) {
        let news = (self.state().as_mut()).and_then(|s| s.masks.fill_news(settings));
        if let Some(structure) = news {
            post(&self.obj(), structure);
        }
    }

    /// Tells the application of masks that cover nothing, once of each.
    pub(in crate::element) fn tell_of_empty_masks(&self) {
        let settings = self.settings().clone();
        let news = self.state().as_mut().map(|s| s.masks.news(&settings));
        for structure in news.unwrap_or_default() {
            post(&self.obj(), structure);
        }
    }
}
