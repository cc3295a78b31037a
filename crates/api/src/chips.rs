//! What was understood of a query's words, as it crosses.

use serde::Serialize;
use sightline_engine::search;
use ts_rs::TS;

/// A part of a query that was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ChipRow {
    /// The words that mean it, as typed; with them among `as_words` they are words.
    pub words: String,
    /// What they mean.
    pub meaning: ChipMeaning,
}

/// What a part of a query means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChipMeaning {
    /// Taken then or later, and before the first moment of another: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    Date {
        /// The beginning.
        from: Option<String>,
        /// The end.
        before: Option<String>,
    },
    /// Taken in this month, 1 to 12, or on a day of it, of whatever year.
    EachYear {
        /// The month.
        month: u8,
        /// The day.
        day: Option<u8>,
    },
    /// Taken there.
    Place {
        /// As typed.
        name: String,
    },
    /// Lies in a folder.
    Folder {
        /// As typed.
        name: String,
    },
    /// Is in an album.
    Album {
        /// The album's name.
        name: String,
    },
    /// The camera's name contains this.
    Camera {
        /// As typed.
        name: String,
    },
    /// A file's name contains this.
    File {
        /// As typed.
        name: String,
    },
    /// Has as many stars.
    Stars {
        /// At least.
        least: i8,
        /// At most.
        most: i8,
    },
    /// The file has this format.
    Format {
        /// As the library calls it.
        format: String,
    },
    /// Is a RAW file, or has one.
    Raw,
    /// Is a picture of a screen.
    Screenshots,
    /// Does not show these.
    Without {
        /// What it does not show.
        unwanted: Vec<String>,
    },
}

impl From<search::Chip> for ChipRow {
    fn from(chip: search::Chip) -> Self {
        use search::ChipMeaning as Meant;
        let meaning = match chip.meaning {
            Meant::Date(search::When::Between { from, before }) => {
                let text = |day: Option<search::Day>| day.map(|day| day.text());
                ChipMeaning::Date { from: text(from), before: text(before) }
            }
            Meant::Date(search::When::EachYear { month, day }) => ChipMeaning::EachYear { month, day },
            Meant::Place { name, .. } => ChipMeaning::Place { name },
            Meant::Folder { name, .. } => ChipMeaning::Folder { name },
            Meant::Album { name, .. } => ChipMeaning::Album { name },
            Meant::Camera { name } => ChipMeaning::Camera { name },
            Meant::File { name } => ChipMeaning::File { name },
            Meant::Stars { least, most } => ChipMeaning::Stars { least, most },
            Meant::Format { format } => ChipMeaning::Format { format },
            Meant::Raw => ChipMeaning::Raw,
            Meant::Screenshots => ChipMeaning::Screenshots,
            Meant::Without { unwanted } => ChipMeaning::Without { unwanted },
        };
        Self { words: chip.words, meaning }
    }
}
