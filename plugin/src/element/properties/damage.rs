//! What damage is found by itself: its kinds, and how large it may be.

#![allow(
    missing_docs,
    reason = "the flags macro drops the documentation of what it makes"
)]

use gst::glib;
use gst::prelude::*;

use super::settings::of;
use crate::damage::{FilmWanted, Wanted};

/// Kinds of damage.
#[glib::flags(name = "GstMdeCompleteDamage")]
pub enum Damage {
    /// Those that a tape leaves.
    #[flags_value(
        name = "Lines: lines of one colour or of noise that were not there before, as a tape's \
                drop-outs leave them",
        nick = "lines"
    )]
    LINES = 1 << 0,
    /// Those that a decoder leaves.
    #[flags_value(
        name = "Blocks: blocks of 16 pixels that are suddenly of one colour or smeared, as decoders \
                leave them where a part of the stream is lost",
        nick = "blocks"
    )]
    BLOCKS = 1 << 1,
    /// All of them.
    #[flags_value(name = "Auto: lines and blocks, whatever is found", nick = "auto")]
    AUTO = 1 << 2,
    /// That of a single frame of a film.
    #[flags_value(
        name = "Dirt: dust, dirt and hairs of a film, which one frame shows and those before and after \
                it do not; holds back one frame",
        nick = "dirt"
    )]
    DIRT = 1 << 3,
    /// Those of a film that lie on all its frames.
    #[flags_value(
        name = "Scratches: thin vertical lines of a film, which stay or wander whatever the picture \
                does; holds back one frame",
        nick = "scratches"
    )]
    SCRATCHES = 1 << 4,
}

/// Which damage is looked for; may change between any two frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DamageSearch {
    damage: Damage,
    /// A share of the frame.
    max_size: f32,
}

impl Default for DamageSearch {
    fn default() -> Self {
        Self {
            damage: Damage::empty(),
            max_size: 0.25,
        }
    }
}

impl DamageSearch {
    /// What the pass is to look for, if it is to.
    pub fn wanted(&self) -> Option<Wanted> {
        let is_wanted = |kind| self.damage.intersects(kind | Damage::AUTO);
        let wanted = Wanted {
            lines: is_wanted(Damage::LINES),
            blocks: is_wanted(Damage::BLOCKS),
            max_size: self.max_size,
        };
        (wanted.lines || wanted.blocks).then_some(wanted)
    }

    /// What is to be mended of a film, if anything is.
    pub fn wanted_of_film(&self) -> Option<FilmWanted> {
        let wanted = FilmWanted {
            dirt: self.damage.contains(Damage::DIRT),
            scratches: self.damage.contains(Damage::SCRATCHES),
            max_size: self.max_size,
        };
        (wanted.dirt || wanted.scratches).then_some(wanted)
    }

    /// Takes over the new value of the property `name`; false where it is none of these.
    pub fn set(&mut self, name: &str, value: &glib::Value) -> bool {
        match name {
            "damage" => self.damage = of(value),
            "damage-max-size" => self.max_size = of(value),
            _ => return false,
        }
        true
    }

    /// The value of the property `name`, if it is one of these.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "damage" => self.damage.to_value(),
            "damage-max-size" => self.max_size.to_value(),
            _ => return None,
        })
    }

    /// The descriptions of the properties.
    pub fn properties() -> [glib::ParamSpec; 2] {
        let defaults = Self::default();
        [
            glib::ParamSpecFlags::builder::<Damage>("damage")
                .nick("Damage")
                .blurb(
                    "Damage to be found in each frame, joined by '+': pixels that neither what is \
                     around them nor the frame before explain. It is completed as what masks say, \
                     and away from faces by what was there before",
                )
                .default_value(defaults.damage)
                .mutable_playing()
                .build(),
            glib::ParamSpecFloat::builder("damage-max-size")
                .nick("Damage max size")
                .blurb(
                    "The share of a frame from which on something is too large for the property \
                     damage to take it for such",
                )
                .minimum(0.0)
                .maximum(1.0)
                .default_value(defaults.max_size)
                .mutable_playing()
                .controllable()
                .build(),
        ]
    }
}
