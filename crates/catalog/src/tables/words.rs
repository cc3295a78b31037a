//! The words by which photos are found: those of their current captions, of their keywords, of what else a person wrote, and
//! of their files' names (SQLite FTS5).
//!
//! Texts are laid out for the index first ([`spelled`]): scripts without blanks in pairs of letters.

use rusqlite::{Connection, OptionalExtension, Row};

use crate::error::Failure;
use crate::spelling::{matching_names, matching_text, spelled};
use crate::tables::photo::{self, PhotoId};
use crate::{Catalog, CatalogError, path_bytes};

pub(crate) const V3: &str = "
CREATE VIRTUAL TABLE words USING fts5 (caption, keywords, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE TRIGGER words_forget AFTER DELETE ON photo BEGIN
    DELETE FROM words WHERE rowid = old.id;
END;
";

/// What makes the table, in every version since the twelfth. Marks are parts of letters, as in Thai.
macro_rules! table {
    () => {
        "CREATE VIRTUAL TABLE words USING fts5 (caption, keywords, other, names,
            tokenize = 'porter unicode61 remove_diacritics 2 categories ''L* M* N* Co''');"
    };
}

pub(crate) const V12: &str = concat!("\nDROP TABLE words;\n", table!(), "\n");

/// The schema's version from which on the words are these.
pub(crate) const SINCE: u32 = 12;

/// A photo's words as they are written down: of its caption, unless that is a guess, of its keywords, and of what else a
/// person wrote.
macro_rules! words_of_photos {
    () => {
        "SELECT photo.id,
            (SELECT iif(author = 'machine' AND confidence IS NULL, NULL, text) FROM caption
                WHERE photo_id = photo.id AND undone_at IS NULL ORDER BY caption.id DESC LIMIT 1),
            (SELECT group_concat(word, char(10)) FROM keyword WHERE photo_id = photo.id AND NOT removed),
            photo.other_words
        FROM photo"
    };
}

/// Number, caption, keywords and other words.
type Written = (i64, [Option<String>; 3]);

fn written(row: &Row<'_>) -> rusqlite::Result<Written> {
    let text = |column| row.get::<_, Option<String>>(column);
    Ok((row.get(0)?, [text(1)?, text(2)?, text(3)?]))
}

/// Makes the words of the photo's current caption, its keywords and its files' names those that find it.
pub(crate) fn index(connection: &Connection, photo: PhotoId) -> Result<(), Failure> {
    connection.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([photo.0])?;
    let sql = concat!(words_of_photos!(), " WHERE photo.id = ?1");
    let found = connection.prepare_cached(sql)?.query_row([photo.0], written).optional()?;
    Ok(found.map_or(Ok(()), |written| insert(connection, &written))?)
}

fn insert(connection: &Connection, (photo, texts): &Written) -> rusqlite::Result<()> {
    let mut places = connection.prepare_cached("SELECT path FROM location WHERE photo_id = ?1 ORDER BY path")?;
    let mut names = String::new();
    for path in places.query_map([photo], |row| row.get(0).map(path_bytes::decode))? {
        let name = path?.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = spelled(&name.unwrap_or_default());
        // Copies mostly have the same name.
        if !names.split('\n').any(|other| other == name) {
            names.push_str(&name);
            names.push('\n');
        }
    }
    let [caption, keywords, other] = texts.each_ref().map(|text| text.as_deref().map(spelled));
    let names = Some(names).filter(|names| !names.is_empty());
    if [&caption, &keywords, &other, &names].iter().all(|text| text.is_none()) {
        return Ok(());
    }
    let sql = "INSERT INTO words (rowid, caption, keywords, other, names) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute((photo, caption, keywords, other, names))?;
    Ok(())
}

/// Counts the photos that other words find than those of their captions, keywords and other words, and words of no photo.
/// Names of files that have gone may still be there.
pub(crate) fn unequal(connection: &Connection) -> Result<i64, Failure> {
    let sql = "SELECT count(*) FROM words WHERE rowid NOT IN (SELECT id FROM photo)";
    let mut count: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    let mut stored = connection.prepare("SELECT rowid, caption, keywords, other FROM words WHERE rowid = ?1")?;
    let mut photos = connection.prepare(words_of_photos!())?;
    for photo in photos.query_map([], written)? {
        let (id, texts) = photo?;
        let texts = texts.map(|text| text.as_deref().map(spelled));
        let stored = stored.query_row([id], written).optional()?.map(|(_, texts)| texts).unwrap_or_default();
        count += i64::from(stored != texts);
    }
    Ok(count)
}

/// Makes the whole table of words anew, whatever is in it. The statement is ours: what the file says of itself may hold
/// others behind it.
pub(crate) fn rebuild(connection: &Connection) -> Result<(), Failure> {
    connection.execute_batch(concat!("DROP TABLE words; ", table!()))?;
    Ok(fill(connection)?)
}

/// Fills the table of words, which is empty.
pub(crate) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    let mut photos = connection.prepare(words_of_photos!())?;
    for photo in photos.query_map([], written)? {
        insert(connection, &photo?)?;
    }
    Ok(())
}

/// How names of photos' files end, which says nothing of a photo.
const FORMATS: [&str; 12] = ["jpg", "jpeg", "png", "heic", "heif", "webp", "gif", "tif", "tiff", "avif", "jxl", "dng"];

/// What matches in FTS5's own language: all of `words`, in texts.
fn all_of(words: &[&str]) -> String {
    let one = |word: &&str| format!("({})", matching_text(word));
    format!("{{caption keywords other}} : ({})", words.iter().map(one).collect::<Vec<_>>().join(" AND "))
}

/// What matches all of `words`, each in a text or in a file's name; `None` where they only tell a format.
fn all_with_names(words: &[&str]) -> Option<String> {
    let one = |word: &&str| format!("(({}) OR (names : ({})))", matching_text(word), matching_names(word));
    let tell = words.iter().any(|word| !FORMATS.contains(word));
    tell.then(|| words.iter().map(one).collect::<Vec<_>>().join(" AND "))
}

/// The photos that match, sorted.
fn matching(connection: &Connection, question: &str) -> rusqlite::Result<Vec<PhotoId>> {
    // No other condition: FTS5 would be asked again for each photo that it lets through.
    photo::select(connection, "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid", [question])
}

impl Catalog {
    /// Photos that lie somewhere and whose current caption, keywords and other words have all of `words`, whatever their
    /// endings, also inside of texts without blanks; sorted.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn with_words(&self, words: &[&str]) -> Result<Vec<PhotoId>, CatalogError> {
        if words.is_empty() { Ok(Vec::new()) } else { self.there(&all_of(words)) }
    }

    /// As [`Catalog::with_words`], of photos whose files' names may have some of the words, or begin a word of theirs so.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn with_words_or_names(&self, words: &[&str]) -> Result<Vec<PhotoId>, CatalogError> {
        all_with_names(words).map_or_else(|| Ok(Vec::new()), |question| self.there(&question))
    }

    /// The photos that match and lie somewhere, sorted.
    fn there(&self, question: &str) -> Result<Vec<PhotoId>, CatalogError> {
        self.read(|transaction| {
            let mut photos = matching(transaction, question)?;
            let missing = photo::select(transaction, "SELECT photo_id FROM missing ORDER BY photo_id", [])?;
            photos.retain(|photo| missing.binary_search(photo).is_err());
            Ok(photos)
        })
    }

    /// Those of `photos` of [`Catalog::with_words`], sorted, whose words are not only a model's: all of them are
    /// keywords or other words, or a person or the photo's file wrote the caption.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn not_only_by_a_model(&self, words: &[&str], photos: &[PhotoId]) -> Result<Vec<PhotoId>, CatalogError> {
        if words.is_empty() {
            return Ok(photos.to_vec());
        }
        self.read(|transaction| {
            let given = matching(transaction, &format!("{{keywords other}} : ({})", all_of(words)))?;
            // Mostly few; which of their captions is the current one is looked up for those few.
            let sql = "SELECT photo_id FROM caption WHERE author <> 'machine' AND undone_at IS NULL ORDER BY photo_id";
            let by_hand = photo::select(transaction, sql, [])?;
            let sql = "SELECT author <> 'machine' FROM caption WHERE photo_id = ?1 AND undone_at IS NULL
                       ORDER BY id DESC LIMIT 1";
            let mut is_by_hand = transaction.prepare_cached(sql)?;
            let mut found = Vec::new();
            for photo in photos {
                let is_found = given.binary_search(photo).is_ok()
                    || by_hand.binary_search(photo).is_ok()
                        && is_by_hand.query_row([photo.0], |row| row.get(0)).optional()?.unwrap_or(false);
                if is_found {
                    found.push(*photo);
                }
            }
            Ok(found)
        })
    }
}
