//! The joint loss, apart from model and loop.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use crate::train::losses::soft_cross_entropy;
use crate::train::matrix;

/// Factor on cosines between photos and sentences before the softmax; CLIP's would be too sharp for a few photos.
const SHARPNESS: f64 = 20.0;

/// Symmetric contrastive loss in which all photos and sentences of one label belong together, in nats (Khosla et al.
/// 2020, arXiv:2004.11362, eq. 2, between two modalities).
///
/// `images` and `texts` `[batch, dims]` are of unit length; row i of either is of label `labels[i]`.
pub fn contrastive(images: Tensor<2>, texts: Tensor<2>, labels: &[usize]) -> Tensor<1> {
    let count = labels.len();
    let shares = |label: usize| labels.iter().filter(|&&other| other == label).count() as f32;
    let target: Vec<f32> = labels
        .iter()
        .flat_map(|&own| labels.iter().map(move |&other| if own == other { 1.0 / shares(own) } else { 0.0 }))
        .collect();
    let target = matrix(target, count, count, &images.device());
    let logits = images.matmul(texts.transpose()) * SHARPNESS;
    // The target is symmetric.
    (soft_cross_entropy(logits.clone(), target.clone()) + soft_cross_entropy(logits.transpose(), target)) / 2.0
}

/// Cross-entropy of `logits` `[batch, classes]` with `smoothing` of the target spread over all classes, in nats
/// (Szegedy et al. 2016, arXiv:1512.00567, section 7), each class weighing the same however many of its photos are in
/// the batch.
pub fn classes(logits: Tensor<2>, labels: &[usize], smoothing: f64) -> Tensor<1> {
    let [batch, classes] = logits.dims();
    let present = (0..classes).filter(|class| labels.contains(class)).count();
    let of = |class: usize| labels.iter().filter(|&&label| label == class).count();
    let target: Vec<f32> = labels
        .iter()
        .flat_map(|&label| {
            let weight = 1.0 / (present * of(label)) as f64;
            let even = smoothing / classes as f64;
            (0..classes)
                .map(move |class| (weight * (even + f64::from(u8::from(class == label)) * (1.0 - smoothing))) as f32)
        })
        .collect();
    let target = matrix(target, batch, classes, &logits.device());
    (target * log_softmax(logits, 1)).sum().neg()
}

/// Mean squared distance between rows.
pub fn moved(now: Tensor<2>, before: Tensor<2>) -> Tensor<1> {
    (now - before).powi_scalar(2).sum_dim(1).mean()
}
