//! Completing the faces of a picture.

pub(crate) mod pixels;
pub(crate) mod still;

use std::path::PathBuf;

use gst_app::{AppSink, AppSrc};

use crate::aside::{self, Aside};
use crate::interrupt::Interrupt;
use crate::pipeline::{self, Watch};
use crate::progress::Counts;
use crate::settings::{self, Setting};
use crate::summary::{self, Summary};
use crate::{Error, Result, plugin};

use still::{Format, Still};

/// A picture to complete.
#[derive(Clone, Debug)]
pub struct Job {
    /// The picture: PNG, JPEG, WebP or TIFF, whatever its name.
    pub input: PathBuf,
    /// The file to write; its ending says what kind.
    pub output: PathBuf,
    /// Properties of the element.
    pub settings: Vec<Setting>,
    /// Whether a file may be replaced.
    pub force: bool,
}

/// Completes the picture of `job`, telling on standard error what else is to be known.
///
/// # Errors
/// As [`Error`] has them; there is no output then.
pub fn run(job: &Job, interrupt: &Interrupt) -> Result<Summary> {
    let Job { input, output, .. } = job;
    aside::want_file(input)?;
    let format = Format::of(output)?;
    settings::apply(&plugin::element()?, &job.settings)?;
    settings::keep(&job.settings, output)?;
    let aside = Aside::begin(output, input, job.force)?;

    let still = Still::read(input)?;
    let settings = settings(job, &still);
    let frame = pixels::to_frame(&still.upright)
        .ok_or_else(|| Error::input(input, "its pixels are floating-point numbers; use 16 bits"))?;
    let pipeline = pipeline::parse(&format!(
        "appsrc name=given format=time ! {} name=completer ! appsink name=taken sync=false \
         wait-on-eos=false",
        plugin::ELEMENT
    ))?;
    let completer = pipeline::element(&pipeline, "completer")?;
    settings::apply(&completer, &settings)?;
    let given = pipeline::application_element::<AppSrc>(&pipeline, "given")?;
    let taken = pipeline::application_element::<AppSink>(&pipeline, "taken")?;
    given.set_caps(Some(&frame.caps));
    let counts = Counts::of(&completer)?;
    // Queued until the pipeline plays.
    given
        .push_buffer(frame.buffer)
        .and_then(|_| given.end_of_stream())
        .map_err(|e| Error::Pipeline(e.to_string()))?;
    let mut watch = Onlooker::default();
    let playing = pipeline::run(&pipeline, interrupt, &mut watch)?;
    let summary = Summary::of(&completer, &counts, watch.is_filled);
    let completed = taken
        .pull_sample()
        .ok()
        .and_then(|sample| pixels::from_sample(&sample, still.upright.color()));
    drop(playing);
    let completed =
        completed.ok_or_else(|| Error::Pipeline("the element gave no picture".to_owned()))?;

    for note in still.about.write(completed, format, aside.path(), output)? {
        eprintln!("{note}");
    }
    interrupt.check()?;
    aside.finish()?;
    Ok(summary)
}

/// The settings of `job`, with what goes without saying: transparent parts are missing, and the eyes
/// of a picture that cannot have any where nothing else is said.
fn settings(job: &Job, still: &Still) -> Vec<Setting> {
    let mut settings = job.settings.clone();
    if still.upright.color().has_alpha() {
        // What is erased has no rim that a lossy code has smeared.
        for (name, value) in [("mask-from-alpha", "true"), ("mask-grow", "0")] {
            if !settings::has(&settings, name) {
                settings.push(Setting::new(name, value));
            }
        }
    } else if settings.is_empty() {
        settings.push(settings::default());
    }
    settings
}

/// Tells what the element says.
#[derive(Default)]
struct Onlooker {
    is_filled: bool,
}

impl Watch for Onlooker {
    fn said(&mut self, message: &gst::StructureRef) {
        self.is_filled |= summary::is_plain(message);
        if let Some(text) = summary::told(message) {
            eprintln!("{text}");
        }
    }

    fn warned(&mut self, text: &str) {
        eprintln!("warning: {text}");
    }
}
