//! Time in a stream.

use std::time::Duration;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;

/// The time of frames that may have none.
#[derive(Debug, Default)]
pub struct Clock {
    /// Of the present frame; nothing before the first.
    now: Option<Duration>,
    /// The time of the last frame that had one, by its buffer and by this clock.
    timed: Option<(gst::ClockTime, Duration)>,
}

impl Clock {
    /// The time of `frame`, never before the last one's: that of its buffer, or a frame's duration
    /// later where it has none or the stream went back.
    pub fn tick<T>(&mut self, frame: &VideoFrameRef<T>) -> Duration {
        self.advance(frame.buffer().pts(), frame.info().fps())
    }

    fn advance(&mut self, pts: Option<gst::ClockTime>, rate: gst::Fraction) -> Duration {
        let last = self.now.unwrap_or_default();
        let now = match (pts, self.timed) {
            (Some(pts), Some((timed, at))) if pts > timed => {
                // Frames without a time, between, may have been taken to be later.
                last.max(at + Duration::from(pts - timed))
            }
            _ if self.now.is_none() => Duration::ZERO,
            _ => last + frame_duration(rate),
        };
        self.now = Some(now);
        if let Some(pts) = pts {
            self.timed = Some((pts, now));
        }
        now
    }
}

/// At no known rate, that of 25 frames a second.
fn frame_duration(rate: gst::Fraction) -> Duration {
    let (frames, seconds) = (rate.numer(), rate.denom());
    match frames > 0 && seconds > 0 {
        true => Duration::from_secs_f64(f64::from(seconds) / f64::from(frames)),
        false => Duration::from_millis(40),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_through_frames_without_one_and_jumps_back() {
        let mut clock = Clock::default();
        let rate = gst::Fraction::new(50, 1);
        for (pts, wanted) in [
            (None, 0),
            (None, 20),
            (Some(1000), 40),
            (Some(1030), 70),
            (None, 90),
            (Some(1070), 110),
            (None, 130),
            (Some(1080), 130),
            (Some(500), 150),
            (Some(510), 160),
        ] {
            let now = clock.advance(pts.map(gst::ClockTime::from_mseconds), rate);
            assert_eq!(now, Duration::from_millis(wanted), "{pts:?}");
        }
    }
}
