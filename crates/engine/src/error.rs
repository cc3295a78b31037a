//! What can go wrong in a use case; each message names the file and the remedy.

use std::path::PathBuf;

use sightline_catalog::CatalogError;
use sightline_media::MediaError;
use sightline_media::caption_metadata::MetadataError;
use sightline_media::trash::TrashError;
use sightline_vlm::VlmError;

use crate::models::ModelsError;
use crate::search::QueryError;

/// An error of the engine, or of a leaf below it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A photo or folder could not be read.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The library could not be read or written.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The model could not be loaded or failed.
    #[error(transparent)]
    Model(#[from] VlmError),
    /// A model could not be fetched, imported, chosen or removed.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The query makes no sense.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The model panicked; it is loaded anew for the next request.
    #[error("the model stopped unexpectedly: {detail}; try again, or with --device cpu")]
    ModelPanicked {
        /// What the panic said.
        detail: String,
    },
    /// Albums or folders without a photo that can be learned from.
    #[error("there is no photo to learn from; put photos into the albums, or name a folder of folders with photos")]
    NothingToTeach,
    /// No version of the model is in use.
    #[error("the model has not been taught yet; run `sightline teach` first, or activate a version")]
    NothingTaught,
    /// A label that the version in use does not know.
    #[error("{label:?} is no label of the version in use; `sightline suggest` lists them")]
    NoLabel {
        /// The label as given.
        label: String,
    },
    /// There is no such version.
    #[error("there is no version {name}; `sightline teach list` shows them")]
    NoVersion {
        /// The name as given.
        name: String,
    },
    /// What is kept of a version cannot be read.
    #[error("a version of the model cannot be read: {reason}; remove it and teach again")]
    BadVersion {
        /// What is wrong with it.
        reason: String,
    },
    /// Another model was taken into use meanwhile.
    #[error("another model was taken into use meanwhile; ask for the version again if it goes with that one")]
    ModelChanged,
    /// The model's thread has ended.
    #[error("the model's thread has ended; start the program again")]
    ModelGone,
    /// The system gave no thread.
    #[error("cannot start a thread: {source}; close other programs and try again")]
    Thread {
        /// The system's reason.
        source: std::io::Error,
    },
    /// The system starts no process that could decode.
    #[error("cannot start the photo decoder: {source}; close other programs and try again")]
    NoDecoder {
        /// The system's reason.
        source: std::io::Error,
    },
    /// A folder went away while it was worked on.
    #[error("{}: the folder went away; plug the disk in and go on, what was finished is kept", path.display())]
    FolderGone {
        /// The folder.
        path: PathBuf,
    },
    /// The work was cancelled or paused; what was committed stays.
    #[error("cancelled; what was finished is kept, and running it again goes on from there")]
    Cancelled,
    /// A use case that needs a library was asked of an engine without one.
    #[error("no library is open; name one with --library")]
    NoLibrary,
    /// The library has no photo that the query could find.
    #[error("{}: the library is empty; run `sightline index FOLDER` first", path.display())]
    EmptyLibrary {
        /// The library's folder.
        path: PathBuf,
    },
    /// A caption or keyword in or beside a photo could not be read or written.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A file could not be moved to the trash, or out of it.
    #[error(transparent)]
    Trash(#[from] TrashError),
    /// A file that is to go to the trash is also the one to be kept.
    #[error("photo {id} is to be kept and to go at once; of each group one file has to stay")]
    LastCopy {
        /// The photo's number.
        id: i64,
    },
    /// Two paths of one file: moving one would take both away.
    #[error("{}: the same file as {}, by another path; nothing would be left of it", path.display(), other.display())]
    SameFile {
        /// The file that was to go.
        path: PathBuf,
        /// The path that was to be kept.
        other: PathBuf,
    },
    /// Two photos that are not proven to be the same picture.
    #[error("{}: not proven to be a duplicate of {}; look for duplicates again", path.display(), other.display())]
    NoDuplicate {
        /// The file that was to go.
        path: PathBuf,
        /// The file that was to be kept in its place.
        other: PathBuf,
    },
    /// A file is not what it was when it was indexed.
    #[error("{}: changed since it was indexed; index its folder and look for duplicates again", path.display())]
    ChangedSince {
        /// The file.
        path: PathBuf,
    },
    /// Some photos could not be copied; the others were.
    #[error("not all photos were copied; these were not: {skipped}")]
    NotAllCopied {
        /// The first of them with their reasons, and how many more.
        skipped: String,
    },
    /// The photo is not in the library.
    #[error("{}: not in the library; run `sightline index` on its folder first", path.display())]
    NotIndexed {
        /// The photo.
        path: PathBuf,
    },
    /// The library knows nothing of a file or folder that is to be forgotten.
    #[error("{}: the library knows nothing of it; check the path, or index its folder first", path.display())]
    NotKnown {
        /// The file or folder.
        path: PathBuf,
    },
    /// A folder was given where a photo is wanted.
    #[error("{}: a folder; use --folder for a folder and all in it", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A caption has no word.
    #[error("a caption needs words; type some, or take the caption back")]
    CaptionEmpty,
    /// A keyword has no letter.
    #[error("a keyword needs letters; type some")]
    KeywordEmpty,
    /// The library was made with another model, whose vectors cannot be compared.
    #[error("{}: indexed with another model; run `sightline index FOLDER` to make it searchable with this one", path.display())]
    NotEmbedded {
        /// The library's folder.
        path: PathBuf,
    },
    /// A folder to index is not there.
    #[error("{}: no such folder; check the path, or plug the disk in", path.display())]
    FolderMissing {
        /// The folder as given.
        path: PathBuf,
    },
    /// Something that is not a folder was given as one.
    #[error("{}: not a folder; name the folder that holds the photo", path.display())]
    NotAFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// What is exported would take the place of a photo, or of something that is no plain file.
    #[error("{}: this is a photo, a film, a sidecar or no plain file, and is not written over; name another file", path.display())]
    NotReplaced {
        /// The file.
        path: PathBuf,
    },
    /// Something that is no folder was given to copy photos to.
    #[error("{}: not a folder that photos can be copied to; choose one that is there", path.display())]
    NoFolderForCopies {
        /// The path as given.
        path: PathBuf,
    },
    /// A folder cannot be read.
    #[error("{}: cannot read the folder: {source}; nothing was forgotten", path.display())]
    FolderUnreadable {
        /// The folder as given.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// There is no such photo in the library any more.
    #[error("photo {id} is no longer in the library; search again")]
    PhotoGone {
        /// The photo's number.
        id: i64,
    },
    /// A query asks for nothing that a photo could show.
    #[error("the query names nothing to find in the photo; add a word to it")]
    NothingToLocate,
    /// A file of an evaluation cannot be used.
    #[error("{}: {reason}", path.display())]
    BadInput {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, with the line where there is one.
        reason: String,
    },
    /// A file that is not a photo could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A job panicked.
    #[error(
        "the {kind} job stopped unexpectedly: {detail}; what was finished is kept, and it is not tried again by itself"
    )]
    JobPanicked {
        /// The job's kind.
        kind: &'static str,
        /// What the panic said.
        detail: String,
    },
    /// A setting of a job makes no sense.
    #[error("{name}: {value} is not {allowed}; choose another value")]
    SettingWrong {
        /// The setting's name.
        name: &'static str,
        /// The value given.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// A job's row holds something that is not that job.
    #[error("job {id} cannot be resumed: {reason}; start it anew")]
    BadJob {
        /// The job's number.
        id: i64,
        /// What is wrong with it.
        reason: String,
    },
}

impl EngineError {
    /// A short stable code that programs may act on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Media(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::Model(error) => error.code(),
            Self::Models(error) => error.code(),
            Self::Query(_) => "query_wrong",
            Self::ModelPanicked { .. } => "model_panicked",
            Self::NothingToTeach => "nothing_to_teach",
            Self::NothingTaught => "nothing_taught",
            Self::NoLabel { .. } => "label_unknown",
            Self::NoVersion { .. } => "version_unknown",
            Self::BadVersion { .. } => "version_bad",
            Self::ModelGone => "model_gone",
            Self::ModelChanged => "model_changed",
            Self::Thread { .. } => "no_thread",
            Self::NoDecoder { .. } => "no_decoder",
            Self::FolderGone { .. } => "folder_gone",
            Self::Cancelled => "cancelled",
            Self::NoLibrary => "no_library",
            Self::EmptyLibrary { .. } => "library_empty",
            Self::Metadata(error) => error.code(),
            Self::Trash(error) => error.code(),
            Self::LastCopy { .. } => "last_copy",
            Self::SameFile { .. } => "same_file",
            Self::NoDuplicate { .. } => "no_duplicate",
            Self::ChangedSince { .. } => "changed_since",
            Self::NotAllCopied { .. } => "not_all_copied",
            Self::NotIndexed { .. } => "not_indexed",
            Self::NotKnown { .. } => "not_known",
            Self::IsFolder { .. } => "is_folder",
            Self::CaptionEmpty => "caption_empty",
            Self::KeywordEmpty => "keyword_empty",
            Self::NotEmbedded { .. } => "not_embedded",
            Self::FolderMissing { .. } => "folder_missing",
            Self::NotAFolder { .. } => "not_a_folder",
            Self::NotReplaced { .. } => "not_replaced",
            Self::NoFolderForCopies { .. } => "no_folder_for_copies",
            Self::FolderUnreadable { .. } => "folder_unreadable",
            Self::PhotoGone { .. } => "photo_gone",
            Self::NothingToLocate => "nothing_to_locate",
            Self::BadInput { .. } => "input_wrong",
            Self::Io { .. } => "io",
            Self::JobPanicked { .. } => "job_panicked",
            Self::SettingWrong { .. } => "setting_wrong",
            Self::BadJob { .. } => "job_wrong",
        }
    }

    /// Whether a device failed, so that another one may do better.
    pub(crate) fn is_device_failure(&self) -> bool {
        matches!(self, Self::ModelPanicked { .. } | Self::Model(VlmError::Device { .. }))
    }
}
