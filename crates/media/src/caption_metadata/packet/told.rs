//! Words in other fields, date, rating, place and the like in a packet (XMP Specification Part 2; XMP for EXIF, CIPA DC-010).

use super::tree::{Element, Space};
use super::{descriptions, read_tree, split, tree, value};
use crate::caption_metadata::error::PacketError;
use crate::caption_metadata::words::{name, of_person};
use crate::caption_metadata::{RecordedPlace, Told};
use crate::dates;
use crate::metadata::{camera_name, on_earth, stars_of_percent};

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

/// Lists of keywords that stand below others, with what parts the steps down.
const HIERARCHIES: [(Space, &str, char); 4] = [
    (Space::Lightroom, "hierarchicalSubject", '|'),
    (Space::DigiKam, "TagsList", '/'),
    (Space::Microsoft, "LastKeywordXMP", '/'),
    (Space::MediaPro, "CatalogSets", '|'),
];
/// How digiKam's keywords begin that no person gave.
const INTERNAL: &str = "_Digikam_";
/// Where the names of people stand that are marked in a photo.
const PEOPLE: [(Space, &str); 3] =
    [(Space::MwgRegions, "Name"), (Space::MicrosoftRegion, "PersonDisplayName"), (Space::IptcExt, "PersonInImage")];

/// Reads what a packet says of its photo; a property that makes no sense is passed over.
///
/// # Errors
/// The packet is not UTF-8, not well formed, or has no `rdf:RDF`.
pub fn told(packet: &[u8]) -> Result<Told, PacketError> {
    let (_, text, _) = split(packet)?;
    let root = tree::parse(text)?;
    let rdf = root.find(Space::Rdf, "RDF").ok_or(PacketError::NoRdf)?;
    let mut words = read_tree(&root).unwrap_or_default();
    for (space, local, sign) in HIERARCHIES {
        for path in all(rdf, space, local).iter().filter(|path| !path.starts_with(INTERNAL)) {
            for step in path.split(sign).filter_map(name) {
                if !words.keywords.contains(&step) {
                    words.keywords.push(step);
                }
            }
        }
    }
    let mut elsewhere = Vec::new();
    for text in WORDS.iter().filter_map(|(space, local)| self::elsewhere(rdf, *space, local)) {
        if words.caption.as_ref() != Some(&text) && !elsewhere.contains(&text) {
            elsewhere.push(text);
        }
    }
    let mut people: Vec<String> = Vec::new();
    for person in PEOPLE.iter().flat_map(|(space, local)| anywhere(rdf, *space, local)) {
        if !people.contains(&person) {
            people.push(person);
        }
    }
    let date = |(space, local): &(Space, &str)| dates::iso(simple(rdf, *space, local)?);
    let of_taking = DATES[..2].iter().find_map(date);
    let text = |space, local| simple(rdf, space, local).and_then(name);
    let percent = || rating_of_percent(simple(rdf, Space::Microsoft, "Rating")?);
    Ok(Told {
        words,
        elsewhere,
        people,
        is_of_taking: of_taking.is_some(),
        taken_at: of_taking.or_else(|| date(&DATES[2])),
        rating: simple(rdf, Space::Xmp, "Rating").and_then(rating).or_else(percent),
        position: position(rdf),
        place: place(rdf),
        camera: camera_name(text(Space::Tiff, "Make"), text(Space::Tiff, "Model")),
        lens: [(Space::ExifEx, "LensModel"), (Space::Aux, "Lens")].into_iter().find_map(|(s, l)| text(s, l)),
        orientation: orientation(simple(rdf, Space::Tiff, "Orientation")),
    })
}

/// `tiff:Orientation`, if it is one.
fn orientation(text: Option<&str>) -> Option<u8> {
    text?.trim().parse().ok().filter(|turn| (1..=8).contains(turn))
}

/// Microsoft's stars in percents, as in EXIF.
fn rating_of_percent(text: &str) -> Option<i8> {
    let stars = stars_of_percent(text.trim().parse().ok()?)?;
    i8::try_from(stars).ok()
}

/// Where it was taken, by Photoshop's fields, else by those of IPTC's extension: where it was made, else what it shows.
fn place(rdf: &Element) -> RecordedPlace {
    let text = |space, local| simple(rdf, space, local).and_then(name);
    let plain = RecordedPlace {
        sublocation: text(Space::IptcCore, "Location"),
        city: text(Space::Photoshop, "City"),
        state: text(Space::Photoshop, "State"),
        country: text(Space::Photoshop, "Country"),
        country_code: text(Space::IptcCore, "CountryCode"),
    };
    let extended = |local| {
        let property = descriptions(rdf).find_map(|description| description.find(Space::IptcExt, local));
        let field = |local| property.and_then(|property| anywhere(property, Space::IptcExt, local).into_iter().next());
        RecordedPlace {
            sublocation: field("Sublocation"),
            city: field("City"),
            state: field("ProvinceState"),
            country: field("CountryName"),
            country_code: field("CountryCode"),
        }
    };
    plain.or(extended("LocationCreated")).or(extended("LocationShown"))
}

/// The items of a list, or the one text that stands there instead.
fn all(rdf: &Element, space: Space, local: &str) -> Vec<String> {
    let lists = descriptions(rdf).flat_map(|description| &description.children).filter(|child| child.is(space, local));
    let items = lists.flat_map(|list| value::array(list).into_iter().flat_map(value::items));
    let mut texts: Vec<String> = items.filter_map(|item| name(value::holder(item).text.as_deref()?)).collect();
    texts.extend(simple(rdf, space, local).and_then(name).filter(|_| texts.is_empty()));
    texts
}

/// The texts of a property wherever it stands below `element`, as an attribute, an element or a list.
fn anywhere(element: &Element, space: Space, local: &str) -> Vec<String> {
    let mut found: Vec<String> =
        element.attribute(space, local).and_then(|attribute| name(attribute.value.as_deref()?)).into_iter().collect();
    for child in &element.children {
        if child.is(space, local) {
            match value::array(child) {
                Some(list) => {
                    found.extend(value::items(list).filter_map(|item| name(value::holder(item).text.as_deref()?)));
                }
                None => found.extend(value::holder(child).text.as_deref().and_then(name)),
            }
        }
        found.extend(anywhere(child, space, local));
    }
    found
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
