//! What a GPU does, for `benches/gpu.sh`: `gpu_speed auto|gpu|cpu|software SECONDS [BATCHES]` with the bundled model and a
//! made-up ViT-B/16, from the repository's folder. Prints the adapters, and Markdown rows: the lowest cosine to the CPU's
//! vectors, photos a second by batch, captions a second.

mod made;

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use sightline_vlm::checkpoint::{About, convert};
use sightline_vlm::{DeviceChoice, Model, ModelInput, Search, adapters};

type Failed = Box<dyn std::error::Error>;

/// Photos that the cosine is taken over, and whose captions are written at once, unless no batch is that large.
const MOST: usize = 16;

fn main() -> Result<(), Failed> {
    let mut args = std::env::args().skip(1);
    let choice: DeviceChoice = args.next().ok_or("auto, gpu, cpu or software")?.parse()?;
    let each = Duration::from_secs_f64(args.next().ok_or("seconds for each figure")?.parse()?);
    let batches = args.next().unwrap_or_else(|| "1,16,64".into());
    let batches: Vec<usize> = batches.split(',').map(str::parse).collect::<Result<_, _>>()?;
    for adapter in adapters() {
        println!("adapter: {} ({}){}", adapter.name, adapter.backend, if adapter.software { ", software" } else { "" });
    }
    let scratch = scratch()?;
    let made_up = made_up(&scratch)?;
    println!("\n| model | device | what | figure |\n|---|---|---|---|");
    let outcome = [("bundled", Path::new("assets/models/home-1")), ("ViT-B/16, made up", &made_up)]
        .into_iter()
        .try_for_each(|(name, dir)| measure(name, dir, choice, each, &batches));
    std::fs::remove_dir_all(&scratch)?;
    outcome
}

fn measure(name: &str, dir: &Path, choice: DeviceChoice, each: Duration, batches: &[usize]) -> Result<(), Failed> {
    let model = Model::load(dir, choice)?;
    let device = model.device().name.clone();
    let row = |what: &str, figure: String| println!("| {name} | {device} | {what} | {figure} |");
    let most = batches.iter().copied().max().unwrap_or(1);
    let photos = pictures(&model, most)?;
    let some = &photos[..most.min(MOST)];
    let start = Instant::now();
    let vectors = model.embed_images(some)?;
    row("first vectors, with what is compiled for them", format!("{:.1} s", start.elapsed().as_secs_f64()));
    let on_cpu = Model::load(dir, DeviceChoice::Cpu)?.embed_images(some)?;
    let cosines =
        vectors.iter().zip(&on_cpu).map(|(a, b)| a.shared.dot(&b.shared).min(a.descriptor.dot(&b.descriptor)));
    row("lowest cosine to the CPU", format!("{:.7}", cosines.fold(1.0, f32::min)));
    for &batch in batches {
        let photos = &photos[..batch];
        let rate = rate(each, batch, || model.embed_images(photos).map(drop))?;
        row(&format!("batch {batch}"), format!("{rate:.1} photos/s"));
    }
    if model.info().decoder.is_some() {
        let write = || model.describe(some, &Search::default(), |_| ControlFlow::Continue(())).map(drop);
        let rate = rate(each, some.len(), write)?;
        row(&format!("captions, batch {}, beam 3", some.len()), format!("{rate:.1} captions/s"));
    }
    Ok(())
}

/// Photos a second: the median of as many runs as there is time for, one at least, after one that is not counted.
fn rate(
    each: Duration,
    batch: usize,
    mut run: impl FnMut() -> Result<(), sightline_vlm::VlmError>,
) -> Result<f64, Failed> {
    run()?;
    let (start, mut rates) = (Instant::now(), Vec::new());
    while rates.is_empty() || start.elapsed() < each {
        let start = Instant::now();
        run()?;
        rates.push(batch as f64 / start.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[rates.len() / 2])
}

/// Gradients and tiles, each another.
fn pictures(model: &Model, count: usize) -> Result<Vec<ModelInput>, Failed> {
    const SIDE: u32 = 300;
    let one = |number: u32| {
        let pixel = |at: u32| {
            let (x, y) = (at % SIDE, at / SIDE);
            let tile = (x / (8 + number % 40) + y / (12 + number % 30) + number) % 7 * 30;
            [x * 160 / SIDE + tile / 4, y * 160 / SIDE + tile / 3, (number * 37 + tile) % 256].map(|v| v as u8)
        };
        let rgb: Vec<u8> = (0..SIDE * SIDE).flat_map(pixel).collect();
        model.preprocess().prepare(SIDE, SIDE, &rgb)
    };
    Ok((0..count as u32).map(one).collect::<Result<_, _>>()?)
}

fn scratch() -> std::io::Result<std::path::PathBuf> {
    let folder = std::env::temp_dir().join(format!("sightline-gpu-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A pack whose image tower is CLIP's ViT-B/16 at 224 px, with made-up weights and a text tower of one layer.
fn made_up(scratch: &Path) -> Result<std::path::PathBuf, Failed> {
    let (source, pack) = (scratch.join("source"), scratch.join("pack"));
    std::fs::create_dir_all(&source)?;
    let text = json!({ "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
                       "vocab_size": 1, "max_position_embeddings": 8, "eos_token_id": 2 });
    let vision = json!({ "image_size": 224, "patch_size": 16 });
    let config = json!({ "model_type": "clip", "projection_dim": 512, "text_config": text, "vision_config": vision });
    std::fs::write(source.join("config.json"), config.to_string())?;
    let preparation = json!({ "crop_size": 224, "size": { "shortest_edge": 224 } });
    std::fs::write(source.join("preprocessor_config.json"), preparation.to_string())?;
    let tokenizer = json!({ "version": "1.0", "added_tokens": [],
        "model": { "type": "WordLevel", "vocab": { "[UNK]": 0 }, "unk_token": "[UNK]" } });
    std::fs::write(source.join("tokenizer.json"), tokenizer.to_string())?;
    weights(&source.join("model.safetensors"))?;
    let about = About { name: "made-up".into(), summary: String::new(), licences: Vec::new(), source: String::new() };
    convert(&source, &pack, &about, &mut |_, _| true)?;
    Ok(pack)
}

fn weights(path: &Path) -> Result<(), Failed> {
    let mut list = String::new();
    for (tower, width, ffn, layers) in [("vision_model", 768, 3072, 12), ("text_model", 64, 64, 1)] {
        for layer in 0..layers {
            let at = format!("{tower}.encoder.layers.{layer}");
            for norm in ["layer_norm1", "layer_norm2"] {
                write!(list, "{at}.{norm}.weight [{width}]\n{at}.{norm}.bias [{width}]\n")?;
            }
            for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                write!(
                    list,
                    "{at}.self_attn.{part}.weight [{width}, {width}]\n{at}.self_attn.{part}.bias [{width}]\n"
                )?;
            }
            write!(list, "{at}.mlp.fc1.weight [{ffn}, {width}]\n{at}.mlp.fc1.bias [{ffn}]\n")?;
            write!(list, "{at}.mlp.fc2.weight [{width}, {ffn}]\n{at}.mlp.fc2.bias [{width}]\n")?;
        }
    }
    for norm in ["pre_layrnorm", "post_layernorm"] {
        write!(list, "vision_model.{norm}.weight [768]\nvision_model.{norm}.bias [768]\n")?;
    }
    list += "text_model.final_layer_norm.weight [64]\ntext_model.final_layer_norm.bias [64]\n\
             vision_model.embeddings.class_embedding [768]\n\
             vision_model.embeddings.patch_embedding.weight [768, 3, 16, 16]\n\
             vision_model.embeddings.position_embedding.weight [197, 768]\n\
             text_model.embeddings.token_embedding.weight [1, 64]\n\
             text_model.embeddings.position_embedding.weight [8, 64]\n\
             visual_projection.weight [512, 768]\ntext_projection.weight [512, 64]\n";
    Ok(made::write(&made::Made::of(&list), path)?)
}
