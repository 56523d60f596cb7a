//! Cuts the faces out of videos and pictures, for `mde-train views` and `mde-train refine`: each face
//! that is followed gets a folder of PNG pictures in the order of the frames, laid on the five-point
//! template with more around it than the generator's crop has.
//!
//! `cargo run --release --package gst-plugin-mdecomplete --example face-crops -- [--side N] OUT FILE...`

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use gst::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo, VideoOrientationMethod};
use gstmdecomplete::frame::{Channels, Crop, Reader};
use gstmdecomplete::locate::{
    Clock, DisplaySpace, LocateOptions, Locator, Region, Track, TrackRules, eye_distance,
};
use image::RgbImage;
use mde_core::CROP_SIZE;
use mde_core::alignment::Affine;

/// What share of the side of a picture is that of the generator's crop, in the middle.
const CROP: f64 = 134.0 / 144.0;
/// Faces with eyes nearer than this share of a picture's side are left out: enlarged they would teach
/// blur.
const LEAST_EYES: f64 = 0.18;
/// Faces seen in fewer frames are left out, but where a file has no more.
const LEAST_FRAMES: usize = 24;

/// Cuts the faces out of videos and pictures.
#[derive(Parser)]
struct Arguments {
    /// Side of the pictures in pixels.
    #[arg(long, default_value_t = 144)]
    side: u32,
    /// Folder to write to.
    out: PathBuf,
    /// Videos and pictures.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// How faces are followed: as the element does by default, but waiting for the detector and without
/// smoothing.
const OPTIONS: LocateOptions = LocateOptions {
    min_face_size: 0.12,
    detection_interval: 15,
    waits: true,
    rules: TrackRules {
        hold: std::time::Duration::from_millis(400),
        smoothing: 0.0,
    },
};

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    gst::init()?;
    let mut locator = Locator::open()?;
    for file in &arguments.files {
        // One broken file does not stop the others.
        match cut(file, &arguments.out, arguments.side, &mut locator) {
            Ok(counts) => println!("{}: {counts:?} pictures", file.display()),
            Err(error) => eprintln!("warning: {}: {error:#}", file.display()),
        }
        locator.forget();
    }
    Ok(())
}

/// Writes the faces of `file` to `OUT/NAME-FACE/FRAME.png`, `side` pixels each way; how many pictures each
/// face has.
fn cut(file: &Path, out: &Path, side: u32, locator: &mut Locator) -> Result<Vec<usize>> {
    let name = file.file_stem().context("a file")?.to_string_lossy();
    let pipeline = gst::parse::launch(
        "filesrc name=file ! decodebin ! videoconvert ! video/x-raw,format=RGB \
         ! appsink name=sink sync=false max-buffers=4",
    )?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .ok()
        .context("a pipeline")?;
    let source = pipeline.by_name("file").context("a source")?;
    source.set_property("location", file);
    let sink = pipeline.by_name("sink").context("a sink")?;
    let sink = sink
        .downcast::<gst_app::AppSink>()
        .ok()
        .context("an appsink")?;
    pipeline.set_state(gst::State::Playing)?;
    let mut clock = Clock::default();
    let mut faces: HashMap<i32, Vec<(usize, RgbImage)>> = HashMap::new();
    let mut frames = 0;
    while let Ok(sample) = sink.pull_sample() {
        let info = VideoInfo::from_caps(sample.caps().context("caps")?)?;
        let buffer = sample.buffer().context("a buffer")?;
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info)?;
        let display = DisplaySpace::of(&info, VideoOrientationMethod::Identity);
        let now = clock.tick(&frame);
        for track in locator.locate(&frame, &display, now, &OPTIONS)? {
            if eye_distance(&track.points) >= LEAST_EYES * f64::from(side) {
                let picture = picture(&frame, &display, track, side)?;
                faces.entry(track.id).or_default().push((frames, picture));
            }
        }
        frames += 1;
    }
    pipeline.set_state(gst::State::Null)?;
    ensure!(frames > 0, "it cannot be decoded");
    faces.retain(|_, pictures| pictures.len() >= LEAST_FRAMES.min(frames));
    for (id, pictures) in &faces {
        let folder = out.join(format!("{name}-{id}"));
        fs::create_dir_all(&folder)?;
        for (frame, picture) in pictures {
            picture.save(folder.join(format!("{frame:06}.png")))?;
        }
    }
    Ok(faces.values().map(Vec::len).collect())
}

/// The face that `track` follows, on the template, `wide` pixels each way.
fn picture<T>(
    frame: &VideoFrameRef<T>,
    display: &DisplaySpace,
    track: &Track,
    wide: u32,
) -> Result<RgbImage> {
    let side = wide as usize;
    let region = Region::of_track(track, (CROP_SIZE, CROP_SIZE))?.in_frame(display);
    // The picture's middle is the crop's.
    let scale = CROP_SIZE as f64 / (CROP * side as f64);
    let offset = (CROP_SIZE as f64 - 1.0) / 2.0 - scale * (side as f64 - 1.0) / 2.0;
    let to_crop = Affine {
        linear: [[scale, 0.0], [0.0, scale]],
        translation: [offset, offset],
    };
    let to_frame = to_crop.then(&region.to_frame);
    let (mut rgb, mut inside) = (vec![0.0; 3 * side * side], vec![0.0; side * side]);
    let crop = Crop {
        size: (side, side),
        rgb: &mut rgb,
        inside: &mut inside,
    };
    Reader::default().read(frame, &to_frame, Channels::Rgb, crop);
    Ok(RgbImage::from_fn(wide, wide, |x, y| {
        let at = y as usize * side + x as usize;
        image::Rgb([0, 1, 2].map(|c| (255.0 * rgb[c * side * side + at]).round() as u8))
    }))
}
