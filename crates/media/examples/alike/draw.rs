//! Pictures that look alike in the small and are not the same: letters, receipts, screenshots, chess boards, skies and QR
//! codes. Each is drawn from its number; neighbours of one family differ in one thing only, as an amount or a move.

use sightline_media::Rgb;

/// Draws the picture of a number.
type Draw = fn(u64) -> Rgb;

/// What can be drawn.
pub const KINDS: [(&str, Draw); 6] = [
    ("letter", letter),
    ("receipt", receipt),
    ("screenshot", screenshot),
    ("chess", chess),
    ("sky", sky),
    ("code", code),
];

/// Pictures of one family: they share a template.
const FAMILY: u64 = 8;

type Colour = [u8; 3];

/// Numbers without a pattern (splitmix64, Steele et al. 2014).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

/// A sheet to draw on.
struct Sheet(Rgb);

impl Sheet {
    fn new(width: u32, height: u32, colour: Colour) -> Self {
        Self(Rgb { width, height, pixels: colour.repeat((width * height) as usize) })
    }

    fn fill(&mut self, left: u32, top: u32, width: u32, height: u32, colour: Colour) {
        for y in top..(top + height).min(self.0.height) {
            for x in left..(left + width).min(self.0.width) {
                let at = ((y * self.0.width + x) * 3) as usize;
                self.0.pixels[at..at + 3].copy_from_slice(&colour);
            }
        }
    }

    fn disc(&mut self, x: u32, y: u32, radius: u32, colour: Colour) {
        for dy in 0..=2 * radius {
            for dx in 0..=2 * radius {
                let (a, b) = (dx.abs_diff(radius), dy.abs_diff(radius));
                if a * a + b * b <= radius * radius {
                    self.fill((x + dx).saturating_sub(radius), (y + dy).saturating_sub(radius), 1, 1, colour);
                }
            }
        }
    }

    /// Writes in letters of 5 times 7 squares of `size` pixels.
    fn write(&mut self, mut left: u32, top: u32, size: u32, text: &str, colour: Colour) {
        for letter in text.bytes() {
            for (column, rows) in glyph(letter).iter().enumerate() {
                for row in (0..7).filter(|row| rows >> row & 1 == 1) {
                    self.fill(left + column as u32 * size, top + row * size, size, size, colour);
                }
            }
            left += 6 * size;
        }
    }
}

/// Columns of a letter, the top in the lowest bit.
fn glyph(letter: u8) -> [u8; 5] {
    const DIGITS: [[u8; 5]; 10] = [
        [0x3e, 0x51, 0x49, 0x45, 0x3e],
        [0x00, 0x42, 0x7f, 0x40, 0x00],
        [0x42, 0x61, 0x51, 0x49, 0x46],
        [0x21, 0x41, 0x45, 0x4b, 0x31],
        [0x18, 0x14, 0x12, 0x7f, 0x10],
        [0x27, 0x45, 0x45, 0x45, 0x39],
        [0x3c, 0x4a, 0x49, 0x49, 0x30],
        [0x01, 0x71, 0x09, 0x05, 0x03],
        [0x36, 0x49, 0x49, 0x49, 0x36],
        [0x06, 0x49, 0x49, 0x29, 0x1e],
    ];
    const LETTERS: [[u8; 5]; 26] = [
        [0x7e, 0x11, 0x11, 0x11, 0x7e],
        [0x7f, 0x49, 0x49, 0x49, 0x36],
        [0x3e, 0x41, 0x41, 0x41, 0x22],
        [0x7f, 0x41, 0x41, 0x22, 0x1c],
        [0x7f, 0x49, 0x49, 0x49, 0x41],
        [0x7f, 0x09, 0x09, 0x09, 0x01],
        [0x3e, 0x41, 0x49, 0x49, 0x7a],
        [0x7f, 0x08, 0x08, 0x08, 0x7f],
        [0x00, 0x41, 0x7f, 0x41, 0x00],
        [0x20, 0x40, 0x41, 0x3f, 0x01],
        [0x7f, 0x08, 0x14, 0x22, 0x41],
        [0x7f, 0x40, 0x40, 0x40, 0x40],
        [0x7f, 0x02, 0x0c, 0x02, 0x7f],
        [0x7f, 0x04, 0x08, 0x10, 0x7f],
        [0x3e, 0x41, 0x41, 0x41, 0x3e],
        [0x7f, 0x09, 0x09, 0x09, 0x06],
        [0x3e, 0x41, 0x51, 0x21, 0x5e],
        [0x7f, 0x09, 0x19, 0x29, 0x46],
        [0x46, 0x49, 0x49, 0x49, 0x31],
        [0x01, 0x01, 0x7f, 0x01, 0x01],
        [0x3f, 0x40, 0x40, 0x40, 0x3f],
        [0x1f, 0x20, 0x40, 0x20, 0x1f],
        [0x3f, 0x40, 0x38, 0x40, 0x3f],
        [0x63, 0x14, 0x08, 0x14, 0x63],
        [0x07, 0x08, 0x70, 0x08, 0x07],
        [0x61, 0x51, 0x49, 0x45, 0x43],
    ];
    match letter.to_ascii_uppercase() {
        digit @ b'0'..=b'9' => DIGITS[usize::from(digit - b'0')],
        letter @ b'A'..=b'Z' => LETTERS[usize::from(letter - b'A')],
        b'.' => [0, 0, 0x60, 0x60, 0],
        b':' => [0, 0, 0x36, 0, 0],
        _ => [0; 5],
    }
}

const WORDS: [&str; 24] = [
    "invoice", "total", "amount", "garden", "letter", "river", "table", "winter", "account", "summer", "holiday",
    "doctor", "school", "payment", "street", "north", "number", "meeting", "window", "silver", "question", "answer",
    "morning", "contract",
];

fn line(numbers: &mut Numbers, words: u64) -> String {
    (0..words).map(|_| numbers.pick(&WORDS)).collect::<Vec<_>>().join(" ")
}

/// A page: of a family every letter has the same text but for one amount.
fn letter(number: u64) -> Rgb {
    let mut sheet = Sheet::new(1240, 1754, [252, 251, 248]);
    let mut family = Numbers(number / FAMILY);
    let ink = [25, 25, 25];
    sheet.write(120, 70, 6, family.pick(&["city of porto", "energy plc", "st mary school"]), [20, 40, 90]);
    let mut top = 200;
    for _ in 0..3 + family.below(4) {
        for _ in 0..2 + family.below(6) {
            let words = 4 + family.below(3);
            sheet.write(120, top, 3, &line(&mut family, words), ink);
            top += 38;
        }
        top += 40;
    }
    let mut own = Numbers(1_000_000 + number);
    sheet.write(120, top, 3, &format!("to be paid: {}.{:02}", 100 + own.below(900), own.below(100)), ink);
    sheet.0
}

/// A till receipt: of a family every one has the same things on it at another time.
fn receipt(number: u64) -> Rgb {
    let mut family = Numbers(2_000_000 + number / FAMILY);
    let lines = 9 + family.below(14) as u32;
    let mut sheet = Sheet::new(620, 420 + 44 * lines, [244, 243, 239]);
    let ink = [20, 20, 20];
    sheet.write(100, 40, 6, family.pick(&["supermercado", "bakery 24", "farmacia"]), ink);
    let mut top = 140;
    for _ in 0..lines {
        sheet.write(
            40,
            top,
            3,
            &format!("{:12} {:3}.{:02}", family.pick(&WORDS), family.below(60), family.below(100)),
            ink,
        );
        top += 44;
    }
    let mut own = Numbers(3_000_000 + number);
    sheet.write(
        40,
        top + 40,
        4,
        &format!("no {:05}  {:02}:{:02}", own.below(99_999), own.below(24), own.below(60)),
        ink,
    );
    sheet.0
}

/// A chat on a telephone: of a family every one has other last words.
fn screenshot(number: u64) -> Rgb {
    let mut sheet = Sheet::new(720, 1560, [236, 229, 221]);
    sheet.fill(0, 0, 720, 130, [7, 94, 84]);
    let (mut family, mut own) = (Numbers(4_000_000 + number / FAMILY), Numbers(5_000_000 + number));
    sheet.write(40, 60, 5, family.pick(&["mum", "work group", "luis"]), [255, 255, 255]);
    let mut top = 160;
    while top < 1400 {
        let (height, width) = (70 + 30 * family.below(3) as u32, 240 + family.below(240) as u32);
        let mine = family.below(2) == 1;
        let left = if mine { 680 - width } else { 40 };
        sheet.fill(left, top, width, height, if mine { [220, 248, 198] } else { [255, 255, 255] });
        let last = top + height + 160 >= 1400;
        let text = line(if last { &mut own } else { &mut family }, 2);
        sheet.write(left + 14, top + 18, 2, &text, [20, 20, 20]);
        top += height + 24 + family.below(24) as u32;
    }
    sheet.0
}

/// A position: of a family every one is a move away from the others.
fn chess(number: u64) -> Rgb {
    const SQUARE: u32 = 80;
    let mut sheet = Sheet::new(8 * SQUARE, 8 * SQUARE, [238, 216, 180]);
    for square in (0..64).filter(|square| (square % 8 + square / 8) % 2 == 1) {
        sheet.fill(square % 8 * SQUARE, square / 8 * SQUARE, SQUARE, SQUARE, [120, 80, 50]);
    }
    let mut family = Numbers(6_000_000 + number / FAMILY);
    let mut board = [None; 64];
    for _ in 0..14 {
        board[family.below(64) as usize] = Some(family.below(2) == 0);
    }
    // The one that moves stands on a square of its own.
    let free: Vec<usize> = (0..64).filter(|square| board[*square].is_none()).collect();
    board[free[(number % FAMILY) as usize * 5]] = Some(true);
    for (square, piece) in (0u32..).zip(board) {
        let colour = match piece {
            Some(true) => [252, 252, 252],
            Some(false) => [10, 10, 10],
            None => continue,
        };
        let middle = |at: u32| at * SQUARE + SQUARE / 2;
        sheet.disc(middle(square % 8), middle(square / 8), 24, colour);
    }
    sheet.0
}

/// Stars.
fn sky(number: u64) -> Rgb {
    let mut sheet = Sheet::new(1600, 1200, [3, 3, 8]);
    let mut own = Numbers(7_000_000 + number);
    for _ in 0..250 {
        let (x, y, size) = (own.below(1600) as u32, own.below(1200) as u32, 1 + own.below(3) as u32);
        sheet.fill(x, y, size, size, [200, 200, 220]);
    }
    sheet.0
}

/// Something like a QR code of version 4: three eyes and chance.
fn code(number: u64) -> Rgb {
    const MODULES: u32 = 33;
    const SIZE: u32 = 16;
    let mut sheet = Sheet::new((MODULES + 8) * SIZE, (MODULES + 8) * SIZE, [255, 255, 255]);
    let mut own = Numbers(8_000_000 + number);
    let module =
        |sheet: &mut Sheet, x: u32, y: u32, colour| sheet.fill((x + 4) * SIZE, (y + 4) * SIZE, SIZE, SIZE, colour);
    for place in 0..MODULES * MODULES {
        if own.below(2) == 0 {
            module(&mut sheet, place % MODULES, place / MODULES, [0, 0, 0]);
        }
    }
    for (left, top) in [(0, 0), (MODULES - 7, 0), (0, MODULES - 7)] {
        for place in 0..49u32 {
            let (x, y) = (place % 7, place / 7);
            let ring = x.abs_diff(3).max(y.abs_diff(3));
            module(&mut sheet, left + x, top + y, if ring == 2 { [255, 255, 255] } else { [0, 0, 0] });
        }
    }
    sheet.0
}
