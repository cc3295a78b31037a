//! The list of tags that may be proposed: a text file in the library's folder, for the user to edit.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::EngineError;

/// The list that a library begins with.
const FIRST: &str = include_str!("../../../../assets/tags.txt");
/// Bytes of a list at most; ours has a thousandth of it.
const LONGEST: u64 = 4 << 20;
/// Its name in the library's folder.
const FILE: &str = "tags.txt";

/// A tag with the words that a photo is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// As it is shown.
    pub name: String,
    /// As the model is asked, in English.
    pub phrase: String,
}

/// The list's file in a library.
pub(super) fn file(library: &Path) -> PathBuf {
    library.join(FILE)
}

/// The list's text, read from the library's folder; where it has none yet, the first list.
pub(super) fn text(library: &Path) -> Result<String, EngineError> {
    let path = file(library);
    let bad = |reason: &str| Err(EngineError::BadInput { path: path.clone(), reason: reason.into() });
    // A library may come from anybody: a pipe, or a link to a device, would be read for ever.
    match std::fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() => return bad("the list of tags is no file; remove it"),
        Ok(metadata) if metadata.len() > LONGEST => return bad("the list of tags is far too long; shorten it"),
        _ => {}
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(FIRST.into()),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            bad("the list of tags is no UTF-8 text; save it as such")
        }
        Err(source) => Err(EngineError::Io { path, source }),
    }
}

/// The tags that a library begins with.
pub(super) fn first() -> Vec<Tag> {
    parse(FIRST)
}

/// Writes the first list into the library unless it has one; gives the file.
pub(super) fn write(library: &Path) -> Result<PathBuf, EngineError> {
    let path = file(library);
    match std::fs::File::create_new(&path).and_then(|mut file| std::io::Write::write_all(&mut file, FIRST.as_bytes())) {
        Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => Err(EngineError::Io { path, source }),
        _ => Ok(path),
    }
}

/// The tags of a list, each name once, in its order.
pub(super) fn parse(text: &str) -> Vec<Tag> {
    let mut seen = HashSet::new();
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let tags = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let (name, phrase) = line.split_once('=').unwrap_or((line, line));
        Tag { name: name.trim().into(), phrase: phrase.trim().into() }
    });
    tags.filter(|tag| !tag.name.is_empty() && !tag.phrase.is_empty() && seen.insert(tag.name.to_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_tag_or_a_name_for_what_the_model_is_asked() {
        let tags =
            parse("\u{feff}# animals\n\n dog \nStrand = beach by the sea\r\nDOG\n= nothing\nno phrase =\n海滩=beach");
        let told: Vec<_> = tags.iter().map(|tag| (tag.name.as_str(), tag.phrase.as_str())).collect();
        assert_eq!(told, [("dog", "dog"), ("Strand", "beach by the sea"), ("海滩", "beach")]);
    }

    #[test]
    fn the_first_list_is_written_once_and_then_the_users() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(parse(&text(dir.path()).unwrap()), first());
        assert!(first().len() > 300);
        assert!(!file(dir.path()).exists(), "reading writes nothing");
        let path = write(dir.path()).unwrap();
        std::fs::write(&path, "dog").unwrap();
        assert_eq!(write(dir.path()).unwrap(), path);
        assert_eq!(text(dir.path()).unwrap(), "dog");
        std::fs::write(&path, b"caf\xe9").unwrap();
        assert_eq!(text(dir.path()).unwrap_err().code(), "input_wrong");
    }
}
