use rand::Rng;
use serde::{Deserialize, Serialize};

/// A median over cases with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Median over the cases.
    pub median: f64,
    /// Lower and upper end of the percentile bootstrap interval over patients; `None` with fewer than two patients.
    pub interval_95: Option<(f64, f64)>,
}

/// For every resample, how often each of `clusters` was drawn (with replacement, `clusters` draws).
///
/// Drawn once and used for every quantity, so that quantities of one summary vary together as their cases do.
pub(crate) fn cluster_draws(clusters: usize, resamples: usize, rng: &mut impl Rng) -> Vec<Vec<u32>> {
    let draw = |rng: &mut _| {
        let mut times = vec![0u32; clusters];
        for _ in 0..clusters {
            times[Rng::random_range(rng, 0..clusters)] += 1;
        }
        times
    };
    (0..resamples).map(|_| draw(rng)).collect()
}

/// The median of `values` and its interval. `values` pairs each case's cluster with its value; cases without a value are
/// left out beforehand. `None` without cases.
pub(crate) fn median_estimate(values: &[(usize, f64)], draws: &[Vec<u32>]) -> Option<Estimate> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let once = sorted.iter().map(|&(_, value)| (value, 1)).collect::<Vec<_>>();
    let median = weighted_median(&once)?;
    let several_clusters = sorted.iter().any(|&(cluster, _)| cluster != sorted[0].0);
    // A resample may hold no case with a value; it says nothing about the median.
    let mut medians = draws
        .iter()
        .filter_map(|times| {
            let weighted = sorted.iter().map(|&(cluster, value)| (value, times[cluster])).collect::<Vec<_>>();
            weighted_median(&weighted)
        })
        .collect::<Vec<_>>();
    medians.sort_by(f64::total_cmp);
    let interval_95 = (several_clusters && !medians.is_empty())
        .then(|| (quantile(&medians, 0.025), quantile(&medians, 0.975)));
    Some(Estimate { median, interval_95 })
}

/// The median of rising values, each counted as often as its weight says; the mean of the two middle ones if even.
fn weighted_median(sorted: &[(f64, u32)]) -> Option<f64> {
    let total: u32 = sorted.iter().map(|&(_, weight)| weight).sum();
    if total == 0 {
        return None;
    }
    let at = |rank: u32| {
        let mut seen = 0;
        sorted.iter().find(|&&(_, weight)| {
            seen += weight;
            seen > rank
        })
    };
    let (low, high) = (at((total - 1) / 2)?.0, at(total / 2)?.0);
    Some(f64::midpoint(low, high))
}

/// Quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996).
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    low + (high - low) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::Seed;

    #[test]
    fn medians_count_weights() {
        assert_eq!(weighted_median(&[(1.0, 1), (2.0, 1), (9.0, 1)]), Some(2.0));
        assert_eq!(weighted_median(&[(1.0, 1), (2.0, 0), (9.0, 1)]), Some(5.0));
        assert_eq!(weighted_median(&[(1.0, 3), (2.0, 1)]), Some(1.0));
        assert_eq!(weighted_median(&[(1.0, 0)]), None);
    }

    #[test]
    fn copies_within_a_patient_do_not_narrow_the_interval() {
        let values = (0..20).map(|i| (i, f64::from(i as u32))).collect::<Vec<_>>();
        let copied = values.iter().flat_map(|&v| [v; 5]).collect::<Vec<_>>();
        let draws = cluster_draws(20, 400, &mut Seed(1).stream("bootstrap"));
        let (single, five) =
            (median_estimate(&values, &draws).unwrap(), median_estimate(&copied, &draws).unwrap());
        assert_eq!(single, five);
        let (low, high) = single.interval_95.unwrap();
        assert!(low < 9.5 && high > 9.5 && high - low > 4.0, "{low} {high}");
    }

    #[test]
    fn the_interval_covers_as_often_as_it_says() {
        use rand_distr::{Distribution, StandardNormal};
        let covered = (0..200)
            .filter(|&i| {
                let mut stream = Seed(2).stream_at("coverage", i);
                let values =
                    (0..30).map(|c| (c, StandardNormal.sample(&mut stream))).collect::<Vec<(usize, f64)>>();
                let draws = cluster_draws(30, 200, &mut stream);
                let (low, high) = median_estimate(&values, &draws).unwrap().interval_95.unwrap();
                low <= 0.0 && high >= 0.0
            })
            .count();
        // 95 % of 200 is 190; five standard errors are about 15.
        assert!(covered >= 175, "{covered}");
    }

    #[test]
    fn one_patient_has_no_interval() {
        let draws = cluster_draws(1, 10, &mut Seed(1).stream("bootstrap"));
        let estimate = median_estimate(&[(0, 1.0), (0, 3.0)], &draws).unwrap();
        assert_eq!(estimate, Estimate { median: 2.0, interval_95: None });
        assert_eq!(median_estimate(&[], &draws), None);
    }
}
