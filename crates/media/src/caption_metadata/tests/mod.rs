//! Tests of the whole module, on its own files and against other programs.

mod corpus;
mod formats;
mod iptc;
mod jpegs;
mod killed;
mod other_programs;
mod packets;
mod refusals;
mod sidecars;
mod written;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::CaptionMetadata;

/// A picture of 16 by 16 pixels with a JFIF segment and no metadata.
const SMALL: &[u8] = include_bytes!("small.jpg");

const XMP_HEADER: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

fn metadata(caption: &str, keywords: &[&str]) -> CaptionMetadata {
    let caption = Some(caption.to_owned()).filter(|caption| !caption.is_empty());
    CaptionMetadata { caption, keywords: keywords.iter().map(|&keyword| keyword.to_owned()).collect() }
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], length.as_slice(), content].concat()
}

/// The small picture with `segments` after its JFIF segment and `trailer` after its end.
fn picture_with(segments: &[Vec<u8>], trailer: &[u8]) -> Vec<u8> {
    [&SMALL[..20], &segments.concat(), &SMALL[20..], trailer].concat()
}

fn put(folder: &Path, name: &str, contents: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, contents).unwrap();
    path
}

/// Names of our temporary files in a folder.
fn leftovers(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| super::replace::is_temporary(name)).collect()
}

/// What a program prints, or `None`, loudly, where it is not installed.
fn output(program: &str, arguments: &[&str], paths: &[PathBuf]) -> Option<Vec<u8>> {
    match Command::new(program).args(arguments).args(paths).output() {
        Ok(output) => Some(output.stdout),
        Err(fault) => {
            eprintln!("SKIPPED: {program} cannot be run ({fault}); install it to compare with it");
            None
        }
    }
}

/// Numbers that look random and are the same on each run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % limit
    }
}
