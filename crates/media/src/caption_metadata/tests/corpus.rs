//! Real photos of many programs and cameras, as exiftool sees them before and after.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{metadata, output};
use crate::caption_metadata::jpeg::segments;
use crate::caption_metadata::{embed, iptc, read};

/// The folder of odd photos that is beside a development checkout.
pub(super) fn corpus() -> PathBuf {
    let shared = std::env::var_os("SIGHTLINE_SHARED").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    shared.unwrap_or_else(beside).join("corpus")
}

/// Copies of the corpus's JPEG files, or nothing, loudly, where it is absent.
fn copies(folder: &Path) -> Vec<PathBuf> {
    let mut copies = Vec::new();
    for name in ["jpeg", "exif", "exif-orientation", "image-rs-bad", "fuzzed", "jpeg-fuzz"] {
        let Ok(entries) = fs::read_dir(corpus().join(name)) else { continue };
        for entry in entries.flatten() {
            let lower = entry.file_name().to_string_lossy().to_lowercase();
            if lower.ends_with(".jpg") || lower.ends_with(".jpeg") {
                let copy = folder.join(format!("{name}-{lower}"));
                fs::write(&copy, fs::read(entry.path()).unwrap()).unwrap();
                copies.push(copy);
            }
        }
    }
    copies.sort();
    if copies.is_empty() {
        eprintln!("SKIPPED: no photos in {}; put them there to test on real files", corpus().display());
    }
    copies
}

/// All bytes outside the segments that may change: XMP, and Photoshop's where there is an IPTC caption.
fn untouched(bytes: &[u8]) -> Vec<u8> {
    let mut rest = Vec::new();
    let mut done = 0;
    for span in segments(bytes).0.into_iter().map(|segment| segment.span) {
        let content = &bytes[span.start + 4..span.end];
        let photoshop = content.strip_prefix(b"Photoshop 3.0\0").is_some_and(iptc::has_caption);
        if photoshop || content.starts_with(super::XMP_HEADER) {
            rest.extend_from_slice(&bytes[done..span.start]);
            done = span.end;
        }
    }
    rest.extend_from_slice(&bytes[done..]);
    rest
}

fn tags(path: &Path) -> Option<BTreeSet<String>> {
    let arguments = ["-a", "-u", "-G1", "-s", "-ee", "-api", "LargeFileSupport=1"];
    let printed = output("exiftool", &arguments, &[path.to_owned()])?;
    Some(String::from_utf8_lossy(&printed).lines().map(str::to_owned).collect())
}

/// Whether a line of exiftool's may differ: file size and dates, the two properties, and the IPTC caption with its sum.
fn may_differ(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    let allowed = [
        ("[System]", "FileSize"),
        ("[System]", "FileAccessDate"),
        ("[System]", "FileInodeChangeDate"),
        ("[XMP-dc]", "Description"),
        ("[XMP-dc]", "Subject"),
        ("[IPTC]", "Caption-Abstract"),
        ("[IPTC]", "CodedCharacterSet"),
        ("[Photoshop]", "IPTCDigest"),
        ("[File]", "CurrentIPTCDigest"),
    ];
    allowed.iter().any(|(group, tag)| name.starts_with(group) && name[group.len()..].trim().starts_with(tag))
}

/// Whether a line gives a place that exiftool counts from the start of the file, though the file does not: where the
/// IPTC data, which may grow, stand before the EXIF data, it shows another number for the same bytes.
fn is_place(line: &str) -> bool {
    line.contains("] ") && ["ThumbnailOffset ", "PreviewImageStart "].iter().any(|name| line.contains(name))
}

/// The smaller pictures inside a photo.
fn previews(path: &Path) -> Vec<u8> {
    let arguments = ["-b", "-a", "-ThumbnailImage", "-PreviewImage", "-JpgFromRaw", "-OtherImage"];
    let previews = output("exiftool", &arguments, &[path.to_owned()]).unwrap();
    assert!(!previews.is_empty());
    previews
}

#[test]
fn real_photos_change_in_the_two_properties_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = metadata("A lake <&> 中文\nsecond line", &["lake", "hill & dale"]);
    let (mut embedded, mut refused) = (0, Vec::new());
    let photos = copies(folder.path());
    for photo in &photos {
        let (bytes, before) = (fs::read(photo).unwrap(), tags(photo));
        match embed(photo, &wanted) {
            Ok(()) => {
                embedded += 1;
                assert_eq!(read(photo).unwrap().as_ref(), Some(&wanted), "{}", photo.display());
                assert!(untouched(&fs::read(photo).unwrap()) == untouched(&bytes), "{}", photo.display());
                let (Some(before), Some(after)) = (before, tags(photo)) else { continue };
                let differing = before.symmetric_difference(&after).filter(|line| !may_differ(line));
                let (places, differing): (Vec<&String>, Vec<_>) = differing.partition(|line| is_place(line));
                assert!(differing.is_empty(), "{}: {differing:#?}", photo.display());
                if !places.is_empty() {
                    let old = folder.path().join("old.jpeg");
                    fs::write(&old, &bytes).unwrap();
                    assert_eq!(previews(photo), previews(&old), "{}", photo.display());
                }
            }
            Err(fault) => {
                assert!(fs::read(photo).unwrap() == bytes, "{}", photo.display());
                assert!(fault.suggests_sidecar(), "{fault}");
                refused.push(fault.to_string().replace(&folder.path().display().to_string(), ""));
            }
        }
    }
    assert!(photos.is_empty() || embedded > 30, "most of the corpus is whole");
    eprintln!("corpus: {embedded} photos embedded, {} refused: {refused:#?}", refused.len());
}
