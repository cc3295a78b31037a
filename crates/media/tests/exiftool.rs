//! What the corpus of odd photos says, read here and by exiftool.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sightline_media::{DateSource, Facts, is_same_moment};

/// Files of which exiftool says something else, and why; `*` stands for the rest of a name.
const EXPLAINED: &[(&str, &str, &str)] = &[
    ("exif/PaintTool_sample.jpg", "caption", "a checksum: no person wrote it"),
    ("exif/sanyo-vpcsx550.jpg", "caption", "the camera wrote it"),
    ("jpeg/Konica Q-M100 (2).jpg", "caption", "the camera wrote it: the file's name on its card"),
    ("jpeg/Olympus C860L.jpg", "caption", "the camera wrote it"),
    ("exif/Nikon_D70.jpg", "offset", "XMP gives the zone of the same moment"),
    ("exif/Pentax_K10D.jpg", "offset", "XMP gives the zone of the same moment"),
    ("jpeg/Issue 600 (2).jpg", "date", "another date follows in the same text: the first counts"),
    ("tiff/m2-63c8b14ea08a18c884d05a3431716047.tif", "date", "exiftool gives its damaged directory up before the date"),
];

/// Where words of a person may stand, the first of which counts: captions, then texts that are less than one.
const WORDS: [&str; 16] = [
    "XMP-dc:Description",
    "IPTC:Caption-Abstract",
    "IFD0:ImageDescription",
    "ExifIFD:UserComment",
    "IFD0:XPComment",
    "IFD0:XPSubject",
    "IFD0:XPTitle",
    "XMP-dc:Title",
    "XMP-photoshop:Headline",
    "XMP-tiff:ImageDescription",
    "XMP-exif:UserComment",
    "IPTC:Headline",
    "IPTC:ObjectName",
    "PNG:Description",
    "PNG:Comment",
    "PNG:Title",
];

/// The folder of odd photos that is beside a development checkout.
fn corpus() -> PathBuf {
    let shared = std::env::var_os("SIGHTLINE_SHARED").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    shared.unwrap_or_else(beside).join("corpus")
}

/// What exiftool prints of every photo, by its path.
fn exiftool(folder: &Path) -> Option<BTreeMap<PathBuf, Value>> {
    let tags = [
        "ExifIFD:DateTimeOriginal",
        "ExifIFD:SubSecTimeOriginal",
        "ExifIFD:OffsetTimeOriginal",
        "ExifIFD:CreateDate",
        "ExifIFD:SubSecTimeDigitized",
        "ExifIFD:OffsetTimeDigitized",
        "IFD0:ModifyDate",
        "ExifIFD:SubSecTime",
        "ExifIFD:OffsetTime",
        "XMP-exif:DateTimeOriginal",
        "XMP-photoshop:DateCreated",
        "XMP-xmp:CreateDate",
        "IPTC:DateCreated",
        "IPTC:TimeCreated",
        "XMP-xmp:Rating",
        "IFD0:Rating",
        "IFD0:RatingPercent",
        "GPS:GPSLatitude",
        "GPS:GPSLatitudeRef",
        "GPS:GPSLongitude",
        "GPS:GPSLongitudeRef",
        "XMP-exif:GPSLatitude",
        "XMP-exif:GPSLongitude",
        "XMP-dc:Subject",
        "IPTC:Keywords",
    ];
    let tags = tags.into_iter().chain(WORDS);
    let tags: Vec<_> = tags.map(|tag| format!("-{tag}")).collect();
    let output = Command::new("exiftool")
        .args(["-r", "-ext", "*", "-j", "-n", "-G1", "-struct"])
        .args(tags)
        .arg(folder)
        .output()
        .ok()?;
    let list: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    Some(list.into_iter().map(|entry| (PathBuf::from(entry["SourceFile"].as_str().unwrap()), entry)).collect())
}

fn text(entry: &Value, tag: &str) -> Option<String> {
    let text = match &entry[tag] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0').to_owned())
        .filter(|t| !t.is_empty())
}

fn list(entry: &Value, tag: &str) -> Vec<String> {
    match &entry[tag] {
        Value::Array(items) => items.iter().map(|item| item.as_str().map_or(item.to_string(), str::to_owned)).collect(),
        _ => text(entry, tag).into_iter().collect(),
    }
}

/// `YYYY:MM:DD HH:MM:SS...` as it is written here; none for clocks that were not set.
fn moment(text: &str) -> Option<String> {
    let (date, time) = text.split_once(' ').unwrap_or((text, ""));
    let date = date.replace(':', "-");
    let set = date.bytes().any(|byte| byte.is_ascii_digit() && byte != b'0');
    set.then(|| if time.is_empty() { date } else { format!("{date}T{time}") })
}

/// The date by the order of trust, with the offset of its own tag.
fn date(entry: &Value) -> Option<(String, DateSource)> {
    let with_offset = |date: &str, offset: &str| {
        let date = text(entry, date).and_then(|date| moment(&date))?;
        Some(date + &text(entry, offset).unwrap_or_default())
    };
    let xmp = |tag: &str| Some((text(entry, tag).and_then(|date| moment(&date))?, DateSource::Xmp));
    let exif = |date, offset| Some((with_offset(date, offset)?, DateSource::Exif));
    let iptc = || {
        let (date, time) = (text(entry, "IPTC:DateCreated")?, text(entry, "IPTC:TimeCreated").unwrap_or_default());
        Some((moment(format!("{date} {time}").trim())?, DateSource::Iptc))
    };
    exif("ExifIFD:DateTimeOriginal", "ExifIFD:OffsetTimeOriginal")
        .or_else(|| exif("ExifIFD:CreateDate", "ExifIFD:OffsetTimeDigitized"))
        .or_else(|| xmp("XMP-exif:DateTimeOriginal"))
        .or_else(|| xmp("XMP-photoshop:DateCreated"))
        .or_else(|| xmp("XMP-xmp:CreateDate"))
        .or_else(iptc)
        .or_else(|| exif("IFD0:ModifyDate", "ExifIFD:OffsetTime"))
}

fn offset(date: &str) -> Option<&str> {
    date.get(19..).and_then(|rest| rest.find(['+', '-', 'Z']).map(|at| &rest[at..]))
}

fn number(entry: &Value, tag: &str) -> Option<f64> {
    text(entry, tag)?.parse().ok()
}

fn position(entry: &Value) -> Option<(f64, f64)> {
    let side =
        |value: f64, tag: &str| if matches!(text(entry, tag).as_deref(), Some("S" | "W")) { -value } else { value };
    let exif = || {
        let latitude = side(number(entry, "GPS:GPSLatitude")?, "GPS:GPSLatitudeRef");
        Some((latitude, side(number(entry, "GPS:GPSLongitude")?, "GPS:GPSLongitudeRef")))
    };
    let xmp = || Some((number(entry, "XMP-exif:GPSLatitude")?, number(entry, "XMP-exif:GPSLongitude")?));
    exif().or_else(xmp).filter(|position| *position != (0.0, 0.0))
}

/// Names of the facts that differ, with both readings.
fn differences(entry: &Value, facts: &Facts) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut compare = |name, same: bool, ours: String, theirs: String| {
        if !same {
            found.push((name, format!("{ours} here, {theirs} there")));
        }
    };
    let (ours, theirs) = (facts.taken_at.clone().filter(|(_, source)| *source != DateSource::Name), date(entry));
    let same = match (&ours, &theirs) {
        (Some((one, source)), Some((other, other_source))) => is_same_moment(one, other) && source == other_source,
        (None, None) => true,
        _ => false,
    };
    compare("date", same, format!("{ours:?}"), format!("{theirs:?}"));
    if let (true, Some((one, _)), Some((other, _))) = (same, &ours, &theirs) {
        let zone = |date: &str| offset(date).map(|zone| if zone == "Z" { "+00:00".into() } else { zone.to_owned() });
        compare("offset", zone(one) == zone(other), one.clone(), other.clone());
    }
    let rating = number(entry, "XMP-xmp:Rating").or(number(entry, "IFD0:Rating")).map(|stars| stars.round() as i8);
    compare("rating", facts.rating == rating, format!("{:?}", facts.rating), format!("{rating:?}"));
    let theirs = position(entry);
    let near = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() < 1e-5 && (b - d).abs() < 1e-5;
    let same = facts.position.is_none() == theirs.is_none()
        && facts.position.zip(theirs).is_none_or(|(one, other)| near(one, other));
    compare("position", same, format!("{:?}", facts.position), format!("{theirs:?}"));
    let xmp = list(entry, "XMP-dc:Subject");
    let theirs = if xmp.is_empty() { list(entry, "IPTC:Keywords") } else { xmp };
    compare("keywords", facts.words.keywords == theirs, format!("{:?}", facts.words.keywords), format!("{theirs:?}"));
    let theirs = WORDS.iter().find_map(|tag| text(entry, tag));
    let ours = facts.words.caption.as_deref().map(str::trim);
    compare("caption", ours == theirs.as_deref(), format!("{ours:?}"), format!("{theirs:?}"));
    found
}

#[test]
fn the_corpus_says_what_exiftool_says() {
    let folder = corpus();
    let Some(entries) = folder.is_dir().then(|| exiftool(&folder)).flatten() else {
        eprintln!("SKIPPED: no exiftool, or no photos in {}", folder.display());
        return;
    };
    let (mut compared, mut said, mut unexplained) = (0, BTreeMap::<&str, usize>::new(), Vec::new());
    let mut unused: Vec<_> = EXPLAINED.iter().map(|(file, fact, _)| (*file, *fact)).collect();
    for (path, entry) in &entries {
        let Ok(facts) = Facts::read(path) else { continue };
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        compared += 1;
        for (fact, there) in [
            ("date", facts.taken_at.is_some()),
            ("rating", facts.rating.is_some()),
            ("position", facts.position.is_some()),
            ("keywords", !facts.words.keywords.is_empty()),
            ("caption", facts.words.caption.is_some()),
        ] {
            *said.entry(fact).or_default() += usize::from(there);
        }
        for (fact, how) in differences(entry, &facts) {
            let explains = |(file, about, _): &&(&str, &str, &str)| {
                *about == fact && file.strip_suffix('*').map_or(*file == name, |start| name.starts_with(start))
            };
            match EXPLAINED.iter().find(explains) {
                Some((file, about, _)) => unused.retain(|entry| entry != &(*file, *about)),
                None => unexplained.push(format!("{name}: {fact}: {how}")),
            }
        }
    }
    eprintln!("{compared} files compared, {said:?}, {} differences explained", EXPLAINED.len());
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert!(unused.is_empty(), "no longer so: {unused:?}");
}
