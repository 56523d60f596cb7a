//! Planes of brightness, and the same ever smaller.

/// A plane of values of one byte.
#[derive(Clone, Debug, Default)]
pub struct Plane {
    /// Values in a row, and rows.
    pub size: (usize, usize),
    /// Row by row.
    pub values: Vec<u8>,
}

impl Plane {
    /// Row `y`.
    pub fn row(&self, y: usize) -> &[u8] {
        &self.values[y * self.size.0..][..self.size.0]
    }

    /// Row `y`.
    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        &mut self.values[y * self.size.0..][..self.size.0]
    }

    /// The value at `(x, y)`.
    pub fn at(&self, x: usize, y: usize) -> u8 {
        self.values[y * self.size.0 + x]
    }

    /// Makes this a plane of `size` full of zeros.
    pub fn clear(&mut self, size: (usize, usize)) {
        self.size = size;
        self.values.clear();
        self.values.resize(size.0 * size.1, 0);
    }

    /// Makes this the means of squares of two by two of `fine`.
    fn halve(&mut self, fine: &Self) {
        self.size = (fine.size.0 / 2, fine.size.1 / 2);
        self.values.clear();
        for y in 0..self.size.1 {
            let upper = fine.row(2 * y).chunks_exact(2);
            let lower = fine.row(2 * y + 1).chunks_exact(2);
            self.values.extend(upper.zip(lower).map(|(a, b)| {
                let sum = [a[0], a[1], b[0], b[1]].map(u16::from);
                ((sum[0] + sum[1] + sum[2] + sum[3] + 2) / 4) as u8
            }));
        }
    }
}

/// Most levels.
const LEVELS: usize = 4;
/// The least side of a level.
const LEAST: usize = 16;

/// A plane, and others of half the size each.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    levels: [Plane; LEVELS],
    count: usize,
}

impl Steps {
    /// Takes a plane of `size`, whose values `fill` puts into the vector it is given.
    pub fn refill(&mut self, size: (usize, usize), fill: impl FnOnce(&mut Vec<u8>)) {
        self.levels[0].size = size;
        fill(&mut self.levels[0].values);
        self.count = 1;
        for level in 1..LEVELS {
            let (fine, coarse) = self.levels.split_at_mut(level);
            let fine = &fine[level - 1];
            if fine.size.0.min(fine.size.1) / 2 < LEAST {
                break;
            }
            coarse[0].halve(fine);
            self.count += 1;
        }
    }

    /// The plane itself.
    pub fn finest(&self) -> &Plane {
        &self.levels[0]
    }

    /// The finest first.
    pub fn levels(&self) -> &[Plane] {
        &self.levels[..self.count]
    }
}
