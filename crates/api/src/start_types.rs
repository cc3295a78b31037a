//! What crosses while the library is being opened, or does not open.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::grants::Grant;

/// How the start of the app stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct StartState {
    /// The library's folder.
    pub library: String,
    /// Whether the library is open for reading only.
    pub read_only: bool,
    /// What is in the way; null when the library is open.
    pub failure: Option<StartFailure>,
}

/// Why the library is not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct StartFailure {
    /// What sort of failure it is.
    pub kind: StartFailureKind,
    /// The error's code.
    pub code: String,
    /// What is wrong, naming the file.
    pub message: String,
    /// What may help, the likeliest first.
    pub ways: Vec<StartWay>,
}

/// Sorts of failures, each with its own remedies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StartFailureKind {
    /// The folder or its disk cannot be written.
    ReadOnly,
    /// The library's file is damaged, or none.
    Damaged,
    /// A later release made the library.
    Newer,
    /// An earlier release made it, and it can only be read.
    Older,
    /// Another process keeps it for itself.
    Locked,
    /// The disk is full.
    Full,
    /// The library that was chosen is not there.
    Missing,
    /// Something else.
    Other,
}

/// A way on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StartWay {
    /// Open it again.
    Retry,
    /// Open it for reading only.
    ReadOnly,
    /// Mend the library, or save what can be read of it.
    Repair,
    /// Put a backup in its place.
    Restore,
    /// Open the library in another folder, or make one there.
    Choose,
    /// Open the library in the system's usual place.
    Standard,
}

/// Another library.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ChooseLibrary {
    /// The folder that a person chose; null for the system's usual place.
    pub folder: Option<Grant>,
}

/// A backup to put in the library's place.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct RestoreBackup {
    /// The file that a person chose.
    pub file: Grant,
}

/// What a way on led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Started {
    /// How the start stands now.
    pub state: StartState,
    /// Where the library lies that was there before, after a repair or a restore.
    pub kept: Option<String>,
    /// Rows that a repair could not save.
    pub lost: u64,
    /// Whether the choice of a library lasts beyond this run.
    pub choice_lasts: bool,
}
