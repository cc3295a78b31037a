//! What can be put right in a file that SQLite can read.

use rusqlite::Connection;

use crate::check::each_bad_vector;
use crate::error::Failure;
use crate::tables::{missing, vector_file, words};

/// Mends in one transaction; returns what was done, one sentence each.
pub(super) fn mend(connection: &mut Connection) -> Result<Vec<String>, Failure> {
    // What refers to a row that goes is taken off and counted here, table by table.
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.transaction()?;
    let mut done = Vec::new();
    // First, since all that follows looks things up in them.
    transaction.execute_batch("REINDEX")?;
    for (count, table) in drop_orphans(&transaction)? {
        done.push(format!("rows of {table} taken off that referred to what is not there: {count}"));
    }
    let count = drop_bad_vectors(&transaction)?;
    if count > 0 {
        done.push(format!("unusable vectors taken off, which the next `sightline index` computes anew: {count}"));
    }
    let count = transaction.execute("DELETE FROM problem WHERE path IN (SELECT path FROM location)", [])?;
    if count > 0 {
        done.push(format!("readable files taken off the list of problems: {count}"));
    }
    words::rebuild(&transaction)?;
    missing::rebuild(&transaction)?;
    vector_file::forget(&transaction)?;
    transaction.commit()?;
    done.push("all indexes and the table of words were made anew".into());
    Ok(done)
}

/// Deletes vectors of a wrong length or with something in them that is no number.
fn drop_bad_vectors(connection: &Connection) -> Result<usize, Failure> {
    let mut bad = Vec::new();
    each_bad_vector(connection, &mut |row, _| bad.push(row))?;
    let mut delete = connection.prepare("DELETE FROM vector WHERE rowid = ?1")?;
    for row in &bad {
        delete.execute([row])?;
    }
    Ok(bad.len())
}

/// Deletes the rows that refer to rows that are not there; returns how many of which table.
pub(super) fn drop_orphans(connection: &Connection) -> Result<Vec<(usize, String)>, Failure> {
    // Children, one of a reference's columns a row.
    let sql = "SELECT list.name, key.id, key.\"table\", key.\"from\", coalesce(key.\"to\", '')
               FROM pragma_table_list AS list, pragma_foreign_key_list(list.name) AS key
               WHERE list.schema = 'main' AND list.type = 'table' ORDER BY list.name, key.id, key.seq";
    let mut statement = connection.prepare(sql)?;
    let references: Vec<(String, i64, String, String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
        .collect::<Result<_, _>>()?;
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    // What refers to a row that was deleted for this reason goes next.
    loop {
        let mut deleted = 0;
        for group in references.chunk_by(|one, other| (&one.0, one.1) == (&other.0, other.1)) {
            let (child, _, parent, ..) = &group[0];
            let there: Vec<String> =
                group.iter().map(|(.., from, _)| format!("child.\"{from}\" IS NOT NULL")).collect();
            let equal: Vec<String> =
                group.iter().map(|(.., from, to)| format!("parent.\"{to}\" = child.\"{from}\"")).collect();
            let (there, equal) = (there.join(" AND "), equal.join(" AND "));
            let sql = format!(
                "DELETE FROM \"{child}\" AS child WHERE {there}
                 AND NOT EXISTS (SELECT 1 FROM \"{parent}\" AS parent WHERE {equal})"
            );
            let count = connection.execute(&sql, [])?;
            if count > 0 {
                *counts.entry(child.clone()).or_default() += count;
            }
            deleted += count;
        }
        if deleted == 0 {
            break;
        }
    }
    Ok(counts.into_iter().map(|(table, count)| (count, table)).collect())
}
