//! Names that the library itself knows: places, folders, albums, cameras and files.
//!
//! A name that is also a word with which people describe photos stays a word: Nice, Orange and a folder "dogs" are not
//! certain. `in:` takes them all.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use sightline_catalog::{AlbumId, Inside, fold_name};

use super::ChipMeaning;
use super::tokens::{Token, is_han};

/// Words of at least three captions of photos in English, two in German, pairs of letters of five in Chinese
/// (Flickr8k), and what else is both a name and a word; folded.
static DESCRIBING: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("describing.txt").lines().filter(|word| !word.is_empty()).collect());

/// Words that a name has at most.
const LONGEST: usize = 8;
/// Words before a place that make a word with a capital letter its name, as capital letters do with several words.
const BEFORE_PLACES: &[&str] = &["in", "from", "near", "aus", "nach", "bei"];
/// Words before a thing that a photo shows, such as "an iphone".
const ARTICLES: &[&str] = &["a", "an", "his", "her", "my", "ein", "eine", "einem", "sein"];

/// What a library has names for.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Places, folded.
    pub places: HashSet<String>,
    /// Folders, by their folded names.
    pub folders: Arc<HashMap<String, Vec<PathBuf>>>,
    /// Albums, by their folded names.
    pub albums: HashMap<String, (AlbumId, String)>,
    /// Cameras.
    pub cameras: Vec<String>,
}

/// Whether a folded name may be a word that describes a photo.
fn describes(key: &str) -> bool {
    if key.starts_with(is_han) {
        let letters: Vec<char> = key.chars().collect();
        return letters.windows(2).all(|pair| DESCRIBING.contains(pair.iter().collect::<String>().as_str()));
    }
    key.split(' ').all(|word| word.len() < 3 || DESCRIBING.contains(word))
}

/// Whether a name is long enough to be certain, and no number.
fn is_certain(key: &str) -> bool {
    let letters = key.chars().filter(|letter| letter.is_alphabetic()).count();
    if key.starts_with(is_han) { letters >= 2 } else { letters >= 3 || key == "uk" }
}

/// The folded name that some tokens are as they were typed.
fn name_of(query: &str, tokens: &[Token<'_>]) -> String {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => fold_name(&query[first.place.start..last.place.end]),
        _ => String::new(),
    }
}

/// The place, album or folder whose name the tokens at `at` are, and how many they are; the longest name counts.
pub(super) fn read(query: &str, tokens: &[Token<'_>], at: usize, known: &Known) -> Option<(usize, ChipMeaning)> {
    let most = LONGEST.min(tokens.len() - at);
    for length in (1..=most).rev() {
        let some = &tokens[at..at + length];
        // A sign between words, as in "Anna & Tom", is no word, and no name begins or ends with one.
        let is_bare = |token: Option<&Token<'_>>| token.is_none_or(|token| token.key.is_empty());
        if some[1..].iter().any(|token| token.is_apart) || is_bare(some.first()) || is_bare(some.last()) {
            continue;
        }
        let key = name_of(query, some);
        if !is_certain(&key) {
            continue;
        }
        let is_place = known.places.contains(&key);
        let folders = known.folders.get(&key).cloned().unwrap_or_default();
        let album = known.albums.get(&key);
        if !is_place && folders.is_empty() && album.is_none() {
            continue;
        }
        let is_capital = some.iter().all(|token| token.word.starts_with(char::is_uppercase));
        let is_after = length > 1 || at > 0 && tokens[at - 1].is_any(BEFORE_PLACES);
        let placed = is_place && is_capital && is_after;
        if describes(&key) && !placed {
            continue;
        }
        let typed = query[some[0].place.start..some[length - 1].place.end].to_owned();
        let inside = Inside {
            folders,
            place: if is_place { key } else { String::new() },
            unfinished: false,
            album: album.map(|(id, _)| *id),
        };
        return Some((
            length,
            match (is_place, album) {
                (true, _) => ChipMeaning::Place { name: typed, inside },
                (false, Some((_, name))) => ChipMeaning::Album { name: name.clone(), inside },
                (false, None) => ChipMeaning::Folder { name: typed, inside },
            },
        ));
    }
    None
}

/// The camera that the tokens at `at` name, wholly or in part, and how many they are.
pub(super) fn camera(query: &str, tokens: &[Token<'_>], at: usize, known: &Known) -> Option<(usize, ChipMeaning)> {
    if at > 0 && tokens[at - 1].is_any(ARTICLES) {
        return None;
    }
    for length in (1..=LONGEST.min(tokens.len() - at)).rev() {
        let some = &tokens[at..at + length];
        if some[1..].iter().any(|token| token.is_apart) {
            continue;
        }
        let key = name_of(query, some);
        let has_letter = key.chars().any(char::is_alphabetic);
        let long_enough = key.len() >= 3 || key.len() == 2 && key.chars().any(|letter| letter.is_ascii_digit());
        let is_name = key.split(' ').any(|word| !describes(word));
        if !has_letter || !long_enough || !is_name {
            continue;
        }
        let typed = &query[some[0].place.start..some[length - 1].place.end];
        let padded = format!(" {key} ");
        let of_camera = |camera: &&String| {
            format!(" {} ", fold_name(camera)).contains(&padded)
                && camera.to_lowercase().contains(&typed.to_lowercase())
        };
        if known.cameras.iter().any(|camera| of_camera(&camera)) {
            return Some((length, ChipMeaning::Camera { name: typed.to_owned() }));
        }
    }
    None
}

/// Whether a word can be a file's name, or part of one: it ends like one, or has a number such as cameras give.
pub(super) fn can_be_file(word: &str) -> bool {
    let digits = word.split(|letter: char| !letter.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    let has_letter = word.chars().any(char::is_alphabetic);
    let is_date = word.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '-' | '.' | '/'));
    let ending = word.rsplit_once('.').map(|(name, ending)| (name, ending.to_ascii_lowercase()));
    let ends = ending.is_some_and(|(name, ending)| {
        !name.is_empty() && sightline_media::is_named_as_photo(std::path::Path::new(&format!("x.{ending}")))
    });
    ends || digits >= 3 && !is_date && (has_letter || word.contains('_'))
}
