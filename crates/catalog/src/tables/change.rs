//! When what a search sees of a photo last changed: a vector, or where it lies. Kept up by the database itself, so
//! that whoever holds vectors in memory or in a file reads again only what is new, whichever process wrote it.
//!
//! Changes are numbered; a photo's later change takes the place of the earlier. Rows stay when their photo is gone.

use rusqlite::Connection;

use crate::tables::photo::PhotoId;

/// The statement that notes a change of the photo `$photo` of a trigger.
macro_rules! note {
    ($photo:literal) => {
        concat!(
            "INSERT INTO photo_change (photo_id, number) VALUES (",
            $photo,
            ", (SELECT coalesce(max(number), 0) + 1 FROM photo_change))
             ON CONFLICT (photo_id) DO UPDATE SET number = excluded.number;"
        )
    };
}

pub(crate) const V8: &str = concat!(
    "
CREATE TABLE photo_change (
    photo_id INTEGER PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX photo_change_number ON photo_change (number);
CREATE TRIGGER photo_change_embedded AFTER INSERT ON vector BEGIN ",
    note!("new.photo_id"),
    " END;
CREATE TRIGGER photo_change_embedded_again AFTER UPDATE ON vector BEGIN ",
    note!("new.photo_id"),
    " END;
CREATE TRIGGER photo_change_found AFTER INSERT ON location BEGIN ",
    note!("new.photo_id"),
    " END;
CREATE TRIGGER photo_change_lost AFTER DELETE ON location BEGIN ",
    note!("old.photo_id"),
    " END;
CREATE TRIGGER photo_change_replaced AFTER UPDATE OF photo_id ON location WHEN old.photo_id <> new.photo_id BEGIN ",
    note!("old.photo_id"),
    " ",
    note!("new.photo_id"),
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

/// Notes that any photo may have changed.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<()> {
    let sql = note!("?1");
    connection.prepare_cached(sql)?.execute([ALL.0]).map(drop)
}

/// The photos that changed after change `number`, sorted; none when that may be any.
pub(crate) fn since(connection: &Connection, number: i64) -> rusqlite::Result<Option<Vec<PhotoId>>> {
    let mut statement = connection.prepare_cached("SELECT photo_id FROM photo_change WHERE number > ?1")?;
    let mut photos: Vec<PhotoId> =
        statement.query_map([number], |row| row.get(0).map(PhotoId))?.collect::<Result<_, _>>()?;
    photos.sort_unstable();
    Ok((photos.first() != Some(&ALL)).then_some(photos))
}
