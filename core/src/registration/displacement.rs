//! Where one picture lies in another.

/// Terms of a coordinate's polynomial: 1, x, y, x², xy, y².
pub const TERMS: usize = 6;
/// Where the pixels of a picture lie in another one, relative to their own places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Displacement {
    /// Of 1, x, y, x², xy, y², where x and y run from the middle of the picture in quarters of its
    /// width: pixels to the right.
    pub(super) x: [f32; TERMS],
    /// Pixels down.
    pub(super) y: [f32; TERMS],
    middle: [f32; 2],
    pub(super) per_pixel: f32,
}

impl Displacement {
    /// No displacement.
    pub const NONE: Self = Self {
        x: [0.0; TERMS],
        y: [0.0; TERMS],
        middle: [0.0; 2],
        per_pixel: 0.0,
    };

    /// The displacement of the pixel at `at` = (x, y): right and down, in pixels.
    #[inline(always)]
    pub fn at(&self, at: [f32; 2]) -> [f32; 2] {
        let terms = self.terms(at);
        [&self.x, &self.y].map(|factors| {
            let products = factors
                .iter()
                .zip(&terms)
                .map(|(factor, term)| factor * term);
            products.sum()
        })
    }

    /// The factors of 1, x, y, x², xy, y², where x and y run from the middle of the picture in quarters of
    /// its width: pixels to the right and down.
    pub fn factors(&self) -> [[f64; 2]; TERMS] {
        std::array::from_fn(|k| [self.x[k], self.y[k]].map(f64::from))
    }

    /// The same with other factors.
    pub fn with_factors(&self, factors: &[[f64; 2]; TERMS]) -> Self {
        Self {
            x: factors.map(|[x, _]| x as f32),
            y: factors.map(|[_, y]| y as f32),
            ..*self
        }
    }

    /// A bound on how far the displacements of a picture's pixels are from those of `other`, along one
    /// axis.
    pub(super) fn farthest_from(&self, other: &Self) -> f32 {
        // x and y run from -2 to 2 on a square picture.
        const MOST: [f32; TERMS] = [1.0, 2.0, 2.0, 4.0, 4.0, 4.0];
        let along = |factors: &[f32; TERMS], others: &[f32; TERMS]| -> f32 {
            let changes = factors.iter().zip(others).zip(MOST);
            changes.map(|((a, b), most)| (a - b).abs() * most).sum()
        };
        along(&self.x, &other.x).max(along(&self.y, &other.y))
    }

    /// None, in pictures of `size` = (width, height).
    pub(super) fn of_size((width, height): (usize, usize)) -> Self {
        Self {
            middle: [width, height].map(|side| side as f32 / 2.0),
            per_pixel: 4.0 / width as f32,
            ..Self::NONE
        }
    }

    /// The nearest displacement that only shifts, turns and scales.
    pub fn straightened(&self) -> Self {
        let scaled = (self.x[1] + self.y[2]) / 2.0;
        let turned = (self.y[1] - self.x[2]) / 2.0;
        Self {
            x: [self.x[0], scaled, -turned, 0.0, 0.0, 0.0],
            y: [self.y[0], turned, scaled, 0.0, 0.0, 0.0],
            ..*self
        }
    }

    /// Shifted further by (`right`, `down`), scaled and turned by `scaled` and `turned`, in
    /// pixels per quarter of the width.
    pub(super) fn moved(&self, [right, down, scaled, turned]: [f32; 4]) -> Self {
        let mut moved = *self;
        for (factors, change) in [
            (&mut moved.x, [right, scaled, -turned]),
            (&mut moved.y, [down, turned, scaled]),
        ] {
            factors.iter_mut().zip(change).for_each(|(f, c)| *f += c);
        }
        moved
    }

    /// The terms at `at` = (x, y).
    #[inline(always)]
    pub(super) fn terms(&self, at: [f32; 2]) -> [f32; TERMS] {
        let x = (at[0] - self.middle[0]) * self.per_pixel;
        let y = (at[1] - self.middle[1]) * self.per_pixel;
        [1.0, x, y, x * x, x * y, y * y]
    }
}
