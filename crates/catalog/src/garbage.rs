//! Photos that lie nowhere any more: kept for a while, then deleted.

use crate::{Catalog, CatalogError};

impl Catalog {
    /// Deletes the photos, with vectors and thumbnails, that have lain nowhere for at least
    /// `keep_s` seconds and bear no work of a person's; returns how many. They are first missed at the first call after
    /// they were forgotten. Times are in seconds since 1970.
    ///
    /// A person's work is an album, a caption, a keyword given or taken off, an answer to a suggestion, the word that
    /// photos are no duplicates, and what is in the trash or was handed on by what is there: a photo is known by its
    /// content, so that all this is found again when the photo is, however long it was away.
    ///
    /// # Errors
    /// When the library cannot be written; then nothing is deleted.
    pub fn collect_garbage(&self, now_s: i64, keep_s: u64) -> Result<usize, CatalogError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE photo SET missed_since = NULL
                 WHERE missed_since IS NOT NULL AND id NOT IN (SELECT photo_id FROM missing)",
                [],
            )?;
            transaction.execute(
                "UPDATE photo SET missed_since = ?1
                 WHERE missed_since IS NULL AND id IN (SELECT photo_id FROM missing)",
                [now_s],
            )?;
            let oldest = now_s.saturating_sub_unsigned(keep_s);
            Ok(transaction.execute(
                "DELETE FROM photo WHERE missed_since <= ?1 AND id NOT IN (SELECT photo_id FROM album_photo)
                 AND id NOT IN (SELECT photo_id FROM caption WHERE author = 'person' AND undone_at IS NULL)
                 AND id NOT IN (SELECT photo_id FROM keyword WHERE origin = 'person' OR removed)
                 AND id NOT IN (SELECT photo_id FROM verdict)
                 AND id NOT IN (SELECT first_id FROM not_duplicate UNION SELECT second_id FROM not_duplicate)
                 AND id NOT IN (SELECT photo_id FROM trashed UNION SELECT kept_id FROM trashed)
                 AND id NOT IN (SELECT photo_id FROM handed_on UNION SELECT kept_id FROM handed_on)",
                [oldest],
            )?)
        })
    }
}
