//! The commands about backups and the check of the library, and what crosses for them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sightline_engine::jobs::JobControl;
use ts_rs::TS;

use crate::{Desk, ErrorReply};

/// Asks for a backup.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct BackUp {
    /// The file to write; one that is there is replaced.
    pub file: String,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct BackedUp {
    /// The file.
    pub file: String,
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
        let bytes = self.engine.back_up(Path::new(&request.file), &JobControl::new(), &|_| {})?;
        Ok(BackedUp { file: request.file, bytes })
    }

    pub fn check_library(&self, (): ()) -> Result<LibraryCheck, ErrorReply> {
        Ok(LibraryCheck { faults: self.engine.check()?.faults })
    }
}
