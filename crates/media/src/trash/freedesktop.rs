//! The trash of Linux desktops (freedesktop.org, Trash Specification 1.0), as far as files change disks.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::{ToRestore, TrashError, across};
use crate::hash_file;

/// The trash of the user's home, if the file would be copied to it: it lies on another disk, and the file's own disk
/// lets this user have none.
pub(super) fn on_another_disk(path: &Path) -> Option<PathBuf> {
    let trash = home_trash()?;
    let folder = path.parent()?.canonicalize().ok()?;
    let disk = |path: &Path| path.metadata().ok().map(|metadata| metadata.dev());
    let home = trash.ancestors().find_map(disk)?;
    let own = disk(&folder)?;
    if own == home {
        return None;
    }
    let top = folder.ancestors().take_while(|above| disk(above) == Some(own)).last()?;
    let user = own_number()?;
    let shared = top.join(".Trash");
    // Where anybody might rename another's folder the specification forbids it.
    let sticky = shared.symlink_metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.mode() & 0o1000 != 0);
    let shared = sticky.then(|| shared.join(user.to_string()));
    let private = top.join(format!(".Trash-{user}"));
    let usable = |dir: &Path| dir.is_dir() && may_write(dir);
    // Where there is none it is made, if that can be.
    let makes = || !private.exists() && fs::DirBuilder::new().mode(0o700).create(&private).is_ok();
    (!shared.is_some_and(|dir| usable(&dir)) && !usable(&private) && !makes()).then_some(trash)
}

fn home_trash() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").filter(|path| path.is_absolute());
    Some(data.or_else(|| set("HOME").map(|home| home.join(".local/share")))?.join("Trash"))
}

/// The number of the user that this process runs for.
fn own_number() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|metadata| metadata.uid())
}

/// Whether a file can be made in the folder.
fn may_write(folder: &Path) -> bool {
    let probe = folder.join(format!(".sightline-{}.tmp", std::process::id()));
    match OpenOptions::new().write(true).create_new(true).open(&probe) {
        Ok(_) => fs::remove_file(&probe).is_ok(),
        Err(_) => false,
    }
}

/// Copies a file to a trash on another disk, durably, and removes it then.
pub(super) fn copy_in(path: &Path, trash: &Path) -> Result<(), TrashError> {
    let failed = |source: std::io::Error| TrashError::on_the_way_in(path, &source);
    let (files, infos) = (trash.join("files"), trash.join("info"));
    for folder in [&files, &infos] {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let name = path.file_name().ok_or_else(|| TrashError::Missing { path: path.into() })?;
    let real = path.parent().and_then(|folder| folder.canonicalize().ok()).map(|folder| folder.join(name));
    let real = real.ok_or_else(|| TrashError::Missing { path: path.into() })?;
    for number in 1u32.. {
        let mut own = name.to_owned();
        if number > 1 {
            own.push(format!(".{number}"));
        }
        let mut info = own.clone();
        info.push(".trashinfo");
        let (file, info) = (files.join(&own), infos.join(&info));
        // The info's name is taken first, as the specification asks.
        let mut open = match OpenOptions::new().write(true).create_new(true).open(&info) {
            Ok(open) => open,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(failed(error)),
        };
        let now = chrono::Local::now().format("%Y-%m-%dT%H:%M:%S");
        let text = format!("[Trash Info]\nPath={}\nDeletionDate={now}\n", in_percents(real.as_os_str()));
        let written = open.write_all(text.as_bytes()).and_then(|()| open.sync_all());
        let moved = written.and_then(|()| across::sync_folder(&info)).and_then(|()| across::copy_file(&real, &file));
        if let Err(error) = moved {
            drop(fs::remove_file(&info));
            if error.kind() == ErrorKind::AlreadyExists {
                continue;
            }
            return Err(failed(error));
        }
        return match fs::remove_file(&real) {
            Ok(()) => Ok(()),
            Err(error) => {
                // It stays where it was, so that there is nothing to take out of the trash.
                drop(fs::remove_file(&file));
                drop(fs::remove_file(&info));
                Err(failed(error))
            }
        };
    }
    unreachable!("a name is free before all numbers are used")
}

/// A path as the specification writes it: what is no letter, digit or one of a few marks by its bytes in hexadecimals.
fn in_percents(path: &OsStr) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    path.as_bytes()
        .iter()
        .map(|byte| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

pub(super) fn restore_all(files: &[ToRestore]) -> Vec<Result<(), TrashError>> {
    let listed = trash::os_limited::list().unwrap_or_default();
    files.iter().map(|file| restore(file, &listed)).collect()
}

fn restore(file: &ToRestore, listed: &[trash::TrashItem]) -> Result<(), TrashError> {
    let path = || file.path.clone();
    // The trash knows a file by its folder's real path.
    let real = file.path.parent().and_then(|parent| parent.canonicalize().ok());
    let real = real.zip(file.path.file_name()).map(|(parent, name)| parent.join(name));
    let is_it = |item: &&trash::TrashItem| {
        let original = item.original_path();
        original == file.path || real.as_deref() == Some(&original)
    };
    if file.path.symlink_metadata().is_ok() {
        return Err(TrashError::Taken { path: path() });
    }
    let mut found: Vec<&trash::TrashItem> = listed.iter().filter(is_it).collect();
    // Of those of one second the one with the highest number went last.
    found.sort_by_key(|item| std::cmp::Reverse((item.time_deleted, item.id.len(), item.id.clone())));
    let lying: Vec<(&trash::TrashItem, PathBuf)> = found
        .into_iter()
        .map(|item| (item, lies(&item.id)))
        .filter(|(_, lies)| lies.symlink_metadata().is_ok())
        .collect();
    if lying.is_empty() {
        return Err(TrashError::NotInTrash { path: path() });
    }
    let holds = |lies: &Path| file.hash.is_none_or(|hash| hash_file(lies).is_ok_and(|now| now == hash));
    let (item, lies) =
        lying.into_iter().find(|(_, lies)| holds(lies)).ok_or_else(|| TrashError::NotTheSame { path: path() })?;
    let not_back = |error: std::io::Error| {
        let reason = error.to_string();
        TrashError::NotBack { path: path(), kept: Some(lies.clone()), reason }
    };
    if let Some(folder) = file.path.parent() {
        fs::create_dir_all(folder).map_err(not_back)?;
    }
    across::move_file(&lies, &file.path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => TrashError::Taken { path: path() },
        _ => not_back(error),
    })?;
    if let Some(modified) = file.modified {
        // It is back, with whatever time; some disks keep none.
        let as_it_was = |open: fs::File| open.set_modified(modified);
        drop(OpenOptions::new().write(true).open(&file.path).and_then(as_it_was));
    }
    // It is back; an entry without a file is no more than untidy.
    drop(fs::remove_file(&item.id));
    Ok(())
}

/// Where a file lies in the trash, by the name of its info.
fn lies(info: &OsString) -> PathBuf {
    let info = Path::new(info);
    let trash = info.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    trash.join("files").join(info.file_stem().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_the_specification_asks() {
        assert_eq!(in_percents(OsStr::new("/a b/ü%.jpg")), "/a%20b/%C3%BC%25.jpg");
    }

    #[test]
    fn a_file_is_copied_in_with_its_info_and_then_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, trash) = (dir.path().join("a b.jpg"), dir.path().join("Trash"));
        for round in 0..2 {
            fs::write(&path, [round]).unwrap();
            copy_in(&path, &trash).unwrap();
            assert!(!path.exists());
        }
        assert_eq!(fs::read(trash.join("files/a b.jpg")).unwrap(), [0]);
        assert_eq!(fs::read(trash.join("files/a b.jpg.2")).unwrap(), [1]);
        let info = fs::read_to_string(trash.join("info/a b.jpg.2.trashinfo")).unwrap();
        assert!(info.starts_with("[Trash Info]\nPath=/") && info.contains("a%20b.jpg\nDeletionDate=2"), "{info}");
        assert_eq!(lies(&trash.join("info/a b.jpg.2.trashinfo").into()), trash.join("files/a b.jpg.2"));
    }

    #[test]
    fn what_cannot_be_copied_stays_and_leaves_no_info() {
        let dir = tempfile::tempdir().unwrap();
        let (path, trash) = (dir.path().join("a.jpg"), dir.path().join("Trash"));
        fs::write(&path, "a").unwrap();
        fs::create_dir_all(&trash).unwrap();
        fs::write(trash.join("files"), "no folder").unwrap();
        assert!(copy_in(&path, &trash).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"a");
        assert!(!trash.join("info/a.jpg.trashinfo").exists());
    }
}
