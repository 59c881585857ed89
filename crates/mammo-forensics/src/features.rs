use crate::fourier::PowerSpectrum;
use crate::grid::{MIN_SIDE_PX, grid_of, high_pass};
use crate::spectrum::rings_of;
use crate::{ForensicsError, fit_power_law};
use mammo_core::Plane;

/// Rings of the radial spectrum, from 1/64 to 1/2 cycles per pixel.
const RINGS: usize = 32;
/// Directions of the angular spectrum, over half a turn.
const SECTORS: usize = 8;
/// Distances at which the residual is compared with itself.
const LAGS: [(usize, usize); 5] = [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2)];
/// Numbers that [`features`] gives.
pub const FEATURES: usize = RINGS + 2 + 2 + SECTORS + 3 + LAGS.len() + 18;

/// Power below which there is none: far below a 16-bit grey level of `[0, 1]`.
const NO_POWER: f64 = 1e-14;

/// Measures of an image that need no training, in this order:
///
/// | how many | what |
/// |---|---|
/// | 32 | decimal logarithm of the radial spectrum at 1/64 to 1/2 cycles per pixel, less the power law that fits the image itself between 0.05 and 0.3 (Durall et al. 2019 compare such spectra) |
/// | 2 | the exponent of that law and the logarithm of its power |
/// | 2 | the grid score at two and at four pixels, in decibels ([`crate::grid_score`]) |
/// | 8 | share of the power from 1/4 to 1/2 cycles per pixel in each of eight directions, as logarithm against an even share |
/// | 3 | standard deviation of the residual of a 3 x 3 low-pass, as logarithm; mean magnitude over deviation; kurtosis, as logarithm |
/// | 5 | correlation of the residual with itself one pixel and two pixels away |
/// | 18 | how often the residual in three levels (cut at half a deviation) stands beside itself, across and down: co-occurrence (Nataraj et al. 2019) |
///
/// # Errors
/// [`ForensicsError::TooSmall`] below 48 pixels a side, [`ForensicsError::NotFinite`] and [`ForensicsError::Constant`].
///
/// ```
/// use mammo_core::Plane;
/// use mammo_forensics::{FEATURES, features};
/// let plane = Plane::from_fn(64, 80, |x, y| ((x * 7 + y * 13) % 31) as f32 / 30.0);
/// assert_eq!(features(&plane)?.len(), FEATURES);
/// # Ok::<(), mammo_forensics::ForensicsError>(())
/// ```
pub fn features(plane: &Plane) -> Result<Vec<f64>, ForensicsError> {
    if plane.data().iter().any(|v| !v.is_finite()) {
        return Err(ForensicsError::NotFinite);
    }
    let (low, high) = plane.min_max();
    if low == high {
        return Err(ForensicsError::Constant);
    }
    let (width, height) = (plane.width(), plane.height());
    if width.min(height) < MIN_SIDE_PX {
        return Err(ForensicsError::TooSmall { width, height, needed_px: MIN_SIDE_PX });
    }
    let residual = high_pass(plane);
    let (of_image, of_residual) = PowerSpectrum::of_two(plane, &residual);
    let grid = grid_of(&of_residual);
    let mut found = rings(&of_image)?;
    found.extend([grid.half_db(), grid.quarter_db()]);
    found.extend(directions(&of_residual));
    found.extend(residual_statistics(&residual));
    debug_assert_eq!(found.len(), FEATURES);
    Ok(found)
}

/// The radial spectrum against the image's own power law.
fn rings(spectrum: &PowerSpectrum) -> Result<Vec<f64>, ForensicsError> {
    let spectrum = rings_of(spectrum);
    let law = fit_power_law(&spectrum, 0.05, 0.3)?;
    let at = |frequency: f64| {
        // Between the two nearest rings.
        let rings = &spectrum.frequency_cpp;
        let above = rings.partition_point(|&f| f < frequency).min(rings.len() - 1);
        let below = above.saturating_sub(1);
        let span = rings[above] - rings[below];
        let share = if span > 0.0 { ((frequency - rings[below]) / span).clamp(0.0, 1.0) } else { 0.0 };
        let level = |ring: usize| (spectrum.power[ring] + NO_POWER).log10();
        level(below) + share * (level(above) - level(below))
    };
    let mut found: Vec<f64> = (1..=RINGS)
        .map(|i| {
            let frequency = i as f64 / (2 * RINGS) as f64;
            at(frequency) - (law.k.max(NO_POWER).log10() - law.beta * frequency.log10())
        })
        .collect();
    found.extend([law.beta, law.k.max(NO_POWER).log10()]);
    Ok(found)
}

/// The angular spectrum of the high frequencies of a residual.
fn directions(spectrum: &PowerSpectrum) -> Vec<f64> {
    let (width, height) = (spectrum.width, spectrum.height);
    // Slopes between one sector and the next, from straight down to straight up.
    let slopes: Vec<f64> =
        (1..SECTORS).map(|i| ((i as f64 / SECTORS as f64 - 0.5) * std::f64::consts::PI).tan()).collect();
    let (mut power, mut bins) = ([0.0; SECTORS], [0usize; SECTORS]);
    for y in 0..height {
        let fy = if y <= height / 2 { y as f64 } else { y as f64 - height as f64 } / height as f64;
        for (x, value) in spectrum.row(y)[..=width / 2].iter().enumerate() {
            let fx = x as f64 / width as f64;
            if (0.0625..=0.25).contains(&(fx * fx + fy * fy)) {
                // Straight up is straight down: both are the first.
                let sector =
                    if x == 0 { 0 } else { slopes.iter().filter(|slope| fy >= fx * **slope).count() };
                power[sector] += value;
                bins[sector] += 1;
            }
        }
    }
    let mean = |i: usize| power[i] / bins[i].max(1) as f64;
    let even = (0..SECTORS).map(mean).sum::<f64>() / SECTORS as f64;
    (0..SECTORS).map(|i| ((mean(i) + NO_POWER) / (even + NO_POWER)).log10()).collect()
}

fn residual_statistics(residual: &Plane) -> Vec<f64> {
    let (width, height) = (residual.width(), residual.height());
    let n = residual.data().len() as f64;
    let mean = residual.data().iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let centred: Vec<f64> = residual.data().iter().map(|&v| f64::from(v) - mean).collect();
    let (mut second, mut fourth, mut magnitude) = (0.0, 0.0, 0.0);
    for v in &centred {
        let square = v * v;
        second += square;
        fourth += square * square;
        magnitude += v.abs();
    }
    let variance = (second / n).max(NO_POWER);
    let sd = variance.sqrt();
    let kurtosis = fourth / n / (variance * variance);
    let mut found = vec![sd.log10(), magnitude / n / sd, (kurtosis + NO_POWER).log10()];
    for (dx, dy) in LAGS {
        let (columns, rows) = (width - dx, height - dy);
        let mut sum = 0.0;
        for y in 0..rows {
            let (here, there) = (&centred[y * width..], &centred[(y + dy) * width + dx..]);
            sum += here[..columns].iter().zip(&there[..columns]).map(|(a, b)| a * b).sum::<f64>();
        }
        found.push(sum / ((columns * rows) as f64 * variance));
    }
    let levels: Vec<usize> =
        centred.iter().map(|v| usize::from(*v >= -0.5 * sd) + usize::from(*v > 0.5 * sd)).collect();
    for (dx, dy) in [(1, 0), (0, 1)] {
        let (columns, rows) = (width - dx, height - dy);
        let mut counts = [0usize; 9];
        for y in 0..rows {
            let (here, there) = (&levels[y * width..], &levels[(y + dy) * width + dx..]);
            for (a, b) in here[..columns].iter().zip(&there[..columns]) {
                counts[3 * a + b] += 1;
            }
        }
        found.extend(counts.map(|count| count as f64 / (columns * rows) as f64));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_shows_where_it_should() {
        let smooth =
            Plane::from_fn(64, 64, |x, y| 0.5 + 0.2 * (x as f32 / 7.0).sin() * (y as f32 / 9.0).cos());
        let across =
            smooth.zip(&Plane::from_fn(64, 64, |x, _| if x % 2 == 0 { 0.01 } else { -0.01 }), |a, b| a + b);
        let (plain, striped) = (features(&smooth).unwrap(), features(&across).unwrap());
        // The last ring, the grid of two pixels, and the direction of the stripes.
        assert!(striped[RINGS - 1] > plain[RINGS - 1] + 1.0);
        assert!(striped[RINGS + 2] > plain[RINGS + 2] + 5.0);
        let sectors = &striped[RINGS + 4..RINGS + 4 + SECTORS];
        let strongest = (0..SECTORS).max_by(|&a, &b| sectors[a].total_cmp(&sectors[b])).unwrap();
        assert!([SECTORS / 2 - 1, SECTORS / 2].contains(&strongest), "{sectors:?}");
        assert!(
            features(&Plane::filled(20, 20, 0.1).zip(&Plane::from_fn(20, 20, |x, _| x as f32), |a, b| a + b))
                .is_err()
        );
    }
}
