//! Whether the catalogue is sound.

use crate::{Catalog, CatalogError};

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What is wrong, one sentence each; at most a hundred from SQLite itself.
    pub faults: Vec<String>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_well(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Counts that must be zero in a sound catalogue.
const RULES: [(&str, &str); 3] = [
    (
        "vectors of a length that is not their model's",
        "SELECT count(*) FROM vector JOIN model ON model.id = vector.model_id
         WHERE length(vector.data) <> 2 * model.dims",
    ),
    ("hashes that are not of 32 bytes", "SELECT count(*) FROM photo WHERE length(hash) <> 32"),
    (
        "paths that are both a photo and a problem",
        "SELECT count(*) FROM location WHERE path IN (SELECT path FROM problem)",
    ),
];

impl Catalog {
    /// Examines every page and every reference; takes about as long as reading the file.
    ///
    /// # Errors
    /// When the library is too damaged to be examined, or cannot be read.
    pub fn check(&self) -> Result<CheckReport, CatalogError> {
        self.read(|transaction| {
            let mut faults = Vec::new();
            let mut pages = transaction.prepare("PRAGMA quick_check(100)")?;
            for line in pages.query_map([], |row| row.get::<_, String>(0))? {
                let line = line?;
                if line != "ok" {
                    faults.push(line);
                }
            }
            let mut references = transaction.prepare("PRAGMA foreign_key_check")?;
            for fault in references.query_map([], |row| Ok((row.get(0)?, row.get(2)?)))? {
                let (table, parent): (String, String) = fault?;
                faults.push(format!("a {table} refers to a {parent} that is not there"));
            }
            for (rule, sql) in RULES {
                let count: i64 = transaction.query_row(sql, [], |row| row.get(0))?;
                if count > 0 {
                    faults.push(format!("{count} {rule}"));
                }
            }
            Ok(CheckReport { faults })
        })
    }
}
