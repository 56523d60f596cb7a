//! The properties: their defaults, their descriptions, setting and getting them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gst::glib;
use gst::prelude::*;
use gst_video::VideoOrientationMethod;
use mde_core::mask::CHANNELS;
use mde_core::occlusion::Occlusion;

use super::blending::Blending;
use super::copying::Copying;
use super::covers::Covering;
use super::damage::DamageSearch;
use super::following::Following;
use super::model_settings::{self, ModelSettings};
use super::{
    ChannelKinds, ChannelScope, DamagedChannels, LatePolicy, Occlusions, Overlay, RegionSource,
};
use crate::frame::{Channels, ColourRange};
use crate::missing::{Asked, Raster, Sources};
use crate::{pass, scene};

/// More regions in a frame than anybody looks at; so that a frame cannot take all memory.
pub const MAX_FACES: u32 = 64;

/// More than any codec smears; a wider rim would be part of the picture.
const MOST_GROWTH: u32 = 64;

/// The value of `damage-color` with which no pixel is missing because of its colour.
const NO_COLOR: i32 = -1;

/// All writable properties.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Read when the element starts, and when another model is set while it runs.
    pub model: ModelSettings,
    /// Read when the element starts, and when it is set between start and stop.
    pub mask_file: Option<PathBuf>,
    /// Read when the element starts.
    pub reference_file: Option<String>,
    /// Read when covers are looked for for the first time.
    pub cover_model: Option<PathBuf>,
    /// Read when something is to be refined for the first time.
    pub refine_model: Option<PathBuf>,
    /// Likewise.
    pub prototype_file: Option<PathBuf>,
    /// Read when a channel is lost for the first time.
    pub scene_model: Option<PathBuf>,
    /// Read for each frame.
    pub frame: FrameSettings,
    pub wishes: Wishes,
}

/// How often a file that is loaded aside was set: the latest wish counts, and one that was outdated
/// meanwhile is not followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// For another model.
    pub model: u64,
    /// For another mask picture.
    pub mask: u64,
}

/// What is done to a frame; may change between any two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameSettings {
    pub occlusion: Occlusions,
    pub damaged_channels: DamagedChannels,
    pub channel_scope: ChannelScope,
    /// What `DamagedChannels::AUTO` finds.
    pub channel_kinds: ChannelKinds,
    /// Whether transparent pixels are missing.
    pub mask_from_alpha: bool,
    /// The colour of missing pixels, 0xRRGGBB, or [`NO_COLOR`].
    pub damage_color: i32,
    /// In steps of 8-bit components, at most 255.
    pub damage_tolerance: u32,
    pub region: RegionSource,
    /// In crop pixels, at least 0.
    pub mask_feather: f32,
    /// In pixels of the frame, at most [`MOST_GROWTH`].
    pub mask_grow: u32,
    /// From 0 to 1.
    pub strength: f32,
    /// Whether what would be completed is only marked.
    pub dry_run: bool,
    /// From 0 to 1.
    pub temporal_smoothing: f32,
    pub overlay: Overlay,
    /// From 1 to [`MAX_FACES`].
    pub max_faces: u32,
    /// In frames, at least 1.
    pub inference_interval: u32,
    pub late_policy: LatePolicy,
    pub following: Following,
    pub blending: Blending,
    pub copying: Copying,
    pub covering: Covering,
    pub damage_search: DamageSearch,
}

/// What is known of a stream besides its format.
#[derive(Clone, Debug)]
pub struct StreamFacts {
    /// Whether upstream is live.
    pub is_live: bool,
    /// What puts the frames upright.
    pub orientation: VideoOrientationMethod,
    /// The mask picture at the size of the frames, if it covers something.
    pub mask: Option<Arc<Raster>>,
    /// Whether channels are lost in all of the present frame, where whole frames are restored.
    pub loses_channels: bool,
}

impl Default for FrameSettings {
    fn default() -> Self {
        Self {
            occlusion: Occlusions::empty(),
            damaged_channels: DamagedChannels::empty(),
            channel_scope: ChannelScope::Frame,
            channel_kinds: ChannelKinds::all(),
            mask_from_alpha: false,
            damage_color: NO_COLOR,
            damage_tolerance: 16,
            region: RegionSource::Faces,
            mask_feather: 2.0,
            mask_grow: 4,
            strength: 1.0,
            dry_run: false,
            temporal_smoothing: 0.9,
            overlay: Overlay::None,
            max_faces: MAX_FACES,
            inference_interval: 1,
            late_policy: LatePolicy::Skip,
            following: Following::default(),
            blending: Blending::default(),
            copying: Copying::default(),
            covering: Covering::default(),
            damage_search: DamageSearch::default(),
        }
    }
}

impl FrameSettings {
    /// What the pass is to do with a frame of a stream of which this is known.
    pub fn for_pass(&self, stream: StreamFacts) -> pass::Settings {
        pass::Settings {
            source: match self.region {
                RegionSource::Faces => {
                    pass::RegionSource::Faces(self.following.options(stream.is_live))
                }
                RegionSource::RoiList => pass::RegionSource::RoiList,
                RegionSource::FullFrame => pass::RegionSource::FullFrame,
            },
            orientation: stream.orientation,
            max_faces: self.max_faces as usize,
            inference_interval: self.inference_interval,
            hole: self.static_hole(),
            covers: self.looks_for_covers().then(|| self.covering.asked()),
            damage: self.sources(),
            drop_outs: self.damage_search.wanted(),
            loses_channels: stream.loses_channels,
            mask: stream.mask,
            memory: self.copying.memory(),
            strength: self.strength,
            dry_run: self.dry_run,
            border_match: self.blending.border_match,
            grain: self.blending.grain,
            refine: self.blending.refine,
            prototypes: self.blending.prototypes,
            temporal_smoothing: self.temporal_smoothing,
            overlay: self.overlay.into(),
        }
    }

    /// Whether frames change.
    pub fn paints(&self) -> bool {
        self.strength > 0.0 && !self.dry_run
    }

    /// Whether what is found of the pixels missing from a frame is to be seen in it.
    pub fn shows_damage(&self) -> bool {
        self.overlay == Overlay::Mask
    }

    /// Whether a frame of a film changes where something is found.
    pub fn changes_film(&self) -> bool {
        self.paints() || self.shows_damage()
    }

    /// Whether frames are held back as long as with `other` settings.
    pub fn holds_as_long_as(&self, other: &Self) -> bool {
        let held = |settings: &Self| {
            let mends_film = settings.damage_search.wanted_of_film().is_some();
            (settings.copying.lookahead(), mends_film)
        };
        held(self) == held(other)
    }

    /// Whether channels may be lost that are to be restored in the whole frame.
    pub fn may_restore_frames(&self) -> bool {
        !self.damaged_channels.is_empty()
            && self.channel_scope == ChannelScope::Frame
            && self.region != RegionSource::FullFrame
    }

    /// What is to be restored in the whole frame, which `orientation` puts upright.
    pub fn lost_in_frame(&self, orientation: VideoOrientationMethod) -> scene::Asked {
        let Asked {
            channels, reading, ..
        } = self.static_hole();
        scene::Asked {
            channels,
            reading,
            orientation,
            strength: self.strength,
            temporal_smoothing: self.temporal_smoothing,
        }
    }

    /// Whether what is before faces is to be found.
    pub fn looks_for_covers(&self) -> bool {
        self.occlusion.contains(Occlusions::AUTO)
    }

    /// What is missing from every region.
    fn static_hole(&self) -> Asked {
        let mut occlusions = [false; Occlusion::ALL.len()];
        for named in self.occlusion.named() {
            let all = occlusions.iter_mut().zip(Occlusion::ALL);
            all.for_each(|(is_missing, occlusion)| *is_missing |= occlusion == named);
        }
        let mut channels = [false; CHANNELS];
        for channel in self.damaged_channels.missing() {
            channels[channel] = true;
        }
        Asked {
            occlusions,
            channels,
            reading: match self.damaged_channels.contains(DamagedChannels::CHROMA) {
                true => Channels::Luma,
                false => Channels::Rgb,
            },
            feather: self.mask_feather,
            fades: self.may_restore_frames(),
            is_frame: self.region == RegionSource::FullFrame,
        }
    }

    /// What tells of damage, besides a mask picture.
    fn sources(&self) -> Sources {
        Sources {
            from_alpha: self.mask_from_alpha,
            colour: self.damage_color().map(|rgb| ColourRange {
                rgb,
                tolerance: self.damage_tolerance as f32,
            }),
            grow: self.mask_grow as usize,
            keeps_tellers: self.overlay == Overlay::Mask,
        }
    }

    /// Red, green and blue of missing pixels.
    fn damage_color(&self) -> Option<[u8; 3]> {
        let [_, rgb @ ..] = u32::try_from(self.damage_color).ok()?.to_be_bytes();
        Some(rgb)
    }
}

impl Settings {
    /// Lets `mask-file` tell the picture in use again, after that of `wish` could not be opened.
    pub fn keep_mask(&mut self, wish: u64, in_use: Option<PathBuf>) {
        if self.wishes.mask == wish {
            self.mask_file = in_use;
        }
    }

    /// Lets `model-file` tell the model in use again, after that of `wish` could not be opened.
    pub fn keep_model(&mut self, wish: u64, in_use: Option<PathBuf>) {
        if self.wishes.model == wish {
            self.model.model_file = in_use;
        }
    }

    /// Takes over the new value of the property `name`; false where there is no such property.
    pub fn set(&mut self, name: &str, value: &glib::Value) -> bool {
        match name {
            "occlusion" => self.frame.occlusion = of(value),
            "damaged-channels" => self.frame.damaged_channels = of(value),
            "mask-file" => {
                self.mask_file = path(value);
                self.wishes.mask += 1;
            }
            "model-file" => {
                self.model.model_file = path(value);
                self.wishes.model += 1;
            }
            "reference-file" => self.reference_file = of(value),
            "cover-model" => self.cover_model = path(value),
            "refine-model" => self.refine_model = path(value),
            "prototype-file" => self.prototype_file = path(value),
            "scene-model" => self.scene_model = path(value),
            "channel-scope" => self.frame.channel_scope = of(value),
            "channel-kinds" => self.frame.channel_kinds = of(value),
            "mask-from-alpha" => self.frame.mask_from_alpha = of(value),
            "damage-color" => self.frame.damage_color = of(value),
            "damage-tolerance" => self.frame.damage_tolerance = of(value),
            "region" => self.frame.region = of(value),
            "mask-feather" => self.frame.mask_feather = of(value),
            "mask-grow" => self.frame.mask_grow = of(value),
            "strength" => self.frame.strength = of(value),
            "dry-run" => self.frame.dry_run = of(value),
            "temporal-smoothing" => self.frame.temporal_smoothing = of(value),
            "overlay" => self.frame.overlay = of(value),
            "max-faces" => self.frame.max_faces = of(value),
            "inference-interval" => self.frame.inference_interval = of(value),
            "late-policy" => self.frame.late_policy = of(value),
            _ => {
                return self.frame.blending.set(name, value)
                    || self.frame.copying.set(name, value)
                    || self.frame.covering.set(name, value)
                    || self.frame.damage_search.set(name, value)
                    || self.frame.following.set(name, value)
                    || self.model.set(name, value);
            }
        }
        true
    }

    /// The value of the property `name`, if there is one.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "occlusion" => self.frame.occlusion.to_value(),
            "damaged-channels" => self.frame.damaged_channels.to_value(),
            "mask-file" => text(self.mask_file.as_deref()),
            "reference-file" => self.reference_file.to_value(),
            "cover-model" => text(self.cover_model.as_deref()),
            "refine-model" => text(self.refine_model.as_deref()),
            "prototype-file" => text(self.prototype_file.as_deref()),
            "scene-model" => text(self.scene_model.as_deref()),
            "channel-scope" => self.frame.channel_scope.to_value(),
            "channel-kinds" => self.frame.channel_kinds.to_value(),
            "mask-from-alpha" => self.frame.mask_from_alpha.to_value(),
            "damage-color" => self.frame.damage_color.to_value(),
            "damage-tolerance" => self.frame.damage_tolerance.to_value(),
            "region" => self.frame.region.to_value(),
            "mask-feather" => self.frame.mask_feather.to_value(),
            "mask-grow" => self.frame.mask_grow.to_value(),
            "strength" => self.frame.strength.to_value(),
            "dry-run" => self.frame.dry_run.to_value(),
            "temporal-smoothing" => self.frame.temporal_smoothing.to_value(),
            "overlay" => self.frame.overlay.to_value(),
            "max-faces" => self.frame.max_faces.to_value(),
            "inference-interval" => self.frame.inference_interval.to_value(),
            "late-policy" => self.frame.late_policy.to_value(),
            _ => {
                let frame = &self.frame;
                return (frame.blending.get(name))
                    .or_else(|| frame.copying.get(name))
                    .or_else(|| frame.covering.get(name))
                    .or_else(|| frame.damage_search.get(name))
                    .or_else(|| frame.following.get(name))
                    .or_else(|| self.model.get(name));
            }
        })
    }
}

/// GObject has checked the type against the property's before it hands a value over.
pub fn of<'v, T: glib::value::FromValue<'v>>(value: &'v glib::Value) -> T {
    value.get().expect("type checked upstream")
}

/// The file that a property's text names; none where it is empty.
pub fn path(value: &glib::Value) -> Option<PathBuf> {
    let name = of::<Option<String>>(value);
    name.filter(|name| !name.is_empty()).map(PathBuf::from)
}

/// The text of a property that names a file.
pub fn text(file: Option<&Path>) -> glib::Value {
    file.map(|file| file.to_string_lossy().into_owned())
        .to_value()
}

/// The descriptions of all properties.
pub fn properties() -> Vec<glib::ParamSpec> {
    let frame = FrameSettings::default();
    let mut properties = vec![
        glib::ParamSpecFlags::builder::<Occlusions>("occlusion")
            .nick("Occlusion")
            .blurb(
                "Parts of each face to complete, joined by '+'; left and right are the \
                 picture's. With auto, what is found to cover the face (cover-kinds) counts as \
                 well. All of it adds to what masks and damage-color say",
            )
            .default_value(frame.occlusion)
            .mutable_playing()
            .build(),
        glib::ParamSpecFlags::builder::<DamagedChannels>("damaged-channels")
            .nick("Damaged channels")
            .blurb(
                "Colour channels that are missing as a whole, joined by '+', see channel-scope. The \
                 other channels stay as they are; with chroma, only the brightness is known. With \
                 auto, what each frame shows to be damaged counts as well",
            )
            .default_value(frame.damaged_channels)
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("channel-scope", frame.channel_scope)
            .nick("Channel scope")
            .blurb(
                "Where damaged-channels are restored. With region=full-frame the frame is the region",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecFlags::builder::<ChannelKinds>("channel-kinds")
            .nick("Channel kinds")
            .blurb(
                "What damaged-channels=auto takes for damage, joined by '+'. Channels with anything \
                 else stay as they are",
            )
            .default_value(frame.channel_kinds)
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("scene-model")
            .nick("Scene model")
            .blurb(
                "ONNX file with the generator that restores whole frames, exported by mde-train \
                 scenes export. Empty: the embedded one",
            )
            .build(),
        glib::ParamSpecString::builder("mask-file")
            .nick("Mask file")
            .blurb(
                "Picture that is scaled to the frame as it is displayed: white parts are \
                 completed, dark and transparent parts are kept. Empty: no mask",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecBoolean::builder("mask-from-alpha")
            .nick("Mask from alpha")
            .blurb(
                "Whether transparent pixels are missing, in formats with alpha. A half transparent \
                 pixel is half completed. Completed pixels are opaque",
            )
            .default_value(frame.mask_from_alpha)
            .mutable_playing()
            .build(),
        glib::ParamSpecInt::builder("damage-color")
            .nick("Damage color")
            .blurb(
                "Colour of missing pixels, such as drop-outs, as 0xRRGGBB; -1: none. Things of \
                 that colour beside the faces that are wider than a line or bar are left alone",
            )
            .minimum(NO_COLOR)
            .maximum(0xff_ff_ff)
            .default_value(frame.damage_color)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecUInt::builder("damage-tolerance")
            .nick("Damage tolerance")
            .blurb(
                "How far a pixel may be from damage-color in each component (R, G, B or Y, U, V, \
                 whichever the format has), in 255ths of the range",
            )
            .maximum(255)
            .default_value(frame.damage_tolerance)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecEnum::builder_with_default("region", frame.region)
            .nick("Region")
            .blurb(
                "Which pictures in the frame are completed, wherever something is missing in \
                 them",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecFloat::builder("mask-feather")
            .nick("Mask feather")
            .blurb(
                "Width of the blend along the inside of an occlusion's border, in pixels of the \
                 crop, so that it grows with the face. There is no blend where a cover fills an \
                 occlusion to its border. What masks say is replaced as a whole, see mask-grow",
            )
            .minimum(0.0)
            .maximum(64.0)
            .default_value(frame.mask_feather)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecUInt::builder("mask-grow")
            .nick("Mask grow")
            .blurb(
                "How many pixels of the frame every mask (mask-file, mask-from-alpha, \
                 damage-color) is widened by, because scaling and lossy coding smear a cover over \
                 its edge. The outer half of this rim blends into the picture. 0: no pixel beside \
                 the mask changes",
            )
            .maximum(MOST_GROWTH)
            .default_value(frame.mask_grow)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecFloat::builder("strength")
            .nick("Strength")
            .blurb(
                "How much of the completion is blended in: 0 is nothing, 1 is all of it. At 0 the \
                 generator does not run, and each region is only marked with its meta",
            )
            .minimum(0.0)
            .maximum(1.0)
            .default_value(frame.strength)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecBoolean::builder("dry-run")
            .nick("Dry run")
            .blurb(
                "Whether what is missing is only found, marked with metas and overlay and told by \
                 messages: nothing is painted, and the generator does not run",
            )
            .default_value(frame.dry_run)
            .mutable_playing()
            .build(),
        glib::ParamSpecFloat::builder("temporal-smoothing")
            .nick("Temporal smoothing")
            .blurb(
                "How still completions are held: the share of what was painted before that is \
                 kept after 1/30 s while the face is still. It is less where the surroundings of \
                 the hole change, and nothing after a scene cut. 0: each frame is completed by \
                 itself",
            )
            .minimum(0.0)
            .maximum(1.0)
            .default_value(frame.temporal_smoothing)
            .mutable_playing()
            .controllable()
            .build(),
        glib::ParamSpecEnum::builder_with_default("overlay", frame.overlay)
            .nick("Overlay")
            .blurb("What to draw over the output, to see what the element does")
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("max-faces")
            .nick("Max faces")
            .blurb("Most faces to complete in a frame; if there are more, the largest are taken")
            .minimum(1)
            .maximum(MAX_FACES)
            .default_value(frame.max_faces)
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("inference-interval")
            .nick("Inference interval")
            .blurb(
                "The generator runs on every n-th frame; 1 is every frame. In between, the last \
                 completion is moved along with the face. A new face is completed at once",
            )
            .minimum(1)
            .default_value(frame.inference_interval)
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("late-policy", frame.late_policy)
            .nick("Late policy")
            .blurb(
                "What to do with a frame that is late according to downstream's QoS events, if \
                 qos is set. No frame is dropped; a QoS message reports each late one",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
            .nick("Statistics")
            .blurb(
                "Counts since the start, none while stopped. Frames: frames, and of \
                 them skipped-late and restored (a lost channel, in the whole frame). Faces: faces; of them completed (by the generator), reused (an earlier \
                 completion), skipped-invalid (cannot be completed), skipped-surplus (more than \
                 max-faces), covered (something is found before them by occlusion=auto, whose net \
                 looked at cover-looks of the faces). Damage found by damage: drop-outs, spots of dirt, and scratches, each anew in every frame. Times: median (-p50), 95th percentile (-p95) and maximum (-max) of \
                 locate-us, covers-us, preprocess-us, inference-us and postprocess-us, in microseconds a \
                 frame. Of what was missing, where the model tells it: the mean shares from-memory, \
                 from-later, from-reference, from-mirror and painted, and how well the views agreed \
                 (agreement), all 0 to 1. Also the provider and the model in use",
            )
            .read_only()
            .build(),
    ];
    properties.extend(Blending::properties());
    properties.extend(Copying::properties());
    properties.extend(Covering::properties());
    properties.extend(DamageSearch::properties());
    properties.extend(Following::properties());
    properties.extend(model_settings::properties());
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_that_failed_does_not_undo_a_later_one() {
        let mut settings = Settings::default();
        let file = |name: &str| Some(PathBuf::from(name));
        for name in ["first", "second"] {
            assert!(settings.set("model-file", &Some(name).to_value()));
            assert!(settings.set("mask-file", &Some(name).to_value()));
        }
        settings.keep_model(1, file("in-use"));
        settings.keep_mask(1, file("in-use"));
        assert_eq!(settings.model.model_file, file("second"));
        assert_eq!(settings.mask_file, file("second"));
        settings.keep_model(2, file("in-use"));
        settings.keep_mask(2, None);
        assert_eq!(settings.model.model_file, file("in-use"));
        assert_eq!(settings.mask_file, None);
    }
}
