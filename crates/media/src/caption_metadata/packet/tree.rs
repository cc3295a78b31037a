//! The XML of a packet as a tree that remembers where each piece stood, so that an edit touches only its own bytes.

use std::ops::Range;

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceError, NamespaceResolver, QName, ResolveResult};

use crate::caption_metadata::error::PacketError;

pub(super) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
pub(super) const DC: &str = "http://purl.org/dc/elements/1.1/";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
const TIFF: &str = "http://ns.adobe.com/tiff/1.0/";
const IPTC_CORE: &str = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/";
const IPTC_EXT: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
const ACDSEE: &str = "http://ns.acdsee.com/iptc/1.0/";
const AUX: &str = "http://ns.adobe.com/exif/1.0/aux/";
const EXIF_EX: &str = "http://cipa.jp/exif/1.0/";
const LIGHTROOM: &str = "http://ns.adobe.com/lightroom/1.0/";
const DIGIKAM: &str = "http://www.digikam.org/ns/1.0/";
const MICROSOFT: &str = "http://ns.microsoft.com/photo/1.0/";
const MEDIA_PRO: &str = "http://ns.iview-media.com/mediapro/1.0/";
/// People's names in regions: the Metadata Working Group's and Microsoft's.
const MWG_REGIONS: &str = "http://www.metadataworkinggroup.com/schemas/regions/";
const MICROSOFT_REGION: &str = "http://ns.microsoft.com/photo/1.2/t/Region#";

/// Namespaces that may be in force at once; editors declare some forty.
const MOST_NAMESPACES: usize = 256;
/// Elements of one packet, and attributes of one packet: a long history of development has some thousands.
const MOST_ELEMENTS: usize = 50_000;
const MOST_ATTRIBUTES: usize = 50_000;
/// Attributes of one element. Each is compared with all before it; Lightroom writes some four hundred.
const MOST_IN_ELEMENT: usize = 2_000;

/// XMP nests a few levels deep; a file that goes further is an attack on the stack.
const DEEPEST: usize = 200;

/// The namespaces that matter here; all others only have to survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Rdf,
    Dc,
    Xml,
    Photoshop,
    Xmp,
    Exif,
    Tiff,
    IptcCore,
    IptcExt,
    Acdsee,
    Aux,
    ExifEx,
    Lightroom,
    DigiKam,
    Microsoft,
    MediaPro,
    MwgRegions,
    MicrosoftRegion,
    Other,
}

impl Space {
    fn of(resolved: &ResolveResult<'_>) -> Self {
        match resolved {
            ResolveResult::Bound(uri) => match uri.0 {
                RDF => Self::Rdf,
                DC => Self::Dc,
                XML => Self::Xml,
                PHOTOSHOP => Self::Photoshop,
                XMP => Self::Xmp,
                EXIF => Self::Exif,
                TIFF => Self::Tiff,
                IPTC_CORE => Self::IptcCore,
                IPTC_EXT => Self::IptcExt,
                ACDSEE => Self::Acdsee,
                AUX => Self::Aux,
                EXIF_EX => Self::ExifEx,
                LIGHTROOM => Self::Lightroom,
                DIGIKAM => Self::DigiKam,
                MICROSOFT => Self::Microsoft,
                MEDIA_PRO => Self::MediaPro,
                MWG_REGIONS => Self::MwgRegions,
                MICROSOFT_REGION => Self::MicrosoftRegion,
                _ => Self::Other,
            },
            ResolveResult::Unbound | ResolveResult::Unknown(_) => Self::Other,
        }
    }
}

/// An attribute in one of the namespaces of [`Space`] other than `Other`.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) space: Space,
    pub(super) local: String,
    /// `None` where it has a reference that is not defined.
    pub(super) value: Option<String>,
    /// From the first byte of the name to the closing quote.
    pub(super) span: Range<usize>,
}

/// An element with the places of its tags.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) space: Space,
    pub(super) local: String,
    /// The name as written, with its prefix.
    pub(super) name: String,
    pub(super) open: Range<usize>,
    /// The end tag; empty and at the end of `open` for `<a/>`.
    pub(super) close: Range<usize>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) children: Vec<Element>,
    /// The text directly inside; `None` where it has a reference that is not defined.
    pub(super) text: Option<String>,
    /// Whether the prefix `dc` stands for Dublin Core inside this element.
    pub(super) dc_bound: bool,
}

impl Element {
    pub(super) fn is(&self, space: Space, local: &str) -> bool {
        self.space == space && self.local == local
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.open.start..self.close.end
    }

    /// Between the tags; `None` for `<a/>`, which has no inside.
    pub(super) fn inside(&self) -> Option<Range<usize>> {
        (!self.close.is_empty()).then_some(self.open.end..self.close.start)
    }

    /// The prefix with its colon, or nothing.
    pub(super) fn prefix(&self) -> &str {
        self.name.find(':').map_or("", |colon| &self.name[..=colon])
    }

    pub(super) fn attribute(&self, space: Space, local: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.space == space && attribute.local == local)
    }

    /// The first element of that name here or below, in the order of the file.
    pub(super) fn find(&self, space: Space, local: &str) -> Option<&Self> {
        if self.is(space, local) { Some(self) } else { self.children.iter().find_map(|child| child.find(space, local)) }
    }
}

/// How much of a packet has been seen.
#[derive(Default)]
struct Count {
    elements: usize,
    attributes: usize,
}

impl Count {
    fn element(&mut self) -> Result<(), PacketError> {
        self.elements += 1;
        let limit = "50,000 XML elements";
        if self.elements > MOST_ELEMENTS { Err(PacketError::TooLarge { what: "its XMP", limit }) } else { Ok(()) }
    }

    fn attribute(&mut self, in_element: usize) -> Result<(), PacketError> {
        self.attributes += 1;
        let refused = |limit| Err(PacketError::TooLarge { what: "its XMP", limit });
        if in_element > MOST_IN_ELEMENT {
            return refused("2,000 attributes in one XML element");
        }
        if self.attributes > MOST_ATTRIBUTES { refused("50,000 XML attributes") } else { Ok(()) }
    }
}

/// Reads `text` into a tree below a nameless element, and refuses what is not well formed or more than any real packet.
pub(super) fn parse(text: &str) -> Result<Element, PacketError> {
    let mut reader = NsReader::from_str(text);
    reader.resolver_mut().set_max_namespace_bindings(MOST_NAMESPACES);
    let mut open = vec![Element::nameless()];
    let mut count = Count::default();
    loop {
        let start = position(&reader);
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(quick_xml::Error::Namespace(NamespaceError::TooManyBindings(_))) => {
                return Err(PacketError::TooLarge { what: "its XMP", limit: "256 XML namespaces" });
            }
            Err(source) => return Err(PacketError::Xml { offset: reader.error_position(), source }),
        };
        let span = start..position(&reader);
        match event {
            Event::Start(tag) => {
                if open.len() > DEEPEST {
                    return Err(PacketError::TooDeep { limit: DEEPEST });
                }
                open.push(Element::new(text, &tag, span, reader.resolver(), &mut count)?);
            }
            Event::Empty(tag) => {
                let element = Element::new(text, &tag, span, reader.resolver(), &mut count)?;
                inmost(&mut open)?.children.push(element);
            }
            Event::End(_) => {
                let mut element = open.pop().ok_or(PacketError::Unclosed)?;
                element.close = span;
                inmost(&mut open)?.children.push(element);
            }
            Event::Text(piece) => append(&mut open, Some(&piece.xml10_content()))?,
            Event::CData(piece) => append(&mut open, Some(&piece.xml10_content()))?,
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(letter)) => Some(letter.to_string()),
                    Ok(None) => quick_xml::escape::resolve_predefined_entity(&reference).map(str::to_owned),
                    Err(_) => None,
                };
                append(&mut open, resolved.as_deref())?;
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(root), true) if root.children.len() == 1 && root.text.as_deref().is_some_and(is_blank) => Ok(root),
        (Some(_), true) => Err(PacketError::NotOneRoot),
        _ => Err(PacketError::Unclosed),
    }
}

fn position(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn inmost(open: &mut [Element]) -> Result<&mut Element, PacketError> {
    open.last_mut().ok_or(PacketError::Unclosed)
}

fn append(open: &mut [Element], piece: Option<&str>) -> Result<(), PacketError> {
    let element = inmost(open)?;
    match (&mut element.text, piece) {
        (Some(text), Some(piece)) => text.push_str(piece),
        (text, _) => *text = None,
    }
    Ok(())
}

/// XML's own idea of white space.
fn is_blank(text: &str) -> bool {
    text.chars().all(|letter| matches!(letter, ' ' | '\t' | '\r' | '\n'))
}

impl Element {
    fn nameless() -> Self {
        Self {
            space: Space::Other,
            local: String::new(),
            name: String::new(),
            open: 0..0,
            close: 0..0,
            attributes: Vec::new(),
            children: Vec::new(),
            text: Some(String::new()),
            dc_bound: false,
        }
    }

    fn new(
        text: &str,
        tag: &BytesStart<'_>,
        span: Range<usize>,
        resolver: &NamespaceResolver,
        count: &mut Count,
    ) -> Result<Self, PacketError> {
        count.element()?;
        let (resolved, local) = resolver.resolve_element(tag.name());
        let mut element = Self {
            space: Space::of(&resolved),
            local: local.into_inner().to_owned(),
            name: tag.name().into_inner().to_owned(),
            close: span.end..span.end,
            dc_bound: Space::of(&resolver.resolve_attribute(QName("dc:description")).0) == Space::Dc,
            ..Self::nameless()
        };
        for (number, attribute) in tag.attributes().enumerate() {
            count.attribute(number + 1)?;
            let attribute =
                attribute.map_err(|source| PacketError::Xml { offset: span.start as u64, source: source.into() })?;
            let (resolved, local) = resolver.resolve_attribute(attribute.key);
            let space = Space::of(&resolved);
            if space == Space::Other {
                continue;
            }
            let key = offset_in(text, attribute.key.0).ok_or(PacketError::NotEditable)?;
            let value = offset_in(text, &attribute.value).ok_or(PacketError::NotEditable)?;
            element.attributes.push(Attribute {
                space,
                local: local.into_inner().to_owned(),
                value: attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned),
                span: key..(value + attribute.value.len() + 1).min(span.end),
            });
        }
        element.open = span;
        Ok(element)
    }
}

/// Where `inner`, a piece of `outer`, starts in it.
fn offset_in(outer: &str, inner: &str) -> Option<usize> {
    let offset = (inner.as_ptr() as usize).checked_sub(outer.as_ptr() as usize)?;
    (outer.get(offset..offset + inner.len())? == inner).then_some(offset)
}
