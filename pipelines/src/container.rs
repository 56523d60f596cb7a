//! The kinds of files that are written, and what they can hold.

use std::path::Path;

use crate::probe::Kind;
use crate::{Error, Result};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// MPEG-4.
    Mp4,
    /// QuickTime.
    Mov,
    /// Matroska.
    Matroska,
    /// WebM.
    WebM,
}

/// What of a stream's format a parser before the container brings into the form that it takes.
const ADAPTABLE: [&str; 6] = [
    "stream-format",
    "alignment",
    "framed",
    "parsed",
    "codec_data",
    "chroma-format",
];

impl Container {
    /// As the ending of `output` says.
    ///
    /// # Errors
    /// [`Error::Output`] for any other ending.
    pub fn of(output: &Path) -> Result<Self> {
        let ending = output.extension().unwrap_or_default().to_string_lossy();
        match ending.to_lowercase().as_str() {
            "mp4" | "m4v" => Ok(Self::Mp4),
            "mov" | "qt" => Ok(Self::Mov),
            "mkv" => Ok(Self::Matroska),
            "webm" => Ok(Self::WebM),
            _ => Err(Error::output(
                output,
                "the name is to end in .mp4, .mov, .mkv or .webm, which says what is written",
            )),
        }
    }

    /// For sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "MP4",
            Self::Mov => "QuickTime",
            Self::Matroska => "Matroska",
            Self::WebM => "WebM",
        }
    }

    /// The element that writes it.
    pub fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4mux",
            Self::Mov => "qtmux",
            Self::Matroska => "matroskamux",
            Self::WebM => "webmmux",
        }
    }

    /// Whether it is made of boxes: has edit lists, a matrix that turns the picture, and a time scale
    /// for each track.
    pub fn is_isobmff(self) -> bool {
        matches!(self, Self::Mp4 | Self::Mov)
    }

    /// Whether it can hold a stream of the format `caps` as it is.
    ///
    /// # Errors
    /// If GStreamer lacks the muxer.
    pub fn holds(self, caps: &gst::CapsRef) -> Result<bool> {
        let muxer = gst::ElementFactory::find(self.muxer())
            .ok_or_else(|| Error::Pipeline(format!("GStreamer lacks {}", self.muxer())))?;
        let mut wanted = caps.to_owned();
        for structure in wanted.make_mut().iter_mut() {
            structure.remove_fields(ADAPTABLE);
            if structure.name() == MARKED {
                structure.remove_field("format");
            }
        }
        let mut sinks = muxer
            .static_pad_templates()
            .into_iter()
            .filter(|template| template.direction() == gst::PadDirection::Sink);
        // GStreamer would write subtitles into WebM that no player looks for there.
        if self == Self::WebM && Kind::of(caps) == Kind::Subtitles {
            return Ok(false);
        }
        // GStreamer 1.22's muxer crashes on it.
        let is_vp9 = caps.structure(0).is_some_and(|s| s.name() == "video/x-vp9");
        let is_safe = !(is_vp9 && self.is_isobmff());
        Ok(is_safe && sinks.any(|template| template.caps().can_intersect(&wanted)))
    }

    /// The formats that its muxer takes at pads called `name`, such as `video_%u`.
    ///
    /// # Errors
    /// If GStreamer lacks the muxer, or it has no such pads.
    pub fn takes(self, name: &str) -> Result<gst::Caps> {
        let muxer = gst::ElementFactory::find(self.muxer());
        let templates = muxer
            .into_iter()
            .flat_map(|muxer| muxer.static_pad_templates());
        let mut fitting = templates.filter(|template| template.name_template() == name);
        let template = fitting.next();
        let lacking = || Error::Pipeline(format!("GStreamer lacks {} with {name}", self.muxer()));
        Ok(template.ok_or_else(lacking)?.caps())
    }

    /// The encoder that brings sound into it that it cannot hold.
    pub fn sound_encoder(self) -> (&'static str, &'static str) {
        match self {
            Self::Mp4 | Self::Mov => ("avenc_aac bitrate=192000", "AAC"),
            Self::Matroska => ("flacenc", "FLAC"),
            Self::WebM => ("opusenc bitrate=160000", "Opus"),
        }
    }
}

/// Text whose `format` says whether it has markup.
const MARKED: &str = "text/x-raw";

/// The element that brings a parsed stream of the format `caps` into the form that a container
/// takes, where there is more than one. Markup in text is left to the module that reads subtitles.
pub fn adapter(caps: &gst::CapsRef) -> Option<&'static str> {
    let structure = caps.structure(0)?;
    let version = structure.get::<i32>("mpegversion");
    Some(match (structure.name().as_str(), version) {
        ("audio/mpeg", Ok(2 | 4)) => "aacparse",
        ("video/x-h264", _) => "h264parse",
        ("video/x-h265", _) => "h265parse",
        ("video/x-av1", _) => "av1parse",
        (MARKED, _) if structure.get("format") == Ok("pango-markup") => {
            "capssetter caps=text/x-raw,format=utf8"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tried = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn the_ending_says_what_is_written() -> Tried {
        assert_eq!(Container::of(Path::new("a/b.MP4"))?, Container::Mp4);
        assert_eq!(Container::of(Path::new("b.c.webm"))?, Container::WebM);
        for name in ["a.avi", "mp4", ".mp4", ""] {
            assert!(Container::of(Path::new(name)).is_err(), "{name}");
        }
        Ok(())
    }

    #[test]
    fn containers_differ_in_what_they_hold() -> Tried {
        gst::init()?;
        use Container::{Matroska, Mov, Mp4, WebM};
        let adts = "audio/mpeg,mpegversion=4,framed=true,stream-format=adts,rate=48000,channels=1";
        for (caps, holders) in [
            (adts, &[Mp4, Mov, Matroska][..]),
            (
                "audio/mpeg,mpegversion=1,layer=2,parsed=true,rate=48000,channels=2",
                &[Mp4, Mov, Matroska],
            ),
            (
                "audio/x-opus,channel-mapping-family=0,channels=2,rate=48000",
                &[Mp4, Mov, Matroska, WebM],
            ),
            ("audio/x-vorbis,channels=2,rate=48000", &[Matroska, WebM]),
            ("audio/x-flac,channels=2,rate=48000", &[Matroska]),
            (
                "audio/x-raw,format=S16LE,layout=interleaved,channels=2,rate=48000",
                &[Mov, Matroska],
            ),
            ("application/x-ass", &[Matroska]),
        ] {
            let caps: gst::Caps = caps.parse()?;
            for container in [Mp4, Mov, Matroska, WebM] {
                let holds = container.holds(&caps)?;
                assert_eq!(holds, holders.contains(&container), "{caps} {container:?}");
            }
        }
        Ok(())
    }
}
