//! What has befallen a film: mended before anybody looks for faces. A frame is held back for it until
//! the next one has come.

use std::time::{Duration, Instant};

use gst_video::{VideoFrameRef, VideoInfo, VideoRegionOfInterestMeta};
use mde_core::occlusion::Rect;

use super::stream::is_of_few;
use crate::damage::{Film, FilmFind, FilmKind};
use crate::element::bus::latency::Latency;
use crate::element::bus::qos;
use crate::element::imp::MdeComplete;
use crate::element::properties::FrameSettings;
use crate::findings;
use crate::locate::FILM_TYPE;

/// How long a frame is held back where the stream does not say how long one lasts.
const UNTOLD: gst::ClockTime = gst::ClockTime::from_mseconds(42);

/// Mends frames of a film.
#[derive(Debug, Default)]
pub struct FilmMender {
    film: Film,
    /// The last frame that came, as it came, and the events that came after it.
    held: Option<gst::Buffer>,
    behind: Vec<gst::Event>,
    /// What was found in the last frame that went on, and in the one before that.
    found: Vec<FilmFind>,
    told: Vec<FilmFind>,
    /// How long mending takes.
    latency: Latency,
}

impl FilmMender {
    /// Takes the next frame for the first of another stream.
    pub fn forget(&mut self) {
        self.film.forget();
        self.held = None;
    }

    /// Whether a frame is held back.
    pub fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// Keeps an event that came after the frame that is held back.
    pub fn keep_behind(&mut self, event: gst::Event) {
        self.behind.push(event);
    }

    /// The events that came after the frame that was held back.
    pub fn take_behind(&mut self) -> impl Iterator<Item = gst::Event> + use<> {
        std::mem::take(&mut self.behind).into_iter()
    }

    /// What was found in the last frame that went on.
    pub fn found(&self) -> &[FilmFind] {
        &self.found
    }

    /// Whether that is something else than in the frame before.
    fn is_news(&mut self) -> bool {
        let what = |find: &FilmFind| -> (FilmKind, Rect) { (find.kind, find.area) };
        let is_news = !(self.found.iter().map(what)).eq(self.told.iter().map(what));
        self.told.clone_from(&self.found);
        is_news
    }

    /// Mends the frame that is held, as `settings` ask for, now that `next` has come after it, or
    /// nothing does, and gives it. Both are of the format `info`.
    fn mend(
        &mut self,
        next: Option<&gst::BufferRef>,
        info: &VideoInfo,
        settings: &FrameSettings,
    ) -> Option<gst::Buffer> {
        let frame = next.and_then(|next| VideoFrameRef::from_buffer_ref_readable(next, info).ok());
        self.film.see(frame.as_ref());
        self.found.clear();
        let mut buffer = self.held.take()?;
        if let Some(wanted) = settings.damage_search.wanted_of_film() {
            self.film.find(&wanted);
            self.found.extend(self.film.found());
        }
        if self.found.is_empty() {
            return Some(buffer);
        }
        let buffer_ref = buffer.make_mut();
        // A frame that cannot be mapped was not seen either.
        if settings.changes_film()
            && let Ok(mut frame) = VideoFrameRef::from_buffer_ref_writable(buffer_ref, info)
        {
            if settings.paints() {
                self.film.mend(&mut frame, settings.strength);
            }
            if settings.shows_damage() {
                self.film.show(&mut frame);
            }
        }
        mark(buffer_ref, &self.found);
        Some(buffer)
    }
}

/// Marks on `buffer` what was `found` in the frame in it.
fn mark(buffer: &mut gst::BufferRef, found: &[FilmFind]) {
    for find in found {
        let Rect { x0, y0, .. } = find.area;
        let (width, height) = (find.area.width(), find.area.height());
        let area = (x0 as u32, y0 as u32, width as u32, height as u32);
        VideoRegionOfInterestMeta::add(buffer, FILM_TYPE, area).add_param(findings::film(find));
    }
}

impl MdeComplete {
    /// Takes in the frame in `buffer`, the next one to come: where a film is mended, what goes on is
    /// the frame before it.
    pub(in crate::element) fn take_in(&self, buffer: gst::Buffer) -> Result<(), gst::FlowError> {
        let is_gap = buffer.flags().contains(gst::BufferFlags::GAP);
        let is_held = self
            .settings()
            .frame
            .damage_search
            .wanted_of_film()
            .is_some()
            && !is_gap;
        let before = self.release(is_held.then_some(&buffer));
        if let Some(before) = before {
            self.take_on(before)?;
            self.take_on_events();
        }
        if !is_held {
            return self.take_on(buffer);
        }
        let copy = is_of_few(&buffer).then(|| buffer.copy_deep().ok());
        if let Some(state) = self.state().as_mut() {
            state.film.held = Some(copy.flatten().unwrap_or(buffer));
        }
        Ok(())
    }

    /// The frame that is held back, mended now that `next` has come or nothing does.
    pub(super) fn release(&self, next: Option<&gst::Buffer>) -> Option<gst::Buffer> {
        // Nobody is to wait for the state meanwhile.
        let (mut mender, info) = {
            let mut state = self.state();
            let state = state.as_mut()?;
            if next.is_none() && state.film.held.is_none() {
                return None;
            }
            let info = state.info.clone()?;
            (std::mem::take(&mut state.film), info)
        };
        if let Some(held) = &mender.held {
            self.sync_properties(held);
        }
        let settings = self.settings().frame;
        let start = Instant::now();
        let made = mender.mend(next.map(|next| &**next), &info, &settings);
        let is_new_latency = mender.latency.record(start.elapsed());
        let is_news = mender.is_news();
        let is_told = match self.state().as_mut() {
            Some(state) => {
                state.stats.add_film(mender.found());
                state.film = mender;
                is_new_latency && state.is_live == Some(true)
            }
            None => false,
        };
        if is_told {
            self.tell_of_latency();
        }
        if is_news {
            self.tell_of_finds(None, &info);
        }
        if next.is_some() && info.is_interlaced() {
            self.warn_of(
                "a film is mended in whole frames alone, and these are fields: put a deinterlacer \
                 before the element",
            );
        }
        made
    }

    /// How long a frame is held back for a film to be mended, and how long that takes.
    pub(super) fn film_latency(&self) -> (Duration, Duration) {
        if (self.settings().frame.damage_search.wanted_of_film()).is_none() {
            return Default::default();
        }
        let state = self.state();
        let info = state.as_ref().and_then(|state| state.info.as_ref());
        let frame = info.map(qos::frame_duration).filter(|time| !time.is_zero());
        let work = state.as_ref().map(|state| state.film.latency.reported());
        (frame.unwrap_or(UNTOLD).into(), work.unwrap_or_default())
    }
}
