//! What is written, as exiftool and exiv2 read it.

use std::path::PathBuf;

use serde_json::Value;

use super::{SMALL, metadata, output, picture_with, put, segment};
use crate::caption_metadata::{CaptionMetadata, embed, read, write_sidecar};

fn samples() -> Vec<CaptionMetadata> {
    let long = "A long caption, 中文 & <more>. ".chars().cycle().take(3999).chain(['.']).collect::<String>();
    assert_eq!(long.chars().count(), 4000);
    vec![
        metadata("plain", &["one"]),
        metadata("\"double\" 'single' `back` “curly”", &["\"q\"", "it's"]),
        metadata("<&> &amp; &lt;b&gt; ]]> <!-- x --> <?y?>", &["a<b", "c&d", "&amp;"]),
        metadata("山间小屋旁的湖泊，黄昏时分。", &["湖", "黄昏"]),
        metadata("emoji 🏔️👨‍👩‍👧 and é ö ß", &["🏔️", "été"]),
        metadata("first line\nsecond line\n\nfourth\tline", &["x", "y", "z"]),
        metadata(&long, &["long"]),
        metadata("only a caption", &[]),
        metadata("", &["only", "keywords"]),
    ]
}

/// Photos and sidecars with each sample: new ones, and edits of what another program wrote.
fn written(folder: &std::path::Path) -> Vec<(PathBuf, CaptionMetadata)> {
    let packet = [super::XMP_HEADER, include_bytes!("lightroom.xmp")].concat();
    let with_packet = picture_with(&[segment(0xe1, &packet)], b"");
    let mut files = Vec::new();
    for (number, sample) in samples().into_iter().enumerate() {
        for (kind, bytes) in [("new", SMALL), ("edited", &with_packet)] {
            let photo = put(folder, &format!("{number}-{kind}.jpg"), bytes);
            if kind == "edited" {
                put(folder, &format!("{number}-{kind}.jpg.xmp"), include_bytes!("lightroom.xmp"));
            }
            embed(&photo, &sample).unwrap();
            let sidecar = write_sidecar(&photo, &sample).unwrap();
            assert_eq!(read(&photo).unwrap().as_ref(), Some(&sample));
            files.extend([(photo, sample.clone()), (sidecar, sample.clone())]);
        }
    }
    files
}

/// A JSON value of exiftool's as text; it writes what looks like a number as one.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn exiftool_reads_the_same_captions_and_keywords() {
    let folder = tempfile::tempdir().unwrap();
    let files = written(folder.path());
    let paths: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
    let Some(printed) = output("exiftool", &["-j", "-XMP-dc:Description", "-XMP-dc:Subject"], &paths) else { return };
    let printed: Vec<Value> = serde_json::from_slice(&printed).unwrap();
    assert_eq!(printed.len(), files.len());
    for (record, (path, wanted)) in printed.iter().zip(&files) {
        let keywords = match record.get("Subject") {
            None => Vec::new(),
            Some(Value::Array(keywords)) => keywords.iter().map(text).collect(),
            Some(keyword) => vec![text(keyword)],
        };
        let found = CaptionMetadata { caption: record.get("Description").map(text), keywords };
        assert_eq!(found, *wanted, "{}", path.display());
    }
}

#[test]
fn exiftool_finds_no_fault_with_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = written(folder.path()).into_iter().map(|(path, _)| path).collect();
    let arguments = ["-j", "-validate", "-warning", "-error", "-a"];
    let Some(printed) = output("exiftool", &arguments, &paths) else { return };
    let printed: Vec<Value> = serde_json::from_slice(&printed).unwrap();
    assert_eq!(printed.len(), paths.len());
    for record in printed {
        assert!(record.get("Error").is_none(), "{record}");
        assert!(record.get("Warning").is_none(), "{record}");
    }
}

#[test]
fn exiv2_reads_the_same_captions_and_keywords() {
    let folder = tempfile::tempdir().unwrap();
    for (path, wanted) in written(folder.path()) {
        let value = |key: &str| {
            let printed = output("exiv2", &["-PXkv", "-K", key], std::slice::from_ref(&path))?;
            let printed = String::from_utf8(printed).unwrap();
            let value = printed.strip_prefix(key).unwrap_or_default().trim_start();
            Some(value.strip_suffix('\n').unwrap_or(value).to_owned())
        };
        let Some(caption) = value("Xmp.dc.description") else { return };
        // Other languages follow the default one in the edited files.
        let caption = caption.split(", lang=\"").next().unwrap_or_default();
        let wanted_caption = wanted.caption.map(|caption| format!("lang=\"x-default\" {caption}")).unwrap_or_default();
        assert_eq!(caption, wanted_caption, "{}", path.display());
        assert_eq!(value("Xmp.dc.subject").unwrap(), wanted.keywords.join(", "), "{}", path.display());
    }
}

#[test]
fn what_exiftool_and_exiv2_write_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let photo = put(folder.path(), "photo.jpg", SMALL);
    let arguments = [
        "-q",
        "-overwrite_original",
        "-XMP-dc:Description=it's <&> 中文",
        "-XMP-dc:Subject=a",
        "-XMP-dc:Subject=b & c",
    ];
    if output("exiftool", &arguments, std::slice::from_ref(&photo)).is_some() {
        assert_eq!(read(&photo).unwrap(), Some(metadata("it's <&> 中文", &["a", "b & c"])));
    }
    let photo = put(folder.path(), "other.jpg", SMALL);
    let arguments = ["-Mset Xmp.dc.description lang=x-default it's <&> 中文", "-Mset Xmp.dc.subject XmpBag a, b"];
    if output("exiv2", &arguments, std::slice::from_ref(&photo)).is_some() {
        let found = read(&photo).unwrap().unwrap();
        assert_eq!(found.caption.as_deref(), Some("it's <&> 中文"));
        assert!(!found.keywords.is_empty());
    }
}
