//! Damage told in pixels of the frame: by a mask picture, by transparency, by a colour.
//!
//! A [`Raster`] holds what is damaged, at the frame's size. [`carry`] takes it into the mask of a
//! region's crop, which the generator sees, and a [`PixelHole`] blends the completion into the
//! damaged pixels alone. Nothing here knows GStreamer or a pixel format.
//!
//! Mask pictures are white where something is to be completed, as every inpainting tool has it;
//! the masks of crops are 1 where the picture is known, as the paper has it.

mod area;
mod carry;
mod distance;
mod fitted;
mod mask_file;
mod pixel_hole;
mod raster;

pub use area::area_of_crop;
pub use carry::carry;
pub use fitted::FittedMask;
pub use mask_file::{MaskFileError, decode, read};
pub use pixel_hole::PixelHole;
pub use raster::{Damage, Raster};
