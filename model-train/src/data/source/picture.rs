//! A picture that has been found, and what is in it.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;

use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, RgbImage};

/// A picture and where it is.
#[derive(Debug)]
pub struct Picture {
    /// Path below the folder, or in the tar.
    pub name: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A picture file, or `bytes` from `offset` on of a larger file.
    File {
        file: PathBuf,
        offset: u64,
        bytes: u64,
    },
    /// An encoded picture in memory.
    Encoded(Vec<u8>),
    /// A decoded one.
    Grey(GrayImage),
}

/// A picture cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Its file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes are not a picture.
    #[error(transparent)]
    Decode(#[from] image::ImageError),
}

impl Picture {
    /// The encoded picture of `bytes` bytes from `offset` on in `file`.
    pub fn in_file(name: String, file: PathBuf, offset: u64, bytes: u64) -> Self {
        let place = Place::File {
            file,
            offset,
            bytes,
        };
        Self { name, place }
    }

    /// An encoded picture in memory.
    pub fn encoded(name: String, bytes: Vec<u8>) -> Self {
        let place = Place::Encoded(bytes);
        Self { name, place }
    }

    /// A grey picture in memory.
    pub fn grey(name: String, picture: GrayImage) -> Self {
        let place = Place::Grey(picture);
        Self { name, place }
    }

    /// The upright picture in colour.
    ///
    /// # Errors
    /// Where it cannot be read or decoded.
    pub fn rgb(&self) -> Result<RgbImage, PictureError> {
        match &self.place {
            Place::File {
                file,
                offset,
                bytes,
            } => {
                let mut file = File::open(file)?;
                file.seek(SeekFrom::Start(*offset))?;
                let mut encoded = Vec::new();
                file.take(*bytes).read_to_end(&mut encoded)?;
                if (encoded.len() as u64) < *bytes {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                decode(&encoded)
            }
            Place::Encoded(bytes) => decode(bytes),
            Place::Grey(picture) => Ok(DynamicImage::from(picture.clone()).into_rgb8()),
        }
    }
}

fn decode(encoded: &[u8]) -> Result<RgbImage, PictureError> {
    let mut decoder = ImageReader::new(Cursor::new(encoded))
        .with_guessed_format()?
        .into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}
