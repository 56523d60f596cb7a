//! Completing the faces of a recording.

mod branch;
mod coding;
mod masks;
mod plan;
mod segment;
mod source;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gst::glib;
use serde::{Deserialize, Serialize};

use crate::interrupt::Interrupt;
use crate::pipeline::{self, Watch};
use crate::progress::Counts;
use crate::region::Square;
use crate::sequence::{Fault, Rate};
use crate::settings::{self, Setting};
use crate::summary::{self, Summary};
use crate::{Error, Result, plugin};

use branch::Picture;
use masks::Masks;
use plan::Plan;
use source::Source;
use target::Target;

pub use coding::Codec;
pub use segment::{cut, join, segment};

/// A recording to complete.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The recording, or the pattern of a sequence of pictures.
    pub input: PathBuf,
    /// How many pictures of a sequence a second has; nothing says film's.
    pub frame_rate: Option<Rate>,
    /// The file to write; its ending says what kind. Or the pattern of PNG files, which are the only
    /// ones in their folder.
    pub output: PathBuf,
    /// Properties of the element.
    pub settings: Vec<Setting>,
    /// A folder with masks for single frames.
    pub masks: Option<PathBuf>,
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
    let source = Source::check(job)?;
    let settings = settings(job)?;
    settings::apply(&plugin::element()?, &settings)?;
    settings::keep(&settings, output)?;
    let target = Target::begin(job)?;
    fit(job.codec, output)?;

    let source = source.look()?;
    interrupt.check()?;
    let media = source.media();
    if let Some(region) = job.region {
        region.fit(media.video.size)?;
    }
    let masks = job.masks.as_deref();
    let masks = masks
        .map(|folder| Masks::open(folder, &source))
        .transpose()?;
    let plan = match target.container() {
        Some(container) => Plan::make(media, source.movie(), container, job)?,
        None => Plan::of_picture_alone(media),
    };
    let notes = source.notes().into_iter().chain(target.note(&source, job));
    for note in notes.chain(plan.notes.iter().cloned()) {
        audience.note(&note);
    }

    let fault = Fault::default();
    let is_turned = target::is_turned_by_pixels(&source, target.container());
    let made = Pipeline::build(
        job,
        &settings,
        &source,
        is_turned,
        &target.elements(&source),
    )?;
    target.prepare(&made.pipeline, &source, &fault)?;
    let picture = Picture::Completed;
    source.connect(&made.pipeline, target.container(), &plan, picture, &fault)?;
    if let Some(masks) = &masks {
        masks.lay(&made.completer, &fault)?;
    }
    let counts = Counts::of(&made.completer)?;
    let name = input.file_name().unwrap_or_default().to_string_lossy();
    audience.begin(name.into_owned(), Arc::clone(&counts), media.duration);
    let mut watch = Onlooker::new(audience, masks.is_some());
    let played = pipeline::run(&made.pipeline, interrupt, &mut watch);
    let playing = played.map_err(|e| match fault.or(e) {
        Error::Full(_) => Error::Full(output.clone()),
        other => other,
    })?;
    let summary = Summary::of(&made.completer, &counts, watch.is_filled);
    drop(playing);
    for note in masks.iter().filter_map(Masks::left_over) {
        audience.note(&note);
    }
    if summary.frames == 0 {
        return Err(Error::input(input, "no frame of it could be decoded"));
    }
    target.finish(&source, &plan, interrupt)?;
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

/// How far later frames are looked at for what is hidden, in ms.
const LOOKAHEAD: &str = "2000";

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
    if !settings::has(&settings, "lookahead") {
        settings.push(Setting::new("lookahead", LOOKAHEAD));
    }
    Ok(settings)
}

/// The pipeline of a job, ready to play.
struct Pipeline {
    pipeline: gst::Pipeline,
    completer: gst::Element,
}

/// Frames: few, so that decoding, completing and coding go on side by side.
const FRAMES: &str = "queue max-size-buffers=4 max-size-bytes=0 max-size-time=0";

impl Pipeline {
    /// For the frames of `source`, turned as players would if `is_turned`, to the elements `end`.
    fn build(
        job: &Job,
        settings: &[Setting],
        source: &Source,
        is_turned: bool,
        end: &str,
    ) -> Result<Self> {
        seed(job);
        let turn = match is_turned {
            true => "! videoflip video-direction=auto",
            false => "",
        };
        let pipeline = pipeline::parse(&format!(
            "{} {FRAMES} name=frames ! videoconvert {turn} ! {} name=completer ! {FRAMES} ! {end}",
            source.elements(),
            plugin::ELEMENT,
        ))?;
        let completer = pipeline::element(&pipeline, "completer")?;
        settings::apply(&completer, settings)?;
        if let Some(region) = job.region {
            region.mark(&completer)?;
        }
        Ok(Self {
            pipeline,
            completer,
        })
    }
}

/// Lets identifiers follow from the number of `job`, if it has one.
fn seed(job: &Job) {
    if let Some(seed) = job.seed {
        // Muxers draw from GLib's generator.
        glib::random_set_seed(seed);
    }
}

/// Tells what the elements say.
struct Onlooker<'a> {
    audience: &'a mut dyn Audience,
    /// What was told before: elements repeat themselves.
    told: Vec<String>,
    is_filled: bool,
    /// Whether frames have masks of their own, of which any may be empty.
    has_masks: bool,
}

impl<'a> Onlooker<'a> {
    fn new(audience: &'a mut dyn Audience, has_masks: bool) -> Self {
        Self {
            audience,
            told: Vec::new(),
            is_filled: false,
            has_masks,
        }
    }

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
        if let Some(text) = summary::told(message)
            && !(self.has_masks && summary::is_empty_mask(message))
        {
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
