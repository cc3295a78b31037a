//! Words or a photo in, photos out.
//!
//! A query's terms are embedded and summed by weight into one vector; filters become SQL; the
//! nearest vectors are found exactly, in memory; the model's calibration tells strong and
//! possible matches from chance, and chance is not shown. Captions that have the query's words come first.

mod dates;
mod explain;
mod filter;
mod query;
mod similar;
mod taught;
mod words;

use std::path::{Path, PathBuf};

use sightline_catalog::{Companion, DateOrder, DateSource, Filter, PhotoId, VectorIndex};
use sightline_vlm::{Embedding, Match, QueryScale};

pub use explain::HeatMap;
pub use query::QueryError;

use crate::model_host::Lane;
use crate::serving::Serving;
use crate::{Engine, EngineError};
use query::{Meaning, Query, Term};
use taught::taught_text;

/// A question to the library.
#[derive(Debug, Clone, Copy)]
pub struct SearchRequest<'a> {
    /// The query as typed.
    pub query: &'a str,
    /// Hits wanted at most.
    pub limit: usize,
    /// Folder from which relative paths in the query are taken.
    pub base: &'a Path,
    /// Conditions besides those in the query.
    pub filter: &'a Filter,
}

/// Photos in the order of an answer, without their data.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Best first; empty when nothing matches.
    pub photos: Vec<Ranked>,
    /// Photos that were compared.
    pub searched: usize,
}

/// A photo in a ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The photo.
    pub photo: PhotoId,
    /// Cosine with the query; none when the query has only filters.
    pub score: Option<f32>,
    /// How surely it is what was asked for.
    pub confidence: Match,
}

/// The answer, with what is known of each photo.
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
    /// Files that belong to it: its RAW file, its film.
    pub companions: Vec<Companion>,
    /// Cosine with the query; none when the query has only filters.
    pub score: Option<f32>,
    /// How surely it is what was asked for.
    pub confidence: Match,
    /// When it was taken, as local time.
    pub taken_at: Option<String>,
    /// Where that comes from.
    pub date_source: Option<DateSource>,
    /// The camera's name.
    pub camera: Option<String>,
    /// Stars, 0 to 5; -1 for a photo that was rejected.
    pub rating: Option<i8>,
    /// Town, region and country where it was taken.
    pub place: Option<String>,
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
        self.with_data(self.rank(request)?)
    }

    /// As [`Engine::search`], without the photos' data.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub fn rank(&self, request: &SearchRequest<'_>) -> Result<Ranking, EngineError> {
        let query = query::parse(request.query)?;
        let catalog = self.catalog()?;
        let filter = filter::to_catalog(&query.filters, request.filter, request.base, catalog)?;
        if query.terms.is_empty() {
            let mut ids = catalog.select_by_date(&filter, DateOrder::NewestFirst)?;
            let searched = ids.len();
            ids.truncate(request.limit);
            let found = |photo| Ranked { photo, score: None, confidence: Match::Strong };
            return Ok(Ranking { photos: ids.into_iter().map(found).collect(), searched });
        }
        let allowed = if filter == Filter::default() { None } else { Some(catalog.select(&filter)?) };
        let serving = self.serving();
        // The model loads on its own thread while this one reads the vectors.
        let loading = serving.host.ready(Lane::Interactive);
        let vectors = self.vectors(&serving)?;
        let scale = loading.wait()?.calibration;
        let question = embed_query(self, &serving, &query, request.base)?;
        let scale = scale.scale(&question);
        self.must_be_searchable(vectors.is_empty())?;
        let (limit, allowed, judge) = (request.limit, allowed.as_deref(), (&question, scale));
        let rank = || matching(&vectors, judge, limit, allowed);
        let photos = self.with_captioned(&query, limit, allowed, &vectors, judge, rank)?;
        Ok(Ranking { photos, searched: allowed.map_or(vectors.len(), <[PhotoId]>::len) })
    }

    /// The photos that meet `filter`, by date.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn browse(&self, filter: &Filter, order: DateOrder) -> Result<Vec<PhotoId>, EngineError> {
        Ok(self.catalog()?.select_by_date(filter, order)?)
    }

    fn must_be_searchable(&self, no_vectors: bool) -> Result<(), EngineError> {
        if !no_vectors {
            return Ok(());
        }
        let path = self.library().to_path_buf();
        Err(match self.catalog()?.status()?.photos {
            0 => EngineError::EmptyLibrary { path },
            _ => EngineError::NotEmbedded { path },
        })
    }

    /// Adds what is known of the photos; those forgotten since the vectors were read are left out.
    fn with_data(&self, ranking: Ranking) -> Result<SearchReply, EngineError> {
        let catalog = self.catalog()?;
        let mut hits = Vec::with_capacity(ranking.photos.len());
        for Ranked { photo, score, confidence } in ranking.photos {
            let paths = catalog.paths_of(photo)?;
            let Some(row) = catalog.photo(photo)?.filter(|_| !paths.is_empty()) else { continue };
            hits.push(Hit {
                photo,
                paths,
                companions: catalog.companions_of(photo)?,
                score,
                confidence,
                taken_at: row.taken_at,
                date_source: row.date_source,
                camera: row.camera,
                rating: row.rating,
                place: row.place,
                width: row.width,
                height: row.height,
            });
        }
        Ok(SearchReply { hits, searched: ranking.searched })
    }
}

/// The terms as one vector of unit length. A label that the model was taught counts besides its words.
fn embed_query(engine: &Engine, serving: &Serving, query: &Query, base: &Path) -> Result<Embedding, EngineError> {
    let texts = query.terms.iter().filter_map(|term| match &term.meaning {
        Meaning::Text(text) => Some(text.clone()),
        Meaning::Photo(_) => None,
    });
    let texts = texts.collect::<Vec<_>>();
    let mut of_texts = serving.host.embed_texts(Lane::Interactive, texts).wait()?.into_iter();
    let mut parts = Vec::with_capacity(query.terms.len());
    for Term { weight, meaning } in &query.terms {
        let part = match meaning {
            Meaning::Text(text) => {
                let part = of_texts.next().ok_or(EngineError::ModelGone)?;
                serving.taught().map_or(part.clone(), |taught| taught_text(taught, text, &part))
            }
            Meaning::Photo(file) => embed_file(engine, serving, &base.join(file))?,
        };
        parts.push((*weight, part));
    }
    Embedding::combined(parts.iter().map(|(weight, part)| (*weight, part))).ok_or(EngineError::QueryCancelsOut)
}

/// A photo on disk in the shared space.
pub(crate) fn embed_file(engine: &Engine, serving: &Serving, file: &Path) -> Result<Embedding, EngineError> {
    let ready = serving.host.ready(Lane::Interactive).wait()?;
    let input = engine.loader(ready.preprocess).load(file)?;
    let vectors = serving.host.embed_images(Lane::Interactive, vec![input]).wait()?;
    vectors.into_iter().next().map(|photo| photo.shared).ok_or(EngineError::ModelGone)
}

/// The nearest photos that are more than chance.
fn matching(
    vectors: &VectorIndex,
    (question, scale): (&Embedding, QueryScale),
    limit: usize,
    allowed: Option<&[PhotoId]>,
) -> Vec<Ranked> {
    let nearest = vectors.nearest(question.as_slice(), limit, allowed).into_iter();
    nearest
        .map(|(photo, score)| Ranked { photo, score: Some(score), confidence: scale.judge(score) })
        .take_while(|ranked| ranked.confidence != Match::None)
        .collect()
}

#[cfg(test)]
mod tests;
