use crate::{ForensicsError, check_size};
use mammo_core::Plane;

/// Reach of the window; with its centre, 11 pixels.
const REACH: usize = 5;
/// Standard deviation of the window, in pixels.
const SIGMA_PX: f64 = 1.5;
/// The two constants that keep quotients of flat parts finite, for values of range 1.
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// Structural similarity of two images with values in `[0, 1]` (Wang et al. 2004, doi:10.1109/TIP.2003.819861): 1 for equal
/// images, near 0 for unrelated ones. Gaussian window of 11 x 11 pixels and deviation 1.5; the mean is over the pixels whose
/// window lies in the image.
///
/// # Errors
/// [`ForensicsError::Size`] when the sizes differ, [`ForensicsError::TooSmall`] below 11 pixels a side.
///
/// ```
/// use mammo_core::Plane;
/// let image = Plane::from_fn(32, 32, |x, y| ((x * y) % 7) as f32 / 7.0);
/// assert_eq!(mammo_forensics::structural_similarity(&image, &image)?, 1.0);
/// # Ok::<(), mammo_forensics::ForensicsError>(())
/// ```
pub fn structural_similarity(a: &Plane, b: &Plane) -> Result<f64, ForensicsError> {
    let (width, height) = (a.width(), a.height());
    check_size("second image", (b.width(), b.height()), (width, height))?;
    if width.min(height) < 2 * REACH + 1 {
        return Err(ForensicsError::TooSmall { width, height, needed_px: 2 * REACH + 1 });
    }
    let values = |plane: &Plane| -> Vec<f64> { plane.data().iter().map(|&v| f64::from(v)).collect() };
    let (a, b) = (values(a), values(b));
    let product = |x: &[f64], y: &[f64]| -> Vec<f64> { x.iter().zip(y).map(|(x, y)| x * y).collect() };
    let [mean_a, mean_b, aa, bb, ab] =
        [a.clone(), b.clone(), product(&a, &a), product(&b, &b), product(&a, &b)]
            .map(|plane| windowed(&plane, width, height));
    let mut sum = 0.0;
    for i in 0..mean_a.len() {
        let (ma, mb) = (mean_a[i], mean_b[i]);
        let (va, vb, cov) = (aa[i] - ma * ma, bb[i] - mb * mb, ab[i] - ma * mb);
        sum += (2.0 * ma * mb + C1) * (2.0 * cov + C2) / ((ma * ma + mb * mb + C1) * (va + vb + C2));
    }
    Ok(sum / mean_a.len() as f64)
}

/// Means under the window, wherever it fits.
fn windowed(plane: &[f64], width: usize, height: usize) -> Vec<f64> {
    let mut weights: Vec<f64> = (0..=2 * REACH)
        .map(|i| (-(i as f64 - REACH as f64).powi(2) / (2.0 * SIGMA_PX * SIGMA_PX)).exp())
        .collect();
    let total: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= total;
    }
    let columns = width - 2 * REACH;
    let across: Vec<f64> = (0..columns * height)
        .map(|i| {
            let from = i / columns * width + i % columns;
            weights.iter().zip(&plane[from..]).map(|(w, v)| w * v).sum()
        })
        .collect();
    (0..columns * (height - 2 * REACH))
        .map(|i| weights.iter().enumerate().map(|(k, w)| w * across[i + k * columns]).sum())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_scikit_image() {
        // structural_similarity(a, b, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False) of
        // scikit-image 0.26.0 on the same pictures.
        let a = |x: usize, y: usize| 0.5 + 0.4 * (x as f64 / 3.0).sin() * (y as f64 / 5.0).cos();
        let b = |x: usize, y: usize| (a(x, y) + 0.05 * (((x * 7 + y * 3) % 5) as f64 - 2.0)).clamp(0.0, 1.0);
        let plane = |f: &dyn Fn(usize, usize) -> f64| Plane::from_fn(30, 26, |x, y| f(x, y) as f32);
        let of = |f: &dyn Fn(usize, usize) -> f64| structural_similarity(&plane(&a), &plane(f)).unwrap();
        assert!((of(&b) - 0.795_457_126_6).abs() < 1e-6, "{}", of(&b));
        assert!((of(&|x, y| 0.8 * a(x, y) + 0.05) - 0.971_849_885_9).abs() < 1e-6);
    }

    #[test]
    fn sizes_are_checked() {
        let small = Plane::filled(10, 30, 0.5);
        assert!(matches!(structural_similarity(&small, &small), Err(ForensicsError::TooSmall { .. })));
        assert!(structural_similarity(&small, &Plane::filled(11, 30, 0.5)).is_err());
    }
}
