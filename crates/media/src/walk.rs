//! The files of a folder, in an order that is the same each time.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

use crate::MediaError;
use crate::format::{FileKind, by_name};

/// Folder names, in whatever case, that are never entered besides hidden ones: where systems and network stores keep what
/// was thrown away, old states of folders, and pictures of their own making.
const SKIPPED_FOLDERS: &[&str] = &[
    "$RECYCLE.BIN",
    "RECYCLER",
    "RECYCLED",
    "#recycle",
    "@Recycle",
    "#snapshot",
    "@Recently-Snapshot",
    "@eaDir",
    "@tmp",
    "System Volume Information",
    "lost+found",
];
/// Folders that programs show as one thing: libraries, in which previews lie beside the photos.
const PACKAGES: &[&str] = &["photoslibrary", "photolibrary", "aplibrary", "migratedphotolibrary", "migratedaplibrary"];
/// What of them is entered: the photos as they were imported.
const ORIGINALS: &[&str] = &["originals", "Masters"];
/// Folders of previews alone.
const PREVIEWS: &[&str] = &["lrdata", "cocatalogdb"];

/// A photo, a file that would be one if its format were supported, or a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its path, below the root as given.
    pub path: PathBuf,
    /// Bytes.
    pub size_bytes: u64,
    /// Time of its last change in nanoseconds since 1970; negative before.
    pub modified_ns: i64,
    /// Time of the last change of anything about it, where the system tells; programs can keep the other, not this.
    pub status_changed_ns: Option<i64>,
    /// What its name says it is.
    pub kind: FileKind,
}

/// An iterator over a folder; see [`walk`].
#[derive(Debug)]
pub struct Walk {
    inner: walkdir::IntoIter,
    others: u64,
}

/// Walks `root` and all below it, sorted by name.
///
/// Hidden files and folders are skipped, symbolic links followed, loops of them reported once. Files that
/// are no photos are counted, not returned. A folder that cannot be read is an `Err` and the walk goes on;
/// so is a missing root.
pub fn walk(root: &Path) -> Walk {
    Walk { inner: WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter(), others: 0 }
}

impl Walk {
    /// Files met so far that are neither photos nor films nor sidecars.
    pub fn others(&self) -> u64 {
        self.others
    }

    fn examine(&mut self, entry: &walkdir::DirEntry) -> Option<Result<Found, MediaError>> {
        let path = entry.path();
        let Some(kind) = by_name(path) else {
            self.others += 1;
            return None;
        };
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return Some(Err(error_of(error))),
        };
        Some(Ok(of_metadata(path, &metadata, kind)))
    }
}

fn of_metadata(path: &Path, metadata: &std::fs::Metadata, kind: FileKind) -> Found {
    let modified_ns = metadata.modified().map_or(0, nanoseconds);
    let status_changed_ns = status_changed_ns(metadata);
    Found { path: path.to_path_buf(), size_bytes: metadata.len(), modified_ns, status_changed_ns, kind }
}

#[cfg(unix)]
fn status_changed_ns(metadata: &std::fs::Metadata) -> Option<i64> {
    use std::os::unix::fs::MetadataExt;
    metadata.ctime().checked_mul(1_000_000_000)?.checked_add(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn status_changed_ns(_: &std::fs::Metadata) -> Option<i64> {
    None
}

/// Looks at one file as [`walk`] would; `None` when its name is no photo's, or it is no file.
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Denied`] or [`MediaError::Io`].
pub fn look(path: &Path) -> Result<Option<Found>, MediaError> {
    let Some(kind) = by_name(path) else { return Ok(None) };
    let metadata = std::fs::metadata(path).map_err(|error| MediaError::io(path, error))?;
    Ok(metadata.is_file().then(|| of_metadata(path, &metadata, kind)))
}

/// Whether [`walk`] passes over the file or folder at `path` when it comes to the folder that this lies in.
pub fn is_skipped(path: &Path) -> bool {
    let Some(name) = path.file_name() else { return false };
    let is_any = |names: &[&str]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
    let has_extension = |path: &Path, any: &[&str]| {
        path.extension().is_some_and(|extension| any.iter().any(|other| extension.eq_ignore_ascii_case(other)))
    };
    let in_package = path.parent().is_some_and(|folder| has_extension(folder, PACKAGES));
    name.as_encoded_bytes().starts_with(b".")
        || is_any(SKIPPED_FOLDERS)
        || has_extension(path, PREVIEWS)
        || in_package && !is_any(ORIGINALS)
}

/// Whether [`walk`] of `root` reaches `path`, as far as names tell.
pub fn is_reached(root: &Path, path: &Path) -> bool {
    path.starts_with(root) && path.ancestors().take_while(|part| *part != root).all(|part| !is_skipped(part))
}

impl Iterator for Walk {
    type Item = Result<Found, MediaError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.inner.next()? {
                Err(error) => return Some(Err(error_of(error))),
                Ok(entry) if entry.depth() > 0 && skipped(&entry) => {
                    if entry.file_type().is_dir() {
                        self.inner.skip_current_dir();
                    }
                }
                Ok(entry) if entry.file_type().is_file() => {
                    if let Some(item) = self.examine(&entry) {
                        return Some(item);
                    }
                }
                Ok(_) => {}
            }
        }
    }
}

fn skipped(entry: &walkdir::DirEntry) -> bool {
    is_skipped(entry.path())
}

fn nanoseconds(time: std::time::SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

fn error_of(error: walkdir::Error) -> MediaError {
    let path = error.path().map_or_else(PathBuf::new, Path::to_path_buf);
    match error.into_io_error() {
        Some(source) => MediaError::io(&path, source),
        None => MediaError::Io { path, source: std::io::Error::other("a symbolic link that leads back to itself") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(root: &Path) -> Vec<String> {
        walk(root)
            .filter_map(Result::ok)
            .map(|f| f.path.strip_prefix(root).unwrap().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn photos_come_sorted_and_others_are_counted() {
        let root = tempfile::tempdir().unwrap();
        for name in ["b.jpg", "a.png", "notes.txt", ".hidden.jpg", "picture.psd"] {
            fs::write(root.path().join(name), b"x").unwrap();
        }
        fs::create_dir_all(root.path().join(".sightline")).unwrap();
        fs::write(root.path().join(".sightline/x.jpg"), b"x").unwrap();
        fs::create_dir_all(root.path().join("aa")).unwrap();
        fs::write(root.path().join("aa/z.webp"), b"x").unwrap();
        assert_eq!(names(root.path()), ["a.png", "aa/z.webp", "b.jpg", "picture.psd"]);
        let mut walk = walk(root.path());
        assert!(walk.by_ref().any(|f| f.unwrap().kind == FileKind::Unsupported("Photoshop")));
        assert_eq!(walk.others(), 1);
    }

    #[test]
    fn what_was_thrown_away_and_previews_in_packages_are_no_photos() {
        let root = tempfile::tempdir().unwrap();
        let thrown = ["#recycle", "@Recycle", "#Snapshot/a", "@Recently-Snapshot", ".Trash-1000/files", "lost+found"];
        let package =
            ["Photos Library.photoslibrary/resources/derivatives", "Old.aplibrary/Previews", "P Previews.lrdata"];
        for folder in thrown.into_iter().chain(package).chain(["RECYCLER", "$Recycle.Bin"]) {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("a.jpg"), b"x").unwrap();
            assert!(!is_reached(root.path(), &folder.join("a.jpg")), "{}", folder.display());
        }
        for folder in ["Photos Library.photoslibrary/originals/F", "Old.aplibrary/Masters", "originals", "recycle"] {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("b.jpg"), b"x").unwrap();
            assert!(is_reached(root.path(), &folder.join("b.jpg")), "{}", folder.display());
        }
        let found = names(root.path());
        assert_eq!((found.len(), found.iter().all(|name| name.ends_with("b.jpg"))), (4, true), "{found:?}");
        let own = root.path().join("Photos Library.photoslibrary");
        assert_eq!(names(&own), ["originals/F/b.jpg"], "also where the package is the folder itself");
        assert!(!is_reached(&root.path().join("other"), root.path()));
    }

    #[test]
    fn a_missing_root_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let items: Vec<_> = walk(&root.path().join("gone")).collect();
        assert!(matches!(items.as_slice(), [Err(MediaError::Missing { .. })]));
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_ends_and_strange_names_are_kept() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("loop")).unwrap();
        let strange = root.path().join(OsStr::from_bytes(b"a\nb\xff.jpg"));
        fs::write(&strange, b"x").unwrap();
        let (good, bad): (Vec<_>, Vec<_>) = walk(root.path()).partition(Result::is_ok);
        assert_eq!(good.into_iter().map(|f| f.unwrap().path).collect::<Vec<_>>(), [strange]);
        assert_eq!(bad.len(), 1, "the loop is told once");
    }
}
