//! Scene cuts, seen on thumbnails.

/// Size of a thumbnail in pixels.
pub const THUMBNAIL: (usize, usize) = (32, 18);

/// Correlation below which two frames show different scenes. Motion within a scene leaves it
/// above 0.6, light that changes does not touch it.
const LEAST_CORRELATION: f64 = 0.35;
/// Mean difference in `[0, 1]` below which the scene is the same whatever the correlation: dark
/// and flat frames differ by their noise alone.
const LEAST_DIFFERENCE: f64 = 0.04;
/// Standard deviation below which a frame is flat and correlates with nothing.
const FLAT: f64 = 0.01;

/// Compares each frame with the one before.
#[derive(Debug, Default)]
pub struct Scene {
    last: Vec<f32>,
}

impl Scene {
    /// Whether a cut lies between the last frame and this one, whose thumbnail has the `luma`
    /// `[18, 32]` in `[0, 1]`. The first frame follows no cut.
    pub fn is_cut(&mut self, luma: &[f32]) -> bool {
        let is_cut = !self.last.is_empty() && differ(&self.last, luma);
        self.last.clear();
        self.last.extend_from_slice(luma);
        is_cut
    }

    /// Takes the next frame for the first.
    pub fn forget(&mut self) {
        self.last.clear();
    }
}

fn differ(a: &[f32], b: &[f32]) -> bool {
    let n = a.len() as f64;
    let mean = |values: &[f32]| values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut difference, mut var_a, mut var_b, mut both) = (0.0, 0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        difference += (a - b).abs() / n;
        var_a += (a - mean_a).powi(2) / n;
        var_b += (b - mean_b).powi(2) / n;
        both += (a - mean_a) * (b - mean_b) / n;
    }
    let (dev_a, dev_b) = (var_a.sqrt(), var_b.sqrt());
    let is_flat = dev_a < FLAT || dev_b < FLAT;
    let unlike = is_flat || both / (dev_a * dev_b) < LEAST_CORRELATION;
    // A flash or a fade leaves one of the frames flat, too; only pictures that both show something
    // else, or a sudden black, are a cut.
    unlike && difference > LEAST_DIFFERENCE
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PIXELS: usize = THUMBNAIL.0 * THUMBNAIL.1;

    /// A thumbnail whose brightness waves along x and y.
    fn picture(phase: f32, waves: [f32; 2], gain: f32) -> Vec<f32> {
        let plane = (0..PIXELS).map(|i| {
            let (x, y) = ((i % THUMBNAIL.0) as f32, (i / THUMBNAIL.0) as f32);
            (gain * (0.5 + 0.4 * (waves[0] * x + waves[1] * y + phase).sin())).clamp(0.0, 1.0)
        });
        plane.collect()
    }

    #[test]
    fn another_picture_is_a_cut_and_the_same_is_none() {
        let mut scene = Scene::default();
        let (first, second) = (
            picture(0.0, [0.3, 0.1], 1.0),
            picture(0.0, [-0.1, 0.5], 1.0),
        );
        let cuts = [&first, &first, &second, &second, &first].map(|p| scene.is_cut(p));
        assert_eq!(cuts, [false, false, true, false, true]);
        scene.forget();
        assert!(!scene.is_cut(&second));
    }

    proptest! {
        #[test]
        fn light_and_small_motion_are_no_cuts(
            gain in 0.4f32..1.2,
            shift in -0.6f32..0.6,
            waves in [0.1f32..0.5, 0.1f32..0.5],
        ) {
            let mut scene = Scene::default();
            scene.is_cut(&picture(0.0, waves, 1.0));
            prop_assert!(!scene.is_cut(&picture(shift, waves, gain)));
        }

        #[test]
        fn noise_in_the_dark_is_no_cut(seed in prop::collection::vec(0.0f32..0.05, 2 * PIXELS)) {
            let mut scene = Scene::default();
            let (a, b) = seed.split_at(PIXELS);
            scene.is_cut(a);
            prop_assert!(!scene.is_cut(b));
        }
    }
}
