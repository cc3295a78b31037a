//! Words or a photo in, photos out.
//!
//! A query's wanted terms are embedded and summed by weight into one vector; filters become SQL; the
//! nearest vectors are found exactly, in memory; the model's calibration tells strong and
//! possible matches from chance, and chance is shown only when that is asked for. Captions that have the query's words
//! come first. What matches an unwanted term is taken away then. What people mean by their words beside what a photo shows,
//! such as dates and places, is understood before; see [`understand`].

mod dates;
mod exclude;
mod explain;
mod filter;
mod query;
mod similar;
mod taught;
pub(crate) mod terms;
pub(crate) mod understand;
mod words;

use std::path::{Path, PathBuf};

use sightline_catalog::{Companion, DateOrder, DateSource, Filter, PhotoId, VectorIndex};
use sightline_vlm::{Embedding, Match, QueryScale};

pub use explain::HeatMap;
pub use query::QueryError;
pub use understand::{Chip, ChipMeaning, Day, Interpretation, When};

use crate::model_host::Lane;
use crate::serving::Serving;
use crate::{Engine, EngineError};
use exclude::Exclusions;
use query::{Meaning, Query};

/// The files that a query names, `like:FILE`, as they stand there.
///
/// # Errors
/// When the query cannot be parsed.
pub fn files_in(query: &str) -> Result<Vec<String>, QueryError> {
    let file = |term: query::Term| match term.meaning {
        Meaning::Photo(file) => Some(file),
        Meaning::Text(_) => None,
    };
    Ok(query::parse(query)?.terms.into_iter().filter_map(file).collect())
}

/// A question to the library.
#[derive(Debug, Clone, Copy)]
pub struct SearchRequest<'a> {
    /// The query as typed.
    pub query: &'a str,
    /// Matches wanted at most.
    pub limit: usize,
    /// Photos wanted at most below the bar of a possible match, in order, after all matches.
    pub less_likely: usize,
    /// Folder from which relative paths in the query are taken.
    pub base: &'a Path,
    /// Conditions besides those in the query.
    pub filter: &'a Filter,
    /// How its words are read.
    pub reading: Interpretation<'a>,
}

/// Photos in the order of an answer, without their data.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Best first; empty when nothing matches.
    pub photos: Vec<Ranked>,
    /// Photos that were compared.
    pub searched: usize,
    /// What there is after the last of them.
    pub beyond: Beyond,
    /// Why there can be none.
    pub unknown: Option<Unknown>,
    /// What was understood of the query's words.
    pub chips: Vec<Chip>,
}

/// What an answer does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// Nothing: every photo that was compared is there, or is unwanted.
    Nothing,
    /// Photos that are less likely than a possible match.
    LessLikely,
    /// More matches than were asked for.
    Matches,
}

/// A filter's value that no photo of the library has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What it would be.
    pub kind: UnknownKind,
    /// As it was asked for.
    pub value: String,
}

/// What a filter asks for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownKind {
    /// A place, or a folder.
    Place,
    /// A camera.
    Camera,
    /// A lens.
    Lens,
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
    /// What there is after the last of them.
    pub beyond: Beyond,
    /// Why there can be none.
    pub unknown: Option<Unknown>,
    /// What was understood of the query's words.
    pub chips: Vec<Chip>,
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
        let (query, chips) = self.read_query(request.query, request.reading)?;
        let catalog = self.catalog()?;
        let mut filter = filter::to_catalog(&query.filters, request.filter, request.base, catalog)?;
        filter::narrow(&mut filter, &chips, catalog)?;
        let mut ranking = if query.terms.is_empty() {
            self.by_filters(&filter, request)?
        } else {
            self.by_terms(&query, &filter, request)?
        };
        if ranking.photos.is_empty() {
            ranking.unknown = filter::unknown(&query.filters, &filter, catalog)?;
        }
        ranking.chips = chips;
        Ok(ranking)
    }

    /// A query's terms and filters, and what was understood of its words.
    pub(crate) fn read_query(
        &self,
        text: &str,
        reading: Interpretation<'_>,
    ) -> Result<(Query, Vec<Chip>), EngineError> {
        let (mut query, words) = query::parse_words(text)?;
        let Interpretation::Understood { today, as_words } = reading else {
            query.put_phrase(words.join(" "));
            return Ok((query, Vec::new()));
        };
        if words.is_empty() {
            return Ok((query, Vec::new()));
        }
        let catalog = self.catalog()?;
        let today = today.map_or_else(|| self.today(), Ok)?;
        let has_file = |name: &str| {
            let photos = catalog.photos_by_file(|path| filter::is_named(path, name));
            photos.is_ok_and(|photos| !photos.is_empty())
        };
        let understood = understand::read(text, &words, &self.known_names()?, &has_file, (today, as_words));
        query.put_phrase(understood.rest);
        for chip in &understood.chips {
            if let ChipMeaning::Without { unwanted } = &chip.meaning {
                let term = |text: &String| query::Term { weight: -1.0, meaning: Meaning::Text(text.clone()) };
                query.terms.extend(unwanted.iter().map(term));
            }
        }
        Ok((query, understood.chips))
    }

    /// All photos that meet `filter`, the newest first.
    fn by_filters(&self, filter: &Filter, request: &SearchRequest<'_>) -> Result<Ranking, EngineError> {
        let photos = self.catalog()?.select_by_date(filter, DateOrder::NewestFirst)?;
        let searched = photos.len();
        Ok(listed(photos, searched, request.limit))
    }

    fn by_terms(&self, query: &Query, filter: &Filter, request: &SearchRequest<'_>) -> Result<Ranking, EngineError> {
        let catalog = self.catalog()?;
        let allowed = if *filter == Filter::default() { None } else { Some(catalog.select(filter)?) };
        self.follow_choice()?;
        let serving = self.serving();
        // The model loads on its own thread while this one reads the vectors.
        let loading = serving.host.ready(Lane::Interactive);
        let vectors = self.vectors(&serving)?;
        let calibration = loading.wait()?.calibration;
        let terms = terms::embed(self, &serving, query, request.base)?;
        self.must_be_searchable(vectors.is_empty())?;
        let exclusions = Exclusions::new(&terms.unwanted, terms.wanted.as_ref(), &calibration, catalog)?;
        let allowed = allowed.as_deref();
        let Some(question) = terms.wanted else {
            // All but what is unwanted: there is no order but that of their dates.
            let mut photos = catalog.select_by_date(filter, DateOrder::NewestFirst)?;
            let (searched, mut kept) = (photos.len(), photos.clone());
            kept.sort_unstable();
            exclusions.retain(&vectors, &mut kept);
            photos.retain(|photo| kept.binary_search(photo).is_ok());
            return Ok(listed(photos, searched, request.limit));
        };
        let scale = calibration.scale(&question);
        let judge = Judge { question, scale, exclusions, vectors: &vectors, allowed };
        // One more tells whether there is more.
        let limit = request.limit.saturating_add(1);
        let mut photos = self.with_captioned(query, limit, &judge)?;
        let searched = allowed.map_or(vectors.len(), <[PhotoId]>::len);
        if photos.len() > request.limit {
            photos.truncate(request.limit);
            return Ok(Ranking { photos, searched, beyond: Beyond::Matches, unknown: None, chips: Vec::new() });
        }
        let mut beyond = if photos.len() < searched { Beyond::LessLikely } else { Beyond::Nothing };
        if request.less_likely > 0 {
            let more = judge.less_likely(&photos, request.less_likely.saturating_add(1));
            if more.len() <= request.less_likely {
                beyond = Beyond::Nothing;
            }
            photos.extend(more.into_iter().take(request.less_likely));
        }
        Ok(Ranking { photos, searched, beyond, unknown: None, chips: Vec::new() })
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
        let Ranking { photos, searched, beyond, unknown, chips } = ranking;
        let mut hits = Vec::with_capacity(photos.len());
        for Ranked { photo, score, confidence } in photos {
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
        Ok(SearchReply { hits, searched, beyond, unknown, chips })
    }
}

/// A photo on disk in the shared space.
pub(crate) fn embed_file(engine: &Engine, serving: &Serving, file: &Path) -> Result<Embedding, EngineError> {
    let ready = serving.host.ready(Lane::Interactive).wait()?;
    let input = engine.loader(ready.preprocess).load(file)?;
    let vectors = serving.host.embed_images(Lane::Interactive, vec![input]).wait()?;
    vectors.into_iter().next().map(|photo| photo.shared).ok_or(EngineError::ModelGone)
}

/// Photos in an order that says nothing of how well they match.
fn listed(mut photos: Vec<PhotoId>, searched: usize, limit: usize) -> Ranking {
    let beyond = if photos.len() > limit { Beyond::Matches } else { Beyond::Nothing };
    photos.truncate(limit);
    let found = |photo| Ranked { photo, score: None, confidence: Match::Strong };
    Ranking { photos: photos.into_iter().map(found).collect(), searched, beyond, unknown: None, chips: Vec::new() }
}

/// All that decides which photos match a query, and how well.
struct Judge<'a> {
    /// What is wanted.
    question: Embedding,
    /// What a cosine with it is worth.
    scale: QueryScale,
    exclusions: Exclusions,
    vectors: &'a VectorIndex,
    /// The photos that the filters let through, sorted; all without.
    allowed: Option<&'a [PhotoId]>,
}

impl Judge<'_> {
    /// The nearest photos that are more than chance.
    fn matching(&self, limit: usize) -> Vec<Ranked> {
        let nearest = self.nearest(limit, self.scale.possible_from());
        nearest.into_iter().take_while(|ranked| ranked.confidence != Match::None).collect()
    }

    /// The best photos after `matches`, which are all that match.
    fn less_likely(&self, matches: &[Ranked], limit: usize) -> Vec<Ranked> {
        let known = words::sorted(matches);
        let nearest = self.nearest(limit.saturating_add(known.len()), f32::NEG_INFINITY);
        let new = nearest.into_iter().filter(|ranked| known.binary_search(&ranked.photo).is_err());
        new.map(|ranked| Ranked { confidence: Match::None, ..ranked }).take(limit).collect()
    }

    fn nearest(&self, limit: usize, floor: f32) -> Vec<Ranked> {
        let nearest = self.exclusions.nearest(self.vectors, &self.question, (limit, floor), self.allowed);
        let ranked = |(photo, score)| Ranked { photo, score: Some(score), confidence: self.scale.judge(score) };
        nearest.into_iter().map(ranked).collect()
    }
}

#[cfg(test)]
mod tests;
