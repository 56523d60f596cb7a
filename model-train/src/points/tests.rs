//! Samples and the net on small pictures made here.

use std::collections::HashMap;

use mde_core::alignment::FacePoints;
use mde_core::occlusion::Occlusion;
use mde_core::points::{SIZE, template};
use rand_pcg::Pcg64;
use tch::{Device, Kind, Tensor};

use super::batches::PointBatch;
use super::cover::{Cover, Fill};
use super::network::PointNet;
use super::sample::{PICTURE, Placement, PointFaces, Sample};
use super::trainee::{PointCheckpoint, PointLesson, PointSubject, fresh};
use crate::data::{CropRule, Dataset, DatasetOptions, Split};
use crate::network::layers::Pass;
use crate::training::options::RunOptions;
use crate::training::run::{Made, Moment, Trainee};
use crate::training::single::Single;
use crate::training::state::Record;

const POINTS: FacePoints = [
    [54.0, 64.0],
    [92.0, 64.0],
    [72.0, 87.0],
    [56.0, 105.0],
    [90.0, 105.0],
];

/// Pictures whose red tells the column and whose green tells the row.
fn faces() -> PointFaces {
    let folder = tempfile::TempDir::new().unwrap();
    let side = PICTURE as u32;
    let picture = image::RgbImage::from_fn(side, side, |x, y| image::Rgb([x as u8, y as u8, 90]));
    let names = ["a.png", "b.png"];
    for name in names {
        picture.save(folder.path().join(name)).unwrap();
    }
    let pictures = Dataset::open(&DatasetOptions {
        root: folder.path().to_owned(),
        split: Split::Train,
        size: PICTURE,
        crop: CropRule::CelebAWide,
        cache: Some(folder.path().join("cache")),
    })
    .unwrap();
    let landmarks = HashMap::from(names.map(|name| (name.to_owned(), POINTS)));
    PointFaces::new(pictures, &landmarks).unwrap()
}

const STILL: Placement = Placement {
    turn: 0.0,
    scale: 1.0,
    shift: [0.0; 2],
};

#[test]
fn the_points_of_a_sample_lie_on_the_picture_s() {
    let faces = faces();
    let placement = Placement {
        turn: 0.3,
        scale: 1.2,
        shift: [3.0, -2.0],
    };
    for mirrored in [false, true] {
        let face = faces.face(0, mirrored);
        let sample = Sample::of(&face, &placement, None, None);
        for (point, on_picture) in sample.points.iter().zip(face.points) {
            let [x, y] = point.map(|v| v.round());
            let pixel = &sample.crop[(y as usize * SIZE + x as usize) * 3..];
            let column = f64::from(pixel[0]) * 255.0;
            let column = if mirrored { 143.0 - column } else { column };
            // Within a crop pixel, which is two of the picture's.
            assert!(
                (column - on_picture[0]).abs() < 2.5,
                "{column} {on_picture:?}"
            );
            assert!((f64::from(pixel[1]) * 255.0 - on_picture[1]).abs() < 2.5);
        }
    }
}

#[test]
fn the_points_of_a_longer_face_lie_where_they_did() {
    let faces = faces();
    let mut longest = 0.0f64;
    for stream in 0..20 {
        let mut rng = Pcg64::new(1, stream);
        let face = faces.face(0, stream % 2 == 0).stretched(&mut rng);
        longest = longest.max(face.points[3][1] - POINTS[3][1]);
        let sample = Sample::of(&face, &STILL, None, None);
        for (point, on_picture) in sample.points.iter().zip(POINTS) {
            let [x, y] = point.map(|v| v.round());
            let green = sample.crop[(y as usize * SIZE + x as usize) * 3 + 1];
            let row = f64::from(green) * 255.0;
            assert!((row - on_picture[1]).abs() < 2.5, "{row} {on_picture:?}");
        }
    }
    assert!(longest > 1.0, "{longest}");
}

#[test]
fn covered_points_are_not_visible() {
    let faces = faces();
    let cover = Cover::of_part(Occlusion::Eyes, Fill::Plain([1.0; 3]));
    let sample = Sample::of(&faces.face(0, false), &STILL, Some(&cover), None);
    assert_eq!(sample.visibility, [0.0, 0.0, 1.0, 1.0, 1.0]);
    let left_eye = template()[0];
    let at = (left_eye[1] as usize * SIZE + left_eye[0] as usize) * 3;
    assert_eq!(sample.crop[at..at + 3], [1.0; 3]);
}

#[test]
fn samples_are_drawn_from_their_stream_alone() {
    let faces = faces();
    let draw = |stream| Sample::draw(&faces, 0, &mut Pcg64::new(1, stream));
    assert_eq!(draw(3).crop, draw(3).crop);
    assert_ne!(draw(3).crop, draw(4).crop);
    let samples: Vec<Sample> = (0..100).map(draw).collect();
    let inside = |v: &f32| (0.0..=1.0).contains(v);
    assert!(samples.iter().flat_map(|s| &s.crop).all(inside));
    let found = samples.iter().filter(|s| s.is_face == 1.0).count();
    assert!((70..98).contains(&found), "{found} of 100 have a face");
}

#[test]
fn a_run_learns_and_goes_on_from_its_checkpoint() {
    tch::manual_seed(1);
    let faces = faces();
    let draw = |i| Sample::draw(&faces, 0, &mut Pcg64::new(1, i));
    let batch = PointBatch::of(&(0..8).map(draw).collect::<Vec<_>>());
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("checkpoint");
    let mut record = Record {
        subject: PointSubject {},
        made: Made::default(),
        options: RunOptions::default().with("batch", 8),
    };
    let trainee = || Single {
        lesson: PointLesson,
        net: fresh(Device::Cpu),
        rate: 1e-3,
        record: record.clone(),
        path: path.clone(),
    };
    let (mut first_run, mut resumed) = (trainee(), trainee());
    let at = Moment {
        updates: 0,
        rate: 1.0,
    };
    let total = |t: &mut Single<PointLesson>| t.update(&batch, at).total.double_value(&[]);
    let first = total(&mut first_run);
    for _ in 1..20 {
        total(&mut first_run);
    }
    record.made = Made {
        updates: 20,
        seconds: 1.0,
    };
    first_run.save(record.made).unwrap();
    let checkpoint = PointCheckpoint::open(&path).unwrap();
    assert_eq!(checkpoint.record, record);
    checkpoint.restore(&path, &mut resumed.net, 20).unwrap();
    let (on, again) = (total(&mut first_run), total(&mut resumed));
    assert!((on - again).abs() < 1e-4, "{on} and {again}");
    assert!(on < 0.8 * first, "{first} fell to {on} only");

    let (_store, net) = checkpoint
        .network(&path, Device::Cpu, PointNet::new)
        .unwrap();
    let crops = Tensor::rand([2, 3, 64, 64], (Kind::Float, Device::Cpu));
    let answer = tch::no_grad(|| net.forward(&crops, Pass::Use));
    assert_eq!(answer.points.size(), [2, 5, 2]);
    assert_eq!(answer.score.size(), [2]);
}
