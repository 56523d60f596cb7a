//! The cover net: on which pixels of an aligned face something is before the face, and what.

mod arm;
pub mod batches;
mod cloth;
pub mod cutouts;
mod draw;
pub mod faces;
mod hair;
pub mod labelled;
pub mod labels;
mod layer;
mod loss;
pub mod network;
mod parsed;
pub mod sample;
pub mod scores;
mod shade;
mod shapes;
#[cfg(test)]
mod tests;
pub mod trainee;

use mde_core::alignment::Point;
use mde_core::covers::SIDE;

/// The centres of a crop's pixels, row by row.
fn pixels() -> impl Iterator<Item = Point> {
    (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| [x as f64, y as f64]))
}
