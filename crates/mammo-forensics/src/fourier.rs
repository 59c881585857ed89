use mammo_core::Plane;
use rustfft::{FftPlanner, num_complex::Complex};
use std::{cell::RefCell, f64::consts::TAU};

/// The power spectrum of a plane, row after row from frequency (0, 0), with wrap-around: bin `(x, y)` holds
/// `x / width` and `y / height` cycles per pixel, modulo 1.
pub(crate) struct PowerSpectrum {
    pub(crate) width: usize,
    pub(crate) height: usize,
    power: Vec<f64>,
}

impl PowerSpectrum {
    /// Removes the mean, applies a Hann window, transforms. The power is divided by the window's energy, so that white
    /// noise of variance v has the expected power v in every bin but the lowest.
    pub(crate) fn of(plane: &Plane) -> Self {
        let (width, height) = (plane.width(), plane.height());
        let window = Window::new(width, height);
        let mut values: Vec<Complex<f64>> = window.apply(plane).into_iter().map(Complex::from).collect();
        transform(&mut values, width, height);
        let power = values.iter().map(|c| c.norm_sqr() / window.energy).collect();
        Self { width, height, power }
    }

    /// The spectra of two planes of one size by one transform: real planes make symmetric spectra, so that one may be the
    /// real and one the imaginary part, and both can be told apart behind it.
    pub(crate) fn of_two(one: &Plane, two: &Plane) -> (Self, Self) {
        let (width, height) = (one.width(), one.height());
        let window = Window::new(width, height);
        let parts = window.apply(one).into_iter().zip(window.apply(two));
        let mut values: Vec<Complex<f64>> = parts.map(|(re, im)| Complex::new(re, im)).collect();
        transform(&mut values, width, height);
        let scale = 0.25 / window.energy;
        let (mut first, mut second) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
        for y in 0..height {
            let row = &values[y * width..(y + 1) * width];
            let mirrored = if y == 0 { 0 } else { height - y };
            let mirrored = &values[mirrored * width..(mirrored + 1) * width];
            for x in 0..width {
                let (here, there) = (row[x], mirrored[if x == 0 { 0 } else { width - x }].conj());
                first.push((here + there).norm_sqr() * scale);
                second.push((here - there).norm_sqr() * scale);
            }
        }
        (Self { width, height, power: first }, Self { width, height, power: second })
    }

    /// The power of a row of bins, from frequency 0 up and then from the negative ones to 0.
    pub(crate) fn row(&self, y: usize) -> &[f64] {
        &self.power[y * self.width..(y + 1) * self.width]
    }

    /// The power in a bin; indices wrap around.
    pub(crate) fn at(&self, x: isize, y: isize) -> f64 {
        let x = x.rem_euclid(self.width.cast_signed()).unsigned_abs();
        let y = y.rem_euclid(self.height.cast_signed()).unsigned_abs();
        self.power[y * self.width + x]
    }
}

/// The Hann window of a plane, and the sum of its squares.
struct Window {
    across: Vec<f64>,
    down: Vec<f64>,
    energy: f64,
}

impl Window {
    fn new(width: usize, height: usize) -> Self {
        let (across, down) = (hann(width), hann(height));
        let energy = across.iter().map(|w| w * w).sum::<f64>() * down.iter().map(|w| w * w).sum::<f64>();
        Self { across, down, energy }
    }

    /// The plane without its weighted mean (so that bin 0 is empty and does not leak into its neighbours), under the window.
    fn apply(&self, plane: &Plane) -> Vec<f64> {
        let weight: f64 = self.across.iter().sum::<f64>() * self.down.iter().sum::<f64>();
        let mut sum = 0.0;
        for (y, w) in self.down.iter().enumerate() {
            sum += w * plane.row(y).iter().zip(&self.across).map(|(&v, w)| f64::from(v) * w).sum::<f64>();
        }
        let mean = sum / weight;
        let mut values = Vec::with_capacity(plane.data().len());
        for (y, w) in self.down.iter().enumerate() {
            values
                .extend(plane.row(y).iter().zip(&self.across).map(|(&v, wx)| (f64::from(v) - mean) * wx * w));
        }
        values
    }
}

/// The periodic Hann window, sampled at pixel centres so that it is symmetric and nowhere zero.
fn hann(n: usize) -> Vec<f64> {
    (0..n).map(|i| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / n as f64).cos()).collect()
}

thread_local! {
    /// Keeps what it has planned, for images come in one size.
    static PLANNER: RefCell<FftPlanner<f64>> = RefCell::new(FftPlanner::new());
}

/// Two-dimensional forward FFT in place, not normalised: rows, then columns.
pub(crate) fn transform(values: &mut [Complex<f64>], width: usize, height: usize) {
    let (rows, columns) =
        PLANNER.with_borrow_mut(|p| (p.plan_fft_forward(width), p.plan_fft_forward(height)));
    rows.process(values);
    let mut turned = vec![Complex::default(); values.len()];
    transpose(values, &mut turned, width, height);
    columns.process(&mut turned);
    transpose(&turned, values, height, width);
}

/// Turns rows into columns, in blocks that fit the first cache.
fn transpose(from: &[Complex<f64>], to: &mut [Complex<f64>], width: usize, height: usize) {
    const BLOCK: usize = 16;
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            for y in top..(top + BLOCK).min(height) {
                for x in left..(left + BLOCK).min(width) {
                    to[x * height + y] = from[y * width + x];
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mammo_core::Seed;
    use rand_distr::{Distribution, StandardNormal};

    pub(crate) fn white_noise(width: usize, height: usize, index: u64) -> Plane {
        let mut stream = Seed(11).stream_at("noise", index);
        Plane::from_fn(width, height, |_, _| StandardNormal.sample(&mut stream))
    }

    /// Gaussian noise with power `f^-beta`, by filtering white noise; mean 0, standard deviation 1.
    pub(crate) fn power_law_noise(n: usize, beta: f64, index: u64) -> Plane {
        let white = white_noise(n, n, index);
        let mut values = white.data().iter().map(|&v| Complex::from(f64::from(v))).collect::<Vec<_>>();
        transform(&mut values, n, n);
        for y in 0..n {
            for x in 0..n {
                let f = |i: usize| i.min(n - i) as f64 / n as f64;
                let r = f(x).hypot(f(y));
                values[y * n + x] *= if r > 0.0 { r.powf(-beta / 2.0) } else { 0.0 };
            }
        }
        // The inverse transform is the forward one of the conjugate, up to scale.
        for c in &mut values {
            *c = c.conj();
        }
        transform(&mut values, n, n);
        let plane = Plane::new(n, n, values.iter().map(|c| c.re as f32).collect()).unwrap();
        let sd = (plane.data().iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>()
            / plane.data().len() as f64)
            .sqrt() as f32;
        plane.map(|v| v / sd)
    }

    #[test]
    fn a_wave_stands_at_its_frequency() {
        let wave = Plane::from_fn(64, 32, |x, y| (TAU as f32 * (x as f32 / 8.0 + y as f32 / 4.0)).cos());
        let spectrum = PowerSpectrum::of(&wave);
        let peak = spectrum.at(8, 8);
        assert!(peak > 3.0 * spectrum.at(9, 8));
        assert!(peak > 1e6 * spectrum.at(20, 3));
        assert!((peak - spectrum.at(-8, -8)).abs() < 1e-9 * peak);
    }

    #[test]
    fn white_noise_has_its_variance_in_every_bin() {
        let spectrum = PowerSpectrum::of(&white_noise(128, 96, 0));
        let mean = spectrum.power.iter().sum::<f64>() / spectrum.power.len() as f64;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn two_at_once_are_those_of_one_by_one() {
        for (width, height) in [(16, 12), (9, 15)] {
            let (one, two) =
                (white_noise(width, height, 1), white_noise(width, height, 2).map(|v| 3.0 * v + 1.0));
            let (a, b) = PowerSpectrum::of_two(&one, &two);
            for (both, alone) in [(a, PowerSpectrum::of(&one)), (b, PowerSpectrum::of(&two))] {
                let far = both.power.iter().zip(&alone.power).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
                assert!(far < 1e-12, "{far}");
            }
        }
    }
}
