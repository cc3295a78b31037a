//! Values of the two properties: a language alternative and a bag (XMP Specification Part 1, section 8.2.2).

use super::tree::{Element, Space};
use crate::caption_metadata::error::PacketError;

/// The caption: the `x-default` alternative, else the first; also a plain text, which Part 1 forbids but exists.
pub(super) fn caption(property: &Element) -> Result<Option<String>, PacketError> {
    let value = match array(property) {
        Some(array) => match default_item(array).or_else(|| items(array).next()) {
            Some(item) => text(item, "description")?,
            None => return Ok(None),
        },
        None => text(property, "description")?,
    };
    Ok(Some(value).filter(|value| !value.is_empty()))
}

/// The keywords, in the order of the file.
pub(super) fn keywords(property: &Element) -> Result<Vec<String>, PacketError> {
    match array(property) {
        Some(array) => items(array).map(|item| text(item, "subject")).collect(),
        None => Ok(vec![text(property, "subject")?]),
    }
}

/// The array of a property, of whichever kind: programs take one for the other.
pub(super) fn array(property: &Element) -> Option<&Element> {
    let is_array = |child: &&Element| ["Alt", "Bag", "Seq"].iter().any(|kind| child.is(Space::Rdf, kind));
    property.children.iter().find(is_array)
}

/// The items of an array.
pub(super) fn items(array: &Element) -> impl Iterator<Item = &Element> {
    array.children.iter().filter(|child| child.is(Space::Rdf, "li"))
}

/// The item in the language `x-default`.
pub(super) fn default_item(array: &Element) -> Option<&Element> {
    items(array).find(|item| {
        let language = item.attribute(Space::Xml, "lang").and_then(|attribute| attribute.value.as_deref());
        language.is_some_and(|language| language.eq_ignore_ascii_case("x-default"))
    })
}

/// The element with the text of an item: the item, or its `rdf:value` where it has qualifiers (Part 1, 7.8).
pub(super) fn holder(item: &Element) -> &Element {
    item.find(Space::Rdf, "value").unwrap_or(item)
}

/// The text of an item.
pub(super) fn text(item: &Element, property: &'static str) -> Result<String, PacketError> {
    let text = holder(item).text.as_deref().ok_or(PacketError::UndefinedEntity { property })?;
    Ok(clean(text))
}

/// `text` without the characters that XML 1.0 forbids even as references.
pub(in crate::caption_metadata) fn clean(text: &str) -> String {
    let forbidden = |letter: char| {
        let control = letter < ' ' && !matches!(letter, '\t' | '\n' | '\r');
        control || matches!(letter, '\u{fffe}' | '\u{ffff}')
    };
    text.chars().filter(|&letter| !forbidden(letter)).collect()
}

/// `text` as it stands between two tags.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // A bare one would be read back as a line feed.
            '\r' => escaped.push_str("&#xD;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}
