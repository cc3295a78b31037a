//! Whether a folder lies on a network share, where a write-ahead log must not be used.
//!
//! The log needs memory that all who have the library open share, which two computers do not: on a share SQLite would
//! break the file without a word. There a rollback journal is used, which needs nothing but locks.

use std::path::Path;

/// Whether other computers may have the files of `folder` open at the same time.
pub(crate) fn is_shared(folder: &Path) -> bool {
    system::is_shared(folder)
}

#[cfg(target_os = "linux")]
mod system {
    use std::path::Path;

    /// Numbers of file systems that other computers serve; see statfs(2) and linux/magic.h.
    const NETWORK: [u64; 11] = [
        0x6969,      // NFS
        0x517b,      // SMB, the old one
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB 2 and later
        0x5346_414f, // AFS
        0x6b41_4653, // kAFS
        0x7375_7245, // Coda
        0x564c,      // NCP
        0x00c3_6400, // Ceph
        0x0102_1997, // 9P
        0x786f_4256, // shared folders of VirtualBox
    ];
    const FUSE: u64 = 0x6573_5546;

    pub(super) fn is_shared(folder: &Path) -> bool {
        let Ok(system) = rustix::fs::statfs(folder) else { return false };
        // Some kernels hand out the lower half with its sign.
        let number = (system.f_type as u64) & 0xffff_ffff;
        NETWORK.contains(&number) || number == FUSE && !is_disk(folder)
    }

    /// Whether it is a disk of this computer whose file system is a program's, such as NTFS by ntfs-3g.
    fn is_disk(folder: &Path) -> bool {
        let Ok(found) = rustix::fs::stat(folder) else { return false };
        let device = format!("{}:{}", rustix::fs::major(found.st_dev), rustix::fs::minor(found.st_dev));
        let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        kind_of(&table, &device) == Some("fuseblk")
    }

    /// The kind of the file system on a device, by the kernel's table of mounts.
    pub(super) fn kind_of<'a>(table: &'a str, device: &str) -> Option<&'a str> {
        let line = table.lines().find(|line| line.split(' ').nth(2) == Some(device))?;
        line.split_once(" - ")?.1.split(' ').next()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_disk_of_this_computer_is_no_share() {
            let dir = tempfile::tempdir().unwrap();
            assert!(!is_shared(dir.path()));
            assert!(!is_shared(Path::new("/no/such/folder")));
        }

        #[test]
        fn the_table_of_mounts_tells_a_disk_from_a_share() {
            let table = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                         40 22 0:44 / /media/usb rw shared:5 - fuseblk /dev/sdb1 rw\n\
                         41 22 0:45 / /far rw - fuse.sshfs me@there: rw\n";
            assert_eq!(kind_of(table, "0:44"), Some("fuseblk"));
            assert_eq!(kind_of(table, "0:45"), Some("fuse.sshfs"));
            assert_eq!(kind_of(table, "0:46"), None);
        }
    }
}

#[cfg(target_os = "macos")]
mod system {
    use std::path::Path;

    /// `MNT_LOCAL` of statfs(2).
    const LOCAL: u32 = 0x1000;

    pub(super) fn is_shared(folder: &Path) -> bool {
        rustix::fs::statfs(folder).is_ok_and(|system| system.f_flags & LOCAL == 0)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod system {
    use std::path::{Component, Path, Prefix};

    /// Only a share's own name tells; a letter that stands for a share does not.
    pub(super) fn is_shared(folder: &Path) -> bool {
        let Ok(folder) = std::path::absolute(folder) else { return false };
        matches!(folder.components().next(), Some(Component::Prefix(prefix))
            if matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use crate::connection::Journal;
    use crate::{Catalog, JobState};

    fn mode(dir: &std::path::Path) -> String {
        let connection = Connection::open(dir.join(Catalog::FILE)).unwrap();
        connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_library_on_a_share_has_no_log_and_one_that_came_there_loses_it() {
        let dir = tempfile::tempdir().unwrap();
        drop(Catalog::open_with(dir.path(), Journal::WriteAhead).unwrap());
        assert_eq!(mode(dir.path()), "wal");
        let catalog = Catalog::open_with(dir.path(), Journal::Rollback).unwrap();
        assert!(catalog.is_on_share());
        let other = Catalog::open_with(dir.path(), Journal::Rollback).unwrap();
        for (number, catalog) in [&catalog, &other, &catalog].into_iter().enumerate() {
            catalog.set_setting("number", &number.to_string()).unwrap();
            let id = catalog.insert_job("index", "{}").unwrap();
            catalog.set_job_state(id, &JobState::Done).unwrap();
        }
        assert_eq!(other.setting("number").unwrap().as_deref(), Some("2"));
        assert_eq!(catalog.jobs().unwrap().len(), 3);
        assert!(!dir.path().join("catalogue.sqlite-wal").exists());
        assert!(catalog.check().unwrap().is_well());
        let backup = dir.path().join("backup");
        catalog.back_up_to(&backup, false, &mut |_, _, _| true).unwrap();
        drop((catalog, other));
        assert_ne!(mode(dir.path()), "wal");
        // Back on a disk of this computer it has a log again.
        let catalog = Catalog::open(dir.path()).unwrap();
        assert_eq!((mode(dir.path()).as_str(), catalog.is_on_share()), ("wal", false));
        assert_eq!(catalog.setting("number").unwrap().as_deref(), Some("2"));
    }
}
