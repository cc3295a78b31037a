//! Words or a photo in, photos out.
//!
//! A query's terms are embedded and summed by weight into one vector; filters become SQL; the
//! nearest vectors are found exactly, in memory; the model's calibration tells strong and
//! possible matches from chance, and chance is not shown.

mod dates;
mod filter;
mod query;

use std::path::{Path, PathBuf};

use sightline_catalog::PhotoId;
use sightline_vlm::{Embedding, Match};

pub use query::QueryError;

use crate::loading::Loader;
use crate::model_host::Lane;
use crate::{Engine, EngineError};
use query::{Meaning, Query, Term};

/// A question to the library.
#[derive(Debug, Clone, Copy)]
pub struct SearchRequest<'a> {
    /// The query as typed.
    pub query: &'a str,
    /// Hits wanted at most.
    pub limit: usize,
    /// Folder from which relative paths in the query are taken.
    pub base: &'a Path,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchReply {
    /// Best first; empty when nothing matches.
    pub hits: Vec<Hit>,
    /// Photos that were compared.
    pub searched: usize,
}

/// One photo found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The photo.
    pub photo: PhotoId,
    /// Every place where it lies.
    pub paths: Vec<PathBuf>,
    /// Cosine with the query; none when the query has only filters.
    pub score: Option<f32>,
    /// How surely it is what was asked for.
    pub confidence: Match,
    /// When it was taken, as local time.
    pub taken_at: Option<String>,
    /// The camera's name.
    pub camera: Option<String>,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
}

impl Engine {
    /// Finds photos by a query; see the README for its language.
    ///
    /// # Errors
    /// When the query makes no sense, or the library or the model cannot be used.
    pub fn search(&self, request: &SearchRequest<'_>) -> Result<SearchReply, EngineError> {
        let query = query::parse(request.query)?;
        let catalog = self.catalog()?;
        let allowed = match filter::to_catalog(&query.filters, request.base, catalog)? {
            Some(filter) => Some(catalog.select(&filter)?),
            None => None,
        };
        if query.terms.is_empty() {
            return self.newest(allowed.unwrap_or_default(), request.limit);
        }
        // The model loads on its own thread while this one reads the vectors.
        let loading = self.host().ready(Lane::Interactive);
        self.vectors()?;
        loading.wait()?;
        let question = self.embed_query(&query, request.base)?;
        self.nearest(&question, request.limit, allowed.as_deref(), None)
    }

    /// Finds photos that look like the photo at `file`, which need not be in the library; if it
    /// is, it is left out of the answer.
    ///
    /// # Errors
    /// When the photo cannot be read, or the library or the model cannot be used.
    pub fn similar(&self, file: &Path, limit: usize) -> Result<SearchReply, EngineError> {
        let hash = sightline_media::hash_file(file)?;
        let itself = self.catalog()?.by_hash(&hash.0)?;
        // A photo of the library has been embedded already.
        let stored = match itself {
            Some(photo) => self.vectors()?.vector(photo).and_then(Embedding::normalised),
            None => None,
        };
        let question = match stored {
            Some(stored) => stored,
            None => self.embed_file(file)?,
        };
        self.nearest(&question, limit, None, itself)
    }

    /// The terms as one vector of unit length.
    fn embed_query(&self, query: &Query, base: &Path) -> Result<Embedding, EngineError> {
        let texts = query.terms.iter().filter_map(|term| match &term.meaning {
            Meaning::Text(text) => Some(text.clone()),
            Meaning::Photo(_) => None,
        });
        let texts = texts.collect::<Vec<_>>();
        let mut of_texts = self.host().embed_texts(Lane::Interactive, texts).wait()?.into_iter();
        let mut parts = Vec::with_capacity(query.terms.len());
        for Term { weight, meaning } in &query.terms {
            let part = match meaning {
                Meaning::Text(_) => of_texts.next().ok_or(EngineError::ModelGone)?,
                Meaning::Photo(file) => self.embed_file(&base.join(file))?,
            };
            parts.push((*weight, part));
        }
        Embedding::combined(parts.iter().map(|(weight, part)| (*weight, part))).ok_or(EngineError::QueryCancelsOut)
    }

    fn embed_file(&self, file: &Path) -> Result<Embedding, EngineError> {
        let ready = self.host().ready(Lane::Interactive).wait()?;
        let input = Loader::new(ready.preprocess).load(file)?;
        let vectors = self.host().embed_images(Lane::Interactive, vec![input]).wait()?;
        vectors.into_iter().next().ok_or(EngineError::ModelGone)
    }

    fn nearest(
        &self,
        question: &Embedding,
        limit: usize,
        allowed: Option<&[PhotoId]>,
        except: Option<PhotoId>,
    ) -> Result<SearchReply, EngineError> {
        let vectors = self.vectors()?;
        if vectors.is_empty() {
            let path = self.library().to_path_buf();
            let photos = self.catalog()?.status()?.photos;
            return Err(match photos {
                0 => EngineError::EmptyLibrary { path },
                _ => EngineError::NotEmbedded { path },
            });
        }
        let scale = self.host().ready(Lane::Interactive).wait()?.calibration.scale(question);
        let wanted = limit + usize::from(except.is_some());
        let mut hits = Vec::new();
        for (photo, score) in vectors.nearest(question.as_slice(), wanted, allowed) {
            let confidence = scale.judge(score);
            if confidence == Match::None || hits.len() == limit {
                break;
            }
            if Some(photo) != except {
                hits.extend(self.hit(photo, Some(score), confidence)?);
            }
        }
        let searched = allowed.map_or(vectors.len(), <[PhotoId]>::len);
        Ok(SearchReply { hits, searched })
    }

    /// What a query without words finds: everything that its filters let through, newest first.
    fn newest(&self, photos: Vec<PhotoId>, limit: usize) -> Result<SearchReply, EngineError> {
        let searched = photos.len();
        let mut dated = Vec::with_capacity(searched);
        for photo in photos {
            let taken_at = self.catalog()?.photo(photo)?.and_then(|row| row.taken_at);
            dated.push((taken_at, photo));
        }
        dated.sort_by(|(a, first), (b, second)| b.cmp(a).then(first.cmp(second)));
        let mut hits = Vec::new();
        for (_, photo) in dated.into_iter().take(limit) {
            hits.extend(self.hit(photo, None, Match::Strong)?);
        }
        Ok(SearchReply { hits, searched })
    }

    /// `None` when the photo has been forgotten since the vectors were read.
    fn hit(&self, photo: PhotoId, score: Option<f32>, confidence: Match) -> Result<Option<Hit>, EngineError> {
        let catalog = self.catalog()?;
        let paths = catalog.paths_of(photo)?;
        let Some(row) = catalog.photo(photo)?.filter(|_| !paths.is_empty()) else {
            return Ok(None);
        };
        let (taken_at, camera) = (row.taken_at, row.camera);
        let (width, height) = (row.width, row.height);
        Ok(Some(Hit { photo, paths, score, confidence, taken_at, camera, width, height }))
    }
}

#[cfg(test)]
mod tests;
