//! The Frechet distance of two sets of features, each taken for a normal distribution (Heusel et
//! al. 2017): `|m - n|^2 + tr(S + T - 2 (S T)^(1/2))` for means `m`, `n` and covariances `S`, `T`.

use tch::{Kind, Tensor};

/// The Frechet distance of the rows of `a` `[N, D]` and `b` `[M, D]`, with at least two rows each;
/// it is meaningful where there are clearly more rows than columns.
pub fn frechet_distance(a: &Tensor, b: &Tensor) -> f64 {
    let (mean_a, covariance_a) = moments(a);
    let (mean_b, covariance_b) = moments(b);
    let between_means = (mean_a - mean_b).square().sum(Kind::Double);
    // tr (S T)^(1/2) is that of the symmetric S^(1/2) T S^(1/2).
    let root = symmetric_root(&covariance_a);
    let product = root.matmul(&covariance_b).matmul(&root);
    let (values, _) = product.linalg_eigh("L");
    let cross = values.clamp_min(0.0).sqrt().sum(Kind::Double);
    let traces = covariance_a.trace() + covariance_b.trace();
    (between_means + traces - cross * 2.0).double_value(&[])
}

/// Mean `[D]` and covariance `[D, D]` of rows, f64.
fn moments(rows: &Tensor) -> (Tensor, Tensor) {
    let rows = rows.to_kind(Kind::Double);
    let mean = rows.mean_dim([0i64].as_slice(), true, Kind::Double);
    let centred = &rows - &mean;
    let covariance = centred.tr().matmul(&centred) / (rows.size()[0] - 1) as f64;
    (mean.squeeze_dim(0), covariance)
}

/// The positive root of a symmetric, positive matrix.
fn symmetric_root(matrix: &Tensor) -> Tensor {
    let (values, vectors) = matrix.linalg_eigh("L");
    let roots = values.clamp_min(0.0).sqrt();
    (&vectors * roots).matmul(&vectors.tr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn distances_are_those_worked_by_hand() {
        // Along each axis two points: covariances diag(2, 8) against diag(18, 8), means apart by 1.
        let a = Tensor::from_slice(&[1.0f64, 0.0, -1.0, 0.0, 0.0, 2.0, 0.0, -2.0]).view([4, 2]);
        let b = Tensor::from_slice(&[3.0f64, 1.0, -3.0, 1.0, 0.0, 3.0, 0.0, -1.0]).view([4, 2]);
        // Sums of squares 2 and 18 (over 3), roots apart: (sqrt(18 / 3) - sqrt(2 / 3))^2 + 1.
        let expected = ((18.0f64 / 3.0).sqrt() - (2.0f64 / 3.0).sqrt()).powi(2) + 1.0;
        let found = frechet_distance(&a, &b);
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        assert!(frechet_distance(&a, &a).abs() < 1e-9);
    }

    #[test]
    fn it_is_symmetric_and_counts_what_is_turned() {
        tch::manual_seed(1);
        let a = Tensor::randn([200, 5], (Kind::Double, Device::Cpu));
        let b = &a * 0.5 + &a.roll([1i64].as_slice(), [1i64].as_slice());
        let (forth, back) = (frechet_distance(&a, &b), frechet_distance(&b, &a));
        assert!(forth > 0.1 && (forth - back).abs() < 1e-6, "{forth} {back}");
    }
}
