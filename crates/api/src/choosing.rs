//! How a person chooses files and folders: the dialog that the shell shows, and what is dropped on the window.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::grants::{ChoiceKind, Granted, Grants, Purpose};

/// Characters of a title or a name that a page may put into a dialog.
const LONGEST: usize = 100;

/// Asks a person for a file or a folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Choose {
    /// The command that it is for.
    pub purpose: Purpose,
    /// The dialog's title.
    pub title: String,
    /// What a new file is called unless the person says otherwise.
    pub name: Option<String>,
}

/// A dialog of the system's. The page says what is asked and no more: where it opens is not up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDialog {
    /// What can be chosen.
    pub kind: ChoiceKind,
    /// Its title.
    pub title: String,
    /// A name for a new file, without a folder; with an ending of `endings`.
    pub name: Option<String>,
    /// Endings of the files that are offered; none for all files.
    pub endings: &'static [&'static str],
}

impl From<Choose> for FileDialog {
    fn from(request: Choose) -> Self {
        let kind = request.purpose.kind();
        let endings: &[&str] = match request.purpose {
            Purpose::ExportTable => &["csv", "json"],
            Purpose::BackUp => &["sqlite"],
            Purpose::RestoreBackup => &["sqlite", "*"],
            Purpose::ExportVersion | Purpose::ImportVersion => &["sightline"],
            Purpose::AddFolders
            | Purpose::SimilarToFile
            | Purpose::ExportCopies
            | Purpose::ImportModel
            | Purpose::ChooseLibrary => &[],
        };
        let name = request.name.filter(|_| kind == ChoiceKind::NewFile);
        Self { kind, title: plain(&request.title), name: name.map(|name| file_name(&name, endings)), endings }
    }
}

/// Text for a dialog: one short line.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}

/// A name for a new file: in no folder, not hidden, and with one of the endings.
fn file_name(name: &str, endings: &[&str]) -> String {
    let name = plain(name.rsplit(['/', '\\', ':']).next().unwrap_or_default());
    let name = name.trim_matches(['.', ' ']);
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
    match endings.first() {
        Some(first) if !ending.is_some_and(|ending| endings.contains(&ending)) => format!("{name}.{first}"),
        _ => name.to_owned(),
    }
}

/// Files that are dragged over the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FileDrag {
    /// They are above it.
    Over,
    /// They went elsewhere.
    Leave,
    /// They were let go.
    Drop {
        /// What is not a photo, to be added.
        folders: Option<Granted>,
        /// The first photo, to compare with.
        photo: Option<Granted>,
    },
}

impl FileDrag {
    /// What a person let go over the window, granted to the commands that take it.
    pub(crate) fn dropped(paths: Vec<PathBuf>, grants: &Grants) -> Self {
        let is_photo = |path: &PathBuf| !path.is_dir() && sightline_engine::photos::has_photo_name(path);
        let (mut photos, folders): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(is_photo);
        photos.truncate(1);
        let give = |purpose, paths: Vec<PathBuf>| (!paths.is_empty()).then(|| grants.give(purpose, paths));
        Self::Drop { folders: give(Purpose::AddFolders, folders), photo: give(Purpose::SimilarToFile, photos) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(purpose: Purpose, name: &str) -> Option<String> {
        FileDialog::from(Choose { purpose, title: "Save".into(), name: Some(name.into()) }).name
    }

    #[test]
    fn a_dialog_is_offered_a_plain_name_whatever_the_page_says() {
        let table = |name| asked(Purpose::ExportTable, name).unwrap();
        assert_eq!((table("photos.csv"), table("photos.json")), ("photos.csv".into(), "photos.json".into()));
        for name in ["/home/anna/.profile", "../../.profile", "C:\\Users\\anna\\profile", ".profile", "a/b:profile"] {
            assert_eq!(table(name), "profile.csv", "{name}");
        }
        assert_eq!(table(".bashrc\n.csv"), "bashrc.csv");
        assert_eq!(asked(Purpose::BackUp, "run.sh").unwrap(), "run.sh.sqlite");
        assert_eq!(table(&"x".repeat(5000)).len(), LONGEST + ".csv".len());
        assert_eq!(asked(Purpose::AddFolders, "/etc"), None);
        let title = Choose { purpose: Purpose::AddFolders, title: "Add\u{0} \n a folder".into(), name: None };
        assert_eq!(FileDialog::from(title).title, "Add  a folder");
    }

    #[test]
    fn what_is_dropped_is_granted_as_folders_to_add_and_a_photo_to_compare_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("trip.jpg")).unwrap();
        std::fs::write(path("cat.HEIF.jpg"), "").unwrap();
        let grants = Grants::default();
        let all = vec![path("trip.jpg"), path("cat.HEIF.jpg"), path("dog.png"), path("notes.txt")];
        let FileDrag::Drop { folders: Some(folders), photo: Some(photo) } = FileDrag::dropped(all, &grants) else {
            panic!("both were dropped")
        };
        assert_eq!(
            (folders.names, photo.names),
            (vec!["trip.jpg".into(), "notes.txt".into()], vec!["cat.HEIF.jpg".into()])
        );
        assert_eq!(grants.take_one(Purpose::SimilarToFile, &photo.grant).unwrap(), path("cat.HEIF.jpg"));
        assert_eq!(grants.take(Purpose::AddFolders, &folders.grant).unwrap(), [path("trip.jpg"), path("notes.txt")]);
        assert_eq!(FileDrag::dropped(Vec::new(), &grants), FileDrag::Drop { folders: None, photo: None });
    }
}
