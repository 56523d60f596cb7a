//! Faces found and followed through a stream.

use std::time::Duration;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;
use mde_core::alignment::Affine;

use super::centerface::Face;
use super::clock::Clock;
use super::detector::{Detector, DetectorError};
use super::point_net::{Aim, Look, PointNet};
use super::search::Search;
use super::track::{Rules, Scene, THUMBNAIL, Track, Tracker, displacement};
use crate::frame::{Channels, Crop, Reader};
use crate::runtime::RuntimeError;

/// Faces cannot be found or followed.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// The detector cannot be opened, or failed.
    #[error(transparent)]
    Detector(#[from] DetectorError),
    /// The point net cannot be opened.
    #[error("the net that follows faces cannot be opened: {0}")]
    PointNet(RuntimeError),
    /// The point net failed.
    #[error("the net that follows faces failed on {faces} of them: {reason}")]
    Look {
        /// How many faces it looked for.
        faces: usize,
        /// ONNX Runtime's words.
        reason: String,
    },
}

/// How faces are located.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Height of the smallest face to find, as a share of the frame's shorter side.
    pub min_face_size: f64,
    /// Frames from one search for new faces to the next.
    pub detection_interval: u32,
    /// Whether the frame that is searched waits for what is found in it.
    pub waits: bool,
    /// How tracks are kept.
    pub rules: Rules,
}

/// Where the faces of a stream are.
#[derive(Debug)]
pub struct Locator {
    search: Search,
    net: PointNet,
    tracker: Tracker,
    scene: Scene,
    thumbnail: Thumbnail,
    clock: Clock,
    /// Frames since the last search began; nothing before the first.
    since_search: Option<u32>,
    guesses: Vec<Aim>,
    looks: Vec<Look>,
}

impl Locator {
    /// Opens detector and point net.
    ///
    /// # Errors
    /// [`LocateError`], where one of them cannot be had.
    pub fn open() -> Result<Self, LocateError> {
        Ok(Self {
            search: Search::start(Detector::open()?)?,
            net: PointNet::open()?,
            tracker: Tracker::default(),
            scene: Scene::default(),
            thumbnail: Thumbnail::default(),
            clock: Clock::default(),
            since_search: None,
            guesses: Vec::new(),
            looks: Vec::new(),
        })
    }

    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.search.forget();
        self.tracker.end_all();
        self.scene.forget();
        self.since_search = None;
    }

    /// The faces in `frame`, the next one of the stream, oldest first.
    ///
    /// The first frame of a stream is searched before this returns, whatever `options` say.
    ///
    /// # Errors
    /// [`LocateError::Look`], and [`LocateError::Detector`] where the detector failed on this
    /// frame or on an earlier one.
    pub fn locate<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        options: &Options,
    ) -> Result<&[Track], LocateError> {
        let now = self.clock.tick(frame);
        let is_cut = self.scene.is_cut(self.thumbnail.read(frame));
        if is_cut {
            self.tracker.end_all();
            self.search.forget();
        }
        self.follow(frame, now, &options.rules)?;
        let found = match options.waits {
            true => self.search.wait()?,
            false => self.search.poll()?,
        };
        self.take_in(found, frame, now, &options.rules)?;
        let is_due = self.is_search_due(is_cut, options);
        if is_due && !self.search.is_busy() {
            self.search.begin(frame, options.min_face_size)?;
            let is_first = self.since_search.is_none();
            self.since_search = Some(0);
            if options.waits || is_first {
                let found = self.search.wait()?;
                self.take_in(found, frame, now, &options.rules)?;
            }
        }
        self.since_search = self.since_search.map(|frames| frames.saturating_add(1));
        Ok(self.tracker.tracks())
    }

    fn is_search_due(&self, is_cut: bool, options: &Options) -> bool {
        let is_time = (self.since_search).is_none_or(|frames| frames >= options.detection_interval);
        is_cut || is_time || self.tracker.tracks().is_empty() || self.tracker.has_lost()
    }

    /// Looks for each face where it should be by now, and again where that was far off.
    fn follow<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        now: Duration,
        rules: &Rules,
    ) -> Result<(), LocateError> {
        self.guesses.clear();
        let tracks = self.tracker.tracks().iter();
        self.guesses.extend(tracks.map(|track| track.aim(now)));
        self.look_twice(frame, FAR_OFF)?;
        self.tracker.follow(&self.looks, now, rules);
        Ok(())
    }

    /// Looks at the faces found that are not followed yet, with the points found as a guess.
    fn take_in<T>(
        &mut self,
        found: Option<Vec<Face>>,
        frame: &VideoFrameRef<T>,
        now: Duration,
        rules: &Rules,
    ) -> Result<(), LocateError> {
        self.guesses.clear();
        for face in found.unwrap_or_default() {
            if self.tracker.needs_look(&face.bounds) {
                self.guesses.push(Aim::at(face.points));
            }
        }
        self.look_twice(frame, 0.0)?;
        for look in &self.looks {
            self.tracker.find(look, now, rules);
        }
        Ok(())
    }

    /// Looks at all of `guesses`, and again from what was seen at those that were more than `far`
    /// off.
    fn look_twice<T>(&mut self, frame: &VideoFrameRef<T>, far: f64) -> Result<(), LocateError> {
        self.looks.clear();
        if self.guesses.is_empty() {
            return Ok(());
        }
        self.looks.extend(self.net.look(frame, &self.guesses)?);
        let pairs = self.looks.iter_mut().zip(&self.guesses);
        let off: Vec<(&mut Look, &Aim)> = pairs
            .filter(|(look, guess)| displacement(&guess.points, &look.anchor()) > far)
            .collect();
        if off.is_empty() {
            return Ok(());
        }
        let better = |(look, guess): &(&mut Look, &Aim)| Aim {
            points: look.anchor(),
            ..**guess
        };
        let guesses: Vec<Aim> = off.iter().map(better).collect();
        for ((look, _), better) in off.into_iter().zip(self.net.look(frame, &guesses)?) {
            *look = *better;
        }
        Ok(())
    }
}

/// Displacement ([`displacement`]) from which a face is looked at again: near to what the net is
/// trained to put right in one look.
const FAR_OFF: f64 = 0.5;

/// Frames at [`THUMBNAIL`]'s size.
#[derive(Debug, Default)]
struct Thumbnail {
    reader: Reader,
    rgb: Vec<f32>,
    inside: Vec<f32>,
}

impl Thumbnail {
    /// Luma, `[H, W]` in `[0, 1]`.
    fn read<T>(&mut self, frame: &VideoFrameRef<T>) -> &[f32] {
        let pixels = THUMBNAIL.0 * THUMBNAIL.1;
        self.rgb.resize(3 * pixels, 0.0);
        self.inside.resize(pixels, 0.0);
        let size = (frame.width() as usize, frame.height() as usize);
        let to_frame = Affine::stretch(THUMBNAIL, size);
        let crop = Crop {
            size: THUMBNAIL,
            rgb: &mut self.rgb,
            inside: &mut self.inside,
        };
        self.reader.read(frame, &to_frame, Channels::Luma, crop);
        &self.rgb[..pixels]
    }
}
