//! Whose turn it is: of all processes that have a library open, one at a time does work of a kind.
//!
//! The system drops the lock with its process, however that ends; the name of the process that has it lies in a file
//! of its own, as some systems let nobody read a locked one. Both lie in the library's folder: see [`plain`].

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::PathBuf;

use crate::{Catalog, CatalogError, plain};

/// Digits that the number of a process has at most.
const LONGEST_NUMBER: u64 = 20;

/// The turn at a kind of work; dropping it lets the next process go on.
#[derive(Debug)]
pub struct Turn {
    /// None on a disk without locks.
    _lock: Option<File>,
}

impl Catalog {
    /// Takes the turn at work of `kind`, a word; `None` when another has it.
    ///
    /// # Errors
    /// When the library's folder cannot be written.
    pub fn take_turn(&self, kind: &str) -> Result<Option<Turn>, CatalogError> {
        let path = self.turn_file(kind, "lock");
        let lock = plain::open_lock(&path, self.rights())?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Ok(()) => {}
            // A file system without locks: as good as nobody else.
            Err(TryLockError::Error(_)) => return Ok(Some(Turn { _lock: None })),
        }
        let name = self.turn_file(kind, "process");
        let fail = |error| CatalogError::io(&name, error);
        // In the place of what has the name, whatever that is.
        let mut new = tempfile::Builder::new().prefix(".turn-").tempfile_in(self.dir()).map_err(fail)?;
        write!(new, "{}", std::process::id()).map_err(fail)?;
        self.rights().give(new.as_file());
        new.persist(&name).map_err(|error| fail(error.error))?;
        Ok(Some(Turn { _lock: Some(lock) }))
    }

    /// The number of the process that took the turn at work of `kind` last.
    pub fn turn_of(&self, kind: &str) -> Option<u32> {
        let file = plain::open(&self.turn_file(kind, "process")).ok()?;
        let mut number = String::new();
        file.take(LONGEST_NUMBER).read_to_string(&mut number).ok()?;
        number.parse().ok()
    }

    fn turn_file(&self, kind: &str, extension: &str) -> PathBuf {
        self.dir().join(format!("turn-{kind}.{extension}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::Catalog;

    #[test]
    fn one_has_the_turn_until_it_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (Catalog::open(dir.path()).unwrap(), Catalog::open(dir.path()).unwrap());
        let turn = first.take_turn("index").unwrap().expect("nobody has it");
        assert!(second.take_turn("index").unwrap().is_none());
        assert_eq!(second.turn_of("index"), Some(std::process::id()));
        assert!(second.take_turn("caption").unwrap().is_some(), "other work goes on");
        drop(turn);
        assert!(second.take_turn("index").unwrap().is_some());
    }
}
