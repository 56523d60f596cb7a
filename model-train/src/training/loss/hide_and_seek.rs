//! Equations 7 and 8: the game about the masks' boxes.

use tch::{Kind, Tensor};

/// Boxes of the pictures of a batch.
pub struct Boxes {
    /// The masks' own, `r` of equation 7: `[N, 3, 4]` f32, for each colour channel
    /// `x0, y0, x1, y1` as shares of width and height.
    pub known: Tensor,
    /// Those the generator aims at, `q` of equation 8, likewise.
    pub decoy: Tensor,
    /// 1 where the picture's task has boxes, 0 where it has none (and the others hold 0):
    /// `[N]` f32.
    pub present: Tensor,
}

impl Boxes {
    /// Equation 7: what the discriminator minimises, given the boxes `[N, 3, 4]` it sees in
    /// generated pictures; 0 where it looks for none.
    pub fn seek_loss(&self, seen: Option<&Tensor>) -> Tensor {
        self.distance_to(&self.known, seen)
    }

    /// Equation 8: what the generator minimises, given the boxes `[N, 3, 4]` the discriminator
    /// sees in its pictures; 0 where it looks for none.
    pub fn hide_loss(&self, seen: Option<&Tensor>) -> Tensor {
        self.distance_to(&self.decoy, seen)
    }

    fn distance_to(&self, truth: &Tensor, seen: Option<&Tensor>) -> Tensor {
        match seen {
            Some(seen) => distance(seen, truth, &self.present),
            None => Tensor::zeros([], (Kind::Float, truth.device())),
        }
    }
}

/// Keeps the gradient of a length finite at 0.
const EPSILON: f64 = 1e-12;

/// The Euclidean distance of boxes, summed over channels, as a mean over all pictures: those
/// without boxes count as 0, so that a picture's weight does not hang on its batch.
fn distance(seen: &Tensor, truth: &Tensor, present: &Tensor) -> Tensor {
    let squares = (seen - truth).square().sum_dim_intlist(2, false, None); // [N, 3]
    let lengths = (squares + EPSILON).sqrt().sum_dim_intlist(1, false, None); // [N]
    (lengths * present).mean(None::<Kind>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_those_worked_by_hand() {
        let mut seen = [0.0f32; 24];
        // First picture: off by (0.3, 0.4) in one channel and by 0.25 in another.
        seen[..2].copy_from_slice(&[0.3, 0.4]);
        seen[8] = 0.25;
        // The second one has no boxes.
        seen[12..].fill(0.9);
        let zeros = Tensor::zeros([2, 3, 4], (Kind::Float, tch::Device::Cpu));
        let boxes = Boxes {
            known: zeros.shallow_clone(),
            decoy: &zeros + 0.25,
            present: Tensor::from_slice(&[1.0f32, 0.0]),
        };
        let seen = Tensor::from_slice(&seen).view([2, 3, 4]);
        let seek = boxes.seek_loss(Some(&seen)).double_value(&[]);
        assert!((seek - (0.5 + 0.25) / 2.0).abs() < 1e-5, "{seek}");
        let hide = boxes.hide_loss(Some(&seen)).double_value(&[]);
        let lengths = (0.05f64.powi(2) + 0.15f64.powi(2) + 2.0 * 0.0625).sqrt()
            + 0.5
            + (3.0f64 * 0.0625).sqrt();
        assert!((hide - lengths / 2.0).abs() < 1e-5, "{hide}");
    }
}
