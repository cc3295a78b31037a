//! Erasing the bytes of what was forgotten: from the database's pages, its log, and the files of vectors.
//!
//! A row that is deleted leaves its bytes in pages that are free or half empty, in the log, and in the segments of the
//! words' index. So the index of words is made anew, the database is written anew without what is free (`VACUUM`), and the
//! log is copied back and cut to nothing. Files of vectors are overwritten before they are removed. What the disk itself
//! keeps of blocks that were overwritten or given back is not in the hands of a program.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::connection::Journal;
use crate::error::Failure;
use crate::forgetting::forget_some_rows;
use crate::path_bytes;
use crate::plain;
use crate::safekeeping::Watch;
use crate::tables::forgotten::{self, Kind};
use crate::tables::{change, vector_file};
use crate::{Catalog, CatalogError, JobState};

/// How long readers are waited for that still see the database as it was.
const READERS: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(50);
/// Photos that are forgotten at a time.
const STEP: usize = 64;
/// Bytes of nothing that are written at a time.
const ZEROS: usize = 1 << 20;
/// How every database of SQLite begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

impl Catalog {
    /// Erases the bytes of all that [`Catalog::forget_some`] has forgotten. Called again after a stop or a death, it
    /// does what is left. It needs as much room on the disk as the library takes.
    ///
    /// # Errors
    /// [`CatalogError::Stopped`] when `watch` stops it, [`CatalogError::InUse`] when somebody goes on reading what was
    /// there before, or when the disk is full. Then bytes are still to be erased.
    pub fn erase(&self, watch: &mut Watch<'_>) -> Result<(), CatalogError> {
        if !self.forgetting()?.is_due {
            return Ok(());
        }
        self.forget_the_wish()?;
        for file in vector_file::files(self.dir()) {
            wipe(&file).map_err(|error| CatalogError::io(&file, error))?;
        }
        self.vacuum("erase", watch)?;
        self.cut_log(watch)?;
        self.write(|transaction| {
            transaction.pragma_update(None, "secure_delete", false)?;
            // A wish that has come meanwhile is still to be done.
            Ok(transaction.execute("UPDATE erasure SET is_due = 0 WHERE number >= 0", []).map(drop)?)
        })
    }

    /// The last rows that name something: folders that were to be forgotten, jobs that are over, what jobs that nobody
    /// runs had reached; and the index of words, which keeps words of photos that are gone.
    fn forget_the_wish(&self) -> Result<(), CatalogError> {
        let over = |state: &JobState| !matches!(state, JobState::Queued | JobState::Running | JobState::Paused);
        let idle: Vec<_> = self.jobs()?.into_iter().filter(|job| !self.is_job_alive(job.id)).collect();
        self.write(|transaction| {
            for job in &idle {
                if over(&job.state) {
                    transaction.prepare_cached("DELETE FROM job WHERE id = ?1")?.execute([job.id.0])?;
                }
                transaction.prepare_cached("DELETE FROM checkpoint WHERE job_id = ?1")?.execute([job.id.0])?;
            }
            // Of a wish that has come since the last of them were forgotten.
            while forget_some_rows(transaction, STEP)? > 0 {}
            keep_out_where_it_matters(transaction)?;
            vector_file::forget(transaction)?;
            transaction.execute("UPDATE erasure SET number = ?1", [change::last(transaction)?])?;
            transaction.execute_batch("INSERT INTO words (words) VALUES ('rebuild')")?;
            Ok(())
        })
    }

    /// Copies the log into the database and cuts it to nothing.
    pub(crate) fn cut_log(&self, watch: &mut Watch<'_>) -> Result<(), CatalogError> {
        if self.journal() == Journal::Rollback {
            return Ok(());
        }
        let started = Instant::now();
        loop {
            let busy: i64 = self.on_writer(|connection| {
                Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?)
            })?;
            if busy == 0 {
                return Ok(());
            }
            if started.elapsed() > READERS {
                return Err(CatalogError::InUse { path: self.file().into() });
            }
            if !watch("erase", 0, 0) {
                return Err(CatalogError::Stopped);
            }
            std::thread::sleep(TICK);
        }
    }

    /// Files in the library's folder that are copies of it, from before an upgrade, a restore or a repair, or put there by
    /// a person; and what a process that was killed left of one. By name.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn older_copies(&self) -> Result<Vec<PathBuf>, CatalogError> {
        let entries = std::fs::read_dir(self.dir()).map_err(|error| CatalogError::io(self.dir(), error))?;
        let mut copies = Vec::new();
        for entry in entries {
            let file = entry.map_err(|error| CatalogError::io(self.dir(), error))?.path();
            if file != self.file() && is_database(&file) {
                copies.push(file);
            }
        }
        copies.sort();
        Ok(copies)
    }
}

/// A folder is kept out for good only where another folder of the library would bring it back.
fn keep_out_where_it_matters(connection: &Connection) -> Result<(), Failure> {
    let sql = "SELECT folder FROM to_forget WHERE folder IS NOT NULL";
    let folders: Vec<Vec<u8>> = connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if let Some(marker) = forgotten::marker(connection)? {
        let mut is_of_library = connection.prepare("SELECT EXISTS (SELECT 1 FROM folder WHERE path = ?1)")?;
        for folder in folders.into_iter().map(path_bytes::decode) {
            let mut inside = false;
            for above in folder.ancestors().skip(1) {
                inside |= is_of_library.query_row([path_bytes::encode(above)], |row| row.get::<_, bool>(0))?;
            }
            if !inside {
                forgotten::let_in(connection, &marker, Kind::Folder, &folder)?;
            }
        }
    }
    Ok(connection.execute("DELETE FROM to_forget", []).map(drop)?)
}

/// Overwrites a file and removes it. One that is gone already is none to be wiped; a link, and a file that has another
/// name too, only loses this one.
fn wipe(file: &Path) -> std::io::Result<()> {
    let found = file.symlink_metadata();
    let Ok(metadata) = found else { return Ok(()) };
    let open = if metadata.is_file() { plain::open_to_wipe(file).map_err(std::io::Error::other)? } else { None };
    if let Some(mut open) = open {
        let (mut left, zeros) = (open.seek(SeekFrom::End(0))?, vec![0; ZEROS]);
        open.seek(SeekFrom::Start(0))?;
        while left > 0 {
            let some = left.min(ZEROS as u64);
            open.write_all(&zeros[..some as usize])?;
            left -= some;
        }
        open.sync_all()?;
    }
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn is_database(file: &Path) -> bool {
    let mut head = [0; MAGIC.len()];
    plain::open(file).is_ok_and(|mut open| open.read_exact(&mut head).is_ok() && head == *MAGIC)
}
