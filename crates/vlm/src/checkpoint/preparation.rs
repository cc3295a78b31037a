//! How a family's photos are prepared, by `preprocessor_config.json`.

use super::settings::Settings;
use crate::{Filter, Fit, Preprocess, VlmError};

/// Means and deviations of OpenAI's CLIP.
pub(super) const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
pub(super) const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// The file.
pub(super) const PREPROCESSOR: &str = "preprocessor_config.json";

/// OpenAI's preparation.
pub(super) fn clip_preprocess(size: usize) -> Preprocess {
    let (fit, filter) = (Fit::ShortestEdge, Filter::Bicubic);
    Preprocess { size: size as u32, fit, filter, mean: CLIP_MEAN, std: CLIP_STD }
}

/// What `preprocessor_config.json` says.
pub(super) fn hf_preprocess(settings: &Settings, image_size: usize) -> Result<Preprocess, VlmError> {
    let expected = format!("{image_size}, as in config.json");
    let (size, kind) = settings.square("size", &[&["shortest_edge"], &["height", "width"]])?.unwrap_or((image_size, 0));
    if size != image_size || !settings.flag("do_resize", true)? {
        return Err(settings.wrong("size", &expected));
    }
    // A number alone is the shortest edge where there is a crop after it, else both.
    let crops = settings.flag("do_center_crop", settings.has("crop_size"))?;
    let fit = if kind == 1 || (kind == usize::MAX && !crops) { Fit::Stretch } else { Fit::ShortestEdge };
    if fit == Fit::ShortestEdge {
        let crop = settings.square("crop_size", &[&["height", "width"]])?.map_or(size, |(size, _)| size);
        if !crops || crop != size {
            return Err(settings.wrong("crop_size", &expected));
        }
    }
    finished(settings, size, fit, (3, CLIP_MEAN, CLIP_STD))
}

/// What it says for Idefics3, of which one tile is used: the smallest of those that the model was trained with.
pub(super) fn one_tile(settings: &Settings, image_size: usize) -> Result<Preprocess, VlmError> {
    let (size, _) = settings.square("max_image_size", &[&["longest_edge"]])?.unwrap_or((image_size, 0));
    if size != image_size || !settings.flag("do_resize", true)? {
        return Err(settings.wrong("max_image_size", &format!("{image_size}, as in config.json")));
    }
    finished(settings, size, Fit::OneTile, (1, [0.5; 3], [0.5; 3]))
}

/// With the filter and the colours, for which there are defaults.
fn finished(
    settings: &Settings,
    size: usize,
    fit: Fit,
    (resample, mean, std): (usize, [f32; 3], [f32; 3]),
) -> Result<Preprocess, VlmError> {
    let filter = match settings.size("resample", resample)? {
        1 => Filter::Lanczos,
        2 => Filter::Bilinear,
        3 => Filter::Bicubic,
        _ => return Err(settings.wrong("resample", "1, 2 or 3")),
    };
    if (settings.number("rescale_factor", 1.0 / 255.0)? * 255.0 - 1.0).abs() > 1e-4 {
        return Err(settings.wrong("rescale_factor", "1/255"));
    }
    let (mean, std) = if settings.flag("do_normalize", true)? {
        (settings.colour("image_mean", mean)?, settings.colour("image_std", std)?)
    } else {
        ([0.0; 3], [1.0; 3])
    };
    Ok(Preprocess { size: size as u32, fit, filter, mean, std })
}
