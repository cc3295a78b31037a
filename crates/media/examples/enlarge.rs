//! Enlarges photos to the size that a camera's have, for measurements with the sample photos.
//!
//! `cargo run --release --example enlarge -- FROM TO LONG_SIDE`
#![allow(clippy::unwrap_used, reason = "a measurement may")]

use std::path::Path;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, Resizer};
use sightline_media::{Limits, Rgb, open, picture_of, walk};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, long_side] = arguments.as_slice() else { panic!("enlarge FROM TO LONG_SIDE") };
    let (to, long_side): (&Path, u32) = (Path::new(to), long_side.parse().unwrap());
    std::fs::create_dir_all(to).unwrap();
    for found in walk(Path::new(from)) {
        let path = found.unwrap().path;
        let small = open(&path, u32::MAX, &Limits::default()).unwrap().rgb;
        let scale = f64::from(long_side) / f64::from(small.width.max(small.height));
        let [width, height] = [small.width, small.height].map(|side| (f64::from(side) * scale).round() as u32);
        let source = ImageRef::new(small.width, small.height, &small.pixels, PixelType::U8x3).unwrap();
        let mut large = Image::new(width, height, PixelType::U8x3);
        Resizer::new().resize(&source, &mut large, None).unwrap();
        let jpeg = picture_of(&Rgb { width, height, pixels: large.into_vec() }, None).unwrap();
        std::fs::write(to.join(path.file_stem().unwrap()).with_extension("jpg"), jpeg).unwrap();
    }
}
