//! Pictures that are the same and pictures that only look so.

use super::*;

/// A picture of waves: `side` pixels wide, moved by `phase`, `light` times as bright.
fn waves(side: u32, phase: f32, light: f32) -> Rgb {
    let value = |x: u32, y: u32| {
        let (x, y) = (x as f32 / side as f32, y as f32 / side as f32);
        let wave = (x * 19.0 + phase).sin() + (y * 17.0 + x * 5.0 * phase).cos() + (x * y * 60.0).sin();
        ((wave * 36.0 + 120.0) * light).clamp(0.0, 255.0) as u8
    };
    let pixels = (0..side).flat_map(|y| (0..side).flat_map(move |x| [value(x, y); 3])).collect();
    Rgb { width: side, height: side, pixels }
}

/// Fills a rectangle with one colour.
fn fill(rgb: &mut Rgb, [left, top, right, bottom]: [u32; 4], colour: [u8; 3]) {
    for y in top..bottom {
        for x in left..right {
            let at = ((y * rgb.width + x) * 3) as usize;
            rgb.pixels[at..at + 3].copy_from_slice(&colour);
        }
    }
}

fn cut(rgb: &Rgb, [left, top, right, bottom]: [u32; 4]) -> Rgb {
    let row = |y: u32| {
        let start = ((y * rgb.width + left) * 3) as usize;
        rgb.pixels[start..start + ((right - left) * 3) as usize].to_vec()
    };
    Rgb { width: right - left, height: bottom - top, pixels: (top..bottom).flat_map(row).collect() }
}

fn compared(one: &Rgb, other: &Rgb) -> Result<(), Unlike> {
    let (one, other) = (Canvas::of(one).unwrap(), Canvas::of(other).unwrap());
    let there = prove_same(&one, &other);
    assert_eq!(there.is_ok(), prove_same(&other, &one).is_ok(), "the order does not matter");
    assert!(there.is_err() || may_be_same(&one, &other), "what is proven passes the quick look");
    there
}

#[test]
fn copies_that_are_smaller_darker_or_cut_are_the_same() {
    let photo = waves(400, 0.3, 1.0);
    assert_eq!(compared(&photo, &photo), Ok(()));
    assert_eq!(compared(&photo, &waves(180, 0.3, 0.7)), Ok(()));
    assert_eq!(compared(&photo, &waves(700, 0.3, 1.2)), Ok(()));
    for edges in [[20, 0, 400, 400], [0, 20, 400, 400], [0, 0, 380, 400], [10, 10, 390, 390]] {
        assert_eq!(compared(&photo, &cut(&photo, edges)), Ok(()), "{edges:?}");
    }
}

#[test]
fn a_mark_in_one_place_makes_another_picture() {
    let photo = waves(600, 0.3, 1.0);
    let mut marked = photo.clone();
    fill(&mut marked, [300, 300, 306, 312], [255, 255, 255]);
    assert!(matches!(compared(&photo, &marked), Err(Unlike::Other(_))));
    assert!(matches!(compared(&photo, &waves(600, 2.4, 1.0)), Err(Unlike::Elsewhere(_))));
}

#[test]
fn the_same_shapes_in_another_colour_are_another_picture() {
    let mut red = waves(300, 0.3, 0.8);
    red.pixels.chunks_exact_mut(3).for_each(|pixel| (pixel[1], pixel[2]) = (pixel[1] / 4, pixel[2] / 4));
    assert!(compared(&waves(300, 0.3, 0.8), &red).is_err());
}

#[test]
fn a_flat_or_tiny_picture_is_the_same_as_no_other() {
    let flat = |level: u8| Rgb { width: 300, height: 200, pixels: vec![level; 300 * 200 * 3] };
    for level in [0, 90, 255] {
        assert!(compared(&flat(level), &flat(level)).is_err());
        assert!(compared(&flat(level), &flat(200)).is_err());
        assert!(compared(&flat(level), &waves(300, 0.3, 1.0)).is_err());
    }
    assert_eq!(compared(&waves(50, 0.3, 1.0), &waves(50, 0.3, 1.0)), Err(Unlike::Empty));
    assert_eq!(Canvas::new(0, 0, &[]), None);
    assert_eq!(Canvas::new(2, 2, &[0; 11]), None);
    // One row of pixels, and pictures of other shapes, make no trouble.
    let row = Rgb { width: 900, height: 1, pixels: vec![7; 2700] };
    assert!(compared(&row, &waves(300, 0.3, 1.0)).is_err());
}
