//! What a cover net is: the network that tells on the aligned crop of a face which pixels show
//! something before the face, and of what kind that is.
//!
//! | tensor | shape | meaning |
//! | --- | --- | --- |
//! | input `image` | `[N, 3, S, S]` f32 | RGB in the value range, covers and all; what is known to be missing is grey, [`MISSING`] |
//! | input `view` | `[N, 3, S, S]` f32 | an earlier look at the same face on the same template: RGB in the value range, unknown values zero |
//! | input `view_mask` | `[N, 1, S, S]` f32 | 1 where the view is known; all zero where there is none |
//! | input `last` | `[N, 5, S/2, S/2]` f32 | what the net last said of this face; all zero where it said nothing yet |
//! | output `covers` | `[N, 5, S/2, S/2]` f32 | for each [`Kind`], in the order of [`Kind::ALL`], how probable it is that a pixel shows it, in `[0, 1]` |
//!
//! The grids of half size lie edge on edge on the crop, as those of a generator do
//! ([`crate::contract`]).

use std::fmt;
use std::str::FromStr;

use crate::contract::{self, Alignment, ContractError, GRID_STEP, ValueRange};

/// Name of the picture input.
pub const INPUT_IMAGE: &str = contract::INPUT_IMAGE;
/// Name of the input with the view.
pub const INPUT_VIEW: &str = contract::INPUT_VIEW;
/// Name of the input that tells what of the view is known.
pub const INPUT_VIEW_MASK: &str = contract::INPUT_VIEW_MASK;
/// Name of the input with the last answer.
pub const INPUT_LAST: &str = "last";
/// Name of the output.
pub const OUTPUT: &str = "covers";

/// Side of the crops of the trainer's nets in pixels; a file tells its own.
pub const SIDE: usize = 128;

/// What the channels of a pixel of the image are that is known to be missing by other means, as a share of
/// the value range: nothing is to be told of it.
pub const MISSING: f32 = 0.5;

/// Version of this contract, value of the `covers` key.
pub const VERSION: &str = "1";
/// Value of the `kind` key.
pub const KIND: &str = "mde-covers";

const KEY_VERSION: &str = "mdecomplete.covers";
const KEY_KINDS: &str = "mdecomplete.covers.kinds";

/// What may be before a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Hands, microphones, cups, text, bars, blocks, logos, smoke.
    Objects,
    /// Masks and scarves before mouth and nose.
    Masks,
    /// Glasses whose lenses cannot be seen through.
    Sunglasses,
    /// Clear glasses.
    Glasses,
    /// A fringe or strands before skin, eyes or brows; not the hair that grows around the face,
    /// nor brows, nor a beard.
    Hair,
}

impl Kind {
    /// All of them, in the order of the net's channels.
    pub const ALL: [Self; 5] = [
        Self::Objects,
        Self::Masks,
        Self::Sunglasses,
        Self::Glasses,
        Self::Hair,
    ];

    /// The name by which users know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Masks => "masks",
            Self::Sunglasses => "sunglasses",
            Self::Glasses => "glasses",
            Self::Hair => "hair",
        }
    }

    /// Its channel in what the net answers.
    pub const fn channel(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No kind of cover has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no kind of cover: expected 'objects', 'masks', 'sunglasses', 'glasses' or 'hair'"
)]
pub struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        (Self::ALL.into_iter())
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

/// The metadata of a cover net.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Side of the crop in pixels.
    pub side: usize,
    /// Numbers of the pictures.
    pub range: ValueRange,
    /// One line on how the weights came to be.
    pub training: String,
    /// Terms of the weights.
    pub license: String,
}

impl Contract {
    /// Side of the last answer and of the new one.
    pub fn grid(&self) -> usize {
        self.side / GRID_STEP
    }

    /// The metadata pairs to store in a model file.
    pub fn to_metadata(&self) -> Vec<(&'static str, String)> {
        vec![
            (KEY_VERSION, VERSION.to_owned()),
            (KEY_KINDS, kinds()),
            (contract::KEY_KIND, KIND.to_owned()),
            (contract::KEY_WIDTH, self.side.to_string()),
            (contract::KEY_HEIGHT, self.side.to_string()),
            (
                contract::KEY_ALIGNMENT,
                Alignment::FaceTemplate.name().to_owned(),
            ),
            (contract::KEY_RANGE, self.range.name().to_owned()),
            (contract::KEY_TRAINING, self.training.clone()),
            (contract::KEY_LICENSE, self.license.clone()),
        ]
    }

    /// Reads the contract through `lookup`, which yields the value of a metadata key.
    ///
    /// # Errors
    /// [`ContractError`] names the first key that is missing or has an unexpected value.
    pub fn from_metadata(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ContractError> {
        let lookup = &lookup;
        contract::expect(lookup, KEY_VERSION, VERSION)?;
        contract::expect(lookup, KEY_KINDS, "objects,masks,sunglasses,glasses,hair")?;
        let template = Alignment::FaceTemplate.name();
        contract::expect(lookup, contract::KEY_ALIGNMENT, template)?;
        // Three halvings follow that of the stem.
        let [width, height] = [contract::KEY_WIDTH, contract::KEY_HEIGHT].map(|key| {
            contract::side(
                lookup,
                key,
                16,
                "a side of 16 to 4096 pixels, a multiple of 16",
            )
        });
        let side = width?;
        if height? != side {
            return Err(ContractError::Unexpected {
                key: contract::KEY_HEIGHT,
                found: lookup(contract::KEY_HEIGHT).unwrap_or_default(),
                expected: "the crop's width",
            });
        }
        Ok(Self {
            side,
            range: contract::range(lookup)?,
            training: lookup(contract::KEY_TRAINING).unwrap_or_default(),
            license: lookup(contract::KEY_LICENSE).unwrap_or_default(),
        })
    }
}

/// The names of all kinds, as the metadata list them.
fn kinds() -> String {
    Kind::ALL.map(Kind::name).join(",")
}
