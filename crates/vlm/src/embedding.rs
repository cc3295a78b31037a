//! A point on the unit sphere of the shared space.

use crate::VlmError;

/// A vector of unit length; two of one model are compared by their dot product.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Scales `values` to unit length; `None` if they are all zero or not finite.
    pub fn normalised(mut values: Vec<f32>) -> Option<Self> {
        let norm = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        if !norm.is_finite() || norm == 0.0 {
            return None;
        }
        for value in &mut values {
            *value = (f64::from(*value) / norm) as f32;
        }
        Some(Self(values))
    }

    /// The weighted sum of embeddings, scaled to unit length; `None` if they cancel out.
    pub fn combined<'a>(parts: impl IntoIterator<Item = (f32, &'a Embedding)>) -> Option<Self> {
        let mut sum: Vec<f32> = Vec::new();
        for (weight, part) in parts {
            sum.resize(part.0.len(), 0.0);
            for (s, v) in sum.iter_mut().zip(&part.0) {
                *s += weight * v;
            }
        }
        Self::normalised(sum)
    }

    /// The coordinates.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// Cosine of the angle to `other`, in -1..=1.
    pub fn dot(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }

    /// Rows of a tensor read back from a device, each scaled to unit length.
    pub(crate) fn rows(values: &[f32], dims: usize, device: &str) -> Result<Vec<Self>, VlmError> {
        values
            .chunks_exact(dims)
            .map(|row| {
                Self::normalised(row.to_vec()).ok_or_else(|| VlmError::Device {
                    device: device.to_owned(),
                    reason: "it gave a vector that is zero or not finite".into(),
                })
            })
            .collect()
    }
}

/// What a model makes of a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoVectors {
    /// In the space that photos and sentences share.
    pub shared: Embedding,
    /// What the image tower saw, for telling albums apart.
    pub descriptor: Embedding,
    /// In the shared space by the untaught model, where a version maps it to another.
    pub base: Option<Embedding>,
}

impl PhotoVectors {
    /// The vector in the shared space of the untaught model.
    pub fn base(&self) -> &Embedding {
        self.base.as_ref().unwrap_or(&self.shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedding_has_unit_length() {
        let e = Embedding::normalised(vec![3.0, 4.0]).unwrap();
        assert_eq!(e.as_slice(), [0.6, 0.8]);
        assert!((e.dot(&e) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_has_no_direction_is_no_embedding() {
        assert!(Embedding::normalised(vec![0.0; 4]).is_none());
        assert!(Embedding::normalised(vec![f32::NAN, 1.0]).is_none());
        let e = Embedding::normalised(vec![1.0, 0.0]).unwrap();
        assert!(Embedding::combined([(1.0, &e), (-1.0, &e)]).is_none());
        assert!(Embedding::combined([]).is_none());
    }

    #[test]
    fn a_combination_is_the_scaled_weighted_sum() {
        let (x, y) = (Embedding::normalised(vec![1.0, 0.0]).unwrap(), Embedding::normalised(vec![0.0, 1.0]).unwrap());
        let sum = Embedding::combined([(3.0, &x), (-4.0, &y)]).unwrap();
        assert_eq!(sum.as_slice(), [0.6, -0.8]);
    }
}
