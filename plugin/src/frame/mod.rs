//! Reading a region of a raw video frame into an RGB crop, and writing completed pixels back.
//!
//! Everything that depends on the pixel format is here. `format` says how samples are packed; each
//! colour component of a frame is then seen as a plane of samples with its own subsampling and
//! siting (`component`), and colorimetry as an affine map between those samples and RGB (`colour`),
//! so there is one way for all formats.
//!
//! A crop is read by a [`Reader`] (`shrunk` takes the samples it needs). A [`Writer`] blends a
//! completion into the frame: `canvas` goes through the frame's rows and blends what a blend source
//! says into the samples. Blend sources are completions with one hole for all channels (`plain`,
//! which `sharpen` prepares for being enlarged) or with a hole for each (`mixed`, sharpened by `guide`), and the marks of [`draw`]. What a completion
//! copies is laid on with the [`Pyramid`] of its source (`layer`), what a refiner makes of the rest at
//! its resolution (`refined`), and `grain` gives that the texture that the frame has around it.
//!
//! A [`Search`] looks at what single pixels hold, a [`Probe`] at means of blocks. A [`Filler`] fills
//! holes without a generator, [`Earlier`] with what was there before, [`mend`] with what
//! other frames show ([`Still`]). A [`Realigner`] moves a displaced channel.
//!
//! Coordinates are those of [`mde_core::alignment`]: whole numbers at pixel centres.

mod canvas;
mod colour;
mod component;
mod displaced;
pub mod draw;
mod earlier;
mod fill;
mod format;
mod grain;
mod guide;
mod hole;
mod layer;
mod mend;
mod mixed;
mod number;
mod plain;
mod probe;
mod pyramid;
mod read;
mod refined;
mod sampler;
mod search;
mod sharpen;
mod shrunk;
mod still;
mod whole;
mod write;

pub use colour::Channels;
pub use displaced::{Part, Realigner};
pub use earlier::Earlier;
pub use fill::Filler;
pub use format::SUPPORTED_FORMATS;
pub use hole::Hole;
pub use layer::{Layer, MOST_LAYERS, shown};
pub use mend::{Shown, mend};
pub use probe::{Grid, Probe, to_rgb};
pub use pyramid::{Level, Picture, Pyramid, factor_of, shrink};
pub use read::{Crop, Reader, mixes_pixels, reach};
pub use refined::Refined;
pub use sampler::BLOCK;
pub use search::{ColourRange, Match, Search, has_alpha, make_opaque, shared_block};
pub use sharpen::{Painting, Sharpener};
pub use still::{Still, read_brightness};
pub use write::{Completion, PixelWeights, Writer};
