//! Photos a second of a vision transformer whose weights a file has, for `benches/onnxruntime/vit.py`.
//!
//! `vit_speed WEIGHTS` reads questions `float|eight BATCH SECONDS` a line and answers each with the median rate; `vector
//! float|eight BATCH PATH` writes the vectors. The file starts with eight 32-bit sizes: image, patch, width, inner width,
//! layers, heads, photos, 0; then 32-bit floats in the order in which they are read here.

use std::io::{BufRead, Write};
use std::time::Instant;

use sightline_vlm::vit::{
    AttentionWeights, CpuVit, EdgeWeights, LayerWeights, LinearWeights, NormWeights, Pointwise, Precision, VitSizes,
    lowest_cosine,
};

struct Reader<'a>(&'a [f32]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> &'a [f32] {
        let (taken, rest) = self.0.split_at(n);
        self.0 = rest;
        taken
    }

    fn norm(&mut self, width: usize) -> NormWeights<'a> {
        NormWeights { gain: self.take(width), bias: self.take(width) }
    }

    fn linear(&mut self, input: usize, output: usize) -> LinearWeights<'a> {
        LinearWeights { weight: self.take(input * output), bias: Some(self.take(output)) }
    }
}

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).expect("the file of weights");
    let bytes = std::fs::read(path)?;
    let (head, rest) = bytes.split_at(32);
    let size = |i: usize| u32::from_le_bytes([head[4 * i], head[4 * i + 1], head[4 * i + 2], head[4 * i + 3]]) as usize;
    let [image_size, patch_size, d_model, ffn_dim, layers, heads, count] = std::array::from_fn(size);
    let numbers: Vec<f32> = rest.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let sizes =
        VitSizes { image_size, patch_size, d_model, heads, norm_epsilon: 1e-5, activation: Pointwise::QuickGelu };
    let tokens = (image_size / patch_size).pow(2) + 1;
    let build = |precision: Precision| {
        let mut from = Reader(&numbers);
        let edges = EdgeWeights {
            patch: from.take(d_model * 3 * patch_size * patch_size),
            patch_bias: None,
            class_token: Some(from.take(d_model)),
            position: from.take(tokens * d_model),
            pre_norm: Some(from.norm(d_model)),
            post_norm: from.norm(d_model),
            pool: None,
            projection: None,
        };
        let mut vit = CpuVit::new(sizes, &edges, precision);
        for _ in 0..layers {
            vit.push(&LayerWeights {
                attention_norm: from.norm(d_model),
                attention: AttentionWeights {
                    query: from.linear(d_model, d_model),
                    key: from.linear(d_model, d_model),
                    value: from.linear(d_model, d_model),
                    out: from.linear(d_model, d_model),
                },
                mlp_norm: from.norm(d_model),
                up: from.linear(d_model, ffn_dim),
                down: from.linear(ffn_dim, d_model),
            });
        }
        let photos: Vec<Vec<f32>> = from
            .take(count * image_size * image_size * 3)
            .chunks_exact(image_size * image_size * 3)
            .map(<[f32]>::to_vec)
            .collect();
        (vit, photos)
    };
    let (float, photos) = build(Precision::Float);
    let (eight, _) = build(Precision::Eight);
    let of = |name: &str| if name == "eight" { &eight } else { &float };
    let cosine = lowest_cosine(&float.forward(&photos).shared, &eight.forward(&photos).shared, d_model);
    println!("ready, lowest cosine of 8 bits to f32 {cosine:.5}");
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["vector", which, batch, path] => {
                let batch: usize = batch.parse().expect("a batch");
                let vectors = of(which).forward(&photos[..batch]).shared;
                let bytes: Vec<u8> = vectors.iter().flat_map(|v| v.to_le_bytes()).collect();
                std::fs::write(path, bytes)?;
                println!("written");
            }
            [which, batch, seconds] => {
                let (batch, seconds): (usize, f64) =
                    (batch.parse().expect("a batch"), seconds.parse().expect("seconds"));
                let (vit, start) = (of(which), Instant::now());
                let mut rates = Vec::new();
                while rates.len() < 3 || start.elapsed().as_secs_f64() < seconds {
                    let start = Instant::now();
                    std::hint::black_box(vit.forward(&photos[..batch]));
                    rates.push(batch as f64 / start.elapsed().as_secs_f64());
                }
                rates.sort_by(f64::total_cmp);
                println!("{}", rates[rates.len() / 2]);
            }
            _ => println!("?"),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}
