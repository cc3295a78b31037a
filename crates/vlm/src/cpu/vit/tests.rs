//! The network beside the formulas in f64.

use super::*;
use crate::cpu::testing::random;

/// Weights by name, made on demand from a seed, in the order in which they are asked for.
struct Source(u64);

impl Source {
    fn floats(&mut self, n: usize, scale: f32, mean: f32) -> Vec<f32> {
        self.0 += 1;
        random(n, self.0).iter().map(|v| v * scale + mean).collect()
    }

    fn norm(&mut self, width: usize) -> [Vec<f32>; 2] {
        [self.floats(width, 0.3, 1.0), self.floats(width, 0.2, 0.0)]
    }

    fn linear(&mut self, input: usize, output: usize) -> [Vec<f32>; 2] {
        [self.floats(input * output, 1.5 / (input as f32).sqrt(), 0.0), self.floats(output, 0.1, 0.0)]
    }
}

struct OwnedLayer {
    attention_norm: [Vec<f32>; 2],
    attention: [[Vec<f32>; 2]; 4],
    mlp_norm: [Vec<f32>; 2],
    up: [Vec<f32>; 2],
    down: [Vec<f32>; 2],
}

struct Owned {
    sizes: VitSizes,
    patch: Vec<f32>,
    patch_bias: Option<Vec<f32>>,
    class_token: Option<Vec<f32>>,
    position: Vec<f32>,
    pre_norm: Option<[Vec<f32>; 2]>,
    layers: Vec<OwnedLayer>,
    post_norm: [Vec<f32>; 2],
    probe: Option<(Vec<f32>, OwnedLayer)>,
    projection: Option<Vec<f32>>,
}

fn norm(pair: &[Vec<f32>; 2]) -> NormWeights<'_> {
    NormWeights { gain: &pair[0], bias: &pair[1] }
}

fn linear(pair: &[Vec<f32>; 2]) -> LinearWeights<'_> {
    LinearWeights { weight: &pair[0], bias: Some(&pair[1]) }
}

fn attention(four: &[[Vec<f32>; 2]; 4]) -> AttentionWeights<'_> {
    let [query, key, value, out] = four;
    AttentionWeights { query: linear(query), key: linear(key), value: linear(value), out: linear(out) }
}

impl OwnedLayer {
    fn new(from: &mut Source, d: usize, ffn: usize) -> Self {
        Self {
            attention_norm: from.norm(d),
            attention: std::array::from_fn(|_| from.linear(d, d)),
            mlp_norm: from.norm(d),
            up: from.linear(d, ffn),
            down: from.linear(ffn, d),
        }
    }
}

impl Owned {
    fn new(sizes: VitSizes, ffn: usize, layers: usize, clip: bool) -> Self {
        let (from, d, area) = (&mut Source(100), sizes.d_model, sizes.patch_size * sizes.patch_size);
        Self {
            sizes,
            patch: from.floats(d * 3 * area, 0.3, 0.0),
            patch_bias: (!clip).then(|| from.floats(d, 0.3, 0.0)),
            class_token: clip.then(|| from.floats(d, 1.0, 0.0)),
            position: from.floats((sizes.patches() + usize::from(clip)) * d, 0.5, 0.0),
            pre_norm: clip.then(|| from.norm(d)),
            layers: (0..layers).map(|_| OwnedLayer::new(from, d, ffn)).collect(),
            post_norm: from.norm(d),
            probe: (!clip).then(|| (from.floats(d, 1.0, 0.0), OwnedLayer::new(from, d, ffn))),
            projection: clip.then(|| from.floats(d * 24, 0.2, 0.0)),
        }
    }

    fn cpu(&self, precision: Precision) -> CpuVit {
        let edges = EdgeWeights {
            patch: &self.patch,
            patch_bias: self.patch_bias.as_deref(),
            class_token: self.class_token.as_deref(),
            position: &self.position,
            pre_norm: self.pre_norm.as_ref().map(norm),
            post_norm: norm(&self.post_norm),
            pool: self.probe.as_ref().map(|(probe, layer)| PoolWeights {
                probe,
                attention: attention(&layer.attention),
                norm: norm(&layer.mlp_norm),
                up: linear(&layer.up),
                down: linear(&layer.down),
            }),
            projection: self.projection.as_deref().map(|weight| LinearWeights { weight, bias: None }),
        };
        let mut vit = CpuVit::new(self.sizes, &edges, precision);
        for layer in &self.layers {
            vit.push(&LayerWeights {
                attention_norm: norm(&layer.attention_norm),
                attention: attention(&layer.attention),
                mlp_norm: norm(&layer.mlp_norm),
                up: linear(&layer.up),
                down: linear(&layer.down),
            });
        }
        vit
    }

    /// States, pooled and shared vectors of one photo by the formulas.
    fn reference(&self, photo: &[f32]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let VitSizes { image_size, patch_size, d_model: d, heads, .. } = self.sizes;
        let grid = image_size / patch_size;
        let mut x: Vec<f64> = self.class_token.iter().flatten().map(|v| f64::from(*v)).collect();
        for patch in 0..grid * grid {
            for o in 0..d {
                let mut sum = self.patch_bias.as_ref().map_or(0.0, |bias| f64::from(bias[o]));
                for c in 0..3 {
                    for at in 0..patch_size * patch_size {
                        let (row, column) = (patch / grid * patch_size + at / patch_size, patch % grid * patch_size);
                        let pixel = photo[(row * image_size + column + at % patch_size) * 3 + c];
                        let weight = self.patch[(o * 3 + c) * patch_size * patch_size + at];
                        sum += f64::from(pixel) * f64::from(weight);
                    }
                }
                x.push(sum);
            }
        }
        x.iter_mut().zip(&self.position).for_each(|(x, p)| *x += f64::from(*p));
        if let Some(norm) = &self.pre_norm {
            x = normed(&x, norm);
        }
        for layer in &self.layers {
            let y = normed(&x, &layer.attention_norm);
            sum(&mut x, &attended(&y, &y, &layer.attention, d, heads));
            self.mlp(&mut x, layer);
        }
        let states = normed(&x, &self.post_norm);
        let pooled = match &self.probe {
            None => states[..d].to_vec(),
            Some((probe, layer)) => {
                let probe: Vec<f64> = probe.iter().map(|v| f64::from(*v)).collect();
                let mut pooled = attended(&probe, &states, &layer.attention, d, heads);
                self.mlp(&mut pooled, layer);
                pooled
            }
        };
        let shared = match &self.projection {
            Some(weight) => times(&pooled, &[weight.clone(), vec![0.0; weight.len() / d]]),
            None => pooled.clone(),
        };
        (states, pooled, shared)
    }

    fn mlp(&self, x: &mut [f64], layer: &OwnedLayer) {
        let mut hidden = times(&normed(x, &layer.mlp_norm), &layer.up);
        for v in &mut hidden {
            *v *= match self.sizes.activation {
                Pointwise::Linear => 1.0,
                Pointwise::Gelu => 0.5 * (1.0 + libm::erf(*v / std::f64::consts::SQRT_2)),
                Pointwise::GeluTanh => {
                    0.5 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (*v + 0.044_715 * v.powi(3))).tanh())
                }
                Pointwise::QuickGelu => 1.0 / (1.0 + (-1.702 * *v).exp()),
            };
        }
        sum(x, &times(&hidden, &layer.down));
    }
}

fn sum(x: &mut [f64], y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

fn times(x: &[f64], [weight, bias]: &[Vec<f32>; 2]) -> Vec<f64> {
    let output = bias.len();
    let input = weight.len() / output;
    let one = |row: &[f64], o: usize| {
        row.iter().enumerate().map(|(i, x)| x * f64::from(weight[i * output + o])).sum::<f64>() + f64::from(bias[o])
    };
    x.chunks_exact(input).flat_map(|row| (0..output).map(move |o| one(row, o))).collect()
}

fn normed(x: &[f64], [gain, bias]: &[Vec<f32>; 2]) -> Vec<f64> {
    let width = gain.len();
    let mut out = Vec::new();
    for row in x.chunks_exact(width) {
        let mean = row.iter().sum::<f64>() / width as f64;
        let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / width as f64;
        out.extend(
            (0..width).map(|i| (row[i] - mean) / (variance + 1e-6).sqrt() * f64::from(gain[i]) + f64::from(bias[i])),
        );
    }
    out
}

fn attended(queries: &[f64], states: &[f64], four: &[[Vec<f32>; 2]; 4], d: usize, heads: usize) -> Vec<f64> {
    let [q, k, v] = [(queries, 0), (states, 1), (states, 2)].map(|(x, which)| times(x, &four[which]));
    let depth = d / heads;
    let mut mixed = vec![0.0; queries.len()];
    for row in 0..queries.len() / d {
        for head in 0..heads {
            let part = |of: &[f64], row: usize| of[row * d + head * depth..][..depth].to_vec();
            let query = part(&q, row);
            let weights: Vec<f64> = (0..states.len() / d)
                .map(|other| query.iter().zip(part(&k, other)).map(|(q, k)| q * k).sum::<f64>())
                .map(|logit| (logit / (depth as f64).sqrt()).exp())
                .collect();
            let whole: f64 = weights.iter().sum();
            for (other, weight) in weights.iter().enumerate() {
                for (to, value) in mixed[row * d + head * depth..][..depth].iter_mut().zip(part(&v, other)) {
                    *to += weight / whole * value;
                }
            }
        }
    }
    times(&mixed, &four[3])
}

fn networks() -> Vec<Owned> {
    let sizes = |image_size, patch_size, d_model, heads, activation| VitSizes {
        image_size,
        patch_size,
        d_model,
        heads,
        norm_epsilon: 1e-6,
        activation,
    };
    vec![
        Owned::new(sizes(24, 8, 40, 4, Pointwise::QuickGelu), 100, 3, true),
        Owned::new(sizes(28, 7, 48, 3, Pointwise::Gelu), 130, 2, true),
        Owned::new(sizes(30, 5, 36, 2, Pointwise::GeluTanh), 50, 3, false),
        Owned::new(sizes(16, 8, 32, 2, Pointwise::Gelu), 64, 0, true),
    ]
}

fn photos(side: usize, n: usize) -> Vec<Vec<f32>> {
    (0..n as u64).map(|seed| random(side * side * 3, 900 + seed)).collect()
}

#[test]
fn the_network_gives_what_its_formulas_give() {
    for network in networks() {
        let photos = photos(network.sizes.image_size, 5);
        let vit = network.cpu(Precision::Float);
        let got = vit.forward(&photos);
        let states = vit.states(&photos);
        assert_eq!(states.len(), photos.len() * vit.tokens() * network.sizes.d_model);
        for (i, photo) in photos.iter().enumerate() {
            let (want_states, pooled, shared) = network.reference(photo);
            for (got, want) in [(&states, want_states), (&got.pooled, pooled), (&got.shared, shared)] {
                assert_eq!(got.len(), photos.len() * want.len());
                let range = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
                assert!(range > 0.1);
                for (got, want) in got[i * want.len()..].iter().zip(&want) {
                    assert!((f64::from(*got) - want).abs() < 1e-4 * range, "{:?}: {got} {want}", network.sizes);
                }
            }
        }
    }
}

#[test]
fn a_photo_gives_the_same_alone_and_among_others() {
    for (network, precision) in networks().iter().flat_map(|n| [(n, Precision::Float), (n, Precision::Eight)]) {
        let photos = photos(network.sizes.image_size, 130);
        let vit = network.cpu(precision);
        let all = vit.forward(&photos);
        for (i, photo) in photos.iter().enumerate().step_by(43) {
            let alone = vit.forward(std::slice::from_ref(photo));
            let width = alone.shared.len();
            assert_eq!(alone.shared, all.shared[i * width..][..width]);
        }
    }
    assert_eq!(networks()[0].cpu(Precision::Float).forward(&[]).shared, [0.0; 0]);
}

#[test]
fn layers_of_bytes_stay_near_layers_of_floats() {
    for network in networks() {
        let photos = photos(network.sizes.image_size, 4);
        let vectors = |precision| network.cpu(precision).forward(&photos).shared;
        let (float, eight) = (vectors(Precision::Float), vectors(Precision::Eight));
        let cosine = lowest_cosine(&float, &eight, float.len() / photos.len());
        assert!(cosine > 0.999, "{:?}: {cosine}", network.sizes);
        assert!(network.layers.is_empty() || float != eight, "the bytes are in use");
    }
}
