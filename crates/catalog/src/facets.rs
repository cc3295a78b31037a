//! What there is to filter by, with counts.

use rusqlite::Transaction;

use crate::error::Failure;
use crate::{Catalog, CatalogError};

/// A value that photos have, and how many have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// The value.
    pub value: String,
    /// Photos that lie somewhere and have it.
    pub photos: u64,
}

/// The values of a library's photos, the most common first, years the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// Names of cameras.
    pub cameras: Vec<Facet>,
    /// Names of lenses.
    pub lenses: Vec<Facet>,
    /// Places where photos were taken.
    pub places: Vec<Facet>,
    /// File formats.
    pub formats: Vec<Facet>,
    /// Years in which photos were taken.
    pub years: Vec<Facet>,
}

fn count(transaction: &Transaction<'_>, sql: &str) -> Result<Vec<Facet>, Failure> {
    let mut statement = transaction.prepare_cached(sql)?;
    let rows = statement
        .query_map([], |row| Ok(Facet { value: row.get(0)?, photos: row.get::<_, i64>(1)?.cast_unsigned() }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Catalog {
    /// What there is to filter by.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn facets(&self) -> Result<Facets, CatalogError> {
        self.read(|transaction| {
            Ok(Facets {
                cameras: count(
                    transaction,
                    "SELECT camera, count(*) FROM photo
                     WHERE camera IS NOT NULL AND id NOT IN (SELECT photo_id FROM missing)
                     GROUP BY camera ORDER BY 2 DESC, 1",
                )?,
                lenses: count(
                    transaction,
                    "SELECT lens, count(*) FROM photo
                     WHERE lens IS NOT NULL AND id NOT IN (SELECT photo_id FROM missing)
                     GROUP BY lens ORDER BY 2 DESC, 1",
                )?,
                places: count(
                    transaction,
                    "SELECT place, count(*) FROM photo
                     WHERE place IS NOT NULL AND id NOT IN (SELECT photo_id FROM missing)
                     GROUP BY place ORDER BY 2 DESC, 1",
                )?,
                formats: count(
                    transaction,
                    "SELECT format, count(*) FROM photo
                     WHERE id NOT IN (SELECT photo_id FROM missing)
                     GROUP BY format ORDER BY 2 DESC, 1",
                )?,
                years: count(
                    transaction,
                    "WITH RECURSIVE year (name) AS (
                         SELECT substr(max(taken_at), 1, 4) FROM photo UNION ALL
                         SELECT (SELECT substr(max(taken_at), 1, 4) FROM photo WHERE taken_at < year.name)
                         FROM year WHERE name IS NOT NULL)
                     SELECT * FROM (SELECT name, (SELECT count(*) FROM photo
                             WHERE taken_at >= year.name AND taken_at < year.name || char(0x10ffff)
                             AND id NOT IN (SELECT photo_id FROM missing)) AS photos
                         FROM year WHERE name IS NOT NULL)
                     WHERE photos > 0 ORDER BY name DESC",
                )?,
            })
        })
    }
}
