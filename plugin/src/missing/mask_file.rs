//! Reading mask pictures.

use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat};

use super::raster::{Damage, Raster};
use crate::picture::{self, PictureError};

/// A picture's longest side in pixels: far beyond any frame, and small enough that a damaged
/// header does not ask for all memory.
const LONGEST_SIDE: u32 = 1 << 15;

/// From half of full white on a pixel counts as white.
const WHITE: u32 = 255 * 255 / 2 + 1;

/// A mask picture cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MaskFileError {
    /// The file cannot be read.
    #[error("the mask file {} cannot be read: {reason}", file.display())]
    Read {
        /// Its name.
        file: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// The file is no picture.
    #[error(
        "the mask file {} is no picture that can be used: {reason}. Accepted are {}",
        file.display(),
        formats()
    )]
    Decode {
        /// Its name.
        file: PathBuf,
        /// What the decoder says.
        reason: image::ImageError,
    },
}

/// Reads the mask picture `file`, as [`decode`] does.
///
/// # Errors
/// [`MaskFileError`], naming the file.
pub fn read(file: &Path) -> Result<Raster, MaskFileError> {
    let picture = picture::read(file, LONGEST_SIDE).map_err(|error| {
        let file = file.to_owned();
        match error {
            PictureError::Read(reason) => MaskFileError::Read { file, reason },
            PictureError::Decode(reason) => MaskFileError::Decode { file, reason },
        }
    })?;
    Ok(to_raster(&picture))
}

/// The mask in the bytes of a picture file: lost where the picture is white. A pixel counts as
/// white where its brightness times its opacity is at least half, so white strokes on a
/// transparent ground are a mask, and what is transparent is none.
///
/// # Errors
/// The decoder's words where the bytes are no picture of the formats that the plug-in reads, or not
/// all of one.
pub fn decode(bytes: &[u8], hint: Option<ImageFormat>) -> image::ImageResult<Raster> {
    picture::decode(bytes, hint, LONGEST_SIDE).map(|picture| to_raster(&picture))
}

fn to_raster(picture: &DynamicImage) -> Raster {
    let picture = picture.to_luma_alpha8();
    let (width, height) = picture.dimensions();
    Raster::from_fn(width as usize, height as usize, |x, y| {
        let [brightness, opacity] = picture.get_pixel(x as u32, y as u32).0.map(u32::from);
        match brightness * opacity >= WHITE {
            true => Damage::Lost,
            false => Damage::None,
        }
    })
}

/// The picture formats that can be read, for messages.
fn formats() -> String {
    let names: Vec<&str> = ImageFormat::all()
        .filter(|format| format.reading_enabled())
        .filter_map(|format| format.extensions_str().first().copied())
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    use image::{GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage};

    /// The damage of a one-row picture, from its file in `format`.
    fn row(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<bool> {
        let mut bytes = Cursor::new(Vec::new());
        let picture = picture.into();
        picture.write_to(&mut bytes, format).expect("a file");
        let raster = decode(&bytes.into_inner(), Some(format)).expect("a mask");
        let area = mde_core::occlusion::Rect::new(0, 0, raster.size().0, 1);
        let row = raster.row(area, 0).iter();
        row.map(|&damage| damage != Damage::None).collect()
    }

    #[test]
    fn white_is_to_be_completed() {
        let grey = GrayImage::from_fn(4, 1, |x, _| Luma([[0, 127, 128, 255][x as usize]]));
        for format in [
            ImageFormat::Png,
            ImageFormat::Bmp,
            ImageFormat::Tiff,
            ImageFormat::Pnm,
            ImageFormat::Tga,
            ImageFormat::Gif,
            ImageFormat::WebP,
            ImageFormat::Qoi,
        ] {
            let picture = DynamicImage::from(grey.clone());
            let picture = match format {
                ImageFormat::Gif | ImageFormat::Qoi => picture.into_rgba8().into(),
                _ => picture,
            };
            assert_eq!(
                row(picture, format),
                [false, false, true, true],
                "{format:?}"
            );
        }
    }

    #[test]
    fn colours_count_by_their_brightness() {
        let colours = [[255, 255, 255], [255, 255, 0], [0, 0, 255], [0, 0, 0]];
        let picture = RgbImage::from_fn(4, 1, |x, _| Rgb(colours[x as usize]));
        assert_eq!(row(picture, ImageFormat::Png), [true, true, false, false]);
    }

    #[test]
    fn what_is_transparent_is_no_mask() {
        let pixels = [[255, 255], [255, 127], [255, 0], [0, 255]];
        let wanted = [true, false, false, false];
        let grey = ImageBuffer::from_fn(4, 1, |x, _| LumaA(pixels[x as usize]));
        assert_eq!(row(grey, ImageFormat::Png), wanted);
        let colour = RgbaImage::from_fn(4, 1, |x, _| {
            let [v, alpha] = pixels[x as usize];
            Rgba([v, v, v, alpha])
        });
        assert_eq!(row(colour, ImageFormat::Png), wanted);
    }

    #[test]
    fn sixteen_bits_are_read() {
        let values = [0, 0x7eff, 0x8100, 0xffff];
        let grey = ImageBuffer::from_fn(4, 1, |x, _| Luma([values[x as usize]]));
        let wanted = [false, false, true, true];
        assert_eq!(
            row(DynamicImage::ImageLuma16(grey), ImageFormat::Png),
            wanted
        );
    }

    #[test]
    fn what_is_no_picture_is_refused_with_the_formats() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mask.png");
        let refused = |file: &Path| read(file).expect_err("no mask").to_string();
        assert!(
            refused(&file).contains("cannot be read"),
            "{}",
            refused(&file)
        );
        std::fs::write(&file, b"not a picture").expect("a file");
        let error = refused(&file);
        for part in ["mask.png", "png, bmp", "tiff"] {
            assert!(error.contains(part), "{error}");
        }
    }

    /// A picture whose first quarter alone is white, in each format that keeps grey values exactly.
    fn files() -> Vec<(ImageFormat, Vec<u8>)> {
        let noise = |x: u32, y: u32| ((x * 31 + y * 17) % 7) as u8;
        let grey = GrayImage::from_fn(64, 32, |x, y| match x < 16 {
            true => Luma([255 - noise(x, y)]),
            false => Luma([noise(x, y)]),
        });
        let formats = [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::Bmp,
            ImageFormat::Tiff,
            ImageFormat::Pnm,
            ImageFormat::Tga,
            ImageFormat::Gif,
            ImageFormat::WebP,
            ImageFormat::Qoi,
        ];
        let write = |format: ImageFormat| {
            let picture = DynamicImage::from(grey.clone());
            let picture = match format {
                ImageFormat::Gif | ImageFormat::Qoi => picture.into_rgba8().into(),
                _ => picture,
            };
            let mut bytes = Cursor::new(Vec::new());
            picture.write_to(&mut bytes, format).expect("a file");
            (format, bytes.into_inner())
        };
        formats.into_iter().map(write).collect()
    }

    #[test]
    fn a_file_that_ends_early_is_refused_in_every_format() {
        for (format, bytes) in files() {
            assert!(decode(&bytes, Some(format)).is_ok(), "{format:?}");
            for share in [2, 3, 4] {
                let end = bytes.len() * share / 5;
                let found = decode(&bytes[..end], Some(format));
                assert!(found.is_err(), "{format:?}: {end} of {}", bytes.len());
            }
        }
    }

    /// An EXIF block that says `orientation`.
    fn exif(orientation: u8) -> Vec<u8> {
        let mut block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        block.extend([orientation, 0, 0, 0, 0, 0, 0]);
        block
    }

    #[test]
    fn orientation_is_followed() {
        use image::ImageEncoder;
        use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
        // White in the left quarter.
        let grey = GrayImage::from_fn(64, 32, |x, _| Luma([255 * u8::from(x < 16)]));
        let colour = DynamicImage::from(grey.clone()).into_rgb8();
        // Turned by 180 degrees it lies on the right, by 90 clockwise at the top.
        for (orientation, size, white) in [
            (1, (64, 32), [0, 0, 16, 32]),
            (3, (64, 32), [48, 0, 64, 32]),
            (6, (32, 64), [0, 0, 32, 16]),
            (8, (32, 64), [0, 48, 32, 64]),
        ] {
            let mut files = [Vec::new(), Vec::new(), Vec::new()];
            let [jpeg, png, webp] = &mut files;
            let mut encoder = JpegEncoder::new_with_quality(jpeg, 100);
            encoder.set_exif_metadata(exif(orientation)).expect("EXIF");
            encoder.encode_image(&grey).expect("a file");
            let mut encoder = PngEncoder::new(png);
            encoder.set_exif_metadata(exif(orientation)).expect("EXIF");
            encoder
                .write_image(&grey, 64, 32, image::ExtendedColorType::L8)
                .expect("a file");
            let mut encoder = WebPEncoder::new_lossless(webp);
            encoder.set_exif_metadata(exif(orientation)).expect("EXIF");
            encoder
                .write_image(&colour, 64, 32, image::ExtendedColorType::Rgb8)
                .expect("a file");
            for (file, name) in files.iter().zip(["JPEG", "PNG", "WebP"]) {
                let raster = decode(file, None).expect("a mask");
                assert_eq!(raster.size(), size, "{name}, {orientation}");
                let all = mde_core::occlusion::Rect::new(0, 0, size.0, size.1);
                let [x0, y0, x1, y1] = white;
                let wanted = Some(mde_core::occlusion::Rect::new(x0, y0, x1, y1));
                assert_eq!(raster.bounds_in(all), wanted, "{name}, {orientation}");
            }
        }
    }

    #[test]
    fn a_header_that_promises_too_much_is_refused() {
        // A PNM of 100,000 by 100,000 pixels, none of them there.
        assert!(decode(b"P5\n100000 100000\n255\n", None).is_err());
    }
}
