use super::{Numbers, metadata};
use crate::caption_metadata::packet::{new_embedded, new_sidecar, read, set};
use crate::caption_metadata::{CaptionMetadata, PacketError};

/// In the manner of Lightroom: properties as attributes, structures, comments, single quotes and a wrapper.
const LIGHTROOM: &str = include_str!("lightroom.xmp");

/// `rdf` inside the usual elements; the prefixes are not the usual ones.
fn wrapped(description: &str) -> String {
    format!(
        "<m xmlns='adobe:ns:meta/'><r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
         xmlns:d='http://purl.org/dc/elements/1.1/' xmlns:dc='urn:not-dublin-core'>{description}</r:RDF></m>"
    )
}

fn set_str(packet: &str, wanted: &CaptionMetadata) -> String {
    String::from_utf8(set(packet.as_bytes(), wanted).unwrap()).unwrap()
}

#[test]
fn new_packets_read_back() {
    let wanted = metadata("a \"b\" 'c' <&> ]]> \t d\r\ne\rf &amp; 中文 🏔", &["x & y", "<z>", "長城"]);
    assert_eq!(read(new_sidecar(&wanted).as_bytes()).unwrap(), wanted);
    assert_eq!(read(new_embedded(&wanted).as_bytes()).unwrap(), wanted);
}

#[test]
fn characters_that_xml_forbids_are_dropped() {
    let wanted = metadata("a\0b\u{1}\u{b}c\u{1f}\u{fffe}\u{ffff}d\u{7f}é", &["\u{2}k", "\u{3}", " "]);
    assert_eq!(read(new_sidecar(&wanted).as_bytes()).unwrap(), metadata("abcd\u{7f}é", &["k"]));
    let written = set_str(LIGHTROOM, &wanted);
    assert_eq!(read(written.as_bytes()).unwrap(), metadata("abcd\u{7f}é", &["k"]));
}

#[test]
fn setting_changes_the_two_properties_and_no_other_byte() {
    let written = set_str(LIGHTROOM, &metadata("neu", &["See", "Berg"]));
    let expected = LIGHTROOM
        .replace(
            "<rdf:li xml:lang=\"x-default\">A lake &amp; a hill</rdf:li>",
            "<rdf:li xml:lang=\"x-default\">neu</rdf:li>",
        )
        .replace("<rdf:li xml:lang=\"en-GB\">A lake &amp; a hill</rdf:li>", "<rdf:li xml:lang=\"en-GB\">neu</rdf:li>")
        .replace("<rdf:li>lake</rdf:li>", "<rdf:li>See</rdf:li>")
        .replace("<rdf:li>hill</rdf:li>", "<rdf:li>Berg</rdf:li>");
    assert_eq!(written, expected);
    assert!(written.contains("Ein See"), "the translation stays");
}

#[test]
fn setting_what_is_there_already_changes_nothing() {
    let present = read(LIGHTROOM.as_bytes()).unwrap();
    assert_eq!(present, metadata("A lake & a hill", &["lake", "hill"]));
    assert_eq!(set_str(LIGHTROOM, &present), LIGHTROOM);
}

#[test]
fn removing_and_setting_again_keeps_everything_else() {
    let removed = set_str(LIGHTROOM, &CaptionMetadata::default());
    assert!(!removed.contains("dc:description") && !removed.contains("dc:subject"));
    assert_eq!(read(removed.as_bytes()).unwrap(), CaptionMetadata::default());
    let again = set_str(&removed, &metadata("a", &["b"]));
    for other in
        ["crs:Exposure2012=\"+0.35\"", "lr:hierarchicalSubject", "xmp:Rating=\"4\"", "xmpMM:DocumentID", "<!-- "]
    {
        assert!(again.contains(other), "{other}");
    }
    let without = |text: &str| text.lines().filter(|line| !line.contains("dc:")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(without(&again), without(&removed));
}

#[test]
fn attribute_forms_and_plain_texts_are_read_and_replaced() {
    for description in [
        "<r:Description d:description='old' d:subject='k' x='1'/>",
        "<r:Description x='1' d:subject=\"k\"\n  d:description = \"old\"></r:Description>",
        "<r:Description x='1'><d:description>old</d:description><d:subject>k</d:subject></r:Description>",
        "<r:Description x='1'><d:description><r:Alt><r:li>o<![CDATA[l]]>&#100;</r:li></r:Alt></d:description>\
         <d:subject><r:Seq><r:li>k</r:li></r:Seq></d:subject></r:Description>",
        "<r:Description/><r:Description x='1'/><r:Description d:subject='k'><d:description><r:Alt>\
         <r:li xml:lang='x-default'><r:Description><r:value>old</r:value></r:Description></r:li></r:Alt>\
         </d:description></r:Description>",
    ] {
        let packet = wrapped(description);
        assert_eq!(read(packet.as_bytes()).unwrap(), metadata("old", &["k"]), "{packet}");
        let wanted = metadata("new & <bright>", &["k", "l"]);
        let written = set_str(&packet, &wanted);
        assert_eq!(read(written.as_bytes()).unwrap(), wanted, "{written}");
        assert!(written.contains("x='1'") && !written.contains("old"), "{written}");
        assert_eq!(read(set_str(&written, &metadata("", &[])).as_bytes()).unwrap(), metadata("", &[]));
    }
}

#[test]
fn a_missing_default_language_is_added_before_the_others() {
    let packet = wrapped(
        "<r:Description><d:description><r:Alt><r:li xml:lang='de'>alt</r:li></r:Alt></d:description></r:Description>",
    );
    assert_eq!(read(packet.as_bytes()).unwrap(), metadata("alt", &[]));
    let written = set_str(&packet, &metadata("new", &[]));
    assert!(written.contains("<r:li xml:lang=\"x-default\">new</r:li><r:li xml:lang='de'>alt</r:li>"), "{written}");
}

#[test]
fn a_packet_without_descriptions_gets_one() {
    for packet in [wrapped(""), wrapped("").replace("></r:RDF>", "/>"), wrapped("\n ")] {
        let written = set_str(&packet, &metadata("new", &["k"]));
        assert_eq!(read(written.as_bytes()).unwrap(), metadata("new", &["k"]), "{written}");
    }
}

#[test]
fn properties_inside_other_properties_are_not_taken_for_the_photos_own() {
    let packet = wrapped(
        "<r:Description><o:History xmlns:o='urn:o'><r:Seq><r:li><r:Description><d:description>old version\
         </d:description></r:Description></r:li></r:Seq></o:History></r:Description>",
    );
    assert_eq!(read(packet.as_bytes()).unwrap(), metadata("", &[]));
    let written = set_str(&packet, &metadata("new", &[]));
    assert!(written.contains("old version"), "{written}");
}

#[test]
fn byte_order_mark_and_trailing_nul_bytes_survive() {
    let packet = format!("\u{feff}{LIGHTROOM}\0\0\0");
    let written = set_str(&packet, &metadata("new", &[]));
    assert!(written.starts_with('\u{feff}') && written.ends_with("\0\0\0"));
    assert_eq!(read(written.as_bytes()).unwrap(), metadata("new", &[]));
}

#[test]
fn malformed_packets_are_refused_with_the_reason() {
    let cut = &LIGHTROOM[..LIGHTROOM.len() / 2];
    let crossed = wrapped("<r:Description><a></b></r:Description>");
    let twice = wrapped("<r:Description x='1' x='2'/>");
    let deep = wrapped(&format!("{}{}", "<a>".repeat(300), "</a>".repeat(300)));
    let entity = wrapped("<r:Description><d:description>&unknown;</d:description></r:Description>");
    for packet in ["", "no XML", "<a/><b/>", "<a/>", cut, &crossed, &twice, &deep, &entity] {
        let fault = read(packet.as_bytes()).unwrap_err();
        assert!(!fault.to_string().is_empty());
        set(packet.as_bytes(), &metadata("new", &[])).unwrap_err();
    }
    assert!(matches!(read(b"<a>\xff</a>").unwrap_err(), PacketError::NotUtf8 { offset: 3 }));
    assert!(matches!(read(entity.as_bytes()).unwrap_err(), PacketError::UndefinedEntity { property: "description" }));
}

#[test]
fn thousands_of_damaged_packets_cause_no_panic_and_no_wrong_edit() {
    let mut numbers = Numbers(20_260_101);
    let wanted = metadata("new & <bright>", &["k", "長城"]);
    let sources = [LIGHTROOM.to_owned(), new_embedded(&wanted), wrapped("<r:Description d:subject='k'/>")];
    let mut edited = 0;
    for round in 0..5000 {
        let mut packet = sources[round % sources.len()].clone().into_bytes();
        for _ in 0..=numbers.below(4) {
            // Something must be left to damage.
            packet.extend_from_slice(b"\n");
            let at = numbers.below(packet.len());
            match numbers.below(5) {
                0 => packet[at] = u8::try_from(numbers.below(256)).unwrap(),
                1 => drop(packet.drain(at..(at + numbers.below(40)).min(packet.len()))),
                2 => packet.insert(at, b"<>&'\"/: \0;="[numbers.below(11)]),
                3 => packet.truncate(at.max(1)),
                _ => {
                    let piece = packet[at..(at + numbers.below(80)).min(packet.len())].to_vec();
                    let to = numbers.below(packet.len());
                    packet.splice(to..to, piece);
                }
            }
        }
        if let Ok(written) = set(&packet, &wanted) {
            assert_eq!(read(&written).unwrap(), wanted);
            edited += 1;
        }
    }
    assert!(edited > 100, "only {edited} were whole enough to be edited");
}
