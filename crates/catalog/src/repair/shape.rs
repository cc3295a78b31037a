//! What the rows of a schema's tables and indexes look like, as SQLite itself says.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::pages::Tree;

/// A column as it lies in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    /// The type's name, in upper case.
    kind: String,
    /// Whether a row without a value for it is impossible.
    pub required: bool,
    /// Whether its value is the row's number, and is not in the row.
    pub is_number: bool,
}

impl Column {
    /// A value that stands for one that is not known.
    pub fn placeholder(&self) -> Value {
        match self.kind.as_str() {
            "INTEGER" | "INT" => Value::Integer(1),
            "REAL" => Value::Real(0.0),
            "BLOB" => Value::Blob(Vec::new()),
            _ => Value::Text("unknown".into()),
        }
    }
}

/// What a row of a table or index holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub name: String,
    pub tree: Tree,
    /// In the order in which the file has them.
    pub columns: Vec<Column>,
}

impl Shape {
    /// Whether a row may be one of these.
    pub fn fits(&self, values: &[Value]) -> bool {
        values.len() <= self.columns.len()
            && self.columns.iter().enumerate().all(|(place, column)| match values.get(place) {
                None | Some(Value::Null) => !column.required || column.is_number,
                Some(Value::Integer(_)) => !column.is_number && ["INTEGER", "INT", "REAL", ""].contains(&&*column.kind),
                Some(Value::Real(_)) => ["REAL", ""].contains(&&*column.kind),
                Some(Value::Text(_)) => ["TEXT", ""].contains(&&*column.kind),
                Some(Value::Blob(_)) => ["BLOB", ""].contains(&&*column.kind),
            })
    }

    /// The values that a row gives its first columns.
    pub fn values(&self, number: Option<i64>, mut values: Vec<Value>) -> Vec<Value> {
        for (value, column) in values.iter_mut().zip(&self.columns) {
            if column.is_number
                && let Some(number) = number
            {
                *value = Value::Integer(number);
            }
        }
        values
    }

    /// A statement that takes a row of which the first `columns` are there.
    pub fn insert(&self, columns: usize) -> String {
        let names: Vec<String> =
            self.columns.iter().take(columns).map(|column| format!("\"{}\"", column.name)).collect();
        let marks = vec!["?"; names.len()].join(", ");
        format!("INSERT OR IGNORE INTO \"{}\" ({}) VALUES ({marks})", self.name, names.join(", "))
    }
}

/// The tables that hold rows of our own, in the order in which they were made.
pub(super) fn tables(connection: &Connection) -> rusqlite::Result<Vec<Shape>> {
    let sql = "SELECT list.name, list.wr FROM pragma_table_list AS list
               JOIN sqlite_schema ON sqlite_schema.name = list.name
               WHERE list.schema = 'main' AND list.type = 'table' AND list.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
               ORDER BY sqlite_schema.rowid";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    names.map(|found| found.and_then(|(name, keyed)| table(connection, name, keyed))).collect()
}

fn table(connection: &Connection, name: String, keyed: bool) -> rusqlite::Result<Shape> {
    let sql =
        "SELECT name, upper(type), \"notnull\", dflt_value IS NOT NULL, pk FROM pragma_table_info(?1) ORDER BY cid";
    let mut statement = connection.prepare(sql)?;
    let found: Vec<(Column, i64)> = statement
        .query_map([&name], |row| {
            let (not_null, default): (bool, bool) = (row.get(2)?, row.get(3)?);
            let (kind, required) = (row.get(1)?, not_null && !default);
            Ok((Column { name: row.get(0)?, kind, required, is_number: false }, row.get(4)?))
        })?
        .collect::<Result<_, _>>()?;
    if keyed {
        // The key first, then the others as they were declared.
        let mut key: Vec<&(Column, i64)> = found.iter().filter(|(_, place)| *place > 0).collect();
        key.sort_by_key(|(_, place)| *place);
        let others = found.iter().filter(|(_, place)| *place == 0);
        let columns = key.into_iter().chain(others).map(|(column, _)| column.clone()).collect();
        return Ok(Shape { name, tree: Tree::Keyed, columns });
    }
    let single = found.iter().filter(|(_, place)| *place > 0).count() == 1;
    let columns = found
        .into_iter()
        .map(|(column, place)| Column { is_number: single && place == 1 && column.kind == "INTEGER", ..column })
        .collect();
    Ok(Shape { name, tree: Tree::Numbered, columns })
}

/// An index, and the table that it is of.
#[derive(Debug)]
pub(super) struct Index {
    pub shape: Shape,
    pub table: String,
}

/// All indexes of the tables, also those that keep a key unique.
pub(super) fn indexes(connection: &Connection, tables: &[Shape]) -> rusqlite::Result<Vec<Index>> {
    let mut indexes = Vec::new();
    for table in tables {
        // The key of a table without row numbers is the table itself.
        let own = if table.tree == Tree::Keyed { "AND origin <> 'pk'" } else { "" };
        let sql = format!("SELECT name FROM pragma_index_list(?1) WHERE true {own}");
        let mut statement = connection.prepare(&sql)?;
        let names: Vec<String> = statement.query_map([&table.name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for name in names {
            let sql = "SELECT coalesce(name, '') FROM pragma_index_xinfo(?1) ORDER BY seqno";
            let mut statement = connection.prepare(sql)?;
            let columns: Vec<String> = statement.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let column = |name: String| match table.columns.iter().find(|column| column.name == name) {
                // In an index a row's number is a value as any other.
                Some(column) => Column { is_number: false, ..column.clone() },
                None => Column { name, kind: "INTEGER".into(), required: true, is_number: false },
            };
            let columns = columns.into_iter().map(column).collect();
            indexes.push(Index { shape: Shape { name, tree: Tree::Keyed, columns }, table: table.name.clone() });
        }
    }
    Ok(indexes)
}
