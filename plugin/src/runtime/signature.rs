//! The inputs and outputs of a model against those that it should have.

use ort::session::Session;
use ort::value::{Outlet, TensorElementType, ValueType};

/// A tensor that a model should have, f32 `[N, channels, height, width]`.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: &'static str,
    /// Its second side.
    pub channels: usize,
    /// Width and height; nothing where both are to be free.
    pub size: Option<(usize, usize)>,
}

/// A sentence on what is missing from the model of `session` or different there than `inputs` and
/// `outputs`, those of `whose` ("a generator"), have it, if anything. It may have more outputs; more
/// inputs would have to be fed, and nobody knows with what.
pub fn fault(
    session: &Session,
    whose: &str,
    inputs: &[Wanted],
    outputs: &[Wanted],
) -> Option<String> {
    difference(session.inputs(), "input", inputs)
        .or_else(|| difference(session.outputs(), "output", outputs))
        .or_else(|| surplus(session.inputs(), whose, inputs))
}

/// `tensors` with type and shape.
pub fn list(tensors: &[Wanted]) -> String {
    let each = tensors.iter().map(|wanted| {
        let Wanted {
            name,
            channels,
            size,
        } = wanted;
        let sides = size.map_or("H, W".to_owned(), |(width, height)| {
            format!("{height}, {width}")
        });
        format!("'{name}' Tensor<f32>(N, {channels}, {sides})")
    });
    each.collect::<Vec<_>>().join(", ")
}

/// All inputs and outputs of the model of `session` with type and shape.
pub fn describe(session: &Session) -> String {
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

/// The sides of an f32 tensor with four of them; nothing for a side that is left open.
pub fn sides(found: &ValueType) -> Option<[Option<usize>; 4]> {
    match found {
        ValueType::Tensor { ty, shape, .. } if *ty == TensorElementType::Float32 => {
            let side = |side: &i64| match side {
                -1 => Some(None),
                _ => usize::try_from(*side).ok().filter(|s| *s > 0).map(Some),
            };
            let sides: Option<Vec<_>> = shape.iter().map(side).collect();
            sides?.try_into().ok()
        }
        _ => None,
    }
}

/// What is missing from `outlets` or different there.
fn difference(outlets: &[Outlet], kind: &str, wanted: &[Wanted]) -> Option<String> {
    wanted.iter().find_map(|wanted| {
        let name = wanted.name;
        let Some(outlet) = outlets.iter().find(|outlet| outlet.name() == name) else {
            return Some(format!("{kind} '{name}' is missing"));
        };
        let (width, height) = wanted.size.unzip();
        let shape = [None, Some(wanted.channels), height, width];
        let fits = |(found, wanted): (Option<usize>, Option<usize>)| {
            found.is_none() || wanted.is_none() || found == wanted
        };
        let is_one =
            sides(outlet.dtype()).is_some_and(|found| found.into_iter().zip(shape).all(fits));
        (!is_one).then(|| format!("{kind} '{name}' is {}", outlet.dtype()))
    })
}

fn surplus(inputs: &[Outlet], whose: &str, wanted: &[Wanted]) -> Option<String> {
    inputs
        .iter()
        .find(|input| wanted.iter().all(|wanted| wanted.name != input.name()))
        .map(|input| format!("input '{}' is not {whose}'s", input.name()))
}
