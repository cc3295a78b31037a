//! The commands about backups and the check of the library, and what crosses for them.

use serde::{Deserialize, Serialize};
use sightline_engine::jobs::JobControl;
use ts_rs::TS;

use crate::grants::{Grant, Purpose};
use crate::{Desk, ErrorReply};

/// Asks for a backup.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct BackUp {
    /// The file to write, as a person chose; one that was there then is replaced.
    pub file: Grant,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct BackedUp {
    /// Its size in bytes.
    pub bytes: u64,
}

/// What a check of the library found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LibraryCheck {
    /// What is wrong, one sentence each; none when all is well.
    pub faults: Vec<String>,
}

#[allow(missing_docs, reason = "named and documented in the list of commands and their types")]
impl Desk {
    pub fn back_up(&self, request: BackUp) -> Result<BackedUp, ErrorReply> {
        let file = self.grants.take_one(Purpose::BackUp, &request.file)?;
        Ok(BackedUp { bytes: self.engine.back_up(&file, &JobControl::new(), &|_| {})? })
    }

    pub fn check_library(&self, (): ()) -> Result<LibraryCheck, ErrorReply> {
        Ok(LibraryCheck { faults: self.engine.check()?.faults })
    }
}
