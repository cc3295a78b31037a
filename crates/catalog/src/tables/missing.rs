//! The photos that lie nowhere, kept up by the database itself.
//!
//! They are few, and most questions are about the photos that lie somewhere: leaving out the few costs less than
//! looking for a place of each of the many.

use rusqlite::Connection;

use crate::error::Failure;

pub(crate) const V8: &str = "
CREATE TABLE missing (
    photo_id INTEGER PRIMARY KEY REFERENCES photo (id) ON DELETE CASCADE
) STRICT;
INSERT INTO missing SELECT id FROM photo WHERE id NOT IN (SELECT photo_id FROM location);
CREATE TRIGGER missing_at_first AFTER INSERT ON photo BEGIN
    INSERT INTO missing (photo_id) VALUES (new.id);
END;
CREATE TRIGGER missing_found AFTER INSERT ON location BEGIN
    DELETE FROM missing WHERE photo_id = new.photo_id;
END;
CREATE TRIGGER missing_lost AFTER DELETE ON location BEGIN
    INSERT INTO missing (photo_id) SELECT id FROM photo WHERE id = old.photo_id
        AND id NOT IN (SELECT photo_id FROM location WHERE photo_id = old.photo_id);
END;
CREATE TRIGGER missing_replaced AFTER UPDATE OF photo_id ON location WHEN old.photo_id <> new.photo_id BEGIN
    DELETE FROM missing WHERE photo_id = new.photo_id;
    INSERT INTO missing (photo_id) SELECT id FROM photo WHERE id = old.photo_id
        AND id NOT IN (SELECT photo_id FROM location WHERE photo_id = old.photo_id);
END;
";

/// The version that brought the table.
pub(crate) const SINCE: u32 = 8;

/// Counts the photos that are missing and not in the table, and those that are in it wrongly.
pub(crate) const UNEQUAL: &str = "
SELECT (SELECT count(*) FROM photo WHERE id NOT IN (SELECT photo_id FROM location)
            AND id NOT IN (SELECT photo_id FROM missing))
     + (SELECT count(*) FROM missing WHERE photo_id IN (SELECT photo_id FROM location)
            OR photo_id NOT IN (SELECT id FROM photo))";

/// Makes the table anew, whatever is in it.
pub(crate) fn rebuild(connection: &Connection) -> Result<(), Failure> {
    let sql = "DELETE FROM missing;
               INSERT INTO missing SELECT id FROM photo WHERE id NOT IN (SELECT photo_id FROM location)";
    Ok(connection.execute_batch(sql)?)
}
