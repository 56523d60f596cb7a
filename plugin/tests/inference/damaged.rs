//! Model files that are damaged, hostile, or of another kind: refused in words, never a crash.

use gstmdecomplete::completer::{Completer, CompleterError};
use gstmdecomplete::runtime::RuntimeError;
use onnx_protobuf::tensor_proto::{DataLocation, DataType};
use onnx_protobuf::{Message, ModelProto, StringStringEntryProto, TensorProto};
use proptest::prelude::*;

use crate::models::{Model, cpu, open, with_runtime};

/// The model with a first initialiser that `change` was made to.
fn with_tensor(change: impl FnOnce(&mut TensorProto)) -> Vec<u8> {
    let bytes = Model::flat(16, 16, 0.5).to_bytes();
    let mut model = ModelProto::parse_from_bytes(&bytes).expect("a model");
    let graph = model.graph.mut_or_insert_default();
    change(&mut graph.initializer[0]);
    model.write_to_bytes().expect("a complete message")
}

fn refusal(model: &[u8]) -> String {
    let error = open(model, &cpu()).expect_err("a damaged model");
    assert!(
        matches!(error, CompleterError::Runtime(RuntimeError::Model { .. })),
        "{error}"
    );
    error.to_string()
}

#[test]
fn weights_in_other_files_are_refused_and_named() {
    with_runtime(|| {
        for place in ["weights.bin", "../../etc/passwd", "/etc/passwd"] {
            let message = refusal(&with_tensor(|tensor| {
                tensor.float_data.clear();
                tensor.data_location = DataLocation::EXTERNAL.into();
                tensor.external_data.push(StringStringEntryProto {
                    key: "location".into(),
                    value: place.into(),
                    ..Default::default()
                });
            }));
            for part in [place, "another file", "onnx.save"] {
                assert!(message.contains(part), "'{part}' is not in: {message}");
            }
        }
    });
}

#[test]
fn tensors_that_do_not_hold_what_they_say_are_refused() {
    with_runtime(|| {
        refusal(&with_tensor(|tensor| {
            tensor.dims = vec![i64::MAX, i64::MAX]
        }));
        refusal(&with_tensor(|tensor| tensor.dims = vec![1 << 40]));
        refusal(&with_tensor(|tensor| tensor.dims = vec![-3]));
        refusal(&with_tensor(|tensor| tensor.dims = vec![5]));
        refusal(&with_tensor(|tensor| {
            tensor.data_type = DataType::STRING as i32
        }));
        refusal(&with_tensor(|tensor| tensor.data_type = 999));
        refusal(&with_tensor(|tensor| tensor.float_data.clear()));
    });
}

#[test]
fn inputs_of_another_type_or_size_are_refused_and_listed() {
    with_runtime(|| {
        for (sides, reason) in [
            ([-1, 3, 1 << 40, 1 << 40], "not from 16 to 4096"),
            ([-1, 3, 0, 16], "neither an image nor a mask"),
            ([-1, 3, 4, 4], "not from 16 to 4096"),
        ] {
            let model =
                Model::stranger(&[("x", sides)], ("y", sides)).node("Identity", &["x"], "y");
            let message = open(&model.to_bytes(), &cpu())
                .expect_err(reason)
                .to_string();
            assert!(message.contains(reason), "{message}");
        }
    });
}

#[test]
fn what_is_no_model_is_refused() {
    with_runtime(|| {
        assert!(refusal(b"").contains("empty"));
        for bytes in [
            b"PK\x03\x04".as_slice(),
            b"\x89PNG\r\n\x1a\n",
            &[0; 64],
            &[0xff; 4096],
        ] {
            refusal(bytes);
        }
        // A message with another one in it, and so on: deeper than any reader may follow.
        let mut nested = vec![0x3a, 0];
        for _ in 0..2000 {
            let mut outer = vec![0x3a];
            let mut length = nested.len();
            while length > 0x7f {
                outer.push((length & 0x7f) as u8 | 0x80);
                length >>= 7;
            }
            outer.push(length as u8);
            outer.append(&mut nested);
            nested = outer;
        }
        assert!(open(&nested, &cpu()).is_err());
    });
}

/// A model that can be opened can be run, or says why not.
fn try_out(model: &[u8]) -> Result<(), CompleterError> {
    let mut completer: Completer = open(model, &cpu())?;
    let mut batch = gstmdecomplete::completer::Batch::new(completer.size());
    batch.resize(1);
    completer.complete(&mut batch)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_truncation_is_refused_or_runs(part in 0.0..1.0f64) {
        with_runtime(|| {
            let whole = Model::mean_fill(16, 16).to_bytes();
            let _ = try_out(&whole[..(whole.len() as f64 * part) as usize]);
        });
    }

    #[test]
    fn every_change_of_bytes_is_refused_or_runs(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        with_runtime(|| {
            let mut model = Model::mix(16, 16).to_bytes();
            for (index, byte) in &changes {
                let index = index.index(model.len());
                model[index] = *byte;
            }
            let _ = try_out(&model);
        });
    }
}
