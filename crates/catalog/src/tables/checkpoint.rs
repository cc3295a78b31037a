//! What a long job has reached: bytes that only the job can read, kept until it is over.

use rusqlite::OptionalExtension;

use crate::tables::job::JobId;
use crate::{Catalog, CatalogError};

pub(crate) const V4: &str = "
CREATE TABLE checkpoint (
    job_id INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
    data BLOB NOT NULL
) STRICT;
";

impl Catalog {
    /// Keeps what a job has reached, in place of what it had reached before.
    ///
    /// # Errors
    /// When there is no such job, or the library cannot be written.
    pub fn keep_checkpoint(&self, job: JobId, data: &[u8]) -> Result<(), CatalogError> {
        let sql = "INSERT INTO checkpoint (job_id, data) VALUES (?1, ?2)
                   ON CONFLICT (job_id) DO UPDATE SET data = excluded.data";
        self.write(|transaction| Ok(transaction.prepare_cached(sql)?.execute((job.0, data)).map(drop)?))
    }

    /// What a job had reached, if it kept that; no bytes when there are more than `most` of them, which are not read.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn checkpoint(&self, job: JobId, most: usize) -> Result<Option<Vec<u8>>, CatalogError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.read(|transaction| {
            let sql = "SELECT CASE WHEN length(data) <= ?2 THEN data ELSE x'' END FROM checkpoint WHERE job_id = ?1";
            let mut statement = transaction.prepare_cached(sql)?;
            Ok(statement.query_row([job.0, most], |row| row.get(0)).optional()?)
        })
    }

    /// Drops what a job had reached.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn drop_checkpoint(&self, job: JobId) -> Result<(), CatalogError> {
        self.write(|transaction| {
            Ok(transaction.execute("DELETE FROM checkpoint WHERE job_id = ?1", [job.0]).map(drop)?)
        })
    }
}
