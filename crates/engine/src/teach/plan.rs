//! What would be learned: counts and warnings, before anything is done.

use std::collections::HashMap;

use serde::Serialize;
use sightline_catalog::{AlbumId, PhotoId};
use sightline_media::Fingerprint;
use sightline_vlm::tune::Depth;

use super::Source;
use super::gather::Gathered;
use super::split::{Division, Part, divide, groups};
use crate::{Engine, EngineError};

/// With fewer photos a label is learned badly.
const FEW: usize = 8;
/// A label with this many times the photos of another outweighs it.
const UNEVEN: usize = 10;
/// Photos that deep teaching can hold at once.
pub const TEACHABLE_DEEP: usize = 4000;

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
        let gathered = self.gather(source)?;
        let prints = self.fingerprints(&gathered)?;
        let groups = groups(&prints);
        let labels: Vec<Option<usize>> = gathered.items.iter().map(|item| item.label).collect();
        let parts = divide(&labels, &groups, Division { train_per_label, watch: 0.0, seed: 0 });
        let count = |part: Part| parts.iter().zip(&labels).filter(|(p, label)| **p == part && label.is_some()).count();
        let albums = match source {
            Source::Albums(albums) => albums.iter().copied().map(Some).collect(),
            Source::Folders(_) => self.albums_named(&gathered.labels)?,
        };
        let rows: Vec<PlanLabel> = gathered
            .labels
            .iter()
            .enumerate()
            .map(|(label, name)| {
                let own: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == Some(label)).collect();
                let mut first: Vec<usize> = own.iter().map(|&i| groups[i]).collect();
                first.sort_unstable();
                first.dedup();
                let (photos, near_duplicates) = (own.len(), own.len() - first.len());
                PlanLabel { album: albums[label], name: name.clone(), photos, near_duplicates, few: photos < FEW }
            })
            .collect();
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

    /// Fingerprints of the photos that have a thumbnail in the library.
    fn fingerprints(&self, gathered: &Gathered) -> Result<Vec<Option<Fingerprint>>, EngineError> {
        let catalog = self.catalog()?;
        let of = |photo: PhotoId| -> Result<Option<Fingerprint>, EngineError> {
            Ok(catalog.thumbnail(photo)?.and_then(|jpeg| Fingerprint::of_bytes(&jpeg).ok()))
        };
        gathered.items.iter().map(|item| item.photo.map_or(Ok(None), of)).collect()
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
