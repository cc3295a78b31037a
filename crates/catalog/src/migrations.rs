//! The schema's versions, in the order in which they came.
//!
//! Append only: what has been released is never edited. The version is the database's
//! `user_version`; `application_id` tells the catalogue from other programs' databases.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{CatalogError, Failure};
use crate::tables::{
    absence, album, caption, change, checkpoint, companion, fingerprint, folder, forgotten, job, keyword, location,
    missing, model, photo, problem, setting, thumbnail, trashed, vector, vector_file, verdict, version, volume, words,
};

/// "SLcg", so that `file` and this program can tell what it is.
const APPLICATION_ID: i32 = 0x534c_6367;

/// One entry a version, one statement list a table.
const VERSIONS: &[&[&str]] = &[
    // 1: photos, their vectors, problems and jobs.
    &[folder::V1, photo::V1, location::V1, model::V1, vector::V1, thumbnail::V1, problem::V1, job::V1, setting::V1],
    // 2: albums.
    &[album::V2],
    // 3: captions, keywords, and their words.
    &[caption::V3, keyword::V3, words::V3],
    // 4: what the model was taught, what people said of its suggestions, and how far a long job is.
    &[version::V4, verdict::V4, checkpoint::V4],
    // 5: volumes of folders, companions of photos, files that a person is asked about.
    &[volume::V5, companion::V5, absence::V5],
    // 6: how photos look in 64 bits, pairs that are no duplicates, what went to the trash.
    &[fingerprint::V6, trashed::V6],
    // 7: where dates come from, ratings, names of places; how files and their sidecars were read.
    &[photo::V7, location::V7],
    // 8: which photos lie nowhere, what changed, vectors in a file of their own, what long lists are made from.
    &[missing::V8, change::V8, vector_file::V8, photo::V8, caption::V8],
    // 9: stars, answers and words taken off are handed on too by what goes to the trash.
    &[trashed::V9],
    // 10: what was forgotten and stays out.
    &[forgotten::V10],
    // 11: when anything about a file changed last.
    &[location::V11],
    // 12: what else a person wrote, and words inside of texts without blanks.
    &[photo::V12, words::V12],
];

/// The latest version.
pub(crate) const KNOWN: u32 = VERSIONS.len() as u32;

/// The file's version; 0 when it is empty.
pub(crate) fn version(connection: &Connection, file: &Path) -> Result<u32, Failure> {
    // One snapshot: between two reads another process may have made the whole schema.
    let _snapshot = if connection.is_autocommit() { Some(connection.unchecked_transaction()?) } else { None };
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let empty = || -> rusqlite::Result<bool> {
        connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
    };
    if application != APPLICATION_ID && !(application == 0 && found == 0 && empty()?) {
        return Err(CatalogError::NotACatalogue { path: file.into() }.into());
    }
    if found > KNOWN {
        return Err(CatalogError::TooNew { path: file.into(), found, known: KNOWN }.into());
    }
    Ok(found)
}

/// Brings the schema up to date in one transaction; a copy of an older library is kept beside it.
pub(crate) fn migrate(connection: &mut Connection, file: &Path) -> Result<(), Failure> {
    if version(connection, file)? == KNOWN {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again: another process may have been quicker.
    let found = version(&transaction, file)?;
    if (1..KNOWN).contains(&found) {
        // What an upgrade does wrong must not be the end of it. Nobody else writes now, and nothing is written yet.
        crate::safekeeping::keep_before_upgrade(file, found)?;
    }
    lift(&transaction, found, KNOWN)?;
    Ok(transaction.commit()?)
}

/// Makes of a schema of version `from` (0: none) one of version `to`.
pub(crate) fn lift(transaction: &Connection, from: u32, to: u32) -> rusqlite::Result<()> {
    for statements in VERSIONS.iter().take(to as usize).skip(from as usize).copied().flatten() {
        transaction.execute_batch(statements)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", to)?;
    if (1..words::SINCE).contains(&from) && to >= words::SINCE {
        words::fill(transaction)?;
    }
    Ok(())
}
