//! Which frames are late, by what downstream said of earlier ones.

use gst::ClockTime;
use gst::prelude::*;
use gst_video::VideoInfo;

/// The quality in QoS messages, in millionths: a frame is completed or not, never worse.
const QUALITY: i32 = 1_000_000;

/// The quality of service of a stream since it started or was flushed.
#[derive(Debug)]
pub struct Qos {
    proportion: f64,
    earliest: Option<ClockTime>,
    processed: u64,
    skipped: u64,
}

/// A frame that would arrive too late if it were completed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Late {
    /// How long before the earliest time it could be in time for, in nanoseconds.
    pub jitter: i64,
    /// How much slower than real time downstream finds the stream.
    pub proportion: f64,
    /// Frames completed, or looked at, so far.
    pub processed: u64,
    /// Frames late so far, with this one.
    pub skipped: u64,
}

impl Default for Qos {
    fn default() -> Self {
        Self {
            proportion: 1.0,
            earliest: None,
            processed: 0,
            skipped: 0,
        }
    }
}

impl Qos {
    /// Takes what an event says of a frame; `frame` is how long one lasts.
    ///
    /// A stream that is late is given the time to get ahead again: as in GStreamer's video decoders
    /// and mixers, frames are skipped up to twice the lateness and one frame more.
    pub fn observe(&mut self, event: &gst::event::Qos, frame: ClockTime) {
        let (_, proportion, diff, timestamp) = event.get();
        self.proportion = proportion;
        self.earliest = timestamp.map(|timestamp| {
            let lateness = ClockTime::from_nseconds(diff.unsigned_abs());
            match diff > 0 {
                true => timestamp
                    .saturating_add(lateness)
                    .saturating_add(lateness)
                    .saturating_add(frame),
                false => timestamp.saturating_sub(lateness),
            }
        });
    }

    /// Counts the frame at `running_time`; tells if it is late.
    pub fn judge(&mut self, running_time: Option<ClockTime>) -> Option<Late> {
        let late_by = |(earliest, time): (ClockTime, ClockTime)| earliest.checked_sub(time);
        match self.earliest.zip(running_time).and_then(late_by) {
            Some(late_by) => {
                self.skipped += 1;
                Some(Late {
                    jitter: i64::try_from(late_by.nseconds()).unwrap_or(i64::MAX),
                    proportion: self.proportion,
                    processed: self.processed,
                    skipped: self.skipped,
                })
            }
            None => {
                self.processed += 1;
                None
            }
        }
    }
}

impl Late {
    /// The message that tells the application of the frame with `times`.
    pub fn message(&self, times: &Times) -> gst::message::QosBuilder<'static> {
        let buffers = gst::format::Buffers::from_u64;
        gst::message::Qos::builder(false)
            .running_time(times.running_time)
            .stream_time(times.stream_time)
            .timestamp(times.timestamp)
            .duration(times.duration)
            .values(self.jitter, self.proportion, QUALITY)
            .stats(buffers(self.processed), buffers(self.skipped))
    }
}

/// When a frame is.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub running_time: Option<ClockTime>,
    stream_time: Option<ClockTime>,
    timestamp: Option<ClockTime>,
    duration: Option<ClockTime>,
}

impl Times {
    /// Those of `buffer` in `segment`.
    pub fn of(buffer: &gst::BufferRef, segment: &gst::Segment) -> Self {
        let segment = segment.downcast_ref::<ClockTime>();
        let timestamp = buffer.pts();
        Self {
            running_time: segment.and_then(|segment| segment.to_running_time(timestamp)),
            stream_time: segment.and_then(|segment| segment.to_stream_time(timestamp)),
            timestamp,
            duration: buffer.duration(),
        }
    }
}

/// How long a frame lasts; nothing where that varies.
pub fn frame_duration(info: &VideoInfo) -> ClockTime {
    let rate = [info.fps().numer(), info.fps().denom()].map(u64::try_from);
    match rate {
        // The division panics by 0.
        [Ok(numer @ 1..), Ok(denom)] => ClockTime::SECOND.mul_div_floor(denom, numer),
        _ => None,
    }
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: ClockTime = ClockTime::from_mseconds(40);

    fn observe(qos: &mut Qos, proportion: f64, diff: i64, timestamp: Option<ClockTime>) {
        gst::init().expect("GStreamer");
        let event = gst::event::Qos::builder(gst::QOSType::Underflow, proportion, diff);
        let event = event.timestamp(timestamp).build();
        match event.view() {
            gst::EventView::Qos(event) => qos.observe(event, FRAME),
            other => panic!("{other:?}"),
        }
    }

    fn at(millis: u64) -> Option<ClockTime> {
        Some(ClockTime::from_mseconds(millis))
    }

    #[test]
    fn nothing_is_late_before_downstream_spoke() {
        let mut qos = Qos::default();
        assert_eq!(qos.judge(at(0)), None);
        assert_eq!(qos.judge(None), None);
    }

    #[test]
    fn a_late_frame_skips_what_cannot_be_in_time() {
        let mut qos = Qos::default();
        assert_eq!(qos.judge(at(960)), None);
        observe(&mut qos, 1.5, 30_000_000, at(1000));
        let late = Late {
            jitter: 60_000_000,
            proportion: 1.5,
            processed: 1,
            skipped: 1,
        };
        assert_eq!(qos.judge(at(1040)), Some(late));
        let late = qos.judge(at(1100)).expect("the last one that is late");
        assert_eq!((late.jitter, late.skipped), (0, 2));
        assert_eq!(qos.judge(at(1101)), None);
        assert_eq!(qos.judge(None), None);
    }

    #[test]
    fn a_frame_lasts_as_the_rate_says() {
        gst::init().expect("GStreamer");
        let info = |numer, denom| {
            gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, 8, 8)
                .fps(gst::Fraction::new(numer, denom))
                .build()
                .expect("a video format")
        };
        assert_eq!(frame_duration(&info(25, 1)), FRAME);
        assert_eq!(frame_duration(&info(0, 1)), ClockTime::ZERO);
    }

    #[test]
    fn a_stream_in_time_skips_nothing() {
        let mut qos = Qos::default();
        observe(&mut qos, 1.5, 30_000_000, at(1000));
        observe(&mut qos, 0.8, -20_000_000, at(1000));
        assert_eq!(qos.judge(at(1040)), None);
        // Without a time downstream knows nothing.
        observe(&mut qos, 1.0, 0, None);
        assert_eq!(qos.judge(at(0)), None);
    }

    #[test]
    fn extreme_events_do_no_harm() {
        let mut qos = Qos::default();
        for diff in [i64::MIN, i64::MAX, 0] {
            observe(&mut qos, f64::NAN, diff, Some(ClockTime::MAX));
            qos.judge(at(0));
        }
    }
}
