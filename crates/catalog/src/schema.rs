//! Whether a file's schema is the one that this program makes.
//!
//! A library may come from anybody, and a schema is a program: triggers run at every write, views stand where tables
//! are expected, statements may stand behind one that makes a table. So every object of a file is compared with what
//! the migrations of the file's version make in an empty database, and nothing else is run before that.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::error::{CatalogError, Failure};
use crate::migrations;

/// Differences that are told at most.
const MOST_TOLD: usize = 20;
/// Letters of a foreign name that are told at most.
const LONGEST_NAME: usize = 60;
/// Objects that are looked at at most; a schema of ours has not a tenth of them.
const MOST_OBJECTS: usize = 2000;

/// What `ANALYZE` leaves in a file that somebody opened with other tools: numbers that only choose between indexes.
const STATISTICS: [(&str, &str); 2] = [
    ("sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    ("sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
];

/// A line of a schema, its statement without needless blanks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    kind: String,
    name: String,
    table: String,
    sql: Option<String>,
    /// Whether it has pages of its own.
    is_stored: bool,
}

/// Fails unless the schema is that of `version`.
pub(crate) fn must_be_ours(connection: &Connection, file: &Path, version: u32) -> Result<(), Failure> {
    let differences = differences(connection, version)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(CatalogError::ForeignSchema { path: file.into(), differences }.into())
}

/// How the schema differs from that of `version`, one sentence each; nothing when it is ours.
pub(crate) fn differences(connection: &Connection, version: u32) -> Result<Vec<String>, Failure> {
    let empty = Connection::open_in_memory()?;
    migrations::lift(&empty, 0, version)?;
    let (expected, _) = objects(&empty)?;
    let (found, pages) = objects(connection)?;
    let mut differences = Vec::new();
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for object in &found {
        let key = (object.kind.as_str(), object.name.as_str());
        *seen.entry(key).or_default() += 1;
        if is_statistics(object) {
            continue;
        }
        let own = expected.iter().find(|own| (own.kind.as_str(), own.name.as_str()) == key);
        let (kind, name) = (shown(&object.kind), shown(&object.name));
        match own {
            None => differences.push(format!("its {kind} {name} is none of Sightline's")),
            Some(own) if own != object => differences.push(format!("its {kind} {name} is not as Sightline makes it")),
            Some(_) => {}
        }
    }
    for own in &expected {
        if !seen.contains_key(&(own.kind.as_str(), own.name.as_str())) {
            differences.push(format!("it has no {} {}", own.kind, own.name));
        }
    }
    differences.extend(
        seen.iter()
            .filter(|(_, count)| **count > 1)
            .map(|((kind, name), _)| format!("its {} {} stands there twice", shown(kind), shown(name))),
    );
    if !pages {
        differences.push("two of its tables claim the same pages".into());
    }
    differences.truncate(MOST_TOLD);
    Ok(differences)
}

fn is_statistics(object: &Object) -> bool {
    object.kind == "table"
        && object.table == object.name
        && STATISTICS.iter().any(|(name, sql)| object.name == *name && object.sql.as_deref() == Some(*sql))
}

/// The lines of a schema, and whether each has its pages for itself.
fn objects(connection: &Connection) -> rusqlite::Result<(Vec<Object>, bool)> {
    let sql = format!("SELECT type, name, tbl_name, sql, rootpage FROM sqlite_schema LIMIT {MOST_OBJECTS}");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        let root: i64 = row.get(4).unwrap_or(-1);
        let sql = if row.get_ref(3)? == ValueRef::Null { None } else { Some(without_blanks(&text(row, 3)?)) };
        let object =
            Object { kind: text(row, 0)?, name: text(row, 1)?, table: text(row, 2)?, sql, is_stored: root != 0 };
        Ok((object, root))
    })?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let mut roots: Vec<i64> = rows.iter().map(|(_, root)| *root).filter(|root| *root != 0).collect();
    let count = roots.len();
    roots.sort_unstable();
    roots.dedup();
    // The first page is the schema's own.
    let are_apart = roots.len() == count && roots.first().is_none_or(|first| *first > 1);
    Ok((rows.into_iter().map(|(object, _)| object).collect(), are_apart))
}

/// A value as text, whatever it is.
fn text(row: &Row<'_>, place: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(place)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Null => String::new(),
        other => format!("{other:?}"),
    })
}

/// A statement with one blank wherever it has any, but for what stands in quotes.
fn without_blanks(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut quote = None;
    for letter in sql.trim_matches(is_blank).chars() {
        match quote {
            Some(end) => {
                out.push(letter);
                if letter == end {
                    quote = None;
                }
            }
            None if is_blank(letter) => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            None => {
                quote = match letter {
                    '\'' | '"' | '`' => Some(letter),
                    '[' => Some(']'),
                    _ => None,
                };
                out.push(letter);
            }
        }
    }
    out
}

/// What SQLite takes for a blank.
fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\x0c' | '\r')
}

/// A foreign name, cut short.
fn shown(name: &str) -> String {
    let mut shown: String = name.chars().take(LONGEST_NAME).collect();
    if name.chars().nth(LONGEST_NAME).is_some() {
        shown.push('\u{2026}');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: u32) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        migrations::lift(&connection, 0, version).unwrap();
        connection
    }

    #[test]
    fn every_version_is_its_own_and_no_other() {
        for version in 1..=migrations::KNOWN {
            let connection = of(version);
            assert_eq!(differences(&connection, version).unwrap(), Vec::<String>::new());
            for other in (1..=migrations::KNOWN).filter(|other| *other != version) {
                assert!(!differences(&connection, other).unwrap().is_empty(), "{version} passes for {other}");
            }
        }
    }

    #[test]
    fn blanks_differ_and_words_and_quotes_do_not() {
        assert_eq!(without_blanks("  CREATE\n\tTABLE  a (b\r\n TEXT)\n"), "CREATE TABLE a (b TEXT)");
        assert_eq!(without_blanks("x 'a  b' [c  d] \"e  f\"  g"), "x 'a  b' [c  d] \"e  f\" g");
        assert_eq!(without_blanks("x 'it''s  so'  y"), "x 'it''s  so' y");
        assert_ne!(without_blanks("a b"), without_blanks("ab"));
    }

    #[test]
    fn no_statement_of_ours_has_a_comment() {
        // Without one, statements that are equal but for their blanks mean the same.
        let (objects, _) = objects(&of(migrations::KNOWN)).unwrap();
        for sql in objects.iter().filter_map(|object| object.sql.as_ref()) {
            assert!(!sql.contains("--") && !sql.contains("/*"), "{sql}");
        }
    }

    #[test]
    fn statistics_of_other_tools_are_let_pass_and_names_like_theirs_are_not() {
        let connection = of(migrations::KNOWN);
        connection.execute_batch("INSERT INTO setting VALUES ('a', 'b'); ANALYZE").unwrap();
        assert_eq!(differences(&connection, migrations::KNOWN).unwrap(), Vec::<String>::new());
        connection.execute_batch("CREATE TABLE sqlitestat1 (tbl, idx, stat)").unwrap();
        assert_eq!(
            differences(&connection, migrations::KNOWN).unwrap(),
            ["its table sqlitestat1 is none of Sightline's"]
        );
    }

    #[test]
    fn a_long_foreign_name_is_cut() {
        let connection = of(migrations::KNOWN);
        connection.execute_batch(&format!("CREATE VIEW {} AS SELECT 1", "v".repeat(5000))).unwrap();
        let told = differences(&connection, migrations::KNOWN).unwrap().remove(0);
        assert!(told.chars().count() < 120 && told.contains('\u{2026}'), "{told}");
    }
}
