//! Which file beside the database holds a model's vectors as they were at some change.
//!
//! Read row by row, the vectors of half a million photos take as long as reading the whole database: they lie
//! scattered among the thumbnails. Their file is read in one go. It is a copy that may be deleted at any time, and
//! vouched for by the database: a file is used only under the name that stands here, which is drawn at random when it
//! is written, in a transaction that comes after it. So a database that has the row, also a copy or a backup of it,
//! has had exactly the vectors of the file at that change, and [`change`] tells what came later.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row};
use tempfile::Builder;

use crate::error::Failure;
use crate::safekeeping::remove_abandoned;
use crate::tables::change;
use crate::tables::forgotten;
use crate::tables::model::{self, ModelKey, ModelRow};
use crate::vectors::{VectorIndex, file};
use crate::{Catalog, CatalogError};

pub(crate) const V8: &str = "
CREATE TABLE vector_file (
    model_id INTEGER PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,
    name TEXT NOT NULL UNIQUE,
    number INTEGER NOT NULL
) STRICT;
";

/// How the names of such files begin and end.
const PREFIX: &str = "vectors-";
const SUFFIX: &str = ".bin";
/// Letters between them, drawn at random.
const RANDOM: usize = 16;
/// A file that nobody uses after so long was left by a killed process.
const ABANDONED: Duration = Duration::from_hours(1);
/// So few rows are read from the database faster than anybody notices.
const FEW: usize = 4000;

/// Whether a file is worth writing for so many rows that are not in it, of so many in all.
fn pays(unsaved: usize, rows: usize) -> bool {
    unsaved > FEW.max(rows / 8)
}

/// Whether it is the name of such a file. A library may come from anybody, and what it names is read and deleted.
fn is_name(name: &str) -> bool {
    let drawn = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    drawn.is_some_and(|drawn| drawn.len() == RANDOM && drawn.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The files of vectors in a library's folder, in use or not.
pub(crate) fn files(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    files.filter_map(|file| {
        let name = file.file_name();
        is_name(&name.to_string_lossy()).then(|| file.path())
    })
}

/// The file of a model's vectors, and the change that it is of.
pub(crate) fn of(connection: &Connection, model: i64) -> rusqlite::Result<Option<(String, i64)>> {
    let sql = "SELECT name, number FROM vector_file WHERE model_id = ?1";
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
    let found = connection.prepare_cached(sql)?.query_row([model], row).optional()?;
    Ok(found.filter(|(name, _)| is_name(name)))
}

/// Forgets all files, as nobody knows whether they are still of this database.
pub(crate) fn forget(connection: &Connection) -> Result<(), Failure> {
    connection.execute_batch("DELETE FROM vector_file")?;
    Ok(())
}

/// A model's vectors as they are in their file; none where there is none that can be used.
pub(crate) fn read(connection: &Connection, dir: &Path, model: ModelRow) -> rusqlite::Result<Option<VectorIndex>> {
    let Some((name, number)) = of(connection, model.id)? else { return Ok(None) };
    // Whatever is wrong with it, the database has all that it has.
    let mut index = file::read(&dir.join(name), model.dims).ok().filter(|index| index.as_of == number);
    if let Some(index) = &mut index {
        index.model = model.id;
    }
    Ok(index)
}

impl Catalog {
    /// Puts vectors of [`Catalog::load_vectors`] into a file beside the database, if so many of them are in none that it
    /// pays, so that they are read faster the next time.
    ///
    /// # Errors
    /// When the library's folder cannot be written, or is open for reading only. Nothing is lost without the file.
    pub fn save_vectors(&self, key: &ModelKey, vectors: &mut Arc<VectorIndex>) -> Result<bool, CatalogError> {
        if !pays(vectors.unsaved, vectors.len()) {
            return Ok(false);
        }
        let fail = |error| CatalogError::io(self.dir(), error);
        let mut builder = Builder::new();
        let part = builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM).tempfile_in(self.dir());
        let mut part = part.map_err(fail)?;
        self.rights().give(part.as_file());
        file::write(vectors, part.as_file_mut()).map_err(fail)?;
        part.as_file().sync_all().map_err(fail)?;
        let name = part.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let as_of = vectors.as_of;
        let listed = self.write(|transaction| {
            let Some(model) = model::find(transaction, key)? else { return Ok(None) };
            let old = of(transaction, model.id)?;
            // Photos may have been forgotten since, of which no file is to have anything.
            if as_of < forgotten::erased_at(transaction)? {
                return Ok(None);
            }
            // Another process may have brought a later one.
            if old.as_ref().is_some_and(|(_, number)| *number > as_of) {
                return Ok(None);
            }
            let sql = "INSERT INTO vector_file (model_id, name, number) VALUES (?1, ?2, ?3)
                       ON CONFLICT (model_id) DO UPDATE SET name = excluded.name, number = excluded.number";
            transaction.execute(sql, (model.id, &name, as_of))?;
            let mut names = transaction.prepare("SELECT name FROM vector_file")?;
            let names = names.query_map([], |row| row.get(0))?.collect::<Result<HashSet<String>, _>>()?;
            Ok(Some((names, old)))
        })?;
        let is_saved = listed.is_some();
        if let Some((in_use, old)) = listed {
            part.keep().map_err(|error| fail(error.error))?;
            if let Some((old, _)) = old {
                // One that cannot be removed is swept away later.
                std::fs::remove_file(self.dir().join(old)).ok();
            }
            self.sweep(&in_use);
        }
        // While somebody searches them, they count as unsaved.
        if let Some(vectors) = Arc::get_mut(vectors) {
            vectors.unsaved = 0;
        }
        Ok(is_saved)
    }

    /// Whether a model's vectors changed so much since they were put into a file that reading them takes long.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn vectors_are_unsaved(&self, key: &ModelKey) -> Result<bool, CatalogError> {
        self.read(|transaction| {
            let Some(model) = model::find(transaction, key)? else { return Ok(false) };
            let since = of(transaction, model.id)?.map_or(0, |(_, number)| number);
            // As many as changed at most: of two changes of a photo only the later counts.
            let changes = change::last(transaction)?.saturating_sub(since);
            let rows: i64 = transaction.query_row("SELECT coalesce(max(id), 0) FROM photo", [], |row| row.get(0))?;
            let [changes, rows] = [changes, rows].map(|number| usize::try_from(number).unwrap_or(0));
            Ok(pays(changes, rows))
        })
    }

    /// Removes files of vectors that are in no use.
    fn sweep(&self, in_use: &HashSet<String>) {
        for file in files(self.dir()) {
            // A young one may be another process's, on its way.
            if file.file_name().is_none_or(|name| !in_use.contains(name.to_string_lossy().as_ref())) {
                remove_abandoned(&file, ABANDONED);
            }
        }
    }
}
