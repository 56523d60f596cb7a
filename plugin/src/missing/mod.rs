//! What is missing from a frame.
//!
//! Damage is told in pixels of the frame: by a mask picture, by alpha, by a colour. A
//! [`FrameMissing`] unites these sources in one [`Raster`] of the frame's size, widened to what
//! coding and scaling smear of a cover over its edge. From that raster alone come what the
//! generator is not shown of a region's crop, how much of each pixel is replaced by the completion,
//! and the rest, which lies in no region. What is missing from every crop, whatever the frame shows
//! (a [`StaticHole`]: named occlusions, channels), joins it there, and so does the cover that was
//! found before the region's own face (a [`LaidCover`]).
//!
//! Mask pictures are white where something is to be completed, as every inpainting tool has it;
//! the masks of crops are 1 where the picture is known, as the paper has it. Nothing here knows a
//! pixel format: pixels are looked at by [`crate::frame`].

mod area;
mod carry;
mod colour;
mod fitted;
mod frame_missing;
mod laid_cover;
mod mask_file;
mod raster;
mod region_weights;
mod static_hole;
mod teller;
mod widen;

pub use area::area_of_crop;
pub use carry::carry;
pub use fitted::{FittedMask, FrameShape};
pub use frame_missing::{FrameMissing, Sources};
pub use laid_cover::LaidCover;
pub use mask_file::{MaskFileError, decode, read};
pub use raster::{Damage, Raster};
pub use static_hole::{Asked, StaticHole};
pub use teller::{Teller, Tellers};
