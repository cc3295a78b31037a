//! Laying one picture over another: the affine map and the change of light that make them agree best.
//!
//! Gauss-Newton on the squares of differences (Lucas and Kanade 1981; with light as Baker and Matthews 2004, part 3),
//! from a small picture to a larger one, so that what is moved by a tenth of the picture is still found.

use super::plane::{Canvas, Plane, SMALL};

/// Unknowns: six of the map, two of the light.
const UNKNOWNS: usize = 8;
/// Steps at one of the small sizes of the pictures and at a larger one, at most; a step that moves no corner by so many
/// pixels is the last.
const STEPS: usize = 12;
const STEPS_WHOLE: usize = 6;
const STILL: f32 = 0.03;
/// The longer side up to which every pixel counts; beyond it every second one, across and down.
const EVERY_PIXEL: usize = 256;
/// The longer side at which the map is fine enough for the whole picture.
const FINEST: usize = 768;

/// Where each place of one picture lies in another: both are counted from the middle, in halves of their own sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Laid {
    /// `x' = m[0] x + m[1] y + m[2]`, `y' = m[3] x + m[4] y + m[5]`.
    map: [f32; 6],
}

/// From places of one plane to those of another, both in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct PixelMap([f32; 6]);

impl PixelMap {
    pub fn of(&self, x: usize, y: usize) -> (f32, f32) {
        let (x, y) = (x as f32, y as f32);
        (self.0[0] * x + self.0[1] * y + self.0[2], self.0[3] * x + self.0[4] * y + self.0[5])
    }
}

impl Laid {
    pub const SAME: Self = Self { map: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0] };

    /// The map in pixels of planes of these pictures, of whatever size.
    pub fn pixels(&self, a: &Plane, b: &Plane) -> PixelMap {
        let [xx, xy, x0, yx, yy, y0] = self.map;
        let (aw, ah) = (a.width as f32 / 2.0, a.height as f32 / 2.0);
        let (bw, bh) = (b.width as f32 / 2.0, b.height as f32 / 2.0);
        // A pixel's middle lies half a pixel from its number.
        let row = |own: f32, x: f32, y: f32, shift: f32| {
            let (by_x, by_y) = (own * x / aw, own * y / ah);
            [by_x, by_y, own * shift + own - 0.5 + (0.5 - aw) * by_x + (0.5 - ah) * by_y]
        };
        let (first, second) = (row(bw, xx, xy, x0), row(bh, yx, yy, y0));
        PixelMap([first[0], first[1], first[2], second[0], second[1], second[2]])
    }

    /// How much larger than `a` the part of `b` is that lies over it, across and down, in units of `b`'s whole.
    pub fn growth(&self) -> (f32, f32) {
        let [xx, xy, _, yx, yy, _] = self.map;
        (1.0 / (xx * xx + yx * yx).sqrt().max(0.1), 1.0 / (xy * xy + yy * yy).sqrt().max(0.1))
    }

    /// The lesser of the parts of the two pictures that lie within each other.
    pub fn overlap(&self) -> f32 {
        const GRID: usize = 32;
        let (mut inside, mut all) = (0.0, 0.0);
        for step in 0..GRID * GRID {
            let place = |at: usize| (at as f32 + 0.5) / GRID as f32 * 2.0 - 1.0;
            let (x, y) = (place(step % GRID), place(step / GRID));
            let [xx, xy, x0, yx, yy, y0] = self.map;
            let (u, v) = (xx * x + xy * y + x0, yx * x + yy * y + y0);
            all += 1.0;
            inside += f32::from(u8::from(u.abs() <= 1.0 && v.abs() <= 1.0));
        }
        let grown = (self.map[0] * self.map[4] - self.map[1] * self.map[3]).abs();
        (inside / all).min(inside / all * grown)
    }
}

/// Lays `b` over `a` in the small; else how well they agreed at the size at which they no longer did.
pub(super) fn lay_small(a: &Canvas, b: &Canvas, bars: &[f32; SMALL.len()]) -> Result<Laid, f32> {
    let mut laid = Laid::SAME;
    for ((small_a, small_b), bar) in a.small.iter().zip(&b.small).zip(bars) {
        let agree = improve(&mut laid, small_a, small_b, STEPS);
        if agree < *bar {
            return Err(agree);
        }
    }
    Ok(laid)
}

/// Goes on with what was laid in the small, to the whole picture.
pub(super) fn lay_whole(mut laid: Laid, a: &Canvas, b: &Canvas, bar: f32) -> Result<Laid, f32> {
    let longest = a.long_side().min(FINEST);
    let mut long = SMALL[SMALL.len() - 1];
    while long < longest {
        long = (2 * long).min(longest);
        let (small_a, small_b) = (a.light.with_long_side(long).softened(), b.light.with_long_side(long).softened());
        let agree = improve(&mut laid, &small_a, &small_b, STEPS_WHOLE);
        if agree < bar {
            return Err(agree);
        }
    }
    Ok(laid)
}

/// Improves a map on two planes; gives the correlation of what lies within both.
fn improve(laid: &mut Laid, a: &Plane, b: &Plane, steps: usize) -> f32 {
    let stride = if a.width.max(a.height) <= EVERY_PIXEL { 1 } else { 2 };
    let mut best = (correlation(laid, a, b, stride), *laid);
    for _ in 0..steps {
        let Some(step) = step(laid, a, b, stride) else { break };
        for (own, by) in laid.map.iter_mut().zip(step) {
            *own += by;
        }
        let agree = correlation(laid, a, b, stride);
        if agree > best.0 {
            best = (agree, *laid);
        }
        let half = a.width.max(a.height) as f32 / 2.0;
        if step.iter().all(|by| by.abs() * half < STILL) {
            break;
        }
    }
    *laid = best.1;
    best.0
}

/// The step of Gauss-Newton for the map; none where the pictures do not say.
fn step(laid: &Laid, a: &Plane, b: &Plane, stride: usize) -> Option<[f32; 6]> {
    let map = laid.pixels(a, b);
    let (light, shade) = tone(&map, a, b, stride)?;
    let (aw, ah) = (a.width as f32 / 2.0, a.height as f32 / 2.0);
    let (bw, bh) = (b.width as f32 / 2.0, b.height as f32 / 2.0);
    let mut normal = [[0.0f64; UNKNOWNS]; UNKNOWNS];
    let mut right = [0.0f64; UNKNOWNS];
    for y in (0..a.height).step_by(stride) {
        let v = (y as f32 + 0.5) / ah - 1.0;
        for x in (0..a.width).step_by(stride) {
            let (bx, by) = map.of(x, y);
            let Some((value, dx, dy)) = with_slope(b, bx, by) else { continue };
            let own = a.at(x, y);
            let u = (x as f32 + 0.5) / aw - 1.0;
            // How the value in the other picture changes with each unknown; the light's are of this picture.
            let (dx, dy) = (dx * bw, dy * bh);
            let slopes = [dx * u, dx * v, dx, dy * u, dy * v, dy, -own, -1.0];
            let miss = f64::from(light * own + shade - value);
            for (i, slope) in slopes.iter().enumerate() {
                let slope = f64::from(*slope);
                right[i] += slope * miss;
                for (j, other) in slopes.iter().enumerate().skip(i) {
                    normal[i][j] += slope * f64::from(*other);
                }
            }
        }
    }
    let whole = std::array::from_fn(|i| std::array::from_fn(|j| normal[i.min(j)][i.max(j)]));
    let solved = solve(whole, right)?;
    // A step that tears the picture apart is none.
    let step: [f32; 6] = std::array::from_fn(|at| solved[at] as f32);
    step.iter().all(|by| by.abs() < 0.5).then_some(step)
}

/// The value and its slopes across and down, between pixels.
fn with_slope(plane: &Plane, x: f32, y: f32) -> Option<(f32, f32, f32)> {
    let value = plane.between(x, y)?;
    let (left, right) = (plane.between(x - 0.5, y)?, plane.between(x + 0.5, y)?);
    let (above, below) = (plane.between(x, y - 0.5)?, plane.between(x, y + 0.5)?);
    Some((value, right - left, below - above))
}

/// Sums of what lies within both pictures.
#[derive(Default)]
struct Sums {
    count: f64,
    a: f64,
    b: f64,
    aa: f64,
    bb: f64,
    ab: f64,
}

impl Sums {
    fn of(map: &PixelMap, a: &Plane, b: &Plane, stride: usize) -> Self {
        let mut sums = Self::default();
        for y in (0..a.height).step_by(stride) {
            for x in (0..a.width).step_by(stride) {
                let (bx, by) = map.of(x, y);
                let Some(other) = b.between(bx, by) else { continue };
                let (own, other) = (f64::from(a.at(x, y)), f64::from(other));
                sums.count += 1.0;
                sums.a += own;
                sums.b += other;
                sums.aa += own * own;
                sums.bb += other * other;
                sums.ab += own * other;
            }
        }
        sums
    }

    /// Variances of the two and what they have in common; none where nothing lies within both.
    fn spread(&self) -> Option<(f64, f64, f64)> {
        let n = self.count;
        (n > 0.0).then(|| {
            let own = self.aa / n - (self.a / n).powi(2);
            let other = self.bb / n - (self.b / n).powi(2);
            (own, other, self.ab / n - self.a / n * (self.b / n))
        })
    }
}

/// The factor and the summand that bring the light of `a` nearest to that of `b`.
fn tone(map: &PixelMap, a: &Plane, b: &Plane, stride: usize) -> Option<(f32, f32)> {
    let sums = Sums::of(map, a, b, stride);
    let (own, _, both) = sums.spread()?;
    let light = if own > 0.0 { both / own } else { 0.0 };
    let shade = (sums.b - light * sums.a) / sums.count;
    Some((light as f32, shade as f32))
}

/// Pearson's correlation of what lies within both; 0 where one of them is flat.
fn correlation(laid: &Laid, a: &Plane, b: &Plane, stride: usize) -> f32 {
    let Some((own, other, both)) = Sums::of(&laid.pixels(a, b), a, b, stride).spread() else { return 0.0 };
    let spread = (own * other).sqrt();
    if spread > 1e-6 { (both / spread) as f32 } else { 0.0 }
}

/// Gauss's elimination with the greatest pivot; none where the equations do not determine the unknowns.
#[allow(clippy::needless_range_loop, reason = "rows and columns have numbers in the equations")]
fn solve(mut rows: [[f64; UNKNOWNS]; UNKNOWNS], mut right: [f64; UNKNOWNS]) -> Option<[f64; UNKNOWNS]> {
    for at in 0..UNKNOWNS {
        // What is nearly free is held a little.
        rows[at][at] += rows[at][at] * 1e-6 + 1e-9;
    }
    for at in 0..UNKNOWNS {
        let pivot = (at..UNKNOWNS).max_by(|i, j| rows[*i][at].abs().total_cmp(&rows[*j][at].abs()))?;
        if rows[pivot][at].abs() < 1e-9 {
            return None;
        }
        rows.swap(at, pivot);
        right.swap(at, pivot);
        for below in at + 1..UNKNOWNS {
            let factor = rows[below][at] / rows[at][at];
            for column in at..UNKNOWNS {
                rows[below][column] -= factor * rows[at][column];
            }
            right[below] -= factor * right[at];
        }
    }
    let mut solved = [0.0; UNKNOWNS];
    for at in (0..UNKNOWNS).rev() {
        let known: f64 = (at + 1..UNKNOWNS).map(|column| rows[at][column] * solved[column]).sum();
        solved[at] = (right[at] - known) / rows[at][at];
    }
    solved.iter().all(|value| value.is_finite()).then_some(solved)
}
