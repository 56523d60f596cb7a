//! What is found by itself, as structures: messages and metas tell of it alike.

use crate::damage::{Confidences, DropOut, Fault, Faults, FilmFind};
use mde_core::occlusion::Rect;

/// The channels that have `faults`, what is wrong with each, and how sure that is.
pub fn channels(faults: &Faults, sure: &Confidences) -> impl Iterator<Item = gst::Structure> {
    let named = |names: [&'static str; 3], of: [Option<Fault>; 3], sure: [f32; 3]| {
        let named = names.into_iter().zip(of).zip(sure);
        named.filter_map(|((name, fault), sure)| Some(channel(name, fault?, sure)))
    };
    let components = ["luma", "chroma-blue", "chroma-red"];
    named(["red", "green", "blue"], faults.rgb, sure.rgb).chain(named(
        components,
        faults.components,
        sure.components,
    ))
}

fn channel(name: &str, fault: Fault, sure: f32) -> gst::Structure {
    let structure = gst::Structure::builder("channel")
        .field("channel", name)
        .field("kind", fault.name())
        .field("confidence", f64::from(sure));
    match fault {
        Fault::Shifted([x, y]) => structure.field("x", x).field("y", y),
        _ => structure,
    }
    .build()
}

/// A drop-out, in pixels of the frame.
pub fn drop_out(found: &DropOut) -> gst::Structure {
    place("drop-out", found.kind.name(), found.area, found.confidence)
}

/// Damage of a film, in pixels of the frame.
pub fn film(found: &FilmFind) -> gst::Structure {
    place(
        "film-damage",
        found.kind.name(),
        found.area,
        found.confidence,
    )
}

fn place(name: &str, kind: &str, area: Rect, confidence: f32) -> gst::Structure {
    gst::Structure::builder(name)
        .field("kind", kind)
        .field("x", area.x0 as u32)
        .field("y", area.y0 as u32)
        .field("width", area.width() as u32)
        .field("height", area.height() as u32)
        .field("confidence", f64::from(confidence))
        .build()
}
