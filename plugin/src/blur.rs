//! Pictures without their detail.

/// Blurs planes. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Blur {
    aside: Vec<f32>,
    line: Vec<f32>,
}

impl Blur {
    /// Blurs `plane`, `[H, W]` of `size` = (width, height), by boxes of `radius` applied three times: much as a
    /// Gaussian of a standard deviation of `sqrt(radius * (radius + 1))` does. Beyond the edges lies what
    /// is on them.
    ///
    /// # Panics
    /// If `plane` is smaller.
    pub fn blur(&mut self, plane: &mut [f32], (width, height): (usize, usize), radius: usize) {
        let Self { aside, line } = self;
        for row in plane.chunks_exact_mut(width) {
            (0..3).for_each(|_| means(row, radius, line));
        }
        // Rows of sums go faster than columns.
        for _ in 0..3 {
            aside.clear();
            aside.extend_from_slice(&plane[..width * height]);
            let row = |y: isize| {
                let y = y.clamp(0, height as isize - 1) as usize;
                &aside[y * width..][..width]
            };
            line.clear();
            line.resize(width, 0.0);
            let reach = radius as isize;
            for y in -reach..=reach {
                line.iter_mut().zip(row(y)).for_each(|(sum, v)| *sum += v);
            }
            for y in 0..height {
                let share = 1.0 / (2 * radius + 1) as f32;
                let (comes, goes) = (row(y as isize + reach + 1), row(y as isize - reach));
                for (x, value) in plane[y * width..][..width].iter_mut().enumerate() {
                    *value = line[x] * share;
                    line[x] += comes[x] - goes[x];
                }
            }
        }
    }
}

/// Makes each of `values` the mean of those around.
fn means(values: &mut [f32], radius: usize, before: &mut Vec<f32>) {
    before.clear();
    before.extend(std::iter::repeat_n(values[0], radius + 1));
    before.extend_from_slice(values);
    before.extend(std::iter::repeat_n(values[values.len() - 1], radius));
    let share = 1.0 / (2 * radius + 1) as f32;
    let mut sum: f32 = before[..=2 * radius].iter().sum();
    for (i, value) in values.iter_mut().enumerate() {
        sum += before[i + 2 * radius + 1] - before[i];
        *value = sum * share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_bell_and_what_is_flat_stays() {
        let size = (64, 48);
        let mut plane = vec![0.0; 64 * 48];
        plane[24 * 64 + 30] = 1.0;
        Blur::default().blur(&mut plane, size, 5);
        let sum: f32 = plane.iter().sum();
        assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        let spread = |axis: usize| {
            let off = plane.iter().enumerate().map(|(i, v)| {
                let off = [i % 64, i / 64][axis] as f32 - [30.0, 24.0][axis];
                v * off * off
            });
            off.sum::<f32>().sqrt()
        };
        for axis in [0, 1] {
            assert!((spread(axis) - 5.48).abs() < 0.1, "{}", spread(axis));
        }
        let mut flat = vec![0.3; 20 * 10];
        Blur::default().blur(&mut flat, (20, 10), 5);
        assert!(flat.iter().all(|v| (v - 0.3).abs() < 1e-5));
    }
}
