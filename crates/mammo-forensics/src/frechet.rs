use crate::{
    ForensicsError,
    eigen::{eigen, product, square_root},
};

/// Images that each set needs so that it has a spread at all.
const MIN_IMAGES: usize = 2;
/// A feature that spreads less than this share of its largest value is constant, and its spread is rounding.
const NO_SPREAD: f64 = 1e-12;
/// Deviations from the reference above which fourth powers could leave the range of numbers.
const TOO_FAR: f64 = 1e30;

/// The Frechet distance between Gaussians fitted to the features of two sets of images:
/// `|m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2))` (Dowson and Landau 1982, doi:10.1016/0047-259X(82)90077-X; as a score of
/// generators: Heusel et al. 2017, arXiv 1706.08500). 0 (to rounding) for equal sets, rising without bound.
///
/// One vector an image, such as [`crate::radiomic_features`] gives. Three things differ from the common score on Inception
/// features, because sets here are small and features have units:
///
/// * Every feature is first measured in deviations from the mean of `reference` (the real images), so that the distance has
///   no unit: a shift of one feature by one deviation adds 1. The two sets are therefore not interchangeable. A feature
///   that is constant over the reference has no deviation to be measured in and is left out, whatever the other set does.
/// * Covariances are shrunk towards a multiple of the identity as far as Ledoit and Wolf (2004,
///   doi:10.1016/S0047-259X(03)00096-4) estimate to be best, each set for itself, so that they are well defined with fewer
///   images than features.
/// * The numbers are not those of the Inception distance and compare with none that is published.
///
/// Small sets bias the distance upwards: two sets of the same kind do not give 0, and fewer images give more. With 19
/// independent normal features two sets of 32 are on average 1.5 apart and two of 200 are 0.2 (7.7 and 1.2 without
/// shrinkage); with features that depend on each other, as real ones do, it is more. Only figures with the same numbers of
/// images compare; what real images give against other real images is the floor.
///
/// # Errors
/// [`ForensicsError::TooFewImages`] below two images in a set, [`ForensicsError::FeatureCount`] where vectors differ in
/// length or are empty, [`ForensicsError::FeatureNotFinite`], [`ForensicsError::ConstantFeatures`] when no feature varies
/// over the reference, and [`ForensicsError::TooFar`] where a feature lies 1e30 deviations or more from the reference.
///
/// ```
/// use mammo_forensics::frechet_distance;
/// let reference = [[0.0, 1.0], [2.0, 1.0], [0.0, 5.0], [2.0, 5.0]].map(Vec::from);
/// let brighter = [[1.0, 1.0], [3.0, 1.0], [1.0, 5.0], [3.0, 5.0]].map(Vec::from);
/// assert!(frechet_distance(&reference, &reference)? < 1e-9);
/// // The first feature has a deviation of 1 and went up by 1.
/// assert!((frechet_distance(&brighter, &reference)? - 1.0).abs() < 1e-9);
/// # Ok::<(), mammo_forensics::ForensicsError>(())
/// ```
pub fn frechet_distance(generated: &[Vec<f64>], reference: &[Vec<f64>]) -> Result<f64, ForensicsError> {
    let needed = reference.first().map_or(1, |features| features.len().max(1));
    for (set, vectors) in [("reference", reference), ("generated", generated)] {
        if vectors.len() < MIN_IMAGES {
            return Err(ForensicsError::TooFewImages { set, found: vectors.len(), needed: MIN_IMAGES });
        }
        for (image, features) in vectors.iter().enumerate() {
            if features.len() != needed {
                return Err(ForensicsError::FeatureCount { set, image, found: features.len(), needed });
            }
            if features.iter().any(|v| !v.is_finite()) {
                return Err(ForensicsError::FeatureNotFinite { set, image });
            }
        }
    }
    let scales = scales(reference, needed);
    if scales.is_empty() {
        return Err(ForensicsError::ConstantFeatures);
    }
    let side = scales.len();
    let [a, b] = [generated, reference].map(|set| standardised(set, &scales));
    // Written so that it also finds what is not a number.
    if !a.iter().chain(&b).flatten().all(|v| v.abs() < TOO_FAR) {
        return Err(ForensicsError::TooFar);
    }
    let ((mean_a, a), (mean_b, b)) = (gaussian(&a), gaussian(&b));
    let apart: f64 = mean_a.iter().zip(&mean_b).map(|(x, y)| (x - y).powi(2)).sum();
    let trace = |matrix: &[f64]| matrix.iter().step_by(side + 1).sum::<f64>();
    // The product of two covariances is not symmetric, but R A R with R the root of the other is, and has its eigenvalues.
    let root = square_root(&b, side);
    let (values, _) = eigen(&product(&product(&root, &a, side), &root, side), side);
    let common: f64 = values.iter().map(|v| v.max(0.0).sqrt()).sum();
    Ok(apart + (trace(&a) + trace(&b) - 2.0 * common).max(0.0))
}

/// Index, mean and deviation of every feature that varies over the set.
fn scales(set: &[Vec<f64>], features: usize) -> Vec<(usize, f64, f64)> {
    let n = set.len() as f64;
    (0..features)
        .filter_map(|i| {
            // Against the largest value, whose square could leave the range of numbers.
            let largest = set.iter().map(|v| v[i].abs()).fold(0.0, f64::max);
            let mean = set.iter().map(|v| v[i] / largest).sum::<f64>() / n;
            let sd = (set.iter().map(|v| (v[i] / largest - mean).powi(2)).sum::<f64>() / n).sqrt();
            // Not so either where all values are 0.
            (sd > NO_SPREAD).then_some((i, mean * largest, sd * largest))
        })
        .collect()
}

fn standardised(set: &[Vec<f64>], scales: &[(usize, f64, f64)]) -> Vec<Vec<f64>> {
    set.iter().map(|v| scales.iter().map(|&(i, mean, sd)| (v[i] - mean) / sd).collect()).collect()
}

/// Mean and covariance of a set, the covariance shrunk as Ledoit and Wolf do; the names are theirs.
fn gaussian(set: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let (n, side) = (set.len() as f64, set[0].len());
    let mean: Vec<f64> = (0..side).map(|i| set.iter().map(|v| v[i]).sum::<f64>() / n).collect();
    let centred: Vec<Vec<f64>> =
        set.iter().map(|v| v.iter().zip(&mean).map(|(x, m)| x - m).collect()).collect();
    let mut s = vec![0.0; side * side];
    for x in &centred {
        for (row, xi) in s.chunks_exact_mut(side).zip(x) {
            for (entry, xj) in row.iter_mut().zip(x) {
                *entry += xi * xj / n;
            }
        }
    }
    let m = s.iter().step_by(side + 1).sum::<f64>() / side as f64;
    let on_diagonal = |i: usize| if i.is_multiple_of(side + 1) { m } else { 0.0 };
    let d2: f64 = s.iter().enumerate().map(|(i, v)| (v - on_diagonal(i)).powi(2)).sum();
    // The sum of |x x' - S|^2 over the images, multiplied out.
    let fourth: f64 = centred.iter().map(|x| x.iter().map(|v| v * v).sum::<f64>().powi(2)).sum();
    let b2 = ((fourth - n * s.iter().map(|v| v * v).sum::<f64>()) / (n * n)).clamp(0.0, d2);
    let shrinkage = if d2 > 0.0 { b2 / d2 } else { 0.0 };
    let shrunk =
        s.iter().enumerate().map(|(i, v)| shrinkage * on_diagonal(i) + (1.0 - shrinkage) * v).collect();
    (mean, shrunk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::Seed;
    use rand_distr::{Distribution, StandardNormal};

    /// Independent normal features; those of all images share one number more, so that they correlate.
    fn normal(images: usize, features: usize, index: u64) -> Vec<Vec<f64>> {
        let mut stream = Seed(21).stream_at("features", index);
        (0..images)
            .map(|_| {
                let common: f64 = StandardNormal.sample(&mut stream);
                (0..features)
                    .map(|_| common + Distribution::<f64>::sample(&StandardNormal, &mut stream))
                    .collect()
            })
            .collect()
    }

    fn changed(set: &[Vec<f64>], f: impl Fn(usize, f64) -> f64) -> Vec<Vec<f64>> {
        set.iter().map(|v| v.iter().enumerate().map(|(i, &x)| f(i, x)).collect()).collect()
    }

    #[test]
    fn equal_sets_are_not_apart_also_with_fewer_images_than_features() {
        for (images, features) in [(2, 1), (2, 19), (10, 19), (200, 19)] {
            let set = normal(images, features, 0);
            let distance = frechet_distance(&set, &set).unwrap();
            assert!((0.0..1e-9).contains(&distance), "{images} {features}: {distance}");
            let mut turned = set.clone();
            turned.reverse();
            assert!(frechet_distance(&turned, &set).unwrap() < 1e-9);
        }
    }

    #[test]
    fn diagonal_gaussians_have_their_known_distance() {
        // Every combination of signs, often enough that shrinkage hardly counts: deviations are exact.
        let deviations = [1.0, 2.0, 0.5];
        let means = [0.5, 0.0, -1.0];
        let signs: Vec<Vec<f64>> = (0..8000)
            .map(|k: usize| (0..3).map(|i| if k >> i & 1 == 0 { 1.0 } else { -1.0 }).collect())
            .collect();
        let other = changed(&signs, |i, x| means[i] + deviations[i] * x);
        let expected: f64 =
            means.iter().zip(deviations).map(|(m, s): (&f64, f64)| m * m + (s - 1.0).powi(2)).sum();
        let distance = frechet_distance(&other, &signs).unwrap();
        assert!((distance - expected).abs() < 2e-3 * expected, "{distance} {expected}");
    }

    #[test]
    fn the_units_of_features_do_not_matter() {
        let (a, b) = (normal(40, 5, 1), normal(30, 5, 2));
        let units = |i: usize, x: f64| 10f64.powi(i as i32 - 2) * x + 3.0;
        let (plain, scaled) =
            (frechet_distance(&a, &b).unwrap(), frechet_distance(&changed(&a, units), &changed(&b, units)));
        assert!((plain - scaled.unwrap()).abs() < 1e-9 * plain);
    }

    #[test]
    fn it_grows_with_the_shift_and_with_the_spread() {
        let (a, b) = (normal(50, 8, 3), normal(50, 8, 4));
        let shifted: Vec<f64> = [0.0, 1.0, 2.0, 4.0]
            .iter()
            .map(|by| frechet_distance(&changed(&a, |_, x| x + by), &b).unwrap())
            .collect();
        assert!(shifted.is_sorted() && shifted[3] > shifted[0] + 10.0, "{shifted:?}");
        let spread: Vec<f64> = [1.0, 2.0, 4.0]
            .iter()
            .map(|by| frechet_distance(&changed(&a, |_, x| x * by), &b).unwrap())
            .collect();
        assert!(spread.is_sorted() && spread[2] > spread[0] + 1.0, "{spread:?}");
    }

    #[test]
    fn other_correlations_alone_set_sets_apart() {
        let b = normal(200, 6, 5);
        // Half of the features mirrored: means and deviations stay.
        let a = changed(&normal(200, 6, 6), |i, x| if i % 2 == 0 { x } else { -x });
        let null = frechet_distance(&normal(200, 6, 6), &b).unwrap();
        let distance = frechet_distance(&a, &b).unwrap();
        assert!(distance > null + 1.0, "{distance} {null}");
    }

    #[test]
    fn small_sets_of_one_kind_are_apart_by_what_the_documentation_says() {
        let independent = |n: usize, index: u64| -> Vec<Vec<f64>> {
            let mut stream = Seed(22).stream_at("independent", index);
            (0..n).map(|_| (0..19).map(|_| StandardNormal.sample(&mut stream)).collect()).collect()
        };
        for (n, expected) in [(32, 1.5), (200, 0.2)] {
            let distance =
                |i: u64| frechet_distance(&independent(n, 2 * i), &independent(n, 2 * i + 1)).unwrap();
            let mean = (0..40).map(distance).sum::<f64>() / 40.0;
            // Four standard errors of 40 such distances are a fifth of them.
            assert!((mean / expected - 1.0).abs() < 0.25, "{n}: {mean}");
        }
    }

    #[test]
    fn covariances_are_shrunk_as_the_formula_says() {
        // The formula at work on a set small enough for paper: S = diag(2, 1/2), m = 5/4, d2 = 2 (3/4)^2 = 9/8;
        // |x|^4 sums to 2 * 16 + 2 * 1 = 34, n |S|^2 = 17, so b2 = 17 / 16 and the shrinkage is 17/18.
        let set = [[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]].map(Vec::from);
        let (mean, s) = gaussian(&set);
        assert_eq!(mean, [0.0, 0.0]);
        let expected = [1.25 + 0.75 / 18.0, 0.0, 0.0, 1.25 - 0.75 / 18.0];
        assert!(s.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14), "{s:?}");
    }

    #[test]
    fn mistakes_are_named() {
        let b = normal(10, 3, 7);
        let too_few = |set| Err(ForensicsError::TooFewImages { set, found: 1, needed: 2 });
        assert_eq!(frechet_distance(&b[..1], &b), too_few("generated"));
        assert_eq!(frechet_distance(&b, &b[..1]), too_few("reference"));
        assert!(frechet_distance(&[], &[]).is_err());
        let short = vec![vec![1.0, 2.0]; 4];
        assert_eq!(
            frechet_distance(&short, &b),
            Err(ForensicsError::FeatureCount { set: "generated", image: 0, found: 2, needed: 3 })
        );
        assert!(frechet_distance(&vec![vec![]; 4], &vec![vec![]; 4]).is_err());
        let mut nan = b.clone();
        nan[4][1] = f64::NAN;
        assert_eq!(
            frechet_distance(&nan, &b),
            Err(ForensicsError::FeatureNotFinite { set: "generated", image: 4 })
        );
        let constant = vec![vec![0.1, 0.1, 0.1]; 5];
        assert_eq!(frechet_distance(&b, &constant), Err(ForensicsError::ConstantFeatures));
        assert!(frechet_distance(&constant, &b).unwrap() > 1.0);
        let huge = changed(&b, |_, x| x * 1e300);
        assert_eq!(frechet_distance(&huge, &b), Err(ForensicsError::TooFar));
        assert!(frechet_distance(&huge, &huge).unwrap() < 1e-9);
        let opposite = vec![vec![1e300], vec![-1e300], vec![1e300]];
        assert!(frechet_distance(&opposite, &opposite).unwrap() < 1e-9);
        assert_eq!(frechet_distance(&opposite, &[vec![0.0], vec![1.0]]), Err(ForensicsError::TooFar));
    }

    #[test]
    fn a_constant_feature_is_left_out() {
        let (a, b) = (normal(20, 3, 8), normal(20, 3, 9));
        let with = |set: &[Vec<f64>], value: f64| -> Vec<Vec<f64>> {
            set.iter().map(|v| [&v[..], &[value]].concat()).collect()
        };
        assert_eq!(frechet_distance(&with(&a, 0.3), &with(&b, 0.1)), frechet_distance(&a, &b));
    }
}
