//! Sums over the pixels around each pixel.

/// Sums over boxes, clipped at the picture's edges.
#[derive(Clone, Debug, Default)]
pub struct Blur {
    pub values: Vec<f32>,
    /// The values before.
    pub kept: Vec<f32>,
    spare: Vec<f32>,
    column: Vec<f32>,
}

impl Blur {
    /// Keeps the values beside the next ones.
    pub fn keep(&mut self) {
        std::mem::swap(&mut self.values, &mut self.kept);
    }

    /// The sums of `values` over boxes of `2 radius - 1` pixels a side; of `size` = (width, height).
    pub fn once(&mut self, size: (usize, usize), radius: usize, values: impl Iterator<Item = f32>) {
        self.values.clear();
        self.values.extend(values);
        self.pass(size, radius);
    }

    /// The sums of such sums.
    pub fn twice(
        &mut self,
        size: (usize, usize),
        radius: usize,
        values: impl Iterator<Item = f32>,
    ) {
        self.once(size, radius, values);
        self.pass(size, radius);
    }

    fn pass(&mut self, (width, height): (usize, usize), radius: usize) {
        self.spare.clear();
        self.spare.resize(width * height, 0.0);
        let rows = self.values.chunks_exact(width.max(1));
        for (sums, row) in self.spare.chunks_exact_mut(width.max(1)).zip(rows) {
            let mut sum: f32 = row.iter().take(radius).sum();
            for (x, total) in sums.iter_mut().enumerate() {
                sum += row.get(x + radius).copied().unwrap_or_default();
                *total = sum;
                sum -= x.checked_sub(radius).map_or(0.0, |left| row[left]);
            }
        }
        self.column.clear();
        self.column.resize(width, 0.0);
        let row = |y: usize| y * width..(y + 1) * width;
        for y in 0..radius.min(height) {
            add(&mut self.column, &self.spare[row(y)], 1.0);
        }
        for y in 0..height {
            if y + radius < height {
                add(&mut self.column, &self.spare[row(y + radius)], 1.0);
            }
            self.values[row(y)].copy_from_slice(&self.column);
            if let Some(above) = y.checked_sub(radius) {
                add(&mut self.column, &self.spare[row(above)], -1.0);
            }
        }
    }
}

fn add(sums: &mut [f32], row: &[f32], factor: f32) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += factor * value;
    }
}
