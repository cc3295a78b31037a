//! Where the trees of tables and indexes begin.
//!
//! The schema says so. Where a page of the schema is lost, SQLite's habit helps: a database made at once by the same
//! statements has its tables on the same pages, so that an empty library of the same release tells where they begin.

use std::collections::BTreeMap;
use std::convert::Infallible;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::pages::{Pages, Tree};
use super::shape::{Shape, tables};
use crate::connection::PAGE_BYTES;
use crate::migrations::{self, KNOWN};

/// The schema's version and, by name, the pages on which tables and indexes begin.
pub(super) struct Roots {
    pub version: u32,
    pages: BTreeMap<String, u32>,
}

impl Roots {
    /// Reads the schema, and guesses what cannot be read of it.
    pub fn find(pages: &mut Pages) -> rusqlite::Result<Self> {
        let mut known = BTreeMap::new();
        let Ok(unread) = pages.rows(1, Tree::Numbered, &mut |(_, values)| {
            if let [Value::Text(_), Value::Text(name), _, Value::Integer(page), ..] = &values[..]
                && let Some(page) = u32::try_from(*page).ok().filter(|page| *page > 0)
            {
                known.insert(name.clone(), page);
            }
            Ok::<(), Infallible>(())
        });
        let stated = pages.user_version().filter(|version| *version > 0);
        if unread.pages == 0 && unread.rows == 0 {
            // The header may be lost all the same: then it is the latest whose tables are all there.
            let complete = |version: &u32| -> rusqlite::Result<bool> {
                let empty = Empty::of(*version)?;
                Ok(empty.tables.iter().all(|table| known.contains_key(&table.name)))
            };
            let version = match stated {
                Some(version) => version,
                None => (1..=KNOWN).rev().find(|version| complete(version).unwrap_or(false)).unwrap_or(KNOWN),
            };
            return Ok(Self { version, pages: known });
        }
        let version = stated.unwrap_or(KNOWN);
        // It may have been made by an earlier release, and have got its later tables wherever there was room.
        for made in (1..=version.min(KNOWN)).rev() {
            let empty = Empty::of(made)?;
            if empty.agrees(&known) && empty.fits(pages) {
                for (name, page) in empty.pages {
                    known.entry(name).or_insert(page);
                }
                break;
            }
        }
        Ok(Self { version, pages: known })
    }

    /// Where a table or index begins.
    pub fn of(&self, name: &str) -> Option<u32> {
        self.pages.get(name).copied()
    }
}

/// An empty library of a schema version.
struct Empty {
    tables: Vec<Shape>,
    pages: BTreeMap<String, u32>,
}

impl Empty {
    fn of(version: u32) -> rusqlite::Result<Self> {
        let scratch = Connection::open_in_memory()?;
        scratch.pragma_update(None, "page_size", PAGE_BYTES)?;
        migrations::lift(&scratch, 0, version)?;
        let tables = tables(&scratch)?;
        let mut statement = scratch.prepare("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0")?;
        let pages = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        Ok(Self { tables, pages })
    }

    fn agrees(&self, known: &BTreeMap<String, u32>) -> bool {
        self.pages.iter().all(|(name, page)| known.get(name).is_none_or(|known| known == page))
    }

    /// Whether what lies where the tables would begin may be theirs.
    fn fits(&self, pages: &mut Pages) -> bool {
        self.tables.iter().all(|table| {
            let Some(page) = self.pages.get(&table.name) else { return false };
            // A damaged page tells nothing.
            pages.peek(*page, table.tree).is_none_or(|rows| rows.iter().all(|(_, values)| table.fits(values)))
        })
    }
}
