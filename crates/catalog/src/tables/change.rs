//! When what a search sees of a photo last changed: a vector, or where it lies. Kept up by the database itself, so
//! that whoever holds vectors in memory or in a file reads again only what is new, whichever process wrote it.
//!
//! Changes are numbered; a later change of the same takes the place of the earlier. Where a photo lies concerns the
//! vectors of all models and stands under model 0. Rows stay when their photo is gone.

use rusqlite::Connection;

use crate::tables::photo::{self, PhotoId};

/// The statement that notes a change of photo `$photo` for model `$model`.
macro_rules! note {
    ($photo:literal, $model:literal) => {
        concat!(
            "INSERT INTO photo_change (photo_id, model_id, number) VALUES (",
            $photo,
            ", ",
            $model,
            ", (SELECT coalesce(max(number), 0) + 1 FROM photo_change))
             ON CONFLICT (photo_id, model_id) DO UPDATE SET number = excluded.number;"
        )
    };
}

pub(crate) const V8: &str = concat!(
    "
CREATE TABLE photo_change (
    photo_id INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (photo_id, model_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX photo_change_number ON photo_change (number);
CREATE TRIGGER photo_change_embedded AFTER INSERT ON vector BEGIN ",
    note!("new.photo_id", "new.model_id"),
    " END;
CREATE TRIGGER photo_change_embedded_again AFTER UPDATE ON vector BEGIN ",
    note!("new.photo_id", "new.model_id"),
    " END;
CREATE TRIGGER photo_change_found AFTER INSERT ON location BEGIN ",
    note!("new.photo_id", "0"),
    " END;
CREATE TRIGGER photo_change_lost AFTER DELETE ON location BEGIN ",
    note!("old.photo_id", "0"),
    " END;
CREATE TRIGGER photo_change_replaced AFTER UPDATE OF photo_id ON location WHEN old.photo_id <> new.photo_id BEGIN ",
    note!("old.photo_id", "0"),
    " ",
    note!("new.photo_id", "0"),
    " END;
"
);

/// Stands for all photos.
const ALL: PhotoId = PhotoId(0);

/// The number of the last change.
pub(crate) fn last(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(number), 0) FROM photo_change";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// Notes that any vector of a model may have changed.
pub(crate) fn all(connection: &Connection, model: i64) -> rusqlite::Result<()> {
    connection.prepare_cached(note!("?1", "?2"))?.execute([ALL.0, model]).map(drop)
}

/// The photos that changed for a model after change `number`, sorted; none when that may be any.
pub(crate) fn since(connection: &Connection, model: i64, number: i64) -> rusqlite::Result<Option<Vec<PhotoId>>> {
    let sql = "SELECT photo_id FROM photo_change WHERE number > ?1 AND model_id IN (0, ?2)";
    let mut photos = photo::select(connection, sql, [number, model])?;
    photos.sort_unstable();
    photos.dedup();
    Ok((photos.first() != Some(&ALL)).then_some(photos))
}
