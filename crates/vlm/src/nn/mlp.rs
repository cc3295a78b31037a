//! The feed-forward half of a transformer layer, and the activations that published models use in it.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{gelu, sigmoid};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// What stands between the two linear maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// x Φ(x) with the exact normal distribution (Hendrycks & Gimpel 2016, arXiv:1606.08415).
    #[default]
    Gelu,
    /// x σ(1.702 x): what OpenAI's CLIP was trained with.
    QuickGelu,
    /// x Φ(x) with Φ through a hyperbolic tangent: SigLIP's.
    GeluTanh,
}

impl Activation {
    /// Each number through the activation.
    pub fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => gelu(x),
            Self::QuickGelu => x.clone() * sigmoid(x * 1.702),
            Self::GeluTanh => {
                // The cube as a product: a power of a negative number is not a number on some graphics drivers.
                let cube = x.clone() * x.clone() * x.clone();
                let inner = (x.clone() + cube * 0.044_715) * (2.0 / std::f64::consts::PI).sqrt();
                x * 0.5 * (inner.tanh() + 1.0)
            }
        }
    }
}

/// Two linear maps with an activation between them.
#[derive(Module, Debug)]
pub struct Mlp {
    /// To the inner width.
    pub up: Linear,
    /// And back.
    pub down: Linear,
    /// What stands between them.
    #[module(skip)]
    pub activation: Activation,
}

impl Mlp {
    /// With fresh weights on `device`.
    pub fn new(d_model: usize, ffn_dim: usize, activation: Activation, device: &Device) -> Self {
        Self {
            up: LinearConfig::new(d_model, ffn_dim).init(device),
            down: LinearConfig::new(ffn_dim, d_model).init(device),
            activation,
        }
    }

    /// `[batch, tokens, d_model]` to the same shape.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.down.forward(self.activation.forward(self.up.forward(x)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_activations_are_those_of_their_formulas() {
        let given = [-6.0f32, -1.5, -0.2, 0.0, 0.7, 3.0, 9.0];
        let tensor = || Tensor::<1>::from_floats(given, &Device::flex());
        let run = |activation: Activation| activation.forward(tensor()).into_data().try_to_vec::<f32>().unwrap();
        let normal = |x: f64| 0.5 * (1.0 + libm::erf(x / 2f64.sqrt()));
        let tanh = |x: f64| 0.5 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh());
        let sigmoid = |x: f64| 1.0 / (1.0 + (-1.702 * x).exp());
        let cases: [(Activation, &dyn Fn(f64) -> f64); 3] =
            [(Activation::Gelu, &normal), (Activation::GeluTanh, &tanh), (Activation::QuickGelu, &sigmoid)];
        for (activation, share) in cases {
            for (x, got) in given.iter().zip(run(activation)) {
                let want = f64::from(*x) * share(f64::from(*x));
                assert!((f64::from(got) - want).abs() < 1e-5, "{activation:?} of {x}: {got}, not {want}");
            }
        }
    }
}
