//! Masks for single frames: numbered pictures in a folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gst::prelude::*;

use super::source::Source;
use crate::sequence::{Fault, Pattern, Rate};
use crate::{Error, Result};

/// The property of the element that takes a mask.
const PROPERTY: &str = "mask-file";

/// Masks for frames. A frame without one has what the property [`PROPERTY`] was set to, if anything.
#[derive(Clone, Debug)]
pub struct Masks {
    pattern: Pattern,
    numbers: BTreeSet<u64>,
    /// Where frames have the numbers of pictures: how many of those a second has, and the first.
    given: Option<(Rate, u64)>,
    /// Those that no frame had yet.
    unused: Arc<Mutex<BTreeSet<u64>>>,
}

impl Masks {
    /// Those in `folder`, for the frames of `source`: its pictures' numbers, or counted from 1.
    ///
    /// # Errors
    /// [`Error::Input`] if there are none, if their names are of several kinds, or if one is of another
    /// size than the frames as they are shown.
    pub fn open(folder: &Path, source: &Source) -> Result<Self> {
        let refuse = |reason: String| Error::input(folder, reason);
        let entries = fs::read_dir(folder).map_err(|e| refuse(e.to_string()))?;
        let names: Vec<_> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        let mut patterns = Pattern::among(folder, names.iter().map(String::as_str), 1).into_iter();
        let (pattern, others) = (patterns.next(), patterns.next());
        let Some(pattern) = pattern.filter(|_| others.is_none()) else {
            return Err(refuse(
                "masks for single frames are to be numbered pictures of one kind here, such as \
                 00001.png for the first frame"
                    .to_owned(),
            ));
        };
        let numbers = pattern.numbers().map_err(|e| refuse(e.to_string()))?;
        for number in &numbers {
            want_size(&pattern.file(*number), source)?;
        }
        let numbers: BTreeSet<_> = numbers.into_iter().collect();
        Ok(Self {
            pattern,
            unused: Arc::new(Mutex::new(numbers.clone())),
            numbers,
            given: source.pictures().map(|all| (all.rate, all.first())),
        })
    }

    fn unused(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays them on the frames that come to `completer`; `fault` is told if one cannot be read.
    ///
    /// # Errors
    /// If that has no pad.
    pub fn lay(&self, completer: &gst::Element, fault: &Fault) -> Result<()> {
        let pad = completer.static_pad("sink");
        let pad = pad.ok_or_else(|| Error::Pipeline("there is no pad for masks".to_owned()))?;
        let set = move |element: &gst::Element, file: &str| element.set_property(PROPERTY, file);
        let now = |element: &gst::Element| {
            element
                .property::<Option<String>>(PROPERTY)
                .unwrap_or_default()
        };
        let usual = now(completer);
        let (this, fault) = (self.clone(), fault.clone());
        let mut count = 0;
        let count = Mutex::new(move || {
            count += 1;
            count
        });
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            let (Some(buffer), Some(element)) = (info.buffer(), pad.parent_element()) else {
                return gst::PadProbeReturn::Ok;
            };
            let counted = (count.lock().unwrap_or_else(PoisonError::into_inner))();
            let number = match (this.given, buffer.pts()) {
                (Some((rate, first)), Some(time)) => first + rate.number(time),
                _ => counted,
            };
            let file = match this.numbers.contains(&number) {
                true => this.pattern.file(number).to_string_lossy().into_owned(),
                false => usual.clone(),
            };
            this.unused().remove(&number);
            if now(&element) != file {
                set(&element, &file);
                // The element keeps what it had if it cannot read another.
                if now(&element) != file {
                    fault.end(&element, Error::input(file, "this mask cannot be read"));
                }
            }
            gst::PadProbeReturn::Ok
        });
        Ok(())
    }

    /// That there are masks without a frame, if there are.
    pub fn left_over(&self) -> Option<String> {
        let unused = self.unused();
        let first = unused.first()?;
        Some(format!(
            "{} of {} masks are for frames that are not there, {} first",
            unused.len(),
            self.numbers.len(),
            self.pattern.name(*first)
        ))
    }
}

/// Fails unless the mask `file` is as large as the frames of `source`.
fn want_size(file: &Path, source: &Source) -> Result<()> {
    let size = image::image_dimensions(file)
        .map_err(|e| Error::input(file, format!("this mask cannot be read: {e}")))?;
    let video = &source.media().video;
    let (width, height) = video.size;
    // Masks lie on what players show.
    if size == video.size || video.is_turned && size == (height, width) {
        return Ok(());
    }
    Err(Error::input(
        file,
        format!(
            "this mask is {}x{} pixels, but the frames are {width}x{height}: masks for single frames \
             are to be as large as these",
            size.0, size.1
        ),
    ))
}
