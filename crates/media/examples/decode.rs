//! Decodes photos as the index does: one line a file, and with `--out FOLDER` the pixels as PPM.
//!
//! `cargo run --release -p sightline-media --example decode -- [--out FOLDER] [--side N] PATH...`

use std::path::{Path, PathBuf};
use std::time::Instant;

use sightline_media::{Limits, Rgb, open, walk};

fn main() -> std::io::Result<()> {
    let (mut out, mut side, mut roots) = (None, u32::MAX, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--out" => out = arguments.next().map(PathBuf::from),
            "--side" => side = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(u32::MAX),
            _ => roots.push(PathBuf::from(argument)),
        }
    }
    for root in roots {
        let files: Vec<PathBuf> = walk(&root).filter_map(Result::ok).map(|found| found.path).collect();
        for path in files {
            let started = Instant::now();
            let photo = open(&path, side, &Limits::default());
            let ms = started.elapsed().as_secs_f64() * 1000.0;
            match photo {
                Ok(photo) => {
                    let facts = &photo.metadata;
                    println!(
                        "ok\t{}\t{}\t{}x{}\t{}x{}\t{}\t{:?}\t{:?}\t{ms:.1}",
                        path.display(),
                        facts.format.name(),
                        facts.width,
                        facts.height,
                        photo.rgb.width,
                        photo.rgb.height,
                        facts.orientation,
                        facts.exif.taken_at,
                        facts.exif.camera,
                    );
                    if let Some(folder) = &out {
                        write_ppm(folder, &path, &photo.rgb)?;
                    }
                }
                Err(error) => println!("{}\t{error}\t{ms:.1}", error.code()),
            }
        }
    }
    Ok(())
}

fn write_ppm(folder: &Path, photo: &Path, rgb: &Rgb) -> std::io::Result<()> {
    let name = photo.to_string_lossy().replace('/', "_");
    let mut bytes = format!("P6 {} {} 255\n", rgb.width, rgb.height).into_bytes();
    bytes.extend(&rgb.pixels);
    std::fs::write(folder.join(name + ".ppm"), bytes)
}
