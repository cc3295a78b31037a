//! Turning pixels upright as EXIF says.

use image::imageops;

use super::Rgb;

/// Takes EXIF orientation 1 to 8 back.
pub(crate) fn undone(rgb: Rgb, orientation: u8) -> Rgb {
    // Turns by a quarter are each other's opposites; all others are their own.
    upright(rgb, [0, 1, 2, 3, 4, 5, 8, 7, 6].get(usize::from(orientation)).copied().unwrap_or(1))
}

/// Applies EXIF orientation 1 to 8 (CIPA DC-008, table 6).
pub(super) fn upright(rgb: Rgb, orientation: u8) -> Rgb {
    if orientation <= 1 || orientation > 8 {
        return rgb;
    }
    let mut image = image::RgbImage::from_raw(rgb.width, rgb.height, rgb.pixels)
        .expect("a decoded photo has as many bytes as its size says");
    match orientation {
        2 => imageops::flip_horizontal_in_place(&mut image),
        3 => imageops::rotate180_in_place(&mut image),
        4 => imageops::flip_vertical_in_place(&mut image),
        5 => {
            image = imageops::rotate90(&image);
            imageops::flip_horizontal_in_place(&mut image);
        }
        6 => image = imageops::rotate90(&image),
        7 => {
            image = imageops::rotate270(&image);
            imageops::flip_horizontal_in_place(&mut image);
        }
        _ => image = imageops::rotate270(&image),
    }
    Rgb { width: image.width(), height: image.height(), pixels: image.into_raw() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_orientation_puts_the_first_row_and_column_where_the_standard_says() {
        // Stored rows: 1 2 3 / 4 5 6. The standard names the side on which row 0 and column 0 lie.
        let stored = || Rgb { width: 3, height: 2, pixels: [1, 2, 3, 4, 5, 6].iter().flat_map(|&v| [v; 3]).collect() };
        let expected: [(u32, [u8; 6]); 8] = [
            (3, [1, 2, 3, 4, 5, 6]), // top, left
            (3, [3, 2, 1, 6, 5, 4]), // top, right
            (3, [6, 5, 4, 3, 2, 1]), // bottom, right
            (3, [4, 5, 6, 1, 2, 3]), // bottom, left
            (2, [1, 4, 2, 5, 3, 6]), // left, top
            (2, [4, 1, 5, 2, 6, 3]), // right, top
            (2, [6, 3, 5, 2, 4, 1]), // right, bottom
            (2, [3, 6, 2, 5, 1, 4]), // left, bottom
        ];
        for (orientation, (width, want)) in (1..).zip(expected) {
            let got = upright(stored(), orientation);
            assert_eq!(got.width, width, "orientation {orientation}");
            assert_eq!(got.pixels.iter().step_by(3).copied().collect::<Vec<_>>(), want, "orientation {orientation}");
        }
    }
}
