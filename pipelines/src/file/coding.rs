//! How the completed picture is coded.

use image::ColorType;
use serde::{Deserialize, Serialize};

use super::source::Source;
use crate::container::Container;
use crate::probe::{Media, Video};

/// What the picture shall be coded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// FFV1 in Matroska, which loses nothing
    Ffv1,
    /// H.264, 4:2:0, 8 bits, which everything plays
    X264,
    /// H.265, with the chroma and the bits of the recording
    X265,
    /// Apple ProRes 422 HQ in QuickTime, or 4444 where the recording has that much chroma
    Prores,
    /// A folder of PNG files, one a frame, with 8 or 16 bits, which loses nothing of RGB
    #[serde(rename = "png-sequence")]
    PngSequence,
}

impl Codec {
    /// For sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ffv1 => "FFV1, which loses nothing,",
            Self::X264 => "H.264",
            Self::X265 => "H.265",
            Self::Prores => "ProRes",
            Self::PngSequence => "a sequence of pictures",
        }
    }

    /// The endings of the files that hold it, the first where nothing speaks for another.
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Ffv1 => &["mkv"],
            Self::X264 | Self::X265 => &["mkv", "mp4", "m4v", "mov", "qt"],
            Self::Prores => &["mov", "qt"],
            Self::PngSequence => &["png"],
        }
    }
}

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
    /// H.265 with as much chroma and as many bits as there are.
    H265,
    /// ProRes, 10 bits.
    ProRes,
}

/// Threads of an encoder whose bits depend on their number: the same on each machine, so that equal
/// runs write equal bytes.
const THREADS: u32 = 4;

impl Coding {
    /// For a picture of `size` = (width, height) in a file of the kind `container`, as `codec` where
    /// that is asked for.
    pub fn choose(container: Container, codec: Option<Codec>, (width, height): (u32, u32)) -> Self {
        let is_odd = width % 2 == 1 || height % 2 == 1;
        match (codec, container) {
            (Some(Codec::Ffv1), _) => Self::Ffv1,
            (Some(Codec::Prores), _) => Self::ProRes,
            (_, Container::WebM) => Self::Vp9,
            (_, Container::Matroska) if is_odd => Self::Vp9,
            _ if is_odd => Self::Av1,
            (Some(Codec::X265), _) => Self::H265,
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
            Self::H264 | Self::H265 | Self::ProRes | Self::Ffv1 => return None,
        };
        is_odd.then(|| {
            format!(
                "the picture of {width}x{height} pixels is coded as {name}: common H.264 and H.265 \
                 have even sizes alone"
            )
        })
    }

    /// The elements from the raw video of `source` to the container.
    pub fn elements(self, source: &Source) -> String {
        let interlaced = source.media().video.is_interlaced;
        match self {
            Self::H264 => format!(
                "video/x-raw,format=I420 ! x264enc pass=qual quantizer=20 interlaced={interlaced} \
                 threads={THREADS} ! video/x-h264,profile=high ! h264parse"
            ),
            // Frames side by side would write other bits for each number of processors.
            Self::H265 => {
                "x265enc option-string=crf=18:frame-threads=1:log-level=error ! h265parse"
                    .to_owned()
            }
            // Quality decides, not the rate. Times in microseconds: frames may come at any. The
            // encoder loses frames at the end if it may look ahead.
            Self::Vp9 => format!(
                "video/x-raw,format=I420 ! vp9enc end-usage=cq cq-level=24 target-bitrate=100000000 \
                 deadline=1 cpu-used=4 lag-in-frames=0 row-mt=true timebase=1/1000000 \
                 threads={THREADS}"
            ),
            Self::Av1 => "video/x-raw,format=I420 ! av1enc usage-profile=realtime cpu-used=6 \
                          end-usage=q min-quantizer=16 max-quantizer=28 ! av1parse"
                .to_owned(),
            // Slices that bear checksums, as archives want them (RFC 9043, version 3), each of which
            // a thread can code: their number, not that of threads, decides about the bits.
            Self::Ffv1 => {
                let filter = source.pictures().map_or("", |all| ffv1_format(all.color()));
                format!("{filter} avenc_ffv1 slices=16 threads=auto")
            }
            Self::ProRes => "avenc_prores_ks vendor=apl0".to_owned(),
        }
    }
}

/// The format of FFV1 that holds most of pictures of the type `color`, which GStreamer's converter does
/// not always choose, as elements before the encoder.
fn ffv1_format(color: ColorType) -> &'static str {
    match color {
        ColorType::L8 => "video/x-raw,format=GRAY8 !",
        ColorType::L16 => "video/x-raw,format=GRAY16_LE !",
        ColorType::Rgb8 => "video/x-raw,format=BGRx !",
        ColorType::La8 | ColorType::Rgba8 => "video/x-raw,format=BGRA !",
        // It would hold 16 bits, but GStreamer's raw formats do not.
        ColorType::Rgb16 => "video/x-raw,format=GBR_12LE !",
        _ => "video/x-raw,format=GBRA_12LE !",
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
            assert_eq!(Coding::choose(container, None, even), Coding::H264);
            assert_eq!(Coding::choose(container, None, odd), of_odd);
        }
        assert_eq!(Coding::choose(WebM, None, even), Coding::Vp9);
        for (codec, coding) in [
            (Codec::Ffv1, Coding::Ffv1),
            (Codec::X264, Coding::H264),
            (Codec::X265, Coding::H265),
            (Codec::Prores, Coding::ProRes),
        ] {
            assert_eq!(Coding::choose(Matroska, Some(codec), even), coding);
        }
    }
}
