//! Generators that are shown views: how they are fed and read, and what is refused.

use crate::models::{Model, cpu, open, with_runtime};
use gstmdecomplete::completer::{Batch, CompleterError};
use mde_core::contract::{INPUT_VIEW, ValueRange};

const SIZE: (usize, usize) = (32, 24);
const PIXELS: usize = 32 * 24;

/// A batch of one crop of which the upper half is missing.
fn holed(mut batch: Batch) -> Batch {
    batch.resize(1);
    let (image, mask) = batch.crop_mut(0);
    image.fill(0.25);
    for plane in mask.chunks_mut(PIXELS) {
        plane[..PIXELS / 2].fill(0.0);
    }
    batch
}

/// Shows it a view of one value that is known in its left half.
fn show(batch: &mut Batch, value: f32) {
    let (view, known) = batch.view_mut(0).expect("a batch with views");
    for (i, known) in known.iter_mut().enumerate() {
        *known = f32::from(u8::from(i % SIZE.0 < SIZE.0 / 2));
    }
    for plane in view.chunks_mut(PIXELS) {
        for (value_of, known) in plane.iter_mut().zip(&*known) {
            *value_of = value * known;
        }
    }
}

#[test]
fn a_view_is_copied_where_it_is_known() {
    with_runtime(|| {
        for range in ValueRange::ALL {
            let model = Model::copies_view(SIZE.0, SIZE.1, [1.5, -2.0]).with_range(range);
            let mut completer = open(&model.to_bytes(), &cpu()).expect("a generator with views");
            assert!(completer.takes_views());
            let mut batch = holed(completer.batch());
            show(&mut batch, 0.75);
            completer.complete(&mut batch).expect("a completion");
            let completed = batch.completed(0).expect("a picture");
            let (black, white) = range.black_and_white();
            let grey = (0.5 - black) / (white - black);
            for (i, value) in completed.iter().enumerate() {
                let (x, y) = (i % SIZE.0, i / SIZE.0 % SIZE.1);
                let wanted = match (y < SIZE.1 / 2, x < SIZE.0 / 2) {
                    (false, _) => 0.25,
                    (true, true) => 0.75,
                    (true, false) => grey,
                };
                assert!((value - wanted).abs() < 1e-5, "{range:?} {x} {y}: {value}");
            }
            let copied = batch.copied(0).expect("flow and weights");
            let (flow, weights) = copied.of_view();
            assert_eq!((flow.len(), weights.len()), (PIXELS / 2, PIXELS / 4));
            assert!(flow[..PIXELS / 4].iter().all(|dx| *dx == 1.5));
            assert!(flow[PIXELS / 4..].iter().all(|dy| *dy == -2.0));
            for (i, weight) in weights.iter().enumerate() {
                assert_eq!(*weight == 1.0, i % (SIZE.0 / 2) < SIZE.0 / 4);
            }
            assert!(copied.of_mirror().1.iter().all(|weight| *weight == 0.0));
        }
    });
}

#[test]
fn without_a_view_all_is_painted() {
    with_runtime(|| {
        let model = Model::copies_view(SIZE.0, SIZE.1, [0.0; 2]).to_bytes();
        let mut completer = open(&model, &cpu()).expect("a generator with views");
        // An earlier view is gone where it is taken back, and where the batch holds none.
        let mut batch = holed(completer.batch());
        show(&mut batch, 0.75);
        completer.complete(&mut batch).expect("a completion");
        batch.view_mut(0).expect("a batch with views").1.fill(0.0);
        batch.view_mut(0).expect("a batch with views").0.fill(0.0);
        let mut without = holed(Batch::new(SIZE));
        for batch in [&mut batch, &mut without] {
            completer.complete(batch).expect("a completion");
            let completed = batch.completed(0).expect("a picture");
            assert!(completed[..PIXELS / 2].iter().all(|value| *value == 0.5));
        }
        let copied = batch.copied(0).expect("flow and weights");
        assert!(copied.of_view().1.iter().all(|weight| *weight == 0.0));
        assert_eq!(without.copied(0), None);
    });
}

#[test]
fn each_crop_of_a_batch_has_its_view() {
    with_runtime(|| {
        let model = Model::copies_view(SIZE.0, SIZE.1, [0.0; 2]).to_bytes();
        let mut completer = open(&model, &cpu()).expect("a generator with views");
        let mut batch = completer.batch();
        batch.resize(5);
        for crop in 0..5 {
            batch.crop_mut(crop).1.fill(0.0);
            let (view, known) = batch.view_mut(crop).expect("a batch with views");
            view.fill(0.1 * crop as f32);
            known.fill(1.0);
        }
        completer.complete(&mut batch).expect("completions");
        for crop in 0..5 {
            let completed = batch.completed(crop).expect("a picture");
            let wanted = 0.1 * crop as f32;
            assert!(completed.iter().all(|value| (value - wanted).abs() < 1e-6));
        }
    });
}

#[test]
fn generators_of_the_first_version_have_batches_without_views() {
    with_runtime(|| {
        let model = Model::mean_fill(SIZE.0, SIZE.1).to_bytes();
        let completer = open(&model, &cpu()).expect("a generator");
        assert!(!completer.takes_views());
        let mut batch = holed(completer.batch());
        assert!(batch.view_mut(0).is_none() && batch.copied(0).is_none());
    });
}

#[test]
fn a_generator_that_lacks_what_its_version_has_is_refused() {
    with_runtime(|| {
        let whole = Model::copies_view(SIZE.0, SIZE.1, [0.0; 2]);
        let refusal = |model: Model, fault: &str| {
            let error = open(&model.to_bytes(), &cpu()).expect_err("a broken contract");
            assert!(matches!(error, CompleterError::Signature { .. }), "{error}");
            let error = error.to_string();
            assert!(error.contains(fault), "{error}");
            assert!(
                error.contains("'flow' Tensor<f32>(N, 4, 12, 16)"),
                "{error}"
            );
        };
        refusal(whole.clone().with_input(INPUT_VIEW, 1), "input 'view' is");
        refusal(
            whole.with_input("more", 1),
            "input 'more' is not a generator's",
        );
        let first = Model::mean_fill(SIZE.0, SIZE.1).with_input(INPUT_VIEW, 3);
        let error = open(&first.to_bytes(), &cpu()).expect_err("an input too many");
        assert!(error.to_string().contains("input 'view'"), "{error}");
    });
}
