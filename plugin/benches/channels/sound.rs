//! Frames in which no channel is damaged.

use std::path::Path;

use anyhow::Result;
use gst_video::VideoFormat;
use gstmdecomplete::damage::Watch;

use crate::clips::{self, Image};
use crate::measure::Verdict;
use crate::see;

/// Names of lights, and the share of red, green and blue that they have.
const LIGHTS: [(&str, [f32; 3]); 5] = [
    ("as it is", [1.0; 3]),
    ("red light", [1.0, 0.06, 0.03]),
    ("magenta light", [1.0, 0.04, 0.9]),
    ("amber light", [1.0, 0.6, 0.05]),
    ("night", [0.12, 0.1, 0.06]),
];

/// The formats in turn.
const FORMATS: [VideoFormat; 2] = [VideoFormat::Rgb, VideoFormat::I420];

/// How many frames were shown in each light, and how many of them were called damaged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    clips: [[usize; 2]; LIGHTS.len()],
    pictures: [[usize; 2]; LIGHTS.len()],
}

impl Count {
    /// Shows the frames of a clip, in each format as it is, in each light in RGB.
    pub fn add_clip(&mut self, frames: &[Image]) -> Result<()> {
        for (light, count) in LIGHTS.iter().zip(&mut self.clips) {
            for format in FORMATS {
                if light.1 != [1.0; 3] && format != VideoFormat::Rgb {
                    continue;
                }
                let mut watch = Watch::default();
                for frame in frames {
                    let damage = see(&mut watch, &lit(frame, light.1), format)?;
                    count[0] += 1;
                    count[1] += usize::from(!damage.is_none());
                }
            }
        }
        Ok(())
    }

    /// Shows every `every`-th picture in `folder`, at any depth, each by itself.
    pub fn add_pictures(&mut self, folder: &Path, every: usize) -> Result<()> {
        let files = clips::pictures(folder)?;
        let shown = files.iter().step_by(every.max(1)).enumerate();
        for (number, file) in shown {
            // A few of them are no pictures whatever their name is.
            let Ok(picture) = image::open(file) else {
                println!("{}: no picture", file.display());
                continue;
            };
            let picture = picture.to_rgb8();
            let image = Image {
                width: picture.width() as usize,
                height: picture.height() as usize,
                pixels: picture.into_raw(),
            };
            for (light, count) in LIGHTS.iter().zip(&mut self.pictures) {
                let image = lit(&image, light.1);
                let damage = see(&mut Watch::default(), &image, FORMATS[number % 2])?;
                count[0] += 1;
                count[1] += usize::from(!damage.is_none());
                if !damage.is_none() {
                    println!("{}, {}: {damage:?}", file.display(), light.0);
                }
            }
        }
        Ok(())
    }

    /// Prints the counts and judges them.
    pub fn judge(&self, verdict: &mut Verdict) {
        println!("| sound frames | clips | called damaged | pictures | called damaged |");
        println!("| --- | --- | --- | --- | --- |");
        for ((light, clips), pictures) in LIGHTS.iter().zip(&self.clips).zip(&self.pictures) {
            let ([clips, bad_clips], [pictures, bad]) = (clips, pictures);
            println!(
                "| {} | {clips} | {bad_clips} | {pictures} | {bad} |",
                light.0
            );
        }
        let all = self.clips.iter().chain(&self.pictures);
        let [shown, called] = all.fold([0, 0], |sum, count| [sum[0] + count[0], sum[1] + count[1]]);
        println!("{called} of {shown}");
        let share = 100.0 * called as f64 / shown.max(1) as f64;
        verdict.at_most("% of sound frames called damaged", share, 0.1);
    }
}

fn lit(image: &Image, light: [f32; 3]) -> Image {
    let mut image = image.clone();
    for pixel in image.pixels.chunks_exact_mut(3) {
        for (value, share) in pixel.iter_mut().zip(light) {
            *value = (f32::from(*value) * share).round() as u8;
        }
    }
    image
}
