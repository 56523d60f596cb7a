//! Time in a stream.

use std::time::Duration;

use gst_video::VideoFrameRef;
use gst_video::prelude::*;

/// The time of frames that may have none.
#[derive(Debug, Default)]
pub struct Clock {
    now: Duration,
    last: Option<gst::ClockTime>,
}

impl Clock {
    /// The time of `frame`, never before the last one's: that of its buffer, or a frame's duration
    /// later where it has none or the stream went back.
    pub fn tick<T>(&mut self, frame: &VideoFrameRef<T>) -> Duration {
        let pts = frame.buffer().pts();
        let elapsed = match (pts, self.last) {
            (Some(pts), Some(last)) if pts > last => (pts - last).into(),
            (Some(_), None) => Duration::ZERO,
            _ => frame_duration(frame.info().fps()),
        };
        self.last = pts;
        self.now += elapsed;
        self.now
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
