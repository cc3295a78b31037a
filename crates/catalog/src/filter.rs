//! Photos by what is known of them, without looking at what they show.

use std::path::PathBuf;

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::path_bytes;
use crate::tables::album::AlbumId;
use crate::tables::photo::PhotoId;
use crate::{Catalog, CatalogError};

/// Conditions, all of which a photo has to meet; none lets every photo through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// It lies below this folder.
    pub folder: Option<PathBuf>,
    /// It was taken at this local time or later: `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or longer, which
    /// stands for its first moment. A photo without a date does not meet it.
    pub taken_after: Option<String>,
    /// It was taken before the first moment of this.
    pub taken_before: Option<String>,
    /// The camera's name contains this, in whatever case.
    pub camera: Option<String>,
    /// The file's format, in whatever case.
    pub format: Option<String>,
    /// It is in this album.
    pub album: Option<AlbumId>,
}

/// Which of two dated photos comes first; one without a date comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// The one taken later.
    NewestFirst,
    /// The one taken earlier.
    OldestFirst,
}

impl DateOrder {
    fn sql(self) -> &'static str {
        match self {
            Self::NewestFirst => " ORDER BY taken_at DESC NULLS LAST, id",
            Self::OldestFirst => " ORDER BY taken_at NULLS LAST, id",
        }
    }
}

/// Cameras are few: their names are looked through, stepping from one to the next, not all photos.
const CAMERA: &str = " AND camera IN (
    WITH RECURSIVE name (camera) AS (
        SELECT min(camera) FROM photo UNION ALL
        SELECT (SELECT min(camera) FROM photo WHERE camera > name.camera) FROM name WHERE camera IS NOT NULL)
    SELECT camera FROM name WHERE instr(lower(camera), lower(?)) > 0)";

impl Filter {
    /// The query and its parameters; only constant text goes into it.
    fn sql(&self) -> (String, Vec<Value>) {
        let mut sql = String::from("SELECT id FROM photo WHERE ");
        let mut values = Vec::new();
        match &self.folder {
            Some(folder) => {
                let (_, start, end) = path_bytes::folder_and_below(folder);
                sql.push_str("id IN (SELECT photo_id FROM location WHERE path >= ? AND path < ?)");
                values.extend([Value::Blob(start), Value::Blob(end)]);
            }
            None => sql.push_str("id NOT IN (SELECT photo_id FROM missing)"),
        }
        let texts = [
            (" AND taken_at >= ?", &self.taken_after),
            (" AND taken_at < ?", &self.taken_before),
            (CAMERA, &self.camera),
            (" AND format = lower(?)", &self.format),
        ];
        for (condition, value) in texts {
            if let Some(value) = value {
                sql.push_str(condition);
                values.push(Value::Text(value.clone()));
            }
        }
        if let Some(album) = self.album {
            sql.push_str(" AND id IN (SELECT photo_id FROM album_photo WHERE album_id = ?)");
            values.push(Value::Integer(album.0));
        }
        (sql, values)
    }
}

impl Catalog {
    /// The photos that lie somewhere and meet `filter`, sorted by number.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn select(&self, filter: &Filter) -> Result<Vec<PhotoId>, CatalogError> {
        let mut photos = self.select_ordered(filter, "")?;
        // An index gives them in its own order, and SQLite sorts slowly.
        photos.sort_unstable();
        Ok(photos)
    }

    /// The photos that lie somewhere and meet `filter`, by the date when they were taken.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn select_by_date(&self, filter: &Filter, order: DateOrder) -> Result<Vec<PhotoId>, CatalogError> {
        self.select_ordered(filter, order.sql())
    }

    fn select_ordered(&self, filter: &Filter, order: &'static str) -> Result<Vec<PhotoId>, CatalogError> {
        let (sql, values) = filter.sql();
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&(sql + order))?;
            let ids = statement.query_map(params_from_iter(values), |row| row.get(0).map(PhotoId))?;
            Ok(ids.collect::<Result<_, _>>()?)
        })
    }
}
