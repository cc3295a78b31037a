//! Words in other fields, date, rating and position in a packet (XMP Specification Part 2; XMP for EXIF, CIPA DC-010).

use super::tree::{Element, Space};
use super::{descriptions, read_tree, split, tree, value};
use crate::caption_metadata::Told;
use crate::caption_metadata::error::PacketError;
use crate::caption_metadata::words::of_person;
use crate::dates;
use crate::metadata::on_earth;

/// Where a date of taking stands, the most telling first.
const DATES: [(Space, &str); 3] =
    [(Space::Exif, "DateTimeOriginal"), (Space::Photoshop, "DateCreated"), (Space::Xmp, "CreateDate")];

/// Where else a person's words may stand, the most telling first: in any language, as a plain text or a list.
const WORDS: [(Space, &str); 9] = [
    (Space::Dc, "description"),
    (Space::Tiff, "ImageDescription"),
    (Space::Exif, "UserComment"),
    (Space::IptcCore, "AltTextAccessibility"),
    (Space::IptcCore, "ExtDescrAccessibility"),
    (Space::Acdsee, "caption"),
    (Space::Acdsee, "notes"),
    (Space::Photoshop, "Headline"),
    (Space::Dc, "title"),
];

/// Reads what a packet says of its photo; a property that makes no sense is passed over.
///
/// # Errors
/// The packet is not UTF-8, not well formed, or has no `rdf:RDF`.
pub fn told(packet: &[u8]) -> Result<Told, PacketError> {
    let (_, text, _) = split(packet)?;
    let root = tree::parse(text)?;
    let rdf = root.find(Space::Rdf, "RDF").ok_or(PacketError::NoRdf)?;
    Ok(Told {
        words: read_tree(&root).unwrap_or_default(),
        elsewhere: WORDS.iter().find_map(|(space, local)| elsewhere(rdf, *space, local)),
        taken_at: DATES.iter().find_map(|(space, local)| dates::iso(simple(rdf, *space, local)?)),
        rating: simple(rdf, Space::Xmp, "Rating").and_then(rating),
        position: position(rdf),
    })
}

/// The value of a property that is a plain text, written as an attribute or as an element.
pub(super) fn simple<'a>(rdf: &'a Element, space: Space, local: &str) -> Option<&'a str> {
    descriptions(rdf).find_map(|description| match description.attribute(space, local) {
        Some(attribute) => attribute.value.as_deref(),
        None => value::holder(description.children.iter().find(|child| child.is(space, local))?).text.as_deref(),
    })
}

/// The first text of a property that a person may have written.
fn elsewhere(rdf: &Element, space: Space, local: &str) -> Option<String> {
    descriptions(rdf).find_map(|description| {
        let attribute =
            description.attribute(space, local).and_then(|attribute| of_person(attribute.value.as_deref()?));
        let of = |property: &Element| match value::array(property) {
            Some(array) => value::items(array).find_map(|item| of_person(value::holder(item).text.as_deref()?)),
            None => of_person(value::holder(property).text.as_deref()?),
        };
        attribute.or_else(|| description.children.iter().filter(|child| child.is(space, local)).find_map(of))
    })
}

/// `xmp:Rating`: -1 for rejected, 0 for none, 1 to 5 stars. Some programs write `4.0`, and halves count up.
fn rating(text: &str) -> Option<i8> {
    let stars: f64 = text.trim().parse().ok()?;
    // In this range no number is cut.
    (-1.0..=5.0).contains(&stars).then(|| stars.round() as i8)
}

fn position(rdf: &Element) -> Option<(f64, f64)> {
    let latitude = degrees(simple(rdf, Space::Exif, "GPSLatitude")?, ['N', 'S'])?;
    let longitude = degrees(simple(rdf, Space::Exif, "GPSLongitude")?, ['E', 'W'])?;
    on_earth(latitude, longitude)
}

/// `38,42.5N` or `38,42,30N`; also `38.708N` and `-9.14`, which the standard does not know but programs write.
fn degrees(text: &str, [positive, negative]: [char; 2]) -> Option<f64> {
    let text = text.trim();
    let last = text.chars().next_back()?.to_ascii_uppercase();
    let sided = last == positive || last == negative;
    let numbers = if sided { &text[..text.len() - 1] } else { text };
    let parts: Vec<f64> = numbers.split(',').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    let whole = match parts.as_slice() {
        [degrees] => *degrees,
        [degrees, minutes] => degrees + minutes / 60.0,
        [degrees, minutes, seconds] => degrees + minutes / 60.0 + seconds / 3600.0,
        _ => return None,
    };
    let unsigned = sided || parts.len() > 1;
    if unsigned && parts.iter().any(|part| *part < 0.0) {
        return None;
    }
    Some(if last == negative { -whole } else { whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(properties: &str) -> String {
        format!(
            "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
             <rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' \
             xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' {properties}</rdf:RDF></x:xmpmeta>"
        )
    }

    fn of(properties: &str) -> Told {
        told(packet(properties).as_bytes()).unwrap()
    }

    #[test]
    fn properties_are_attributes_or_elements() {
        let attributes = of("xmp:Rating='4' exif:DateTimeOriginal='2021-06-30T12:05:01+02:00' \
                             exif:GPSLatitude='38,42.5N' exif:GPSLongitude='9,8,22.2W'/>");
        let elements = of("><xmp:Rating>4</xmp:Rating><exif:DateTimeOriginal>2021-06-30T12:05:01+02:00\
                           </exif:DateTimeOriginal><exif:GPSLatitude>38,42.5N</exif:GPSLatitude>\
                           <exif:GPSLongitude>9,8,22.2W</exif:GPSLongitude></rdf:Description>");
        assert_eq!(attributes, elements);
        assert_eq!(attributes.rating, Some(4));
        assert_eq!(attributes.taken_at.as_deref(), Some("2021-06-30T12:05:01+02:00"));
        let (latitude, longitude) = attributes.position.unwrap();
        assert!((latitude - 38.708_333).abs() < 1e-5 && (longitude + 9.139_5).abs() < 1e-5);
    }

    #[test]
    fn the_date_of_exposure_goes_before_that_of_making_the_file() {
        let told = of("xmp:CreateDate='2023' photoshop:DateCreated='2022-02-01' exif:DateTimeOriginal='2021-06-30'/>");
        assert_eq!(told.taken_at.as_deref(), Some("2021-06-30"));
        let told = of("xmp:CreateDate='2023' photoshop:DateCreated='2022-02-01' exif:DateTimeOriginal='0000-00-00'/>");
        assert_eq!(told.taken_at.as_deref(), Some("2022-02-01"));
        assert_eq!(of("xmp:CreateDate='2023-05'/>").taken_at.as_deref(), Some("2023-05"));
        assert_eq!(of("xmp:ModifyDate='2023-05'/>").taken_at, None);
    }

    #[test]
    fn ratings_are_whole_stars() {
        for (text, wanted) in [
            ("4", Some(4)),
            ("4.0", Some(4)),
            (" 3 ", Some(3)),
            ("2.5", Some(3)),
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("-1.000000", Some(-1)),
            ("5", Some(5)),
            ("6", None),
            ("99", None),
            ("-2", None),
            ("NaN", None),
            ("inf", None),
            ("", None),
            ("four", None),
        ] {
            assert_eq!(of(&format!("xmp:Rating='{text}'/>")).rating, wanted, "{text}");
        }
    }

    #[test]
    fn positions_are_on_earth() {
        let at = |latitude: &str, longitude: &str| {
            of(&format!("exif:GPSLatitude='{latitude}' exif:GPSLongitude='{longitude}'/>")).position
        };
        assert_eq!(at("38,30.0S", "9,15.0E"), Some((-38.5, 9.25)));
        assert_eq!(at("-38.5", "9.25"), Some((-38.5, 9.25)));
        assert_eq!(at("38.5s", "9.25e"), Some((-38.5, 9.25)));
        for (latitude, longitude) in [
            ("91,0N", "9,0E"),
            ("38,0N", "181,0E"),
            ("0,0N", "0,0E"),
            ("-38,0S", "9,0E"),
            ("N", "E"),
            ("", ""),
            ("é", "é"),
        ] {
            assert_eq!(at(latitude, longitude), None, "{latitude} {longitude}");
        }
        assert_eq!(of("exif:GPSLatitude='38,0N'/>").position, None);
    }
}
