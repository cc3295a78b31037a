//! The objectives, apart from model and loop.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

/// Symmetric contrastive loss with several captions a photo, in nats.
///
/// `images` `[photos, dims]` and `texts` `[photos * captions, dims]` are of unit length; text i belongs to
/// photo `i / captions`. `scale` `[1]` multiplies the cosines. The mean of two cross-entropies: each text
/// over the photos, and each photo over the texts with the target spread evenly over its own. With one
/// caption a photo this is InfoNCE as in CLIP (Radford et al. 2021, arXiv:2103.00020, fig. 3).
pub fn contrastive(images: Tensor<2>, texts: Tensor<2>, scale: Tensor<1>) -> Tensor<1> {
    let ([photos, _], [count, _]) = (images.dims(), texts.dims());
    let captions = count / photos;
    let logits = texts.matmul(images.transpose()) * scale.unsqueeze(); // [texts, photos]
    let device = logits.device();
    let own = Tensor::<2>::eye(photos, &device) // [texts, photos], 1 where the text is the photo's
        .unsqueeze_dim::<3>(1)
        .repeat_dim(1, captions)
        .reshape([count, photos]);
    let by_text = (log_softmax(logits.clone(), 1) * own.clone()).sum().neg() / count as f64;
    let by_photo = (log_softmax(logits, 0) * own).sum().neg() / count as f64;
    (by_text + by_photo) / 2.0
}

/// Kullback-Leibler divergence of softmax(`logits`) from `target`, the mean over rows, in nats.
///
/// `target` `[batch, classes]` holds probabilities and is not differentiated (Hinton et al. 2015,
/// arXiv:1503.02531, at temperature 1).
pub fn distillation(logits: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    let [batch, _] = logits.dims();
    let entropy = (target.clone() * target.clone().clamp_min(1e-12).log()).sum();
    let cross = (target * log_softmax(logits, 1)).sum();
    (entropy - cross) / batch as f64
}

/// Cross-entropy of softmax(`logits`) against rows of probabilities, the mean over rows, in nats.
pub fn soft_cross_entropy(logits: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    let [batch, _] = logits.dims();
    (target * log_softmax(logits, 1)).sum().neg() / batch as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn matrix<const R: usize, const C: usize>(rows: [[f32; C]; R]) -> Tensor<2> {
        Tensor::from_floats(rows, &Device::flex())
    }

    /// -log softmax of entry `i`, in f64.
    fn cross_entropy(logits: &[f64], i: usize) -> f64 {
        logits.iter().map(|l| l.exp()).sum::<f64>().ln() - logits[i]
    }

    #[test]
    fn the_contrastive_loss_is_the_mean_cross_entropy_of_both_directions() {
        // Two photos with two captions each; cosines of text by photo, times 5.
        let images = matrix([[1.0, 0.0], [0.6, 0.8]]);
        let texts = matrix([[0.8, 0.6], [1.0, 0.0], [0.6, 0.8], [-0.6, 0.8]]);
        let logits: [[f64; 2]; 4] = [[4.0, 4.8], [5.0, 3.0], [3.0, 5.0], [-3.0, 1.4]];
        let by_text: f64 = (0..4).map(|i| cross_entropy(&logits[i], i / 2)).sum::<f64>() / 4.0;
        let column = |j: usize| logits.iter().map(|r| r[j]).collect::<Vec<_>>();
        let by_photo: f64 = (0..4).map(|i| cross_entropy(&column(i / 2), i)).sum::<f64>() / 4.0;
        let scale = Tensor::from_floats([5.0], &Device::flex());
        let loss: f32 = contrastive(images, texts, scale).into_scalar();
        assert!((f64::from(loss) - (by_text + by_photo) / 2.0).abs() < 1e-5);
    }

    #[test]
    fn distillation_is_zero_for_equal_distributions_and_the_divergence_otherwise() {
        let logits = matrix([[0.0, 2.0f32.ln()], [3.0f32.ln(), 0.0]]);
        let same = matrix([[1.0 / 3.0, 2.0 / 3.0], [0.75, 0.25]]);
        assert!(distillation(logits.clone(), same).into_scalar::<f32>().abs() < 1e-6);
        let other = matrix([[0.5, 0.5], [1.0, 0.0]]);
        let want = (0.5f64 * (0.5f64 * 3.0).ln() + 0.5 * (0.5f64 * 1.5).ln() + (1.0f64 / 0.75).ln()) / 2.0;
        let got: f32 = distillation(logits.clone(), other.clone()).into_scalar();
        assert!((f64::from(got) - want).abs() < 1e-5);
        let entropy = 2.0f64.ln() / 2.0;
        let cross: f32 = soft_cross_entropy(logits, other).into_scalar();
        assert!((f64::from(cross) - want - entropy).abs() < 1e-5);
    }
}
