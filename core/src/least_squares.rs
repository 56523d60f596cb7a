//! The normal equations of least squares.

/// The solution of a symmetric positive definite system (Cholesky); nothing where it is not.
pub fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut values: [f64; N]) -> Option<[f64; N]> {
    for i in 0..N {
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
    for i in (0..N).rev() {
        let product: f64 = (i + 1..N).map(|k| matrix[k][i] * values[k]).sum();
        values[i] = (values[i] - product) / matrix[i][i];
    }
    values
        .iter()
        .all(|value| value.is_finite())
        .then_some(values)
}
