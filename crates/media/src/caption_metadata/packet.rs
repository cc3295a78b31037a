//! Captions, keywords and a few facts in an XMP packet (XMP Specification Part 1, RDF/XML, and Part 3, packet wrapper).

mod edit;
mod told;
mod tree;
mod value;

use super::CaptionMetadata;
use super::error::PacketError;
pub(super) use told::told;
use tree::{Element, RDF, Space};
pub(super) use value::clean;

/// Largest packet that is parsed, in a file or beside it, unpacked.
pub(crate) const LARGEST: u64 = 4 << 20;
/// White space that Part 3 advises after an embedded packet, so that other programs can edit it in place.
const PADDING: usize = 2048;

/// Reads `dc:description` and `dc:subject` from a packet.
///
/// # Errors
///
/// The packet is not UTF-8, not well formed, or has no `rdf:RDF`.
pub fn read(packet: &[u8]) -> Result<CaptionMetadata, PacketError> {
    let (_, text, _) = split(packet)?;
    let root = tree::parse(text)?;
    read_tree(&root)
}

/// The file extension whose sidecar this packet says it is (`photoshop:SidecarForExtension`).
pub(super) fn sidecar_for_extension(packet: &[u8]) -> Option<String> {
    let (_, text, _) = split(packet).ok()?;
    let root = tree::parse(text).ok()?;
    let rdf = root.find(Space::Rdf, "RDF")?;
    told::simple(rdf, Space::Photoshop, "SidecarForExtension").map(str::to_owned)
}

/// Sets caption and keywords in a packet; every other byte stays, and the packet itself where nothing changes.
///
/// An absent caption or an empty keyword list removes its property. Captions in other languages stay, except those
/// that repeat the old default caption: they follow it, as in Adobe's own toolkit.
///
/// # Errors
///
/// As for [`read`]; also a packet that cannot be edited so that it reads back as what was set.
pub fn set(packet: &[u8], metadata: &CaptionMetadata) -> Result<Vec<u8>, PacketError> {
    let (before, text, after) = split(packet)?;
    let root = tree::parse(text)?;
    let wanted = metadata.normalized();
    let edited = edit::apply(text, &root, &wanted)?;
    // Nothing that would not read back may ever replace a packet that does.
    if edited != text && read_tree(&tree::parse(&edited)?)? != wanted {
        return Err(PacketError::NotEditable);
    }
    Ok([before, edited.as_bytes(), after].concat())
}

/// A new packet for a sidecar file.
pub fn new_sidecar(metadata: &CaptionMetadata) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", new_root(metadata))
}

/// A new packet, with wrapper and padding, to be embedded in a photo.
pub fn new_embedded(metadata: &CaptionMetadata) -> String {
    let padding = format!("{}\n", " ".repeat(99)).repeat(PADDING / 100);
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n{}\n{padding}<?xpacket end=\"w\"?>",
        new_root(metadata)
    )
}

/// Takes up to `surplus` bytes of the white space before the packet's end marker away.
pub(super) fn shrink_padding(packet: &mut Vec<u8>, surplus: usize) {
    const END: &[u8] = b"<?xpacket end=";
    let Some(end) = packet.windows(END.len()).rposition(|window| window == END) else { return };
    let blank = packet[..end].iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
    packet.drain(end - blank.min(surplus)..end);
}

fn new_root(metadata: &CaptionMetadata) -> String {
    let description = edit::new_description(false, &metadata.normalized());
    format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n <rdf:RDF xmlns:rdf=\"{RDF}\">\n  {description}\n </rdf:RDF>\n\
         </x:xmpmeta>"
    )
}

fn read_tree(root: &Element) -> Result<CaptionMetadata, PacketError> {
    let rdf = root.find(Space::Rdf, "RDF").ok_or(PacketError::NoRdf)?;
    let caption = first_some(rdf, "description", value::caption)?;
    let keywords = first_some(rdf, "subject", |element| {
        Ok(Some(value::keywords(element)?).filter(|keywords| !keywords.is_empty()))
    })?;
    let keywords = match keywords {
        Some(keywords) => keywords,
        None => attribute_value(rdf, "subject")?.into_iter().collect(),
    };
    let caption = match caption {
        Some(caption) => Some(caption),
        None => attribute_value(rdf, "description")?,
    };
    Ok(CaptionMetadata { caption, keywords }.normalized())
}

/// What `read` makes of the first Dublin Core element of that name that has a value.
fn first_some<T>(
    rdf: &Element,
    local: &'static str,
    read: impl Fn(&Element) -> Result<Option<T>, PacketError>,
) -> Result<Option<T>, PacketError> {
    let elements = descriptions(rdf).flat_map(|description| &description.children);
    for element in elements.filter(|child| child.is(Space::Dc, local)) {
        if let Some(value) = read(element)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn attribute_value(rdf: &Element, local: &'static str) -> Result<Option<String>, PacketError> {
    let attribute = descriptions(rdf).find_map(|description| description.attribute(Space::Dc, local));
    attribute
        .map(|attribute| attribute.value.clone().ok_or(PacketError::UndefinedEntity { property: local }))
        .transpose()
}

/// The `rdf:Description` elements that hold the photo's properties; deeper ones are values of a property.
fn descriptions(rdf: &Element) -> impl Iterator<Item = &Element> {
    rdf.children.iter().filter(|child| child.is(Space::Rdf, "Description"))
}

/// The packet as text, between what may stand around it: a byte order mark before, NUL bytes after.
fn split(packet: &[u8]) -> Result<(&[u8], &str, &[u8]), PacketError> {
    if packet.len() as u64 > LARGEST {
        return Err(PacketError::TooLarge { what: "its XMP", limit: "4 MiB" });
    }
    let start = if packet.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let end = packet.iter().rposition(|&byte| byte != 0).map_or(start, |last| (last + 1).max(start));
    match std::str::from_utf8(&packet[start..end]) {
        Ok(text) => Ok((&packet[..start], text, &packet[end..])),
        Err(fault) => Err(PacketError::NotUtf8 { offset: start + fault.valid_up_to() }),
    }
}
