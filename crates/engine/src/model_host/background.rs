//! The background of a model that ships none: some photos of the library, by which a match is told from chance.

use serde::{Deserialize, Serialize};
use sightline_catalog::{Catalog, Filter, ModelKey, PhotoId};
use sightline_vlm::{Embedding, PhotoVectors, Thresholds};

use super::Embedder;
use crate::EngineError;
use crate::settings::text_of;

/// Photos of a background at most; more change little.
const MOST: usize = 1_000;
/// With fewer photos nothing is told from chance: all are possible.
const LEAST: usize = 24;
/// The setting in which the bars are kept, as measuring them takes seconds.
const SETTING: &str = "model_bars";

/// Bars as they were measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// For this model,
    model: String,
    /// on so many photos.
    photos: usize,
    bars: Thresholds,
}

/// Gives `model`, whose untaught id is `id`, a background of photos of the library that have vectors by it, if there are
/// twice the `held` that it has already, or as many as it may have.
///
/// # Errors
/// When the library cannot be read, or the device fails.
pub(super) fn calibrate(library: &Catalog, id: &str, model: &mut dyn Embedder, held: usize) -> Result<(), EngineError> {
    if held >= MOST {
        return Ok(());
    }
    let wanted = (2 * held).clamp(LEAST, MOST);
    let all = library.select(&Filter::default())?;
    if all.len() < wanted {
        return Ok(());
    }
    let photos = vectors(library, id, &spread(&all))?;
    if photos.len() < wanted {
        return Ok(());
    }
    let count = photos.len();
    let kept: Option<Kept> = library.setting(SETTING)?.and_then(|text| serde_json::from_str(&text).ok());
    // Measured on half as many photos they are measured anew.
    let bars = kept.filter(|kept| kept.model == id && 2 * kept.photos > count).map(|kept| kept.bars);
    let measured = model.calibrate(photos, bars)?;
    if bars.is_none() && !library.is_read_only() {
        let kept = Kept { model: id.to_owned(), photos: count, bars: measured };
        library.set_setting(SETTING, &text_of(SETTING, &kept)?)?;
    }
    Ok(())
}

/// At most [`MOST`] of the photos, evenly spread over all.
fn spread(all: &[PhotoId]) -> Vec<PhotoId> {
    let most = all.len().min(MOST);
    (0..most).map(|index| all[index * all.len() / most]).collect()
}

/// The vectors of those photos that have both.
fn vectors(library: &Catalog, id: &str, photos: &[PhotoId]) -> Result<Vec<PhotoVectors>, EngineError> {
    let shared = library.vectors_of(&ModelKey(id.to_owned()), photos)?;
    let descriptors = library.vectors_of(&ModelKey(format!("{id}/descriptor")), photos)?;
    let both = shared.into_iter().zip(descriptors).filter_map(|(shared, descriptor)| {
        let unit = |vector: Option<Vec<f32>>| vector.and_then(Embedding::normalised);
        Some(PhotoVectors { shared: unit(shared)?, descriptor: unit(descriptor)?, base: None })
    });
    Ok(both.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_host::ModelSource;
    use crate::model_host::fake::FakeSource;
    use crate::testing::{RED, World};
    use sightline_vlm::DeviceChoice;

    #[test]
    fn a_background_grows_with_the_library_and_bars_are_measured_once_for_each_size() {
        let world = World::new();
        let add = |numbers: std::ops::Range<u8>| {
            for number in numbers {
                world.photo(&format!("{number}.jpg"), RED, number);
            }
            world.index();
        };
        let mut model = FakeSource(world.fake.clone()).load(DeviceChoice::Cpu).unwrap();
        let engine = world.engine();
        let mut look = |held: usize| {
            calibrate(engine.catalog().unwrap(), "fake-1", model.as_mut(), held).unwrap();
            std::mem::take(&mut *world.fake.calibrated.lock().unwrap())
        };
        add(0..10);
        assert_eq!(look(0), [], "too few");
        add(10..30);
        assert_eq!(look(0), [(30, false)]);
        assert_eq!(look(0), [(30, true)], "the next start takes the bars that were kept");
        assert_eq!(look(30), []);
        add(30..70);
        assert_eq!(look(30), [(70, false)]);
        assert_eq!(look(0), [(70, true)]);
        assert_eq!(look(MOST), []);
    }

    #[test]
    fn the_photos_of_a_large_library_are_spread_over_all_of_it() {
        let all: Vec<PhotoId> = (0..2_500).map(PhotoId).collect();
        let some = spread(&all);
        assert_eq!((some.len(), some[0], some[999]), (MOST, PhotoId(0), PhotoId(2_497)));
        assert_eq!(spread(&all[..7]), all[..7]);
    }
}
