//! The equations of a step.

use super::displacement::TERMS;

/// Unknowns of a displacement.
pub const UNKNOWNS: usize = 2 * TERMS;

/// The solution of a symmetric positive definite system (Cholesky); nothing where it is not.
pub fn solve(
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
