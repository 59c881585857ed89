use mammo_core::Plane;

/// The Laplacian pyramid of a plane (Burt and Adelson 1983, doi:10.1109/TCOM.1983.1095851): the detail of each level, the
/// finest first, and what is left on the last. Each level has half the side of the one before, rounded up, and no side is
/// below `min_side_px`; a plane that could not be halved is its own last level.
pub(crate) fn laplacian_pyramid(plane: &Plane, min_side_px: usize) -> Vec<Plane> {
    let mut levels = Vec::new();
    let mut left = plane.clone();
    for _ in 1..level_sizes(plane.width(), plane.height(), min_side_px).len() {
        let half = halved(&left);
        levels.push(left.zip(&doubled(&half, left.width(), left.height()), |v, smooth| v - smooth));
        left = half;
    }
    levels.push(left);
    levels
}

/// Columns and rows of every level of [`laplacian_pyramid`].
pub(crate) fn level_sizes(width: usize, height: usize, min_side_px: usize) -> Vec<(usize, usize)> {
    let mut sizes = vec![(width, height)];
    let half = |(width, height): (usize, usize)| (width.div_ceil(2), height.div_ceil(2));
    let mut next = half((width, height));
    while next.0.min(next.1) >= min_side_px.max(2) {
        sizes.push(next);
        next = half(next);
    }
    sizes
}

/// Every other pixel behind a binomial filter of five taps; the edge is repeated outwards.
fn halved(plane: &Plane) -> Plane {
    let (width, height) = (plane.width(), plane.height());
    let taps = |at: &dyn Fn(usize) -> f32, i: usize, n: usize| {
        let (before, after) = (|by: usize| at(i.saturating_sub(by)), |by: usize| at((i + by).min(n - 1)));
        (before(2) + after(2) + 4.0 * (before(1) + after(1)) + 6.0 * at(i)) / 16.0
    };
    let narrow = Plane::from_fn(width.div_ceil(2), height, |x, y| taps(&|i| plane.row(y)[i], 2 * x, width));
    Plane::from_fn(narrow.width(), height.div_ceil(2), |x, y| taps(&|i| narrow.get(x, i), 2 * y, height))
}

/// A plane of twice the size, by the same filter: the pixels between others are their mean.
fn doubled(plane: &Plane, width: usize, height: usize) -> Plane {
    let taps = |at: &dyn Fn(usize) -> f32, i: usize, n: usize| {
        let (here, after) = (i / 2, (i / 2 + 1).min(n - 1));
        if i.is_multiple_of(2) {
            (at(here.saturating_sub(1)) + 6.0 * at(here) + at(after)) / 8.0
        } else {
            f32::midpoint(at(here), at(after))
        }
    };
    let wide = Plane::from_fn(width, plane.height(), |x, y| taps(&|i| plane.row(y)[i], x, plane.width()));
    Plane::from_fn(width, height, |x, y| taps(&|i| wide.get(x, i), y, plane.height()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fourier::tests::white_noise;

    #[test]
    fn levels_halve_down_to_the_least_side() {
        assert_eq!(level_sizes(124, 160, 16), [(124, 160), (62, 80), (31, 40), (16, 20)]);
        assert_eq!(level_sizes(16, 400, 16), [(16, 400)]);
        let levels = laplacian_pyramid(&white_noise(124, 160, 0), 16);
        let sizes: Vec<_> = levels.iter().map(|level| (level.width(), level.height())).collect();
        assert_eq!(sizes, level_sizes(124, 160, 16));
        assert_eq!(laplacian_pyramid(&Plane::filled(1, 1, 0.5), 0).len(), 1);
    }

    #[test]
    fn adding_the_levels_up_gives_the_image() {
        let image = white_noise(67, 50, 1);
        let mut levels = laplacian_pyramid(&image, 16);
        let mut sum = levels.pop().unwrap();
        while let Some(detail) = levels.pop() {
            sum = detail.zip(&doubled(&sum, detail.width(), detail.height()), |a, b| a + b);
        }
        let far = sum.data().iter().zip(image.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-5, "{far}");
    }

    #[test]
    fn brightness_is_on_the_last_level_only() {
        let levels = laplacian_pyramid(&Plane::filled(40, 64, 0.3), 8);
        let (last, details) = levels.split_last().unwrap();
        assert!(last.data().iter().all(|v| (v - 0.3).abs() < 1e-6));
        assert!(details.iter().flat_map(Plane::data).all(|v| v.abs() < 1e-6));
    }
}
