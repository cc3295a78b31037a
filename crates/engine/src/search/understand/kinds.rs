//! Stars, file formats and kinds of files, in words.

use std::ops::RangeInclusive;

use super::ChipMeaning;
use super::tokens::{Token, is_han};

/// Words for photos, which say that what stands before them is a kind of file.
pub(super) const PHOTOS: &[&str] = &[
    "photo",
    "photos",
    "picture",
    "pictures",
    "image",
    "images",
    "file",
    "files",
    "shot",
    "shots",
    "pic",
    "pics",
    "foto",
    "fotos",
    "bild",
    "bilder",
    "datei",
    "dateien",
    "aufnahme",
    "aufnahmen",
    "照片",
    "图片",
    "相片",
    "文件",
    "格式",
    "format",
];

/// The formats whose names have no other meaning, as the library calls them.
fn format(key: &str) -> Option<&'static str> {
    Some(match key {
        "jpg" | "jpeg" | "jpgs" | "jpegs" => "jpeg",
        "png" | "pngs" => "png",
        "webp" => "webp",
        "gif" | "gifs" => "gif",
        "bmp" => "bmp",
        "tif" | "tiff" | "tiffs" => "tiff",
        "heic" | "heif" => "heic",
        "avif" => "avif",
        "jxl" => "jxl",
        _ => return None,
    })
}

/// What the tokens at `at` say about the kind of a file or its stars, and how many they are.
pub(super) fn read(tokens: &[Token<'_>], at: usize) -> Option<(usize, ChipMeaning)> {
    let with_photos = |length: usize| {
        let is_followed = tokens.get(at + length).is_some_and(|token| token.is_any(PHOTOS));
        length + usize::from(is_followed)
    };
    let token = tokens.get(at)?;
    if let Some(stars) = stars(tokens, at) {
        return Some(stars);
    }
    if let Some(format) = format(&token.key) {
        return Some((with_photos(1), ChipMeaning::Format { format: format.to_owned() }));
    }
    if token.is_any(SCREENSHOTS) {
        return Some((1, ChipMeaning::Screenshots));
    }
    if token.is_any(&["screen"]) && tokens.get(at + 1).is_some_and(|next| next.is_any(&["shots"])) {
        return Some((2, ChipMeaning::Screenshots));
    }
    // Meat and fish are raw as well.
    if token.is_any(&["raw", "raws"]) && (with_photos(1) == 2 || token.word == "RAW" || token.key == "raws") {
        return Some((with_photos(1), ChipMeaning::Raw));
    }
    None
}

const SCREENSHOTS: &[&str] = &[
    "screenshot",
    "screenshots",
    "bildschirmfoto",
    "bildschirmfotos",
    "bildschirmaufnahme",
    "bildschirmaufnahmen",
    "截图",
    "截屏",
    "屏幕截图",
    "屏幕快照",
    "screengrabs",
];

/// Whether a file is a picture of a screen, by the names that systems give such files and their folders.
pub(in crate::search) fn is_screenshot(path: &std::path::Path) -> bool {
    const NAMES: &[&str] = &[
        "screenshot",
        "screen shot",
        "screen_shot",
        "bildschirmfoto",
        "bildschirmaufnahme",
        "截图",
        "截屏",
        "屏幕截图",
        "屏幕快照",
    ];
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let folder = path.parent().and_then(|folder| folder.file_name());
    let folder = folder.map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    NAMES.iter().any(|known| name.contains(known)) || ["screenshots", "bildschirmfotos", "截图"].contains(&&*folder)
}

/// Stars from 1 to 5 in digits; only of five is the word certain, as two or three may be in the sky.
fn count(key: &str) -> Option<i8> {
    match key {
        "five" | "funf" | "五" => Some(5),
        _ => key.parse().ok().filter(|stars| (1..=5).contains(stars) && key.len() == 1),
    }
}

/// `5 stars`, `at least 4 stars`, `4+ stars`, `4 or more stars`, `★★★★`, `4 Sterne`, `五星`, `4星以上`.
fn stars(tokens: &[Token<'_>], at: usize) -> Option<(usize, ChipMeaning)> {
    let is = |at: usize, words: &[&str]| tokens.get(at).is_some_and(|token| token.is_any(words));
    let of = |length: usize, stars: RangeInclusive<i8>| {
        Some((length, ChipMeaning::Stars { least: *stars.start(), most: *stars.end() }))
    };
    let word = tokens.get(at)?.word;
    if !word.is_empty() && word.chars().all(|letter| matches!(letter, '\u{2605}' | '\u{2b50}' | '\u{fe0f}')) {
        let shown = word.chars().filter(|letter| *letter != '\u{fe0f}').count();
        let stars = i8::try_from(shown).ok().filter(|stars| *stars <= 5)?;
        return of(1, stars..=stars);
    }
    let mut next = at;
    let mut more = false;
    if is(at, &["at"]) && is(at + 1, &["least"]) {
        (next, more) = (at + 2, true);
    } else if is(at, &["mindestens", "min", "ab", "至少"]) {
        (next, more) = (at + 1, true);
    }
    let number = tokens.get(next)?;
    let stars = count(&number.key)?;
    let is_number_only = number.word.trim_end_matches(['+', '\u{2605}']).parse::<i8>().is_ok();
    if is_number_only && number.word.ends_with('\u{2605}') {
        return of(next + 1 - at, if more { stars..=5 } else { stars..=stars });
    }
    more |= is_number_only && number.word.ends_with('+');
    next += 1;
    if is(next, &["or"]) && is(next + 1, &["more"]) || is(next, &["oder"]) && is(next + 1, &["mehr"]) {
        (next, more) = (next + 2, true);
    }
    let singular = is(next, &["star", "stern"]) && (stars == 1 || is(next + 1, PHOTOS));
    if is(next, &["星", "星级", "颗星"]) {
        next += 1;
        if is(next, &["以上", "及以上"]) {
            return of(next + 1 - at, stars..=5);
        }
        // A flag has five stars, and so has a hotel.
        let goes_on = tokens.get(next).filter(|token| token.is_glued && token.word.starts_with(is_han));
        let is_certain = goes_on.is_none_or(|token| token.is_any(PHOTOS) || token.is_any(&["的"]));
        return if is_certain { of(next - at, if more { stars..=5 } else { stars..=stars }) } else { None };
    }
    if !singular && !is(next, &["stars", "sterne", "sternen"]) {
        return None;
    }
    next += 1;
    if is(next, &["or", "and"]) && is(next + 1, &["more", "up", "above", "better"])
        || is(next, &["oder", "und"]) && is(next + 1, &["mehr", "besser"])
    {
        (next, more) = (next + 2, true);
    }
    of(next - at, if more { stars..=5 } else { stars..=stars })
}
