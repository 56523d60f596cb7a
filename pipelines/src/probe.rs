//! What is in a recording.

use std::path::Path;
use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use gst_pbutils::prelude::*;
use gst_pbutils::{
    Discoverer, DiscovererContainerInfo, DiscovererInfo, DiscovererResult, DiscovererStreamInfo,
};

use crate::{Error, Result};

/// A recording that is not understood after so long never will be.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(60);

/// What is in a recording.
#[derive(Clone, Debug)]
pub struct Media {
    /// How long it plays, where that is known.
    pub duration: Option<Duration>,
    /// The picture to complete.
    pub video: Video,
    /// All other streams, in the file's order.
    pub others: Vec<Stream>,
    /// Format of the file, such as `video/x-matroska`; empty where packets come without one.
    pub container: String,
    /// Its chapters.
    pub chapters: Option<gst::Toc>,
    /// When it was made, as it says.
    pub created: Option<glib::DateTime>,
}

/// The stream whose picture is completed.
#[derive(Clone, Debug)]
pub struct Video {
    /// What GStreamer calls the stream.
    pub id: String,
    /// Format of the coded stream.
    pub caps: gst::Caps,
    /// Width and height in pixels, as coded: before a turn that the orientation asks for.
    pub size: (u32, u32),
    /// Whether frames consist of two fields.
    pub is_interlaced: bool,
    /// Whether players turn or mirror the picture.
    pub is_turned: bool,
}

/// A stream beside the picture.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What GStreamer calls the stream.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// Format of the coded stream.
    pub caps: gst::Caps,
}

/// What a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sound track.
    Sound,
    /// Text or pictures of text.
    Subtitles,
    /// A further picture, which is not completed.
    Picture,
    /// Anything else, such as positions.
    Data,
}

impl Kind {
    /// Of a stream of the format `caps`.
    pub fn of(caps: &gst::CapsRef) -> Self {
        let name = caps.structure(0).map_or("", |s| s.name().as_str());
        let is_text = |name: &str| {
            ["text/", "subpicture/", "closedcaption/"]
                .iter()
                .any(|start| name.starts_with(start))
                || SUBTITLES.contains(&name)
        };
        match name {
            _ if name.starts_with("audio/") => Self::Sound,
            _ if name.starts_with("video/") || name.starts_with("image/") => Self::Picture,
            _ if is_text(name) => Self::Subtitles,
            _ => Self::Data,
        }
    }

    /// For sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Subtitles => "subtitles",
            Self::Picture => "further picture",
            Self::Data => "data",
        }
    }
}

/// Formats of subtitles that their names do not tell.
const SUBTITLES: [&str; 4] = [
    "application/x-ssa",
    "application/x-ass",
    "application/x-usf",
    "application/x-subtitle-unknown",
];

impl Stream {
    /// Its kind and format for sentences, such as "sound (Opus)".
    pub fn describe(&self) -> String {
        format!("{} ({})", self.kind.name(), format_name(&self.caps))
    }
}

/// What people call a format.
pub fn format_name(caps: &gst::Caps) -> String {
    gst_pbutils::pb_utils_get_codec_description(caps).to_string()
}

impl Media {
    /// Whether GStreamer lets the recording begin with its picture, although sound comes before: so it
    /// does with transport streams, which have no beginning of their own.
    pub fn begins_late(&self) -> bool {
        self.container == "video/mpegts"
    }
}

/// Looks at the recording `input`.
///
/// # Errors
/// [`Error::Input`] if it is no recording, is damaged, needs a decoder that is not installed, or has
/// no moving picture.
pub fn look(input: &Path) -> Result<Media> {
    let refuse = |reason: &str| Error::input(input, reason);
    let absolute = std::path::absolute(input).map_err(|e| Error::input(input, e))?;
    let uri = glib::filename_to_uri(absolute, None)?;
    let info = Discoverer::new(PATIENCE)?
        .discover_uri(&uri)
        .map_err(|e| Error::input(input, e.message()))?;
    match info.result() {
        DiscovererResult::Timeout => return Err(refuse("it could not be understood in a minute")),
        DiscovererResult::UriInvalid | DiscovererResult::Error => {
            return Err(refuse("this is no recording that can be read"));
        }
        _ => {}
    }
    let video = info
        .video_streams()
        .into_iter()
        .find(|video| !video.is_image());
    let Some(video) = video else {
        let reason = match lacking(&info) {
            Some(lacking) => lacking,
            None if !info.video_streams().is_empty() => {
                "this is a still picture: use 'mdecomplete picture'".to_owned()
            }
            None => format!("there is no moving picture in it, only {}", contents(&info)),
        };
        return Err(refuse(&reason));
    };
    let id = stream_id(video.upcast_ref());
    let size = (video.width(), video.height());
    let streams = info.stream_list().into_iter();
    let others = streams
        .filter(|stream| !stream.is::<DiscovererContainerInfo>())
        .filter(|stream| stream_id(stream) != id)
        .filter_map(|stream| {
            let caps = stream.caps()?;
            let kind = Kind::of(&caps);
            let id = stream_id(&stream);
            Some(Stream { id, kind, caps })
        })
        .collect();
    let is_turned = video.tags().is_some_and(|tags| {
        let orientation = tags.get::<gst::tags::ImageOrientation>();
        orientation.is_some_and(|orientation| orientation.get() != "rotate-0")
    });
    Ok(Media {
        duration: info.duration().map(Into::into),
        video: Video {
            id,
            caps: video.caps().unwrap_or_else(gst::Caps::new_empty),
            size,
            is_interlaced: video.is_interlaced(),
            is_turned,
        },
        others,
        container: container(&info),
        chapters: info.toc(),
        created: created(&info),
    })
}

fn container(info: &DiscovererInfo) -> String {
    let caps = whole(info).and_then(|container| container.caps());
    let format = caps.as_ref().and_then(|caps| caps.structure(0));
    format.map_or(String::new(), |format| format.name().to_string())
}

fn created(info: &DiscovererInfo) -> Option<glib::DateTime> {
    let tags = whole(info)?.tags()?;
    let time = tags.get::<gst::tags::DateTime>()?;
    time.get().to_g_date_time().ok()
}

/// The container that all streams are in. It is not among the streams.
fn whole(info: &DiscovererInfo) -> Option<DiscovererContainerInfo> {
    info.stream_info()?.downcast().ok()
}

fn stream_id(stream: &DiscovererStreamInfo) -> String {
    stream.stream_id().unwrap_or_default().to_string()
}

/// Which decoder is not installed, if that is what is wrong.
fn lacking(info: &DiscovererInfo) -> Option<String> {
    let lacking = info.missing_elements_installer_details();
    // Such a detail is `gstreamer|1.0|program|what is missing|for which format`.
    let names: Vec<_> = lacking
        .iter()
        .filter_map(|detail| detail.split('|').nth(3))
        .collect();
    (!names.is_empty()).then(|| format!("GStreamer lacks a {}", names.join(" and a ")))
}

fn contents(info: &DiscovererInfo) -> String {
    let kinds = [
        (info.audio_streams().len(), Kind::Sound),
        (info.subtitle_streams().len(), Kind::Subtitles),
    ];
    let there = kinds.iter().filter(|(count, _)| *count > 0);
    let names: Vec<_> = there.map(|(_, kind)| kind.name()).collect();
    match names.is_empty() {
        true => "data".to_owned(),
        false => names.join(" and "),
    }
}
