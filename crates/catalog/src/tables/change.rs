//! When what a search sees of a photo last changed: its vector, or whether it lies anywhere. Kept up by the database
//! itself, so that whoever holds vectors in memory or in a file reads again only what is new, whichever process wrote
//! it.
//!
//! Changes are numbered; the same photo's later change takes the place of the earlier. A change of its places concerns
//! the vectors of all models and stands under model 0. Rows stay when their photo is gone.

use rusqlite::Connection;

use crate::tables::photo::PhotoId;

pub(crate) const V7: &str = "
CREATE TABLE vector_change (
    photo_id INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (photo_id, model_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX vector_change_number ON vector_change (number);
CREATE TRIGGER vector_change_made AFTER INSERT ON vector BEGIN
    INSERT INTO vector_change (photo_id, model_id, number)
    VALUES (new.photo_id, new.model_id, (SELECT coalesce(max(number), 0) + 1 FROM vector_change))
    ON CONFLICT (photo_id, model_id) DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER vector_change_replaced AFTER UPDATE ON vector BEGIN
    INSERT INTO vector_change (photo_id, model_id, number)
    VALUES (new.photo_id, new.model_id, (SELECT coalesce(max(number), 0) + 1 FROM vector_change))
    ON CONFLICT (photo_id, model_id) DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER vector_change_found AFTER INSERT ON location BEGIN
    INSERT INTO vector_change (photo_id, model_id, number)
    VALUES (new.photo_id, 0, (SELECT coalesce(max(number), 0) + 1 FROM vector_change))
    ON CONFLICT (photo_id, model_id) DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER vector_change_lost AFTER DELETE ON location BEGIN
    INSERT INTO vector_change (photo_id, model_id, number)
    VALUES (old.photo_id, 0, (SELECT coalesce(max(number), 0) + 1 FROM vector_change))
    ON CONFLICT (photo_id, model_id) DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER vector_change_moved AFTER UPDATE OF photo_id ON location WHEN old.photo_id <> new.photo_id BEGIN
    INSERT INTO vector_change (photo_id, model_id, number)
    VALUES (old.photo_id, 0, (SELECT coalesce(max(number), 0) + 1 FROM vector_change))
    ON CONFLICT (photo_id, model_id) DO UPDATE SET number = excluded.number;
    INSERT INTO vector_change (photo_id, model_id, number)
    VALUES (new.photo_id, 0, (SELECT coalesce(max(number), 0) + 1 FROM vector_change))
    ON CONFLICT (photo_id, model_id) DO UPDATE SET number = excluded.number;
END;
";

/// The number of the last change.
pub(crate) fn last(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(number), 0) FROM vector_change";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// The photos of which something changed for a model's vectors after change `number`, sorted.
pub(crate) fn since(connection: &Connection, model: i64, number: i64) -> rusqlite::Result<Vec<PhotoId>> {
    let sql = "SELECT photo_id FROM vector_change WHERE number > ?1 AND model_id IN (0, ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut photos: Vec<PhotoId> =
        statement.query_map((number, model), |row| row.get(0).map(PhotoId))?.collect::<Result<_, _>>()?;
    photos.sort_unstable();
    photos.dedup();
    Ok(photos)
}
