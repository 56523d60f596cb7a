//! The properties of how a completion is fitted to what is around it.

use gst::glib;
use gst::prelude::*;

use super::settings::of;

/// How completions are fitted to their surroundings; may change between any two frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blending {
    /// From 0 to 1.
    pub border_match: f32,
    /// From 0 to 1.
    pub grain: f32,
    /// Whether what is painted is refined.
    pub refine: bool,
    /// Whether what is refined is given the detail of prototypes.
    pub prototypes: bool,
}

impl Default for Blending {
    fn default() -> Self {
        Self {
            border_match: 1.0,
            grain: 1.0,
            refine: true,
            prototypes: true,
        }
    }
}

impl Blending {
    /// Takes over the new value of the property `name`; false where it is none of these.
    pub fn set(&mut self, name: &str, value: &glib::Value) -> bool {
        match name {
            "border-match" => self.border_match = of(value),
            "grain" => self.grain = of(value),
            "refine" => self.refine = of(value),
            "prototypes" => self.prototypes = of(value),
            _ => return false,
        }
        true
    }

    /// The value of the property `name`, if it is one of these.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "border-match" => self.border_match.to_value(),
            "grain" => self.grain.to_value(),
            "refine" => self.refine.to_value(),
            "prototypes" => self.prototypes.to_value(),
            _ => return None,
        })
    }

    /// The descriptions of the properties.
    pub fn properties() -> [glib::ParamSpec; 6] {
        let defaults = Self::default();
        [
            glib::ParamSpecFloat::builder("border-match")
                .nick("Border match")
                .blurb(
                    "How far the completion's colours and brightness are fitted to those along \
                     the hole's border: 0 leaves them as generated, 1 leaves no step",
                )
                .minimum(0.0)
                .maximum(1.0)
                .default_value(defaults.border_match)
                .mutable_playing()
                .controllable()
                .build(),
            glib::ParamSpecFloat::builder("grain")
                .nick("Grain")
                .blurb(
                    "How much grain the completion gets: 0 is none, 1 is as much as the frame \
                     has around the hole",
                )
                .minimum(0.0)
                .maximum(1.0)
                .default_value(defaults.grain)
                .mutable_playing()
                .controllable()
                .build(),
            glib::ParamSpecBoolean::builder("refine")
                .nick("Refine")
                .blurb(
                    "Whether what is painted of faces larger than the model's crop is painted anew at \
                     twice its resolution, as sharp as the frame around it",
                )
                .default_value(defaults.refine)
                .mutable_playing()
                .build(),
            glib::ParamSpecString::builder("refine-model")
                .nick("Refine model")
                .blurb("ONNX file of the net that refines what is painted. Empty: the embedded one")
                .mutable_ready()
                .build(),
            glib::ParamSpecBoolean::builder("prototypes")
                .nick("Prototypes")
                .blurb(
                    "Whether what is refined is given the detail of a prototype: the mean of faces that \
                     look like the one that is painted. Eyes have irises then, and mouths lips, but \
                     nobody's: where a view shows the face's own they are copied from that",
                )
                .default_value(defaults.prototypes)
                .mutable_playing()
                .build(),
            glib::ParamSpecString::builder("prototype-file")
                .nick("Prototype file")
                .blurb("Picture of the prototypes, as mde-train prototypes writes it. Empty: the embedded ones")
                .mutable_ready()
                .build(),
        ]
    }
}
