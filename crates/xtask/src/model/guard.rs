//! The guard and the anchors of teaching.

use sightline_vlm::Model;
use sightline_vlm::tune::{GUARD_FILE, Guard, GuardMaker, GuardPhotos};

use super::Place;
use super::dataset::{Split, prepared};
use super::finish::{both, embed_photos};

/// Photos of dev that watch over general search, each with its first [`QUERIES`] captions.
const GUARD: usize = 300;
/// Captions of each.
const QUERIES: usize = 2;
/// Photos of train that deep teaching holds in place.
const ANCHORS: usize = 128;

/// Writes `guard.safetensors`.
pub fn make(model: &Model, train: &Split, dev: &Split, place: &Place) -> anyhow::Result<()> {
    let maker = GuardMaker::load(&place.out, model.preprocess())?;
    let photos = |paths: &[std::path::PathBuf]| -> anyhow::Result<GuardPhotos> {
        let (shared, descriptors) = both(embed_photos(model, paths)?);
        let mut made = GuardPhotos { shared, descriptors, ..GuardPhotos::default() };
        for path in paths {
            let (input, summary) = maker.photo(&prepared(path, model.preprocess())?);
            made.inputs.push(input);
            made.summaries.push(summary);
        }
        Ok(made)
    };
    let captions: Vec<String> =
        dev.captions.chunks(dev.per_photo).take(GUARD).flat_map(|own| own[..QUERIES].to_vec()).collect();
    let mut guard = Guard {
        photos: photos(&dev.photos[..GUARD])?,
        anchors: photos(&train.photos[..ANCHORS])?,
        queries: model.embed_texts(&captions)?,
        ..Guard::default()
    };
    for caption in &captions {
        let (states, early) = maker.sentence(caption)?;
        guard.query_states.push(states);
        guard.query_early.push(early);
    }
    guard.save(&place.out.join(GUARD_FILE))?;
    println!("guard: recall at 10 {:.2}", guard.base_recall());
    Ok(())
}
