//! Pictures as they are compared: brightness in full, colours coarsely.

/// The longer side of a picture that is compared, in pixels: a line of print on a page still has strokes.
pub(super) const LONGEST: usize = 1024;

/// Numbers row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

/// Longer sides of the small planes that every comparison begins with.
pub(super) const SMALL: [usize; 3] = [24, 48, 96];

/// A picture ready to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Canvas {
    /// Brightness, 0 to 255.
    pub(super) light: Plane,
    /// The same small and softened: of many pictures that are compared, few are compared any further.
    pub(super) small: [Plane; SMALL.len()],
    /// Blueness and redness (Cb and Cr of JPEG), in few pixels.
    pub(super) colours: [Plane; 2],
}

impl Plane {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, values: vec![0.0; width * height] }
    }

    pub fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// The value between pixels, by the nearer four; none outside.
    pub fn between(&self, x: f32, y: f32) -> Option<f32> {
        let (right, bottom) = ((self.width - 1) as f32, (self.height - 1) as f32);
        if !(x >= 0.0 && y >= 0.0 && x <= right && y <= bottom) {
            return None;
        }
        let (left, top) = ((x as usize).min(self.width.max(2) - 2), (y as usize).min(self.height.max(2) - 2));
        let (dx, dy) = (x - left as f32, y - top as f32);
        let (next, below) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let upper = self.at(left, top) * (1.0 - dx) + self.at(next, top) * dx;
        let lower = self.at(left, below) * (1.0 - dx) + self.at(next, below) * dx;
        Some(upper * (1.0 - dy) + lower * dy)
    }

    /// As large as told, each pixel the mean of those it stands for; a plane is not made larger.
    pub fn scaled(&self, width: usize, height: usize) -> Self {
        let (width, height) = (width.clamp(1, self.width), height.clamp(1, self.height));
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let across = shares(self.width, width);
        let down = shares(self.height, height);
        let mut rows = Self::new(width, self.height);
        for y in 0..self.height {
            let row = &self.values[y * self.width..(y + 1) * self.width];
            for (x, share) in across.iter().enumerate() {
                rows.values[y * width + x] = share.mean(|at| row[at]);
            }
        }
        let mut small = Self::new(width, height);
        for (y, share) in down.iter().enumerate() {
            for x in 0..width {
                small.values[y * width + x] = share.mean(|at| rows.values[at * width + x]);
            }
        }
        small
    }

    /// Scaled so that the longer side has `long` pixels.
    pub fn with_long_side(&self, long: usize) -> Self {
        let (width, height) = fitting(self.width, self.height, long);
        self.scaled(width, height)
    }

    /// Each pixel with its neighbours: a quarter, a half and a quarter, across and down.
    pub fn softened(&self) -> Self {
        let mut across = Self::new(self.width, self.height);
        for y in 0..self.height {
            for x in 0..self.width {
                let (left, right) = (x.saturating_sub(1), (x + 1).min(self.width - 1));
                across.values[y * self.width + x] =
                    0.25 * self.at(left, y) + 0.5 * self.at(x, y) + 0.25 * self.at(right, y);
            }
        }
        let mut soft = Self::new(self.width, self.height);
        for y in 0..self.height {
            let (above, below) = (y.saturating_sub(1), (y + 1).min(self.height - 1));
            for x in 0..self.width {
                soft.values[y * self.width + x] =
                    0.25 * across.at(x, above) + 0.5 * across.at(x, y) + 0.25 * across.at(x, below);
            }
        }
        soft
    }
}

/// Which pixels of a row one pixel of a shorter row stands for, the first and the last in part.
struct Share {
    first: usize,
    last: usize,
    of_first: f32,
    of_last: f32,
}

impl Share {
    fn mean(&self, value: impl Fn(usize) -> f32) -> f32 {
        if self.first == self.last {
            return value(self.first);
        }
        let whole: f32 = (self.first + 1..self.last).map(&value).sum();
        let weight = self.of_first + self.of_last + (self.last - self.first - 1) as f32;
        (whole + self.of_first * value(self.first) + self.of_last * value(self.last)) / weight
    }
}

fn shares(from: usize, to: usize) -> Vec<Share> {
    let step = from as f32 / to as f32;
    let share = |at: usize| {
        let (start, end) = (at as f32 * step, (at + 1) as f32 * step);
        let first = (start as usize).min(from - 1);
        let last = ((end.ceil() as usize).max(1) - 1).clamp(first, from - 1);
        Share { first, last, of_first: 1.0 - (start - first as f32), of_last: (end - last as f32).clamp(0.0, 1.0) }
    };
    (0..to).map(share).collect()
}

fn fitting(width: usize, height: usize, long: usize) -> (usize, usize) {
    let scale = long as f32 / width.max(height) as f32;
    let side = |side: usize| ((side as f32 * scale).round() as usize).max(1);
    if scale >= 1.0 { (width, height) } else { (side(width), side(height)) }
}

impl Canvas {
    /// Pixels of the shorter side to which a photo is decoded to be compared.
    pub const SHORT_SIDE: u32 = (LONGEST / 4 * 3) as u32;

    /// A picture of `width` times `height` pixels of three bytes each; none when that is not what `rgb` has.
    pub fn new(width: u32, height: u32, rgb: &[u8]) -> Option<Self> {
        /// Longer side of the planes of colours, in pixels.
        const COLOURS: usize = 32;
        let (width, height) = (width as usize, height as usize);
        if width == 0 || height == 0 || rgb.len() != width * height * 3 {
            return None;
        }
        let plane = |of: fn(f32, f32, f32) -> f32| {
            let value = |pixel: &[u8]| of(pixel[0].into(), pixel[1].into(), pixel[2].into());
            Plane { width, height, values: rgb.chunks_exact(3).map(value).collect() }
        };
        let light = plane(|r, g, b| 0.299 * r + 0.587 * g + 0.114 * b).with_long_side(LONGEST);
        let blue = plane(|r, g, b| -0.169 * r - 0.331 * g + 0.5 * b).with_long_side(COLOURS);
        let red = plane(|r, g, b| 0.5 * r - 0.419 * g - 0.081 * b).with_long_side(COLOURS);
        let small = SMALL.map(|long| light.with_long_side(long).softened());
        Some(Self { light, small, colours: [blue, red] })
    }

    pub(super) fn long_side(&self) -> usize {
        self.light.width.max(self.light.height)
    }

    pub(super) fn short_side(&self) -> usize {
        self.light.width.min(self.light.height)
    }
}
