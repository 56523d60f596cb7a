//! The properties of what is found to cover faces.

#![allow(
    missing_docs,
    reason = "the flags macro drops the documentation of what it makes"
)]

use gst::glib;
use gst::prelude::*;
use mde_core::covers::Kind;

use super::settings::of;
use crate::covers::{Asked, Kinds};

/// Kinds of covers.
#[glib::flags(name = "GstMdeCompleteCoverKinds")]
pub enum CoverKinds {
    /// [`Kind::Objects`].
    #[flags_value(
        name = "Objects: hands, microphones, cups, text, bars",
        nick = "objects"
    )]
    OBJECTS = 1 << 0,
    /// [`Kind::Masks`].
    #[flags_value(
        name = "Masks: masks and scarves before mouth and nose",
        nick = "masks"
    )]
    MASKS = 1 << 1,
    /// [`Kind::Sunglasses`].
    #[flags_value(name = "Sunglasses: glasses that hide the eyes", nick = "sunglasses")]
    SUNGLASSES = 1 << 2,
    /// [`Kind::Glasses`].
    #[flags_value(name = "Glasses: clear glasses", nick = "glasses")]
    GLASSES = 1 << 3,
    /// [`Kind::Hair`].
    #[flags_value(name = "Hair: hair before eyes, brows or skin", nick = "hair")]
    HAIR = 1 << 4,
}

impl CoverKinds {
    /// The kinds whose flags are set.
    fn kinds(self) -> Kinds {
        let flag = |kind: &Kind| match kind {
            Kind::Objects => Self::OBJECTS,
            Kind::Masks => Self::MASKS,
            Kind::Sunglasses => Self::SUNGLASSES,
            Kind::Glasses => Self::GLASSES,
            Kind::Hair => Self::HAIR,
        };
        let kinds = Kind::ALL.into_iter();
        kinds.filter(|kind| self.contains(flag(kind))).collect()
    }
}

/// Which covers are taken for such; may change between any two frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Covering {
    kinds: CoverKinds,
    /// From 0 to 1.
    threshold: f32,
}

impl Default for Covering {
    fn default() -> Self {
        Self {
            kinds: CoverKinds::OBJECTS | CoverKinds::MASKS | CoverKinds::SUNGLASSES,
            threshold: 0.35,
        }
    }
}

impl Covering {
    /// What the pass is to look for.
    pub fn asked(&self) -> Asked {
        Asked {
            kinds: self.kinds.kinds(),
            threshold: self.threshold,
        }
    }

    /// Takes over the new value of the property `name`; false where it is none of these.
    pub fn set(&mut self, name: &str, value: &glib::Value) -> bool {
        match name {
            "cover-kinds" => self.kinds = of(value),
            "cover-threshold" => self.threshold = of(value),
            _ => return false,
        }
        true
    }

    /// The value of the property `name`, if it is one of these.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "cover-kinds" => self.kinds.to_value(),
            "cover-threshold" => self.threshold.to_value(),
            _ => return None,
        })
    }

    /// The descriptions of the properties.
    pub fn properties() -> [glib::ParamSpec; 3] {
        let defaults = Self::default();
        [
            glib::ParamSpecFlags::builder::<CoverKinds>("cover-kinds")
                .nick("Cover kinds")
                .blurb(
                    "What occlusion=auto takes for a cover, joined by '+'. Everything else before a \
                     face stays as it is",
                )
                .default_value(defaults.kinds)
                .mutable_playing()
                .build(),
            glib::ParamSpecFloat::builder("cover-threshold")
                .nick("Cover threshold")
                .blurb(
                    "How probable a cover must be for occlusion=auto to take it for one: lower finds \
                     more, higher less. What is found stays until it is clearly less probable",
                )
                .minimum(0.0)
                .maximum(1.0)
                .default_value(defaults.threshold)
                .mutable_playing()
                .controllable()
                .build(),
            glib::ParamSpecString::builder("cover-model")
                .nick("Cover model")
                .blurb(
                    "ONNX file of the net that finds covers for occlusion=auto. Empty: the embedded \
                     one",
                )
                .mutable_ready()
                .build(),
        ]
    }
}
