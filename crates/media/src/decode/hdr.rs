//! High dynamic range to the screen's: PQ and HLG (ITU-R BT.2100) with BT.2020's primaries.

/// How samples stand for light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    /// Perceptual quantisation, up to 10,000 candela a square metre.
    Pq,
    /// Hybrid log-gamma.
    Hlg,
}

/// White paper's light, candela a square metre (ITU-R BT.2408).
const WHITE: f32 = 203.0;
/// The brightest light of a usual HDR photo.
const PEAK: f32 = 1000.0;

/// A ready table from samples to light, and from light to sRGB.
pub(super) struct Tone {
    light: Vec<f32>,
}

impl Tone {
    /// For samples from 0 to `most`.
    pub fn new(curve: Curve, most: u32) -> Self {
        let light = (0..=most).map(|v| v as f32 / most as f32).map(|v| match curve {
            Curve::Pq => pq(v) / WHITE,
            Curve::Hlg => hlg(v) * PEAK / WHITE,
        });
        Self { light: light.collect() }
    }

    /// sRGB of one pixel. Highlights are rolled off by Reinhard's extended curve over the largest of the three,
    /// which keeps the hue.
    pub fn srgb(&self, samples: [u32; 3]) -> [u8; 3] {
        let [r, g, b] = samples.map(|v| self.light[(v as usize).min(self.light.len() - 1)]);
        // BT.2020 to BT.709 primaries (ITU-R BT.2087).
        let linear = [
            1.6605 * r - 0.5876 * g - 0.0728 * b,
            -0.1246 * r + 1.1329 * g - 0.0083 * b,
            -0.0182 * r - 0.1006 * g + 1.1187 * b,
        ]
        .map(|v| v.max(0.0));
        let largest = linear.iter().copied().fold(0.0, f32::max);
        let peak = PEAK / WHITE;
        let scale = (1.0 + largest / (peak * peak)) / (1.0 + largest);
        linear.map(|v| (encode((v * scale).min(1.0)) * 255.0).round() as u8)
    }
}

/// Candela a square metre (SMPTE ST 2084).
fn pq(v: f32) -> f32 {
    let (m1, m2) = (2610.0 / 16384.0, 2523.0 / 32.0);
    let (c1, c2, c3) = (3424.0 / 4096.0, 2413.0 / 128.0, 2392.0 / 128.0);
    let p = v.powf(1.0 / m2);
    10_000.0 * ((p - c1).max(0.0) / (c2 - c3 * p)).powf(1.0 / m1)
}

/// Share of the peak: inverse OETF, and the system gamma of 1.2 on each channel.
fn hlg(v: f32) -> f32 {
    let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_7);
    let scene = if v <= 0.5 { v * v / 3.0 } else { (((v - c) / a).exp() + b) / 12.0 };
    scene.powf(1.2)
}

fn encode(v: f32) -> f32 {
    if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curves_give_the_light_that_the_standards_list() {
        // BT.2408, table 1: white paper is 58 % of PQ and 75 % of HLG.
        assert!((pq(0.5807) - 203.0).abs() < 2.0, "{}", pq(0.5807));
        assert!((pq(1.0) - 10_000.0).abs() < 1.0);
        assert!((hlg(0.75) * PEAK - 203.0).abs() < 3.0, "{}", hlg(0.75) * PEAK);
    }

    #[test]
    fn grey_stays_grey_black_black_and_brighter_is_brighter() {
        let tone = Tone::new(Curve::Pq, 1023);
        assert_eq!(tone.srgb([0; 3]), [0; 3]);
        let steps: Vec<u8> = [200, 400, 594, 700, 769].map(|v| tone.srgb([v; 3])[1]).to_vec();
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]), "{steps:?}");
        let [r, g, b] = tone.srgb([594; 3]);
        assert!(r.abs_diff(g) <= 1 && b.abs_diff(g) <= 1);
        assert!(*steps.last().unwrap() >= 253, "1,000 candela is the screen's white: {steps:?}");
    }
}
