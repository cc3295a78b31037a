//! Requests and replies as they cross, named as in TypeScript.

use serde::{Deserialize, Serialize};
use sightline_engine::search;
use ts_rs::TS;

use crate::chips::ChipRow;
use crate::grants::{Grant, KnownPath};

/// The order of photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The best match first.
    Match,
    /// By date, the latest first.
    Newest,
    /// By date, the earliest first.
    Oldest,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its turn.
    Queued,
    /// Under way.
    Running,
    /// Stopped, to go on later.
    Paused,
    /// Finished.
    Done,
    /// Ended by an error.
    Failed,
    /// Ended by a person.
    Cancelled,
}

/// What to do with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum JobAction {
    /// Stop it until it is resumed.
    Pause,
    /// Let it go on.
    Resume,
    /// Stop it for good.
    Cancel,
}

/// Colours of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Language of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// As the system has it.
    #[default]
    System,
    /// English.
    En,
    /// Chinese, simplified.
    Zh,
}

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// A GPU where one works, else the CPU.
    #[default]
    Auto,
    /// A GPU or an error.
    Gpu,
    /// The CPU.
    Cpu,
}

/// Conditions that every photo has to meet; null lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, TS)]
pub struct Filters {
    /// Taken then or later: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub after: Option<String>,
    /// Taken before the first moment of this.
    pub before: Option<String>,
    /// The camera's name contains this.
    pub camera: Option<String>,
    /// The lens's name contains this.
    pub lens: Option<String>,
    /// Stars at least: 1 to 5.
    pub rating: Option<i8>,
    /// Was taken at this place: a town, a region, a country, or several between commas.
    pub place: Option<String>,
    /// Lies below this folder, an absolute path.
    pub folder: Option<String>,
    /// The file's format.
    pub format: Option<String>,
    /// Is in this album.
    pub album: Option<i64>,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct JobRow {
    /// Its number.
    pub id: i64,
    /// What sort of job it is: `index`, `follow`, `caption`, `copy`, `teach` or `activate`.
    pub kind: String,
    /// How it stands.
    pub state: JobState,
    /// Why it failed.
    pub error: Option<crate::ErrorReply>,
    /// What it is doing, a word: `scan`, `index`, `caption`, `copy`, `read`, `look`, `train`, `evaluate` or `vectors`.
    pub phase: String,
    /// Items finished in this phase.
    pub done: u64,
    /// Items in this phase; 0 while it is not known.
    pub total: u64,
    /// Items a second over the last ten seconds.
    pub rate: f64,
    /// Seconds to the end of the phase.
    pub eta_seconds: Option<f64>,
    /// The file last worked on.
    pub current: Option<String>,
    /// Whether it waits for another Sightline to end its work on the library.
    pub is_waiting: bool,
    /// The number of that process, if it is known.
    pub waits_for: Option<u32>,
}

/// A folder of the library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct FolderRow {
    /// The number by which the page names it.
    pub id: i64,
    /// Absolute path.
    pub path: String,
    /// Photos of different content below it.
    pub photos: u64,
    /// Whether it is not there, perhaps on a disk that is unplugged.
    pub missing: bool,
}

/// A folder of which so much vanished that a person is asked before it is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct AbsenceRow {
    /// Absolute path.
    pub path: String,
    /// Its photos' files that are not there.
    pub missing: u64,
    /// Its photos' files that the library knows.
    pub known: u64,
}

/// A library in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Overview {
    /// Where the library lies.
    pub library: String,
    /// Size of its files.
    pub bytes_on_disk: u64,
    /// Photos of different content.
    pub photos: u64,
    /// Photos that can be found by describing them.
    pub searchable: u64,
    /// Files that cannot be read.
    pub problems: u64,
    /// Its folders.
    pub folders: Vec<FolderRow>,
    /// Questions that wait for an answer.
    pub absences: Vec<AbsenceRow>,
    /// Folders that are looked through now and then, because the system tells of no more changes than it does.
    pub crowded: Vec<String>,
    /// Jobs that are not over.
    pub jobs: Vec<JobRow>,
    /// Name of the model that the library uses, when it is not on this computer: nothing can be searched then.
    pub model_absent: Option<String>,
}

/// Photos found, by number, best first or by date as asked.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SearchReply {
    /// Most likely what was asked for.
    pub strong: Vec<i64>,
    /// Perhaps what was asked for.
    pub possible: Vec<i64>,
    /// Below the bar of a possible match, if they were asked for.
    pub less_likely: Vec<i64>,
    /// What there is after the last of them.
    pub beyond: Beyond,
    /// A value of a filter that no photo has, where nothing was found.
    pub unknown: Option<UnknownValue>,
    /// What was understood of the query's words, in their order.
    pub chips: Vec<ChipRow>,
    /// Whether photos were judged by how they look; else they only meet what was said of them.
    pub judged: bool,
    /// Photos that were compared.
    pub searched: usize,
    /// Milliseconds that it took.
    pub took_ms: f64,
}

/// What an answer does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// Nothing.
    Nothing,
    /// Photos that are less likely than a possible match.
    LessLikely,
    /// More matches than were asked for.
    Matches,
}

/// A filter's value that no photo has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct UnknownValue {
    /// What it would be.
    pub kind: UnknownKind,
    /// As it was asked for.
    pub value: String,
}

/// What a filter asks for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum UnknownKind {
    /// A place, or a folder.
    Place,
    /// A camera.
    Camera,
    /// A lens.
    Lens,
}

impl From<search::Beyond> for Beyond {
    fn from(beyond: search::Beyond) -> Self {
        match beyond {
            search::Beyond::Nothing => Self::Nothing,
            search::Beyond::LessLikely => Self::LessLikely,
            search::Beyond::Matches => Self::Matches,
        }
    }
}

impl From<search::Unknown> for UnknownValue {
    fn from(unknown: search::Unknown) -> Self {
        let kind = match unknown.kind {
            search::UnknownKind::Place => UnknownKind::Place,
            search::UnknownKind::Camera => UnknownKind::Camera,
            search::UnknownKind::Lens => UnknownKind::Lens,
        };
        Self { kind, value: unknown.value }
    }
}

/// Photos by number, in the order asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PhotoList {
    /// Their numbers.
    pub ids: Vec<i64>,
}

/// What is known of a photo.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct PhotoDetail {
    /// Its number.
    pub id: i64,
    /// Name of its file.
    pub name: String,
    /// Everywhere it lies.
    pub paths: Vec<String>,
    /// Whether none of its files is there.
    pub missing: bool,
    /// Local time `YYYY-MM-DDTHH:MM:SS`, perhaps with a fraction, with the offset where it is known; less where less is.
    pub taken_at: Option<String>,
    /// Whether that is a guess from the file's name.
    pub date_guessed: bool,
    /// The camera's name.
    pub camera: Option<String>,
    /// The lens's name.
    pub lens: Option<String>,
    /// Degrees, north positive.
    pub latitude: Option<f64>,
    /// Degrees, east positive.
    pub longitude: Option<f64>,
    /// Town, region and country where it was taken.
    pub place: Option<String>,
    /// Stars, 0 to 5; -1 for a photo that was rejected.
    pub rating: Option<i8>,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// The file's format.
    pub format: String,
    /// Size of the file.
    pub size_bytes: u64,
    /// Albums it is in.
    pub albums: Vec<i64>,
    /// Files that belong to it: its RAW file, the film of a Live Photo.
    pub companions: Vec<String>,
}

/// Who wrote a caption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CaptionAuthor {
    /// The model.
    Machine,
    /// The user.
    Person,
    /// It stood in the photo's file or beside it.
    File,
}

/// A version of a caption.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct CaptionRow {
    /// Its number.
    pub id: i64,
    /// The caption.
    pub text: String,
    /// Who wrote it.
    pub author: CaptionAuthor,
    /// Mean log-probability of its tokens, if the model wrote it: 0 is certain.
    pub confidence: Option<f64>,
    /// Whether it is a guess of the model's, which was not shown.
    pub is_guess: bool,
    /// When, in seconds since 1970.
    pub written_at: i64,
    /// Whether it was taken back.
    pub undone: bool,
}

/// A photo's captions.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct CaptionDetail {
    /// The photo.
    pub photo: i64,
    /// The current caption.
    pub current: Option<CaptionRow>,
    /// What there is in its place where the model is not sure of one.
    pub unsure: Option<UnsureCaption>,
    /// All versions, the newest first.
    pub history: Vec<CaptionRow>,
    /// Words of the caption that was just written which the model is not sure of.
    pub uncertain: Vec<String>,
}

/// What there is of a photo of which the model is not sure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct UnsureCaption {
    /// The sentence that does not fit well enough to be a caption.
    pub guess: String,
    /// The photo's keywords, and the tags that the model is sure of.
    pub tags: Vec<String>,
}

/// What writing a photo's caption and keywords out would do to one of its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct WriteOutPreview {
    /// The photo's file.
    pub path: String,
    /// The file beside it that would be written or made.
    pub sidecar: String,
    /// The caption that is there now.
    pub caption_now: Option<String>,
    /// The keywords that are there now.
    pub keywords_now: Vec<String>,
    /// The caption that would be there.
    pub caption: Option<String>,
    /// The keywords that would be there.
    pub keywords: Vec<String>,
}

/// Whose word a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TagOrigin {
    /// The user's: a keyword.
    Person,
    /// It stood in the photo's file or beside it.
    File,
    /// The model proposes it.
    Model,
}

/// What is done with a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TagChange {
    /// It becomes a keyword of the user's.
    Keep,
    /// It is taken off.
    Remove,
    /// That is taken back.
    Restore,
}

/// A tag of a photo.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct TagRow {
    /// The word, or a few of them.
    pub name: String,
    /// Whose it is.
    pub origin: TagOrigin,
}

/// Files that were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PathList {
    /// Absolute paths.
    pub paths: Vec<String>,
}

/// Where in a photo a query is, over the whole upright photo.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct HeatMap {
    /// Parts in a row and in a column.
    pub side: usize,
    /// From 0 to 1, row by row.
    pub values: Vec<f32>,
}

/// A file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ProblemRow {
    /// Absolute path.
    pub path: String,
    /// The file's name.
    pub name: String,
    /// A short stable code.
    pub code: String,
    /// What is wrong with it.
    pub reason: String,
}

/// An album.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct AlbumRow {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Photos in it.
    pub photos: u64,
    /// A photo to stand for it.
    pub cover: Option<i64>,
}

/// A value to filter by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Facet {
    /// The value.
    pub value: String,
    /// Photos that have it.
    pub photos: u64,
}

/// What there is to filter by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Facets {
    /// Cameras, the most used first.
    pub cameras: Vec<Facet>,
    /// Lenses, the most used first.
    pub lenses: Vec<Facet>,
    /// Places, those of the most photos first.
    pub places: Vec<Facet>,
    /// File formats, the most common first.
    pub formats: Vec<Facet>,
    /// Folders, by path.
    pub folders: Vec<Facet>,
    /// Years, the latest first.
    pub years: Vec<Facet>,
    /// Keywords, the most used first.
    pub keywords: Vec<Facet>,
}

/// A person's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Settings {
    /// Colours of the window.
    pub theme: Theme,
    /// Language of the window.
    pub language: Language,
    /// Where the model runs; heeded from the next start.
    pub device: DeviceChoice,
    /// What was searched for, the latest first.
    pub recent_searches: Vec<String>,
    /// Whether folders are watched, so that new photos are found at once.
    pub watch: bool,
    /// Whether the person has answered the offer of a better model.
    pub offer_answered: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let (theme, language, device) = (Theme::default(), Language::default(), DeviceChoice::default());
        Self { theme, language, device, recent_searches: Vec::new(), watch: true, offer_answered: false }
    }
}

/// What sort of processor a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A graphics processor.
    Gpu,
    /// The main processor.
    Cpu,
    /// A program that plays a graphics processor.
    Software,
}

/// A processor that the model could run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DeviceRow {
    /// What sort it is.
    pub kind: DeviceKind,
    /// Its name.
    pub name: String,
    /// Whether the model runs on it.
    pub in_use: bool,
    /// Why it is used or not.
    pub reason: String,
}

/// How fast the device in use is.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct DeviceSpeed {
    /// Its name.
    pub device: String,
    /// Photos that it embeds in a second.
    pub photos_per_second: f64,
}

/// The model in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ModelCard {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub id: String,
    /// The card, in Markdown.
    pub markdown: String,
    /// Size of its files.
    pub bytes: u64,
}

/// Requests, each named after its command.
macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Deserialize, TS)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "the fields say what they are")]
        pub struct $name { $(pub $field: $type),* }
    )*};
}

requests! {
    /// Adds folders that a person chose.
    AddFolders { folders: Grant }
    /// Takes off a folder of the library's list.
    RemoveFolder { path: KnownPath }
    /// Shows in the file manager what the library knows.
    Reveal { path: KnownPath }
    /// Looks through the folders again.
    Rescan { retry_problems: bool }
    /// Forgets what vanished from a folder, or keeps it in the library.
    AnswerAbsence { path: KnownPath, forget: bool }
    /// Does something with a job.
    ControlJob { job: i64, action: JobAction }
    /// A search by words: `limit` matches at most, and after all of them so many less likely photos. What is in
    /// `as_words` is not understood as anything else.
    Search {
        query: String,
        limit: usize,
        less_likely: Option<usize>,
        filters: Filters,
        sort: Sort,
        as_words: Option<Vec<String>>,
    }
    /// All photos that meet conditions.
    Photos { filters: Filters, sort: Sort }
    /// Photos like one of the library.
    Similar { photo: i64, limit: usize }
    /// Photos like a file that a person chose. Until another one is, its grant serves for this again.
    SimilarToFile { file: Grant, limit: usize }
    /// A photo.
    PhotoRequest { photo: i64 }
    /// What a person writes under a photo.
    WriteCaption { photo: i64, text: String }
    /// Keeps a photo's tag, takes it off, or takes that back.
    ChangeTag { photo: i64, name: String, change: TagChange }
    /// Writes a photo's caption and keywords beside its files, or into them.
    WriteOutCaption { photo: i64, into_file: bool }
    /// Captions for photos; null for all. Captions of the model's are written anew if `again` is set.
    DescribePhotos { photos: Option<Vec<i64>>, again: bool }
    /// Where in a photo a query is.
    Explain { photo: i64, query: String, as_words: Option<Vec<String>> }
    /// A new album.
    CreateAlbum { name: String, photos: Vec<i64> }
    /// Another name for an album.
    RenameAlbum { album: i64, name: String }
    /// An album.
    AlbumRequest { album: i64 }
    /// Photos to or from an album.
    AlbumPhotos { album: i64, photos: Vec<i64> }
    /// A table of photos: JSON where the file is named so, else CSV.
    ExportTable { photos: Vec<i64>, file: Grant }
    /// Copies of photos.
    ExportCopies { photos: Vec<i64>, folder: Grant }
}
