//! Pixels of any size to the square the image tower takes, the same bytes from run to run.
//!
//! Resizing is a convolution with antialiasing on gamma-encoded values, as the tower was trained;
//! integer arithmetic, so every processor gives the same bytes. Runs on loader threads, knows no tensor.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};

use crate::VlmError;
use crate::resample::resample;

/// How a photo of another shape is fitted into the square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The short side fills the square, the middle of the long side is kept.
    CentreCrop,
    /// The long side fills the square, the rest is the mean colour.
    Letterbox,
    /// Both sides fill the square, the aspect is lost.
    Squash,
    /// As transformers has it: the short side fills the square, the long side has the whole pixels of its share, and the
    /// middle of it is kept, from the half of what is too much on, rounded down.
    ShortestEdge,
    /// As torchvision has it, which open_clip uses: the same, but a half is rounded to the even pixel.
    ShortestEdgeEven,
    /// Both sides fill the square, as Pillow resizes.
    Stretch,
    /// As Idefics3 prepares a photo of one tile: the long side gets the length of the square's and the short one an even
    /// number of pixels of its share; then both fill the square.
    OneTile,
}

/// Resampling filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// Triangle filter.
    Bilinear,
    /// Catmull-Rom cubic.
    Bicubic,
    /// Sinc with three lobes.
    Lanczos,
}

/// The preparation a model was trained with; part of its identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Side of the square in pixels.
    pub size: u32,
    /// How other shapes are fitted.
    pub fit: Fit,
    /// Resampling filter.
    pub filter: Filter,
    /// Subtracted from each channel, on a scale of 0 to 1.
    pub mean: [f32; 3],
    /// Divides each channel after that.
    pub std: [f32; 3],
}

/// Prepared pixels: `size * size` RGB8, interleaved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInput(pub(crate) Vec<u8>);

impl ModelInput {
    /// The prepared pixels, RGB8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same photo seen in a mirror; for training.
    pub fn mirrored(&self) -> Self {
        let side = (self.0.len() / 3).isqrt();
        let mirror = |row: &[u8]| row.chunks_exact(3).rev().flatten().copied().collect::<Vec<_>>();
        Self(self.0.chunks_exact(side * 3).flat_map(mirror).collect())
    }
}

impl Preprocess {
    /// The short side in pixels below which a decoder loses detail the model would see.
    pub fn min_short_side(&self) -> u32 {
        // A factor above the target leaves the resampling filter something to average.
        self.size * 3 / 2
    }

    /// Fits `rgb` (RGB8, interleaved, `width * height * 3` bytes) into the square.
    ///
    /// # Errors
    /// [`VlmError::BadImage`] when a side is 0 or the buffer has another length.
    pub fn prepare(&self, width: u32, height: u32, rgb: &[u8]) -> Result<ModelInput, VlmError> {
        let expected = width as usize * height as usize * 3;
        let bad = || VlmError::BadImage { width, height, expected, found: rgb.len() };
        if width == 0 || height == 0 || rgb.len() != expected {
            return Err(bad());
        }
        let (across, down) = (f64::from(width), f64::from(height));
        let part = match self.fit {
            Fit::ShortestEdge | Fit::ShortestEdgeEven => Some(self.middle(width, height)),
            Fit::Stretch | Fit::OneTile => Some([(0.0, across), (0.0, down)]),
            Fit::CentreCrop | Fit::Letterbox | Fit::Squash => None,
        };
        if let Some(part) = part {
            let (side, [wide, high]) = (self.size as usize, self.tile(width, height));
            if self.fit == Fit::OneTile {
                let tile = resample(rgb, width as usize, part, [wide, high], self.filter);
                let part = [(0.0, wide as f64), (0.0, high as f64)];
                return Ok(ModelInput(resample(&tile, wide, part, [side; 2], self.filter)));
            }
            return Ok(ModelInput(resample(rgb, width as usize, part, [side; 2], self.filter)));
        }
        let source = ImageRef::new(width, height, rgb, PixelType::U8x3).map_err(|_| bad())?;
        let (inner_width, inner_height) = self.inner(width, height);
        let mut inner = Image::new(inner_width, inner_height, PixelType::U8x3);
        let filter = match self.filter {
            Filter::Bilinear => FilterType::Bilinear,
            Filter::Bicubic => FilterType::CatmullRom,
            Filter::Lanczos => FilterType::Lanczos3,
        };
        let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
        if self.fit == Fit::CentreCrop {
            options = options.fit_into_destination(None);
        }
        Resizer::new().resize(&source, &mut inner, &options).map_err(|_| bad())?;
        let inner = inner.into_vec();
        Ok(ModelInput(if (inner_width, inner_height) == (self.size, self.size) {
            inner
        } else {
            self.framed(inner_width, inner_height, &inner)
        }))
    }

    /// Size of a photo whose long side is the square's, the short side even.
    fn tile(&self, width: u32, height: u32) -> [usize; 2] {
        let (long, aspect) = (f64::from(self.size), f64::from(width) / f64::from(height));
        let short = if width >= height { long / aspect } else { long * aspect };
        let short = (short as usize).next_multiple_of(2).max(1);
        let long = self.size as usize;
        if width >= height { [long, short] } else { [short, long] }
    }

    /// Size of the resized photo inside the square.
    fn inner(&self, width: u32, height: u32) -> (u32, u32) {
        match self.fit {
            Fit::CentreCrop | Fit::Squash | Fit::ShortestEdge | Fit::ShortestEdgeEven | Fit::Stretch | Fit::OneTile => {
                (self.size, self.size)
            }
            Fit::Letterbox => {
                let long = f64::from(width.max(height));
                let side = |v: u32| ((f64::from(v) * f64::from(self.size) / long).round() as u32).clamp(1, self.size);
                (side(width), side(height))
            }
        }
    }

    /// What of the photo's width and of its height fills the square: where it begins and how long it is, in its pixels.
    ///
    /// The photo is never resized whole: of one that is a thousand times as long as wide only the middle is looked at, and
    /// the pixels are those of resizing it and cropping then.
    fn middle(&self, width: u32, height: u32) -> [(f64, f64); 2] {
        let (size, short) = (u64::from(self.size), u64::from(width.min(height)));
        [width, height].map(|side| {
            let resized = size * u64::from(side) / short;
            let over = resized - size;
            let from = match self.fit {
                // 1 is 0, 3 is 2: the half to the even pixel.
                Fit::ShortestEdgeEven if over % 4 == 3 => over.div_ceil(2),
                _ => over / 2,
            };
            let scale = f64::from(side) / resized as f64;
            let (from, length) = (from as f64 * scale, size as f64 * scale);
            (from, length.min(f64::from(side) - from))
        })
    }

    /// `inner` in the middle of a square of the mean colour.
    fn framed(&self, width: u32, height: u32, inner: &[u8]) -> Vec<u8> {
        let size = self.size as usize;
        let colour = self.mean.map(|m| (m * 255.0).round() as u8);
        let mut square = colour.repeat(size * size);
        let (left, top) = ((size - width as usize) / 2, (size - height as usize) / 2);
        for (y, row) in inner.chunks_exact(width as usize * 3).enumerate() {
            square[((top + y) * size + left) * 3..][..row.len()].copy_from_slice(row);
        }
        square
    }

    /// `(value / 255 - mean) / std`, interleaved: what the tower takes.
    pub(crate) fn normalise(&self, input: &ModelInput) -> Vec<f32> {
        // 256 values a channel: a table is exact and quick.
        let tables: [[f32; 256]; 3] =
            std::array::from_fn(|c| std::array::from_fn(|v| (v as f32 / 255.0 - self.mean[c]) / self.std[c]));
        let mut floats = Vec::with_capacity(input.0.len());
        for pixel in input.0.chunks_exact(3) {
            floats.extend((0..3).map(|c| tables[c][pixel[c] as usize]));
        }
        floats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preprocess(fit: Fit) -> Preprocess {
        Preprocess { size: 8, fit, filter: Filter::Bilinear, mean: [0.5; 3], std: [0.25; 3] }
    }

    /// Left half red, right half blue.
    fn two_halves(width: u32, height: u32) -> Vec<u8> {
        (0..width * height).flat_map(|i| if i % width < width / 2 { [255, 0, 0] } else { [0, 0, 255] }).collect()
    }

    #[test]
    fn a_square_of_the_right_size_passes_unchanged() {
        let rgb: Vec<u8> = (0..8 * 8 * 3).map(|v| v as u8).collect();
        for fit in [Fit::CentreCrop, Fit::Letterbox, Fit::Squash, Fit::ShortestEdge, Fit::Stretch] {
            assert_eq!(preprocess(fit).prepare(8, 8, &rgb).unwrap().as_bytes(), rgb);
        }
    }

    #[test]
    fn a_crop_keeps_the_middle_and_a_letterbox_keeps_everything() {
        let rgb = two_halves(64, 8);
        let crop = preprocess(Fit::CentreCrop).prepare(64, 8, &rgb).unwrap();
        assert_eq!(&crop.as_bytes()[..3], [255, 0, 0]);
        assert_eq!(&crop.as_bytes()[21..24], [0, 0, 255]);
        let boxed = preprocess(Fit::Letterbox).prepare(64, 8, &rgb).unwrap();
        assert_eq!(&boxed.as_bytes()[..3], [128, 128, 128], "above the photo");
        let row = &boxed.as_bytes()[3 * 8 * 3..][..24];
        assert_eq!(&row[..3], [255, 0, 0]);
        assert_eq!(&row[21..], [0, 0, 255]);
    }

    #[test]
    fn the_thinnest_photos_are_prepared() {
        for (w, h) in [(1, 1), (20_000, 1), (1, 20_000), (20_000, 10)] {
            let rgb = vec![9; w as usize * h as usize * 3];
            let all =
                [Fit::CentreCrop, Fit::Letterbox, Fit::Squash, Fit::ShortestEdge, Fit::ShortestEdgeEven, Fit::Stretch];
            for fit in all {
                assert_eq!(preprocess(fit).prepare(w, h, &rgb).unwrap().as_bytes().len(), 8 * 8 * 3);
            }
        }
    }

    #[test]
    fn the_middle_of_the_long_side_begins_where_transformers_and_torchvision_say() {
        // 8 pixels of the short side: what is too much is 1, 2, 3, 5 and 7.
        for (long, floor, even) in [(9, 0.0, 0.0), (10, 1.0, 1.0), (11, 1.0, 2.0), (13, 2.0, 2.0), (15, 3.0, 4.0)] {
            assert_eq!(preprocess(Fit::ShortestEdge).middle(long, 8), [(floor, 8.0), (0.0, 8.0)]);
            assert_eq!(preprocess(Fit::ShortestEdgeEven).middle(8, long), [(0.0, 8.0), (even, 8.0)]);
        }
    }

    #[test]
    fn a_buffer_of_the_wrong_length_is_refused() {
        let error = preprocess(Fit::Squash).prepare(2, 2, &[0; 11]).unwrap_err();
        assert!(matches!(error, VlmError::BadImage { expected: 12, found: 11, .. }));
        assert!(preprocess(Fit::Squash).prepare(0, 5, &[]).is_err());
    }

    #[test]
    fn normalising_follows_the_formula() {
        let input = ModelInput(vec![0, 255, 51]);
        let floats = preprocess(Fit::Squash).normalise(&input);
        for (got, want) in floats.iter().zip([-2.0, 2.0, (0.2 - 0.5) / 0.25]) {
            assert!((got - want).abs() < 1e-6);
        }
    }
}
