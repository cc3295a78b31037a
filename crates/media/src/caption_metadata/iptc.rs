//! Captions, keywords and dates of IPTC IIM 4.2 in Photoshop's image resources (Adobe Photoshop File Formats, 8BIM 0x0404).

use std::ops::Range;

use md5::{Digest, Md5};

use super::error::IptcFault;
use super::words::{name, of_person};
use super::{CaptionMetadata, RecordedPlace, Told};
use crate::dates;

/// Image resources: the IPTC data, and its MD5 sum by which programs see whether it was changed behind the XMP's back.
const IPTC: u16 = 0x0404;
const IPTC_DIGEST: u16 = 0x0425;

/// Datasets, as record and number.
const CHARSET: (u8, u8) = (1, 90);
const TITLE: (u8, u8) = (2, 5);
const HEADLINE: (u8, u8) = (2, 105);
const KEYWORD: (u8, u8) = (2, 25);
const DATE: (u8, u8) = (2, 55);
const TIME: (u8, u8) = (2, 60);
const CAPTION: (u8, u8) = (2, 120);
const CITY: (u8, u8) = (2, 90);
const SUBLOCATION: (u8, u8) = (2, 92);
const STATE: (u8, u8) = (2, 95);
const COUNTRY_CODE: (u8, u8) = (2, 100);
const COUNTRY: (u8, u8) = (2, 101);

/// ISO 2022's way of saying UTF-8.
const UTF8: &[u8] = b"\x1b%G";
/// IIM's limit for a caption, in bytes.
const LONGEST_CAPTION: usize = 2000;

/// What Windows puts where Latin-1 has control characters; readers of IPTC take it for Latin-1.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// A resource or a dataset: its name, all of it, and its value.
struct Item<Name> {
    name: Name,
    span: Range<usize>,
    value: Range<usize>,
}

/// The items that can be read, and whether that is all there is.
type Items<Name> = (Vec<Item<Name>>, bool);

fn all<Name>(data: &[u8], next: impl Fn(&[u8], usize) -> Option<Item<Name>>) -> Items<Name> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(item) = next(data, at) {
        at = item.span.end;
        found.push(item);
    }
    // Some programs fill up with zeros.
    (found, data.get(at..).is_none_or(|rest| rest.iter().all(|&byte| byte == 0)))
}

fn resource(data: &[u8], at: usize) -> Option<Item<u16>> {
    let head = data.get(at..at + 7)?;
    // Other programs sign with other letters (`PHUT`, `MeSa`); the layout is the same.
    if !head[..4].iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let name = usize::from(head[6]) + 1;
    let size = at + 6 + name + name % 2;
    let length = u32::from_be_bytes(data.get(size..size + 4)?.try_into().ok()?) as usize;
    let value = size + 4..(size + 4).checked_add(length)?;
    data.get(value.clone())?;
    let end = (value.end + length % 2).min(data.len());
    Some(Item { name: u16::from_be_bytes([head[4], head[5]]), span: at..end, value })
}

fn dataset(data: &[u8], at: usize) -> Option<Item<(u8, u8)>> {
    let head = data.get(at..at + 5)?;
    if head[0] != 0x1c {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
    let (start, length) = if length < 0x8000 {
        (at + 5, length)
    } else {
        // An extended dataset: the length of the length.
        let digits = data.get(at + 5..at + 5 + (length & 0x7fff))?;
        let length = digits.iter().try_fold(0_usize, |sum, &digit| sum.checked_mul(256)?.checked_add(digit.into()))?;
        (at + 5 + digits.len(), length)
    };
    let value = start..start.checked_add(length)?;
    data.get(value.clone())?;
    Some(Item { name: (head[1], head[2]), span: at..value.end, value })
}

/// The text of a dataset. Where no character set is declared, what is valid UTF-8 is hardly ever meant as Latin-1.
fn decode(value: &[u8]) -> String {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value
            .iter()
            .map(|&byte| match byte {
                0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
                _ => char::from(byte),
            })
            .collect(),
    };
    text.trim_end_matches('\0').to_owned()
}

/// Caption, keywords and date from Photoshop data, as far as it can be read.
pub(super) fn read(photoshop: &[u8]) -> Told {
    let (mut words, mut date, mut time) = (CaptionMetadata::default(), None, None);
    let (mut headline, mut title) = (None, None);
    let mut place = RecordedPlace::default();
    for block in all(photoshop, resource).0.iter().filter(|resource| resource.name == IPTC) {
        let iptc = &photoshop[block.value.clone()];
        for item in all(iptc, dataset).0 {
            let value = || decode(&iptc[item.value.clone()]);
            match item.name {
                CAPTION if words.caption.is_none() => words.caption = Some(value()),
                HEADLINE if headline.is_none() => headline = of_person(&value()),
                TITLE if title.is_none() => title = of_person(&value()),
                KEYWORD => words.keywords.push(value()),
                DATE if date.is_none() => date = Some(value()),
                TIME if time.is_none() => time = Some(value()),
                CITY => place.city = name(&value()),
                SUBLOCATION => place.sublocation = name(&value()),
                STATE => place.state = name(&value()),
                COUNTRY_CODE => place.country_code = name(&value()),
                COUNTRY => place.country = name(&value()),
                _ => {}
            }
        }
    }
    let taken_at = date.and_then(|date: String| dates::iptc(&date, time.as_deref()));
    let elsewhere = headline.into_iter().chain(title).collect();
    Told { words: words.normalized(), elsewhere, taken_at, place, ..Told::default() }
}

/// Datasets alone, as TIFF has them, as the resource that they are in Photoshop's data.
pub(super) fn as_resource(datasets: &[u8]) -> Vec<u8> {
    let length = u32::try_from(datasets.len()).unwrap_or(0).to_be_bytes();
    [b"8BIM".as_slice(), &IPTC.to_be_bytes(), &[0, 0], &length, datasets, &vec![0; datasets.len() % 2]].concat()
}

/// Whether there is an IPTC caption in Photoshop data.
pub(super) fn has_caption(photoshop: &[u8]) -> bool {
    let resources = all(photoshop, resource).0;
    resources.iter().any(|resource| resource.name == IPTC && holds_caption(&photoshop[resource.value.clone()]))
}

fn holds_caption(iptc: &[u8]) -> bool {
    all(iptc, dataset).0.iter().any(|item| item.name == CAPTION)
}

/// Replaces or removes the IPTC caption, and brings the MD5 sum along where it was right before.
pub(super) fn set_caption(photoshop: &[u8], caption: Option<&str>) -> Result<Vec<u8>, IptcFault> {
    let (resources, complete) = all(photoshop, resource);
    let mut blocks = resources.iter().filter(|resource| resource.name == IPTC);
    let (Some(block), None, true) = (blocks.next(), blocks.next(), complete) else { return Err(IptcFault::Damaged) };
    let old = &photoshop[block.value.clone()];
    let new = set_in_datasets(old, caption)?;
    if new == old {
        return Ok(photoshop.to_owned());
    }
    let length = u32::try_from(new.len()).map_err(|_| IptcFault::TooLarge)?.to_be_bytes();
    let padding = if new.len() % 2 == 1 { [0].as_slice() } else { &[] };
    let mut replacements =
        vec![(block.value.start - 4..block.span.end, [length.as_slice(), new.as_slice(), padding].concat())];
    for digest in resources.iter().filter(|resource| resource.name == IPTC_DIGEST) {
        if photoshop[digest.value.clone()] == *Md5::digest(old) {
            replacements.push((digest.value.clone(), Md5::digest(&new).to_vec()));
        }
    }
    Ok(splice(photoshop, replacements))
}

fn set_in_datasets(iptc: &[u8], caption: Option<&str>) -> Result<Vec<u8>, IptcFault> {
    let (datasets, complete) = all(iptc, dataset);
    if !complete {
        return Err(IptcFault::Damaged);
    }
    let mut replacements = Vec::new();
    let mut old = datasets.iter().filter(|item| item.name == CAPTION);
    let first = old.next().ok_or(IptcFault::Damaged)?;
    replacements.extend(old.map(|item| (item.span.clone(), Vec::new())));
    let Some(caption) = caption else {
        replacements.push((first.span.clone(), Vec::new()));
        return Ok(splice(iptc, replacements));
    };
    let caption = &caption[..caption.floor_char_boundary(LONGEST_CAPTION)];
    if decode(&iptc[first.value.clone()]) == caption {
        return Ok(splice(iptc, replacements));
    }
    let declared = datasets.iter().find(|item| item.name == CHARSET).map(|item| &iptc[item.value.clone()]);
    let mut others = datasets.iter().filter(|item| item.name != CAPTION && item.name != CHARSET && item.name.0 > 1);
    let value = if declared == Some(UTF8) || caption.is_ascii() {
        caption.as_bytes().to_owned()
    } else if declared.is_none() && others.all(|item| iptc[item.value.clone()].is_ascii()) {
        // Nothing else changes its meaning when the whole becomes UTF-8.
        let after = datasets.iter().take_while(|item| item.name < CHARSET).last().map_or(0, |last| last.span.end);
        replacements.push((after..after, new_dataset(CHARSET, UTF8)));
        caption.as_bytes().to_owned()
    } else {
        let latin = |letter: char| u8::try_from(letter).ok().filter(|byte| !(0x80..=0x9f).contains(byte));
        caption.chars().map(latin).collect::<Option<Vec<u8>>>().ok_or(IptcFault::Charset)?
    };
    replacements.push((first.span.clone(), new_dataset(CAPTION, &value)));
    Ok(splice(iptc, replacements))
}

fn new_dataset(name: (u8, u8), value: &[u8]) -> Vec<u8> {
    // At most LONGEST_CAPTION bytes, so the length has two digits.
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0x1c, name.0, name.1], length.as_slice(), value].concat()
}

/// `bytes` with pieces of it replaced; the pieces do not overlap.
pub(super) fn splice(bytes: &[u8], mut replacements: Vec<(Range<usize>, Vec<u8>)>) -> Vec<u8> {
    replacements.sort_by_key(|(span, _)| (span.start, span.end));
    let mut result = Vec::with_capacity(bytes.len() + 4096);
    let mut done = 0;
    for (span, new) in replacements {
        result.extend_from_slice(&bytes[done..span.start]);
        result.extend_from_slice(&new);
        done = span.end;
    }
    result.extend_from_slice(&bytes[done..]);
    result
}
