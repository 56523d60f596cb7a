//! The generator as a service, on the real ONNX Runtime.

use crate::models::{Model, Values, cpu, open, with_runtime};
use crate::runtime::{assert_success, child};
use gstmdecomplete::completer::{Batch, Completer, CompleterError};
use gstmdecomplete::runtime::{FallbackPolicy, MAX_CROPS, RuntimeError, RuntimeOptions};
use mde_core::contract::ValueRange;

fn completer(model: &Model) -> Completer {
    open(&model.to_bytes(), &cpu()).expect("a model that keeps the contract")
}

fn refusal(model: &[u8]) -> CompleterError {
    open(model, &cpu()).expect_err("a model that breaks the contract")
}

/// Crop `index` is of one colour but for a white hole over its first rows.
fn fill_in(batch: &mut Batch, index: usize, colour: f32, hole_rows: usize) {
    let (width, height) = batch.size();
    let (image, mask) = batch.crop_mut(index);
    image.fill(colour);
    mask.fill(1.0);
    for channel in 0..3 {
        let start = channel * width * height;
        image[start..start + hole_rows * width].fill(1.0);
        mask[start..start + hole_rows * width].fill(0.0);
    }
}

#[test]
fn completes_batches_of_changing_length() {
    with_runtime(|| {
        let mut completer = completer(&Model::mean_fill(24, 16));
        assert_eq!(completer.size(), (24, 16));
        let mut batch = Batch::new(completer.size());
        for crops in [1, 5, 2, 0, 3] {
            batch.resize(crops);
            for i in 0..crops {
                fill_in(&mut batch, i, 0.1 * (i + 1) as f32, i);
            }
            completer.complete(&mut batch).expect("completions");
            for i in 0..crops {
                let colour = 0.1 * (i + 1) as f32;
                let completed = batch.completed(i).expect("a finite completion");
                let worst = completed.iter().map(|v| (v - colour).abs());
                assert!(worst.fold(0.0, f32::max) < 1e-5, "crop {i} of {crops}");
            }
        }
    });
}

#[test]
fn what_lies_under_the_hole_is_not_seen() {
    with_runtime(|| {
        let mut completer = completer(&Model::mean_fill(16, 16));
        let mut batch = Batch::new(completer.size());
        batch.resize(2);
        fill_in(&mut batch, 0, 0.25, 8);
        fill_in(&mut batch, 1, 0.25, 8);
        batch.crop_mut(1).0[..16].fill(0.7);
        completer.complete(&mut batch).expect("completions");
        assert_eq!(batch.completed(0), batch.completed(1));
    });
}

#[test]
fn a_crop_that_becomes_nan_leaves_the_others_alone() {
    with_runtime(|| {
        let mut completer = completer(&Model::divide(16, 16));
        let mut batch = Batch::new(completer.size());
        batch.resize(3);
        fill_in(&mut batch, 0, 0.5, 0);
        fill_in(&mut batch, 1, 0.5, 3);
        fill_in(&mut batch, 2, 0.75, 0);
        completer.complete(&mut batch).expect("completions");
        assert_eq!(batch.completed(0), Some(&[0.5; 3 * 16 * 16][..]));
        assert_eq!(batch.completed(1), None);
        assert_eq!(batch.completed(2), Some(&[0.75; 3 * 16 * 16][..]));
    });
}

#[test]
fn completions_of_an_earlier_batch_are_not_mistaken_for_new_ones() {
    with_runtime(|| {
        let mut completer = completer(&Model::mean_fill(16, 16));
        let mut batch = Batch::new(completer.size());
        batch.resize(1);
        completer.complete(&mut batch).expect("completions");
        assert!(batch.completed(0).is_some());
        batch.resize(2);
        assert!(batch.completed(0).is_none());
    });
}

#[test]
fn a_batch_of_another_size_is_refused() {
    with_runtime(|| {
        let mut completer = completer(&Model::mean_fill(16, 16));
        let mut batch = Batch::new((24, 16));
        batch.resize(1);
        let error = completer.complete(&mut batch).expect_err("another size");
        assert_eq!(
            error.to_string(),
            "the batch holds 24x16 crops, the generator takes 16x16"
        );
    });
}

#[test]
fn generators_of_every_size_complete() {
    with_runtime(|| {
        for size in [(64, 64), (512, 64), (96, 160), (65, 33), (512, 512)] {
            let mut completer = completer(&Model::mean_fill(size.0, size.1));
            assert_eq!(completer.size(), size);
            let mut batch = Batch::new(size);
            batch.resize(1);
            fill_in(&mut batch, 0, 0.5, 8);
            completer.complete(&mut batch).expect("a completion");
            let completed = batch.completed(0).expect("a finite completion");
            let worst = completed.iter().map(|v| (v - 0.5).abs());
            assert!(worst.fold(0.0, f32::max) < 1e-3, "{size:?}");
        }
    });
}

#[test]
fn the_metadata_tell_the_value_range() {
    with_runtime(|| {
        for range in ValueRange::ALL {
            let (black, white) = range.black_and_white();
            // In every range a hole is zero, and is filled with white.
            let model = Model::flat(16, 16, white).with_range(range);
            let mut completer = completer(&model);
            let mut batch = Batch::new(completer.size());
            batch.resize(1);
            fill_in(&mut batch, 0, 0.25, 4);
            completer.complete(&mut batch).expect("a completion");
            let completed = batch.completed(0).expect("a finite completion");
            for (value, wanted) in [(completed[0], 1.0), (completed[255], 0.25)] {
                assert!((value - wanted).abs() < 1e-5, "{black} to {white}: {value}");
            }
        }
    });
}

#[test]
fn long_batches_are_cut_and_keep_their_order() {
    with_runtime(|| {
        let mut completer = completer(&Model::mean_fill(16, 16));
        let mut batch = Batch::new(completer.size());
        batch.resize(2 * MAX_CROPS + 3);
        for i in 0..batch.len() {
            fill_in(&mut batch, i, 0.05 * i as f32, 5);
        }
        completer.complete(&mut batch).expect("completions");
        for i in 0..batch.len() {
            let completed = batch.completed(i).expect("a finite completion");
            assert!((completed[0] - 0.05 * i as f32).abs() < 1e-5, "crop {i}");
        }
    });
}

#[test]
fn a_batch_that_fails_leaves_the_next_one_alone() {
    with_runtime(|| {
        let model = Model::fails_on_white(16, 16).to_bytes();
        for fallback in [FallbackPolicy::Next, FallbackPolicy::Error] {
            let options = RuntimeOptions { fallback, ..cpu() };
            let mut completer = open(&model, &options).expect("a generator");
            let mut batch = Batch::new(completer.size());
            batch.resize(1);
            for (colour, fails) in [(0.5, false), (1.0, true), (0.5, false)] {
                fill_in(&mut batch, 0, colour, 0);
                match completer.complete(&mut batch) {
                    Ok(()) => assert!(!fails && batch.completed(0).is_some()),
                    Err(error) => {
                        assert!(fails, "{error}");
                        assert_eq!(batch.completed(0), None);
                        // Only the policy decides whether the stream should end.
                        let ends = matches!(error, CompleterError::Died { .. });
                        assert_eq!(ends, fallback == FallbackPolicy::Error, "{error}");
                        assert!(error.to_string().contains("cpu"), "{error}");
                    }
                }
            }
        }
    });
}

#[test]
fn other_inputs_are_refused_and_listed() {
    with_runtime(|| {
        let one_channel = Model::mean_fill(16, 16).with_input("mask", 1);
        let message = refusal(&one_channel.to_bytes()).to_string();
        for part in [
            "input 'mask' is Tensor<f32>(N, 1, 16, 16)",
            "'image' Tensor<f32>(N, 3, 16, 16)",
            "'completed' Tensor<f32>",
        ] {
            assert!(message.contains(part), "'{part}' is not in: {message}");
        }

        let surplus = Model::mean_fill(16, 16).with_input("noise", 3);
        let message = refusal(&surplus.to_bytes()).to_string();
        assert!(
            message.contains("'noise' is not a generator's"),
            "{message}"
        );
    });
}

#[test]
fn an_output_of_another_shape_is_an_error_not_a_picture() {
    with_runtime(|| {
        // The shape depends on a value, so it shows only when the model runs.
        let model = Model::generator(16, 16)
            .constant("sides", &[4], Values::Int64(&[-1, 3, 8, 32]))
            .node("Add", &["image", "mask"], "sum")
            .node("Reshape", &["sum", "sides"], "completed");
        let error = match open(&model.to_bytes(), &cpu()) {
            Err(error) => error,
            Ok(mut completer) => {
                let mut batch = Batch::new(completer.size());
                batch.resize(1);
                completer.complete(&mut batch).expect_err("another shape")
            }
        };
        assert!(error.to_string().contains("32"), "{error}");
    });
}

#[test]
fn a_number_of_crops_that_no_run_could_hold_is_refused() {
    with_runtime(|| {
        for crops in [65, 1_000_000, i64::MAX] {
            let sides = [crops, 3, 32, 32];
            let inputs = [("image", sides), ("mask", [crops, 1, 32, 32])];
            let model =
                Model::stranger(&inputs, ("out", sides)).node("Identity", &["image"], "out");
            let error = refusal(&model.to_bytes());
            let refused = matches!(error, CompleterError::TooManyCrops { most: 64, .. });
            assert!(refused, "{error}");
            assert!(error.to_string().contains("N left open"), "{error}");
        }
        // Fewer where each of them is large.
        let sides = [3, 3, 4096, 4096];
        let model = Model::stranger(&[("image", sides)], ("out", sides));
        let error = refusal(&model.node("Identity", &["image"], "out").to_bytes());
        let refused = matches!(error, CompleterError::TooManyCrops { most: 2, .. });
        assert!(refused, "{error}");
    });
}

#[test]
fn a_machine_that_is_too_small_is_not_a_damaged_file() {
    with_runtime(|| {
        for test in ["open_with_little_memory", "open_without_room_for_threads"] {
            assert_success(&child(module_path!(), test, None));
        }
    });
}

#[test]
#[ignore = "run in a process of its own by a_machine_that_is_too_small_is_not_a_damaged_file"]
fn open_with_little_memory() {
    // 4 GB of zeros, which the model asks for as it is opened or run.
    let model = Model::large(16, 16, 1 << 30).to_bytes();
    assert_short_of(&model, &cpu(), 1 << 30);
}

#[test]
#[ignore = "run in a process of its own by a_machine_that_is_too_small_is_not_a_damaged_file"]
fn open_without_room_for_threads() {
    let options = RuntimeOptions {
        threads: Some(4),
        ..cpu()
    };
    // A thread's stack alone takes more, 8 MB.
    assert_short_of(&Model::mean_fill(16, 16).to_bytes(), &options, 6 << 20);
}

/// Opens the model where the process may take `bytes` more memory.
fn assert_short_of(model: &[u8], options: &RuntimeOptions, bytes: u64) {
    // Kept, or its threads' stacks would be there to be used again.
    let _small = open(&Model::flat(16, 16, 0.5).to_bytes(), &cpu()).expect("a small model");
    let statm = std::fs::read_to_string("/proc/self/statm").expect("the process's size");
    let pages: u64 = statm
        .split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("pages");
    let most = pages * 4096 + bytes;
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: the limit is read only.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    let error = open(model, options).expect_err("too little memory");
    let is_shortage = matches!(
        error,
        CompleterError::Runtime(RuntimeError::Shortage { .. })
    );
    assert!(is_shortage, "{error}");
}

#[test]
fn damaged_models_are_named_as_such() {
    with_runtime(|| {
        let whole = Model::mean_fill(16, 16).to_bytes();
        let cases: [&[u8]; 4] = [
            b"",
            b"this is not a model",
            &whole[..whole.len() / 2],
            &whole[..whole.len() - 7],
        ];
        for model in cases {
            let error = refusal(model);
            let is_model = matches!(
                error,
                CompleterError::Runtime(RuntimeError::Model { .. })
                    | CompleterError::Contract(_)
                    | CompleterError::Signature { .. }
            );
            assert!(is_model, "{} bytes: {error}", model.len());
            let by_default = open(model, &RuntimeOptions::default());
            assert!(by_default.is_err(), "{} bytes", model.len());
        }
    });
}

#[test]
fn the_embedded_generator_keeps_the_contract() {
    with_runtime(|| {
        let model = include_bytes!("../../models/face.onnx");
        let mut completer = open(model, &RuntimeOptions::default()).expect("a generator");
        assert_eq!(completer.size(), (128, 128));
        let mut batch = Batch::new(completer.size());
        batch.resize(2);
        completer.complete(&mut batch).expect("completions");
        for i in 0..2 {
            let completed = batch.completed(i).expect("a finite completion");
            assert!(completed.iter().all(|v| (-0.01..=1.01).contains(v)));
        }
    });
}
