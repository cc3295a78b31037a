//! The published checkpoints that Sightline knows: where they are, what their files must be, under which licence.
//!
//! Data only (`published.toml`). Nothing here opens a connection or a file of a checkpoint.

#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Deserialize;

use crate::plain_file::read_plain;
use crate::{ModelInfo, VlmError};

/// Longest list that is read: this version's own has some kilobytes.
const MOST_BYTES: u64 = 4 << 20;

/// A published checkpoint, of which Sightline makes a pack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedPack {
    /// What people call it here.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// How its files are laid out.
    pub layout: Layout,
    /// Whether it may be offered: this version can load it, and its licence is stated.
    pub offered: bool,
    /// One line for people.
    pub summary: String,
    /// Languages that it understands, for people.
    pub languages: String,
    /// Length of its embeddings; 0 for one that has none.
    #[serde(default)]
    pub dims: usize,
    /// The repository, `owner/name`.
    pub repository: String,
    /// The commit, 40 hex digits.
    pub revision: String,
    /// Its licence; `None` where none is stated.
    pub licence: Option<Licence>,
    /// Its files, small ones first.
    pub files: Vec<PublishedFile>,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Photos and sentences in one space.
    Search,
    /// Describing photos.
    Captions,
    /// Answering questions about photos.
    Questions,
    /// Both of these.
    CaptionsAndQuestions,
}

impl Purpose {
    /// Whether it describes photos, and does not search.
    pub fn captions(self) -> bool {
        matches!(self, Self::Captions | Self::CaptionsAndQuestions)
    }

    /// Whether it answers questions.
    pub fn answers(self) -> bool {
        matches!(self, Self::Questions | Self::CaptionsAndQuestions)
    }

    /// What it is for, in words that programs may act on.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Search => &["search"],
            Self::Captions => &["captions"],
            Self::Questions => &["questions"],
            Self::CaptionsAndQuestions => &["captions", "questions"],
        }
    }
}

impl ModelInfo {
    /// What a model is for.
    pub fn purpose(&self) -> Purpose {
        let Some(config) = &self.image_to_text else { return Purpose::Search };
        match (config.captions(), config.answers()) {
            (true, true) => Purpose::CaptionsAndQuestions,
            (false, true) => Purpose::Questions,
            _ => Purpose::Captions,
        }
    }
}

/// How a checkpoint's files are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// CLIP as transformers saves it.
    Clip,
    /// CLIP as open_clip saves it.
    OpenClip,
    /// SigLIP or SigLIP2 of a fixed resolution.
    Siglip,
    /// Chinese-CLIP.
    ChineseClip,
    /// BLIP as transformers saves it, to describe or to answer.
    Blip,
    /// Idefics3 as transformers saves it: SmolVLM.
    Idefics3,
    /// A folder with `model.toml`, as Sightline itself uses it.
    Pack,
}

/// A licence.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Its SPDX name.
    pub name: String,
    /// Where its text is.
    pub url: String,
}

/// A file of a published checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedFile {
    /// Its path in the repository, with `/`.
    pub path: String,
    /// Its exact size, where that is known.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// A size to plan by, where the exact one is not known.
    #[serde(default)]
    about: Option<u64>,
    /// More bytes are never taken, where the exact size is not known.
    #[serde(default)]
    at_most: Option<u64>,
    /// Its SHA-256 in lower-case hex, where that is known.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Whether the checkpoint is of no use without it.
    #[serde(default = "yes")]
    pub required: bool,
}

fn yes() -> bool {
    true
}

impl PublishedFile {
    /// The name under which it is kept: the last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it holds weights.
    pub fn is_weights(&self) -> bool {
        [".safetensors", ".bin"].iter().any(|end| self.name().ends_with(end))
    }

    /// More bytes than this are never taken.
    pub fn at_most(&self) -> u64 {
        self.bytes.or(self.at_most).unwrap_or(0)
    }

    /// A size to plan by.
    pub fn about_bytes(&self) -> u64 {
        self.bytes.or(self.about).unwrap_or(0)
    }
}

impl PublishedPack {
    /// Whether its weights take twice the space that a pack takes.
    fn halves(&self) -> bool {
        // SmolVLM's are published in half precision.
        !matches!(self.layout, Layout::Pack | Layout::Idefics3)
    }

    /// About how many bytes there are to fetch.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(PublishedFile::about_bytes).sum()
    }

    /// About how many bytes the pack takes on the disk: weights are kept in half precision, the rest as it is.
    pub fn bytes_on_disk(&self) -> u64 {
        let halved = |file: &PublishedFile| match file.is_weights() && self.halves() {
            true => file.about_bytes() / 2,
            false => file.about_bytes(),
        };
        self.files.iter().map(halved).sum()
    }
}

/// The packs that this version knows.
pub fn published() -> Vec<PublishedPack> {
    parse(include_str!("published.toml")).expect("a test reads it")
}

/// The packs of another list of the same form.
///
/// # Errors
/// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadInfo`].
pub fn published_in(file: &Path) -> Result<Vec<PublishedPack>, VlmError> {
    let bad = |reason: String| VlmError::BadInfo { path: file.into(), reason };
    let bytes = read_plain(file, MOST_BYTES).map_err(|unread| unread.error(file, |_, reason| bad(reason)))?;
    let text = String::from_utf8(bytes).map_err(|_| bad("it is not text".into()))?;
    parse(&text).map_err(bad)
}

fn parse(text: &str) -> Result<Vec<PublishedPack>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct List {
        pack: Vec<PublishedPack>,
    }
    let list: List = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    for pack in &list.pack {
        if let Some(what) = fault(pack) {
            return Err(format!("{}: {what}", pack.name));
        }
    }
    Ok(list.pack)
}

/// Whether a folder of packs may have a pack of this name: lower-case letters, digits and dashes.
pub fn is_pack_name(name: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-') && !is_device_name(name)
}

/// Names that Windows keeps for devices.
fn is_device_name(name: &str) -> bool {
    let numbered = |prefix: &str| name.strip_prefix(prefix).is_some_and(|n| n.len() == 1);
    ["con", "prn", "aux", "nul"].contains(&name) || numbered("com") || numbered("lpt")
}

/// What is wrong with an entry, if anything is: its names become parts of addresses and files.
fn fault(pack: &PublishedPack) -> Option<&'static str> {
    let hex = |text: &str, length| text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
    let mut names: Vec<&str> = pack.files.iter().map(PublishedFile::name).collect();
    names.sort_unstable();
    match pack {
        _ if !is_pack_name(&pack.name) => Some("a name is of lower-case letters, digits and dashes"),
        _ if pack.repository.split('/').count() != 2 || !pack.repository.split('/').all(part) => {
            Some("a repository is owner/name")
        }
        _ if !hex(&pack.revision, 40) => Some("a revision is a commit"),
        _ if pack.offered && pack.licence.is_none() => Some("without a licence it is not offered"),
        _ if pack.files.is_empty() || names.windows(2).any(|two| two[0] == two[1]) => Some("two files have one name"),
        _ if !pack.files.iter().all(|file| file.path.split('/').all(part)) => Some("a path has odd letters"),
        _ if !pack.files.iter().all(|file| file.sha256.as_ref().is_none_or(|digest| hex(digest, 64))) => {
            Some("a digest has 64 hex digits")
        }
        _ if pack.files.iter().any(|file| file.at_most() == 0) => Some("a file has no largest size"),
        _ => None,
    }
}
