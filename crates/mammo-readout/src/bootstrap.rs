//! The stratified bootstrap: images are drawn with replacement from each class, so that class sizes stay.

use crate::{
    AucEstimate, AucTest, Interval, IntervalMethod, ReadoutError, TestMethod, VarianceMethod,
    auc::{Placements, Truth, check_lengths},
    delong::{at_least_two, estimate},
    interval::is_zero,
    normal,
    sorting::{Ascending, place},
    test_result::difference_test,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// How often to draw and from which seed. Replicate `i` draws from stream `i` of the seed, so that the result does
/// not depend on the number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    /// Samples to draw; at least 2, and 2000 or more for limits.
    pub replicates: usize,
    /// Seed of the draws.
    pub seed: u64,
}

/// How to make limits from bootstrap replicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BootstrapLimits {
    /// Quantiles of the replicates at `α / 2` and `1 - α / 2`, with linear interpolation.
    Percentile,
    /// Bias-corrected and accelerated (Efron, JASA 1987;82:171), with the acceleration from the placement values.
    #[default]
    Bca,
}

/// AUC with the standard deviation of its bootstrap replicates and bootstrap limits.
///
/// At AUC 0 and 1, and where all replicates are equal, the limits are those of [`Interval`]. Where every replicate
/// lies on one side of the AUC no bias correction exists: BCa limits then fall back to percentiles, and
/// [`AucEstimate::interval`] says so.
///
/// ```
/// use mammo_readout::{Bootstrap, BootstrapLimits, bootstrap};
/// let positive = [false, false, false, false, true, true, true, true];
/// let ratings = [1.0, 2.0, 3.0, 1.0, 3.0, 4.0, 5.0, 2.0];
/// let draws = Bootstrap { replicates: 500, seed: 1 };
/// let estimate = bootstrap(&ratings, &positive, draws, BootstrapLimits::Bca, 0.95)?;
/// assert!(estimate.ci_low < estimate.auc && estimate.auc <= estimate.ci_high);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, a class has fewer than two images,
/// there are fewer than two replicates, or the level is not inside `(0, 1)`.
pub fn bootstrap(
    ratings: &[f64],
    positive: &[bool],
    draws: Bootstrap,
    limits: BootstrapLimits,
    level: f64,
) -> Result<AucEstimate, ReadoutError> {
    check_lengths("ratings", ratings.len(), "truths", positive.len())?;
    let curve = Curve::new(ratings, &Truth::new(positive)?)?;
    let usual = estimate(&curve.placements, Interval { level, ..Interval::default() })?;
    let mut replicates = replicate(&[&curve], draws, |aucs| aucs[0])?;
    let se = deviation(&replicates);
    let mut result = AucEstimate { se, variance: VarianceMethod::Bootstrap, ..usual };
    if is_zero(se) || result.interval == IntervalMethod::DisjointPairs {
        return Ok(result);
    }
    replicates.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    let corrected = match limits {
        BootstrapLimits::Percentile => None,
        BootstrapLimits::Bca => bca_tails(&replicates, &curve.placements, tail),
    };
    let (low, high) = corrected.unwrap_or((tail, 1.0 - tail));
    result.ci_low = quantile(&replicates, low);
    result.ci_high = quantile(&replicates, high);
    result.interval = match corrected {
        Some(_) => IntervalMethod::BootstrapBca,
        None => IntervalMethod::BootstrapPercentile,
    };
    Ok(result)
}

/// Tests two AUCs on the same images with the standard deviation of their difference over bootstrap samples; both
/// curves are drawn with the same images.
///
/// # Errors
/// As [`bootstrap`].
///
/// ```
/// use mammo_readout::{Bootstrap, Interval, bootstrap_paired};
/// let positive = [false, false, false, false, true, true, true, true];
/// let a = [1.0, 2.0, 1.0, 3.0, 3.0, 4.0, 5.0, 4.0];
/// let b = [2.0, 1.0, 3.0, 4.0, 2.0, 4.0, 3.0, 5.0];
/// let draws = Bootstrap { replicates: 500, seed: 1 };
/// let test = bootstrap_paired(&a, &b, &positive, draws, Interval::default())?;
/// assert_eq!(test, bootstrap_paired(&a, &b, &positive, draws, Interval::default())?);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn bootstrap_paired(
    a: &[f64],
    b: &[f64],
    positive: &[bool],
    draws: Bootstrap,
    interval: Interval,
) -> Result<AucTest, ReadoutError> {
    check_lengths("the first list of ratings", a.len(), "the second", b.len())?;
    check_lengths("ratings", a.len(), "truths", positive.len())?;
    let truth = Truth::new(positive)?;
    let (a, b) = (Curve::new(a, &truth)?, Curve::new(b, &truth)?);
    let differences = replicate(&[&a, &b], draws, |aucs| aucs[0] - aucs[1])?;
    let (in_a, in_b) = (estimate(&a.placements, interval)?, estimate(&b.placements, interval)?);
    difference_test(&in_a, &in_b, deviation(&differences), interval.level, TestMethod::Bootstrap)
}

/// Tests two AUCs on different images with the standard deviations of each over its own bootstrap samples.
///
/// # Errors
/// As [`bootstrap`].
///
/// ```
/// use mammo_readout::{Bootstrap, Interval, bootstrap_unpaired};
/// let positive = [false, false, false, false, true, true, true, true];
/// let a = [1.0, 2.0, 1.0, 3.0, 3.0, 4.0, 5.0, 4.0];
/// let b = [2.0, 1.0, 3.0, 4.0, 2.0, 4.0, 3.0, 5.0];
/// let draws = Bootstrap { replicates: 500, seed: 1 };
/// let test = bootstrap_unpaired((&a, &positive), (&b, &positive), draws, Interval::default())?;
/// assert!(test.ci_low < test.difference && test.difference < test.ci_high);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn bootstrap_unpaired(
    (a, positive_a): (&[f64], &[bool]),
    (b, positive_b): (&[f64], &[bool]),
    draws: Bootstrap,
    interval: Interval,
) -> Result<AucTest, ReadoutError> {
    let second = Bootstrap { seed: draws.seed.wrapping_add(1), ..draws };
    let a = bootstrap(a, positive_a, draws, BootstrapLimits::Percentile, interval.level)?;
    let b = bootstrap(b, positive_b, second, BootstrapLimits::Percentile, interval.level)?;
    difference_test(&a, &b, a.se.hypot(b.se), interval.level, TestMethod::Bootstrap)
}

/// One curve with each rating replaced by its place among the distinct ratings, so that a replicate needs no sort.
struct Curve {
    placements: Placements,
    positive: Vec<u32>,
    negative: Vec<u32>,
    distinct: usize,
}

impl Curve {
    fn new(ratings: &[f64], truth: &Truth) -> Result<Self, ReadoutError> {
        let classes = truth.split(ratings)?;
        at_least_two(classes.positive().len(), classes.negative().len())?;
        let placements = Placements::new(&classes);
        let mut codes = vec![0u32; classes.together.len()];
        let mut distinct = 0;
        for tied in Ascending::new(&classes.together).groups() {
            for &entry in tied {
                codes[place(entry)] = distinct as u32;
            }
            distinct += 1;
        }
        let negative = codes.split_off(classes.positive().len());
        Ok(Self { placements, positive: codes, negative, distinct })
    }

    /// The AUC of the drawn images.
    fn auc_of(&self, drawn_positive: &[u32], drawn_negative: &[u32], counts: &mut Vec<[u32; 2]>) -> f64 {
        counts.clear();
        counts.resize(self.distinct, [0, 0]);
        for &i in drawn_positive {
            counts[self.positive[i as usize] as usize][0] += 1;
        }
        for &i in drawn_negative {
            counts[self.negative[i as usize] as usize][1] += 1;
        }
        let (mut below, mut half_wins) = (0u64, 0u64);
        for &[positives, negatives] in &*counts {
            half_wins += u64::from(positives) * (2 * below + u64::from(negatives));
            below += u64::from(negatives);
        }
        half_wins as f64 / (2.0 * drawn_positive.len() as f64 * drawn_negative.len() as f64)
    }
}

/// `statistic` of the AUCs of `curves`, which share their images, in each replicate.
fn replicate(
    curves: &[&Curve],
    draws: Bootstrap,
    statistic: impl Fn(&[f64]) -> f64 + Sync,
) -> Result<Vec<f64>, ReadoutError> {
    if draws.replicates < 2 {
        return Err(ReadoutError::TooFewOf {
            what: "bootstrap replicates",
            found: draws.replicates,
            least: 2,
        });
    }
    let (m, n) = (curves[0].positive.len() as u32, curves[0].negative.len() as u32);
    let base = ChaCha8Rng::seed_from_u64(draws.seed);
    let replicates = (0..draws.replicates as u64)
        .into_par_iter()
        .map_init(
            || (Vec::new(), Vec::new(), Vec::new(), vec![0.0; curves.len()]),
            |(positives, negatives, counts, aucs), stream| {
                let mut random = base.clone();
                random.set_stream(stream);
                draw(&mut random, m, positives);
                draw(&mut random, n, negatives);
                for (auc, curve) in aucs.iter_mut().zip(curves) {
                    *auc = curve.auc_of(positives, negatives, counts);
                }
                statistic(aucs)
            },
        )
        .collect();
    Ok(replicates)
}

fn draw(random: &mut ChaCha8Rng, count: u32, into: &mut Vec<u32>) {
    into.clear();
    into.extend((0..count).map(|_| random.random_range(0..count)));
}

fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// Linear interpolation between the two nearest of the sorted values (Hyndman and Fan 1996, definition 7).
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// The probabilities at which BCa limits read the sorted replicates; none where all lie on one side of the AUC.
fn bca_tails(sorted: &[f64], p: &Placements, tail: f64) -> Option<(f64, f64)> {
    let below = sorted.partition_point(|&r| r < p.auc - 1e-12);
    let not_above = sorted.partition_point(|&r| r <= p.auc + 1e-12);
    let share = (below + not_above) as f64 / (2 * sorted.len()) as f64;
    if share <= 0.0 || share >= 1.0 {
        return None;
    }
    let bias = normal::quantile(share);
    let moment = |power: i32| {
        let sum =
            |v: &[f64]| v.iter().map(|x| (x - p.auc).powi(power)).sum::<f64>() / (v.len() as f64).powi(power);
        sum(&p.v10) + sum(&p.v01)
    };
    let acceleration = moment(3) / (6.0 * moment(2).powf(1.5));
    let at = |probability: f64| {
        let z = bias + normal::quantile(probability);
        normal::below(bias + z / (1.0 - acceleration * z))
    };
    // Beyond its pole the correction turns round; limits there mean nothing.
    let furthest = bias.abs() + normal::quantile(1.0 - tail);
    (1.0 - acceleration.abs() * furthest > 0.0).then(|| (at(tail), at(1.0 - tail)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DRAWS: Bootstrap = Bootstrap { replicates: 4000, seed: 7 };

    fn study() -> (Vec<f64>, Vec<bool>) {
        (0..80)
            .map(|i: u32| {
                (f64::from((i * 37) % 80) + if i.is_multiple_of(2) { 15.0 } else { 0.0 }, i.is_multiple_of(2))
            })
            .unzip()
    }

    #[test]
    fn the_spread_is_about_that_of_delong_and_repeats_exactly() {
        let (ratings, positive) = study();
        let boot = bootstrap(&ratings, &positive, DRAWS, BootstrapLimits::Bca, 0.95).unwrap();
        let plain = crate::delong(&ratings, &positive, Interval::default()).unwrap();
        assert!((boot.se / plain.se - 1.0).abs() < 0.1, "{boot:?} {plain:?}");
        assert!((boot.ci_low - plain.ci_low).abs() < 0.02 && (boot.ci_high - plain.ci_high).abs() < 0.02);
        assert_eq!(boot.interval, IntervalMethod::BootstrapBca);
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let again =
            one_thread.install(|| bootstrap(&ratings, &positive, DRAWS, BootstrapLimits::Bca, 0.95).unwrap());
        assert_eq!(boot, again);
    }

    #[test]
    fn separated_classes_keep_a_proper_interval() {
        let positive: Vec<bool> = (0..36).map(|i| i >= 18).collect();
        let ratings: Vec<f64> = (0..36).map(f64::from).collect();
        let estimate = bootstrap(&ratings, &positive, DRAWS, BootstrapLimits::Bca, 0.95).unwrap();
        assert!(estimate.se == 0.0 && estimate.ci_low < 0.9 && estimate.ci_high == 1.0);
    }

    #[test]
    fn identical_curves_do_not_differ() {
        let (ratings, positive) = study();
        let test = bootstrap_paired(&ratings, &ratings, &positive, DRAWS, Interval::default()).unwrap();
        assert_eq!((test.se, test.p), (0.0, 1.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn limits_hold_a_range_inside_zero_and_one(
            rows in proptest::collection::vec((0u8..5, any::<bool>()), 4..30), seed in any::<u64>()
        ) {
            let (ratings, positive): (Vec<f64>, Vec<bool>) =
                rows.into_iter().map(|(r, t)| (f64::from(r), t)).unzip();
            let draws = Bootstrap { replicates: 200, seed };
            for limits in [BootstrapLimits::Percentile, BootstrapLimits::Bca] {
                if let Ok(e) = bootstrap(&ratings, &positive, draws, limits, 0.9) {
                    prop_assert!(0.0 <= e.ci_low && e.ci_low < e.ci_high && e.ci_high <= 1.0, "{:?}", e);
                }
            }
        }
    }
}
