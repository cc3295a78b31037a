//! The folders that were indexed.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use rusqlite::params_from_iter;

use crate::tables::forgotten::{self, Kind};
use crate::{Catalog, CatalogError, path_bytes, place_key};

pub(crate) const V1: &str = "
CREATE TABLE folder (
    path BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
";

/// The names in a path as they are compared.
fn lower_parts(path: &Path) -> Vec<String> {
    let lower = |part: Component<'_>| match part {
        Component::Normal(part) => Some(place_key::lower(&part.to_string_lossy())),
        _ => None,
    };
    path.components().filter_map(lower).collect()
}

impl Catalog {
    /// Remembers that `folder`, an absolute path, was indexed.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn add_folder(&self, folder: &Path) -> Result<(), CatalogError> {
        let path = path_bytes::encode(folder.components().as_path());
        // A second run on the same folders writes nothing, not even this.
        if self.has_folder(&path)? {
            return Ok(());
        }
        self.write(|transaction| {
            transaction.execute("INSERT INTO folder (path) VALUES (?1) ON CONFLICT DO NOTHING", [&path])?;
            // Who names it wants it back, also if a folder around it was forgotten.
            if let Some(marker) = forgotten::marker(transaction)? {
                for folder in folder.ancestors() {
                    forgotten::let_in(transaction, &marker, Kind::Folder, folder)?;
                }
            }
            Ok(())
        })
    }

    fn has_folder(&self, path: &[u8]) -> Result<bool, CatalogError> {
        self.read(|transaction| {
            let sql = "SELECT EXISTS (SELECT 1 FROM folder WHERE path = ?1)";
            Ok(transaction.prepare_cached(sql)?.query_row([path], |row| row.get(0))?)
        })
    }

    /// The folders that were indexed, by path.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn folders(&self) -> Result<Vec<PathBuf>, CatalogError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT path FROM folder ORDER BY path")?;
            let paths = statement.query_map([], |row| row.get(0).map(path_bytes::decode))?;
            Ok(paths.collect::<Result<_, _>>()?)
        })
    }

    /// Photos of different content that lie below `folder`.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn photos_below(&self, folder: &Path) -> Result<u64, CatalogError> {
        let (_, start, end) = path_bytes::folder_and_below(folder);
        self.read(|transaction| {
            // The files, but for the further ones of those photos that have several: few, and found by their index.
            let sql = "SELECT (SELECT count(*) FROM location WHERE path >= ?1 AND path < ?2)
                           - (SELECT coalesce(sum(files - 1), 0) FROM (
                               SELECT count(*) AS files FROM location WHERE path >= ?1 AND path < ?2 AND photo_id IN
                                   (SELECT photo_id FROM location GROUP BY photo_id HAVING count(*) > 1)
                               GROUP BY photo_id))";
            let count: i64 = transaction.prepare_cached(sql)?.query_row([&start, &end], |row| row.get(0))?;
            Ok(count.cast_unsigned())
        })
    }

    /// Files of photos that lie below `folder`; copies count.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn files_below(&self, folder: &Path) -> Result<u64, CatalogError> {
        let (_, start, end) = path_bytes::folder_and_below(folder);
        self.read(|transaction| {
            let sql = "SELECT count(*) FROM location WHERE path >= ?1 AND path < ?2";
            let count: i64 = transaction.prepare_cached(sql)?.query_row([&start, &end], |row| row.get(0))?;
            Ok(count.cast_unsigned())
        })
    }

    /// The folders at or below those of the list that hold photos, at whatever depth, and whose path ends with `name`, in
    /// whatever case and composed or not; none inside another of them. Looks through all paths.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn folders_named(&self, name: &Path) -> Result<Vec<PathBuf>, CatalogError> {
        let wanted = lower_parts(name);
        let listed = self.folders()?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let (mut seen, mut found): (HashSet<PathBuf>, Vec<PathBuf>) = Default::default();
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached("SELECT path FROM location ORDER BY path")?;
            let mut rows = statement.query([])?;
            let mut before: Vec<u8> = Vec::new();
            while let Some(row) = rows.next()? {
                let path = row.get_ref(0)?.as_blob().unwrap_or_default();
                let folder = &path[..path_bytes::folder_end(path)];
                // Most files lie beside the one before.
                if folder == before {
                    continue;
                }
                before = folder.to_vec();
                let folder = path_bytes::decode(before.clone());
                for folder in folder.ancestors() {
                    let is_inside = listed.iter().any(|root| folder.starts_with(root));
                    if !is_inside || !seen.insert(folder.to_path_buf()) {
                        break;
                    }
                    if lower_parts(folder).ends_with(&wanted) {
                        found.push(folder.to_path_buf());
                    }
                }
            }
            Ok(())
        })?;
        found.sort();
        found.dedup_by(|later, earlier| later.starts_with(&*earlier));
        Ok(found)
    }

    /// Removes `folder` from the list and forgets the files below it that no other folder of the
    /// list holds. Their photos keep vectors and albums until [`Catalog::collect_garbage`], so that
    /// adding the folder again costs nothing.
    ///
    /// # Errors
    /// When the library cannot be written; then all stays.
    pub fn remove_folder(&self, folder: &Path) -> Result<(), CatalogError> {
        let others: Vec<_> = self.folders()?.into_iter().filter(|other| other != folder).collect();
        let (own, start, end) = path_bytes::folder_and_below(folder);
        self.write(|transaction| {
            transaction.execute("DELETE FROM folder WHERE path = ?1", [&own])?;
            if others.iter().any(|other| folder.starts_with(other)) {
                return Ok(());
            }
            let kept: Vec<_> = others.iter().filter(|other| other.starts_with(folder)).collect();
            for table in ["location", "problem", "companion", "absence"] {
                let mut sql = format!("DELETE FROM {table} WHERE path >= ? AND path < ?");
                let mut values = vec![start.clone(), end.clone()];
                for inner in &kept {
                    let (_, start, end) = path_bytes::folder_and_below(inner);
                    sql.push_str(" AND NOT (path >= ? AND path < ?)");
                    values.extend([start, end]);
                }
                transaction.execute(&sql, params_from_iter(values))?;
            }
            Ok(())
        })
    }
}
