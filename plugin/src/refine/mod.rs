//! What a generator painted, painted anew at a multiple of its resolution: by a network that sees how
//! sharp the frame around it is (the contract is [`mde_core::refining`]), and with the detail of a
//! [prototype](mde_core::prototypes), the mean of faces that look like the one that is painted.
//!
//! Nothing is known here of frames, nor of how faces are told apart.

mod contrast;
mod likenesses;
mod look;
mod net;
mod prototypes;

pub use likenesses::{Completed, Enlarged, Likenesses};
pub use net::{RefineNet, Shown};
pub use prototypes::{Prototypes, PrototypesError};

/// What refines.
#[derive(Debug)]
pub struct Refiner {
    /// Paints anew.
    pub net: RefineNet,
    /// What faces look like.
    pub prototypes: Prototypes,
}
