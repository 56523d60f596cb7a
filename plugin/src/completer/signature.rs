//! Whether a model's inputs and outputs are a generator's.

use mde_core::contract::{INPUT_IMAGE, INPUT_MASK, OUTPUT};
use mde_core::mask::CHANNELS;
use ort::session::Session;
use ort::value::{Outlet, TensorElementType, ValueType};

use super::CompleterError;

/// Checks names, types and shapes against the contract for `width` x `height` crops.
pub fn check(session: &Session, width: usize, height: usize) -> Result<(), CompleterError> {
    let shape = [-1, CHANNELS as i64, height as i64, width as i64];
    let fault = fault(session.inputs(), "input", &[INPUT_IMAGE, INPUT_MASK], shape)
        .or_else(|| fault(session.outputs(), "output", &[OUTPUT], shape))
        .or_else(|| surplus(session.inputs()));
    match fault {
        None => Ok(()),
        Some(fault) => Err(CompleterError::Signature {
            fault,
            width,
            height,
            found: describe(session),
        }),
    }
}

fn fault(outlets: &[Outlet], kind: &str, names: &[&str], shape: [i64; 4]) -> Option<String> {
    names.iter().find_map(|name| {
        let Some(outlet) = outlets.iter().find(|outlet| outlet.name() == *name) else {
            return Some(format!("{kind} '{name}' is missing"));
        };
        (!is_picture(outlet.dtype(), shape))
            .then(|| format!("{kind} '{name}' is {}", outlet.dtype()))
    })
}

/// Inputs beyond the contract's would have to be fed, and nobody knows with what.
fn surplus(inputs: &[Outlet]) -> Option<String> {
    inputs
        .iter()
        .find(|input| ![INPUT_IMAGE, INPUT_MASK].contains(&input.name()))
        .map(|input| format!("input '{}' is not a generator's", input.name()))
}

/// Whether `found` is an f32 tensor whose shape allows `[N, 3, H, W]` for every `N`.
fn is_picture(found: &ValueType, wanted: [i64; 4]) -> bool {
    match found {
        ValueType::Tensor { ty, shape, .. } => {
            let fits = |(&found, &wanted): (&i64, &i64)| found == wanted || found == -1;
            *ty == TensorElementType::Float32
                && shape.len() == wanted.len()
                && shape.iter().zip(&wanted).all(fits)
        }
        _ => false,
    }
}

fn describe(session: &Session) -> String {
    let list = |outlets: &[Outlet]| {
        let each: Vec<String> = outlets
            .iter()
            .map(|outlet| format!("'{}' {}", outlet.name(), outlet.dtype()))
            .collect();
        each.join(", ")
    };
    format!(
        "the inputs {} and the outputs {}",
        list(session.inputs()),
        list(session.outputs())
    )
}
