//! What can go wrong with models that are fetched or brought: each message names the remedy.

use std::path::PathBuf;

/// An error of fetching, importing, choosing or removing a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// There is no model of this name.
    #[error("there is no model called {name:?}; `sightline model list` shows them")]
    Unknown {
        /// The name as given.
        name: String,
    },
    /// It is known, but cannot be had.
    #[error("{name} is not offered: {reason}")]
    NotOffered {
        /// The model.
        name: String,
        /// Why, with the remedy.
        reason: &'static str,
    },
    /// Its licence was not accepted.
    #[error("{name} comes under the licence {licence} ({url}); read it, then add --accept-licence")]
    LicenceNotAccepted {
        /// The model.
        name: String,
        /// The licence's name.
        licence: String,
        /// Where its text is.
        url: String,
    },
    /// There is no place for models.
    #[error("there is no folder for models here; name one with SIGHTLINE_MODELS, and leave --model away")]
    NoFolder,
    /// A model of this name is there.
    #[error("there is a model called {name}; remove it first, or choose another name with --name")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// A name that is none.
    #[error("{name:?} is no name for a model; use up to 64 lower-case letters, digits and dashes")]
    BadName {
        /// The name as given.
        name: String,
    },
    /// The model is not on this computer.
    #[error("{name} is not on this computer; `sightline model get {name}` fetches it, if it is offered")]
    NotInstalled {
        /// The model.
        name: String,
    },
    /// The model in use cannot be removed.
    #[error(
        "{name} is the model that this library uses; `sightline model use {bundled}` goes back to the bundled one first"
    )]
    InUse {
        /// The model.
        name: String,
        /// The bundled model.
        bundled: String,
    },
    /// The vectors by which the library searches cannot be freed.
    #[error("the library searches by the vectors of {name}; have it use another model first")]
    VectorsInUse {
        /// The model.
        name: String,
    },
    /// The model that describes this library's photos cannot be removed.
    #[error(
        "{name} describes the photos of this library; `sightline model use {bundled} --for captions` has the bundled model do so first"
    )]
    Describes {
        /// The model.
        name: String,
        /// The bundled model.
        bundled: String,
    },
    /// The model that was chosen to describe photos is not there.
    #[error(
        "{name} describes the photos of this library, and is not whole on this computer (looked in {}); `sightline model get {name}` fetches it if it is offered, else import it again, and `sightline model use {bundled} --for captions` has the bundled model do so", folder.display()
    )]
    NoCaptioner {
        /// The model.
        name: String,
        /// Where it would lie.
        folder: PathBuf,
        /// The bundled model.
        bundled: String,
    },
    /// No model here answers questions.
    #[error("no model on this computer answers questions about photos{}", offered(offer))]
    NoAnswerer {
        /// The name, the bytes and the licence of one that can be fetched.
        offer: Option<(String, u64, String)>,
    },
    /// A model was chosen for what it is not for.
    #[error("{name} is not for {purpose}; `sightline model list` shows what each model is for")]
    OtherPurpose {
        /// The model.
        name: String,
        /// What it was chosen for.
        purpose: &'static str,
    },
    /// The bundled model stays.
    #[error("{name} came with the program and cannot be removed; name another model")]
    Bundled {
        /// The model.
        name: String,
    },
    /// What is on the disk of it cannot be used.
    #[error("{name} cannot be used: {reason}; `sightline model remove {name}`, then get or import it again")]
    Broken {
        /// The model.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It was tried on this computer and must not be used.
    #[error("{name} is not used: {reason}")]
    Unproven {
        /// The model.
        name: String,
        /// What is wrong, and what to do about it.
        reason: String,
    },
    /// A folder whose photos a model has to look at is not there.
    #[error(
        "{}: the folder is not there, so the model cannot look at its photos; plug its disk in, or remove the folder from \
         the library", folder.display()
    )]
    FolderMissing {
        /// The folder.
        folder: PathBuf,
    },
    /// Many photos that a model has to look at cannot be read.
    #[error(
        "{missing} of {photos} photos in {} cannot be read, so the model cannot look at them; plug the disk in if they lie on \
         one, or run `sightline index` to have it settled what is gone", folder.display()
    )]
    PhotosMissing {
        /// The folder.
        folder: PathBuf,
        /// Photos that cannot be read.
        missing: u64,
        /// Photos of the folder.
        photos: u64,
    },
    /// Another process is at work on it.
    #[error("another Sightline is at work on {name}; wait until it has ended")]
    Busy {
        /// The model.
        name: String,
    },
    /// There is not enough free space to begin.
    #[error("{}: {needed} bytes are needed and {free} are free; free some space, or name another disk with SIGHTLINE_MODELS", folder.display())]
    NoSpace {
        /// The folder of models.
        folder: PathBuf,
        /// Bytes still to be written.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The disk filled up.
    #[error("{}: the disk is full; what was fetched is kept: free some space, and ask again", path.display())]
    DiskFull {
        /// The file being written.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("{}: {source}; see that it is there, can be read, and its folder can be written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The address to fetch from is none.
    #[error("HF_ENDPOINT is {endpoint:?}: {reason}")]
    BadEndpoint {
        /// The address as given.
        endpoint: String,
        /// What is wrong with it, and what would be right.
        reason: &'static str,
    },
    /// The proxy's address is none.
    #[error("the proxy {proxy:?} cannot be used; write HTTPS_PROXY as http://HOST:PORT")]
    BadProxy {
        /// The address, without a password.
        proxy: String,
    },
    /// Nobody answers, or the connection ends again and again.
    #[error(
        "{url} cannot be reached: {reason}; what was fetched is kept: see that there is a network (HTTPS_PROXY names a proxy), and ask again"
    )]
    Unreachable {
        /// The file's address.
        url: String,
        /// What happened last.
        reason: String,
    },
    /// The server does not have the file.
    #[error("{url} is not there (status {status}); see that HF_ENDPOINT is right, or look for a newer Sightline")]
    NotThere {
        /// The file's address.
        url: String,
        /// The server's answer.
        status: u16,
    },
    /// The server wants to know who asks.
    #[error(
        "{url} is not given to everybody (status {status}); fetch the files by hand and `sightline model import` their folder"
    )]
    Denied {
        /// The file's address.
        url: String,
        /// The server's answer.
        status: u16,
    },
    /// The server has too much to do.
    #[error(
        "{url}: the server has too much to do (status {status}) and asks to wait {wait_seconds} s; what was fetched is kept: ask again later"
    )]
    TooMany {
        /// The file's address.
        url: String,
        /// The server's answer.
        status: u16,
        /// How long it asks to wait.
        wait_seconds: u64,
    },
    /// The server answers in a way that makes no sense.
    #[error(
        "{url}: the server's answer cannot be used: {reason}; see that HF_ENDPOINT and the proxy are right, and ask again"
    )]
    BadReply {
        /// The file's address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server sends the program elsewhere, where it does not go.
    #[error("{url}: the server sends to {to}, {reason}; see that HF_ENDPOINT is right")]
    BadRedirect {
        /// The file's address.
        url: String,
        /// Where it sends to, without what follows `?`.
        to: String,
        /// Why the program does not go there.
        reason: &'static str,
    },
    /// A file has another size than was published.
    #[error(
        "{url} has {got} bytes instead of {expected}: it is not the published file, and was thrown away; see that HF_ENDPOINT and the proxy are right"
    )]
    WrongSize {
        /// The file's address.
        url: String,
        /// The published size.
        expected: u64,
        /// The size found.
        got: u64,
    },
    /// A file has another content than was published, or than it had at the first download.
    #[error(
        "{url} has the SHA-256 {got} instead of {expected}: it is not the published file, and was thrown away; see that HF_ENDPOINT and the proxy are right"
    )]
    WrongDigest {
        /// The file's address.
        url: String,
        /// The published digest, or that of the first download.
        expected: String,
        /// The digest found.
        got: String,
    },
    /// A checkpoint lacks files.
    #[error("{} lacks {}; put them beside the others, and import the folder again", folder.display(), missing.join(", "))]
    Incomplete {
        /// The folder.
        folder: PathBuf,
        /// The files.
        missing: Vec<String>,
    },
    /// No checkpoint at all.
    #[error("{}: {reason}", folder.display())]
    NotRecognised {
        /// The folder.
        folder: PathBuf,
        /// Why, with what a folder should hold.
        reason: String,
    },
}

/// How to get what is missing.
fn offered(offer: &Option<(String, u64, String)>) -> String {
    match offer {
        Some((name, bytes, licence)) => {
            let megabytes = bytes.div_ceil(1_000_000);
            format!("; `sightline model get {name}` fetches one ({megabytes} MB, licence {licence})")
        }
        None => "; `sightline model import FOLDER` takes one from a folder".into(),
    }
}

impl ModelsError {
    /// A short stable code that programs may act on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "model_unknown",
            Self::NotOffered { .. } => "model_not_offered",
            Self::LicenceNotAccepted { .. } => "licence_not_accepted",
            Self::NoFolder => "no_models_folder",
            Self::NameTaken { .. } => "model_name_taken",
            Self::BadName { .. } => "model_name_bad",
            Self::NotInstalled { .. } => "model_not_installed",
            Self::InUse { .. } => "model_in_use",
            Self::VectorsInUse { .. } => "vectors_in_use",
            Self::Describes { .. } => "model_in_use",
            Self::NoCaptioner { .. } => "model_absent",
            Self::NoAnswerer { .. } => "no_answerer",
            Self::OtherPurpose { .. } => "model_purpose",
            Self::Bundled { .. } => "model_bundled",
            Self::Broken { .. } => "model_broken",
            Self::Unproven { .. } => "model_unproven",
            Self::FolderMissing { .. } => "model_folder_missing",
            Self::PhotosMissing { .. } => "model_photos_missing",
            Self::Busy { .. } => "model_busy",
            Self::NoSpace { .. } => "no_space",
            Self::DiskFull { .. } => "disk_full",
            Self::Io { .. } => "models_io",
            Self::BadEndpoint { .. } => "endpoint_bad",
            Self::BadProxy { .. } => "proxy_bad",
            Self::Unreachable { .. } => "unreachable",
            Self::NotThere { .. } => "download_not_there",
            Self::Denied { .. } => "download_denied",
            Self::TooMany { .. } => "server_busy",
            Self::BadReply { .. } => "server_reply_bad",
            Self::BadRedirect { .. } => "redirect_refused",
            Self::WrongSize { .. } => "download_wrong_size",
            Self::WrongDigest { .. } => "download_wrong_digest",
            Self::Incomplete { .. } => "checkpoint_incomplete",
            Self::NotRecognised { .. } => "checkpoint_unknown",
        }
    }

    /// What the system says of a file, told apart where the remedy is another.
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge => {
                Self::DiskFull { path }
            }
            _ => Self::Io { path, source },
        }
    }
}
