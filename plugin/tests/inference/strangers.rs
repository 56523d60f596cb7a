//! Models without the contract's metadata: used where their inputs and outputs show how, refused
//! with a list of what was found elsewhere.

use gstmdecomplete::completer::{
    Batch, Completer, CompleterError, Config, Hints, MaskMeaning, ModelSource,
};
use mde_core::contract::ValueRange;

use crate::models::{Model, Values, cpu, with_runtime};

/// Name and sides.
type Input = (&'static str, [i64; 4]);

fn open(model: &Model, hints: Hints) -> Result<Completer, CompleterError> {
    let config = Config {
        options: cpu(),
        hints,
        ..Default::default()
    };
    Completer::open(
        ModelSource::Memory(model.to_bytes().into()),
        config,
        &mut |_| (),
    )
}

/// What the model makes of crops of grey 0.5 with the first rows of each missing: the first value
/// (missing) and the last one (known) of each.
fn ends(completer: &mut Completer, crops: usize) -> Vec<[f32; 2]> {
    let mut batch = Batch::new(completer.size());
    batch.resize(crops);
    let (width, height) = completer.size();
    for crop in 0..crops {
        let (image, mask) = batch.crop_mut(crop);
        image.fill(0.5);
        for plane in mask.chunks_mut(width * height) {
            plane[..4 * width].fill(0.0);
        }
    }
    completer.complete(&mut batch).expect("completions");
    let ends = |crop: usize| {
        let completed = batch.completed(crop).expect("a finite completion");
        [completed[0], completed[completed.len() - 1]]
    };
    (0..crops).map(ends).collect()
}

fn assert_ends(found: &[[f32; 2]], wanted: [f32; 2]) {
    for found in found {
        let far = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-5;
        assert!(
            !found.iter().zip(&wanted).any(far),
            "{found:?} and {wanted:?}"
        );
    }
}

#[test]
fn an_exported_lama_completes() {
    with_runtime(|| {
        let mut completer = open(&Model::like_lama(48, 32), Hints::default()).expect("a model");
        assert_eq!(completer.size(), (48, 32));
        assert!(completer.contract().is_none());
        // It takes one picture a run, and there are several.
        assert_ends(&ends(&mut completer, 3), [0.25, 0.5]);
    });
}

#[test]
fn an_image_alone_is_enough() {
    with_runtime(|| {
        let image = ("x", [-1, 3, 24, 24]);
        let model = Model::stranger(&[image], ("y", [-1, 3, 24, 24]))
            .constant("half", &[], Values::Float(&[0.5]))
            .node("Add", &["x", "half"], "y");
        let mut completer = open(&model, Hints::default()).expect("a model");
        assert_ends(&ends(&mut completer, 2), [0.5, 1.0]);
    });
}

#[test]
fn sides_left_open_are_256_pixels() {
    with_runtime(|| {
        let inputs = [("mask_in", [-1, 3, -1, -1]), ("picture", [-1, 3, -1, -1])];
        let model = Model::stranger(&inputs, ("out", [-1, 3, -1, -1])).node(
            "Add",
            &["picture", "mask_in"],
            "out",
        );
        let mut completer = open(&model, Hints::default()).expect("a model");
        assert_eq!(completer.size(), (256, 256));
        // In its mask a 1 means missing, and the order of the inputs does not matter.
        assert_ends(&ends(&mut completer, 1), [1.0, 0.5]);
    });
}

#[test]
fn hints_tell_what_the_model_does_not() {
    with_runtime(|| {
        let sides = |channels| [-1, channels, 16, 16];
        let model = Model::stranger(&[("m", sides(1)), ("x", sides(3))], ("y", sides(3))).node(
            "Mul",
            &["x", "m"],
            "y",
        );
        let known = Hints {
            mask: Some(MaskMeaning::Known),
            ..Default::default()
        };
        let mut completer = open(&model, known).expect("a model");
        assert_ends(&ends(&mut completer, 1), [0.0, 0.5]);
        let signed = Hints {
            range: Some(ValueRange::Signed),
            ..known
        };
        let mut completer = open(&model, signed).expect("a model");
        // Zero is grey.
        assert_ends(&ends(&mut completer, 1), [0.5, 0.5]);
        let bytes = Hints {
            range: Some(ValueRange::Byte),
            ..known
        };
        let mut completer = open(&model, bytes).expect("a model");
        assert_ends(&ends(&mut completer, 1), [0.0, 0.5]);
    });
}

#[test]
fn the_range_of_the_output_shows_in_its_values() {
    with_runtime(|| {
        let image = ("x", [-1, 3, 16, 16]);
        let model = Model::stranger(&[image], ("y", [-1, 3, 16, 16]))
            .constant("two", &[], Values::Float(&[2.0]))
            .constant("one", &[], Values::Float(&[1.0]))
            .node("Mul", &["x", "two"], "twice")
            .node("Sub", &["twice", "one"], "y");
        let mut completer = open(&model, Hints::default()).expect("a model");
        assert_ends(&ends(&mut completer, 1), [0.0, 0.5]);
    });
}

#[test]
fn what_cannot_be_a_completion_is_refused_and_listed() {
    with_runtime(|| {
        let picture = [-1, 3, 16, 16];
        let cases: [(&[Input], [i64; 4], &str); 7] = [
            (
                &[("x", [-1, 4, 16, 16])],
                picture,
                "'x' is neither an image nor a mask",
            ),
            (&[("m", [-1, 1, 16, 16])], picture, "no input is an image"),
            (
                &[("a", picture), ("b", picture)],
                picture,
                "no name says 'mask'",
            ),
            (
                &[("a", picture), ("b", picture), ("c", picture)],
                picture,
                "more inputs",
            ),
            (&[("x", picture)], [1, 1, 1, 1], "no output is a picture"),
            (&[("x", [-1, 3, 8, 16])], [-1, 3, 8, 16], "8 pixels"),
            (
                &[("x", picture), ("mask", [-1, 1, 32, 32])],
                picture,
                "image and mask differ in size",
            ),
        ];
        for (inputs, output, reason) in cases {
            let mut model = Model::stranger(inputs, ("y", output));
            for (name, _) in inputs {
                model = model.node("Identity", &[name], &format!("copy of {name}"));
            }
            let operator = match output {
                [1, 1, 1, 1] => "ReduceMean",
                _ => "Identity",
            };
            let model = model.node(operator, &[inputs[0].0], "y");
            let message = open(&model, Hints::default())
                .expect_err(reason)
                .to_string();
            for part in [reason, "mdecomplete.contract", "'y' Tensor<f32>"] {
                assert!(message.contains(part), "'{part}' is not in: {message}");
            }
        }
    });
}
