//! Compares pairs of photos as the search for duplicates does: `prove < PAIRS`, a line with two paths and a tab between
//! them a pair; writes 1 where the pixels prove that both show the same, else 0 and why not.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use sightline_media::{Canvas, Limits, may_be_same, open, prove_same, thumbnail};

/// A photo's thumbnail and its pixels, ready to be compared.
type Pictures = (Canvas, Canvas);

fn pictures(path: &Path) -> Result<Pictures, Box<dyn std::error::Error>> {
    let photo = open(path, Canvas::SHORT_SIDE, &Limits::default())?;
    let small = thumbnail(&photo.rgb, 256)?;
    let small = sightline_media::decode_bytes(&small, path, Canvas::SHORT_SIDE, &Limits::default())?.1;
    Ok((Canvas::of(&small).ok_or("no pixels")?, Canvas::of(&photo.rgb).ok_or("no pixels")?))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut held: HashMap<PathBuf, Pictures> = HashMap::new();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (one, other) = line.split_once('\t').ok_or("two paths with a tab between them")?;
        let (one, other) = (Path::new(one), Path::new(other));
        if held.len() > 200 {
            held.clear();
        }
        for path in [one, other] {
            if !held.contains_key(path) {
                held.insert(path.into(), pictures(path)?);
            }
        }
        let (a, b) = (&held[one], &held[other]);
        match (may_be_same(&a.0, &b.0), prove_same(&a.1, &b.1)) {
            (true, Ok(())) => writeln!(out, "1")?,
            (false, _) => writeln!(out, "0 thumbnails differ")?,
            (true, Err(why)) => writeln!(out, "0 {why:?}")?,
        }
    }
    Ok(())
}
