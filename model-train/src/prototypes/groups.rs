//! Faces that look alike.

use rand::RngExt;
use rand_pcg::Pcg64;
use tch::{IndexOp, Kind, Tensor};

/// Cells along a side that faces are compared by.
const CELLS: i64 = 24;
/// Half axes of the face's ellipse, as shares of the side, and its middle.
const FACE: [f64; 2] = [0.36, 0.45];
const MIDDLE: [f64; 2] = [0.5, 0.53];
/// Contrast added to a face's own, in [0, 1].
const LEAST_CONTRAST: f64 = 0.02;
/// Rounds of refinement, and how often another start is tried.
const ROUNDS: usize = 60;
const STARTS: usize = 8;

/// `count` groups of `pictures` `[N, 3, S, S]` that look alike whatever their light, as k-means
/// (Lloyd 1982, started as Arthur and Vassilvitskii 2007 do) finds them: of each the indices of the
/// `members` nearest to its middle, nearest first.
pub fn groups(pictures: &Tensor, count: usize, members: usize, rng: &mut Pcg64) -> Vec<Vec<i64>> {
    let looks = looks(pictures);
    let mut best: Option<(f64, Tensor)> = None;
    for _ in 0..STARTS {
        let mut middles = start(&looks, count, rng);
        for _ in 0..ROUNDS {
            let nearest = distances(&looks, &middles).argmin(1, false);
            let moved = (0..count as i64).map(|group| {
                let own = looks.index(&[Some(nearest.eq(group).nonzero().squeeze_dim(1))]);
                match own.size()[0] {
                    0 => middles.i(group),
                    _ => own.mean_dim([0i64].as_slice(), false, Kind::Float),
                }
            });
            middles = Tensor::stack(&moved.collect::<Vec<_>>(), 0);
        }
        let (nearest, _) = distances(&looks, &middles).min_dim(1, false);
        let spread = nearest.mean(Kind::Float).double_value(&[]);
        if best.as_ref().is_none_or(|(least, _)| spread < *least) {
            best = Some((spread, middles));
        }
    }
    let (_, middles) = best.expect("there are starts");
    let far = distances(&looks, &middles);
    let nearest = far.argmin(1, false);
    let sorted = (0..count as i64).map(|group| {
        let own = nearest.eq(group).nonzero().squeeze_dim(1);
        let order = far.i((.., group)).index(&[Some(&own)]).argsort(0, false);
        let order = order.narrow(0, 0, order.size()[0].min(members as i64));
        Vec::try_from(own.index(&[Some(order)])).expect("a list of indices")
    });
    sorted.collect()
}

/// What faces look like at a glance without their light, a row each.
fn looks(pictures: &Tensor) -> Tensor {
    let cells = pictures.adaptive_avg_pool2d([CELLS, CELLS]).flatten(2, 3);
    let along = |i: i64, axis: usize| ((i as f64 + 0.5) / CELLS as f64 - MIDDLE[axis]) / FACE[axis];
    let is_face = |i: &i64| along(i % CELLS, 0).powi(2) + along(i / CELLS, 1).powi(2) <= 1.0;
    let face: Vec<i64> = (0..CELLS * CELLS).filter(is_face).collect();
    let cells = cells.index_select(2, &Tensor::from_slice(&face));
    let lit = &cells - cells.mean_dim([2i64].as_slice(), true, Kind::Float);
    let lit = lit.flatten(1, 2);
    let contrast = lit
        .square()
        .mean_dim([1i64].as_slice(), true, Kind::Float)
        .sqrt();
    lit / (contrast + LEAST_CONTRAST)
}

/// Squared distances of rows, `[N, M]`.
fn distances(rows: &Tensor, others: &Tensor) -> Tensor {
    let square = |x: &Tensor| {
        x.square()
            .sum_dim_intlist([1i64].as_slice(), true, Kind::Float)
    };
    square(rows) + square(others).transpose(0, 1) - rows.matmul(&others.transpose(0, 1)) * 2.0
}

/// Rows far from each other.
fn start(looks: &Tensor, count: usize, rng: &mut Pcg64) -> Tensor {
    let rows = looks.size()[0];
    let mut chosen = vec![rng.random_range(0..rows)];
    while chosen.len() < count {
        let others = looks.index_select(0, &Tensor::from_slice(&chosen));
        let (nearest, _) = distances(looks, &others).min_dim(1, false);
        let sums = nearest.clamp_min(0.0).cumsum(0, Kind::Double);
        let drawn = rng.random::<f64>() * sums.i(rows - 1).double_value(&[]);
        let next = sums.lt(drawn).sum(Kind::Int64).int64_value(&[]);
        chosen.push(next.min(rows - 1));
    }
    looks.index_select(0, &Tensor::from_slice(&chosen))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn faces_that_look_alike_are_one_group_whatever_their_light() {
        let side = 48i64;
        let values = Tensor::arange(side, (Kind::Float, tch::Device::Cpu)) / side as f64;
        let across = values
            .view([1, 1, 1, side])
            .expand([1, 3, side, side], false);
        let down = values
            .view([1, 1, side, 1])
            .expand([1, 3, side, side], false);
        let lit = |x: &Tensor, gain: f64, offset: f64| x * gain + offset;
        let pictures = [
            lit(&across, 0.5, 0.1),
            lit(&down, 0.9, 0.0),
            lit(&across, 0.8, 0.2),
            lit(&down, 0.4, 0.3),
            lit(&down, 0.6, 0.2),
        ];
        let mut found = groups(
            &Tensor::cat(&pictures, 0),
            2,
            2,
            &mut Pcg64::seed_from_u64(1),
        );
        found.iter_mut().for_each(|group| group.sort_unstable());
        found.sort();
        assert_eq!(found[0], [0, 2]);
        // The two nearest to the middle of three.
        assert!(found[1].len() == 2 && found[1].iter().all(|i| [1, 3, 4].contains(i)));
    }
}
