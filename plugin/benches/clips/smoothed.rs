//! Points of a face that do not shake.

use mde_core::alignment::FacePoints;

/// Standard deviation in frames of the Gaussian over which points are averaged. Real motion of a
/// head is slower, and a mean over past and future does not lag behind it.
const SIGMA: f64 = 2.0;
const REACH: usize = 6;

/// The points of `track` around frame `index`, averaged.
pub fn smoothed(seen: &[Option<(i32, FacePoints)>], index: usize, track: i32) -> FacePoints {
    let mut sum = [[0.0; 2]; 5];
    let mut weights = 0.0;
    let around = index.saturating_sub(REACH)..(index + REACH + 1).min(seen.len());
    for (at, seen) in around.clone().zip(&seen[around]) {
        let Some((_, points)) = seen.filter(|(id, _)| *id == track) else {
            continue;
        };
        let off = (at as f64 - index as f64) / SIGMA;
        let weight = (-0.5 * off * off).exp();
        weights += weight;
        for (sum, value) in sum.as_flattened_mut().iter_mut().zip(points.as_flattened()) {
            *sum += weight * value;
        }
    }
    sum.map(|point| point.map(|v| v / weights))
}
