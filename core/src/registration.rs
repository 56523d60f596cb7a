//! Registration: where what a picture of a face shows lies in another picture of the same face.
//!
//! Five points lay a face on its template to about a pixel, and nothing of what a cover hides helps
//! with that. What is known around the cover does: the displacement is a polynomial of second
//! degree, found by iterated least squares (Lucas and Kanade 1981) on what is left of both pictures
//! without their light, with outliers weighted down (Geman and McClure), so that a mouth that has
//! opened does not pull the eyes along.

/// Terms of a coordinate's polynomial: 1, x, y, x², xy, y².
const TERMS: usize = 6;
/// Unknowns of a displacement.
const UNKNOWNS: usize = 2 * TERMS;
/// Products of two terms, by their exponents: x^i y^j with i + j up to 4.
const MOMENTS: usize = 15;

/// Radius of the box that, applied twice, is the light of a pixel's surroundings, as a share of the
/// picture's width.
const LIGHT: f32 = 0.024;
/// How far from what is missing pixels take part, as a share of the width.
const REACH: f32 = 0.19;
/// Half axes of the face's ellipse about the picture's middle, as shares of its sides; what lies
/// outside moves by itself.
const FACE: [f32; 2] = [0.41, 0.485];
/// A difference as large as this counts half, in the range from black to white.
const OUTLIER: f32 = 0.06;
/// A difference counts as no more than this for [`Registrar::residual`].
const MOST_RESIDUAL: f32 = 0.2;
/// What holds the terms of each degree near where they start, per pixel.
const DAMPING: [f64; 3] = [1e-4, 2e-4, 8e-4];
/// Most steps, and the step in pixels that is small enough to be the last.
const STEPS: usize = 10;
const LAST_STEP: f32 = 0.03;
/// Fewer pixels than this tell nothing, as a share of the picture's.
const LEAST_PIXELS: f32 = 0.01;
/// More pixels than this tell nothing more.
const MOST_SAMPLES: usize = 1600;
/// A mean displacement beyond this is a failure, as a share of the width.
const FARTHEST: f32 = 0.08;

/// Where the pixels of a picture lie in another one, relative to their own places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Displacement {
    /// Of 1, x, y, x², xy, y², where x and y run from the middle of the picture in quarters of its
    /// width: pixels to the right.
    x: [f32; TERMS],
    /// Pixels down.
    y: [f32; TERMS],
    middle: [f32; 2],
    per_pixel: f32,
}

/// What is left of a picture without its light, with its slope.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    size: (usize, usize),
    /// Value, slope to the right, slope down, and 1 where it is known, else 0; in [`UNITS`].
    pixels: Vec<[i16; 4]>,
}

/// Steps from black to white: a picture is kept for long, so that it takes half the memory.
const UNITS: f32 = 16_000.0;

/// A pixel that takes part.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: [f32; 2],
    value: f32,
}

/// Finds displacements. Made once and reused.
#[derive(Clone, Debug, Default)]
pub struct Registrar {
    samples: Vec<Sample>,
    /// Of the picture; its slopes are not looked at.
    detail: Detail,
    blur: Blur,
    missing: Vec<f32>,
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

    fn of_size((width, height): (usize, usize)) -> Self {
        Self {
            middle: [width, height].map(|side| side as f32 / 2.0),
            per_pixel: 4.0 / width as f32,
            ..Self::NONE
        }
    }

    #[inline(always)]
    fn terms(&self, at: [f32; 2]) -> [f32; TERMS] {
        let x = (at[0] - self.middle[0]) * self.per_pixel;
        let y = (at[1] - self.middle[1]) * self.per_pixel;
        [1.0, x, y, x * x, x * y, y * y]
    }
}

impl Detail {
    /// Of a picture of `size` = (width, height), `rgb` `[3, H, W]` in `[0, 1]`, of which the pixels
    /// are known where `known`, `[H, W]`, is 1.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn new(size: (usize, usize), rgb: &[f32], known: &[f32]) -> Self {
        let mut detail = Self::default();
        detail.read(size, rgb, known, &mut Blur::default());
        detail.find_slopes();
        detail
    }

    /// Bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(self.pixels.as_slice())
    }

    fn read(&mut self, size: (usize, usize), rgb: &[f32], known: &[f32], blur: &mut Blur) {
        let (width, height) = size;
        let pixels = width * height;
        assert_eq!(known.len(), pixels, "one value a pixel");
        assert_eq!(rgb.len(), 3 * pixels, "three values a pixel");
        let is_known = |i: usize| f32::from(u8::from(known[i] > 0.999));
        let gray = |i: usize| (rgb[i] + rgb[pixels + i] + rgb[2 * pixels + i]) / 3.0;
        let radius = ((LIGHT * width as f32).round() as usize).max(1);
        blur.twice(size, radius, (0..pixels).map(|i| gray(i) * is_known(i)));
        blur.keep();
        blur.twice(size, radius, (0..pixels).map(is_known));
        let light = |i: usize| blur.kept[i] / blur.values[i].max(1e-6);
        self.size = size;
        self.pixels.clear();
        self.pixels.extend((0..pixels).map(|i| {
            let known = is_known(i) * UNITS;
            let value = (gray(i) - light(i)).clamp(-1.0, 1.0) * known;
            [value as i16, 0, 0, known as i16]
        }));
    }

    fn find_slopes(&mut self) {
        let (width, height) = self.size;
        for y in 1..height.saturating_sub(1) {
            for i in y * width + 1..(y + 1) * width - 1 {
                let value = |i: usize| self.pixels[i][0];
                let slopes = [
                    value(i + 1) - value(i - 1),
                    value(i + width) - value(i - width),
                ];
                self.pixels[i][1..3].copy_from_slice(&slopes.map(|slope| slope / 2));
            }
        }
    }

    /// Value, slopes and known share at `at` = (x, y); nothing outside the picture.
    #[inline(always)]
    fn look_up(&self, [x, y]: [f32; 2]) -> Option<[f32; 4]> {
        let (width, height) = self.size;
        let is_inside = x >= 0.0 && y >= 0.0 && x < (width - 1) as f32 && y < (height - 1) as f32;
        if !is_inside {
            return None;
        }
        let (left, top) = (x as usize, y as usize);
        let (fx, fy) = (x - left as f32, y - top as f32);
        let at = top * width + left;
        let upper = &self.pixels[at..at + 2];
        let lower = &self.pixels[at + width..at + width + 2];
        Some(std::array::from_fn(|lane| {
            let between = |row: &[[i16; 4]]| {
                let [left, right] = [row[0], row[1]].map(|pixel| f32::from(pixel[lane]));
                left + fx * (right - left)
            };
            let (upper, lower) = (between(upper), between(lower));
            (upper + fy * (lower - upper)) / UNITS
        }))
    }
}

impl Registrar {
    /// Where what is known of the picture of `size` = (width, height), `rgb` `[3, H, W]` in `[0, 1]`,
    /// around what is missing, lies in `other`; `known`, `[H, W]`, is 1 where a pixel is known, else
    /// 0. The search begins `from` a displacement. None where too little is known to tell, or what is
    /// found explains the picture no better.
    ///
    /// # Panics
    /// If a slice has another length, or `other` another size.
    pub fn register(
        &mut self,
        size: (usize, usize),
        rgb: &[f32],
        known: &[f32],
        other: &Detail,
        from: &Displacement,
    ) -> Displacement {
        assert_eq!(other.size, size, "both pictures have one size");
        self.sample(size, rgb, known);
        let none = Displacement::of_size(size);
        if (self.samples.len() as f32) < LEAST_PIXELS * (size.0 * size.1) as f32 {
            return none;
        }
        let start = match from.per_pixel == none.per_pixel {
            true => *from,
            false => none,
        };
        let mut found = start;
        for _ in 0..STEPS {
            let Some(step) = self.step(other, &found) else {
                return none;
            };
            let factors = found.x.iter_mut().chain(&mut found.y);
            factors
                .zip(step)
                .for_each(|(factor, step)| *factor += step as f32);
            if step[0].hypot(step[TERMS]) < LAST_STEP.into() {
                break;
            }
        }
        let farthest = FARTHEST * size.0 as f32;
        let far = |sample: &Sample| {
            let [x, y] = found.at(sample.at);
            x.hypot(y)
        };
        let mean = self.samples.iter().map(far).sum::<f32>() / self.samples.len() as f32;
        // A NaN is not found either.
        let is_near = mean <= farthest;
        let residual = |by: &Displacement| self.residual(other, |at| by.at(at));
        match is_near && residual(&found) <= residual(&none) {
            true => found,
            false => none,
        }
    }

    /// The mean difference, in the range from black to white, of the pixels that the last
    /// registration went by from those of `other` that lie `displaced` from them; large ones count
    /// less than they are.
    pub fn residual(&self, other: &Detail, displaced: impl Fn([f32; 2]) -> [f32; 2]) -> f32 {
        let (mut sum, mut count) = (0.0, 0.0f32);
        for sample in &self.samples {
            let [right, down] = displaced(sample.at);
            let there = other.look_up([sample.at[0] + right, sample.at[1] + down]);
            if let Some([value, _, _, known]) = there {
                sum += known * (sample.value - value).abs().min(MOST_RESIDUAL);
                count += known;
            }
        }
        sum / count.max(1.0)
    }

    /// Chooses pixels of the face that lie near what is missing, but not beside it: every other one,
    /// or fewer where there are many.
    fn sample(&mut self, size: (usize, usize), rgb: &[f32], known: &[f32]) {
        let (width, height) = size;
        self.detail.read(size, rgb, known, &mut self.blur);
        let missing = known
            .iter()
            .map(|known| f32::from(u8::from(*known <= 0.999)));
        self.missing.clear();
        self.missing.extend(missing);
        let reach = ((REACH * width as f32).round() as usize).max(1);
        let Self {
            blur,
            detail,
            missing,
            samples,
        } = self;
        blur.once(size, 1, missing.iter().copied());
        blur.keep();
        blur.once(size, reach, missing.iter().copied());
        let (beside, near) = (&blur.kept, &blur.values);
        // What is missing nowhere is near everywhere.
        let is_whole = missing.iter().all(|missing| *missing == 0.0);
        samples.clear();
        for y in 1..height.saturating_sub(1) {
            for x in (1 + y % 2..width.saturating_sub(1)).step_by(2) {
                let i = y * width + x;
                let along =
                    |v: usize, side: usize, half: f32| (v as f32 / side as f32 - 0.5) / half;
                let is_face = along(x, width, FACE[0]).hypot(along(y, height, FACE[1])) <= 1.0;
                if is_face && beside[i] < 0.5 && (near[i] > 0.5 || is_whole) {
                    samples.push(Sample {
                        at: [x as f32, y as f32],
                        value: f32::from(detail.pixels[i][0]) / UNITS,
                    });
                }
            }
        }
        let surplus = samples.len().div_ceil(MOST_SAMPLES).max(1);
        let mut index = 0..;
        samples.retain(|_| {
            index
                .next()
                .is_some_and(|i: usize| i.is_multiple_of(surplus))
        });
    }

    /// What brings the samples nearer to `other` than `found` does; nothing where that cannot be told.
    fn step(&self, other: &Detail, found: &Displacement) -> Option<[f64; UNKNOWNS]> {
        // Of w gx gx, w gx gy, w gy gy.
        let mut moments = [[0.0f32; MOMENTS]; 3];
        let mut right_side = [0.0f32; UNKNOWNS];
        let mut count = 0.0f32;
        for sample in &self.samples {
            let [right, down] = found.at(sample.at);
            let there = other.look_up([sample.at[0] + right, sample.at[1] + down]);
            let Some([value, gx, gy, known]) = there else {
                continue;
            };
            let off = sample.value - value;
            let far = off / OUTLIER;
            let weight = known / (1.0 + far * far).powi(2);
            let terms = found.terms(sample.at);
            let [_, x, y, xx, xy, yy] = terms;
            #[rustfmt::skip]
            let products = [
                1.0, x, y, xx, xy, yy,
                xx * x, xx * y, x * yy, yy * y,
                xx * xx, xx * xy, xx * yy, xy * yy, yy * yy,
            ];
            let squares = [gx * gx, gx * gy, gy * gy].map(|square| weight * square);
            for (moments, square) in moments.iter_mut().zip(squares) {
                for (moment, product) in moments.iter_mut().zip(&products) {
                    *moment += square * product;
                }
            }
            for (axis, slope) in [gx, gy].into_iter().enumerate() {
                let pull = weight * off * slope;
                for (sum, term) in right_side[axis * TERMS..].iter_mut().zip(&terms) {
                    *sum += pull * term;
                }
            }
            count += weight;
        }
        let mut matrix = [[0.0f64; UNKNOWNS]; UNKNOWNS];
        for row in 0..UNKNOWNS {
            for column in 0..UNKNOWNS {
                let of = row / TERMS + column / TERMS;
                let product = PRODUCTS[row % TERMS][column % TERMS];
                matrix[row][column] = moments[of][product].into();
            }
            let degree = [0, 1, 1, 2, 2, 2][row % TERMS];
            matrix[row][row] += DAMPING[degree] * f64::from(count) + 1e-12;
        }
        solve(matrix, right_side.map(f64::from))
    }
}

/// The place of the product of two terms among the moments of [`Registrar::step`].
const PRODUCTS: [[usize; TERMS]; TERMS] = [
    [0, 1, 2, 3, 4, 5],
    [1, 3, 4, 6, 7, 8],
    [2, 4, 5, 7, 8, 9],
    [3, 6, 7, 10, 11, 12],
    [4, 7, 8, 11, 12, 13],
    [5, 8, 9, 12, 13, 14],
];

/// The solution of a symmetric positive definite system (Cholesky); nothing where it is not.
fn solve(
    mut matrix: [[f64; UNKNOWNS]; UNKNOWNS],
    mut values: [f64; UNKNOWNS],
) -> Option<[f64; UNKNOWNS]> {
    for i in 0..UNKNOWNS {
        for j in 0..=i {
            let product: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - product;
            matrix[i][j] = match i == j {
                true if rest > 0.0 => rest.sqrt(),
                true => return None,
                false => rest / matrix[j][j],
            };
        }
        let product: f64 = (0..i).map(|k| matrix[i][k] * values[k]).sum();
        values[i] = (values[i] - product) / matrix[i][i];
    }
    for i in (0..UNKNOWNS).rev() {
        let product: f64 = (i + 1..UNKNOWNS).map(|k| matrix[k][i] * values[k]).sum();
        values[i] = (values[i] - product) / matrix[i][i];
    }
    values
        .iter()
        .all(|value| value.is_finite())
        .then_some(values)
}

/// Sums over boxes, clipped at the picture's edges.
#[derive(Clone, Debug, Default)]
struct Blur {
    values: Vec<f32>,
    /// The values before.
    kept: Vec<f32>,
    spare: Vec<f32>,
    column: Vec<f32>,
}

impl Blur {
    /// Keeps the values beside the next ones.
    fn keep(&mut self) {
        std::mem::swap(&mut self.values, &mut self.kept);
    }

    fn once(&mut self, size: (usize, usize), radius: usize, values: impl Iterator<Item = f32>) {
        self.values.clear();
        self.values.extend(values);
        self.pass(size, radius);
    }

    fn twice(&mut self, size: (usize, usize), radius: usize, values: impl Iterator<Item = f32>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 128;
    const SIZE: (usize, usize) = (SIDE, SIDE);

    /// A texture at any place, in `[0, 1]`.
    fn texture([x, y]: [f32; 2]) -> f32 {
        let waves = [
            (0.31, 0.12, 0.4),
            (-0.17, 0.29, 1.3),
            (0.09, -0.38, 2.2),
            (0.05, 0.04, 0.0),
        ];
        let sum: f32 = (waves.iter())
            .map(|(fx, fy, phase)| (fx * x + fy * y + phase).sin())
            .sum();
        0.5 + 0.1 * sum
    }

    fn picture(value: impl Fn([f32; 2]) -> f32) -> Vec<f32> {
        let plane = (0..SIDE * SIDE).map(|i| value([(i % SIDE) as f32, (i / SIDE) as f32]));
        let plane: Vec<f32> = plane.collect();
        [plane.as_slice(), &plane, &plane].concat()
    }

    fn eyes(i: usize) -> bool {
        (26..102).contains(&(i % SIDE)) && (37..67).contains(&(i / SIDE))
    }

    fn known() -> Vec<f32> {
        (0..SIDE * SIDE)
            .map(|i| f32::from(u8::from(!eyes(i))))
            .collect()
    }

    /// How far `found` is from `true_one` in the hole, in the mean.
    fn off(found: &Displacement, true_one: impl Fn([f32; 2]) -> [f32; 2]) -> f32 {
        let hole = (0..SIDE * SIDE).filter(|i| eyes(*i));
        let off: Vec<f32> = hole
            .map(|i| {
                let at = [(i % SIDE) as f32, (i / SIDE) as f32];
                let ([a, b], [c, d]) = (found.at(at), true_one(at));
                (a - c).hypot(b - d)
            })
            .collect();
        off.iter().sum::<f32>() / off.len() as f32
    }

    #[test]
    fn a_turned_and_bent_picture_is_found_from_what_surrounds_the_hole() {
        let displaced = |[x, y]: [f32; 2]| {
            let (u, v) = ((x - 64.0) / 32.0, (y - 64.0) / 32.0);
            [2.1 + 0.8 * v - 0.3 * u * u, -1.4 - 0.6 * u + 0.2 * u * v]
        };
        let other = picture(texture);
        // In another light, which is no displacement.
        let seen = picture(|at| {
            let [right, down] = displaced(at);
            0.8 * texture([at[0] + right, at[1] + down]) + 0.1 + 0.001 * at[0]
        });
        let other = Detail::new(SIZE, &other, &[1.0; SIDE * SIDE]);
        let mut registrar = Registrar::default();
        let from = Displacement::NONE;
        let found = registrar.register(SIZE, &seen, &known(), &other, &from);
        let far = off(&found, displaced);
        assert!(far < 0.25, "{far} pixels off");
        let none = registrar.residual(&other, |_| [0.0; 2]);
        let left = registrar.residual(&other, |at| found.at(at));
        assert!(left < 0.5 * none, "{left} of {none}");
        // Begun there it stays there.
        let again = registrar.register(SIZE, &seen, &known(), &other, &found);
        assert!(off(&again, |at| found.at(at)) < 0.1);
    }

    #[test]
    fn the_same_picture_is_not_displaced() {
        let rgb = picture(texture);
        let other = Detail::new(SIZE, &rgb, &[1.0; SIDE * SIDE]);
        let none = Displacement::NONE;
        let found = Registrar::default().register(SIZE, &rgb, &known(), &other, &none);
        assert!(off(&found, |_| [0.0; 2]) < 0.02);
    }

    #[test]
    fn a_part_that_moves_by_itself_does_not_pull_the_rest() {
        let displaced = |[_, y]: [f32; 2]| match y > 78.0 {
            true => [0.0, 4.0],
            false => [1.0, 0.5],
        };
        let seen = picture(|at| {
            let [right, down] = displaced(at);
            texture([at[0] + right, at[1] + down])
        });
        let other = Detail::new(SIZE, &picture(texture), &[1.0; SIDE * SIDE]);
        let none = Displacement::NONE;
        let found = Registrar::default().register(SIZE, &seen, &known(), &other, &none);
        let far = off(&found, |_| [1.0, 0.5]);
        assert!(far < 0.5, "{far} pixels off");
    }

    #[test]
    fn where_nothing_can_be_told_nothing_is_displaced() {
        let rgb = picture(texture);
        let other = Detail::new(SIZE, &rgb, &[1.0; SIDE * SIDE]);
        let unknown = Detail::new(SIZE, &rgb, &[0.0; SIDE * SIDE]);
        let (none, all) = (Displacement::NONE, [0.0; SIDE * SIDE]);
        let mut registrar = Registrar::default();
        for (rgb, known, other) in [
            (&rgb, all.as_slice(), &other),
            (&rgb, known().as_slice(), &unknown),
        ] {
            let found = registrar.register(SIZE, rgb, known, other, &none);
            assert!(off(&found, |_| [0.0; 2]) < 1e-3);
        }
    }
}
