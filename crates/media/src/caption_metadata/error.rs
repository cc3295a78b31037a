//! What can go wrong between a photo and its caption.

use std::io;
use std::path::{Path, PathBuf};

/// Why an XMP packet cannot be read or edited.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PacketError {
    /// Not UTF-8, the only encoding that XMP Specification Part 3 allows in the supported files.
    #[error("byte {offset} is not UTF-8")]
    NotUtf8 {
        /// Offset of the first bad byte in the packet.
        offset: usize,
    },
    /// The XML is not well formed.
    #[error("at byte {offset}: {source}")]
    Xml {
        /// Offset in the packet.
        offset: u64,
        /// The parser's reason.
        source: quick_xml::Error,
    },
    /// An element is opened and never closed.
    #[error("it ends in the middle of an element")]
    Unclosed,
    /// Nothing, or more than one document.
    #[error("it is not one XML document")]
    NotOneRoot,
    /// Elements inside elements beyond any real packet.
    #[error("its elements are nested over {limit} deep")]
    TooDeep {
        /// Deepest nesting accepted.
        limit: usize,
    },
    /// More than any real packet has, so that nothing but an attack is refused.
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// What is too much.
        what: &'static str,
        /// The limit, with its unit.
        limit: &'static str,
    },
    /// Well-formed XML without an `rdf:RDF` element.
    #[error("it has no rdf:RDF element")]
    NoRdf,
    /// The caption or a keyword has an entity that nothing defines.
    #[error("dc:{property} has an undefined entity")]
    UndefinedEntity {
        /// Name of the property.
        property: &'static str,
    },
    /// The edited packet would not read back as what was set, so it is thrown away.
    #[error("it is built in a way that cannot be edited safely")]
    NotEditable,
}

/// Why the structure of a JPEG file cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JpegFault {
    /// Something other than a marker between two segments.
    #[error("no marker at byte {offset}")]
    NoMarker {
        /// Offset in the file.
        offset: usize,
    },
    /// The file ends inside a segment or before its picture.
    #[error("it ends before its picture")]
    Truncated,
}

/// Why IPTC data cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IptcFault {
    /// A Photoshop resource or a dataset runs past its end.
    #[error("it is damaged")]
    Damaged,
    /// Photoshop data spread over several segments.
    #[error("it is spread over several segments")]
    Spread,
    /// The segment would pass the 65,533 bytes that JPEG allows.
    #[error("it would not fit in its segment")]
    TooLarge,
    /// It is in Latin-1 and the caption is not.
    #[error("its character set, Latin-1, lacks letters of the caption")]
    Charset,
}

/// An error of this module; each variant names the file and, where there is one, the remedy.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Nothing is at the path.
    #[error("{}: there is no such file; check the path or plug the disk in", path.display())]
    Missing {
        /// The path looked for.
        path: PathBuf,
    },
    /// The system forbids reading it.
    #[error("{}: permission denied; give yourself read access to it", path.display())]
    Denied {
        /// The file.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file to be changed is read-only.
    #[error("{}: the file is read-only; give yourself write access to it", path.display())]
    ReadOnlyFile {
        /// The file.
        path: PathBuf,
    },
    /// The folder to be written to is read-only.
    #[error("{}: the folder is read-only; give yourself write access to it", path.display())]
    ReadOnlyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The file is a link to a file in another folder, which is not written through it.
    #[error("{}: a link to {}; write to that file itself", path.display(), target.display())]
    Link {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Another program changed the file between reading and writing; nothing was written.
    #[error("{}: another program has just changed the file; try again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The sidecar is damaged; it is never overwritten.
    #[error("{}: the sidecar is damaged: {source}; repair it or move it away", path.display())]
    MalformedSidecar {
        /// The sidecar.
        path: PathBuf,
        /// What is wrong with it.
        source: PacketError,
    },
    /// The XMP inside the photo is damaged; it is never overwritten.
    #[error("{}: the XMP in the photo is damaged: {source}; write a sidecar instead", path.display())]
    MalformedXmp {
        /// The photo.
        path: PathBuf,
        /// What is wrong with it.
        source: PacketError,
    },
    /// A sidecar beyond any real size.
    #[error("{}: the sidecar has {bytes} bytes, over the limit of {limit}", path.display())]
    SidecarTooLarge {
        /// The sidecar.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// Largest size read.
        limit: u64,
    },
    /// Captions are embedded in JPEG files only.
    #[error("{}: captions are embedded in JPEG files only; write a sidecar instead", path.display())]
    NotAJpeg {
        /// The photo.
        path: PathBuf,
    },
    /// The JPEG is damaged.
    #[error("{}: the JPEG is damaged: {source}; write a sidecar instead", path.display())]
    MalformedJpeg {
        /// The photo.
        path: PathBuf,
        /// What is wrong with it.
        source: JpegFault,
    },
    /// The photo's XMP goes on in further segments, which are not edited.
    #[error("{}: the photo has extended XMP; write a sidecar instead", path.display())]
    ExtendedXmp {
        /// The photo.
        path: PathBuf,
    },
    /// The photo has several XMP packets; readers differ in which one they take.
    #[error("{}: the photo has {packets} XMP packets; write a sidecar instead", path.display())]
    SeveralPackets {
        /// The photo.
        path: PathBuf,
        /// How many.
        packets: usize,
    },
    /// The packet would not fit in one JPEG segment.
    #[error("{}: the XMP would have {bytes} bytes, over the limit of {limit}; write a sidecar instead", path.display())]
    PacketTooLarge {
        /// The photo.
        path: PathBuf,
        /// Size that the packet would have.
        bytes: usize,
        /// Largest packet of XMP Specification Part 3.
        limit: usize,
    },
    /// Another picture in the file is found by its place, which embedding would shift.
    #[error("{}: the file holds more than one picture; write a sidecar instead", path.display())]
    MultiPicture {
        /// The photo.
        path: PathBuf,
    },
    /// The IPTC caption cannot be brought in line with the new one.
    #[error("{}: the IPTC data cannot be updated: {source}; write a sidecar instead", path.display())]
    Iptc {
        /// The photo.
        path: PathBuf,
        /// Why not.
        source: IptcFault,
    },
}

impl MetadataError {
    /// The error for the system's `source` at `path`.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::PermissionDenied => Self::Denied { path },
            _ => Self::Io { path, source },
        }
    }

    /// A short stable code that programs may act on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Denied { .. } => "denied",
            Self::Io { .. } => "io",
            Self::ReadOnlyFile { .. } | Self::ReadOnlyFolder { .. } => "read_only",
            Self::Link { .. } => "link",
            Self::Changed { .. } => "changed",
            Self::MalformedSidecar { .. } | Self::SidecarTooLarge { .. } => "sidecar_bad",
            Self::MalformedXmp { .. } => "metadata_bad",
            _ => "not_embeddable",
        }
    }

    /// Whether [`super::write_sidecar`] is the way out.
    pub fn suggests_sidecar(&self) -> bool {
        matches!(
            self,
            Self::MalformedXmp { .. }
                | Self::NotAJpeg { .. }
                | Self::MalformedJpeg { .. }
                | Self::ExtendedXmp { .. }
                | Self::SeveralPackets { .. }
                | Self::PacketTooLarge { .. }
                | Self::MultiPicture { .. }
                | Self::Iptc { .. }
        )
    }
}
