//! Fetching a published model: its files, one after the other, and the pack that is made of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sightline_vlm::checkpoint::About;
use sightline_vlm::packs::{Layout, PublishedFile, PublishedPack};
use sightline_vlm::{ModelInfo, Proof, VlmError};

use super::checkpoint;
use super::download::{Download, Got, bytes_kept};
use super::http::{Http, Patience, Surroundings};
use super::proof::proof_of;
use super::store::{ModelStore, folder_bytes, make_folder, read_json, remove_folder, write_json};
use super::{ModelsError, known, whole};
use crate::EngineError;
use crate::jobs::{Job, JobCx};

/// Space that is left free in any case.
const SPARE: u64 = 64 << 20;

/// Fetches a published model and makes a pack of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FetchJob {
    /// The model's name.
    pub(super) name: String,
    /// The name of the licence that was accepted.
    pub(super) accepted: String,
    /// Whether the checkpoint is kept beside the pack.
    pub(super) keep_original: bool,
    /// What came of it.
    #[serde(skip)]
    pub summary: Option<FetchSummary>,
    /// Other surroundings than those of the process, for tests.
    #[serde(skip)]
    pub(super) instead: Option<(PublishedPack, Surroundings, Patience)>,
}

/// What came of a fetch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FetchSummary {
    /// The pack's folder.
    pub folder: PathBuf,
    /// The model's id.
    pub id: String,
    /// Whether it was there already.
    pub already: bool,
    /// Bytes of the checkpoint.
    pub bytes: u64,
    /// Bytes that the pack takes.
    pub bytes_on_disk: u64,
    /// Files whose digest nobody has published, with the one that is asked for from now on.
    pub pinned: Vec<(String, String)>,
    /// Where the checkpoint is kept.
    pub original: Option<PathBuf>,
    /// What came of trying it on this computer.
    pub proof: Option<Proof>,
}

/// What is known of a download that was begun: of which files, and what came.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Begun {
    of: String,
    got: BTreeMap<String, (u64, String)>,
}

/// Sizes and SHA-256 of files by name, and the digests that were not known before, with their files.
type Fetched = (BTreeMap<String, (u64, String)>, Vec<(String, String)>);

impl FetchJob {
    /// Fetches the model of this name, whose licence was `accepted`.
    ///
    /// # Errors
    /// [`ModelsError::Unknown`], [`ModelsError::NotOffered`] or [`ModelsError::LicenceNotAccepted`].
    pub fn new(name: &str, accepted: Option<&str>, keep_original: bool) -> Result<Self, EngineError> {
        let (name, accepted) = (name.to_owned(), accepted.unwrap_or_default().to_owned());
        let job = Self { name, accepted, keep_original, summary: None, instead: None };
        job.published()?;
        Ok(job)
    }

    /// What it fetches, if that may be had under the licence that was accepted.
    fn published(&self) -> Result<PublishedPack, EngineError> {
        let packs = match &self.instead {
            Some((pack, ..)) => vec![pack.clone()],
            None => known()?,
        };
        let name = || self.name.clone();
        let pack = packs.into_iter().find(|pack| pack.name == self.name);
        let pack = pack.ok_or_else(|| ModelsError::Unknown { name: name() })?;
        let Some(licence) = pack.licence.as_ref() else {
            let reason = "no licence is stated for it; fetch the files by hand if you may use them, and `sightline model \
                          import` their folder";
            return Err(ModelsError::NotOffered { name: name(), reason }.into());
        };
        if !pack.offered {
            let reason = "this version of Sightline cannot use it yet; look for a newer one";
            return Err(ModelsError::NotOffered { name: name(), reason }.into());
        }
        if self.accepted != licence.name {
            let (licence, url) = (licence.name.clone(), licence.url.clone());
            return Err(ModelsError::LicenceNotAccepted { name: name(), licence, url }.into());
        }
        Ok(pack)
    }

    /// Fetches the files that are not there yet, and gives what each has.
    fn fetch(
        &self,
        cx: &JobCx<'_>,
        store: &ModelStore,
        pack: &PublishedPack,
        partial: &Path,
    ) -> Result<Fetched, EngineError> {
        let of = format!("{}@{}", pack.repository, pack.revision);
        let (source, record) = (partial.join("source"), partial.join("fetched.json"));
        let mut begun: Begun = read_json(&record)?.unwrap_or_default();
        if begun.of != of {
            // Of another version of the program, which knew another checkpoint under this name.
            remove_folder(partial)?;
            begun = Begun { of: of.clone(), got: BTreeMap::new() };
        }
        make_folder(&source)?;
        if begun.got.is_empty() {
            write_json(&record, &begun)?;
        }
        enough_space(store, pack, &source)?;
        let (surroundings, patience) = match &self.instead {
            Some((_, surroundings, patience)) => (surroundings.clone(), patience.clone()),
            None => (Surroundings::of_process(), Patience::default()),
        };
        let http = Http::new(&surroundings, patience)?;
        let pins = store.pins()?;
        let (mut done, mut total, mut pinned) = (0, pack.bytes(), Vec::new());
        let stop = || cx.check();
        for file in &pack.files {
            let (path, key) = (source.join(file.name()), format!("{of}/{}", file.path));
            if let Some((bytes, sha256)) = begun.got.get(&file.path).filter(|(bytes, _)| is_of_size(&path, *bytes)) {
                if file.sha256.is_none() {
                    pinned.push((file.path.clone(), sha256.clone()));
                }
                (done, total) = (done + bytes, total + bytes - file.about_bytes().min(total));
                continue;
            }
            let pin = pins.get(&key);
            let download = Download {
                http: &http,
                url: http.address(&pack.repository, &pack.revision, &file.path)?,
                file: path,
                bytes: file.bytes,
                at_most: file.at_most(),
                sha256: file.sha256.as_ref().or(pin).cloned(),
            };
            let current = PathBuf::from(file.name());
            let mut broken = Ok(());
            let got = download.fetch(&stop, &mut |bytes| {
                if broken.is_ok() {
                    broken = cx.progress("fetch", done + bytes, total.max(done + bytes), Some(&current));
                }
            })?;
            broken?;
            total = total.saturating_sub(file.about_bytes());
            let Some(Got { bytes, sha256 }) = got else {
                if file.required {
                    return Err(ModelsError::NotThere { url: download.url.to_string(), status: 404 }.into());
                }
                continue;
            };
            if file.sha256.is_none() {
                pinned.push((file.path.clone(), sha256.clone()));
                if pin.is_none() {
                    store.pin(key, &sha256)?;
                }
            }
            (done, total) = (done + bytes, total + bytes);
            begun.got.insert(file.path.clone(), (bytes, sha256));
            write_json(&record, &begun)?;
        }
        cx.progress("fetch", done, done, None)?;
        Ok((begun.got, pinned))
    }
}

impl Job for FetchJob {
    const KIND: &'static str = "fetch";

    // What is there of a model is on the disk.
    const KEEPS_ROW: bool = false;

    // No start of the program opens a connection.
    const GOES_ON_BY_ITSELF: bool = false;

    fn check(&self) -> Result<(), EngineError> {
        self.published().map(drop)
    }

    fn run(&mut self, cx: &JobCx<'_>) -> Result<(), EngineError> {
        let (pack, store) = (self.published()?, cx.engine().model_store()?);
        let _lock = store.lock(&pack.name)?;
        let (folder, partial) = (store.pack(&pack.name), store.partial(&pack.name));
        let original = store.original(&pack.name);
        if let Ok(info) = whole(&folder) {
            remove_folder(&partial)?;
            let bytes_on_disk = folder_bytes(&folder);
            let original = original.is_dir().then_some(original);
            let id = info.id();
            // Trying it may have been stopped.
            let proof = proof_of(cx, &folder, &info)?;
            self.summary =
                Some(FetchSummary { folder, id, already: true, bytes_on_disk, original, proof, ..Default::default() });
            return Ok(());
        }
        let (got, pinned) = self.fetch(cx, &store, &pack, &partial)?;
        let source = partial.join("source");
        let licence = pack.licence.as_ref().map(|licence| format!("{} ({})", licence.name, licence.url));
        let about = About {
            name: pack.name.clone(),
            summary: pack.summary.clone(),
            licences: licence.into_iter().collect(),
            source: format!("{} @ {}", pack.repository, pack.revision),
        };
        let info = make_pack(cx, &store, &source, &about)?;
        if self.keep_original {
            remove_folder(&original)?;
            std::fs::rename(&source, &original).map_err(ModelsError::io(&original))?;
        }
        remove_folder(&partial)?;
        let proof = proof_of(cx, &folder, &info)?;
        self.summary = Some(FetchSummary {
            bytes_on_disk: folder_bytes(&folder),
            folder,
            id: info.id(),
            already: false,
            bytes: got.values().map(|(bytes, _)| bytes).sum(),
            pinned,
            original: self.keep_original.then_some(original),
            proof,
        });
        Ok(())
    }
}

/// Makes a pack of the checkpoint in `source`, under the name that `about` says; whole, or none.
pub(super) fn make_pack(
    cx: &JobCx<'_>,
    store: &ModelStore,
    source: &Path,
    about: &About,
) -> Result<ModelInfo, EngineError> {
    let made = store.partial(&about.name).join("pack");
    remove_folder(&made)?;
    make_folder(&made)?;
    let mut broken = Ok(());
    let converted = checkpoint::convert(source, &made, about, &mut |done, total| {
        broken = cx.check().and_then(|()| cx.progress("convert", done, total, None));
        broken.is_ok()
    });
    broken?;
    let info = match converted {
        Ok(info) => info,
        Err(VlmError::Stopped) => return Err(EngineError::Cancelled),
        Err(error) => return Err(full_disk(error)),
    };
    info.check_sizes(&made)?;
    store.publish(&made, &about.name)?;
    Ok(info)
}

/// A full disk has a remedy of its own, whoever met it.
fn full_disk(error: VlmError) -> EngineError {
    match error {
        VlmError::Write { path, source } => ModelsError::io(path)(source).into(),
        other => other.into(),
    }
}

fn is_of_size(path: &Path, bytes: u64) -> bool {
    std::fs::metadata(path).is_ok_and(|there| there.len() == bytes)
}

/// Looks whether what is still to come fits on the disk, and what is made of it.
fn enough_space(store: &ModelStore, pack: &PublishedPack, source: &Path) -> Result<(), ModelsError> {
    let left = |file: &PublishedFile| file.about_bytes().saturating_sub(bytes_kept(&source.join(file.name())));
    let to_fetch: u64 = pack.files.iter().map(left).sum();
    must_fit(store, to_fetch + if pack.layout == Layout::Pack { pack.bytes() } else { pack.bytes_on_disk() })
}

/// Looks whether `bytes` fit on the disk of the models.
pub(super) fn must_fit(store: &ModelStore, bytes: u64) -> Result<(), ModelsError> {
    // Where the system does not say, it is tried.
    let Some(free) = store.free_bytes() else { return Ok(()) };
    let needed = bytes + SPARE;
    if free >= needed { Ok(()) } else { Err(ModelsError::NoSpace { folder: store.folder().into(), needed, free }) }
}
