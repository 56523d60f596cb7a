//! The flags and enums of the properties of channels.

#![allow(
    missing_docs,
    reason = "the flags macro drops the documentation of what it makes"
)]

use gst::glib;

use crate::damage::{Fault, Faults};

/// Colour channels that are missing from each region as a whole.
#[glib::flags(name = "GstMdeCompleteChannels")]
pub enum DamagedChannels {
    /// Channel 0 of a mask.
    #[flags_value(name = "Red: the red channel", nick = "red")]
    RED = 1 << 0,
    /// Channel 1 of a mask.
    #[flags_value(name = "Green: the green channel", nick = "green")]
    GREEN = 1 << 1,
    /// Channel 2 of a mask.
    #[flags_value(name = "Blue: the blue channel", nick = "blue")]
    BLUE = 1 << 2,
    /// Channels 0 and 2, with luma in place of channel 1.
    #[flags_value(
        name = "Chroma: all colour, so that only the brightness is known",
        nick = "chroma"
    )]
    CHROMA = 1 << 3,
    /// Those that a frame shows to be damaged.
    #[flags_value(
        name = "Auto: the channels that are found dead, stuck, flat or noise, or are displaced and \
                put back",
        nick = "auto"
    )]
    AUTO = 1 << 4,
}

/// What may be wrong with a channel.
#[glib::flags(name = "GstMdeCompleteChannelKinds")]
pub enum ChannelKinds {
    /// [`Fault::Dead`].
    #[flags_value(name = "Dead: it has its lowest value everywhere", nick = "dead")]
    DEAD = 1 << 0,
    /// [`Fault::Stuck`].
    #[flags_value(name = "Stuck: it has one value everywhere", nick = "stuck")]
    STUCK = 1 << 1,
    /// [`Fault::Flat`].
    #[flags_value(
        name = "Flat: it has nearly one value everywhere, and the rest is not the picture",
        nick = "flat"
    )]
    FLAT = 1 << 2,
    /// [`Fault::Noise`].
    #[flags_value(name = "Noise: it shows noise", nick = "noise")]
    NOISE = 1 << 3,
    /// [`Fault::Shifted`].
    #[flags_value(
        name = "Shifted: it lies beside the others, and is put back",
        nick = "shifted"
    )]
    SHIFTED = 1 << 4,
}

impl ChannelKinds {
    /// Whether `fault` is of these kinds.
    pub fn hold(self, fault: Fault) -> bool {
        self.contains(match fault {
            Fault::Dead => Self::DEAD,
            Fault::Stuck => Self::STUCK,
            Fault::Flat => Self::FLAT,
            Fault::Noise => Self::NOISE,
            Fault::Shifted(_) => Self::SHIFTED,
        })
    }
}

/// Where channels that are missing are restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstMdeCompleteChannelScope")]
pub enum ChannelScope {
    /// By the generator of scenes.
    #[enum_value(
        name = "Frame: in the whole frame, before faces are looked for",
        nick = "frame"
    )]
    Frame,
    /// By the generator of faces.
    #[enum_value(name = "Regions: in the regions alone", nick = "regions")]
    Regions,
}

impl DamagedChannels {
    /// What cannot be picture where there are these `faults`. Displaced channels are not among it.
    pub fn of(faults: &Faults) -> Self {
        let is_lost =
            |fault: &Option<Fault>| fault.is_some_and(|fault| !matches!(fault, Fault::Shifted(_)));
        let lost = [Self::RED, Self::GREEN, Self::BLUE]
            .into_iter()
            .zip(&faults.rgb);
        let lost = lost.filter_map(|(flag, fault)| is_lost(fault).then_some(flag));
        let mut flags = lost.fold(Self::empty(), |flags, flag| flags | flag);
        let [luma, chroma @ ..] = &faults.components;
        if is_lost(luma) {
            flags |= Self::RED | Self::GREEN | Self::BLUE;
        }
        if chroma.iter().any(is_lost) {
            flags |= Self::CHROMA;
        }
        flags
    }

    /// The channels of a mask that are missing.
    pub fn missing(self) -> impl Iterator<Item = usize> {
        let flags = [
            Self::RED | Self::CHROMA,
            Self::GREEN,
            Self::BLUE | Self::CHROMA,
        ];
        (0..)
            .zip(flags)
            .filter_map(move |(channel, flags)| self.intersects(flags).then_some(channel))
    }
}
