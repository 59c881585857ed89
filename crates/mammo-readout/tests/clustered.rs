//! Clustered and partly paired variances: special cases that have a name, and repeated studies of known design.

use mammo_readout::{
    ClusteredRatings, Interval, clustered, compare_clustered, compare_paired, compare_unpaired,
    compare_with_constant, delong,
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// Ratings of one arm: at least two images of each class.
fn arm() -> impl Strategy<Value = Vec<(f64, bool)>> {
    proptest::collection::vec((0u8..8, any::<bool>()), 6..30)
        .prop_map(|rows| rows.into_iter().map(|(r, t)| (f64::from(r), t)).collect::<Vec<_>>())
        .prop_filter("two of each class", |rows| {
            let positives = rows.iter().filter(|(_, t)| *t).count();
            positives >= 2 && rows.len() - positives >= 2
        })
}

proptest! {
    #[test]
    fn clusters_of_one_are_delong(rows in arm()) {
        let (ratings, truth): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
        let names: Vec<usize> = (0..ratings.len()).collect();
        let plain = delong(&ratings, &truth, Interval::default()).unwrap();
        let by_cluster = clustered(&ratings, &truth, &names, Interval::default()).unwrap();
        prop_assert!(close(plain.se, by_cluster.se) && close(plain.ci_low, by_cluster.ci_low));
        prop_assert_eq!(plain.independent_pairs, by_cluster.independent_pairs);
    }

    #[test]
    fn all_common_is_paired_and_none_common_is_unpaired(
        (rows, second) in arm().prop_flat_map(|rows| {
            let n = rows.len();
            (Just(rows), proptest::collection::vec(0u8..8, n))
        })
    ) {
        let (a, truth): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
        let b: Vec<f64> = second.into_iter().map(f64::from).collect();
        let same: Vec<usize> = (0..a.len()).collect();
        let other: Vec<usize> = (0..a.len()).map(|i| i + 1000).collect();
        let arm_a = ClusteredRatings::new(&a, &truth, &same).unwrap();
        let paired = compare_paired(&a, &b, &truth, Interval::default()).unwrap();
        let all = compare_clustered(
            &arm_a, &ClusteredRatings::new(&b, &truth, &same).unwrap(), Interval::default()).unwrap();
        prop_assert!(close(paired.se, all.se) && close(paired.p, all.p), "{:?} {:?}", paired, all);
        let unpaired = compare_unpaired((&a, &truth), (&b, &truth), Interval::default()).unwrap();
        let none = compare_clustered(
            &arm_a, &ClusteredRatings::new(&b, &truth, &other).unwrap(), Interval::default()).unwrap();
        prop_assert!(close(unpaired.se, none.se) && close(unpaired.p, none.p));
    }

    #[test]
    fn doubling_every_image_inside_its_cluster_changes_nothing(rows in arm()) {
        // Copies carry no information: the clustered error stays, where DeLong's would shrink.
        let (ratings, truth): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
        let names: Vec<usize> = (0..ratings.len()).collect();
        let once = clustered(&ratings, &truth, &names, Interval::default()).unwrap();
        let (ratings2, truth2, names2) =
            ([&ratings[..], &ratings].concat(), [&truth[..], &truth].concat(), [&names[..], &names].concat());
        let twice = clustered(&ratings2, &truth2, &names2, Interval::default()).unwrap();
        prop_assert!(close(once.se, twice.se) && close(once.ci_low, twice.ci_low));
    }
}

/// One study as in experiment 1: 20 sources in both arms, 10 in each arm alone; half of the sources have cancer.
/// The source gives its images a common part with variance `share`.
struct Study {
    rating: Vec<f64>,
    cancer: Vec<bool>,
    modified: Vec<bool>,
    source: Vec<usize>,
}

fn study(random: &mut ChaCha8Rng, share: f64, signal: f64) -> Study {
    let mut study = Study { rating: vec![], cancer: vec![], modified: vec![], source: vec![] };
    for source in 0..40 {
        let cancer = source % 2 == 0;
        let common: f64 = random.sample(StandardNormal);
        for modified in [false, true] {
            let shown = source < 20 || (source < 30) == modified;
            if shown {
                let own: f64 = random.sample(StandardNormal);
                let mean = if cancer { signal } else { 0.0 };
                study.rating.push(mean + share.sqrt() * common + (1.0 - share).sqrt() * own);
                study.cancer.push(cancer);
                study.modified.push(modified);
                study.source.push(source);
            }
        }
    }
    study
}

impl Study {
    fn arm(&self, modified: bool) -> ClusteredRatings<usize> {
        let (mut r, mut t, mut c) = (vec![], vec![], vec![]);
        for i in (0..self.rating.len()).filter(|&i| self.modified[i] == modified) {
            r.push(self.rating[i]);
            t.push(self.cancer[i]);
            c.push(self.source[i]);
        }
        ClusteredRatings::new(&r, &t, &c).unwrap()
    }
}

/// Over many studies the mean estimated variance must be the variance that the AUCs show, and a true null must be
/// rejected about as often as promised.
#[test]
fn detection_with_twins_on_opposite_sides_is_calibrated() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut aucs, mut variances, mut plain, mut rejected) = (vec![], vec![], vec![], 0);
    let studies = 2000;
    for _ in 0..studies {
        let s = study(&mut random, 0.7, 0.0);
        let estimate = clustered(&s.rating, &s.modified, &s.source, Interval::default()).unwrap();
        aucs.push(estimate.auc);
        variances.push(estimate.se.powi(2));
        plain.push(delong(&s.rating, &s.modified, Interval::default()).unwrap().se.powi(2));
        rejected += u32::from(compare_with_constant(&estimate, 0.5).unwrap().p < 0.05);
    }
    let ratio = mean(&variances) / variance(&aucs);
    assert!((0.9..1.15).contains(&ratio), "mean estimated / true variance: {ratio}");
    // Twins that are alike make the true variance smaller than DeLong believes.
    assert!(mean(&plain) / variance(&aucs) > 1.4);
    let rate = f64::from(rejected) / f64::from(studies);
    assert!((0.03..0.08).contains(&rate), "rejected a true null in {rate}");
}

#[test]
fn the_partly_paired_difference_is_calibrated() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let (mut differences, mut variances, mut rejected) = (vec![], vec![], 0);
    let studies = 2000;
    for _ in 0..studies {
        let s = study(&mut random, 0.7, 1.0);
        let test = compare_clustered(&s.arm(false), &s.arm(true), Interval::default()).unwrap();
        differences.push(test.difference);
        variances.push(test.se.powi(2));
        rejected += u32::from(test.p < 0.05);
    }
    let ratio = mean(&variances) / variance(&differences);
    assert!((0.9..1.15).contains(&ratio), "mean estimated / true variance: {ratio}");
    let rate = f64::from(rejected) / f64::from(studies);
    assert!((0.03..0.08).contains(&rate), "rejected a true null in {rate}");
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}
