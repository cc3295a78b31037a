//! Whose a job is: only what this installation was asked for is gone on with.
//!
//! A job is a wish: to copy these photos into that folder, to move files to the trash. A library may come from anybody,
//! with wishes in it that nobody here ever had. So every job is written with a mark, made from what is asked and from a
//! secret that lies in no library but with the user's settings; a job without the mark is taken off before any runs.

use rusqlite::Connection;

use crate::error::Failure;
use crate::tables::job::JobId;
use crate::{Catalog, CatalogError};

/// What a marked payload begins with.
const BEGIN: &str = "mark:";
/// Letters of a mark.
const LETTERS: usize = 64;

/// The secret of an installation.
#[derive(Clone, PartialEq, Eq)]
pub struct Installation(pub [u8; 32]);

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Installation(..)")
    }
}

impl Installation {
    fn mark(&self, kind: &str, payload: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(kind.len() as u64).to_le_bytes());
        hasher.update(kind.as_bytes());
        hasher.update(payload.as_bytes());
        hasher.finalize()
    }

    /// The payload as it is written down.
    pub(crate) fn marked(&self, kind: &str, payload: &str) -> String {
        format!("{BEGIN}{}\n{payload}", self.mark(kind, payload).to_hex())
    }

    fn knows(&self, kind: &str, written: &str) -> bool {
        // Hashes are compared in constant time.
        split(written).is_some_and(|(mark, payload)| {
            blake3::Hash::from_hex(mark).is_ok_and(|mark| mark == self.mark(kind, payload))
        })
    }
}

fn split(written: &str) -> Option<(&str, &str)> {
    let (mark, payload) = written.strip_prefix(BEGIN)?.split_once('\n')?;
    (mark.len() == LETTERS).then_some((mark, payload))
}

/// What was asked, of a payload as it is written down.
pub(crate) fn unmarked(written: String) -> String {
    match split(&written) {
        Some((_, payload)) => payload.to_owned(),
        None => written,
    }
}

/// Takes all jobs off, with what they had reached.
pub(crate) fn forget_all(connection: &Connection) -> Result<(), Failure> {
    connection.pragma_update(None, "foreign_keys", true)?;
    // Not all at once: that would be one step of SQLite.
    connection.execute("DELETE FROM job WHERE id > ?1", [i64::MIN])?;
    Ok(())
}

impl Catalog {
    /// From now on marks jobs as those of `installation`, and takes off those that are not: a library from elsewhere
    /// brings none. One that a living process works on stays, as it is that process's. Returns how many were taken off.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn keep_jobs_of(&self, installation: &Installation) -> Result<usize, CatalogError> {
        let installation = self.installation().get_or_init(|| installation.clone());
        self.drop_jobs(|kind, written| installation.knows(kind, written))
    }

    /// Takes off every job that no living process works on, where there is no secret to know them by.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn keep_no_jobs(&self) -> Result<usize, CatalogError> {
        self.drop_jobs(|_, _| false)
    }

    fn drop_jobs(&self, is_ours: impl Fn(&str, &str) -> bool) -> Result<usize, CatalogError> {
        let foreign = self.read(|transaction| {
            let mut statement = transaction.prepare("SELECT id, kind, payload FROM job ORDER BY id")?;
            let mut rows = statement.query([])?;
            let mut foreign = Vec::new();
            while let Some(row) = rows.next()? {
                let (kind, written) = (row.get_ref(1)?, row.get_ref(2)?);
                let text = |value: rusqlite::types::ValueRef<'_>| {
                    value.as_str().map(str::to_owned).map_err(rusqlite::Error::from)
                };
                if !is_ours(&text(kind)?, &text(written)?) {
                    foreign.push(JobId(row.get(0)?));
                }
            }
            Ok(foreign)
        })?;
        let mut dropped = 0;
        for id in foreign {
            if self.is_job_alive(id) {
                continue;
            }
            self.remove_job(id)?;
            dropped += 1;
        }
        Ok(dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JobState;

    const OURS: Installation = Installation([1; 32]);
    const THEIRS: Installation = Installation([2; 32]);

    fn open(dir: &std::path::Path, installation: &Installation) -> (Catalog, usize) {
        let catalog = Catalog::open(dir).unwrap();
        let dropped = catalog.keep_jobs_of(installation).unwrap();
        (catalog, dropped)
    }

    #[test]
    fn a_job_is_gone_on_with_where_it_was_asked_for_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let (catalog, _) = open(dir.path(), &OURS);
        let id = catalog.insert_job("copy", "{\"photos\":[1]}").unwrap();
        catalog.set_job_state(id, &JobState::Paused).unwrap();
        drop(catalog);
        let (catalog, dropped) = open(dir.path(), &OURS);
        let jobs = catalog.jobs().unwrap();
        assert_eq!((dropped, jobs.len(), jobs[0].payload.as_str()), (0, 1, "{\"photos\":[1]}"));
        drop(catalog);
        let (catalog, dropped) = open(dir.path(), &THEIRS);
        assert_eq!((dropped, catalog.jobs().unwrap().len()), (1, 0));
    }

    #[test]
    fn a_job_that_was_changed_or_has_no_mark_is_taken_off() {
        let dir = tempfile::tempdir().unwrap();
        let (catalog, _) = open(dir.path(), &OURS);
        let payload = "{\"folder\":\"/a\"}";
        let marked = OURS.marked("copy", payload);
        for (kind, written) in [
            ("copy", payload.to_owned()),
            ("copy", marked.replace("/a", "/b")),
            ("trash", marked.clone()),
            ("copy", THEIRS.marked("copy", payload)),
            ("copy", format!("mark:{}\n{payload}", "0".repeat(64))),
            ("copy", format!("mark:\n{payload}")),
            ("copy", marked.to_uppercase()),
            ("copy", String::new()),
        ] {
            let sql = "INSERT INTO job (kind, state, payload) VALUES (?1, 'paused', ?2)";
            catalog.write(|transaction| Ok(transaction.execute(sql, (kind, &written))?)).unwrap();
            assert_eq!(catalog.keep_jobs_of(&OURS).unwrap(), 1, "{kind} {written}");
        }
        let sql = "INSERT INTO job (kind, state, payload) VALUES ('copy', 'paused', ?1)";
        catalog.write(|transaction| Ok(transaction.execute(sql, [&marked])?)).unwrap();
        assert_eq!(catalog.keep_jobs_of(&OURS).unwrap(), 0);
        assert_eq!(catalog.keep_no_jobs().unwrap(), 1);
    }

    #[test]
    fn a_job_that_another_process_works_on_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (catalog, _) = open(dir.path(), &OURS);
        let id = catalog.insert_job("index", "{}").unwrap();
        catalog.set_job_state(id, &JobState::Running).unwrap();
        let (other, dropped) = open(dir.path(), &THEIRS);
        assert_eq!((dropped, other.jobs().unwrap().len()), (0, 1));
        catalog.set_job_state(id, &JobState::Done).unwrap();
    }

    #[test]
    fn the_secret_is_not_shown() {
        assert_eq!(format!("{OURS:?}"), "Installation(..)");
    }
}
