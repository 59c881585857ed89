//! Variances and tests against their definitions, counted the slow way, and bad input.

use mammo_readout::{
    Band, BinormalFit, Bootstrap, BootstrapLimits, Interval, Permutations, ReadoutError, RocCurve, auc,
    binormal, bootstrap, compare_paired, compare_unpaired, compare_unpaired_t, delong, delong_curves,
    hanley_mcneil, jackknife, obuchowski, obuchowski_published, permutation_against_chance,
    permutation_paired, unbiased,
};
use proptest::prelude::*;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-10
}

/// Two curves on the same images, ordinal, with at least two (or three) images of each class.
fn two_curves(least: usize) -> impl Strategy<Value = (Vec<f64>, Vec<f64>, Vec<bool>)> {
    proptest::collection::vec((0u8..6, 0u8..6, any::<bool>()), 2 * least..24)
        .prop_filter("enough of each class", move |rows| {
            let positives = rows.iter().filter(|r| r.2).count();
            positives >= least && rows.len() - positives >= least
        })
        .prop_map(|rows| {
            let a = rows.iter().map(|r| f64::from(r.0)).collect();
            let b = rows.iter().map(|r| f64::from(r.1)).collect();
            (a, b, rows.iter().map(|r| r.2).collect())
        })
}

fn score(positive: f64, negative: f64) -> f64 {
    if positive > negative {
        1.0
    } else if positive == negative {
        0.5
    } else {
        0.0
    }
}

proptest! {
    #[test]
    fn the_jackknife_leaves_out_one_image_at_a_time((a, _, truth) in two_curves(2)) {
        let without: Vec<f64> = (0..a.len())
            .map(|i| {
                let keep = |j: &usize| *j != i;
                let r: Vec<f64> = (0..a.len()).filter(keep).map(|j| a[j]).collect();
                let t: Vec<bool> = (0..a.len()).filter(keep).map(|j| truth[j]).collect();
                auc(&r, &t).unwrap()
            })
            .collect();
        let n = without.len() as f64;
        let mean = without.iter().sum::<f64>() / n;
        let variance = (n - 1.0) / n * without.iter().map(|w| (w - mean).powi(2)).sum::<f64>();
        prop_assert!(close(jackknife(&a, &truth, Interval::default()).unwrap().se, variance.sqrt()));
    }

    #[test]
    fn the_unbiased_variance_is_the_mean_square_less_the_products_that_share_nothing(
        (a, _, truth) in two_curves(2)
    ) {
        let pick = |class: bool| (0..a.len()).filter(|&i| truth[i] == class).map(|i| a[i]).collect::<Vec<_>>();
        let (x, y) = (pick(true), pick(false));
        let (mut apart, mut count) = (0.0, 0.0);
        for i in 0..x.len() { for k in 0..x.len() { for j in 0..y.len() { for l in 0..y.len() {
            if i != k && j != l {
                apart += score(x[i], y[j]) * score(x[k], y[l]);
                count += 1.0;
            }
        }}}}
        let variance = auc(&a, &truth).unwrap().powi(2) - apart / count;
        match unbiased(&a, &truth, Interval::default()) {
            Ok(estimate) => prop_assert!((estimate.se.powi(2) - variance).abs() < 1e-12),
            Err(ReadoutError::NegativeVariance { value, .. }) => prop_assert!((value - variance).abs() < 1e-12),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn hanley_and_mcneil_count_triples((a, _, truth) in two_curves(2)) {
        let pick = |class: bool| (0..a.len()).filter(|&i| truth[i] == class).map(|i| a[i]).collect::<Vec<_>>();
        let (x, y) = (pick(true), pick(false));
        // The chance that one image is beaten by both of two, drawn with replacement, in random order where level.
        let beaten = |one: f64, p: f64, q: f64, sign: f64| {
            let (p, q) = (sign * (p - one), sign * (q - one));
            if p < 0.0 || q < 0.0 { 0.0 } else if p == 0.0 && q == 0.0 { 1.0 / 3.0 }
            else if p == 0.0 || q == 0.0 { 0.5 } else { 1.0 }
        };
        let mean = |ones: &[f64], others: &[f64], sign: f64| {
            let sum: f64 = ones.iter().flat_map(|&o| others.iter().flat_map(move |&p| others.iter().map(move |&q|
                beaten(o, p, q, sign)))).sum();
            sum / (ones.len() * others.len() * others.len()) as f64
        };
        let (m, n, area) = (x.len() as f64, y.len() as f64, auc(&a, &truth).unwrap());
        let (q1, q2) = (mean(&y, &x, 1.0), mean(&x, &y, -1.0));
        let variance = (area * (1.0 - area) + (m - 1.0) * (q1 - area * area) + (n - 1.0) * (q2 - area * area)) / (m * n);
        let found = hanley_mcneil(&a, &truth, Interval::default()).unwrap().se;
        prop_assert!((found.powi(2) - variance.max(0.0)).abs() < 1e-12);
    }

    #[test]
    fn a_contrast_of_two_curves_is_the_paired_test((a, b, truth) in two_curves(3)) {
        let paired = compare_paired(&a, &b, &truth, Interval::default()).unwrap();
        let curves = delong_curves(&[&a, &b], &truth, Interval::default()).unwrap();
        let usual = curves.estimates.iter().all(|e| e.se > 1e-6) && paired.se > 1e-6;
        if let (true, Ok(test)) = (usual, curves.contrast(&[vec![1.0, -1.0]], 0.95)) {
            prop_assert!(close(test.p, paired.p) && close(test.rows[0].se, paired.se));
            prop_assert!((test.chi_square - paired.z.powi(2)).abs() < 1e-8);
        }
    }

    #[test]
    fn rising_transformations_change_nothing((a, b, truth) in two_curves(2)) {
        let stretched: Vec<f64> = b.iter().map(|r| r.exp() * 1e6 - 7.0).collect();
        let plain = compare_paired(&a, &b, &truth, Interval::default()).unwrap();
        prop_assert_eq!(&plain, &compare_paired(&a, &stretched, &truth, Interval::default()).unwrap());
        let draws = Permutations { count: 99, seed: 5 };
        prop_assert_eq!(
            permutation_paired(&a, &b, &truth, draws).unwrap(),
            permutation_paired(&a, &stretched, &truth, draws).unwrap()
        );
    }

    #[test]
    fn nothing_panics_and_every_number_is_finite((a, b, truth) in two_curves(1)) {
        let i = Interval::default();
        let draws = Bootstrap { replicates: 50, seed: 1 };
        let estimates = [
            delong(&a, &truth, i), hanley_mcneil(&a, &truth, i), jackknife(&a, &truth, i),
            unbiased(&a, &truth, i), obuchowski(&a, &truth, i),
            bootstrap(&a, &truth, draws, BootstrapLimits::Bca, 0.95),
        ];
        for e in estimates.into_iter().flatten() {
            prop_assert!(e.se.is_finite() && e.ci_low <= e.auc && e.auc <= e.ci_high || e.interval ==
                mammo_readout::IntervalMethod::BootstrapBca || e.interval ==
                mammo_readout::IntervalMethod::BootstrapPercentile, "{:?}", e);
            prop_assert!(0.0 <= e.ci_low && e.ci_low < e.ci_high && e.ci_high <= 1.0, "{:?}", e);
        }
        let tests = [
            compare_paired(&a, &b, &truth, i), compare_unpaired((&a, &truth), (&b, &truth), i),
            compare_unpaired_t((&a, &truth), (&b, &truth), i),
        ];
        for t in tests.into_iter().flatten() {
            prop_assert!(t.z.is_finite() && (0.0..=1.0).contains(&t.p) && t.ci_low <= t.ci_high, "{:?}", t);
        }
        if let Ok(BinormalFit::Fitted(fit)) = binormal(&a, &truth, i) {
            prop_assert!(fit.b > 0.0 && fit.estimate.se.is_finite() && fit.log_likelihood < 0.0);
        }
        let curve = RocCurve::new(&a, &truth).unwrap();
        prop_assert!(curve.partial_auc(Band::Specificity(0.3, 0.7)).unwrap().area <= 0.4 + 1e-12);
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let curve = |step: u64| (0..5000u64).map(|i| ((i * step) % 4999) as f64).collect::<Vec<_>>();
    let (a, b, c) = (curve(37), curve(101), curve(977));
    let truth: Vec<bool> = (0..5000).map(|i| i % 3 == 0).collect();
    let run = || {
        let aucs = delong_curves(&[&a, &b, &c], &truth, Interval::default()).unwrap();
        let draws = Permutations { count: 50, seed: 9 };
        (aucs.all_equal(0.95).unwrap(), aucs, permutation_against_chance(&a, &truth, draws).unwrap())
    };
    let with = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run);
    assert_eq!(with(1), with(4));
}

#[test]
fn bad_input_is_an_error_that_names_it() {
    let truth = [false, false, true, true];
    let good = [1.0, 2.0, 3.0, 2.0];
    let i = Interval::default();
    assert!(matches!(
        jackknife(&[1.0, f64::NAN, 2.0, 3.0], &truth, i),
        Err(ReadoutError::NotFinite { index: 1, .. })
    ));
    assert_eq!(unbiased(&good, &[true; 4], i), Err(ReadoutError::NoNegatives));
    assert_eq!(binormal(&good, &[false; 4], i), Err(ReadoutError::NoPositives));
    assert!(matches!(compare_paired(&good, &good[..3], &truth, i), Err(ReadoutError::LengthMismatch { .. })));
    assert!(matches!(delong_curves(&[], &truth, i), Err(ReadoutError::TooFewOf { .. })));
    assert!(matches!(
        delong_curves(&[&good, &good], &truth, i).unwrap().contrast(&[vec![1.0]], 0.95),
        Err(ReadoutError::LengthMismatch { .. })
    ));
    assert!(matches!(obuchowski_published(1.5, 10, 10, i), Err(ReadoutError::OutOfRange { .. })));
    let none = Bootstrap { replicates: 1, seed: 0 };
    assert!(matches!(
        bootstrap(&good, &truth, none, BootstrapLimits::Bca, 0.95),
        Err(ReadoutError::TooFewOf { .. })
    ));
    assert!(matches!(
        permutation_paired(&good, &good, &truth, Permutations { count: 0, seed: 0 }),
        Err(ReadoutError::TooFewOf { .. })
    ));
    // One AUC at 1, the other at 0: the difference is 1 with no estimated variance, and no chi-square.
    let (up, down) = ([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]);
    let curves = delong_curves(&[&up, &down], &truth, i).unwrap();
    assert!(matches!(curves.all_equal(0.95), Err(ReadoutError::Undefined { .. })));
    let paired = compare_paired(&up, &down, &truth, i).unwrap();
    assert!(paired.difference == 1.0 && paired.se > 0.0 && paired.p > 0.0);
}

/// The binormal standard error by the constants that the paper prints.
#[test]
fn the_binormal_variance_is_the_published_formula_to_its_digits() {
    let a = 2.0f64.sqrt() * 0.8416212335729143;
    let printed = 0.0099 * (-a * a / 2.0).exp() * ((5.0 * a * a + 8.0) + 0.5 * (a * a + 8.0)) / 40.0;
    let found = obuchowski_published(0.8, 40, 80, Interval::default()).unwrap().se.powi(2);
    assert!((found / printed - 1.0).abs() < 0.006, "{found} {printed}");
}
