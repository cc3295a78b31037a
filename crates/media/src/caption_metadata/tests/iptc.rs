use std::fs;

use md5::{Digest, Md5};

use super::{metadata, picture_with, put, segment};
use crate::caption_metadata::iptc::read as read_iptc;
use crate::caption_metadata::{CaptionMetadata, IptcFault, MetadataError, embed, read};

fn resource(name: u16, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
    let padding = vec![0; value.len() % 2];
    [b"8BIM".as_slice(), &name.to_be_bytes(), b"\0\0", &length, value, &padding].concat()
}

fn datasets(items: &[((u8, u8), &[u8])]) -> Vec<u8> {
    let dataset = |((record, number), value): &((u8, u8), &[u8])| {
        [&[0x1c, *record, *number], u16::try_from(value.len()).unwrap().to_be_bytes().as_slice(), value].concat()
    };
    items.iter().flat_map(dataset).collect()
}

fn photoshop(resources: &[Vec<u8>]) -> Vec<u8> {
    segment(0xed, &[b"Photoshop 3.0\0".as_slice(), &resources.concat()].concat())
}

/// A Photoshop segment with these datasets of record 2.
pub(super) fn photoshop_segment(items: &[(u8, &[u8])]) -> Vec<u8> {
    let items: Vec<_> = items.iter().map(|&(number, value)| ((2, number), value)).collect();
    photoshop(&[resource(0x03ed, b"abc"), resource(0x0404, &datasets(&items)), resource(0x0425, &[0; 16])])
}

/// Embeds into a picture with this segment; the file's bytes before and after, or the refusal.
fn embedded(iptc: Vec<u8>, wanted: &CaptionMetadata) -> Result<(Vec<u8>, Vec<u8>), MetadataError> {
    let folder = tempfile::tempdir().unwrap();
    let before = picture_with(&[iptc], b"film");
    let photo = put(folder.path(), "photo.jpg", &before);
    let result = embed(&photo, wanted);
    let after = fs::read(&photo).unwrap();
    match result {
        Ok(()) => {
            assert_eq!(read(&photo).unwrap().unwrap_or_default().caption, wanted.caption);
            Ok((before, after))
        }
        Err(fault) => {
            assert_eq!(after, before);
            Err(fault)
        }
    }
}

fn contains(bytes: &[u8], piece: &[u8]) -> bool {
    bytes.windows(piece.len()).any(|window| window == piece)
}

#[test]
fn captions_are_read_in_utf8_and_in_latin_1() {
    let folder = tempfile::tempdir().unwrap();
    let utf8 =
        datasets(&[((1, 90), b"\x1b%G"), ((2, 25), "中".as_bytes()), ((2, 25), b"k"), ((2, 120), "é".as_bytes())]);
    let latin = datasets(&[((2, 120), b"caf\xe9 \x93x\x94\0"), ((2, 25), b"K\xf6ln")]);
    for (iptc, wanted) in [(utf8, metadata("é", &["中", "k"])), (latin, metadata("café “x”", &["Köln"]))] {
        let photo = put(folder.path(), "photo.jpg", &picture_with(&[photoshop(&[resource(0x0404, &iptc)])], b""));
        assert_eq!(read(&photo).unwrap(), Some(wanted));
    }
}

#[test]
fn extended_datasets_are_read() {
    let iptc = [b"\x1c\x02\x78\x80\x04\0\0\0\x03abc".as_slice(), b"\x1c\x02\x19\0\x01k"].concat();
    assert_eq!(read_iptc(&resource(0x0404, &iptc)).words, metadata("abc", &["k"]));
}

#[test]
fn an_iptc_caption_follows_and_its_neighbours_stay() {
    let (before, after) =
        embedded(photoshop_segment(&[(5, b"title"), (120, b"old"), (25, b"k")]), &metadata("longer", &["x"])).unwrap();
    assert!(contains(&before, b"\x1c\x02\x78\0\x03old"));
    assert!(contains(&after, b"\x1c\x02\x05\0\x05title\x1c\x02\x78\0\x06longer\x1c\x02\x19\0\x01k"));
    assert!(contains(&after, &resource(0x03ed, b"abc")) && contains(&after, &resource(0x0425, &[0; 16])));
    assert!(after.ends_with(&before[before.len() - 200..]));
}

#[test]
fn iptc_data_without_a_caption_stay_as_they_are() {
    let iptc = photoshop_segment(&[(5, b"title"), (25, b"k")]);
    let (_, after) = embedded(iptc.clone(), &metadata("new", &["x"])).unwrap();
    assert!(contains(&after, &iptc));
}

#[test]
fn taking_the_caption_out_takes_it_out_of_the_iptc_data_too() {
    let (_, after) = embedded(photoshop_segment(&[(120, b"old"), (25, b"k")]), &metadata("", &["x"])).unwrap();
    assert!(contains(&after, &resource(0x0404, &datasets(&[((2, 25), b"k")]))));
}

#[test]
fn the_md5_sum_is_brought_along_where_it_was_right() {
    let sum = |caption: &str| {
        let iptc = datasets(&[((2, 120), caption.as_bytes())]);
        [resource(0x0404, &iptc), resource(0x0425, &Md5::digest(&iptc))]
    };
    let (_, after) = embedded(photoshop(&sum("old")), &metadata("new!", &[])).unwrap();
    assert!(contains(&after, &photoshop(&sum("new!"))));
}

#[test]
fn letters_outside_ascii_turn_the_iptc_data_into_utf8_where_nothing_else_is_affected() {
    let (_, after) = embedded(photoshop_segment(&[(5, b"title"), (120, b"old")]), &metadata("中文", &[])).unwrap();
    assert!(contains(
        &after,
        b"\x1c\x01\x5a\0\x03\x1b%G\x1c\x02\x05\0\x05title\x1c\x02\x78\0\x06\xe4\xb8\xad\xe6\x96\x87"
    ));
}

#[test]
fn latin_1_data_get_a_latin_1_caption_and_refuse_any_other() {
    let iptc = || photoshop_segment(&[(5, b"K\xf6ln"), (120, b"old")]);
    let (_, after) = embedded(iptc(), &metadata("Düne", &[])).unwrap();
    assert!(contains(&after, b"\x1c\x02\x05\0\x04K\xf6ln\x1c\x02\x78\0\x04D\xfcne"));
    let fault = embedded(iptc(), &metadata("中文", &[])).unwrap_err();
    assert!(matches!(fault, MetadataError::Iptc { source: IptcFault::Charset, .. }) && fault.suggests_sidecar());
}

#[test]
fn iptc_captions_end_at_2000_bytes_and_never_inside_a_letter() {
    let (_, after) = embedded(photoshop_segment(&[(120, b"old")]), &metadata(&"中".repeat(1000), &[])).unwrap();
    assert!(contains(&after, &datasets(&[((2, 120), "中".repeat(666).as_bytes())])));
    assert!(contains(&after, "中".repeat(1000).as_bytes()), "the XMP has all of it");
}

#[test]
fn iptc_data_that_are_damaged_or_spread_are_refused() {
    let spread = [photoshop_segment(&[(120, b"old")]), photoshop_segment(&[(5, b"title")])].concat();
    let fault = embedded(spread, &metadata("new", &[])).unwrap_err();
    assert!(matches!(fault, MetadataError::Iptc { source: IptcFault::Spread, .. }), "{fault}");
    let damaged = photoshop(&[resource(0x0404, &[datasets(&[((2, 120), b"old")]), b"\x1c\x02".to_vec()].concat())]);
    let fault = embedded(damaged, &metadata("new", &[])).unwrap_err();
    assert!(matches!(fault, MetadataError::Iptc { source: IptcFault::Damaged, .. }), "{fault}");
}
