//! Samples and the net on small pictures made here.

use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage, Rgba, RgbaImage};
use mde_core::alignment::Affine;
use mde_core::covers::{Kind, MISSING, SIDE};
use rand_pcg::Pcg64;
use tch::Device;

use super::batches::{CoverBatch, Material};
use super::cutouts::Library;
use super::faces::{FaceData, PICTURE};
use super::layer::{AREA, Layer};
use super::sample::{CELLS, GRID, KINDS, Plan, Sample};
use super::trainee::{CoverCheckpoint, CoverLesson, CoverSubject, fresh};
use crate::data::Split;
use crate::network::parameters::Precision;
use crate::training::options::RunOptions;
use crate::training::run::{Made, Moment, Trainee};
use crate::training::single::Single;
use crate::training::state::Record;

/// Five grey faces, of which the second wears glasses, the third a hat, the fourth a fringe, and the
/// fifth has a hand before it; and a green disc of each kind.
fn material() -> Material {
    let folder = tempfile::TempDir::new().unwrap();
    let root = folder.path();
    let pictures = root.join("train");
    fs::create_dir(&pictures).unwrap();
    let side = PICTURE as u32;
    for name in ["a.png", "b.png", "c.png", "d.png", "e.png"] {
        let picture =
            RgbImage::from_fn(side, side, |x, y| Rgb([128, (x / 2) as u8, (y / 2) as u8]));
        picture.save(pictures.join(name)).unwrap();
    }
    let attributes = "5\nEyeglasses Wearing_Hat Bangs\n\
                      a.png -1 -1 -1\nb.png 1 -1 -1\nc.png -1 1 -1\nd.png -1 -1 1\n\
                      e.png -1 -1 -1\n";
    fs::write(root.join("list_attr_celeba.txt"), attributes).unwrap();
    let covered = root.join("covered.txt");
    fs::write(&covered, "# hands\ne.png\n").unwrap();
    for kind in [
        "hands",
        "objects",
        "masks",
        "scarves",
        "sunglasses",
        "glasses",
        "textures",
    ] {
        let of_kind = root.join("covers/train").join(kind);
        fs::create_dir_all(&of_kind).unwrap();
        disc().save(of_kind.join("disc.png")).unwrap();
    }
    let faces = FaceData {
        data: root.to_owned(),
        clips: None,
        parsed: None,
        covered: Some(covered),
        outlines: None,
        cache: Some(root.join("cache")),
    };
    Material {
        faces: faces.open(Split::Train).unwrap(),
        library: Library::open(&root.join("covers"), Split::Train).unwrap(),
    }
}

fn disc() -> RgbaImage {
    RgbaImage::from_fn(40, 40, |x, y| {
        match (f64::from(x) - 20.0).hypot(f64::from(y) - 20.0) < 16.0 {
            true => Rgba([60, 250, 20, 255]),
            false => Rgba([0, 0, 0, 0]),
        }
    })
}

fn of(channel: &[f32], kind: Kind) -> &[f32] {
    &channel[kind.channel() * CELLS..][..CELLS]
}

/// The cell under a place of the crop.
fn cell([x, y]: [usize; 2]) -> usize {
    y / 2 * GRID + x / 2
}

#[test]
fn samples_are_drawn_from_their_stream_alone() {
    let material = material();
    let draw = |stream| material.sample(Plan::Any, 1, stream);
    let (first, again) = (draw(3), draw(3));
    assert!(first.image == again.image && first.covers == again.covers);
    assert!(first.last == again.last && first.view == again.view);
    assert!(first.image != draw(4).image);
    for stream in 0..60 {
        let sample = draw(stream);
        let shares = [
            &sample.view_mask,
            &sample.last,
            &sample.covers,
            &sample.weights,
        ];
        let values = shares.into_iter().chain([&sample.image, &sample.view]);
        for values in values {
            assert!(values.iter().all(|v| (0.0..=1.0).contains(v)), "{stream}");
        }
    }
}

#[test]
fn what_was_laid_on_is_to_be_found_and_counts() {
    let material = material();
    for kind in Kind::ALL {
        let found = (0..20).filter(|&stream| {
            let sample = material.sample(Plan::One(kind), 1, stream);
            let others = Kind::ALL.into_iter().filter(|&other| other != kind);
            for other in others {
                assert!(of(&sample.covers, other).iter().all(|&v| v == 0.0));
            }
            let pairs = of(&sample.covers, kind)
                .iter()
                .zip(of(&sample.weights, kind));
            pairs.filter(|&(&v, &w)| v > 0.5 && w > 0.0).count() > 4
        });
        // A few lie beside the crop or are next to nothing.
        let found = found.count();
        assert!(found > 14, "{kind}: {found} of 20");
    }
}

#[test]
fn what_is_missing_is_grey_and_does_not_count() {
    let material = material();
    let mut lost = 0;
    for stream in 0..60 {
        let sample = material.sample(Plan::Any, 1, stream);
        let is_grey = |i: &usize| sample.image[3 * i..][..3] == [MISSING; 3];
        let of_two = |i: &usize| i.is_multiple_of(2) && (i / SIDE).is_multiple_of(2);
        // Cells of which all four pixels are gone.
        let whole = |i: &usize| [*i, i + 1, i + SIDE, i + SIDE + 1].iter().all(is_grey);
        let gone: Vec<usize> = (0..AREA).filter(of_two).filter(whole).collect();
        lost += usize::from(gone.len() > 4);
        for i in gone {
            let cell = cell([i % SIDE, i / SIDE]);
            assert!(
                (0..KINDS).all(|kind| sample.weights[kind * CELLS + cell] == 0.0),
                "{stream}"
            );
        }
    }
    assert!((3..25).contains(&lost), "{lost} of 60");
}

#[test]
fn what_a_face_may_wear_unlabelled_does_not_count() {
    let material = material();
    let plain = |i| Sample::plain(&material.faces.still(i));
    let weight = |i, kind, place| of(&plain(i).weights, kind)[cell(place)];
    let (eye, forehead, mouth) = ([46, 52], [64, 40], [64, 92]);
    for kind in Kind::ALL {
        assert_eq!(weight(0, kind, eye), 1.0, "{kind}");
    }
    assert_eq!(weight(1, Kind::Glasses, eye), 0.0);
    assert_eq!(weight(1, Kind::Sunglasses, mouth), 0.0);
    assert_eq!(weight(1, Kind::Objects, eye), 1.0);
    assert_eq!(weight(2, Kind::Objects, forehead), 0.0);
    assert_eq!(weight(2, Kind::Objects, mouth), 1.0);
    assert_eq!(weight(3, Kind::Hair, forehead), 0.0);
    assert_eq!(weight(3, Kind::Hair, mouth), 1.0);
    for place in [eye, forehead, mouth] {
        assert_eq!(weight(4, Kind::Objects, place), 0.0);
        assert_eq!(weight(4, Kind::Masks, place), 0.0);
        assert_eq!(weight(4, Kind::Sunglasses, place), 1.0);
    }
    assert_eq!(material.faces.bare(), [0]);
}

#[test]
fn what_is_outlined_is_known_and_is_laid_on_other_faces() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("outlines.json");
    let outlines = r#"{"pictures": [{"name": "e.png", "what": "a hand", "covers": [
        {"kind": "objects", "outline": [[40, 90], [110, 90], [110, 140], [40, 140]]},
        {"kind": "unsure", "outline": [[40, 20], [110, 20], [110, 60], [40, 60]]}
    ]}]}"#;
    fs::write(&file, outlines).unwrap();
    let mut material = material();
    material.faces.take_outlines(&file).unwrap();
    let sample = Sample::plain(&material.faces.still(4));
    let (eye, mouth, cheek) = ([46, 40], [64, 96], [24, 76]);
    let at = |values, place| of(values, Kind::Objects)[cell(place)];
    assert_eq!(at(&sample.covers, mouth), 1.0);
    assert_eq!(
        (at(&sample.covers, cheek), at(&sample.weights, cheek)),
        (0.0, 1.0)
    );
    assert_eq!(at(&sample.weights, eye), 0.0);
    let [seen] = &material.faces.seen[..] else {
        panic!("one cover was outlined");
    };
    assert_eq!(seen.kind, Kind::Objects);
    let layer = Layer::of_part(Kind::Objects, &seen.cutout, &Affine::IDENTITY);
    let alpha = |x: usize, y: usize| layer.alpha[y * SIDE + x];
    assert_eq!(
        [alpha(70, 100), alpha(20, 100), alpha(70, 40)],
        [1.0, 0.0, 0.0]
    );

    fs::write(&file, outlines.replace("e.png", "f.png")).unwrap();
    let error = material.faces.take_outlines(&file).unwrap_err();
    assert!(error.to_string().contains("'f.png'"), "{error}");
}

#[test]
fn a_layer_shows_where_it_is_and_its_shadow_beside_it() {
    let mut alpha = vec![0.0; AREA];
    let at = |x: usize, y: usize| y * SIDE + x;
    for y in 40..60 {
        alpha[at(40, y)..at(60, y)].fill(1.0);
    }
    let layer = Layer::filled(Kind::Objects, alpha, |_| [1.0, 0.0, 0.0]);
    let mut rgb = vec![0.5; 3 * AREA];
    layer.cast_shadow(&mut rgb, [10, 0], 0, 0.4);
    layer.lay_on(&mut rgb);
    let pixel = |x, y| &rgb[3 * at(x, y)..][..3];
    assert_eq!(pixel(50, 50), [1.0, 0.0, 0.0]);
    assert_eq!(pixel(65, 50), [0.3; 3]);
    assert_eq!(pixel(30, 50), [0.5; 3]);
    let smeared = layer.smeared(0.0, 8);
    let row: Vec<f32> = (30..70).map(|x| smeared.alpha[at(x, 50)]).collect();
    assert!(row[0] == 0.0 && row[20] == 1.0 && row[10] > 0.2 && row[10] < 0.9);
    assert_eq!(smeared.alpha[at(50, 62)], 0.0);
}

#[test]
fn a_cover_lit_like_a_face_has_its_colour() {
    let mut rng = Pcg64::new(1, 1);
    let alpha = vec![1.0; AREA];
    let skin = [0.5, 0.3, 0.2];
    let shown = |tone, rng: &mut Pcg64| {
        let layer = Layer::filled(Kind::Objects, alpha.clone(), |_| [0.4, 0.42, 0.45]);
        let layer = layer.lit_like(skin, tone, 1.0, rng);
        assert!(layer.is_lit);
        let [r, g, b] = [0, 1, 2].map(|c| layer.rgb[c] / skin[c]);
        (r / g).ln().abs().max((b / g).ln().abs())
    };
    assert!(shown(1.0, &mut rng) < 1e-3);
    assert!(shown(0.0, &mut rng) > 0.3);
}

#[test]
fn a_run_learns_and_goes_on_from_its_checkpoint() {
    tch::manual_seed(1);
    let material = material();
    let samples: Vec<Sample> = (0..6)
        .map(|i| material.sample(Plan::One(Kind::Objects), 1, i))
        .collect();
    let batch = CoverBatch::of(&samples);
    assert_eq!(batch.covers.size(), [6, KINDS as i64, 64, 64]);
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("checkpoint");
    let mut record = Record {
        subject: CoverSubject {
            covers: "objects".to_owned(),
        },
        made: Made::default(),
        options: RunOptions::default().with("batch", 6),
    };
    let trainee = || Single {
        lesson: CoverLesson::default(),
        net: fresh(Device::Cpu, Precision::F32),
        rate: 2e-3,
        record: record.clone(),
        path: path.clone(),
    };
    let (mut first_run, mut resumed) = (trainee(), trainee());
    let at = Moment {
        updates: 0,
        rate: 1.0,
    };
    let total = |t: &mut Single<CoverLesson>| t.update(&batch, at).total.double_value(&[]);
    let first = total(&mut first_run);
    for _ in 1..15 {
        total(&mut first_run);
    }
    record.made = Made {
        updates: 15,
        seconds: 1.0,
    };
    first_run.save(record.made).unwrap();
    let checkpoint = CoverCheckpoint::open(Path::new(&path)).unwrap();
    assert_eq!(checkpoint.record, record);
    checkpoint.restore(&path, &mut resumed.net, 15).unwrap();
    let (on, again) = (total(&mut first_run), total(&mut resumed));
    assert!((on - again).abs() < 1e-3, "{on} and {again}");
    assert!(on < 0.7 * first, "{first} fell to {on} only");
}
