//! Volumes: which one a path lies on, where each is mounted, and whether it is in this computer at all.
//!
//! A volume is known by its file system's own id, which goes with the disk; a mount point is where this system has
//! put it today. On Linux the kernel's table of mounts says what is mounted where, and `/dev/disk/by-uuid` what the
//! ids of devices are. Elsewhere nothing is known, and folders are known by their paths alone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A place told by its volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnVolume {
    /// The volume's id.
    pub id: String,
    /// Path below the volume's root; empty for the root itself.
    pub path: PathBuf,
}

/// What the system says of its volumes.
pub trait Volumes: Send + Sync {
    /// Where `path`, an absolute one without links, lies; `None` when its volume has no id.
    fn locate(&self, path: &Path) -> Option<OnVolume>;
    /// The paths under which a place on a volume can be reached now; none while the volume is not there.
    fn paths(&self, place: &OnVolume) -> Vec<PathBuf>;
    /// Whether changes on `path` may be made by other computers, so that this system cannot tell of them.
    fn is_shared(&self, path: &Path) -> bool;
}

/// The volumes of this computer.
#[derive(Debug, Clone)]
pub struct SystemVolumes {
    /// The kernel's table of this process's mounts.
    pub mounts: PathBuf,
    /// Links from ids of file systems to their devices.
    pub by_uuid: PathBuf,
}

impl Default for SystemVolumes {
    fn default() -> Self {
        Self { mounts: "/proc/self/mountinfo".into(), by_uuid: "/dev/disk/by-uuid".into() }
    }
}

/// A line of the table of mounts.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    /// What of the volume is mounted; `/` for all of it.
    root: PathBuf,
    point: PathBuf,
    kind: String,
    device: PathBuf,
}

impl SystemVolumes {
    fn mounts(&self) -> Vec<Mount> {
        // Where there is no such table, no volume is known.
        let table = std::fs::read(&self.mounts).unwrap_or_default();
        table.split(|byte| *byte == b'\n').filter_map(mount).collect()
    }

    /// The mount that `path` lies on: of those above it the nearest, and of two at one point the later.
    fn mount_of(&self, path: &Path) -> Option<Mount> {
        let above = self.mounts().into_iter().filter(|mount| path.starts_with(&mount.point));
        above.max_by_key(|mount| mount.point.components().count())
    }

    fn id_of(&self, device: &Path) -> Option<String> {
        let device = std::fs::canonicalize(device).ok()?;
        let links = std::fs::read_dir(&self.by_uuid).ok()?.filter_map(Result::ok);
        let mut of_device = links.filter(|link| std::fs::canonicalize(link.path()).ok().as_ref() == Some(&device));
        of_device.next()?.file_name().into_string().ok()
    }
}

impl Volumes for SystemVolumes {
    fn locate(&self, path: &Path) -> Option<OnVolume> {
        let mount = self.mount_of(path)?;
        let id = self.id_of(&mount.device)?;
        let inside = path.strip_prefix(&mount.point).ok()?;
        let root = mount.root.strip_prefix("/").ok()?;
        Some(OnVolume { id, path: root.join(inside).components().collect() })
    }

    fn paths(&self, place: &OnVolume) -> Vec<PathBuf> {
        let of_volume = self.mounts().into_iter().filter(|mount| self.id_of(&mount.device).as_ref() == Some(&place.id));
        let inside = of_volume.filter_map(|mount| {
            let root = mount.root.strip_prefix("/").ok()?;
            Some(mount.point.join(place.path.strip_prefix(root).ok()?).components().collect())
        });
        inside.collect()
    }

    fn is_shared(&self, path: &Path) -> bool {
        self.mount_of(path).is_some_and(|mount| is_network(&mount.kind))
    }
}

/// File systems whose changes need not pass through this kernel. FUSE among them: most of it is network.
fn is_network(kind: &str) -> bool {
    const NETWORK: [&str; 14] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "davfs",
        "ncpfs",
        "vboxsf",
        "vmhgfs",
    ];
    NETWORK.contains(&kind) || kind == "fuse" || kind.starts_with("fuse.")
}

/// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS...] - KIND DEVICE OPTIONS`; see proc_pid_mountinfo(5).
fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ').skip(3);
    let (root, point) = (unescaped(fields.next()?), unescaped(fields.next()?));
    let mut rest = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = String::from_utf8_lossy(rest.next()?).into_owned();
    Some(Mount { root, point, kind, device: unescaped(rest.next()?) })
}

/// Blanks, line breaks and backslashes are written as three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let (mut bytes, mut rest) = (Vec::with_capacity(field.len()), field);
    while let Some((&first, others)) = rest.split_first() {
        let octal = (first == b'\\').then(|| others.get(..3)).flatten();
        let byte = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &others[3..] } else { others };
    }
    os_string(bytes).into()
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    /// Two disks, a share and a part of the second disk bound elsewhere; devices are files.
    fn system(dir: &Path) -> SystemVolumes {
        let dev = dir.join("dev");
        std::fs::create_dir_all(dir.join("by-uuid")).unwrap();
        std::fs::create_dir_all(&dev).unwrap();
        for (device, id) in [("sda1", "AAAA-1"), ("sdb1", "BBBB-2")] {
            std::fs::write(dev.join(device), "").unwrap();
            std::os::unix::fs::symlink(dev.join(device), dir.join("by-uuid").join(id)).unwrap();
        }
        let dev = dev.display();
        let table = format!(
            "22 1 8:1 / / rw - ext4 {dev}/sda1 rw\n\
             40 22 8:17 / /media/My\\040disk rw shared:5 - vfat {dev}/sdb1 rw\n\
             41 22 8:17 /DCIM /srv/dcim rw - vfat {dev}/sdb1 rw\n\
             42 22 0:50 / /net rw - nfs4 server:/x rw\n\
             43 22 0:51 / /far rw - fuse.sshfs me@there: rw\n\
             44 22 0:52 / /proc rw - proc proc rw\n"
        );
        std::fs::write(dir.join("mounts"), table).unwrap();
        SystemVolumes { mounts: dir.join("mounts"), by_uuid: dir.join("by-uuid") }
    }

    #[test]
    fn a_place_is_told_by_its_volume_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let system = system(dir.path());
        let place = system.locate(Path::new("/media/My disk/DCIM/a")).unwrap();
        assert_eq!(place, OnVolume { id: "BBBB-2".into(), path: "DCIM/a".into() });
        assert_eq!(system.locate(Path::new("/srv/dcim/a")).unwrap(), place, "a bind mount is no other place");
        assert_eq!(system.paths(&place), ["/media/My disk/DCIM/a", "/srv/dcim/a"].map(PathBuf::from));
        assert_eq!(system.locate(Path::new("/home/a")).unwrap().id, "AAAA-1");
        assert_eq!(system.locate(Path::new("/net/a")), None);
        assert_eq!(system.paths(&OnVolume { id: "CCCC-3".into(), path: "".into() }), Vec::<PathBuf>::new());
    }

    #[test]
    fn shares_are_known_by_their_file_system() {
        let dir = tempfile::tempdir().unwrap();
        let system = system(dir.path());
        let shared = |path: &str| system.is_shared(Path::new(path));
        assert!(shared("/net/photos") && shared("/far/x"));
        assert!(!shared("/home/a") && !shared("/media/My disk") && !shared("/proc/1") && !shared("/network"));
    }

    #[test]
    fn a_computer_without_such_tables_knows_no_volume() {
        let system = SystemVolumes { mounts: "/no/such/file".into(), by_uuid: "/no/such/folder".into() };
        assert_eq!(system.locate(Path::new("/")), None);
        assert!(!system.is_shared(Path::new("/")));
    }
}
