//! Agreement with published numbers. Data and expected values carry their sources.

use mammo_readout::{Interval, auc, compare_paired, delong, hanley_mcneil, hanley_mcneil_published};

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance
}

/// Columns alb, tp, kg and the truth of the 1988 paper's ovarian cancer data; see `data/README.md`.
fn ovarian() -> ([Vec<f64>; 3], Vec<bool>) {
    let mut columns = [Vec::new(), Vec::new(), Vec::new()];
    let mut truth = Vec::new();
    let mut reader =
        csv::Reader::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/delong1988_ovarian43.csv"))
            .unwrap();
    for row in reader.deserialize::<(f64, f64, f64, f64)>() {
        let (alb, tp, kg, popind) = row.unwrap();
        for (column, value) in columns.iter_mut().zip([alb, tp, kg]) {
            column.push(value);
        }
        truth.push(popind == 1.0);
    }
    (columns, truth)
}

/// AUCs and standard errors to the four digits that SAS prints for this data, and the two contrasts against K-G,
/// recomputed to full precision by an independent implementation.
#[test]
fn delong_1988_ovarian_data() {
    let ([alb, tp, kg], truth) = ovarian();
    for (ratings, area, se) in [
        (&alb, 0.7365591397849462, 0.09269434605240269),
        (&kg, 0.7258064516129032, 0.10282160898004764),
        (&tp, 0.6478494623655915, 0.10004737558374194),
    ] {
        let estimate = delong(ratings, &truth, Interval::default()).unwrap();
        assert!(close(estimate.auc, area, 1e-14) && close(estimate.se, se, 1e-12), "{estimate:?}");
    }
    let test = compare_paired(&alb, &kg, &truth, Interval::default()).unwrap();
    assert!(close(test.se, 0.09534361773009382, 1e-12) && close(test.p, 0.9102063472010351, 1e-9));
    let test = compare_paired(&tp, &kg, &truth, Interval::default()).unwrap();
    assert!(close(test.difference, -0.07795698924731176, 1e-14) && close(test.p, 0.4561397075074737, 1e-9));
}

/// 109 CT images rated 1 to 5 (Hanley and McNeil, Radiology 1982;143:29, Tables I and II): area .893, SE .032.
#[test]
fn hanley_mcneil_1982_ct_ratings() {
    let (mut ratings, mut positive) = (Vec::new(), Vec::new());
    for (counts, truth) in [([33, 6, 6, 11, 2], false), ([3, 2, 2, 11, 33], true)] {
        for (rating, count) in (1u8..).zip(counts) {
            ratings.extend(vec![f64::from(rating); count]);
            positive.extend(vec![truth; count]);
        }
    }
    let counted = hanley_mcneil(&ratings, &positive, Interval::default()).unwrap();
    assert!(close(counted.auc, 0.893, 5e-4) && close(counted.se, 0.032, 5e-4));
    assert!(close(counted.se, 0.031990408194309254, 1e-12));
    let published = hanley_mcneil_published(counted.auc, 51, 58, Interval::default()).unwrap();
    assert!(close(published.se, 0.03248657960734211, 1e-12));
    let delong = delong(&ratings, &positive, Interval::normal()).unwrap();
    assert!(close(delong.se, 0.03072440837938112, 1e-12));
    assert!(close(delong.ci_low, 0.832952327658172, 1e-8) && close(delong.ci_high, 0.953389795397947, 1e-8));
}

/// Two closed-form vectors of the test of Google-Health/google-health `analysis/roc_test.py` (Apache-2.0).
#[test]
fn closed_form_vectors() {
    let ratings: Vec<f64> = (0..100).map(f64::from).collect();
    let positive: Vec<bool> = (0..100).map(|i| i % 2 == 1).collect();
    let estimate = delong(&ratings, &positive, Interval::normal()).unwrap();
    assert!(close(estimate.auc, 0.51, 1e-14));
    assert!(close(estimate.ci_low, 0.3957154, 1e-7) && close(estimate.ci_high, 0.6242846, 1e-7));

    let truth: Vec<bool> = (1..=50).map(|i| i > 20).collect();
    let mod4: Vec<f64> = (1..=50).map(|i| f64::from(i % 4)).collect();
    let mod8: Vec<f64> = (1..=50).map(|i| f64::from(i % 8)).collect();
    assert!(close(auc(&mod4, &truth).unwrap(), 0.5, 1e-14));
    let test = compare_paired(&mod8, &mod4, &truth, Interval::default()).unwrap();
    assert!(close(test.z, 0.27058646, 1e-8) && close(test.p, 0.7867091, 1e-7));
}
