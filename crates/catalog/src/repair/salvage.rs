//! What can be read of a damaged file, put into a new one.
//!
//! Tables and columns are those of the schema that the file was made with. Rows are read page by page, from the tables
//! first and then from pages that a damaged one used to lead to. Albums, photos and their files whose own rows are lost
//! come back by their indexes, so that what a person gave them has something to stand at; the files are read again.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, params_from_iter};

use super::mend::drop_orphans;
use super::pages::{Pages, Row, Tree, Unread};
use super::roots::Roots;
use super::shape::{Index, Shape, indexes, tables};
use super::{Salvage, Saved};
use crate::Watch;
use crate::connection::PAGE_BYTES;
use crate::error::{CatalogError, Failure};
use crate::migrations::{self, KNOWN};
use crate::tables::{missing, words};

/// What can be had again is read last: a page that two tables claim belongs to what a person made.
const LAST: [&str; 3] = ["checkpoint", "vector", "thumbnail"];
/// Tables whose rows can be put together from their indexes, and the columns that must be known for that. The others
/// can be had again from the photo's file.
const REBUILT: [(&str, &[&str]); 3] = [("album", &["name"]), ("photo", &["hash"]), ("location", &["path", "photo_id"])];
/// Tables that the database fills by itself from others, or that speak of a file that may not be this one's.
const DERIVED: [&str; 3] = ["missing", "photo_change", "vector_file"];
/// How many rows pass between two questions whether to go on.
const ASK_EVERY: u64 = 1000;

/// Salvages the file `damaged` into the empty file `new`.
pub(super) fn salvage(damaged: &Path, new: &Path, watch: &mut Watch<'_>) -> Result<Salvage, CatalogError> {
    let pages = Pages::open(damaged).map_err(|error| CatalogError::io(damaged, error))?;
    let run = || -> Result<Salvage, Failure> {
        let mut connection = Connection::open(new)?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        // The file is nobody's until it has its name: nothing needs to be rolled back.
        connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF")?;
        let mut work = Work::begin(pages, &connection, watch)?;
        let transaction = connection.transaction()?;
        migrations::lift(&transaction, 0, work.roots.version)?;
        work.read_all(&transaction)?;
        let salvage = work.finish(&transaction)?;
        migrations::lift(&transaction, work.roots.version, KNOWN)?;
        transaction.commit()?;
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        Ok(salvage)
    };
    run().map_err(|failure| failure.at(new))
}

struct Work<'a, 'w> {
    pages: Pages,
    roots: Roots,
    tables: BTreeMap<String, Table>,
    /// What indexes say of rows that are lost, by table and row number.
    lost_rows: BTreeMap<(&'static str, i64), BTreeMap<String, Value>>,
    unread_pages: u64,
    rows: u64,
    watch: &'a mut Watch<'w>,
}

/// How a table fared.
#[derive(Default)]
struct Table {
    saved: u64,
    /// Those of them that were put together from indexes.
    rebuilt: u64,
    /// Rows that were read and are none of the table's.
    refused: u64,
    unread: Unread,
    /// Rows by the fullest of its indexes.
    indexed: u64,
}

impl<'a, 'w> Work<'a, 'w> {
    fn begin(mut pages: Pages, scratch: &Connection, watch: &'a mut Watch<'w>) -> Result<Self, Failure> {
        let roots = Roots::find(&mut pages)?;
        if roots.version > KNOWN {
            let path = scratch.path().unwrap_or_default().into();
            return Err(CatalogError::TooNew { path, found: roots.version, known: KNOWN }.into());
        }
        let (tables, lost_rows) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { pages, roots, tables, lost_rows, unread_pages: 0, rows: 0, watch })
    }

    fn go_on(&mut self) -> Result<(), Failure> {
        self.rows += 1;
        if self.rows.is_multiple_of(ASK_EVERY) && !(self.watch)("save", self.rows, 0) {
            return Err(CatalogError::Stopped.into());
        }
        Ok(())
    }

    /// Reads tables, then indexes, then what is left.
    fn read_all(&mut self, target: &Connection) -> Result<(), Failure> {
        let mut shapes = tables(target)?;
        shapes.retain(|shape| !DERIVED.contains(&shape.name.as_str()));
        shapes.sort_by_key(|shape| LAST.iter().position(|last| *last == shape.name));
        let indexes = indexes(target, &shapes)?;
        for shape in &shapes {
            self.tables.insert(shape.name.clone(), Table::default());
            match self.roots.of(&shape.name) {
                Some(root) => self.read_table(target, shape, root)?,
                None => self.table(&shape.name).unread.pages += 1,
            }
        }
        self.read_sequences(target)?;
        let mut lost_indexes = Vec::new();
        for index in &indexes {
            if self.read_index(target, index)? {
                lost_indexes.push(&index.shape);
            }
        }
        self.pass_derived();
        if self.pages.pass_free_pages() {
            self.read_strays(target, &shapes, &lost_indexes)?;
        }
        Ok(())
    }

    fn table(&mut self, name: &str) -> &mut Table {
        self.tables.entry(name.into()).or_default()
    }

    /// The pages, taken out of `self` while their rows are shown to it.
    fn with_pages<T>(&mut self, work: impl FnOnce(&mut Self, &mut Pages) -> T) -> T {
        let mut pages = std::mem::replace(&mut self.pages, Pages::none());
        let result = work(self, &mut pages);
        self.pages = pages;
        result
    }

    fn read_table(&mut self, target: &Connection, shape: &Shape, root: u32) -> Result<(), Failure> {
        let unread = self.with_pages(|work, pages| {
            pages.rows(root, shape.tree, &mut |row| {
                work.go_on()?;
                work.insert(target, shape, row)
            })
        })?;
        self.unread_pages += unread.pages;
        self.table(&shape.name).unread = unread;
        Ok(())
    }

    fn insert(&mut self, target: &Connection, shape: &Shape, (number, values): Row) -> Result<(), Failure> {
        if !shape.fits(&values) {
            self.table(&shape.name).refused += 1;
            return Ok(());
        }
        let values = shape.values(number, values);
        let mut insert = target.prepare_cached(&shape.insert(values.len()))?;
        let table = self.table(&shape.name);
        match insert.execute(params_from_iter(values)) {
            Ok(1) => table.saved += 1,
            Ok(_) => table.refused += 1,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => table.refused += 1,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Numbers that were given once are never given again.
    fn read_sequences(&mut self, target: &Connection) -> Result<(), Failure> {
        let Some(root) = self.roots.of("sqlite_sequence") else { return Ok(()) };
        self.with_pages(|_, pages| {
            pages.rows(root, Tree::Numbered, &mut |(_, values)| -> Result<(), Failure> {
                if let [Value::Text(name), Value::Integer(last)] = &values[..] {
                    let update = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
                    let insert = "INSERT INTO sqlite_sequence (name, seq) SELECT name, ?2 FROM sqlite_schema
                                  WHERE type = 'table' AND name = ?1 AND sql LIKE '%AUTOINCREMENT%'";
                    if target.execute(update, (name, last))? == 0 {
                        target.execute(insert, (name, last))?;
                    }
                }
                Ok(())
            })
        })?;
        Ok(())
    }

    /// Counts an index's rows; whether a page of it is lost.
    fn read_index(&mut self, target: &Connection, index: &Index) -> Result<bool, Failure> {
        let Some(root) = self.roots.of(&index.shape.name) else { return Ok(true) };
        let rebuilt = REBUILT.iter().map(|(name, _)| *name).find(|name| *name == index.table);
        let there = format!("SELECT EXISTS (SELECT 1 FROM \"{}\" WHERE rowid = ?1)", index.table);
        let mut entries = 0;
        let unread = self.with_pages(|work, pages| {
            pages.rows(root, Tree::Keyed, &mut |(_, values)| -> Result<(), Failure> {
                work.go_on()?;
                entries += 1;
                if let (Some(table), Some(Value::Integer(number))) = (rebuilt, values.last())
                    && index.shape.fits(&values)
                    && !target.prepare_cached(&there)?.query_row([number], |row| row.get::<_, bool>(0))?
                {
                    let row = work.lost_rows.entry((table, *number)).or_default();
                    let names = index.shape.columns.iter().map(|column| column.name.clone());
                    row.extend(names.zip(values));
                }
                Ok(())
            })
        })?;
        self.unread_pages += unread.pages;
        let table = self.table(&index.table);
        table.indexed = table.indexed.max(entries);
        Ok(unread.pages > 0)
    }

    /// What follows from other tables is made anew; its pages are no strays.
    fn pass_derived(&mut self) {
        for (name, tree) in [
            ("words_data", Tree::Numbered),
            ("words_idx", Tree::Keyed),
            ("words_content", Tree::Numbered),
            ("words_docsize", Tree::Numbered),
            ("words_config", Tree::Keyed),
            ("missing", Tree::Numbered),
            ("photo_change", Tree::Keyed),
            ("photo_change_number", Tree::Keyed),
            ("vector_file", Tree::Numbered),
            ("sqlite_autoindex_vector_file_1", Tree::Keyed),
        ] {
            if let Some(root) = self.roots.of(name) {
                let Ok(_) = self.pages.rows(root, tree, &mut |_| Ok::<(), std::convert::Infallible>(()));
            }
        }
    }

    /// Takes rows from pages to which nothing leads any more, where only one table that lost pages can have had them.
    fn read_strays(&mut self, target: &Connection, shapes: &[Shape], indexes: &[&Shape]) -> Result<(), Failure> {
        let lost = |shape: &&Shape| self.tables.get(&shape.name).is_some_and(|table| table.unread.pages > 0);
        let lost: Vec<&Shape> = shapes.iter().filter(lost).collect();
        if lost.is_empty() {
            return Ok(());
        }
        self.with_pages(|work, pages| {
            pages.strays(&mut |tree, rows| -> Result<(), Failure> {
                let fits = |shape: &&&Shape| shape.tree == tree && rows.iter().all(|(_, values)| shape.fits(values));
                let fitting: Vec<&&Shape> = lost.iter().chain(indexes).filter(fits).collect();
                // Rows are short where a column came later; those with a value for each column go first.
                let full = |shape: &&&Shape| rows.iter().all(|(_, values)| values.len() == shape.columns.len());
                let full: Vec<&&Shape> = fitting.iter().copied().filter(|shape| full(shape)).collect();
                let [shape] = (if full.is_empty() { fitting } else { full })[..] else { return Ok(()) };
                if indexes.iter().any(|index| index.name == shape.name) {
                    return Ok(());
                }
                for row in rows {
                    work.go_on()?;
                    work.insert(target, shape, row)?;
                }
                Ok(())
            })
        })
    }

    /// Makes of the rows a library: rows put together from indexes, none that refers to nothing, words.
    fn finish(&mut self, target: &Connection) -> Result<Salvage, Failure> {
        for (name, known) in REBUILT {
            self.rebuild(target, name, known)?;
        }
        for (orphans, name) in drop_orphans(target)? {
            let table = self.table(&name);
            table.saved = table.saved.saturating_sub(orphans as u64);
            table.refused += orphans as u64;
        }
        if self.roots.version >= words::SINCE {
            words::fill(target)?;
        }
        if self.roots.version >= missing::SINCE {
            missing::rebuild(target)?;
        }
        // Whatever was lost of a photo that can be read from its file is read from it.
        let sql = "UPDATE location SET modified_ns = -1 WHERE photo_id NOT IN (SELECT photo_id FROM thumbnail)";
        let read_again = target.execute(sql, [])? as u64;
        let saved = std::mem::take(&mut self.tables).into_iter().map(|(name, table)| {
            let known = table.saved + table.refused + table.unread.rows;
            let lost = (table.refused + table.unread.rows).max(table.indexed.saturating_sub(table.saved));
            // Pages without an index to count their rows by may have held any number of them.
            let at_least = table.unread.pages > 0 && table.indexed < known.max(1);
            Saved { table: name, saved: table.saved, rebuilt: table.rebuilt, lost, at_least }
        });
        let saved: Vec<Saved> = saved.filter(|table| table.saved > 0 || table.lost > 0 || table.at_least).collect();
        if saved.iter().all(|table| table.saved == 0) {
            let detail = "no row of it can be read".into();
            let path = target.path().unwrap_or_default().into();
            return Err(CatalogError::BeyondRepair { path, detail }.into());
        }
        Ok(Salvage { tables: saved, unread_pages: self.unread_pages, read_again })
    }

    /// Puts rows of a table together from what its indexes say of them.
    fn rebuild(&mut self, target: &Connection, name: &'static str, known: &[&str]) -> Result<(), Failure> {
        let Some(shape) = tables(target)?.into_iter().find(|shape| shape.name == name) else { return Ok(()) };
        let rows: Vec<_> = self.lost_rows.iter().filter(|((table, _), _)| *table == name).collect();
        let mut rebuilt = 0;
        for ((_, number), row) in rows {
            if !known.iter().all(|column| row.get(*column).is_some_and(|value| *value != Value::Null)) {
                continue;
            }
            let columns = shape.columns.iter().filter(|column| column.required || row.contains_key(&column.name));
            let mut names = vec!["rowid".to_owned()];
            let mut values = vec![Value::Integer(*number)];
            for column in columns.filter(|column| !column.is_number) {
                names.push(format!("\"{}\"", column.name));
                values.push(row.get(&column.name).cloned().unwrap_or_else(|| column.placeholder()));
            }
            let marks = vec!["?"; names.len()].join(", ");
            let sql = format!("INSERT OR IGNORE INTO \"{name}\" ({}) VALUES ({marks})", names.join(", "));
            if target.prepare_cached(&sql)?.execute(params_from_iter(values))? == 1 {
                rebuilt += 1;
                if name == "photo" {
                    // Without it the photo counts as not read yet.
                    target.execute("DELETE FROM thumbnail WHERE photo_id = ?1", [number])?;
                }
            }
        }
        let table = self.table(name);
        table.saved += rebuilt;
        table.rebuilt = rebuilt;
        Ok(())
    }
}
