//! The one record of a face that goes through all steps of a frame.

use std::sync::Arc;

use mde_core::occlusion::Rect;

use super::identity::Identity;
use crate::covers::Finding;
use crate::frame::Pyramid;
use crate::locate::Region;
use crate::views::Choice;

/// A region of the present frame, and what has become of it so far.
#[derive(Clone, Debug)]
pub struct Face {
    /// Where it is.
    pub region: Region,
    /// Whose it is; nothing before [`Identities::recognise`](super::identity::Identities::recognise).
    pub identity: Option<Identity>,
    /// What is found before it.
    pub cover: Option<Finding>,
    /// Whether it may be covered more than is found.
    pub is_doubtful: bool,
    /// A rectangle of the frame around its damaged and covered pixels, if it has any besides what is
    /// missing from every crop.
    pub damage: Option<Rect>,
    /// Whether anything of it is missing.
    pub is_holed: bool,
    /// Its completion; nothing where it has none.
    pub crop: Option<BatchCrop>,
    /// Whether that is the completion of an earlier frame.
    pub is_recalled: bool,
}

/// A crop of the batch, with what it is completed from.
#[derive(Clone, Debug)]
pub struct BatchCrop {
    /// Its place in the batch.
    pub index: usize,
    /// Whether it is covered up to the border of the hole that every crop has.
    pub is_covered: bool,
    /// The view that the generator is shown with it.
    pub view: Option<Choice>,
    /// What the mirrored frame shows, if the generator has copied from that.
    pub mirror: Option<Arc<Pyramid>>,
}

impl Face {
    /// The face in `region`, of which nothing else is known.
    pub fn new(region: Region) -> Self {
        Self {
            region,
            identity: None,
            cover: None,
            is_doubtful: false,
            damage: None,
            is_holed: false,
            crop: None,
            is_recalled: false,
        }
    }

    /// Keeps where it is and whose, for a frame in which nobody looks for faces.
    pub fn renew(&mut self) {
        *self = Self {
            identity: self.identity,
            ..Self::new(self.region)
        };
    }
}
