//! What a generator painted, painted anew at a multiple of its resolution by a network that sees how
//! sharp the frame around it is: the contract is [`mde_core::refining`].
//!
//! Of frames and faces nothing is known here.

mod net;

pub use net::{RefineNet, Shown};
