//! Where on a stored picture a crop lies, and how it is lit: alignment errs and light changes.

use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use tch::{Kind, Tensor};

use super::faces::{CROP, PICTURE};
use crate::data::CropRule;

/// How far crops lie off, as standard deviations.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// Turn in radians.
    pub angle: f64,
    /// Logarithm of the scale.
    pub scale: f64,
    /// Shift in halves of the crop's side.
    pub shift: f64,
    /// Bending of a coarse grid, likewise.
    pub bend: f64,
}

/// A similarity of the plane in halves of a side, about the middle: `[[a, -c], [c, a]] p + t`.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    a: f64,
    c: f64,
    shift: [f64; 2],
}

/// A draw from the standard normal distribution.
pub fn normal(rng: &mut Pcg64) -> f64 {
    StandardNormal.sample(rng)
}

impl Placement {
    /// The crop in the middle of a stored picture.
    pub fn middle() -> Self {
        Self {
            a: CROP / PICTURE as f64,
            c: 0.0,
            shift: [0.0; 2],
        }
    }

    /// The template's crop on the 144x144 part of an aligned CelebA picture, which may be `mirrored`.
    pub fn on_celeba(mirrored: bool) -> Self {
        let (left, top, side) = CropRule::CelebA.square_of(PICTURE as u32, PICTURE as u32);
        let half = PICTURE as f64 / 2.0;
        let off = |start: u32| (f64::from(start) + f64::from(side) / 2.0 - half) / half;
        let right = if mirrored { -off(left) } else { off(left) };
        Self {
            shift: [right, off(top)],
            ..Self::middle()
        }
    }

    /// Draws one.
    pub fn draw(spread: &Spread, rng: &mut Pcg64) -> Self {
        let angle = spread.angle * normal(rng);
        let scale = (spread.scale * normal(rng)).exp();
        Self {
            a: scale * angle.cos(),
            c: scale * angle.sin(),
            shift: [spread.shift * normal(rng), spread.shift * normal(rng)],
        }
    }

    /// `self` first, then `next`.
    pub fn then(&self, next: &Self) -> Self {
        let [x, y] = self.shift;
        Self {
            a: next.a * self.a - next.c * self.c,
            c: next.c * self.a + next.a * self.c,
            shift: [
                next.a * x - next.c * y + next.shift[0],
                next.c * x + next.a * y + next.shift[1],
            ],
        }
    }

    /// Its matrix, row by row.
    pub fn rows(&self) -> [f32; 6] {
        let [x, y] = self.shift;
        [self.a, -self.c, x, self.c, self.a, y].map(|v| v as f32)
    }
}

/// A bending of `side` x `side` pixels by `bend` at the corners of a grid of `cells` in each direction,
/// `[1, side, side, 2]`.
pub fn bending(bend: f64, cells: i64, side: i64, rng: &mut Pcg64) -> Tensor {
    let values: Vec<f32> = (0..2 * cells * cells)
        .map(|_| (bend * normal(rng)) as f32)
        .collect();
    Tensor::from_slice(&values)
        .view([1, 2, cells, cells])
        .upsample_bicubic2d([side, side], false, None, None)
        .permute([0, 2, 3, 1])
}

/// Light by which a picture is changed: a gain for each channel, and an offset.
#[derive(Clone, Copy, Debug)]
pub struct Light {
    gains: [f64; 3],
    offset: f64,
}

impl Light {
    /// Draws one: the channels' gains by `tint` apart, all by `gain`, and an offset by `offset`.
    pub fn draw(gain: f64, tint: f64, offset: f64, rng: &mut Pcg64) -> Self {
        let all = gain * normal(rng);
        Self {
            gains: [0; 3].map(|_| (all + tint * normal(rng)).exp()),
            offset: offset * normal(rng),
        }
    }

    /// `self` first, then `next`.
    pub fn then(&self, next: &Self) -> Self {
        let gain = next.gains.iter().sum::<f64>() / 3.0;
        Self {
            gains: [0, 1, 2].map(|c| self.gains[c] * next.gains[c]),
            offset: gain * self.offset + next.offset,
        }
    }

    /// The gains and the offset.
    pub fn values(&self) -> [f32; 4] {
        let [r, g, b] = self.gains;
        [r, g, b, self.offset].map(|v| v as f32)
    }
}

/// `pictures` `[N, 3, H, W]` lit by the lights whose [`Light::values`] are `lights`, in `[0, 1]`.
pub fn lit(pictures: &Tensor, lights: &[f32]) -> Tensor {
    let lights = Tensor::from_slice(lights).view([-1, 4, 1, 1]);
    let lit = pictures * lights.narrow(1, 0, 3) + lights.narrow(1, 3, 1);
    lit.clamp(0.0, 1.0)
}

/// The crops of `side` pixels that lie at `places` (rows of [`Placement::rows`]) on `pictures`
/// `[N, 3, 144, 144]`, bent by `bend` `[N, side, side, 2]` where it is given; beyond the edges what
/// is on them.
pub fn crops(pictures: &Tensor, places: &[f32], bend: Option<&Tensor>, side: i64) -> Tensor {
    let n = pictures.size()[0];
    let places = Tensor::from_slice(places).view([n, 2, 3]);
    let mut grid = Tensor::affine_grid_generator(&places, [n, 3, side, side], false);
    if let Some(bend) = bend {
        grid += bend;
    }
    pictures
        .grid_sampler(&grid, 0, 1, false)
        .to_kind(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placements_go_one_after_the_other() {
        let turn = Placement {
            a: 0.0,
            c: 1.0,
            shift: [0.5, 0.0],
        };
        let both = turn.then(&Placement {
            a: 2.0,
            c: 0.0,
            shift: [0.0, 1.0],
        });
        // (1, 0) is turned to (0, 1), moved to (0.5, 1), doubled to (1, 2), moved to (1, 3).
        let [a, b, x, c, d, y] = both.rows();
        assert_eq!([a + x, c + y], [1.0, 3.0]);
        assert_eq!([b, d], [-2.0, 0.0]);
    }

    #[test]
    fn a_crop_in_the_middle_is_that_part_of_the_picture() {
        let side = PICTURE as i64;
        let line = Tensor::arange(side, (Kind::Float, tch::Device::Cpu));
        let picture = line.view([1, 1, 1, side]).expand([1, 3, side, side], false);
        let crop = crops(
            &picture.contiguous(),
            &Placement::middle().rows(),
            None,
            134,
        );
        assert_eq!(crop.size(), [1, 3, 134, 134]);
        for x in [0, 60, 133] {
            let found = crop.double_value(&[0, 1, 40, x]);
            assert!((found - (x as f64 + 5.0)).abs() < 1e-3, "{x}: {found}");
        }
    }

    #[test]
    fn crops_of_celeba_lie_on_the_template() {
        let side = PICTURE as i64;
        let line = Tensor::arange(side, (Kind::Float, tch::Device::Cpu));
        let [across, down] = [[1, 1, 1, side], [1, 1, side, 1]]
            .map(|shape| line.view(shape).expand([1, 3, side, side], false));
        for (picture, mirrored, first) in [
            (&across, false, 6.0),
            (&across, true, 4.0),
            (&down, true, 10.0),
        ] {
            let place = Placement::on_celeba(mirrored).rows();
            let crop = crops(&picture.contiguous(), &place, None, 134);
            let found = crop.double_value(&[0, 1, 0, 0]);
            assert!((found - first).abs() < 1e-3, "{mirrored}: {found}");
        }
    }
}
