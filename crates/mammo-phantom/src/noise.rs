//! Random fields whose power falls as a power of frequency, the texture of breast tissue.

use mammo_core::{Plane, Stream};
use rand_distr::{Distribution, StandardNormal};
use rustfft::{FftPlanner, num_complex::Complex};

/// Two independent periodic Gaussian fields of mean 0 and variance 1 with power `1 / f^beta` (Burgess, JOSA A 2007;24:B52,
/// beta 2.8 on average in mammograms). Below `f_low` cycles per pixel the power stays level, so that no field is one slope.
pub(crate) fn power_law_fields(
    width: usize,
    height: usize,
    beta: f64,
    f_low: f64,
    rng: &mut Stream,
) -> (Plane, Plane) {
    let signed = |i: usize, n: usize| if i <= n / 2 { i as f64 } else { i as f64 - n as f64 } / n as f64;
    let mut spectrum: Vec<Complex<f32>> = Vec::with_capacity(width * height);
    for y in 0..height {
        let fy = signed(y, height);
        for x in 0..width {
            let fx = signed(x, width);
            let f = fx.hypot(fy);
            let amplitude = if f == 0.0 { 0.0 } else { f.max(f_low).powf(-beta / 2.0) as f32 };
            let mut normal = || -> f32 { StandardNormal.sample(rng) };
            spectrum.push(Complex::new(amplitude * normal(), amplitude * normal()));
        }
    }
    // The spectrum of independent complex numbers belongs to no real field; its real and imaginary parts are two.
    transform(&mut spectrum, width, height);
    let unit = |part: fn(&Complex<f32>) -> f32| {
        let plane = Plane::from_fn(width, height, |x, y| part(&spectrum[y * width + x]));
        let mean = plane.mean() as f32;
        let variance = plane.map(|v| (v - mean) * (v - mean)).mean();
        let scale = 1.0 / (variance.sqrt() as f32).max(f32::MIN_POSITIVE);
        plane.map(|v| (v - mean) * scale)
    };
    (unit(|c| c.re), unit(|c| c.im))
}

/// Inverse transform in place, row by row and then column by column, without normalisation.
fn transform(data: &mut [Complex<f32>], width: usize, height: usize) {
    let mut planner = FftPlanner::new();
    planner.plan_fft_inverse(width).process(data);
    let columns = planner.plan_fft_inverse(height);
    let mut turned: Vec<Complex<f32>> = Vec::with_capacity(data.len());
    for x in 0..width {
        turned.extend((0..height).map(|y| data[y * width + x]));
    }
    columns.process(&mut turned);
    for (i, value) in turned.into_iter().enumerate() {
        data[(i % height) * width + i / height] = value;
    }
}
