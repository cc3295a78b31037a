//! The matrices that are trained.

use burn::module::{Module, Param, ParamId};
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rand::rngs::StdRng;

use crate::train::{floats, matrix};

/// All trained matrices, in the order of a [`Layout`]. Their ids are their places, so that a checkpoint fits.
#[derive(Module, Debug)]
pub struct Pupil {
    pub(super) matrices: Vec<Param<Tensor<2>>>,
}

/// Names and shapes of a pupil's matrices.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout(Vec<(String, [usize; 2], Start)>);

/// What a matrix begins with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Start {
    Zero,
    /// Normal numbers of variance one over the rows.
    Random,
}

impl Layout {
    /// Adds a matrix.
    pub fn add(&mut self, name: &str, shape: [usize; 2], start: Start) {
        self.0.push((name.to_owned(), shape, start));
    }

    /// Adds a pair whose product `[input, output]` has a rank of at most `rank` and is zero at first.
    pub fn add_low_rank(&mut self, name: &str, input: usize, rank: usize, output: usize) {
        self.add(&format!("{name}.down"), [input, rank], Start::Random);
        self.add(&format!("{name}.up"), [rank, output], Start::Zero);
    }

    /// A fresh pupil.
    pub fn pupil(&self, rng: &mut StdRng, device: &Device) -> Pupil {
        let values = self.0.iter().map(|(_, [rows, columns], start)| match start {
            Start::Zero => vec![0.0; rows * columns],
            Start::Random => (0..rows * columns).map(|_| normal(rng) / (*rows as f32).sqrt()).collect(),
        });
        self.with(values.collect(), device)
    }

    /// A pupil of the given numbers.
    pub fn with(&self, values: Vec<Vec<f32>>, device: &Device) -> Pupil {
        let matrices = self.0.iter().zip(values).enumerate();
        let matrices = matrices.map(|(place, ((_, [rows, columns], _), values))| {
            let tensor = matrix(values, *rows, *columns, device);
            let tensor = if device.is_autodiff() { tensor.require_grad() } else { tensor };
            Param::initialized(ParamId::from(place as u64 + 1), tensor)
        });
        Pupil { matrices: matrices.collect() }
    }

    /// Names, shapes and numbers of a pupil's matrices.
    pub fn values(&self, pupil: &Pupil) -> Vec<(String, [usize; 2], Vec<f32>)> {
        let of = |(spec, param): (&(String, [usize; 2], Start), &Param<Tensor<2>>)| {
            (spec.0.clone(), spec.1, floats(param.val()))
        };
        self.0.iter().zip(&pupil.matrices).map(of).collect()
    }

    /// Names, shapes and numbers of what `values` has been for.
    pub fn shapes(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().map(|(_, [rows, columns], _)| rows * columns)
    }

    /// A matrix of a pupil, if the layout has it.
    pub fn find(&self, pupil: &Pupil, name: &str) -> Option<Tensor<2>> {
        let place = self.0.iter().position(|(own, _, _)| own == name)?;
        Some(pupil.matrices[place].val())
    }

    /// A matrix of a pupil.
    ///
    /// # Panics
    /// When the layout does not have it.
    pub fn get(&self, pupil: &Pupil, name: &str) -> Tensor<2> {
        self.find(pupil, name).expect("the layout has what its own loss asks for")
    }

    /// The product of a low-rank pair.
    pub fn product(&self, pupil: &Pupil, name: &str) -> Option<Tensor<2>> {
        Some(self.find(pupil, &format!("{name}.down"))?.matmul(self.find(pupil, &format!("{name}.up"))?))
    }

    /// A linear layer with its change.
    pub fn linear(&self, pupil: &Pupil, name: &str, layer: &Linear) -> Linear {
        match self.product(pupil, name) {
            None => layer.clone(),
            Some(change) => Linear { weight: untracked(layer.weight.val() + change), bias: layer.bias.clone() },
        }
    }

    /// A 1x1 convolution with its change.
    pub fn pointwise(&self, pupil: &Pupil, name: &str, conv: &Conv2d) -> Conv2d {
        let mut changed = conv.clone();
        if let Some(change) = self.product(pupil, name) {
            changed.weight = untracked(conv.weight.val() + change.transpose().unsqueeze_dims::<4>(&[2, 3]));
        }
        changed
    }
}

/// A parameter whose value is computed from others.
fn untracked<const D: usize>(value: Tensor<D>) -> Param<Tensor<D>> {
    Param::initialized(ParamId::new(), value)
}

/// Adds the change `[input, output]` to a linear layer for good.
pub(crate) fn merge_linear(layer: &mut Linear, change: Tensor<2>) {
    layer.weight = Param::from_tensor(layer.weight.val() + change).set_require_grad(false);
}

/// Adds the change `[input, output]` to a 1x1 convolution for good.
pub(crate) fn merge_pointwise(conv: &mut Conv2d, change: Tensor<2>) {
    let change = change.transpose().unsqueeze_dims::<4>(&[2, 3]);
    conv.weight = Param::from_tensor(conv.weight.val() + change).set_require_grad(false);
}

/// A number of a normal distribution (Box & Muller 1958).
fn normal(rng: &mut StdRng) -> f32 {
    let (u, v): (f32, f32) = (rng.random_range(f32::EPSILON..1.0), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}
