//! Which photos of the library seem to be of a label and are not in its album, and what a person says to that.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use sightline_catalog::{AlbumId, CatalogError, Filter, PhotoId, Verdict, VersionId};
use sightline_vlm::Embedding;

use crate::{Engine, EngineError};

/// From this probability on a photo is suggested.
const BAR: f32 = 0.5;
/// Photos that are classified together.
const AT_ONCE: usize = 2048;

/// What the version in use makes of each photo above the bar, as of some count of changes.
pub(crate) type HeldSuggestions = Mutex<Option<(u64, VersionId, Arc<Vec<Candidate>>)>>;

/// A photo that seems to be of a label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    photo: PhotoId,
    label: usize,
    confidence: f32,
}

/// Photos that seem to be of a label and are not in its album.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Suggestions {
    /// The version's labels with the number of photos suggested for each.
    pub labels: Vec<SuggestedLabel>,
    /// The photos, the surest first.
    pub photos: Vec<Suggestion>,
}

/// A label and how many photos are suggested for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuggestedLabel {
    /// The label.
    pub name: String,
    /// Number of the album of this name, if there is one.
    pub album: Option<i64>,
    /// Photos suggested.
    pub photos: usize,
}

/// A photo that seems to be of a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// The photo.
    pub photo: i64,
    /// The label.
    pub label: String,
    /// How surely, 0 to 1.
    pub confidence: f64,
}

impl Engine {
    /// Photos that seem to be of a label of the version in use, and are neither in its album nor refused.
    ///
    /// # Errors
    /// [`EngineError::NothingTaught`] when no version is in use; [`EngineError::NoLabel`]; or when the library cannot be
    /// read.
    pub fn suggestions(&self, label: Option<&str>, limit: usize) -> Result<Suggestions, EngineError> {
        let serving = self.serving();
        // A model that is not here was perhaps taught.
        serving.host.spec()?;
        let Some((_, version)) = &serving.version else { return Err(EngineError::NothingTaught) };
        let names = version.labels();
        if let Some(label) = label.filter(|label| !names.iter().any(|name| name == label)) {
            return Err(EngineError::NoLabel { label: label.into() });
        }
        let candidates = self.candidates()?;
        let answered: HashSet<(PhotoId, String)> =
            self.catalog()?.answers()?.into_iter().map(|row| (row.photo, row.label)).collect();
        let albums = self.albums_named(names)?;
        let members = albums
            .iter()
            .map(|album| match album {
                None => Ok(Vec::new()),
                Some(album) => {
                    let filter = Filter { album: Some(AlbumId(*album)), ..Filter::default() };
                    Ok(self.catalog()?.select(&filter)?)
                }
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        let open: Vec<&Candidate> = candidates
            .iter()
            .filter(|found| {
                members[found.label].binary_search(&found.photo).is_err()
                    && !answered.contains(&(found.photo, names[found.label].clone()))
            })
            .collect();
        let labels = names.iter().enumerate().map(|(index, name)| SuggestedLabel {
            name: name.clone(),
            album: albums[index],
            photos: open.iter().filter(|found| found.label == index).count(),
        });
        let photos = open.iter().filter(|found| label.is_none_or(|label| names[found.label] == label)).take(limit).map(
            |found| Suggestion {
                photo: found.photo.0,
                label: names[found.label].clone(),
                confidence: f64::from(found.confidence),
            },
        );
        Ok(Suggestions { labels: labels.collect(), photos: photos.collect() })
    }

    /// What the version in use makes of all photos, the surest first; worked out again after a change.
    fn candidates(&self) -> Result<Arc<Vec<Candidate>>, EngineError> {
        let serving = self.serving();
        let Some((id, version)) = &serving.version else { return Err(EngineError::NothingTaught) };
        let changes = self.photo_changes();
        let mut held = self.held_suggestions().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, of, candidates)) = &*held
            && *at == changes
            && of == id
        {
            return Ok(candidates.clone());
        }
        let keys = serving.keys()?;
        let mut found = Vec::new();
        let mut waiting: Vec<(PhotoId, Embedding)> = Vec::with_capacity(AT_ONCE);
        let mut classify = |waiting: &mut Vec<(PhotoId, Embedding)>| {
            let descriptors: Vec<&Embedding> = waiting.iter().map(|(_, descriptor)| descriptor).collect();
            let scores = version.classify_descriptors(&descriptors);
            found.extend(waiting.iter().zip(scores).filter_map(|((photo, ..), scores)| {
                let best = scores.first().filter(|best| best.confidence >= BAR)?;
                Some(Candidate { photo: *photo, label: best.label, confidence: best.confidence })
            }));
            waiting.clear();
        };
        self.catalog()?.each_vector(&keys.descriptor, |photo, descriptor| {
            waiting.extend(Embedding::normalised(descriptor).map(|descriptor| (photo, descriptor)));
            if waiting.len() == AT_ONCE {
                classify(&mut waiting);
            }
        })?;
        classify(&mut waiting);
        found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then(a.photo.cmp(&b.photo)));
        let candidates = Arc::new(found);
        *held = Some((changes, *id, candidates.clone()));
        Ok(candidates)
    }

    /// Keeps a person's answer: "yes" puts the photo into the label's album, which is made if need be; "no" keeps it
    /// from being suggested and is learned from.
    ///
    /// # Errors
    /// When the photo is gone or the library cannot be written.
    pub fn answer_suggestion(&self, photo: PhotoId, label: &str, answer: Verdict) -> Result<(), EngineError> {
        let catalog = self.catalog()?;
        catalog.answer(photo, label, answer)?;
        let album = self.albums_named(&[label.to_owned()])?[0].map(AlbumId);
        match (answer, album) {
            (Verdict::Yes, Some(album)) => catalog.add_to_album(album, &[photo])?,
            (Verdict::Yes, None) => self.create_album(label, &[photo]).map(drop)?,
            (Verdict::No, Some(album)) => catalog.remove_from_album(album, &[photo])?,
            (Verdict::No, None) => {}
        }
        self.words_changed();
        Ok(())
    }

    /// Takes an answer back; a photo that a "yes" put into an album leaves it.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn take_back_answer(&self, photo: PhotoId, label: &str) -> Result<(), EngineError> {
        let catalog = self.catalog()?;
        let said_yes = catalog
            .answers()?
            .into_iter()
            .any(|row| row.photo == photo && row.label == label && row.answer == Verdict::Yes);
        catalog.take_back_answer(photo, label)?;
        if let (true, Some(album)) = (said_yes, self.albums_named(&[label.to_owned()])?[0]) {
            match catalog.remove_from_album(AlbumId(album), &[photo]) {
                Err(CatalogError::AlbumGone { .. }) => {}
                other => other?,
            }
        }
        self.words_changed();
        Ok(())
    }
}
