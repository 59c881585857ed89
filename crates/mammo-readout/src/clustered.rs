use crate::{
    AucEstimate, AucTest, Interval, ReadoutError, TestMethod, VarianceMethod,
    auc::{Placements, Truth, check_lengths},
    delong::at_least_two,
    test_result::difference_test,
};
use std::collections::BTreeMap;

/// The ratings of one arm, each with its truth and the cluster that it belongs to.
///
/// Images of one cluster may depend on each other in any way; clusters are independent. In a study of tampering
/// the cluster is the source image: an original and its altered twin share it. `C` names a cluster and must mean
/// the same in all arms that are compared.
#[derive(Debug, Clone)]
pub struct ClusteredRatings<C> {
    auc: f64,
    n_pos: usize,
    n_neg: usize,
    clusters: BTreeMap<C, Cluster>,
    with_positive: usize,
    with_negative: usize,
}

/// What one cluster adds to the AUC's error, for its positive and its negative images; zero where it has none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cluster {
    pub(crate) positives: usize,
    pub(crate) negatives: usize,
    /// Sum of `(V10 - A) / M`.
    pub(crate) from_positives: f64,
    /// Sum of `(V01 - A) / N`.
    pub(crate) from_negatives: f64,
}

/// Clusters with positive images, with negative images, and with any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClusterCounts {
    pub(crate) positive: usize,
    pub(crate) negative: usize,
    pub(crate) all: usize,
}

/// Covariance of two AUCs from the clusters that both have, each as it is in one and in the other.
pub(crate) fn cluster_covariance<'a>(
    common: impl Iterator<Item = (&'a Cluster, &'a Cluster)>,
    a: ClusterCounts,
    b: ClusterCounts,
) -> f64 {
    let (mut pos_pos, mut neg_neg, mut mixed) = (0.0, 0.0, 0.0);
    let (mut common_pos, mut common_neg, mut common_any) = (0usize, 0usize, 0usize);
    for (in_a, in_b) in common {
        common_any += 1;
        common_pos += usize::from(in_a.positives > 0 && in_b.positives > 0);
        common_neg += usize::from(in_a.negatives > 0 && in_b.negatives > 0);
        pos_pos += in_a.from_positives * in_b.from_positives;
        neg_neg += in_a.from_negatives * in_b.from_negatives;
        mixed += in_a.from_positives * in_b.from_negatives + in_a.from_negatives * in_b.from_positives;
    }
    pos_pos * unbiasing(a.positive, b.positive, common_pos)
        + neg_neg * unbiasing(a.negative, b.negative, common_neg)
        + mixed * unbiasing(a.all, b.all, common_any)
}

impl<C: Ord + Clone> ClusteredRatings<C> {
    /// Checks and sorts the images of an arm; entry `i` of each list belongs to one image.
    ///
    /// # Errors
    /// [`ReadoutError`] when the lists differ in length, a rating is not finite, or fewer than two clusters have
    /// positive (or negative) images.
    ///
    /// ```
    /// use mammo_readout::ClusteredRatings;
    /// // Images 1 and 3 come from one patient.
    /// let arm = ClusteredRatings::new(&[1.0, 3.0, 2.0, 4.0], &[false, true, false, true], &["p1", "p2", "p3", "p1"])?;
    /// assert_eq!(arm.auc(), 1.0);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn new(ratings: &[f64], positive: &[bool], clusters: &[C]) -> Result<Self, ReadoutError> {
        check_lengths("ratings", ratings.len(), "clusters", clusters.len())?;
        check_lengths("ratings", ratings.len(), "truths", positive.len())?;
        let truth = Truth::new(positive)?;
        let classes = truth.split(ratings)?;
        let placements = Placements::new(&classes);
        let (auc, n_pos, n_neg) = (placements.auc, classes.positive().len(), classes.negative().len());
        let mut sums: BTreeMap<C, Cluster> = BTreeMap::new();
        for (&i, v10) in truth.positive_at.iter().zip(&placements.v10) {
            let cluster = sums.entry(clusters[i].clone()).or_default();
            cluster.positives += 1;
            cluster.from_positives += (v10 - auc) / n_pos as f64;
        }
        for (&i, v01) in truth.negative_at.iter().zip(&placements.v01) {
            let cluster = sums.entry(clusters[i].clone()).or_default();
            cluster.negatives += 1;
            cluster.from_negatives += (v01 - auc) / n_neg as f64;
        }
        let with_positive = sums.values().filter(|c| c.positives > 0).count();
        let with_negative = sums.values().filter(|c| c.negatives > 0).count();
        at_least_two(with_positive, with_negative)?;
        Ok(Self { auc, n_pos, n_neg, clusters: sums, with_positive, with_negative })
    }

    /// The Mann-Whitney AUC of the arm; clusters do not change it.
    ///
    /// ```
    /// use mammo_readout::ClusteredRatings;
    /// let arm = ClusteredRatings::new(&[1.0, 3.0, 2.0, 4.0], &[false, true, false, true], &["a", "a", "b", "b"])?;
    /// assert_eq!(arm.auc(), 1.0);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn auc(&self) -> f64 {
        self.auc
    }

    /// AUC with its clustered standard error; see [`clustered`].
    ///
    /// # Errors
    /// [`ReadoutError::OutOfRange`] for a confidence level outside `(0, 1)`.
    ///
    /// ```
    /// use mammo_readout::{ClusteredRatings, Interval};
    /// let arm = ClusteredRatings::new(
    ///     &[1.0, 3.0, 4.0, 4.0, 2.0, 5.0], &[false, true, false, true, false, true], &[1, 1, 2, 2, 3, 3],
    /// )?;
    /// assert!(arm.estimate(Interval::default())?.se > 0.0);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn estimate(&self, interval: Interval) -> Result<AucEstimate, ReadoutError> {
        let variance = covariance(self, self);
        // Where the classes of every cluster are the same the parts cancel, and what is left of them is rounding.
        let parts: f64 =
            self.clusters.values().map(|c| c.from_positives.powi(2) + c.from_negatives.powi(2)).sum();
        let se = if variance < 1e-12 * parts { 0.0 } else { variance.sqrt() };
        // The most pairs of a positive and a negative image that can be formed without using a cluster twice.
        let pairs = self.with_positive.min(self.with_negative).min(self.clusters.len() / 2);
        let counts = (self.n_pos, self.n_neg);
        AucEstimate::new(self.auc, se, counts, pairs, VarianceMethod::Clustered, interval)
    }
}

/// AUC with the standard error of Obuchowski (Biometrics 1997;53:567) for clustered images.
///
/// With `V10(X_i.)` and `V01(Y_i.)` the sums of placement values over the `m_i` positive and `n_i` negative images
/// of cluster `i`, `I10`, `I01` and `I` the numbers of clusters with positive images, with negative images, and in
/// all, and `M`, `N` the numbers of images:
///
/// ```text
/// S10 = I10 / ((I10 - 1) M) Σ (V10(X_i.) - m_i A)²          S01 likewise
/// S11 = I / (I - 1) Σ (V10(X_i.) - m_i A) (V01(Y_i.) - n_i A)
/// var = S10 / M + S01 / N + 2 S11 / (M N)
/// ```
///
/// With one image a cluster this is DeLong's variance.
///
/// # Errors
/// As [`ClusteredRatings::new`] and [`ClusteredRatings::estimate`].
///
/// ```
/// use mammo_readout::{Interval, clustered, delong};
/// let ratings = [1.0, 3.0, 4.0, 5.0, 2.0, 4.0];
/// let positive = [false, true, false, true, false, true];
/// // One image a cluster: DeLong's variance. Twins on opposite sides of the truth: another one.
/// let alone = clustered(&ratings, &positive, &[1, 2, 3, 4, 5, 6], Interval::default())?;
/// assert!((alone.se - delong(&ratings, &positive, Interval::default())?.se).abs() < 1e-12);
/// let twins = clustered(&ratings, &positive, &[1, 1, 2, 2, 3, 3], Interval::default())?;
/// assert!((twins.se - alone.se).abs() > 0.001);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn clustered<C: Ord + Clone>(
    ratings: &[f64],
    positive: &[bool],
    clusters: &[C],
    interval: Interval,
) -> Result<AucEstimate, ReadoutError> {
    ClusteredRatings::new(ratings, positive, clusters)?.estimate(interval)
}

/// Tests the AUCs of two arms that share some, all or none of their clusters.
///
/// The variance of the difference is `var(a) + var(b) - 2 cov(a, b)` with Obuchowski's variances. Her covariance for
/// two tests on the same clusters is taken over the clusters that occur in both arms. Its factor against the bias
/// of estimated means, `I / (I - 1)`, becomes `1 / (1 - 1/I_a - 1/I_b + I_c / (I_a I_b))` for `I_a` and `I_b`
/// clusters of which `I_c` are common: the same number when all are common, exact for independent clusters when
/// not. The truth of an image may differ between arms, so a cluster may be positive in one and negative in the
/// other.
///
/// With one image a cluster and arm, this is DeLong's paired test when all clusters are common and DeLong's
/// unpaired test when none is.
///
/// # Errors
/// [`ReadoutError::OutOfRange`] for a confidence level outside `(0, 1)`.
///
/// ```
/// use mammo_readout::{ClusteredRatings, Interval, compare_clustered};
/// // Sources 1 to 4 were read as original and as altered image, 5 and 6 as original only.
/// let originals = ClusteredRatings::new(
///     &[1.0, 2.0, 4.0, 5.0, 3.0, 3.0], &[false, false, true, true, false, true], &[1, 2, 3, 4, 5, 6],
/// )?;
/// let altered = ClusteredRatings::new(&[3.0, 1.0, 2.0, 4.0], &[false, false, true, true], &[1, 2, 3, 4])?;
/// let test = compare_clustered(&originals, &altered, Interval::default())?;
/// assert!(test.difference > 0.0 && test.se > 0.0);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn compare_clustered<C: Ord + Clone>(
    a: &ClusteredRatings<C>,
    b: &ClusteredRatings<C>,
    interval: Interval,
) -> Result<AucTest, ReadoutError> {
    let variance = covariance(a, a) + covariance(b, b) - 2.0 * covariance(a, b);
    // Differences of nearly equal numbers leave rounding where the arms agree entirely.
    let scale = covariance(a, a) + covariance(b, b);
    let variance = if variance < 1e-12 * scale { 0.0 } else { variance };
    difference_test(
        &a.estimate(interval)?,
        &b.estimate(interval)?,
        variance.sqrt(),
        interval.level,
        TestMethod::Clustered,
    )
}

/// Covariance of two arms' AUCs; with `a` and `b` the same arm, its variance.
fn covariance<C: Ord>(a: &ClusteredRatings<C>, b: &ClusteredRatings<C>) -> f64 {
    let counts = |arm: &ClusteredRatings<C>| ClusterCounts {
        positive: arm.with_positive,
        negative: arm.with_negative,
        all: arm.clusters.len(),
    };
    let common = a.clusters.iter().filter_map(|(name, in_a)| Some((in_a, b.clusters.get(name)?)));
    cluster_covariance(common, counts(a), counts(b))
}

/// Factor that makes up for centring on means that were estimated from the same clusters; both counts are at least
/// two, so that the denominator is positive when a cluster is common.
pub(crate) fn unbiasing(in_a: usize, in_b: usize, common: usize) -> f64 {
    if common == 0 {
        return 0.0;
    }
    let (a, b, c) = (in_a as f64, in_b as f64, common as f64);
    1.0 / (1.0 - 1.0 / a - 1.0 / b + c / (a * b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_that_nobody_tells_apart_leave_no_rounding_behind() {
        // Each image beside itself: the variance is zero, whatever the ratings are.
        for n in 3..60_usize {
            let rating = |i: usize| ((i * 7919 % 104_729) as f64).sqrt() / 7.0;
            let ratings: Vec<f64> = (0..2 * n).map(|i| rating(i / 2)).collect();
            let truth: Vec<bool> = (0..2 * n).map(|i| i % 2 == 1).collect();
            let clusters: Vec<usize> = (0..2 * n).map(|i| i / 4).collect();
            let Ok(estimate) = clustered(&ratings, &truth, &clusters, Interval::default()) else { continue };
            assert_eq!((estimate.auc, estimate.se), (0.5, 0.0), "{n}");
        }
    }
}
