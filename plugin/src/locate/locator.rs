//! Faces found and followed through a stream.

use std::time::Duration;

use gst_video::VideoFrameRef;

use super::cut_detector::CutDetector;
use super::detector::{Detector, DetectorError};
use super::detector_thread::{DetectorThread, Found};
use super::point_net::{PointEstimate, PointNet, PointQuery};
use super::schedule::{Followed, SearchSchedule};
use super::track::{Track, TrackRules, Tracker, displacement};
use super::{DisplaySpace, Hidden, Turn};
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
    Points {
        /// How many faces it looked for.
        faces: usize,
        /// ONNX Runtime's words.
        reason: String,
    },
}

/// How faces are located.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocateOptions {
    /// Height of the smallest face to find, as a share of the picture's shorter side.
    pub min_face_size: f64,
    /// Frames from one search for new faces to the next.
    pub detection_interval: u32,
    /// Whether the frame that is searched waits for what is found in it.
    pub waits: bool,
    /// How tracks are kept.
    pub rules: TrackRules,
}

/// Where the faces of a stream are.
#[derive(Debug)]
pub struct Locator {
    search: DetectorThread,
    schedule: SearchSchedule,
    net: PointNet,
    tracker: Tracker,
    cuts: CutDetector,
    queries: Vec<PointQuery>,
    estimates: Vec<PointEstimate>,
}

impl Locator {
    /// Opens detector and point net.
    ///
    /// # Errors
    /// [`LocateError`], where one of them cannot be had.
    pub fn open() -> Result<Self, LocateError> {
        Ok(Self {
            search: DetectorThread::start(Detector::open()?)?,
            schedule: SearchSchedule::default(),
            net: PointNet::open()?,
            tracker: Tracker::default(),
            cuts: CutDetector::default(),
            queries: Vec::new(),
            estimates: Vec::new(),
        })
    }

    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.search.forget();
        self.tracker.end_all();
        self.cuts.forget();
        self.schedule = SearchSchedule::default();
    }

    /// The faces in `frame`, the next one of the stream, displayed as `display` tells `now`, on any
    /// clock that does not go back; oldest first.
    ///
    /// The first frame of a stream is searched before this returns, whatever `options` say; where
    /// frames wait for what is found in them, in all turns until one shows a face.
    ///
    /// # Errors
    /// [`LocateError::Points`], and [`LocateError::Detector`] where the detector failed on this
    /// frame or on an earlier one.
    pub fn locate<T>(
        &mut self,
        frame: &VideoFrameRef<T>,
        display: &DisplaySpace,
        now: Duration,
        options: &LocateOptions,
    ) -> Result<&[Track], LocateError> {
        self.locate_past(None, frame, display, now, options)
    }

    /// The same, new faces being looked for in what is not `hidden`. Those that are followed are
    /// known by what is left of them as it is.
    ///
    /// # Errors
    /// As [`Self::locate`].
    pub fn locate_past<T>(
        &mut self,
        hidden: Option<&Hidden<'_>>,
        frame: &VideoFrameRef<T>,
        display: &DisplaySpace,
        now: Duration,
        options: &LocateOptions,
    ) -> Result<&[Track], LocateError> {
        let is_cut = self.end_at_cut(frame);
        let seen = Seen {
            frame,
            display,
            now,
            hidden,
            rules: &options.rules,
        };
        self.follow(&seen)?;
        let found = match options.waits {
            true => self.search.wait()?,
            false => self.search.poll()?,
        };
        self.take_in(found, &seen)?;
        self.schedule.next_frame(now, is_cut, self.followed());
        if self.search.is_busy() {
            return Ok(self.tracker.tracks());
        }
        let is_first = self.schedule.is_first();
        if let Some(turn) = self.schedule.due(options.detection_interval) {
            let waits = options.waits || is_first;
            self.search(turn, &seen, options.min_face_size, waits)?;
        }
        if is_first && options.waits {
            for turn in Turn::ALL.into_iter().skip(1) {
                if self.tracker.tracks().is_empty() {
                    self.search(turn, &seen, options.min_face_size, true)?;
                }
            }
        }
        Ok(self.tracker.tracks())
    }

    /// Takes note of `frame`, the next one of the stream, without looking for faces in it. Tells
    /// whether it shows another scene; all faces are then gone.
    pub fn skip<T>(&mut self, frame: &VideoFrameRef<T>) -> bool {
        self.end_at_cut(frame)
    }

    /// Ends all tracks where a cut lies before `frame`, and tells if one does.
    fn end_at_cut<T>(&mut self, frame: &VideoFrameRef<T>) -> bool {
        let is_cut = self.cuts.is_cut(frame);
        if is_cut {
            self.tracker.end_all();
            self.search.forget();
        }
        is_cut
    }

    fn followed(&self) -> Followed {
        match self.tracker.tracks() {
            [] => Followed::Nothing,
            _ if self.tracker.has_lost() => Followed::SomeLost,
            _ => Followed::All,
        }
    }

    /// Begins a search, and `waits` for what it finds or not.
    fn search<T>(
        &mut self,
        turn: Turn,
        seen: &Seen<T>,
        min_face_size: f64,
        waits: bool,
    ) -> Result<(), LocateError> {
        self.search
            .begin(seen.frame, seen.display, turn, min_face_size, seen.hidden)?;
        self.schedule.began(turn);
        if waits {
            let found = self.search.wait()?;
            self.take_in(found, seen)?;
        }
        Ok(())
    }

    /// Looks for each face where it should be by now, and again where that was far off.
    fn follow<T>(&mut self, seen: &Seen<T>) -> Result<(), LocateError> {
        self.queries.clear();
        let tracks = self.tracker.tracks().iter();
        self.queries
            .extend(tracks.map(|track| track.query(seen.now)));
        self.look_twice(seen, FAR_OFF)?;
        self.tracker.follow(&self.estimates, seen.now, seen.rules);
        Ok(())
    }

    /// Looks at the faces found that are not followed yet, with the points found as a guess.
    fn take_in<T>(&mut self, found: Option<Found>, seen: &Seen<T>) -> Result<(), LocateError> {
        let Some(Found { turn, faces }) = found else {
            return Ok(());
        };
        self.queries.clear();
        for face in faces {
            if self.tracker.needs_look(&face.bounds) {
                self.queries.push(PointQuery::at(face.points));
            }
        }
        self.look_twice(seen, 0.0)?;
        let had_none = self.tracker.tracks().is_empty();
        for estimate in &self.estimates {
            self.tracker.find(estimate, seen.now, seen.rules);
        }
        if had_none && !self.tracker.tracks().is_empty() {
            self.schedule.found(turn);
        }
        Ok(())
    }

    /// Answers all queries, and asks again from what was seen where that was more than `far` off.
    fn look_twice<T>(&mut self, seen: &Seen<T>, far: f64) -> Result<(), LocateError> {
        self.estimates.clear();
        if self.queries.is_empty() {
            return Ok(());
        }
        let estimates = self.net.look(seen.frame, seen.display, &self.queries)?;
        self.estimates.extend(estimates);
        let pairs = self.estimates.iter_mut().zip(&self.queries);
        let off: Vec<(&mut PointEstimate, &PointQuery)> = pairs
            .filter(|(estimate, query)| displacement(&query.points, &estimate.anchor()) > far)
            .collect();
        if off.is_empty() {
            return Ok(());
        }
        let better = |(estimate, query): &(&mut PointEstimate, &PointQuery)| PointQuery {
            points: estimate.anchor(),
            ..**query
        };
        let queries: Vec<PointQuery> = off.iter().map(better).collect();
        let again = self.net.look(seen.frame, seen.display, &queries)?;
        for ((estimate, _), better) in off.into_iter().zip(again) {
            *estimate = *better;
        }
        Ok(())
    }
}

/// A frame that faces are looked for in.
struct Seen<'a, T> {
    frame: &'a VideoFrameRef<T>,
    display: &'a DisplaySpace,
    now: Duration,
    hidden: Option<&'a Hidden<'a>>,
    rules: &'a TrackRules,
}

/// Displacement ([`displacement`]) from which a face is looked at again: near to what the net is
/// trained to put right in one look.
const FAR_OFF: f64 = 0.5;
