//! What would be learned: counts and warnings, before anything is done.

use std::collections::HashMap;

use serde::Serialize;
use sightline_catalog::AlbumId;
use sightline_vlm::tune::Depth;

use super::Source;
use super::gather::stored_fingerprints;
use super::split::{Division, Part, divide, groups};
use crate::{Engine, EngineError};

/// With fewer photos a label is learned badly.
const FEW: usize = 8;
/// A label with this many times the photos of another outweighs it.
const UNEVEN: usize = 10;
/// Photos that deep teaching learns from; of more it takes some of each label.
pub const TEACHABLE_DEEP: usize = sightline_vlm::tune::MOST_PHOTOS;

/// What would be learned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The labels.
    pub labels: Vec<PlanLabel>,
    /// Photos to learn from.
    pub train: usize,
    /// Photos kept to prove what was learned.
    pub held_out: usize,
    /// Photos of several labels, which are left out.
    pub in_several: Vec<i64>,
    /// What to know before starting: `few_photos`, `imbalance`, `in_several`, `near_duplicates`, `too_many_for_deep`.
    pub warnings: Vec<&'static str>,
    /// Why nothing can be learned: `no_labels`, `no_photos`.
    pub problem: Option<&'static str>,
    /// Expected seconds of a probe, an adapter and of deep teaching.
    pub seconds: [f64; 3],
}

/// A label of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanLabel {
    /// Number of the album, if it is one.
    pub album: Option<i64>,
    /// The label.
    pub name: String,
    /// Photos that can be learned from.
    pub photos: usize,
    /// Those of them that nearly repeat another one.
    pub near_duplicates: usize,
    /// Whether they are too few to be learned well.
    pub few: bool,
}

impl Engine {
    /// Tells what would be learned from `source`, and writes nothing.
    ///
    /// # Errors
    /// When the albums are gone, the folder cannot be read, or the library cannot be read.
    pub fn teach_plan(&self, source: &Source, train_per_label: Option<usize>) -> Result<Plan, EngineError> {
        let gathered = self.labelled(source)?;
        let prints = stored_fingerprints(self.catalog()?, gathered.items.iter().map(|item| item.photo))?;
        let groups = groups(&prints);
        let labels: Vec<Option<usize>> = gathered.items.iter().map(|item| item.label).collect();
        let parts = divide(&labels, &groups, Division { train_per_label, watch: 0.0, seed: 0 });
        let count = |part: Part| parts.iter().zip(&labels).filter(|(p, label)| **p == part && label.is_some()).count();
        let albums = match source {
            Source::Albums(albums) => albums.iter().copied().map(Some).collect(),
            Source::Folders(_) => self.albums_named(&gathered.labels)?,
        };
        let mut own: Vec<Vec<usize>> = vec![Vec::new(); gathered.labels.len()];
        labels.iter().enumerate().filter_map(|(index, label)| Some((index, (*label)?))).for_each(|(index, label)| {
            own[label].push(groups[index]);
        });
        let row = |(label, (name, mut groups)): (usize, (&String, Vec<usize>))| {
            let photos = groups.len();
            groups.sort_unstable();
            groups.dedup();
            let near_duplicates = photos - groups.len();
            PlanLabel { album: albums[label], name: name.clone(), photos, near_duplicates, few: photos < FEW }
        };
        let rows: Vec<PlanLabel> = gathered.labels.iter().zip(own).enumerate().map(row).collect();
        let (train, held_out) = (count(Part::Train), count(Part::HeldOut));
        let problem = if rows.is_empty() {
            Some("no_labels")
        } else if train == 0 {
            Some("no_photos")
        } else {
            None
        };
        let in_several: Vec<i64> = gathered.in_several.iter().map(|photo| photo.0).collect();
        let warnings = warnings(&rows, &in_several, train);
        let read = gathered.items.iter().filter(|item| item.photo.is_none()).count();
        let seconds =
            [Depth::Probe, Depth::Adapter, Depth::Deep].map(|depth| expected_seconds(depth, train, held_out, read));
        Ok(Plan { labels: rows, train, held_out, in_several, warnings, problem, seconds })
    }

    /// The numbers of the albums with these names.
    pub(super) fn albums_named(&self, names: &[String]) -> Result<Vec<Option<i64>>, EngineError> {
        let albums: HashMap<String, AlbumId> =
            self.catalog()?.albums()?.into_iter().map(|album| (album.name, album.id)).collect();
        Ok(names.iter().map(|name| albums.get(name).map(|album| album.0)).collect())
    }
}

fn warnings(rows: &[PlanLabel], in_several: &[i64], train: usize) -> Vec<&'static str> {
    let most = rows.iter().map(|row| row.photos).max().unwrap_or(0);
    let least = rows.iter().map(|row| row.photos).min().unwrap_or(0);
    let found = [
        ("few_photos", rows.iter().any(|row| row.few)),
        ("imbalance", most >= UNEVEN * least.max(1)),
        ("in_several", !in_several.is_empty()),
        ("near_duplicates", rows.iter().any(|row| row.near_duplicates > 0)),
        ("too_many_for_deep", train > TEACHABLE_DEEP),
    ];
    found.into_iter().filter(|(_, is)| *is).map(|(code, _)| code).collect()
}

/// Seconds that a lesson takes on two cores without a GPU, as measured (see `benches/README.md`).
fn expected_seconds(depth: Depth, train: usize, held_out: usize, read: usize) -> f64 {
    /// Seconds to read a photo; to look at its copies and learn them; to look at it again at the end.
    const READ: f64 = 0.017;
    let (train, held_out, read) = (train as f64, held_out as f64, read as f64);
    match depth {
        Depth::Probe => 0.8 + READ * read + 0.006 * train,
        Depth::Adapter => 2.0 + READ * read + 0.06 * train,
        Depth::Deep => 6.0 + READ * (train + 2.0 * held_out) + 0.6 * train,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use sightline_catalog::{Batch, Location, NewPhoto, PhotoFacts, PhotoId, Reading};

    use super::*;
    use crate::testing::World;

    /// A library of so many photos without files in two albums, in bursts of four that look alike.
    fn albums(engine: &Engine, count: u64) -> Source {
        let catalog = engine.catalog().unwrap();
        catalog.add_folder(std::path::Path::new("/made-up")).unwrap();
        let photo = |number: u64| NewPhoto {
            hash: *blake3::hash(&number.to_le_bytes()).as_bytes(),
            width: 4000,
            height: 3000,
            orientation: 1,
            facts: PhotoFacts::default(),
            format: "jpeg".into(),
            size_bytes: 4_000_000,
            fingerprint: Some((number / 4 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (1 << (number % 4))),
            thumbnail_jpeg: vec![number as u8; 9000],
            locations: vec![Location {
                path: format!("/made-up/{}/IMG_{number:07}.jpg", number / 500).into(),
                size_bytes: 4_000_000,
                modified_ns: 1_700_000_000_000_000_000,
                reading: Reading { version: 1, ..Reading::default() },
            }],
            vectors: Vec::new(),
        };
        let mut all: Vec<PhotoId> = Vec::new();
        for from in (0..count).step_by(5000) {
            let photos = (from..count.min(from + 5000)).map(photo).collect();
            all.extend(catalog.commit_batch(&Batch { photos, ..Batch::default() }).unwrap());
        }
        let (one, other) = all.split_at(all.len() / 2);
        let album = |name: &str, photos: &[PhotoId]| {
            let album = catalog.create_album(name).unwrap();
            catalog.add_to_album(album, photos).unwrap();
            album.0
        };
        Source::Albums(vec![album("one", one), album("other", other)])
    }

    fn plan(count: u64) -> (Plan, f64) {
        let world = World::new();
        let engine = world.engine();
        let source = albums(&engine, count);
        let started = Instant::now();
        let plan = engine.teach_plan(&source, None).unwrap();
        (plan, started.elapsed().as_secs_f64())
    }

    #[test]
    fn a_plan_counts_photos_and_what_repeats_them_without_their_files_or_thumbnails() {
        let (plan, _) = plan(400);
        let counts: Vec<_> = plan.labels.iter().map(|row| (row.photos, row.near_duplicates, row.few)).collect();
        assert_eq!(counts, [(200, 150, false), (200, 150, false)], "bursts of four");
        assert_eq!(plan.train + plan.held_out, 400);
        assert_eq!((plan.train % 4, plan.problem), (0, None));
    }

    #[test]
    #[ignore = "makes a library of 1.3 GB: cargo test --release --workspace --lib a_hundred_thousand_labelled -- --ignored --nocapture"]
    fn a_hundred_thousand_labelled_photos_are_planned_in_less_than_two_seconds() {
        for count in [25_000, 100_000] {
            let (plan, seconds) = plan(count);
            println!("{count} photos planned in {seconds:.2} s");
            assert_eq!((plan.train + plan.held_out) as u64, count);
            assert!(seconds < 2.0, "{seconds} s");
        }
    }
}
