//! Where in a frame the pictures to complete are: the frame as a whole, what upstream marked, or
//! faces.
//!
//! Faces are found by a detector in some frames ([`Detector`], run by `detector_thread`, told when
//! by `schedule`), and followed from each frame to the next by a small net that looks where they
//! were ([`PointNet`], `track`). The [`Locator`] is all of that.
//!
//! Coordinates are those of [`mde_core::alignment`]: `(x, y)` in pixels, whole numbers at pixel
//! centres. Those of detector, net and tracks are pixels of the [`DisplaySpace`]: square, and with
//! the picture the right way up. Those of a [`Region`] are the frame's.

mod bounds;
mod centerface;
mod clock;
mod cut_detector;
mod detector;
mod detector_thread;
mod display;
mod hidden;
mod locator;
mod model_file;
mod point_net;
mod region;
mod roi;
mod schedule;
mod track;

pub use bounds::Bounds;
pub use centerface::Face;
pub use clock::Clock;
pub use cut_detector::CutDetector;
pub use detector::{Detector, DetectorError, Picture};
pub use display::{DisplaySpace, Turn};
pub use hidden::Hidden;
pub use locator::{LocateError, LocateOptions, Locator};
pub use model_file::VARIABLE as DETECTOR_VARIABLE;
pub use point_net::{PointEstimate, PointNet, PointQuery};
pub use region::Region;
pub use roi::{
    CHANNELS_TYPE, COMPLETED_TYPE, DROP_OUT_TYPE, FILM_TYPE, POINT_FIELDS, POINTS_PARAM, RoiError,
    is_marked, marked,
};
pub use track::{Track, TrackRules, bounds_of, eye_distance};
