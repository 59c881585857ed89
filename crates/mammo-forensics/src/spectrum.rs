use crate::{ForensicsError, check_size, fourier::PowerSpectrum};
use mammo_core::{Mask, Plane};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Pixels that each side of an image needs for a radial spectrum.
const MIN_SIDE_PX: usize = 8;

/// Power against frequency, averaged over all directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RadialSpectrum {
    /// Centre of each ring in cycles per pixel, rising, above 0 and up to 0.5.
    pub frequency_cpp: Vec<f64>,
    /// Mean power in each ring, in squared units of the plane; white noise of variance v has power v.
    pub power: Vec<f64>,
}

/// A power law `P(f) = k f^-beta` (Burgess: mammograms have beta 1.5 to 3.5, on average about 2.8).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PowerLaw {
    /// The exponent.
    pub beta: f64,
    /// The power at one cycle per pixel, in squared units of the plane.
    pub k: f64,
}

/// The azimuthally averaged power spectrum of a whole plane: mean removed, Hann window, rings of
/// `1 / min(width, height)` cycles per pixel (Durall et al. 2019 use it to tell generated images).
///
/// # Errors
/// [`ForensicsError::TooSmall`] below 8 pixels a side.
pub fn radial_spectrum(plane: &Plane) -> Result<RadialSpectrum, ForensicsError> {
    let (width, height) = (plane.width(), plane.height());
    let n = width.min(height);
    if n < MIN_SIDE_PX {
        return Err(ForensicsError::TooSmall { width, height, needed_px: MIN_SIDE_PX });
    }
    Ok(rings_of(&PowerSpectrum::of(plane)))
}

/// Means of a spectrum over rings of equal frequency.
pub(crate) fn rings_of(spectrum: &PowerSpectrum) -> RadialSpectrum {
    let (width, height) = (spectrum.width, spectrum.height);
    let n = width.min(height);
    let rings = n / 2;
    let (mut sums, mut counts) = (vec![0.0; rings + 1], vec![0usize; rings + 1]);
    // Frequencies above one half are the negative ones.
    let squares =
        |n: usize| -> Vec<f64> { (0..n).map(|i| (i.min(n - i) as f64 / n as f64).powi(2)).collect() };
    let (across, down) = (squares(width), squares(height));
    for (y, fy2) in down.iter().enumerate() {
        for (power, fx2) in spectrum.row(y).iter().zip(&across) {
            let ring = ((fx2 + fy2).sqrt() * n as f64).round() as usize;
            if ring <= rings {
                sums[ring] += power;
                counts[ring] += 1;
            }
        }
    }
    // Ring 0 is the mean, which was removed. The others hold at least the four bins on the axes (two on the last).
    let frequency_cpp = (1..=rings).map(|ring| ring as f64 / n as f64).collect();
    let power = (1..=rings).map(|ring| sums[ring] / counts[ring].max(1) as f64).collect();
    RadialSpectrum { frequency_cpp, power }
}

/// The mean of the radial spectra of images of one size.
///
/// # Errors
/// [`ForensicsError::NoImages`], [`ForensicsError::Size`] when the sizes differ, or as [`radial_spectrum`].
pub fn mean_spectrum(planes: &[Plane]) -> Result<RadialSpectrum, ForensicsError> {
    let first = planes.first().ok_or(ForensicsError::NoImages)?;
    for plane in planes {
        check_size("image", (plane.width(), plane.height()), (first.width(), first.height()))?;
    }
    // Collected in order and summed by one thread: the rounding does not depend on the number of threads.
    let spectra = planes.par_iter().map(radial_spectrum).collect::<Result<Vec<_>, _>>()?;
    let mut mean = spectra[0].clone();
    for spectrum in &spectra[1..] {
        for (total, power) in mean.power.iter_mut().zip(&spectrum.power) {
            *total += power;
        }
    }
    mean.power.iter_mut().for_each(|power| *power /= spectra.len() as f64);
    Ok(mean)
}

/// Fits a power law by least squares on the logarithms, over the rings from `low_cpp` to `high_cpp`. Published values
/// for mammograms come from about 3/256 to 40/256 cycles per pixel of 256-pixel tiles inside the breast.
///
/// # Errors
/// [`ForensicsError::FitRange`] when fewer than three rings with power lie in the range.
pub fn fit_power_law(
    spectrum: &RadialSpectrum,
    low_cpp: f64,
    high_cpp: f64,
) -> Result<PowerLaw, ForensicsError> {
    let points = spectrum
        .frequency_cpp
        .iter()
        .zip(&spectrum.power)
        .filter(|&(&f, &p)| (low_cpp..=high_cpp).contains(&f) && p > 0.0 && p.is_finite())
        .map(|(f, p)| (f.ln(), p.ln()))
        .collect::<Vec<_>>();
    if points.len() < 3 {
        return Err(ForensicsError::FitRange { low_cpp, high_cpp, found: points.len() });
    }
    let n = points.len() as f64;
    let mean_x = points.iter().map(|p| p.0).sum::<f64>() / n;
    let mean_y = points.iter().map(|p| p.1).sum::<f64>() / n;
    let sxy: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    let sxx: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    let slope = sxy / sxx;
    Ok(PowerLaw { beta: -slope, k: (mean_y - slope * mean_x).exp() })
}

/// The top left corners (`x`, `y`) of the square tiles of `side_px` pixels that lie wholly in the mask, on a lattice of
/// half a tile, for spectra of tissue without the breast's edge.
pub fn tiles_inside(mask: &Mask, side_px: usize) -> Vec<(usize, usize)> {
    let mut corners = Vec::new();
    if side_px == 0 || mask.width() < side_px || mask.height() < side_px {
        return corners;
    }
    let step = (side_px / 2).max(1);
    for top in (0..=mask.height() - side_px).step_by(step) {
        for left in (0..=mask.width() - side_px).step_by(step) {
            let row = |y: usize| {
                let start = y * mask.width() + left;
                &mask.data()[start..start + side_px]
            };
            if (top..top + side_px).all(|y| row(y).iter().all(|&inside| inside)) {
                corners.push((left, top));
            }
        }
    }
    corners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourier::tests::{power_law_noise, white_noise};

    #[test]
    fn white_noise_is_flat_also_on_rectangles() {
        let planes = (0..6).map(|i| white_noise(96, 64, i)).collect::<Vec<_>>();
        let spectrum = mean_spectrum(&planes).unwrap();
        assert_eq!(spectrum.frequency_cpp.len(), 32);
        assert_eq!(spectrum.frequency_cpp.last(), Some(&0.5));
        for (f, p) in spectrum.frequency_cpp.iter().zip(&spectrum.power).skip(4) {
            assert!((p - 1.0).abs() < 0.35, "{f}: {p}");
        }
        assert!(fit_power_law(&spectrum, 0.05, 0.5).unwrap().beta.abs() < 0.15);
    }

    #[test]
    fn the_exponent_of_power_law_noise_is_found() {
        for beta in [2.0, 2.8] {
            let planes = (0..6).map(|i| power_law_noise(128, beta, i)).collect::<Vec<_>>();
            let law = fit_power_law(&mean_spectrum(&planes).unwrap(), 3.0 / 128.0, 40.0 / 128.0).unwrap();
            assert!((law.beta - beta).abs() < 0.15, "{beta}: {law:?}");
        }
    }

    #[test]
    fn brightness_does_not_matter_and_contrast_counts_squared() {
        let plane = white_noise(32, 32, 1);
        let spectrum = radial_spectrum(&plane).unwrap();
        let changed = radial_spectrum(&plane.map(|v| 3.0 * v + 7.0)).unwrap();
        for (a, b) in spectrum.power.iter().zip(&changed.power) {
            assert!((b / a - 9.0).abs() < 1e-3, "{a} {b}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let plane = Plane::filled(4, 40, 0.0);
        assert!(matches!(radial_spectrum(&plane), Err(ForensicsError::TooSmall { needed_px: 8, .. })));
        assert_eq!(mean_spectrum(&[]), Err(ForensicsError::NoImages));
        let mixed = [Plane::filled(16, 16, 0.0), Plane::filled(16, 17, 0.0)];
        assert!(matches!(mean_spectrum(&mixed), Err(ForensicsError::Size { .. })));
        let flat = radial_spectrum(&Plane::filled(16, 16, 0.5)).unwrap();
        assert!(matches!(fit_power_law(&flat, 0.0, 0.5), Err(ForensicsError::FitRange { .. })));
    }

    #[test]
    fn tiles_stay_inside() {
        let mask = Mask::from_fn(20, 10, |x, _| x < 12);
        assert_eq!(tiles_inside(&mask, 8), [(0, 0), (4, 0)]);
        assert!(tiles_inside(&mask, 11).is_empty());
    }
}
