//! What tells this user's installation from others: a secret that their jobs are marked with.

use std::io::{Read, Write};
use std::path::Path;

use sightline_catalog::Installation;

/// Name of the secret's file.
const SECRET: &str = "installation.key";

/// The secret in the folder of this user's settings, made at its first use. It lies in no library: who gets a copy of a
/// library does not get it. `None` where it cannot be written.
pub(crate) fn installation(folder: &Path) -> Option<Installation> {
    let file = folder.join(SECRET);
    let read = || -> Option<Installation> {
        let mut secret = [0; 32];
        std::fs::File::open(&file).ok()?.read_exact(&mut secret).ok()?;
        Some(Installation(secret))
    };
    read().or_else(|| {
        std::fs::create_dir_all(folder).ok()?;
        // For its owner alone, and whole or not at all; another process may be quicker.
        let mut new = tempfile::NamedTempFile::new_in(folder).ok()?;
        new.write_all(&rand::random::<[u8; 32]>()).ok()?;
        new.persist_noclobber(&file).ok();
        read()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_keeps_its_secret_and_another_has_another() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = one.path().join("config/sightline");
        let secret = installation(&folder).unwrap();
        assert_eq!(installation(&folder), Some(secret.clone()));
        assert_ne!(installation(other.path()), Some(secret));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = folder.join(SECRET).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // A place that cannot be written.
        assert_eq!(installation(Path::new("/proc/no such folder")), None);
    }
}
