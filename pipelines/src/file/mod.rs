//! Completing the faces of a recording.

mod branch;
mod coding;
mod plan;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use serde::{Deserialize, Serialize};

use crate::aside::{self, Aside};
use crate::container::Container;
use crate::interrupt::Interrupt;
use crate::matroska;
use crate::movie::{Changes, Matrix, Movie};
use crate::pipeline::{self, Watch};
use crate::probe::{self, Media};
use crate::progress::Counts;
use crate::region::Square;
use crate::settings::{self, Setting};
use crate::summary::{self, Summary};
use crate::{Error, Result, plugin};

use branch::Branches;
use coding::Coding;
use plan::Plan;

pub use coding::Codec;

/// A recording to complete.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The recording.
    pub input: PathBuf,
    /// The file to write; its ending says what kind.
    pub output: PathBuf,
    /// Properties of the element.
    pub settings: Vec<Setting>,
    /// Where the face is, if it stays there.
    pub region: Option<Square>,
    /// What the picture is coded as; nothing says what everything plays.
    pub codec: Option<Codec>,
    /// Whether sound that the file cannot hold is coded anew.
    pub transcode_audio: bool,
    /// Whether subtitles that the file cannot hold are left out.
    pub drop_subtitles: bool,
    /// Whether a file may be replaced.
    pub force: bool,
    /// Where the identifiers in the file come from, which are drawn at random otherwise: with the same
    /// number the same run writes the same bytes.
    pub seed: Option<u32>,
}

/// Who is told how far a recording is.
pub trait Audience {
    /// The recording `name`, which lasts `duration`, begins; `counts` tells how far it is.
    fn begin(&mut self, name: String, counts: Arc<Counts>, duration: Option<Duration>);

    /// Something that a user is to know.
    fn note(&mut self, text: &str);

    /// Comes some times a second after [`Audience::begin`]; gives the number of frames.
    fn tick(&mut self) -> u64;
}

/// Completes the recording of `job`, telling `audience` how far it is.
///
/// # Errors
/// As [`Error`] has them; there is no output then, nor anything else that was not there before.
pub fn run(job: &Job, interrupt: &Interrupt, audience: &mut dyn Audience) -> Result<Summary> {
    let Job { input, output, .. } = job;
    aside::want_file(input)?;
    let settings = settings(job)?;
    settings::apply(&plugin::element()?, &settings)?;
    settings::keep(&settings, output)?;
    let aside = Aside::begin(output, input, job.force)?;
    let container = Container::of(output)?;
    fit(job.codec, output)?;

    let media = probe::look(input)?;
    interrupt.check()?;
    if let Some(region) = job.region {
        region.fit(media.video.size)?;
    }
    let movie = Movie::read(input).map_err(|e| Error::input(input, e))?;
    let coding = Coding::choose(container, job.codec, media.video.size);
    let plan = Plan::make(&media, &movie, container, job)?;
    for note in coding.note(&media.video).iter().chain(&plan.notes) {
        audience.note(note);
    }

    let made = Pipeline::build(job, &settings, &media, &movie, container, coding, &plan)?;
    pipeline::set_location(&made.pipeline, "written", aside.path())?;
    let counts = Counts::of(&made.completer)?;
    let name = input.file_name().unwrap_or_default().to_string_lossy();
    audience.begin(name.into_owned(), Arc::clone(&counts), media.duration);
    let mut watch = Onlooker {
        audience,
        told: Vec::new(),
        is_filled: false,
    };
    let playing = pipeline::run(&made.pipeline, interrupt, &mut watch).map_err(|e| match e {
        Error::Full(_) => Error::Full(output.clone()),
        other => other,
    })?;
    let summary = Summary::of(&made.completer, &counts, watch.is_filled);
    drop(playing);
    if summary.frames == 0 {
        return Err(Error::input(input, "no frame of it could be decoded"));
    }
    if container.is_isobmff() {
        let changes = Changes {
            created: media.created.as_ref().map_or(0, since_1904),
            matrix: matrix(&media, &movie),
            edits: plan.edits(),
        };
        changes.write(aside.path())?;
    } else {
        matroska::mend(aside.path(), media.created.is_some())?;
    }
    interrupt.check()?;
    aside.finish()?;
    Ok(summary)
}

/// Fails unless a file with the name of `output` can hold what `codec` writes.
fn fit(codec: Option<Codec>, output: &Path) -> Result<()> {
    let Some(codec) = codec else {
        return Ok(());
    };
    let ending = output.extension().unwrap_or_default();
    let ending = ending.to_string_lossy().to_lowercase();
    if codec.endings().contains(&ending.as_str()) {
        return Ok(());
    }
    let reason = format!(
        "{} is written to files that end in .{}: name such a file",
        codec.name(),
        codec.endings().join(", .")
    );
    Err(Error::output(output, reason))
}

/// Seconds from the beginning of 1904, with which MP4 files count, to `time`.
fn since_1904(time: &glib::DateTime) -> u64 {
    const TO_1970: i64 = 2_082_844_800;
    u64::try_from(time.to_unix() + TO_1970).unwrap_or(0)
}

/// The settings of `job`, with what goes without saying.
fn settings(job: &Job) -> Result<Vec<Setting>> {
    let mut settings = job.settings.clone();
    if settings.is_empty() {
        settings.push(settings::default());
    }
    if job.region.is_some() {
        if settings::has(&settings, "region") {
            return Err(Error::Usage(
                "--region says where the face is: do not set the property region too".to_owned(),
            ));
        }
        settings.push(Setting::new("region", "roi-list"));
    }
    Ok(settings)
}

/// How the picture is turned, as its file says it, if it is.
fn matrix(media: &Media, movie: &Movie) -> Option<Matrix> {
    let track = movie.track(&media.video.id)?;
    media.video.is_turned.then_some(track.matrix)
}

/// The pipeline of a job, ready to play.
struct Pipeline {
    pipeline: gst::Pipeline,
    completer: gst::Element,
}

impl Pipeline {
    fn build(
        job: &Job,
        settings: &[Setting],
        media: &Media,
        movie: &Movie,
        container: Container,
        coding: Coding,
        plan: &Plan,
    ) -> Result<Self> {
        if let Some(seed) = job.seed {
            // Muxers draw from GLib's generator.
            glib::random_set_seed(seed);
        }
        // Coded packets: as many as it takes until each stream has one, a quarter of a gigabyte at
        // most. Frames: few, so that decoding, completing and coding go on side by side.
        const FRAMES: &str = "queue max-size-buffers=4 max-size-bytes=0 max-size-time=0";
        let can_say = container.is_isobmff() && matrix(media, movie).is_some();
        let turn = match media.video.is_turned && !can_say {
            true => "! videoflip video-direction=auto",
            false => "",
        };
        let pipeline = pipeline::parse(&format!(
            "filesrc name=read ! parsebin name=streams \
             multiqueue name=abreast max-size-time=0 max-size-bytes=268435456 \
             decodebin name=decoder force-sw-decoders=true \
             {FRAMES} name=frames ! videoconvert {turn} ! {} name=completer ! {FRAMES} \
             ! videoconvert ! {} ! {FRAMES} name=coded \
             {} name=mux ! filesink name=written",
            plugin::ELEMENT,
            coding.elements(&media.video),
            container.muxer(),
        ))?;
        pipeline::set_location(&pipeline, "read", &job.input)?;
        let completer = pipeline::element(&pipeline, "completer")?;
        settings::apply(&completer, settings)?;
        if let Some(region) = job.region {
            region.mark(&completer)?;
        }
        movie.hide(&plan.hidden, &pipeline::element(&pipeline, "read")?)?;

        let mux = pipeline::element(&pipeline, "mux")?;
        if let (Some(chapters), Some(setter)) =
            (&media.chapters, mux.dynamic_cast_ref::<gst::TocSetter>())
        {
            setter.set_toc(Some(chapters));
        }
        if !container.is_isobmff() {
            mux.set_property("creation-time", &media.created);
            mux.set_property("offset-to-zero", media.begins_late());
        }
        if container == Container::Matroska {
            mux.set_property("timecodescale", coding::tick(media));
        }
        let own = movie.track(&media.video.id).map(|track| track.scale);
        let scale = coding::track_scale(media, own);
        Branches::connect(&pipeline, media, container, plan, scale)?;
        Ok(Self {
            pipeline,
            completer,
        })
    }
}

/// Tells what the elements say.
struct Onlooker<'a> {
    audience: &'a mut dyn Audience,
    /// What was told before: elements repeat themselves.
    told: Vec<String>,
    is_filled: bool,
}

impl Onlooker<'_> {
    fn tell(&mut self, text: String) {
        if !self.told.contains(&text) {
            self.audience.note(&text);
            self.told.push(text);
        }
    }
}

impl Watch for Onlooker<'_> {
    fn said(&mut self, message: &gst::StructureRef) {
        self.is_filled |= summary::is_plain(message);
        if let Some(text) = summary::told(message) {
            self.tell(text);
        }
    }

    fn warned(&mut self, text: &str) {
        self.tell(format!("warning: {text}"));
    }

    fn tick(&mut self) -> u64 {
        self.audience.tick()
    }
}
