//! A library from somebody else is data: nothing in its schema is run, and none of its jobs.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use sightline_catalog::{Catalog, CatalogError, JobState, Overwrite};
use support::{commit, open, photo};

/// Whatever a file is like, each command on it is over within this time.
const AT_MOST: Duration = Duration::from_secs(40);

fn go_on(_: &str, _: u64, _: u64) -> bool {
    true
}

/// A library with a few photos, an album and words, in one file.
fn library() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let ids = commit(&catalog, (0..5).map(photo).collect());
    let album = catalog.create_album("Holiday").unwrap();
    catalog.add_to_album(album, &ids).unwrap();
    let caption = sightline_catalog::NewCaption::of_file("Rex in the river");
    catalog.put_caption(ids[0], &caption, Overwrite::All).unwrap();
    drop(catalog);
    let connection = Connection::open(dir.path().join(Catalog::FILE)).unwrap();
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).unwrap();
    dir
}

/// A library that somebody changed by `sql`.
fn changed(sql: &str) -> tempfile::TempDir {
    let dir = library();
    let connection = Connection::open(dir.path().join(Catalog::FILE)).unwrap();
    connection
        .execute_batch(&format!("PRAGMA writable_schema = ON; {sql}"))
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    drop(connection);
    dir
}

fn file(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join(Catalog::FILE)
}

fn code<T>(result: Result<T, CatalogError>) -> &'static str {
    result.map(drop).unwrap_err().code()
}

/// The schema is refused wherever the file is met, and a repair makes a sound library of the photos in it.
fn assert_refused(dir: &tempfile::TempDir, names: &str) {
    let started = Instant::now();
    let before = std::fs::read(file(dir)).unwrap();
    assert_eq!(code(Catalog::open(dir.path())), "catalogue_foreign", "{names}");
    assert_eq!(code(Catalog::open_read_only(dir.path())), "catalogue_foreign", "{names}");
    let error = Catalog::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains(names) && error.contains("check --repair"), "{error}");
    let faults = Catalog::check_in(dir.path(), &mut go_on).unwrap().faults;
    assert!(faults.iter().any(|fault| fault.contains(names)), "{faults:?}");
    let (other, out) = (library(), tempfile::tempdir().unwrap());
    let good = std::fs::read(file(&other)).unwrap();
    let restored = Catalog::restore(other.path(), &file(dir), &mut go_on);
    let error = restored.unwrap_err();
    assert_eq!(error.code(), "backup_foreign");
    assert!(error.to_string().contains(names), "{error}");
    assert!(std::fs::read(file(&other)).unwrap() == good, "the library is as it was");
    assert_eq!(code(Catalog::back_up(dir.path(), &out.path().join("backup"), false, &mut go_on)), "catalogue_foreign");
    assert!(std::fs::read(file(dir)).unwrap() == before, "nothing was written to it");
    let report = Catalog::repair(dir.path(), &mut go_on).unwrap();
    assert_eq!(report.faults, faults);
    assert!(report.salvage.is_some(), "{report:?}");
    assert_eq!(Catalog::check_in(dir.path(), &mut go_on).unwrap().faults, Vec::<String>::new());
    let catalog = open(dir);
    assert_eq!(catalog.status().unwrap().photos, 5, "{names}");
    assert!(started.elapsed() < AT_MOST, "{names}: {:?}", started.elapsed());
}

const NEVER_ENDS: &str = "WITH RECURSIVE c (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c)";

#[test]
fn what_is_not_of_the_migrations_making_is_refused_and_mended() {
    let gift = "CREATE TRIGGER gift AFTER INSERT ON job BEGIN DELETE FROM album; END";
    let cases = [
        (gift.to_owned(), "trigger gift"),
        (gift.replace("INSERT ON job", "UPDATE ON setting").replace("gift", "words_forget2"), "trigger words_forget2"),
        (format!("CREATE VIEW endless AS {NEVER_ENDS} SELECT x FROM c"), "view endless"),
        (
            format!(
                "ALTER TABLE job RENAME TO job_real; CREATE VIEW job AS {NEVER_ENDS} SELECT x AS id, '' AS kind,
                 'done' AS state, '' AS phase, 0 AS done, 0 AS total, 0 AS started_at, 0 AS updated_at, '' AS payload,
                 NULL AS error FROM c WHERE x < 0"
            ),
            "job",
        ),
        ("CREATE TABLE extra (a)".to_owned(), "table extra"),
        ("CREATE INDEX extra ON photo (camera, lens)".to_owned(), "index extra"),
        ("CREATE VIRTUAL TABLE extra USING fts5 (a)".to_owned(), "table extra"),
        ("ALTER TABLE album ADD COLUMN note TEXT DEFAULT 'x'".to_owned(), "table album"),
        ("DROP TRIGGER words_forget".to_owned(), "no trigger words_forget"),
        ("DROP INDEX photo_taken_at".to_owned(), "no index photo_taken_at"),
        (
            "DROP TRIGGER words_forget;
             CREATE TRIGGER words_forget AFTER DELETE ON photo BEGIN DELETE FROM words; END"
                .to_owned(),
            "trigger words_forget is not",
        ),
        (
            "UPDATE sqlite_schema SET sql = sql || ' -- ; ATTACH ''/tmp/x'' AS x' WHERE name = 'setting'".to_owned(),
            "table setting is not",
        ),
        ("CREATE TABLE \"\u{1b}[2J\u{202e}gift\" (a)".to_owned(), "gift"),
    ];
    for (sql, names) in cases {
        assert_refused(&changed(&sql), names);
    }
}

#[test]
fn statements_behind_one_that_makes_a_table_are_never_run() {
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("gift");
    let attach = format!("ATTACH DATABASE '{}' AS gift", target.display());
    let tails = [
        format!("; COMMIT; {attach}; CREATE TABLE gift.a (b); DETACH gift; BEGIN"),
        format!("; {attach}; CREATE VIEW gift.v AS SELECT 1"),
        format!("; COMMIT; VACUUM INTO '{}'; BEGIN", target.display()),
        "; DELETE FROM album".to_owned(),
        "; DROP TABLE album".to_owned(),
        "; PRAGMA writable_schema = ON".to_owned(),
        "; UPDATE location SET path = CAST('/etc/hostname' AS BLOB)".to_owned(),
        "; INSERT INTO setting VALUES ('gift', 'ran')".to_owned(),
        "; CREATE TRIGGER gift AFTER INSERT ON job BEGIN DELETE FROM album; END".to_owned(),
        "; SELECT load_extension('/tmp/gift')".to_owned(),
    ];
    for tail in tails {
        for table in ["words", "setting"] {
            let quoted = tail.replace('\'', "''");
            let dir = changed(&format!("UPDATE sqlite_schema SET sql = sql || '{quoted}' WHERE name = '{table}'"));
            // Something to mend in the table of words, which is made anew then.
            let connection = Connection::open(file(&dir)).unwrap();
            let words = connection.execute_batch("INSERT INTO words (rowid, caption) VALUES (999999, 'out of step')");
            drop(connection);
            match words {
                Ok(()) => assert_refused(&dir, &format!("table {table} is not")),
                // Some of them SQLite itself does not take.
                Err(_) => {
                    assert_eq!(code(Catalog::open(dir.path())), "catalogue_corrupt", "{tail}");
                    assert!(!Catalog::check_in(dir.path(), &mut go_on).unwrap().is_well(), "{tail}");
                    Catalog::repair(dir.path(), &mut go_on).unwrap();
                    assert_eq!(Catalog::check_in(dir.path(), &mut go_on).unwrap().faults, Vec::<String>::new());
                }
            }
            assert!(!target.exists(), "{tail} was run");
            let catalog = open(&dir);
            assert_eq!(catalog.albums().unwrap().len(), 1, "{tail}");
            assert_eq!(catalog.setting("gift").unwrap(), None, "{tail}");
        }
    }
}

/// Turns the tree of `table`, which has a row, into one of 15 levels whose pages lead to the next one a hundred times
/// each: to whoever follows them it has 100 to the power of 15 rows.
fn make_endless(file: &Path, table: &str) {
    let connection = Connection::open(file).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: u32 = connection.query_row(sql, [table], |row| row.get(0)).unwrap();
    drop(connection);
    let mut bytes = std::fs::read(file).unwrap();
    let size = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let at = (root as usize - 1) * size;
    let leaf = bytes[at..at + size].to_vec();
    assert_eq!(leaf[0], 13, "one page of rows");
    let first_new = u32::try_from(bytes.len() / size).unwrap() + 1;
    let inner = |child: u32| {
        let (count, mut page) = (100usize, vec![0u8; size]);
        page[0] = 5;
        page[3..5].copy_from_slice(&(count as u16).to_be_bytes());
        page[8..12].copy_from_slice(&child.to_be_bytes());
        let mut place = size;
        for cell in 0..count {
            place -= 5;
            page[place..place + 4].copy_from_slice(&child.to_be_bytes());
            page[place + 4] = 1;
            page[12 + 2 * cell..14 + 2 * cell].copy_from_slice(&(place as u16).to_be_bytes());
        }
        page[5..7].copy_from_slice(&(place as u16).to_be_bytes());
        page
    };
    bytes[at..at + size].copy_from_slice(&inner(first_new));
    for level in 0..14 {
        bytes.extend(inner(first_new + level + 1));
    }
    bytes.extend(leaf);
    let pages = (bytes.len() / size) as u32;
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn pages_that_lead_to_each_other_without_end_end_every_command_with_an_error() {
    for table in ["job", "photo", "thumbnail", "model"] {
        let dir = library();
        let connection = Connection::open(file(&dir)).unwrap();
        connection.execute_batch("INSERT INTO job (kind, state, payload) VALUES ('index', 'done', '{}')").unwrap();
        drop(connection);
        make_endless(&file(&dir), table);
        let within = |what: &str, work: &mut dyn FnMut()| {
            let started = Instant::now();
            work();
            assert!(started.elapsed() < AT_MOST, "{table}: {what} took {:?}", started.elapsed());
        };
        within("status", &mut || {
            let read = Catalog::open_read_only(dir.path()).unwrap();
            let result = read.status().and_then(|_| read.jobs());
            if table == "job" {
                assert_eq!(result.unwrap_err().code(), "catalogue_endless");
            }
        });
        within("check", &mut || {
            let faults = Catalog::check_in(dir.path(), &mut go_on).unwrap().faults;
            assert!(faults.iter().any(|fault| fault.contains("page")), "{table}: {faults:?}");
        });
        within("open", &mut || {
            drop(Catalog::open(dir.path()));
        });
        within("restore", &mut || {
            let target = tempfile::tempdir().unwrap();
            assert_eq!(code(Catalog::restore(target.path(), &file(&dir), &mut go_on)), "backup_damaged", "{table}");
        });
        within("repair", &mut || {
            Catalog::repair(dir.path(), &mut go_on).unwrap();
            assert_eq!(Catalog::check_in(dir.path(), &mut go_on).unwrap().faults, Vec::<String>::new());
        });
        assert_eq!(open(&dir).status().unwrap().photos, 5, "{table}");
    }
}

#[test]
fn a_restored_library_has_no_jobs() {
    let dir = library();
    let catalog = open(&dir);
    for (kind, state) in [
        ("copy", JobState::Paused),
        ("copy", JobState::Queued),
        ("copy", JobState::Failed { code: "io".into() }),
        ("copy", JobState::Done),
        ("copy", JobState::Cancelled),
        ("trash", JobState::Paused),
        ("index", JobState::Paused),
        ("caption", JobState::Paused),
        ("activate", JobState::Paused),
        ("teach", JobState::Paused),
    ] {
        let id = catalog.insert_job(kind, "{}").unwrap();
        catalog.keep_checkpoint(id, &[1, 2, 3]).unwrap();
        catalog.set_job_state(id, &state).unwrap();
    }
    let out = tempfile::tempdir().unwrap();
    let backup = out.path().join("backup");
    catalog.back_up_to(&backup, false, &mut go_on).unwrap();
    drop(catalog);
    let new = tempfile::tempdir().unwrap();
    Catalog::restore(new.path(), &backup, &mut go_on).unwrap();
    let connection = Connection::open(file(&new)).unwrap();
    for table in ["job", "checkpoint"] {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    drop(connection);
    // A number is never given twice.
    assert!(open(&new).insert_job("index", "{}").unwrap().0 > 10);
    // Of every earlier schema.
    for version in 1..=8 {
        let fixture = std::fs::read_to_string(format!("tests/fixtures/schema-{version}.sql")).unwrap();
        let old = out.path().join(format!("old-{version}"));
        Connection::open(&old).unwrap().execute_batch(&fixture).unwrap();
        let new = tempfile::tempdir().unwrap();
        Catalog::restore(new.path(), &old, &mut go_on).unwrap();
        assert_eq!(open(&new).jobs().unwrap(), [], "schema {version}");
    }
}

#[cfg(unix)]
#[test]
fn a_new_library_and_its_backups_are_for_their_owner_and_a_shared_one_stays_shared() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let above = tempfile::tempdir().unwrap();
    let dir = above.path().join("a/b/library");
    let catalog = Catalog::open(&dir).unwrap();
    commit(&catalog, (0..5).map(photo).collect());
    let turn = catalog.take_turn("index").unwrap();
    let id = catalog.insert_job("index", "{}").unwrap();
    catalog.set_job_state(id, &JobState::Running).unwrap();
    assert_eq!(mode(&dir), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert!(files >= 5, "the catalogue, its log and two locks: {files}");
    let backup = above.path().join("backup");
    catalog.back_up_to(&backup, false, &mut go_on).unwrap();
    assert_eq!(mode(&backup), 0o600);
    let restored = above.path().join("restored");
    Catalog::restore(&restored, &backup, &mut go_on).unwrap();
    assert_eq!((mode(&restored), mode(&restored.join(Catalog::FILE))), (0o700, 0o600));
    drop((turn, catalog));
    // A folder that several people use keeps its rights, and its locks can be taken by all of them.
    let shared = above.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o770)).unwrap();
    drop(Catalog::open(&shared).unwrap());
    std::fs::set_permissions(shared.join(Catalog::FILE), std::fs::Permissions::from_mode(0o660)).unwrap();
    let catalog = Catalog::open(&shared).unwrap();
    drop(catalog.take_turn("index").unwrap());
    assert_eq!(mode(&shared), 0o770);
    assert_eq!(mode(&shared.join("turn-index.process")), 0o660);
}
