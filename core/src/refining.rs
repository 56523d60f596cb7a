//! What a refiner is: the network that paints anew, at a multiple of the generator's resolution, what
//! the generator painted on the aligned crop of a face.
//!
//! | tensor | shape | meaning |
//! | --- | --- | --- |
//! | input `image` | `[N, 3, H, W]` f32 | RGB in the value range: what is known as the frame shows it, what is missing as the generator completed it, enlarged |
//! | input `mask` | `[N, 1, H, W]` f32 | 1 known, 0 missing |
//! | output `refined` | `[N, 3, H, W]` f32 | RGB in the value range; what is known is as it was |
//!
//! A face is shown [`Contract::scale`] times as large as the generator's crop of it is. `H` and `W` are
//! free, multiples of [`STEP`]: it is enough to show the hole and [`CONTEXT`] pixels around it.

use crate::contract::{self, Alignment, ContractError, ValueRange};

/// Name of the picture input.
pub const INPUT_IMAGE: &str = contract::INPUT_IMAGE;
/// Name of the mask input.
pub const INPUT_MASK: &str = contract::INPUT_MASK;
/// Name of the output.
pub const OUTPUT: &str = "refined";

/// Pixels for each of the generator's, in each direction, of the trainer's nets; a file tells its own.
pub const SCALE: usize = 2;
/// What sides are multiples of.
pub const STEP: usize = 16;
/// Pixels around a hole that the trainer's nets make use of.
pub const CONTEXT: usize = 16;

/// Version of this contract, value of the `refiner` key.
pub const VERSION: &str = "1";
/// Value of the `kind` key.
pub const KIND: &str = "mde-refiner";

const KEY_VERSION: &str = "mdecomplete.refiner";
const KEY_SCALE: &str = "mdecomplete.refiner.scale";
/// Most pixels for each of the generator's.
const MOST_SCALE: usize = 8;

/// The metadata of a refiner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Pixels for each of the generator's, in each direction.
    pub scale: usize,
    /// Numbers of the pictures.
    pub range: ValueRange,
    /// One line on how the weights came to be.
    pub training: String,
    /// Terms of the weights.
    pub license: String,
}

impl Contract {
    /// The metadata pairs to store in a model file.
    pub fn to_metadata(&self) -> Vec<(&'static str, String)> {
        vec![
            (KEY_VERSION, VERSION.to_owned()),
            (KEY_SCALE, self.scale.to_string()),
            (contract::KEY_KIND, KIND.to_owned()),
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
        let template = Alignment::FaceTemplate.name();
        contract::expect(lookup, contract::KEY_ALIGNMENT, template)?;
        let found = lookup(KEY_SCALE).unwrap_or_default();
        let scale = found.parse().ok().filter(|s| (2..=MOST_SCALE).contains(s));
        let scale = scale.ok_or(ContractError::Unexpected {
            key: KEY_SCALE,
            found,
            expected: "a whole number from 2 to 8",
        })?;
        Ok(Self {
            scale,
            range: contract::range(lookup)?,
            training: lookup(contract::KEY_TRAINING).unwrap_or_default(),
            license: lookup(contract::KEY_LICENSE).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn pairs() -> HashMap<&'static str, String> {
        let contract = Contract {
            scale: SCALE,
            range: ValueRange::Unit,
            training: "none".to_owned(),
            license: "any".to_owned(),
        };
        contract.to_metadata().into_iter().collect()
    }

    fn read(pairs: &HashMap<&'static str, String>) -> Result<Contract, ContractError> {
        Contract::from_metadata(|key| pairs.get(key).cloned())
    }

    #[test]
    fn metadata_come_back() {
        let contract = read(&pairs()).expect("its own metadata");
        assert_eq!((contract.scale, contract.range), (2, ValueRange::Unit));
        assert_eq!(contract.training, "none");
    }

    #[test]
    fn a_scale_that_is_none_is_named() {
        for scale in ["", "1", "9", "two"] {
            let mut pairs = pairs();
            pairs.insert(KEY_SCALE, scale.to_owned());
            let error = read(&pairs).expect_err(scale).to_string();
            assert!(error.contains(KEY_SCALE), "{error}");
        }
    }
}
