//! The flags of the property `occlusion`.

#![allow(
    missing_docs,
    reason = "the flags macro drops the documentation of what it makes"
)]

use gst::glib;
use mde_core::occlusion::Occlusion;

/// Parts of the aligned crop to complete; left and right are the picture's.
#[glib::flags(name = "GstMdeCompleteOcclusion")]
pub enum Occlusions {
    /// [`Occlusion::RightHalf`].
    #[flags_value(name = "Right half: the picture's right half", nick = "right-half")]
    RIGHT_HALF = 1 << 0,
    /// [`Occlusion::LeftHalf`].
    #[flags_value(name = "Left half: the picture's left half", nick = "left-half")]
    LEFT_HALF = 1 << 1,
    /// [`Occlusion::Eyes`].
    #[flags_value(name = "Eyes: both eyes", nick = "eyes")]
    EYES = 1 << 2,
    /// [`Occlusion::RightEye`].
    #[flags_value(name = "Right eye: the eye on the picture's right", nick = "right-eye")]
    RIGHT_EYE = 1 << 3,
    /// [`Occlusion::LeftEye`].
    #[flags_value(name = "Left eye: the eye on the picture's left", nick = "left-eye")]
    LEFT_EYE = 1 << 4,
    /// [`Occlusion::Mouth`].
    #[flags_value(name = "Mouth: the mouth", nick = "mouth")]
    MOUTH = 1 << 5,
    /// What is found to be before the face.
    #[flags_value(
        name = "Auto: what is found to cover the face, of the kinds in cover-kinds",
        nick = "auto"
    )]
    AUTO = 1 << 6,
}

impl Occlusions {
    /// The occlusions whose flags are set.
    pub fn named(self) -> impl Iterator<Item = Occlusion> {
        let flag = |occlusion| match occlusion {
            Occlusion::RightHalf => Self::RIGHT_HALF,
            Occlusion::LeftHalf => Self::LEFT_HALF,
            Occlusion::Eyes => Self::EYES,
            Occlusion::RightEye => Self::RIGHT_EYE,
            Occlusion::LeftEye => Self::LEFT_EYE,
            Occlusion::Mouth => Self::MOUTH,
        };
        Occlusion::ALL
            .into_iter()
            .filter(move |&occlusion| self.contains(flag(occlusion)))
    }
}
