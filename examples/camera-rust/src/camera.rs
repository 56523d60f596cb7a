//! A pipeline from a source through mdecomplete to the screen.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use gst::prelude::*;

use crate::key::Key;

/// The parts that the key `o` goes through.
const OCCLUSIONS: [&str; 5] = ["eyes", "mouth", "left-half", "right-half", ""];

const STRENGTH_STEP: f32 = 0.25;

/// How often speed and statistics are told.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// The application.
pub struct Camera {
    pipeline: gst::Pipeline,
    completer: gst::Element,
    occlusion: usize,
    /// The embedded model first.
    models: Vec<Option<PathBuf>>,
    model: usize,
    /// When the status was told last, and how many frames there were by then.
    told: (Instant, u64),
}

impl Camera {
    /// Ready to play `source`: a camera, a recording, or "test".
    ///
    /// # Errors
    /// Where the source is not there, or an element or a property's value is not known.
    pub fn new(source: &Path, region: &str, headless: bool) -> Result<Self> {
        let sink = if headless {
            "fakesink"
        } else {
            "autovideosink"
        };
        let description = format!(
            "{} ! videoconvert ! mdecomplete name=completer region={region} occlusion={} \
             ! videoconvert ! {sink}",
            describe(source)?,
            OCCLUSIONS[0]
        );
        let pipeline = gst::parse::launch(&description)
            .context("if it is mdecomplete: GST_PLUGIN_PATH must name its folder")?
            .downcast::<gst::Pipeline>()
            .expect("several elements are a pipeline");
        if let Some(element) = pipeline.by_name("file") {
            element.set_property("location", source);
        }
        if let Some(element) = pipeline.by_name("camera") {
            element.set_property("device", source.to_str());
        }
        let completer = pipeline.by_name("completer").context("mdecomplete")?;
        Ok(Self {
            pipeline,
            completer,
            occlusion: 0,
            models: vec![None],
            model: 0,
            told: (Instant::now(), 0),
        })
    }

    /// Lets the key `m` choose among `models` as well.
    pub fn offer_models(&mut self, models: Vec<PathBuf>) {
        self.models.extend(models.into_iter().map(Some));
    }

    /// Where keys are to be posted.
    pub fn bus(&self) -> gst::Bus {
        self.pipeline.bus().expect("a pipeline has a bus")
    }

    /// Plays until the source ends or the user ends it; gives the number of frames.
    ///
    /// # Errors
    /// With the words of the element that failed.
    pub fn run(mut self) -> Result<u64> {
        let started = self.pipeline.set_state(gst::State::Playing);
        let result = self.follow_bus();
        let frames = self.frames();
        self.pipeline.set_state(gst::State::Null)?;
        result?;
        started?;
        Ok(frames)
    }

    fn follow_bus(&mut self) -> Result<()> {
        let bus = self.bus();
        self.told = (Instant::now(), 0);
        loop {
            let rest = STATUS_EVERY.saturating_sub(self.told.0.elapsed());
            let message = bus.timed_pop(gst::ClockTime::try_from(rest)?);
            if self.told.0.elapsed() >= STATUS_EVERY {
                self.tell_status();
            }
            let Some(message) = message else { continue };
            match message.view() {
                gst::MessageView::Eos(_) => return Ok(()),
                gst::MessageView::Error(error) => bail!("{}", error.error()),
                gst::MessageView::Warning(warning) => eprintln!("{}", warning.error()),
                _ => match Key::of(&message) {
                    Some(Key::Quit) => return Ok(()),
                    Some(key) => self.press(key),
                    None => (),
                },
            }
        }
    }

    /// All of this may be set while the pipeline plays.
    fn press(&mut self, key: Key) {
        match key {
            Key::Occlusion => {
                self.occlusion = (self.occlusion + 1) % OCCLUSIONS.len();
                let occlusion = OCCLUSIONS[self.occlusion];
                self.completer.set_property_from_str("occlusion", occlusion);
            }
            Key::Weaker => self.strengthen(-STRENGTH_STEP),
            Key::Stronger => self.strengthen(STRENGTH_STEP),
            Key::Model => {
                self.model = (self.model + 1) % self.models.len();
                let file = self.models[self.model].as_deref();
                self.completer.set_property("model-file", file);
            }
            Key::Quit => (),
        }
        self.tell_status();
    }

    fn strengthen(&self, by: f32) {
        let strength: f32 = self.completer.property("strength");
        self.completer
            .set_property("strength", (strength + by).clamp(0.0, 1.0));
    }

    fn tell_status(&mut self) {
        let Some(stats) = self.completer.property::<Option<gst::Structure>>("stats") else {
            return;
        };
        let frames = self.frames();
        let (told, before) = std::mem::replace(&mut self.told, (Instant::now(), frames));
        let rate = (frames - before) as f64 / told.elapsed().as_secs_f64().max(1e-3);
        let inference = stats.get::<u64>("inference-us-p50").unwrap_or_default();
        let occlusion = match OCCLUSIONS[self.occlusion] {
            "" => "nothing",
            occlusion => occlusion,
        };
        let strength = 100.0 * self.completer.property::<f32>("strength");
        let model = stats.get::<&str>("model").unwrap_or_default();
        let provider = stats.get::<&str>("provider").unwrap_or_default();
        println!(
            "{rate:.1} frames/s, completing {occlusion} at {strength:.0} % with {model} on \
             {provider}, {:.1} ms a run",
            inference as f64 / 1000.0
        );
    }

    fn frames(&self) -> u64 {
        let stats = self.completer.property::<Option<gst::Structure>>("stats");
        stats.map_or(0, |stats| stats.get("frames").unwrap_or_default())
    }
}

/// The first elements of the pipeline.
fn describe(source: &Path) -> Result<&'static str> {
    if source == Path::new("test") {
        return Ok("videotestsrc is-live=true");
    }
    let metadata =
        std::fs::metadata(source).with_context(|| format!("source '{}'", source.display()))?;
    // A camera's frames that come while one is being completed are dropped.
    Ok(match metadata.file_type().is_char_device() {
        true => "v4l2src name=camera ! decodebin ! queue max-size-buffers=1 leaky=downstream",
        false => "filesrc name=file ! decodebin",
    })
}
