//! Cross-entropy over a large vocabulary without keeping its graph.

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

/// Rows whose logits are held at once.
const ROWS: usize = 512;

/// Label-smoothed token cross-entropy (Szegedy et al. 2016, arXiv:1512.00567, section 7), the mean in nats.
///
/// `states` `[tokens, width]` times the transposed `table` `[vocabulary, width]` are logits; token i shall be
/// `targets[i]`. The target distribution has `1 - smoothing` there and `smoothing` spread over the vocabulary.
/// Gives the loss and a scalar whose gradient is the loss's: logits, softmax and their gradients are computed
/// beside the graph, block by block, as a graph over `[tokens, vocabulary]` would take ten passes over memory.
pub fn token_cross_entropy(states: Tensor<2>, table: Tensor<2>, targets: &[i32], smoothing: f32) -> (f32, Tensor<1>) {
    let [tokens, width] = states.dims();
    let vocabulary = table.dims()[0];
    let (plain_states, plain_table) = (states.clone().inner(), table.clone().inner());
    let device = plain_states.device();
    let columns = plain_table.clone().transpose();
    let mut loss = 0.0;
    let mut by_state = Vec::new();
    let mut by_table = Tensor::<2>::zeros([vocabulary, width], &device);
    for (block, targets) in targets.chunks(ROWS).enumerate() {
        let part = plain_states.clone().narrow(0, block * ROWS, targets.len());
        let logits = part.clone().matmul(columns.clone()).into_data();
        let mut logits = logits.try_to_vec::<f32>().expect("training computes in f32");
        loss += logits
            .par_chunks_exact_mut(vocabulary)
            .zip(targets)
            .map(|(row, &target)| f64::from(softmax_gradient(row, target as usize, smoothing, tokens as f32)))
            .sum::<f64>();
        let gradient = Tensor::<2>::from_data(TensorData::new(logits, [targets.len(), vocabulary]), &device);
        by_state.push(gradient.clone().matmul(plain_table.clone()));
        by_table = by_table + gradient.transpose().matmul(part);
    }
    let surrogate = (states * Tensor::cat(by_state, 0).autodiff()).sum() + (table * by_table.autodiff()).sum();
    ((loss / tokens as f64) as f32, surrogate)
}

/// Replaces a row of logits by the gradient of its loss over `count`; gives the loss.
fn softmax_gradient(row: &mut [f32], target: usize, smoothing: f32, count: f32) -> f32 {
    let highest = row.iter().copied().fold(f32::MIN, f32::max);
    let mean = row.iter().sum::<f32>() / row.len() as f32;
    let own = row[target];
    row.iter_mut().for_each(|value| *value = (*value - highest).exp());
    let sum: f32 = row.iter().sum();
    let everywhere = smoothing / row.len() as f32;
    row.iter_mut().for_each(|value| *value = (*value / sum - everywhere) / count);
    row[target] -= (1.0 - smoothing) / count;
    highest + sum.ln() - (1.0 - smoothing) * own - smoothing * mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::activation::log_softmax;
    use burn::tensor::{Device, Distribution, Int};

    #[test]
    fn loss_and_gradients_are_those_of_the_plain_graph() {
        let device = Device::flex().autodiff();
        device.seed(5);
        let (tokens, width, vocabulary, smoothing) = (ROWS + 3, 4, 7, 0.1);
        let random = |shape| Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), &device).require_grad();
        let (states, table) = (random([tokens, width]), random([vocabulary, width]));
        let targets: Vec<i32> = (0..tokens as i32).map(|i| i * 5 % vocabulary as i32).collect();

        let log = log_softmax(states.clone().matmul(table.clone().transpose()), 1);
        let index = Tensor::<1, Int>::from_data(targets.as_slice(), &device).unsqueeze_dim::<2>(1);
        let own = log.clone().gather(1, index).mean();
        let want = (own * (1.0 - smoothing) + log.mean() * smoothing).neg();
        let gradients = want.backward();
        let (got, surrogate) = token_cross_entropy(states.clone(), table.clone(), &targets, smoothing as f32);
        let own_gradients = surrogate.backward();

        assert!((got - want.into_scalar::<f32>()).abs() < 1e-5);
        for tensor in [&states, &table] {
            let pair = (tensor.grad(&gradients).unwrap(), tensor.grad(&own_gradients).unwrap());
            let worst: f32 = (pair.0.clone() - pair.1).abs().max().into_scalar();
            assert!(worst < 1e-6, "{worst}");
            assert!(pair.0.abs().max().into_scalar::<f32>() > 1e-4, "the test must have gradients");
        }
    }
}
