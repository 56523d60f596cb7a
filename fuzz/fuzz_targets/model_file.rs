//! Model files of any bytes, and a sound one with some bytes changed and its end cut off: refused in
//! words, or run. No crash of the reader or of ONNX Runtime.

#![no_main]

#[allow(dead_code, reason = "the tests of inference use all of it")]
#[path = "../../plugin/tests/inference/models.rs"]
mod models;

use std::sync::LazyLock;

use gstmdecomplete::completer::Batch;
use libfuzzer_sys::arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;

use models::Model;

static SOUND: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| [Model::mean_fill(16, 16), Model::mix(16, 16)].map(|m| m.to_bytes()));

fuzz_target!(|data: &[u8]| {
    let model = damaged(&mut Unstructured::new(data)).unwrap_or_else(|_| data.to_vec());
    if let Ok(mut completer) = models::open(&model, &models::cpu()) {
        let mut batch = Batch::new(completer.size());
        batch.resize(1);
        let _ = completer.complete(&mut batch);
    }
});

fn damaged(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    if u.ratio(1, 4)? {
        return u.bytes(u.len()).map(<[u8]>::to_vec);
    }
    let mut model = u.choose(&*SOUND)?.clone();
    if u.ratio(1, 4)? {
        model.truncate(u.int_in_range(0..=model.len())?);
    }
    while !u.is_empty() && !model.is_empty() {
        let index = u.int_in_range(0..=model.len() - 1)?;
        model[index] = u8::arbitrary(u)?;
    }
    Ok(model)
}
