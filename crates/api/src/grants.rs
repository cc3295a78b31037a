//! What a person chose outside the page, for one use by one command.
//!
//! The page can name no file. Dialogs and drops happen in the shell, and their paths stay here; the page gets a token
//! that cannot be guessed, and the names to show. A command takes the token, once, if it was given for that command.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ErrorReply;

/// How long a choice may wait for its command.
const LIFETIME: Duration = Duration::from_secs(600);

/// A token that stands for what a person chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Grant(String);

impl Grant {
    /// 256 bits from the system's generator.
    fn new() -> Self {
        let random = rand::random::<[u8; 32]>();
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// A path of a list that the library itself gave, such as its folders: it is looked up there, and nothing else is done
/// with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KnownPath(pub String);

/// What the page learns of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Granted {
    /// For the command that it was chosen for.
    pub grant: Grant,
    /// Names of the files or folders, without the folders that they are in.
    pub names: Vec<String>,
}

/// The command that something is chosen for, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is a command")]
pub enum Purpose {
    AddFolders,
    SimilarToFile,
    ExportTable,
    ExportCopies,
    BackUp,
    RestoreBackup,
    ExportVersion,
    ImportVersion,
    ImportModel,
    ChooseLibrary,
}

impl Purpose {
    /// What is chosen for it.
    pub fn kind(self) -> ChoiceKind {
        match self {
            Self::AddFolders => ChoiceKind::Folders,
            Self::ExportCopies | Self::ImportModel | Self::ChooseLibrary => ChoiceKind::Folder,
            Self::SimilarToFile | Self::RestoreBackup | Self::ImportVersion => ChoiceKind::File,
            Self::ExportTable | Self::BackUp | Self::ExportVersion => ChoiceKind::NewFile,
        }
    }
}

/// What a dialog lets a person choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChoiceKind {
    /// Folders to read, one or more.
    Folders,
    /// A folder.
    Folder,
    /// A file to read.
    File,
    /// A file to write; the dialog asks before it gives one that is there.
    NewFile,
}

/// Choices whose command has not come yet. They live as long as the process, and no longer than ten minutes.
#[derive(Default)]
pub struct Grants {
    waiting: Mutex<Vec<Choice>>,
}

struct Choice {
    grant: Grant,
    purpose: Purpose,
    paths: Vec<PathBuf>,
    /// Whether a file to be written was there when the dialog gave it, which has then asked whether it may go.
    was_there: bool,
    chosen_at: Instant,
}

impl Grants {
    /// Keeps what a person chose; an earlier choice for the same command is dropped.
    pub fn give(&self, purpose: Purpose, paths: Vec<PathBuf>) -> Granted {
        self.give_at(purpose, paths, Instant::now())
    }

    fn give_at(&self, purpose: Purpose, paths: Vec<PathBuf>, now: Instant) -> Granted {
        let grant = Grant::new();
        let names = paths.iter().map(|path| name(path)).collect();
        let was_there = paths.iter().any(|path| is_there(path));
        let mut waiting = self.lock();
        waiting.retain(|choice| choice.purpose != purpose && !choice.is_over(now));
        waiting.push(Choice { grant: grant.clone(), purpose, paths, was_there, chosen_at: now });
        Granted { grant, names }
    }

    /// What was chosen for this command; the grant is used up.
    ///
    /// # Errors
    /// `grant_gone` for one that was never given, was given for another command, was used, or is too old;
    /// `file_appeared` when a file to be written was not there at the time of the dialog, and now is.
    pub(crate) fn take(&self, purpose: Purpose, grant: &Grant) -> Result<Vec<PathBuf>, ErrorReply> {
        self.take_at(purpose, grant, Instant::now())
    }

    /// The one file or folder that was chosen for this command.
    ///
    /// # Errors
    /// As [`Grants::take`].
    pub(crate) fn take_one(&self, purpose: Purpose, grant: &Grant) -> Result<PathBuf, ErrorReply> {
        self.take(purpose, grant)?.into_iter().next().ok_or_else(gone)
    }

    fn take_at(&self, purpose: Purpose, grant: &Grant, now: Instant) -> Result<Vec<PathBuf>, ErrorReply> {
        let mut waiting = self.lock();
        waiting.retain(|choice| !choice.is_over(now));
        let at = waiting.iter().position(|choice| choice.purpose == purpose && choice.grant == *grant);
        let choice = at.map(|at| waiting.swap_remove(at)).ok_or_else(gone)?;
        drop(waiting);
        match choice.paths.iter().find(|path| is_there(path)) {
            Some(file) if purpose.kind() == ChoiceKind::NewFile && !choice.was_there => {
                let message = format!("{}: there is such a file now; choose again", file.display());
                Err(ErrorReply::new("file_appeared", message))
            }
            _ => Ok(choice.paths),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Choice>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Choice {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.chosen_at) >= LIFETIME
    }
}

/// The same for all that is wrong with a grant: a page that guesses learns nothing.
fn gone() -> ErrorReply {
    ErrorReply::new("grant_gone", "what was chosen has been used or is too old; choose again")
}

/// Also a link that leads nowhere.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(taken: Result<Vec<PathBuf>, ErrorReply>) -> String {
        taken.unwrap_err().code
    }

    #[test]
    fn a_grant_is_used_once_and_tells_the_page_a_name_only() {
        let (grants, paths) = (Grants::default(), vec![PathBuf::from("/home/anna/Photos"), "/mnt/disk".into()]);
        let granted = grants.give(Purpose::AddFolders, paths.clone());
        assert_eq!(granted.names, ["Photos", "disk"]);
        assert!(!serde_json::to_string(&granted).unwrap().contains("anna"));
        assert_eq!(grants.take(Purpose::AddFolders, &granted.grant).unwrap(), paths);
        assert_eq!(code(grants.take(Purpose::AddFolders, &granted.grant)), "grant_gone");
    }

    #[test]
    fn a_grant_serves_no_other_command() {
        let grants = Grants::default();
        let granted = grants.give(Purpose::SimilarToFile, vec!["/home/anna/cat.jpg".into()]);
        for other in [Purpose::AddFolders, Purpose::ExportTable, Purpose::BackUp, Purpose::RestoreBackup] {
            assert_eq!(code(grants.take(other, &granted.grant)), "grant_gone", "{other:?}");
        }
        assert!(grants.take_one(Purpose::SimilarToFile, &granted.grant).is_ok(), "it waits for its own");
    }

    #[test]
    fn a_forged_grant_opens_nothing_and_no_two_are_alike() {
        let grants = Grants::default();
        let one = grants.give(Purpose::BackUp, vec!["/no/such/a.sqlite".into()]);
        let other = grants.give(Purpose::ExportTable, vec!["/no/such/a.csv".into()]);
        assert_ne!(one.grant, other.grant);
        assert_eq!(one.grant.0.len(), 64);
        let half = one.grant.0[..32].to_owned();
        let forged = ["", "0", "/no/such/a.sqlite", &half, &one.grant.0.to_uppercase(), &"0".repeat(64)];
        for forged in forged.map(|text| Grant(text.into())) {
            assert_eq!(code(grants.take(Purpose::BackUp, &forged)), "grant_gone", "{forged:?}");
        }
    }

    #[test]
    fn a_choice_ends_with_the_next_for_the_same_command_and_after_ten_minutes() {
        let (grants, start) = (Grants::default(), Instant::now());
        let folders = |at| grants.give_at(Purpose::AddFolders, vec!["/a".into()], at).grant;
        let (first, second) = (folders(start), folders(start));
        assert_eq!(code(grants.take_at(Purpose::AddFolders, &first, start)), "grant_gone");
        let other = grants.give_at(Purpose::ExportCopies, vec!["/b".into()], start).grant;
        let late = start + LIFETIME;
        assert!(grants.take_at(Purpose::AddFolders, &second, late - Duration::from_millis(1)).is_ok());
        assert_eq!(code(grants.take_at(Purpose::ExportCopies, &other, late)), "grant_gone");
    }

    #[test]
    fn a_file_that_appears_after_the_dialog_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old.csv"), folder.path().join("new.csv"));
        std::fs::write(&old, "mine").unwrap();
        let grants = Grants::default();
        let agreed = grants.give(Purpose::ExportTable, vec![old.clone()]).grant;
        assert_eq!(grants.take_one(Purpose::ExportTable, &agreed).unwrap(), old);
        let not_asked = grants.give(Purpose::ExportTable, vec![new.clone()]).grant;
        std::fs::write(&new, "mine").unwrap();
        assert_eq!(code(grants.take(Purpose::ExportTable, &not_asked)), "file_appeared");
        assert_eq!(code(grants.take(Purpose::ExportTable, &not_asked)), "grant_gone");
    }
}
