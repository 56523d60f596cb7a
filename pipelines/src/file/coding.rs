//! How the completed picture is coded.

use crate::container::Container;
use crate::probe::{Media, Video};

/// A way to code the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// H.264, High profile, 4:2:0, 8 bits: what everything plays.
    H264,
    /// VP9, profile 0: what WebM wants, and what has odd sizes.
    Vp9,
    /// AV1, profile 0: what has odd sizes in MP4 and QuickTime files. GStreamer 1.22's muxer of these
    /// crashes on VP9.
    Av1,
    /// FFV1, which loses nothing.
    Ffv1,
}

impl Coding {
    /// For a picture of `size` = (width, height) in a file of the kind `container`.
    pub fn choose(container: Container, lossless: bool, (width, height): (u32, u32)) -> Self {
        let is_odd = width % 2 == 1 || height % 2 == 1;
        match container {
            _ if lossless => Self::Ffv1,
            Container::WebM => Self::Vp9,
            Container::Matroska if is_odd => Self::Vp9,
            _ if is_odd => Self::Av1,
            _ => Self::H264,
        }
    }

    /// What a user may wonder about.
    pub fn note(self, video: &Video) -> Option<String> {
        let (width, height) = video.size;
        let is_odd = width % 2 == 1 || height % 2 == 1;
        let name = match self {
            Self::Vp9 => "VP9",
            Self::Av1 => "AV1",
            Self::H264 | Self::Ffv1 => return None,
        };
        is_odd.then(|| {
            format!(
                "the picture of {width}x{height} pixels is coded as {name}: common H.264 has even \
                 sizes alone"
            )
        })
    }

    /// The elements from raw video to the container.
    pub fn elements(self, video: &Video) -> String {
        let interlaced = video.is_interlaced;
        match self {
            Self::H264 => format!(
                "video/x-raw,format=I420 ! x264enc pass=qual quantizer=20 interlaced={interlaced} \
                 ! video/x-h264,profile=high ! h264parse"
            ),
            // Quality decides, not the rate. Times in microseconds: frames may come at any. The
            // encoder loses frames at the end if it may look ahead.
            Self::Vp9 => format!(
                "video/x-raw,format=I420 ! vp9enc end-usage=cq cq-level=24 target-bitrate=100000000 \
                 deadline=1 cpu-used=4 lag-in-frames=0 row-mt=true timebase=1/1000000 threads={}",
                std::thread::available_parallelism().map_or(1, usize::from)
            ),
            Self::Av1 => "video/x-raw,format=I420 ! av1enc usage-profile=realtime cpu-used=6 \
                          end-usage=q min-quantizer=16 max-quantizer=28 ! av1parse"
                .to_owned(),
            Self::Ffv1 => "avenc_ffv1".to_owned(),
        }
    }
}

/// Ticks a second of the picture's times in an MP4 or QuickTime file, such that they are kept
/// exactly; nothing where the frame rate tells it. `own` is what the input has, if it is such a file.
pub fn track_scale(media: &Media, own: Option<u32>) -> Option<u32> {
    // An AVI file has frames at equal distances. Others count milliseconds or 90ths of them.
    let is_even = ["video/x-msvideo", ""].contains(&media.container.as_str());
    own.or((!is_even).then_some(90_000))
}

/// Nanoseconds a tick of the times in a Matroska file: milliseconds where the input has no finer
/// ones.
pub fn tick(media: &Media) -> i64 {
    match media.container.as_str() {
        "video/x-matroska" | "video/webm" => 1_000_000,
        _ => 100_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_plays_what_is_written() {
        use Container::{Matroska, Mov, Mp4, WebM};
        let even = (640, 480);
        let odd = (427, 320);
        for (container, of_odd) in [
            (Mp4, Coding::Av1),
            (Mov, Coding::Av1),
            (Matroska, Coding::Vp9),
        ] {
            assert_eq!(Coding::choose(container, false, even), Coding::H264);
            assert_eq!(Coding::choose(container, false, odd), of_odd);
        }
        assert_eq!(Coding::choose(WebM, false, even), Coding::Vp9);
        assert_eq!(Coding::choose(Matroska, true, even), Coding::Ffv1);
    }
}
