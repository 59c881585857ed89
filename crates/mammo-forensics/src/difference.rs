use crate::{ForensicsError, check_size};
use mammo_core::{Mask, Plane};

/// What a modification added (positive) and took away (negative): `modified - original`, pixel by pixel.
///
/// # Errors
/// [`ForensicsError::Size`] when the sizes differ.
pub fn difference(original: &Plane, modified: &Plane) -> Result<Plane, ForensicsError> {
    check_size(
        "modified image",
        (modified.width(), modified.height()),
        (original.width(), original.height()),
    )?;
    Ok(original.zip(modified, |a, b| b - a))
}

/// The mean of `|a - b|` over the pixels of the mask, in units of the planes; `None` when the mask is empty.
///
/// # Errors
/// [`ForensicsError::Size`] when the sizes differ.
pub fn mean_abs_difference(a: &Plane, b: &Plane, mask: &Mask) -> Result<Option<f64>, ForensicsError> {
    let size = (a.width(), a.height());
    check_size("second image", (b.width(), b.height()), size)?;
    check_size("mask", (mask.width(), mask.height()), size)?;
    Ok(mean_where(mask, a.data().iter().zip(b.data()).map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs())))
}

/// The mean of the values whose pixel lies in the mask.
pub(crate) fn mean_where(mask: &Mask, values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = mask
        .data()
        .iter()
        .zip(values)
        .filter(|&(&inside, _)| inside)
        .fold((0.0, 0usize), |(sum, count), (_, value)| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// The value that the share `quantile` (0 to 1) of a plane's magnitudes does not exceed: a colour scale for difference
/// maps that single pixels cannot stretch.
pub fn magnitude_quantile(plane: &Plane, quantile: f64) -> f32 {
    let mut magnitudes = plane.data().iter().map(|v| v.abs()).collect::<Vec<_>>();
    let index = ((magnitudes.len() - 1) as f64 * quantile.clamp(0.0, 1.0)).round() as usize;
    *magnitudes.select_nth_unstable_by(index, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_are_positive() {
        let original = Plane::new(3, 1, vec![0.2, 0.5, 0.5]).unwrap();
        let modified = Plane::new(3, 1, vec![0.2, 0.75, 0.25]).unwrap();
        assert_eq!(difference(&original, &modified).unwrap().data(), [0.0, 0.25, -0.25]);
        assert!(difference(&original, &Plane::filled(1, 3, 0.0)).is_err());
    }

    #[test]
    fn only_the_mask_counts() {
        let (a, b) = (Plane::filled(4, 1, 0.0), Plane::from_fn(4, 1, |x, _| -(x as f32)));
        let mask = Mask::from_fn(4, 1, |x, _| x >= 2);
        assert_eq!(mean_abs_difference(&a, &b, &mask).unwrap(), Some(2.5));
        assert_eq!(mean_abs_difference(&a, &b, &Mask::from_fn(4, 1, |_, _| false)).unwrap(), None);
    }

    #[test]
    fn quantiles_ignore_signs() {
        let plane = Plane::from_fn(11, 1, |x, _| x as f32 * if x % 2 == 0 { 1.0 } else { -1.0 });
        assert_eq!(magnitude_quantile(&plane, 0.9), 9.0);
        assert_eq!(magnitude_quantile(&plane, 7.0), 10.0);
    }
}
