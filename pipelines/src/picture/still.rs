//! Files of still pictures.

use std::fs;
use std::io::{BufReader, Cursor};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{PngDecoder, PngEncoder};
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::{WebPDecoder, WebPEncoder};
use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, GenericImageView, ImageDecoder, ImageEncoder, ImageFormat, ImageReader,
};

use crate::{Error, Result};

/// Of 100. Quantisation is hardly seen, and does not grow from copy to copy.
const JPEG_QUALITY: u8 = 95;

/// A kind of file that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Without loss.
    Png,
    /// With 8 bits, with loss, without transparency.
    Jpeg,
    /// With 8 bits, without loss.
    WebP,
    /// Without loss.
    Tiff,
}

impl Format {
    /// As the ending of `output` says.
    ///
    /// # Errors
    /// [`Error::Output`] for any other ending.
    pub fn of(output: &Path) -> Result<Self> {
        match ImageFormat::from_path(output) {
            Ok(ImageFormat::Png) => Ok(Self::Png),
            Ok(ImageFormat::Jpeg) => Ok(Self::Jpeg),
            Ok(ImageFormat::WebP) => Ok(Self::WebP),
            Ok(ImageFormat::Tiff) => Ok(Self::Tiff),
            _ => Err(Error::output(
                output,
                "the name is to end in .png, .jpg, .webp or .tif, which says what is written",
            )),
        }
    }
}

/// A picture and what its file says of it.
#[derive(Debug)]
pub struct Still {
    /// As people look at it.
    pub upright: DynamicImage,
    /// What the file says beside the pixels.
    pub about: About,
}

/// What the file of a picture says of it.
#[derive(Clone, Debug)]
pub struct About {
    /// What brought the stored picture upright.
    turned: Orientation,
    exif: Option<Vec<u8>>,
    colour_profile: Option<Vec<u8>>,
}

impl Default for About {
    /// Nothing.
    fn default() -> Self {
        Self {
            turned: Orientation::NoTransforms,
            exif: None,
            colour_profile: None,
        }
    }
}

impl Still {
    /// Of the file `input`, whatever its name.
    ///
    /// # Errors
    /// [`Error::Input`] if it is no picture, is damaged, or has several.
    pub fn read(input: &Path) -> Result<Self> {
        let bytes = fs::read(input).map_err(|e| Error::input(input, e))?;
        Self::parse(&bytes).map_err(|reason| Error::input(input, reason))
    }

    /// Of the content of a file.
    ///
    /// # Errors
    /// In words, as [`Still::read`].
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        let told = |e: image::ImageError| e.to_string();
        let reader = ImageReader::new(Cursor::new(bytes));
        let reader = reader.with_guessed_format().map_err(|e| e.to_string())?;
        let format = reader
            .format()
            .ok_or("this is no picture that can be read: PNG, JPEG, WebP and TIFF are")?;
        want_one_picture(bytes, format)?;
        let mut decoder = reader.into_decoder().map_err(told)?;
        let exif = decoder.exif_metadata().map_err(told)?;
        let colour_profile = decoder.icc_profile().map_err(told)?;
        let turned = match format {
            ImageFormat::Tiff => orientation_of_tiff(bytes),
            _ => decoder.orientation().map_err(told)?,
        };
        let mut upright = DynamicImage::from_decoder(decoder).map_err(told)?;
        upright.apply_orientation(turned);
        Ok(Self {
            upright,
            about: About {
                turned,
                exif,
                colour_profile,
            },
        })
    }
}

impl About {
    /// Writes `completed`, upright as [`Still::upright`] is, to the file `path` which will be
    /// `output`, with what this says of it. Gives what the user is to know.
    ///
    /// # Errors
    /// [`Error::Output`] if it cannot be written, or the format cannot hold it.
    pub fn write(
        &self,
        completed: DynamicImage,
        format: Format,
        path: &Path,
        output: &Path,
    ) -> Result<Vec<String>> {
        if format == Format::Jpeg && has_transparency(&completed) {
            let reason = "JPEG holds no transparency, and the picture still has some: name a file \
                          that ends in .png, .webp or .tif";
            return Err(Error::output(output, reason));
        }
        let failed = |e: &dyn std::fmt::Display| Error::output(output, e);
        let fitted = fitted(&completed, format);
        let mut notes = Vec::new();
        if bits(&fitted) < bits(&completed) {
            notes.push("written with 8 bits a channel: the format has no more".to_owned());
        }
        let bytes = self.encode(fitted, format).map_err(|e| failed(&e))?;
        fs::write(path, bytes).map_err(|e| Error::writing(output, e))?;
        Ok(notes)
    }

    /// The content of a file with `upright`, whose colour type is one that `format` has.
    ///
    /// # Errors
    /// The encoder's words.
    pub fn encode(&self, upright: DynamicImage, format: Format) -> image::ImageResult<Vec<u8>> {
        let mut bytes = Cursor::new(Vec::new());
        match format {
            Format::Png => self.encode_by(upright, PngEncoder::new(&mut bytes)),
            Format::Jpeg => {
                let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
                self.encode_by(upright, encoder)
            }
            Format::WebP => self.encode_by(upright, WebPEncoder::new_lossless(&mut bytes)),
            Format::Tiff => self.encode_by(upright, TiffEncoder::new(&mut bytes)),
        }?;
        Ok(bytes.into_inner())
    }

    fn encode_by(
        &self,
        upright: DynamicImage,
        mut encoder: impl ImageEncoder,
    ) -> image::ImageResult<()> {
        // A format without profiles is looked at as sRGB.
        if let Some(profile) = &self.colour_profile {
            let _ = encoder.set_icc_profile(profile.clone());
        }
        let mut stored = upright;
        // What says how the stored picture is turned goes with it; without that it is stored upright.
        if let Some(exif) = &self.exif
            && encoder.set_exif_metadata(exif.clone()).is_ok()
        {
            stored.apply_orientation(back(self.turned));
        }
        stored.write_with_encoder(encoder)
    }
}

/// What undoes `turned`.
fn back(turned: Orientation) -> Orientation {
    match turned {
        Orientation::Rotate90 => Orientation::Rotate270,
        Orientation::Rotate270 => Orientation::Rotate90,
        // Half a turn and all reflections.
        other => other,
    }
}

/// `picture` in a colour type that `format` has.
fn fitted(picture: &DynamicImage, format: Format) -> DynamicImage {
    let is_gray = !picture.color().has_color();
    match (format, picture.color()) {
        (Format::Jpeg, _) if is_gray => picture.to_luma8().into(),
        (Format::Jpeg, _) => picture.to_rgb8().into(),
        (Format::WebP, ColorType::L16) => picture.to_luma8().into(),
        (Format::WebP, ColorType::La16) => picture.to_luma_alpha8().into(),
        (Format::WebP, ColorType::Rgb16) => picture.to_rgb8().into(),
        (Format::WebP, ColorType::Rgba16) => picture.to_rgba8().into(),
        (Format::Tiff, ColorType::La8) => picture.to_rgba8().into(),
        (Format::Tiff, ColorType::La16) => picture.to_rgba16().into(),
        _ => picture.clone(),
    }
}

/// Bits a channel.
fn bits(picture: &DynamicImage) -> u16 {
    let color = picture.color();
    color.bits_per_pixel() / u16::from(color.channel_count())
}

fn has_transparency(picture: &DynamicImage) -> bool {
    picture.color().has_alpha() && picture.pixels().any(|(_, _, pixel)| pixel.0[3] < 255)
}

/// Fails for files with more than one picture, of which the others would be lost, and for those that
/// end too early although their decoder does not mind.
fn want_one_picture(bytes: &[u8], format: ImageFormat) -> std::result::Result<(), String> {
    let is_moving = match format {
        ImageFormat::Png => PngDecoder::new(Cursor::new(bytes))
            .and_then(|decoder| decoder.is_apng())
            .unwrap_or(false),
        ImageFormat::WebP => {
            WebPDecoder::new(Cursor::new(bytes)).is_ok_and(|decoder| decoder.has_animation())
        }
        _ => false,
    };
    if is_moving {
        return Err("this is an animation: make a video of it, for 'mdecomplete file'".to_owned());
    }
    if format == ImageFormat::Tiff && has_more_pages(bytes) {
        return Err("it has several pages: split it into files of one".to_owned());
    }
    if format == ImageFormat::Jpeg && !is_whole_jpeg(bytes) {
        return Err("this JPEG is truncated: its end is missing".to_owned());
    }
    Ok(())
}

/// Whether the last scan has an end: an end of image behind the last start of a scan.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    last([0xff, 0xd9]) > last([0xff, 0xda])
}

fn has_more_pages(bytes: &[u8]) -> bool {
    tiff::decoder::Decoder::new(BufReader::new(Cursor::new(bytes)))
        .is_ok_and(|decoder| decoder.more_images())
}

fn orientation_of_tiff(bytes: &[u8]) -> Orientation {
    tiff::decoder::Decoder::new(BufReader::new(Cursor::new(bytes)))
        .and_then(|mut decoder| decoder.find_tag_unsigned::<u8>(tiff::tags::Tag::Orientation))
        .ok()
        .flatten()
        .and_then(Orientation::from_exif)
        .unwrap_or(Orientation::NoTransforms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corner() -> DynamicImage {
        let picture = image::RgbImage::from_fn(6, 4, |x, y| {
            image::Rgb([(40 * x) as u8, (60 * y) as u8, 200])
        });
        picture.into()
    }

    /// Written in `format`, and read again.
    fn again(still: Still, picture: DynamicImage, format: Format) -> Still {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path();
        let written = still.about.write(picture, format, path, path);
        written.expect("written");
        Still::read(path).expect("read")
    }

    #[test]
    fn all_orientations_are_kept() {
        for exif in 1..=8 {
            let turned = Orientation::from_exif(exif).expect("1 to 8");
            let mut there_and_back = corner();
            there_and_back.apply_orientation(turned);
            there_and_back.apply_orientation(back(turned));
            assert_eq!(there_and_back, corner(), "{turned:?}");

            // Little-endian, one entry: the orientation, one 16-bit number.
            let block = [
                b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(),
                &[exif, 0, 0, 0, 0, 0, 0, 0],
            ]
            .concat();
            for format in [Format::Png, Format::WebP, Format::Jpeg, Format::Tiff] {
                let still = Still {
                    upright: corner(),
                    about: About {
                        turned,
                        exif: Some(block.clone()),
                        colour_profile: None,
                    },
                };
                let read = again(still, corner(), format);
                let size = (read.upright.width(), read.upright.height());
                assert_eq!(size, (6, 4), "{format:?} {turned:?}");
                if format != Format::Jpeg {
                    assert_eq!(read.upright, corner(), "{format:?} {turned:?}");
                }
                if format != Format::Tiff {
                    assert_eq!(read.about.turned, turned, "{format:?}");
                    assert_eq!(read.about.exif.as_deref(), Some(block.as_slice()));
                }
            }
        }
    }

    #[test]
    fn truncated_pictures_are_refused() {
        let mut jpeg = Vec::new();
        let encoder = JpegEncoder::new(&mut jpeg);
        corner().write_with_encoder(encoder).expect("encoded");
        assert!(Still::parse(&jpeg).is_ok());
        let error = Still::parse(&jpeg[..jpeg.len() - 2]).map(|_| ());
        assert!(error.is_err_and(|e| e.contains("truncated")));
    }
}
