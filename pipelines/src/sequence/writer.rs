//! Frames, as the pictures of a sequence.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use gst_app::{AppSink, AppSinkCallbacks};
use image::ColorType;

use super::{Fault, Pattern, Pictures, Rate};
use crate::aside::AsideFolder;
use crate::picture::pixels;
use crate::picture::still::{About, Format};
use crate::{Error, Result};

/// A folder of PNG files on its way.
#[derive(Debug)]
pub struct Writer {
    aside: AsideFolder,
    pattern: Pattern,
}

/// How frames become pictures.
struct Way {
    /// The names of the pictures, in the folder on its way.
    pattern: Pattern,
    /// What users call that.
    output: PathBuf,
    /// Where they have the same numbers as the pictures that they came of: how many of those a second
    /// had, the first, and of which colour type they are.
    given: Option<(Rate, u64, ColorType)>,
    about: About,
    written: AtomicU64,
}

impl Writer {
    /// Begins the pictures of `pattern`, made from `input`.
    ///
    /// # Errors
    /// As [`AsideFolder::begin`]; for pictures that are not PNG files.
    pub fn begin(pattern: Pattern, input: &Path, may_replace: bool) -> Result<Self> {
        let path = pattern.path();
        if path
            .extension()
            .is_none_or(|ending| !ending.eq_ignore_ascii_case("png"))
        {
            let reason = "sequences are written as PNG: let the name end in .png";
            return Err(Error::output(path, reason));
        }
        let folder = match pattern.folder().as_os_str().is_empty() {
            true => {
                return Err(Error::output(
                    path,
                    "name a folder for the pictures before it",
                ));
            }
            false => pattern.folder(),
        };
        let input = match Pattern::of(input) {
            Some(input) => input.folder().to_owned(),
            None => input.to_owned(),
        };
        Ok(Self {
            aside: AsideFolder::begin(folder, &input, may_replace)?,
            pattern,
        })
    }

    /// Lets all frames that come to `sink` be written, with the numbers of `pictures` where they came of
    /// these, from 1 on otherwise; `fault` is told why not.
    pub fn take(&self, sink: &AppSink, pictures: Option<&Pictures>, fault: &Fault) {
        let way = Way {
            pattern: self.pattern.moved(self.aside.path().to_owned()),
            output: self.pattern.path(),
            given: pictures.map(|all| (all.rate, all.first(), all.color())),
            about: pictures.map(|all| all.about.clone()).unwrap_or_default(),
            written: AtomicU64::new(0),
        };
        let fault = fault.clone();
        sink.set_callbacks(
            AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    way.write(&sample).map_err(|error| {
                        fault.end(sink, error);
                        gst::FlowError::Error
                    })?;
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
    }

    /// Moves the pictures to their place.
    ///
    /// # Errors
    /// As [`AsideFolder::finish`].
    pub fn finish(self) -> Result<()> {
        self.aside.finish()
    }
}

impl Way {
    fn write(&self, sample: &gst::Sample) -> Result<()> {
        let failed = |e: &dyn std::fmt::Display| Error::output(&self.output, e);
        let strange = || failed(&"a frame is of a format that no picture has");
        let written = self.written.fetch_add(1, Ordering::Relaxed);
        let number = match self.given {
            Some((rate, first, _)) => {
                let time = sample.buffer().and_then(gst::BufferRef::pts);
                first + rate.number(time.ok_or_else(|| failed(&"a frame has no time"))?)
            }
            None => written + 1,
        };
        // Recordings have no transparency.
        let color = match (self.given, is_deep(sample)) {
            (Some((.., color)), _) => color,
            (None, true) => ColorType::Rgb16,
            (None, false) => ColorType::Rgb8,
        };
        let picture = pixels::from_sample(sample, color).ok_or_else(strange)?;
        let bytes = self
            .about
            .encode(picture, Format::Png)
            .map_err(|e| failed(&e))?;
        fs::write(self.pattern.file(number), bytes).map_err(|e| Error::writing(&self.output, e))
    }
}

/// Whether the frame of `sample` has red, green and blue with 16 bits.
fn is_deep(sample: &gst::Sample) -> bool {
    let info = sample
        .caps()
        .and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
    info.is_some_and(|info| info.format() == gst_video::VideoFormat::Rgba64Le)
}
