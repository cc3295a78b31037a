//! Photos by what is known of them, without looking at what they show.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::tables::album::AlbumId;
use crate::tables::photo::{self, PhotoId};
use crate::{Catalog, CatalogError};
use crate::{path_bytes, place_key};

/// What a name stands for that may be a folder's, an album's or a place's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The folders of this name.
    pub folders: Vec<PathBuf>,
    /// The name, as that of a place; see [`Filter::place`].
    pub place: String,
    /// Whether the place's last word may go on: `Lisb` is Lisbon too.
    pub unfinished: bool,
    /// The album of this name.
    pub album: Option<AlbumId>,
}

/// Conditions, all of which a photo has to meet; none lets every photo through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// It lies below this folder.
    pub folder: Option<PathBuf>,
    /// It was taken at this place: words of a town, region or country, without accents and case. Several names,
    /// between commas, must all be its.
    pub place: Option<String>,
    /// It lies below one of the folders, was taken at the place or is in the album, of each of these.
    pub inside: Vec<Inside>,
    /// It was taken at this local time or later: `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or longer, which
    /// stands for its first moment. A photo without a date does not meet it.
    pub taken_after: Option<String>,
    /// It was taken before the first moment of this.
    pub taken_before: Option<String>,
    /// It was taken in this month, `MM`, or on this day, `MM-DD`, of whatever year.
    pub each_year: Option<String>,
    /// The camera's name contains this, in whatever case.
    pub camera: Option<String>,
    /// The lens's name contains this, in whatever case.
    pub lens: Option<String>,
    /// Its stars are among these; a photo without counts as 0, one that was rejected as -1.
    pub rating: Option<RangeInclusive<i8>>,
    /// The file's format, in whatever case.
    pub format: Option<String>,
    /// It is in this album.
    pub album: Option<AlbumId>,
    /// It has each of these words as a keyword, in whatever case.
    pub keywords: Vec<String>,
    /// It is one of these.
    pub among: Option<Vec<PhotoId>>,
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

/// The condition that a column's value meets `condition`. Names are few: they are looked through, stepping from one to
/// the next by the column's index, and not all photos.
fn named(column: &str, condition: &str) -> String {
    format!(
        "{column} IN (WITH RECURSIVE name ({column}) AS (
             SELECT min({column}) FROM photo WHERE {column} IS NOT NULL UNION ALL
             SELECT (SELECT min({column}) FROM photo WHERE {column} > name.{column}) FROM name
             WHERE {column} IS NOT NULL)
         SELECT {column} FROM name WHERE {condition})"
    )
}

/// The condition that a photo lies below a folder.
fn below(folder: &Path, sql: &mut String, values: &mut Vec<Value>) {
    let (_, start, end) = path_bytes::folder_and_below(folder);
    sql.push_str("id IN (SELECT photo_id FROM location WHERE path >= ? AND path < ?)");
    values.extend([Value::Blob(start), Value::Blob(end)]);
}

/// The condition that a photo is in an album.
fn in_album(album: AlbumId, sql: &mut String, values: &mut Vec<Value>) {
    sql.push_str("id IN (SELECT photo_id FROM album_photo WHERE album_id = ?)");
    values.push(Value::Integer(album.0));
}

/// The condition that a photo was taken at a place; no photo meets one without a word.
fn at(place: &str, unfinished: bool, sql: &mut String, values: &mut Vec<Value>) {
    let mut pieces = place_key::pieces(place);
    if let Some(last) = pieces.last_mut().filter(|_| unfinished) {
        last.truncate(last.trim_end().len());
    }
    let conditions: Vec<&str> = pieces.iter().map(|_| "instr(place_key, ?) > 0").collect();
    let all = if pieces.is_empty() { "0".to_owned() } else { conditions.join(" AND ") };
    sql.push_str(&named("place_key", &all));
    values.extend(pieces.into_iter().map(Value::Text));
}

impl Filter {
    /// The query and its parameters; only constant text goes into it.
    fn sql(&self) -> (String, Vec<Value>) {
        let mut sql = String::from("SELECT id FROM photo WHERE ");
        let mut values = Vec::new();
        match &self.folder {
            Some(folder) => below(folder, &mut sql, &mut values),
            None => sql.push_str("id NOT IN (SELECT photo_id FROM missing)"),
        }
        if let Some(place) = &self.place {
            sql.push_str(" AND ");
            at(place, false, &mut sql, &mut values);
        }
        for inside in &self.inside {
            sql.push_str(" AND (");
            at(&inside.place, inside.unfinished, &mut sql, &mut values);
            for folder in &inside.folders {
                sql.push_str(" OR ");
                below(folder, &mut sql, &mut values);
            }
            if let Some(album) = inside.album {
                sql.push_str(" OR ");
                in_album(album, &mut sql, &mut values);
            }
            sql.push(')');
        }
        let texts = [
            ("taken_at >= ?".to_owned(), &self.taken_after),
            ("taken_at < ?".to_owned(), &self.taken_before),
            (named("camera", "instr(lower(camera), lower(?)) > 0"), &self.camera),
            (named("lens", "instr(lower(lens), lower(?)) > 0"), &self.lens),
            ("format = lower(?)".to_owned(), &self.format),
        ];
        for (condition, value) in texts {
            if let Some(value) = value {
                sql.push_str(" AND ");
                sql.push_str(&condition);
                values.push(Value::Text(value.clone()));
            }
        }
        if let Some(stars) = &self.rating {
            let column = if *stars.start() > 0 { "rating" } else { "coalesce(rating, 0)" };
            sql.push_str(&format!(" AND {column} BETWEEN ? AND ?"));
            values.extend([stars.start(), stars.end()].map(|stars| Value::Integer((*stars).into())));
        }
        if let Some(album) = self.album {
            sql.push_str(" AND ");
            in_album(album, &mut sql, &mut values);
        }
        if let Some(day) = &self.each_year {
            sql.push_str(" AND substr(taken_at, 6, length(?)) = ?");
            values.extend([day, day].map(|day| Value::Text(day.clone())));
        }
        for word in &self.keywords {
            sql.push_str(" AND id IN (SELECT photo_id FROM keyword WHERE word = ? AND NOT removed)");
            values.push(Value::Text(word.clone()));
        }
        if let Some(photos) = &self.among {
            let numbers: Vec<String> = photos.iter().map(|photo| photo.0.to_string()).collect();
            sql.push_str(" AND id IN (SELECT value FROM json_each(?))");
            values.push(Value::Text(format!("[{}]", numbers.join(","))));
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

    /// Whether a photo that lies somewhere meets `filter`.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn any(&self, filter: &Filter) -> Result<bool, CatalogError> {
        let (sql, values) = filter.sql();
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(&format!("SELECT EXISTS ({sql})"))?;
            Ok(statement.query_row(params_from_iter(values), |row| row.get(0))?)
        })
    }

    fn select_ordered(&self, filter: &Filter, order: &'static str) -> Result<Vec<PhotoId>, CatalogError> {
        let (sql, values) = filter.sql();
        self.read(|transaction| Ok(photo::select(transaction, &(sql + order), params_from_iter(values))?))
    }
}
