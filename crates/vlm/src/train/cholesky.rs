//! The Cholesky factor of a symmetric matrix, inverted.

/// The inverse of the upper triangular R of `gram` = R^T R, row by row.
pub(crate) fn inverse_upper(gram: &[f64], size: usize) -> Vec<f64> {
    let ridge = 1e-7 * (0..size).map(|i| gram[i * size + i]).fold(0.0, f64::max);
    let mut lower = vec![0.0; size * size];
    for i in 0..size {
        for j in 0..=i {
            let (a, b) = (&lower[i * size..][..j], &lower[j * size..][..j]);
            let sum: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
            lower[i * size + j] = if i == j {
                (gram[i * size + i] + ridge - sum).max(ridge).sqrt()
            } else {
                (gram[i * size + j] - sum) / lower[j * size + j]
            };
        }
    }
    // R is the transposed `lower`; the inverse of `lower` by forward substitution, written transposed.
    let mut inverse = vec![0.0; size * size];
    for column in 0..size {
        let mut x = vec![0.0; size];
        for i in column..size {
            let sum: f64 = (column..i).map(|k| lower[i * size + k] * x[k]).sum();
            x[i] = (f64::from(u8::from(i == column)) - sum) / lower[i * size + i];
        }
        for i in column..size {
            inverse[column * size + i] = x[i];
        }
    }
    inverse
}
