//! What crosses about duplicates.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How the files of a group are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateKind {
    /// The very same content.
    Exact,
    /// They look alike.
    Near,
}

/// Why another file of the group is better; the first in which they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    /// It has more pixels.
    Pixels,
    /// It is of a format that cameras make.
    Format,
    /// It has more stars.
    Rating,
    /// It has a sidecar.
    Sidecar,
    /// It is compressed less.
    Compression,
    /// It names its camera.
    Camera,
    /// It has a date.
    Date,
    /// It is not called or filed as a copy.
    Place,
    /// It is in more albums, or has words of a person's.
    Albums,
    /// It has lain unchanged for longer.
    Age,
    /// Nothing tells them apart.
    Tie,
}

/// A file by the numbers of its photo and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PlaceNumber {
    /// The photo.
    pub photo: i64,
    /// The place.
    pub location: i64,
}

/// A file of a group.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct DuplicateFile {
    /// What to call it by.
    pub place: PlaceNumber,
    /// Its name.
    pub name: String,
    /// The folder that it is in.
    pub folder: String,
    /// Where the files lie that belong to it and go where it goes: its raw file, its film.
    pub companions: Vec<String>,
    /// Its size in bytes, with that of its companions.
    pub size_bytes: u64,
    /// When it was last changed, in seconds since 1970.
    pub modified_at: i64,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// Its format, in lower case.
    pub format: String,
    /// When it was taken, local time.
    pub taken_at: Option<String>,
    /// The camera's name.
    pub camera: Option<String>,
    /// Albums that the photo is in.
    pub albums: usize,
    /// Why another file is better; null for the best.
    pub why_not: Option<WhyNot>,
}

/// Files of one picture.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct DuplicateGroup {
    /// How they are alike.
    pub kind: DuplicateKind,
    /// Its photos, by which it is known.
    pub photos: Vec<i64>,
    /// Its files, the best first.
    pub files: Vec<DuplicateFile>,
    /// What is freed when only the best is kept.
    pub freed_bytes: u64,
}

/// Asks for the duplicates that were last found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
pub struct DuplicatesRequest {
    /// Groups at most.
    pub limit: usize,
}

/// The duplicates that were last found, and what was moved last.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Duplicates {
    /// Whether they were looked for since the app was started.
    pub looked: bool,
    /// All groups.
    pub count: usize,
    /// Bytes that keeping the best of all groups would free.
    pub freed_bytes: u64,
    /// The groups, those that free most first.
    pub groups: Vec<DuplicateGroup>,
    /// Files that could be taken out of the trash again.
    pub undoable: u64,
}

/// Photos of a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct NoDuplicates {
    /// The group's photos.
    pub photos: Vec<i64>,
    /// Whether this takes back that they are no duplicates.
    pub undo: bool,
}

/// A file that stays, and those that go in its favour.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct KeepOne {
    /// The file that stays.
    pub kept: PlaceNumber,
    /// The files that go.
    pub gone: Vec<PlaceNumber>,
}

/// Moves files to the trash.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct TrashDuplicates {
    /// One of each group stays.
    pub groups: Vec<KeepOne>,
}

/// What came back out of the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct TrashUndone {
    /// Files that lie again where they lay.
    pub back: usize,
    /// Why the others do not, in sentences that name them.
    pub failed: Vec<String>,
}
