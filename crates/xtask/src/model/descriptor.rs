//! Fitting the axes of descriptors.

use sightline_vlm::train::{Encoder, fit_descriptor};
use sightline_vlm::{DescriptorConfig, HeadsConfig};

use super::Place;
use super::dataset::Split;
use super::train::cached_view;

/// Writes `descriptor.safetensors` from the training photos.
pub fn descriptor(seed: u64, place: &Place) -> anyhow::Result<()> {
    let encoder = Encoder::load(&place.out)?;
    let photos = Split::read(&place.data, "train")?;
    let view = cached_view(&encoder, &photos, false, &place.work.join("train-0.f16"))?;
    let heads = (&HeadsConfig::new(), place.out.join("heads.safetensors"));
    let out = place.out.join("descriptor.safetensors");
    fit_descriptor(&DescriptorConfig::new(), &view, (heads.0, &heads.1), seed, &out)?;
    println!("axes written to {}", out.display());
    Ok(())
}
