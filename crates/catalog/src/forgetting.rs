//! Forgetting at once what a person wants forgotten: the rows of it. What is left of their bytes goes in `erasing`.
//!
//! What is to be forgotten is written down in one transaction, and from then on nothing brings it back. The rows go in
//! steps, each a transaction; killed between two of them, the next process goes on. What is written down is an id or a
//! folder, and is erased with the rest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use crate::error::Failure;
use crate::path_bytes;
use crate::tables::forgotten::{self, Kind, Marker};
use crate::tables::photo::{self, PhotoId};
use crate::tables::words;
use crate::{Catalog, CatalogError, VersionId};

/// What a person wants forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToForget {
    /// These photos, wherever they lie. They are kept out from now on, and so are their files.
    pub photos: Vec<PhotoId>,
    /// Contents that no row is of and that are kept out too: RAW files of the photos.
    pub contents: Vec<[u8; 32]>,
    /// Files that are no photos of the library, such as those that could not be read. They are kept out from now on.
    pub files: Vec<PathBuf>,
    /// Files of which only what is known goes, such as those beside photos.
    pub beside: Vec<PathBuf>,
    /// All below these folders, and the folders. Photos that lie elsewhere too stay there. One that lies in another
    /// folder of the library is kept out from now on.
    pub folders: Vec<PathBuf>,
    /// Photos that lie nowhere any more.
    pub missing: bool,
    /// The searches that are remembered, in these settings: keys, each with the path in their JSON of the list of them.
    pub searches: Vec<(&'static str, &'static str)>,
    /// What taught versions' makers say of them from now on.
    pub versions: Vec<(VersionId, String)>,
}

/// How far forgetting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgetting {
    /// Photos whose rows are still there.
    pub photos: u64,
    /// Whether bytes are still to be erased.
    pub is_due: bool,
}

impl Catalog {
    /// Writes down what is to be forgotten; from now on it is kept out. [`Catalog::forget_some`] and [`Catalog::erase`]
    /// do the rest.
    ///
    /// # Errors
    /// [`CatalogError::UnknownPhoto`], or when the library cannot be written; then nothing is to be forgotten.
    pub fn ask_to_forget(&self, wanted: &ToForget) -> Result<(), CatalogError> {
        self.write(|transaction| {
            let marker = forgotten::begin(transaction)?;
            for photo in &wanted.photos {
                for photo in with_gone_in_favour(transaction, *photo)? {
                    keep_photo_out(transaction, &marker, photo)?;
                    ask(transaction, photo)?;
                }
            }
            for hash in &wanted.contents {
                forgotten::mark_photo(transaction, &marker, hash)?;
            }
            for file in wanted.files.iter().chain(&wanted.beside) {
                forget_file(transaction, &path_bytes::encode(file))?;
            }
            for file in &wanted.files {
                forgotten::mark_path(transaction, &marker, Kind::File, &path_bytes::encode(file))?;
            }
            for folder in &wanted.folders {
                let (own, start, end) = path_bytes::folder_and_below(folder);
                forgotten::mark_path(transaction, &marker, Kind::Folder, &own)?;
                let inside = "DELETE FROM folder WHERE path = ?1 OR (path >= ?2 AND path < ?3)";
                transaction.execute(inside, (&own, &start, &end))?;
                transaction.execute("INSERT INTO to_forget (folder) VALUES (?1) ON CONFLICT DO NOTHING", [&own])?;
            }
            if wanted.missing {
                let sql = "INSERT INTO to_forget (photo_id) SELECT photo_id FROM missing WHERE true ON CONFLICT DO NOTHING";
                transaction.execute(sql, [])?;
            }
            for (key, list) in &wanted.searches {
                let sql = "UPDATE setting SET value = json_replace(value, ?2, json('[]')) WHERE key = ?1 AND json_valid(value)";
                transaction.execute(sql, (key, list))?;
            }
            for (version, facts) in &wanted.versions {
                transaction.execute("UPDATE version SET facts = ?2 WHERE id = ?1", (version.0, facts))?;
            }
            Ok(())
        })
    }

    /// How far forgetting is that was asked for.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn forgetting(&self) -> Result<Forgetting, CatalogError> {
        self.read(|transaction| {
            let is_due = transaction.query_row("SELECT coalesce(max(is_due), 0) FROM erasure", [], |row| row.get(0))?;
            let mut photos: i64 =
                transaction
                    .query_row("SELECT coalesce(sum(photo_id IS NOT NULL), 0) FROM to_forget", [], |row| row.get(0))?;
            for folder in folders(transaction)? {
                let (_, start, end) = path_bytes::folder_and_below(&folder);
                let sql = "SELECT count(DISTINCT photo_id) FROM location WHERE path >= ?1 AND path < ?2";
                photos += transaction.query_row(sql, (start, end), |row| row.get::<_, i64>(0))?;
            }
            Ok(Forgetting { photos: photos.cast_unsigned(), is_due })
        })
    }

    /// The folders that are to be forgotten and of which something is still written down.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn folders_to_forget(&self) -> Result<Vec<PathBuf>, CatalogError> {
        self.read(|transaction| Ok(folders(transaction)?))
    }

    /// Forgets the rows of at most `most` photos of those that are to be forgotten; returns how many. After the last,
    /// 0, nothing of them is found or shown any more.
    ///
    /// # Errors
    /// When the library cannot be written; then none of them is forgotten.
    pub fn forget_some(&self, most: usize) -> Result<usize, CatalogError> {
        self.write(|transaction| {
            // What is deleted is overwritten at once, though not yet in the log.
            transaction.pragma_update(None, "secure_delete", true)?;
            forget_some_rows(transaction, most)
        })
    }
}

/// Forgets the rows of at most `most` photos of those that are to be forgotten; how many.
pub(crate) fn forget_some_rows(connection: &Connection, most: usize) -> Result<usize, Failure> {
    let sql = "SELECT photo_id FROM to_forget WHERE photo_id IS NOT NULL ORDER BY id LIMIT ?1";
    let photos = photo::select(connection, sql, [most as i64])?;
    for photo in &photos {
        forget_photo(connection, *photo)?;
        connection.prepare_cached("DELETE FROM to_forget WHERE photo_id = ?1")?.execute([photo.0])?;
    }
    if !photos.is_empty() {
        return Ok(photos.len());
    }
    for folder in folders(connection)? {
        let some = forget_some_below(connection, &folder, most)?;
        if some > 0 {
            return Ok(some);
        }
    }
    Ok(0)
}

impl Catalog {
    /// The photos that lie nowhere any more.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn missing_photos(&self) -> Result<Vec<PhotoId>, CatalogError> {
        self.read(|transaction| Ok(photo::select(transaction, "SELECT photo_id FROM missing ORDER BY photo_id", [])?))
    }

    /// Names of the albums that a photo is in, and labels that a person answered for it.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn labels_of(&self, photo: PhotoId) -> Result<Vec<String>, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT name FROM album JOIN album_photo ON album_photo.album_id = album.id WHERE photo_id = ?1
                       UNION SELECT label FROM verdict WHERE photo_id = ?1";
            let mut statement = transaction.prepare_cached(sql)?;
            Ok(statement.query_map([photo.0], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }
}

fn folders(connection: &Connection) -> rusqlite::Result<Vec<PathBuf>> {
    let mut statement =
        connection.prepare_cached("SELECT folder FROM to_forget WHERE folder IS NOT NULL ORDER BY id")?;
    statement.query_map([], |row| row.get(0).map(path_bytes::decode))?.collect()
}

fn ask(connection: &Connection, photo: PhotoId) -> rusqlite::Result<()> {
    let sql = "INSERT INTO to_forget (photo_id) VALUES (?1) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute([photo.0]).map(drop)
}

/// Where a photo lies or lay: its files, those that belong to them, and what of it is in the trash.
const FILES: &str = "SELECT path FROM location WHERE photo_id = ?1
    UNION SELECT companion.path FROM companion JOIN location ON location.path = companion.main WHERE photo_id = ?1
    UNION SELECT path FROM trashed WHERE photo_id = ?1";

fn files_of(connection: &Connection, photo: PhotoId) -> rusqlite::Result<Vec<Vec<u8>>> {
    connection.prepare_cached(FILES)?.query_map([photo.0], |row| row.get(0))?.collect()
}

fn keep_photo_out(connection: &Connection, marker: &Marker, photo: PhotoId) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached("SELECT hash FROM photo WHERE id = ?1")?;
    let hash: Option<Vec<u8>> = statement.query_row([photo.0], |row| row.get(0)).optional()?;
    let hash = hash.ok_or(CatalogError::UnknownPhoto { id: photo.0 })?;
    forgotten::mark_photo(connection, marker, &hash)?;
    for path in files_of(connection, photo)? {
        forgotten::mark_path(connection, marker, Kind::File, &path)?;
    }
    Ok(())
}

/// Forgets what is known of a file beside where photos lie.
fn forget_file(connection: &Connection, path: &[u8]) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM problem WHERE path = ?1",
        "DELETE FROM absence WHERE path = ?1",
        "DELETE FROM companion WHERE path = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([path])?;
    }
    Ok(())
}

/// A photo, and those that show what it shows, went to the trash in its favour and lie nowhere now.
fn with_gone_in_favour(connection: &Connection, photo: PhotoId) -> rusqlite::Result<BTreeSet<PhotoId>> {
    let sql = "SELECT DISTINCT photo_id FROM trashed WHERE kept_id = ?1
               AND photo_id IN (SELECT photo_id FROM missing)";
    let (mut found, mut todo) = (BTreeSet::from([photo]), vec![photo]);
    while let Some(kept) = todo.pop() {
        let gone = photo::select(connection, sql, [kept.0])?;
        todo.extend(gone.into_iter().filter(|gone| found.insert(*gone)));
    }
    Ok(found)
}

/// Forgets all of a photo; what refers to its row goes with it.
fn forget_photo(connection: &Connection, photo: PhotoId) -> rusqlite::Result<()> {
    for photo in with_gone_in_favour(connection, photo)? {
        for path in files_of(connection, photo)? {
            forget_file(connection, &path)?;
        }
        connection.prepare_cached("DELETE FROM location WHERE photo_id = ?1")?.execute([photo.0])?;
        connection.prepare_cached("DELETE FROM photo WHERE id = ?1")?.execute([photo.0])?;
    }
    Ok(())
}

/// Forgets some of the photos below a folder, and what else is known of it with the last of them.
fn forget_some_below(connection: &Connection, folder: &Path, most: usize) -> Result<usize, Failure> {
    let (own, start, end) = path_bytes::folder_and_below(folder);
    let sql = "SELECT DISTINCT photo_id FROM location WHERE path >= ?1 AND path < ?2 LIMIT ?3";
    let photos = photo::select(connection, sql, (&start, &end, most as i64))?;
    for photo in &photos {
        let sql = "DELETE FROM location WHERE photo_id = ?1 AND path >= ?2 AND path < ?3";
        connection.prepare_cached(sql)?.execute((photo.0, &start, &end))?;
        let lies = "SELECT EXISTS (SELECT 1 FROM location WHERE photo_id = ?1)";
        if connection.prepare_cached(lies)?.query_row([photo.0], |row| row.get(0))? {
            forget_words_of_files(connection, *photo)?;
        } else {
            forget_photo(connection, *photo)?;
        }
    }
    if !photos.is_empty() {
        return Ok(photos.len());
    }
    // What went from there to the trash and lies nowhere now.
    let sql = "SELECT DISTINCT photo_id FROM trashed WHERE path >= ?1 AND path < ?2
               AND photo_id IN (SELECT photo_id FROM missing) LIMIT ?3";
    let trashed = photo::select(connection, sql, (&start, &end, most as i64))?;
    for photo in &trashed {
        forget_photo(connection, *photo)?;
    }
    for table in ["trashed", "problem", "companion", "absence"] {
        let sql = format!("DELETE FROM {table} WHERE path = ?1 OR (path >= ?2 AND path < ?3)");
        connection.execute(&sql, (&own, &start, &end))?;
    }
    let sql = "DELETE FROM absence WHERE folder = ?1 OR (folder >= ?2 AND folder < ?3)";
    connection.execute(sql, (&own, &start, &end))?;
    Ok(trashed.len())
}

/// Forgets what files said of a photo that lies elsewhere too: it may have been one of those that are forgotten. The
/// next run reads the others anew.
fn forget_words_of_files(connection: &Connection, photo: PhotoId) -> Result<(), Failure> {
    for sql in [
        "DELETE FROM caption WHERE photo_id = ?1 AND author = 'file'",
        "DELETE FROM keyword WHERE photo_id = ?1 AND origin = 'file' AND NOT removed",
        "UPDATE photo SET other_words = NULL WHERE id = ?1",
        "UPDATE location SET facts_version = 0 WHERE photo_id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([photo.0])?;
    }
    words::index(connection, photo)
}
