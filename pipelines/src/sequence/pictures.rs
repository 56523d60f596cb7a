//! The pictures of a sequence, as frames.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gst_app::{AppSrc, AppSrcCallbacks};
use image::{ColorType, ImageFormat};

use super::{Fault, Pattern, Rate, dpx, linear};
use crate::picture::pixels::{self, Frame};
use crate::picture::still::{About, Still};
use crate::{Error, Result};

/// A sequence to complete.
#[derive(Clone, Debug)]
pub struct Pictures {
    pattern: Pattern,
    /// Those that are there, in order; there is one at least.
    numbers: Vec<u64>,
    /// How many of them a second has.
    pub rate: Rate,
    shape: Shape,
    /// What the first says beside its pixels.
    pub about: About,
}

/// What all pictures of a sequence have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    size: (u32, u32),
    color: ColorType,
}

impl Pictures {
    /// Those of `pattern`.
    ///
    /// # Errors
    /// [`Error::Input`] if there are none, or the first cannot be read.
    pub fn open(pattern: Pattern, rate: Rate) -> Result<Self> {
        let folder = pattern.folder().to_owned();
        let numbers = pattern.numbers().map_err(|e| Error::input(folder, e))?;
        let none = || Error::input(pattern.path(), "there is no picture of such a name");
        let first = read(&pattern.file(*numbers.first().ok_or_else(none)?))?.still;
        Ok(Self {
            shape: Shape::of(&first),
            about: first.about,
            pattern,
            numbers,
            rate,
        })
    }

    /// Width and height in pixels, as people look at them.
    pub fn size(&self) -> (u32, u32) {
        self.shape.size
    }

    /// The colour type of all.
    pub fn color(&self) -> ColorType {
        self.shape.color
    }

    /// From the beginning of the first to the end of the last.
    pub fn duration(&self) -> gst::ClockTime {
        self.rate.time(self.last() - self.first() + 1)
    }

    /// The number of the first.
    pub fn first(&self) -> u64 {
        self.numbers.first().copied().unwrap_or(0)
    }

    fn last(&self) -> u64 {
        self.numbers.last().copied().unwrap_or(0)
    }

    /// That numbers are missing, if they are.
    pub fn gap(&self) -> Option<String> {
        let missing = self.last() - self.first() + 1 - self.numbers.len() as u64;
        let mut pairs = self.numbers.windows(2);
        let gap = pairs.find(|pair| pair[1] != pair[0] + 1)?;
        Some(format!(
            "{missing} of the pictures {} to {} are not there, {} first: those before them last longer",
            self.pattern.name(self.first()),
            self.pattern.name(self.last()),
            self.pattern.name(gap[0] + 1)
        ))
    }

    /// Lets `source` give all of them; `fault` is told why not.
    pub fn feed(&self, source: &AppSrc, fault: &Fault) {
        let this = Arc::new(self.clone());
        let fault = fault.clone();
        let next = Mutex::new(0);
        let was_cut = AtomicBool::new(false);
        source.set_callbacks(
            AppSrcCallbacks::builder()
                .need_data(move |source, _| {
                    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                    let Some(number) = this.numbers.get(*next) else {
                        // A source that is stopped takes nothing, and nobody misses it.
                        let _ = source.end_of_stream();
                        return;
                    };
                    *next += 1;
                    match this.frame(*number) {
                        Ok((frame, is_cut)) => {
                            if is_cut && !was_cut.swap(true, Ordering::Relaxed) {
                                let name = this.pattern.name(*number);
                                gst::element_warning!(
                                    source,
                                    gst::StreamError::Format,
                                    ["{name} has light beyond black or white, which is cut off"]
                                );
                            }
                            let sample = gst::Sample::builder()
                                .caps(&frame.caps)
                                .buffer(&frame.buffer)
                                .build();
                            let _ = source.push_sample(&sample);
                        }
                        Err(error) => fault.end(source, error),
                    }
                })
                .build(),
        );
    }

    /// The picture `number` as a frame, and whether light was cut off.
    fn frame(&self, number: u64) -> Result<(Frame, bool)> {
        let file = self.pattern.file(number);
        let Picture { still, is_cut } = read(&file)?;
        let shape = Shape::of(&still);
        if shape != self.shape {
            return Err(Error::input(
                file,
                format!(
                    "this picture is {}, but {} is {}: all of a sequence are to be alike",
                    shape.describe(),
                    self.pattern.name(self.first()),
                    self.shape.describe()
                ),
            ));
        }
        let strange = || Error::input(&file, "its samples are of a kind that is not known");
        let mut frame = pixels::to_frame(&still.upright).ok_or_else(strange)?;
        let index = number - self.first();
        let time = self.rate.time(index);
        if let Some(buffer) = frame.buffer.get_mut() {
            buffer.set_pts(time);
            buffer.set_duration(self.rate.time(index + 1) - time);
        }
        let caps = frame.caps.make_mut();
        caps.set("framerate", self.rate.fraction());
        Ok((frame, is_cut))
    }

    /// A picture as a JPEG file of at most `height` pixels: that which is shown at the share `moment`,
    /// 0 to 1, of all.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn glance(&self, moment: f64, height: u32) -> Result<Vec<u8>> {
        let at = (moment.clamp(0.0, 1.0) * self.numbers.len() as f64) as usize;
        let number = self.numbers[at.min(self.numbers.len() - 1)];
        let file = self.pattern.file(number);
        let picture = read(&file)?.still.upright.thumbnail(u32::MAX, height);
        let mut bytes = std::io::Cursor::new(Vec::new());
        let written =
            image::DynamicImage::from(picture.to_rgb8()).write_to(&mut bytes, ImageFormat::Jpeg);
        written.map_err(|e| Error::input(file, e))?;
        Ok(bytes.into_inner())
    }
}

impl Shape {
    fn of(still: &Still) -> Self {
        Self {
            size: (still.upright.width(), still.upright.height()),
            color: still.upright.color(),
        }
    }

    fn describe(self) -> String {
        let (width, height) = self.size;
        let channels = self.color.channel_count();
        let bits = self.color.bits_per_pixel() / u16::from(channels);
        format!("{width}x{height} pixels with {channels} channels of {bits} bits")
    }
}

/// A picture that was read.
struct Picture {
    still: Still,
    /// Whether it has light that was cut off.
    is_cut: bool,
}

/// The picture in `file`: PNG, TIFF, DPX, EXR, whatever its name.
fn read(file: &Path) -> Result<Picture> {
    let refuse = |reason: String| Error::input(file, reason);
    let bytes = fs::read(file).map_err(|e| Error::input(file, format!("cannot be read: {e}")))?;
    if [b"SDPX", b"XPDS"]
        .iter()
        .any(|magic| bytes.starts_with(*magic))
    {
        return Ok(Picture {
            still: Still {
                upright: dpx::decode(&bytes).map_err(refuse)?,
                about: About::default(),
            },
            is_cut: false,
        });
    }
    let Still { upright, about } = Still::parse(&bytes).map_err(refuse)?;
    let (upright, is_cut) = linear::to_screen(upright);
    let still = Still { upright, about };
    Ok(Picture { still, is_cut })
}
