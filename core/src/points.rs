//! What a point net is: the network that finds the five points of a face on a small crop around
//! it, however much of the face is covered.
//!
//! | tensor | shape | meaning |
//! | --- | --- | --- |
//! | input `crop` | `[N, 3, 64, 64]` f32 | RGB in `[0, 1]`, as the camera or the recording has it, covers and damages included |
//! | output `points` | `[N, 10]` f32 | x and y of the five points in crop pixels, in the order of [`FacePoints`] |
//! | output `visibility` | `[N, 5]` f32 | how probable it is that a point is not covered |
//! | output `score` | `[N, 1]` f32 | how probable it is that a face lies on the crop, about where [`template`] has it |

use crate::alignment::{self, Affine, AlignmentError, FacePoints};
use crate::contract::ContractError;

/// Side of the crop in pixels.
pub const SIZE: usize = 64;
/// Name of the input.
pub const INPUT: &str = "crop";
/// Names of the outputs, in their order.
pub const OUTPUTS: [&str; 3] = [OUTPUT_POINTS, OUTPUT_VISIBILITY, OUTPUT_SCORE];
/// Name of the output with the points.
pub const OUTPUT_POINTS: &str = "points";
/// Name of the output with the points' visibilities.
pub const OUTPUT_VISIBILITY: &str = "visibility";
/// Name of the output with the face score.
pub const OUTPUT_SCORE: &str = "score";

/// Value of the `kind` key.
pub const KIND: &str = "mde-points";
/// Version of this contract, value of the `contract` key.
pub const VERSION: &str = "1";

const KEY_VERSION: &str = "mdecomplete.contract";
const KEY_KIND: &str = "mdecomplete.kind";
const KEY_TRAINING: &str = "mdecomplete.training";
const KEY_LICENSE: &str = "mdecomplete.license";

/// Distance of the template's eyes on this crop, in pixels; on the face crop it is 27.
const EYE_DISTANCE: f64 = 20.0;
const SCALE: f64 = EYE_DISTANCE / 27.0;
/// The middle of the five points on the 96x96 face crop.
const MIDDLE: [f64; 2] = [47.82, 53.76];

/// From the 96x96 face crop to this crop. The five points' middle goes to the crop's, and there
/// is room for the head around them.
pub const FROM_FACE_CROP: Affine = Affine {
    linear: [[SCALE, 0.0], [0.0, SCALE]],
    translation: [31.5 - SCALE * MIDDLE[0], 31.5 - SCALE * MIDDLE[1]],
};

/// The mean face on this crop.
pub fn template() -> FacePoints {
    alignment::TEMPLATE.map(|p| FROM_FACE_CROP.apply(p))
}

/// The map from picture coordinates to the crop on which `points` fall onto the [`template`].
///
/// # Errors
/// As [`Affine::similarity`].
pub fn align(points: &FacePoints) -> Result<Affine, AlignmentError> {
    Affine::similarity(points, &template())
}

/// The metadata pairs to store in a model file.
pub fn to_metadata(training: String, license: String) -> Vec<(&'static str, String)> {
    vec![
        (KEY_VERSION, VERSION.to_owned()),
        (KEY_KIND, KIND.to_owned()),
        (KEY_TRAINING, training),
        (KEY_LICENSE, license),
    ]
}

/// Whether a model's metadata, read through `lookup`, say that it is a point net of this version.
///
/// # Errors
/// [`ContractError`] names the first key that is missing or has an unexpected value.
pub fn check_metadata(lookup: impl Fn(&str) -> Option<String>) -> Result<(), ContractError> {
    for (key, expected) in [(KEY_VERSION, VERSION), (KEY_KIND, KIND)] {
        let found = lookup(key).ok_or(ContractError::Missing(key))?;
        if found != expected {
            return Err(ContractError::Unexpected {
                key,
                found,
                expected,
            });
        }
    }
    Ok(())
}
