use mammo_core::Plane;
use rustfft::{FftPlanner, num_complex::Complex};
use std::f64::consts::TAU;

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
        let (wx, wy) = (hann(width), hann(height));
        // The weighted mean, so that bin 0 is empty after windowing and does not leak into its neighbours.
        let weight: f64 = wx.iter().sum::<f64>() * wy.iter().sum::<f64>();
        let mut sum = 0.0;
        for (y, w) in wy.iter().enumerate() {
            sum += w * plane.row(y).iter().zip(&wx).map(|(&v, w)| f64::from(v) * w).sum::<f64>();
        }
        let mean = sum / weight;
        let mut values = Vec::with_capacity(width * height);
        for (y, w) in wy.iter().enumerate() {
            values.extend(
                plane.row(y).iter().zip(&wx).map(|(&v, wx)| Complex::from((f64::from(v) - mean) * wx * w)),
            );
        }
        let energy: f64 = wx.iter().map(|w| w * w).sum::<f64>() * wy.iter().map(|w| w * w).sum::<f64>();
        transform(&mut values, width, height);
        let power = values.iter().map(|c| c.norm_sqr() / energy).collect();
        Self { width, height, power }
    }

    /// The power in a bin; indices wrap around.
    pub(crate) fn at(&self, x: isize, y: isize) -> f64 {
        let x = x.rem_euclid(self.width.cast_signed()).unsigned_abs();
        let y = y.rem_euclid(self.height.cast_signed()).unsigned_abs();
        self.power[y * self.width + x]
    }
}

/// The periodic Hann window, sampled at pixel centres so that it is symmetric and nowhere zero.
fn hann(n: usize) -> Vec<f64> {
    (0..n).map(|i| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / n as f64).cos()).collect()
}

/// Two-dimensional forward FFT in place, not normalised: rows, then columns.
pub(crate) fn transform(values: &mut [Complex<f64>], width: usize, height: usize) {
    let mut planner = FftPlanner::new();
    planner.plan_fft_forward(width).process(values);
    let columns = planner.plan_fft_forward(height);
    let mut turned = vec![Complex::default(); values.len()];
    for y in 0..height {
        for x in 0..width {
            turned[x * height + y] = values[y * width + x];
        }
    }
    columns.process(&mut turned);
    for y in 0..height {
        for x in 0..width {
            values[y * width + x] = turned[x * height + y];
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
}
