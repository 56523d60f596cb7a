//! Picture files, as the user sees them.

mod jpeg;

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::file;

/// A file is no picture that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It cannot be read.
    #[error(transparent)]
    Read(std::io::Error),
    /// It is no picture, or not all of one.
    #[error(transparent)]
    Decode(ImageError),
}

/// Reads the picture `file`, as [`decode`] does.
///
/// # Errors
/// [`PictureError`].
pub fn read(file: &Path, longest_side: u32) -> Result<DynamicImage, PictureError> {
    let bytes = file::read(file).map_err(PictureError::Read)?;
    let hint = ImageFormat::from_path(file).ok();
    decode(&bytes, hint, longest_side).map_err(PictureError::Decode)
}

/// The picture in the bytes of a file, turned as it says (EXIF, or a TIFF's own tag), since so
/// everybody sees it. The bytes tell the picture format; `hint` counts where they do not, as with
/// TGA.
///
/// # Errors
/// The decoder's words where the bytes are no picture of the formats that the plug-in reads, or not
/// all of one, or a side has more than `longest_side` pixels.
pub fn decode(
    bytes: &[u8],
    hint: Option<ImageFormat>,
    longest_side: u32,
) -> image::ImageResult<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes));
    if let Some(format) = hint {
        reader.set_format(format);
    }
    let mut reader = reader.with_guessed_format()?;
    if reader.format() == Some(ImageFormat::Jpeg) {
        jpeg::check_end(bytes)?;
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(longest_side);
    limits.max_image_height = Some(longest_side);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    limits.reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}
