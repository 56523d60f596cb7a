//! Pictures of a person that the user gives, for faces that the stream never shows uncovered.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::look::LookReader;
use super::view::{Origin, View};
use crate::locate::{DisplaySpace, LocateError, LocateOptions, Locator, Region, Track, TrackRules};
use crate::picture::{self, PictureError};
use gst_video::{VideoFormat, VideoFrameRef, VideoInfo, VideoOrientationMethod};
use image::ImageFormat;

/// Separates the names of several files.
const SEPARATOR: char = ':';

/// A picture's longest side in pixels: large enough for every camera, and small enough that a
/// damaged header does not ask for all memory.
const LONGEST_SIDE: u32 = 1 << 14;

/// The height of the smallest face to find, as a share of the picture's shorter side.
const LEAST_FACE: f64 = 0.1;

/// A reference picture cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// The file or folder cannot be read.
    #[error("the reference {} cannot be read: {reason}", file.display())]
    Read {
        /// Its name.
        file: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
    /// A folder has no pictures.
    #[error("the folder {} has no file whose name ends as a picture's does, such as .jpg or .png", .0.display())]
    Empty(PathBuf),
    /// The file is no picture.
    #[error("the reference {} is no picture that can be used: {reason}", file.display())]
    Decode {
        /// Its name.
        file: PathBuf,
        /// What the decoder says.
        reason: image::ImageError,
    },
    /// There is no face to be seen.
    #[error(
        "no face is found in the reference {}: it must show one upright and from the front, at \
         least a tenth of the picture's shorter side high",
        .0.display()
    )]
    Faceless(PathBuf),
    /// Faces cannot be looked for.
    #[error("no face can be looked for in the reference {}: {reason}", file.display())]
    Locate {
        /// Its name.
        file: PathBuf,
        /// Why.
        reason: LocateError,
    },
}

/// A picture with the face in it.
#[derive(Debug)]
pub struct Reference {
    file: PathBuf,
    info: VideoInfo,
    buffer: gst::Buffer,
    track: Track,
}

/// The files that `names` stands for: names separated by `:`, those of folders for all pictures in
/// them.
///
/// # Errors
/// [`ReferenceError::Read`] and [`ReferenceError::Empty`], for folders.
pub fn files(names: &str) -> Result<Vec<PathBuf>, ReferenceError> {
    let mut files = Vec::new();
    let names = names.split(SEPARATOR).filter(|name| !name.is_empty());
    for name in names.map(Path::new) {
        match name.is_dir() {
            true => files.extend(pictures_in(name)?),
            false => files.push(name.to_owned()),
        }
    }
    Ok(files)
}

fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>, ReferenceError> {
    let unreadable = |reason| ReferenceError::Read {
        file: folder.to_owned(),
        reason,
    };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut pictures = paths.map_err(unreadable)?;
    pictures.retain(|path| path.is_file() && ImageFormat::from_path(path).is_ok());
    pictures.sort();
    match pictures.is_empty() {
        true => Err(ReferenceError::Empty(folder.to_owned())),
        false => Ok(pictures),
    }
}

impl Reference {
    /// Reads the picture `file` and finds the largest face in it with `locator`.
    ///
    /// # Errors
    /// [`ReferenceError`], all but `Empty`.
    pub fn open(file: &Path, locator: &mut Locator) -> Result<Self, ReferenceError> {
        let (info, buffer) = read(file)?;
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info);
        let faceless = || ReferenceError::Faceless(file.to_owned());
        let frame = frame.map_err(|_| faceless())?;
        let options = LocateOptions {
            min_face_size: LEAST_FACE,
            detection_interval: 1,
            waits: true,
            rules: TrackRules {
                hold: Duration::ZERO,
                smoothing: 0.0,
            },
        };
        // It is upright by now, and its pixels are square.
        let display = DisplaySpace::of(&info, VideoOrientationMethod::Identity);
        locator.forget();
        let tracks = locator.locate(&frame, &display, Duration::ZERO, &options);
        let tracks = tracks.map_err(|reason| ReferenceError::Locate {
            file: file.to_owned(),
            reason,
        })?;
        let seen = tracks.iter().filter(|track| !track.is_lost());
        let track = seen
            .max_by(|a, b| a.bounds.area().total_cmp(&b.bounds.area()))
            .ok_or_else(faceless)?
            .clone();
        drop(frame);
        Ok(Self {
            file: file.to_owned(),
            info,
            buffer,
            track,
        })
    }

    /// Its name.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The view of its face for crops of `crop` = (width, height).
    ///
    /// Nothing where the face's points determine no alignment.
    pub fn view(&self, crop: (usize, usize)) -> Option<View> {
        let region = Region::of_track(&self.track, crop).ok()?;
        let frame = VideoFrameRef::from_buffer_ref_readable(&self.buffer, &self.info).ok()?;
        let mut reader = LookReader::default();
        let look = reader.read(&frame, &region, crop, None);
        Some(View::new(&look, Origin::Reference, Duration::ZERO))
    }
}

/// The picture `file` as an RGB frame.
fn read(file: &Path) -> Result<(VideoInfo, gst::Buffer), ReferenceError> {
    let unreadable = |reason| ReferenceError::Read {
        file: file.to_owned(),
        reason,
    };
    let undecodable = |reason| ReferenceError::Decode {
        file: file.to_owned(),
        reason,
    };
    let picture = picture::read(file, LONGEST_SIDE).map_err(|error| match error {
        PictureError::Read(reason) => unreadable(reason),
        PictureError::Decode(reason) => undecodable(reason),
    })?;
    let picture = picture.into_rgb8();
    let (width, height) = picture.dimensions();
    let info = VideoInfo::builder(VideoFormat::Rgb, width, height).build();
    let info = info.map_err(|_| ReferenceError::Faceless(file.to_owned()))?;
    let mut bytes = vec![0; info.size()];
    let rows = bytes.chunks_mut(info.stride()[0] as usize);
    for (row, pixels) in rows.zip(picture.as_raw().chunks(3 * width as usize)) {
        row[..pixels.len()].copy_from_slice(pixels);
    }
    Ok((info, gst::Buffer::from_mut_slice(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_files_and_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for name in ["b.png", "a.jpg", "notes.txt"] {
            std::fs::write(path(name), b"").expect("a file");
        }
        std::fs::create_dir(path("none")).expect("a folder");
        let name = |path: PathBuf| path.display().to_string();
        let found = files(&format!("{}:one.png:", name(folder.path().into())));
        assert_eq!(
            found.expect("files"),
            [path("a.jpg"), path("b.png"), "one.png".into()]
        );
        let empty = files(&name(path("none"))).expect_err("no pictures");
        assert!(matches!(empty, ReferenceError::Empty(_)), "{empty}");
        assert!(files("").expect("none").is_empty());
    }

    #[test]
    fn what_is_no_picture_is_told_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("face.png");
        let absent = read(&file).expect_err("no file").to_string();
        assert!(absent.contains("face.png cannot be read"), "{absent}");
        std::fs::write(&file, b"no picture").expect("a file");
        let broken = read(&file).expect_err("no picture").to_string();
        assert!(broken.contains("face.png is no picture"), "{broken}");
    }

    #[test]
    fn rows_keep_their_places() {
        gst::init().expect("GStreamer");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("face.png");
        // Rows of 9 bytes become such of 12.
        let picture = image::RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7]));
        picture.save(&file).expect("a picture");
        let (info, buffer) = read(&file).expect("a picture");
        assert_eq!((info.width(), info.height(), info.stride()[0]), (3, 2, 12));
        let bytes = buffer.map_readable().expect("memory");
        assert_eq!(bytes[12..21], [0, 1, 7, 1, 1, 7, 2, 1, 7]);
    }
}
