//! The flags of the property `damaged-channels`.

#![allow(
    missing_docs,
    reason = "the flags macro drops the documentation of what it makes"
)]

use gst::glib;

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
}

impl DamagedChannels {
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
