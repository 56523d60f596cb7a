//! What an ONNX generator says of itself: input and output names, and the metadata that the
//! trainer writes and the element reads.
//!
//! | tensor | shape | meaning |
//! | --- | --- | --- |
//! | input `image` | `[N, 3, H, W]` f32 | RGB in the value range, missing values zero |
//! | input `mask` | `[N, 3, H, W]` f32 | 1 known, 0 missing |
//! | output `completed` | `[N, 3, H, W]` f32 | the generator's whole output, in the value range |
//!
//! That is version 1. A generator of version 2 copies where it can: it is also shown a *view*, an
//! earlier or other look at the same face on the same template, and tells where in it, and in its
//! own picture mirrored left to right, each pixel has its like. Its sides are even.
//!
//! | tensor | shape | meaning |
//! | --- | --- | --- |
//! | input `view` | `[N, 3, H, W]` f32 | the view: RGB in the value range, unknown values zero |
//! | input `view_mask` | `[N, 1, H, W]` f32 | 1 where the view is known; all zero where there is none |
//! | output `completed` | `[N, 3, H, W]` f32 | the whole output: what is painted and what is copied, blended by the weights |
//! | output `flow` | `[N, 4, H/2, W/2]` f32 | dx and dy of the view, then of the mirror, in crop pixels: pixel `(x, y)` copies its source at `(x + dx, y + dy)`, and the mirror's pixel `(x, y)` is the crop's `(W - 1 - x, y)` |
//! | output `weights` | `[N, 3, H/2, W/2]` f32 | how much is painted, copied from the view, copied from the mirror: in `[0, 1]`, together 1 |
//!
//! The grids of half size lie edge on edge on the crop: the centre of their pixel `i` is at
//! `2 i + 0.5` of the crop.
//!
//! `completed` holds all that shows at the crop's size. What a source shows beyond that, at its own
//! resolution, is added by whoever has the source: where it lies by the flow, and as much of it as
//! the weights say.

use std::num::ParseIntError;

/// Name of the picture input.
pub const INPUT_IMAGE: &str = "image";
/// Name of the mask input.
pub const INPUT_MASK: &str = "mask";
/// Name of the input with the view.
pub const INPUT_VIEW: &str = "view";
/// Name of the input that tells what of the view is known.
pub const INPUT_VIEW_MASK: &str = "view_mask";
/// Name of the output.
pub const OUTPUT: &str = "completed";
/// Name of the output that tells from where is copied.
pub const OUTPUT_FLOW: &str = "flow";
/// Name of the output that tells how much is painted and how much copied.
pub const OUTPUT_WEIGHTS: &str = "weights";

/// Sources that a generator of version 2 copies from: the view and the mirror, in this order.
pub const SOURCES: usize = 2;
/// Channels of the flow: two a source.
pub const FLOW_CHANNELS: usize = 2 * SOURCES;
/// Channels of the weights: painting, then each source.
pub const WEIGHT_CHANNELS: usize = 1 + SOURCES;
/// Crop pixels to a pixel of flow and weights, right and down.
pub const GRID_STEP: usize = 2;

/// The place of pixel `(x, y)` of a crop `width` pixels wide in one channel of flow or weights, which
/// has `cells` values. The last column and row of an odd crop have none of their own.
pub fn grid_cell(x: usize, y: usize, width: usize, cells: usize) -> usize {
    let columns = width / GRID_STEP;
    let row = (y / GRID_STEP).min(cells / columns - 1);
    row * columns + (x / GRID_STEP).min(columns - 1)
}

/// Value of the `kind` key.
pub const KIND: &str = "mde-generator";

const KEY_VERSION: &str = "mdecomplete.contract";
pub(crate) const KEY_KIND: &str = "mdecomplete.kind";
pub(crate) const KEY_WIDTH: &str = "mdecomplete.width";
pub(crate) const KEY_HEIGHT: &str = "mdecomplete.height";
pub(crate) const KEY_ALIGNMENT: &str = "mdecomplete.alignment";
pub(crate) const KEY_RANGE: &str = "mdecomplete.value_range";
pub(crate) const KEY_TRAINING: &str = "mdecomplete.training";
pub(crate) const KEY_LICENSE: &str = "mdecomplete.license";

/// The versions of this contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// Picture and mask in, completion out.
    #[default]
    One,
    /// With a view to copy from, and flow and weights that tell how it was done.
    Two,
}

impl Version {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];

    /// The value of the `contract` key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }
}

/// How a picture must be laid out before the generator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// A face on the five-point template ([`crate::alignment::TEMPLATE`]).
    FaceTemplate,
    /// Any picture.
    None,
}

impl Alignment {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FaceTemplate => "celeba-5pt",
            Self::None => "none",
        }
    }
}

/// The numbers that stand for black and white in a model's pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ValueRange {
    /// 0 to 1.
    #[default]
    Unit,
    /// 0 to 255.
    Byte,
    /// -1 to 1.
    Signed,
}

impl ValueRange {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unit, Self::Byte, Self::Signed];

    /// The number for black and the number for white.
    pub const fn black_and_white(self) -> (f32, f32) {
        match self {
            Self::Unit => (0.0, 1.0),
            Self::Byte => (0.0, 255.0),
            Self::Signed => (-1.0, 1.0),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unit => "0,1",
            Self::Byte => "0,255",
            Self::Signed => "-1,1",
        }
    }
}

/// The metadata of a generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Which of its versions the generator keeps.
    pub version: Version,
    /// Crop width in pixels.
    pub width: usize,
    /// Crop height in pixels.
    pub height: usize,
    /// Layout of the crop.
    pub alignment: Alignment,
    /// Numbers of the pictures, in and out.
    pub range: ValueRange,
    /// One line on how the weights came to be: preset, updates, data.
    pub training: String,
    /// Terms of the weights.
    pub license: String,
}

/// A model's metadata does not keep the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// A key is absent.
    #[error("the model has no metadata '{0}': export it with mde-train, which writes it")]
    Missing(&'static str),
    /// A value is not the one expected.
    #[error("the model's metadata '{key}' is '{found}': expected {expected}")]
    Unexpected {
        /// Metadata key.
        key: &'static str,
        /// What the file says.
        found: String,
        /// What is accepted.
        expected: &'static str,
    },
}

impl Contract {
    /// Whether the generator is shown views.
    pub fn takes_views(&self) -> bool {
        self.version == Version::Two
    }

    /// Width and height of flow and weights.
    pub fn grid(&self) -> (usize, usize) {
        (self.width / GRID_STEP, self.height / GRID_STEP)
    }

    /// The metadata pairs to store in a model file.
    pub fn to_metadata(&self) -> Vec<(&'static str, String)> {
        vec![
            (KEY_VERSION, self.version.name().to_owned()),
            (KEY_KIND, KIND.to_owned()),
            (KEY_WIDTH, self.width.to_string()),
            (KEY_HEIGHT, self.height.to_string()),
            (KEY_ALIGNMENT, self.alignment.name().to_owned()),
            (KEY_RANGE, self.range.name().to_owned()),
            (KEY_TRAINING, self.training.clone()),
            (KEY_LICENSE, self.license.clone()),
        ]
    }

    /// Whether a model with these metadata means to keep the contract: they have one of its keys.
    pub fn is_claimed(lookup: impl Fn(&str) -> Option<String>) -> bool {
        [KEY_VERSION, KEY_KIND]
            .iter()
            .any(|key| lookup(key).is_some())
    }

    /// Reads the contract through `lookup`, which yields the value of a metadata key.
    ///
    /// # Errors
    /// [`ContractError`] names the first key that is missing or has an unexpected value.
    pub fn from_metadata(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ContractError> {
        let lookup = &lookup;
        let found = get(lookup, KEY_VERSION)?;
        let Some(version) = Version::ALL.into_iter().find(|v| v.name() == found) else {
            return Err(ContractError::Unexpected {
                key: KEY_VERSION,
                found,
                expected: "'1' or '2'",
            });
        };
        // Flow and weights have half the crop's sides.
        let (divisor, sides) = match version {
            Version::One => (1, "a side of 16 to 4096 pixels"),
            Version::Two => (GRID_STEP, "an even side of 16 to 4096 pixels"),
        };
        expect(lookup, KEY_KIND, KIND)?;
        let range = range(lookup)?;
        let alignment = match get(lookup, KEY_ALIGNMENT)? {
            found if found == Alignment::FaceTemplate.name() => Alignment::FaceTemplate,
            found if found == Alignment::None.name() => Alignment::None,
            found => {
                return Err(ContractError::Unexpected {
                    key: KEY_ALIGNMENT,
                    found,
                    expected: "'celeba-5pt' or 'none'",
                });
            }
        };
        Ok(Self {
            version,
            width: side(lookup, KEY_WIDTH, divisor, sides)?,
            height: side(lookup, KEY_HEIGHT, divisor, sides)?,
            alignment,
            range,
            training: lookup(KEY_TRAINING).unwrap_or_default(),
            license: lookup(KEY_LICENSE).unwrap_or_default(),
        })
    }
}

/// The value of `key`.
fn get(
    lookup: &impl Fn(&str) -> Option<String>,
    key: &'static str,
) -> Result<String, ContractError> {
    lookup(key).ok_or(ContractError::Missing(key))
}

/// Whether the value of `key` is the one that is `wanted`.
pub(crate) fn expect(
    lookup: &impl Fn(&str) -> Option<String>,
    key: &'static str,
    wanted: &'static str,
) -> Result<(), ContractError> {
    match get(lookup, key)? {
        found if found == wanted => Ok(()),
        found => Err(ContractError::Unexpected {
            key,
            found,
            expected: wanted,
        }),
    }
}

/// The side in pixels that `key` tells, a multiple of `divisor`; `expected` is for messages.
pub(crate) fn side(
    lookup: &impl Fn(&str) -> Option<String>,
    key: &'static str,
    divisor: usize,
    expected: &'static str,
) -> Result<usize, ContractError> {
    let found = get(lookup, key)?;
    let parsed: Result<usize, ParseIntError> = found.parse();
    match parsed {
        Ok(v) if (16..=4096).contains(&v) && v % divisor == 0 => Ok(v),
        _ => Err(ContractError::Unexpected {
            key,
            found,
            expected,
        }),
    }
}

/// The numbers of the pictures.
pub(crate) fn range(lookup: &impl Fn(&str) -> Option<String>) -> Result<ValueRange, ContractError> {
    let found = get(lookup, KEY_RANGE)?;
    let range = ValueRange::ALL.into_iter().find(|r| r.name() == found);
    range.ok_or(ContractError::Unexpected {
        key: KEY_RANGE,
        found,
        expected: "'0,1', '0,255' or '-1,1'",
    })
}
