//! Where completed frames go: into a file, or into a folder of pictures.

use gst::glib;
use gst::prelude::*;
use gst_app::AppSink;
use gst_video::VideoMasteringDisplayInfo;

use super::coding::{self, Coding};
use super::plan::Plan;
use super::source::Source;
use super::{FRAMES, Job};
use crate::aside::Aside;
use crate::container::Container;
use crate::interrupt::Interrupt;
use crate::movie::{Changes, Matrix};
use crate::sequence::{Fault, Pattern, Pictures, Writer};
use crate::{Result, matroska, pipeline};

/// What is written.
#[derive(Debug)]
pub enum Target {
    /// A file.
    Movie {
        /// It, on its way.
        aside: Aside,
        /// What it is.
        container: Container,
        /// What was asked for.
        codec: Option<super::Codec>,
    },
    /// A folder of pictures.
    Pictures(Writer),
}

impl Target {
    /// Begins that of `job`.
    ///
    /// # Errors
    /// [`crate::Error::Output`] if it cannot be written there, or not under this name.
    pub fn begin(job: &Job) -> Result<Self> {
        let Job {
            input,
            output,
            force,
            codec,
            ..
        } = job;
        if let Some(pattern) = Pattern::of(output) {
            return Ok(Self::Pictures(Writer::begin(pattern, input, *force)?));
        }
        Ok(Self::Movie {
            aside: Aside::begin(output, input, *force)?,
            container: Container::of(output)?,
            codec: *codec,
        })
    }

    /// What kind of file it is, if it is one.
    pub fn container(&self) -> Option<Container> {
        match self {
            Self::Movie { container, .. } => Some(*container),
            Self::Pictures(_) => None,
        }
    }

    /// How the picture of `source` is coded, if it is.
    fn coding(&self, source: &Source) -> Option<Coding> {
        let Self::Movie {
            container, codec, ..
        } = self
        else {
            return None;
        };
        Some(Coding::choose(
            *container,
            *codec,
            source.media().video.size,
        ))
    }

    /// What a user may wonder about.
    pub fn note(&self, source: &Source, job: &Job) -> Vec<String> {
        let of_coding = self
            .coding(source)
            .and_then(|coding| coding.note(&source.media().video));
        let of_rate = match (source.pictures(), job.frame_rate, self) {
            (Some(pictures), None, Self::Movie { .. }) => Some(format!(
                "a second is taken to have {} pictures; --frame-rate says otherwise",
                pictures.rate
            )),
            _ => None,
        };
        let is_deep = |all: &Pictures| all.color().bytes_per_pixel() > 4;
        let is_cut =
            source.pictures().is_some_and(is_deep) && self.coding(source) == Some(Coding::Ffv1);
        let of_depth = is_cut.then(|| {
            "the pictures have 16 bits a channel, of which FFV1 gets 12 here; --codec png-sequence keeps \
             all"
                .to_owned()
        });
        of_coding
            .into_iter()
            .chain(of_rate)
            .chain(of_depth)
            .collect()
    }

    /// The elements from raw video on.
    pub fn elements(&self, source: &Source) -> String {
        let Some((container, coding)) = self.container().zip(self.coding(source)) else {
            // In what `Writer` takes, with as many bits as there are.
            return format!(
                "videoconvert dither=none ! video/x-raw,format={{RGB,RGBA,RGBA64_LE,GRAY8,GRAY16_LE}} \
                 ! {FRAMES} ! appsink name=written sync=false"
            );
        };
        // Noise that hides steps is no part of an archive.
        let exact = match source.pictures() {
            Some(_) => "dither=none",
            None => "",
        };
        format!(
            "videoconvert {exact} ! {} ! {FRAMES} name=coded {} name=mux ! filesink name=written",
            coding.elements(source),
            container.muxer(),
        )
    }

    /// Sets in `pipeline` what is written, and how; `fault` is told if pictures cannot be.
    ///
    /// # Errors
    /// If an element is missing.
    pub fn prepare(&self, pipeline: &gst::Pipeline, source: &Source, fault: &Fault) -> Result<()> {
        let (aside, container) = match self {
            Self::Movie {
                aside, container, ..
            } => (aside, container),
            Self::Pictures(writer) => {
                let sink = pipeline::application_element::<AppSink>(pipeline, "written")?;
                writer.take(&sink, source.pictures(), fault);
                return Ok(());
            }
        };
        pipeline::set_location(pipeline, "written", aside.path())?;
        let media = source.media();
        let mux = pipeline::element(pipeline, "mux")?;
        if let (Some(chapters), Some(setter)) =
            (&media.chapters, mux.dynamic_cast_ref::<gst::TocSetter>())
        {
            setter.set_toc(Some(chapters));
        }
        if !container.is_isobmff() {
            mux.set_property("creation-time", &media.created);
            mux.set_property("offset-to-zero", media.begins_late());
        }
        if *container == Container::Matroska {
            mux.set_property("timecodescale", coding::tick(media));
        }
        Ok(())
    }

    /// Makes it whole, and moves it to its place.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self, source: &Source, plan: &Plan, interrupt: &Interrupt) -> Result<()> {
        let (aside, container) = match self {
            Self::Movie {
                aside, container, ..
            } => (aside, container),
            Self::Pictures(writer) => {
                interrupt.check()?;
                return writer.finish();
            }
        };
        let created = source.media().created.as_ref();
        if container.is_isobmff() {
            let changes = Changes {
                created: created.map_or(0, since_1904),
                matrix: matrix(source),
                edits: plan.edits(),
            };
            changes.write(aside.path())?;
        } else {
            // Pictures have no caps, and GStreamer asks for the first structure unseen.
            let caps = Some(&source.media().video.caps).filter(|caps| caps.structure(0).is_some());
            let display = caps.and_then(|caps| VideoMasteringDisplayInfo::from_caps(caps).ok());
            matroska::mend(aside.path(), created.is_some(), display)?;
        }
        interrupt.check()?;
        aside.finish()
    }
}

/// Seconds from the beginning of 1904, with which MP4 files count, to `time`.
fn since_1904(time: &glib::DateTime) -> u64 {
    const TO_1970: i64 = 2_082_844_800;
    u64::try_from(time.to_unix() + TO_1970).unwrap_or(0)
}

/// Whether the picture of `source` is to be turned because a file of the kind `container` cannot say how
/// players are to turn it.
pub fn is_turned_by_pixels(source: &Source, container: Option<Container>) -> bool {
    let can_say = container.is_some_and(Container::is_isobmff) && matrix(source).is_some();
    source.media().video.is_turned && !can_say
}

/// How the picture is turned, as its file says it, if it is.
fn matrix(source: &Source) -> Option<Matrix> {
    let video = &source.media().video;
    let track = source.movie().track(&video.id)?;
    video.is_turned.then_some(track.matrix)
}
