//! Every answer of `tests/expected` whose data may be shipped; see `tests/data/README.md` for sources.

use mammo_readout::{
    BinormalFit, Interval, IntervalMethod, KappaWeights, ProperFit, binormal, cohen_kappa_table,
    compare_paired, delong, delong_curves, fleiss_kappa, hanley_mcneil, hanley_mcneil_published,
    intraclass_correlations, proper_binormal,
};
use serde_json::Value;

fn expected(name: &str) -> Value {
    let path = format!("{}/tests/expected/expected_{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

#[track_caller]
fn near(found: f64, expected: &Value, tolerance: f64) {
    let expected = number(expected);
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

#[test]
fn delong_1988() {
    let answers = expected("delong1988");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/delong1988_ovarian43.csv");
    let (mut alb, mut tp, mut kg, mut truth) = (vec![], vec![], vec![], vec![]);
    for row in csv::Reader::from_path(path).unwrap().deserialize::<[f64; 4]>() {
        let [a, t, k, p] = row.unwrap();
        alb.push(a);
        tp.push(t);
        kg.push(k);
        truth.push(p == 1.0);
    }
    let aucs = delong_curves(&[&alb, &kg, &tp], &truth, Interval::default()).unwrap();
    for i in 0..3 {
        near(aucs.estimates[i].auc, &answers["auc"][i], 1e-12);
        near(aucs.estimates[i].se, &answers["se"][i], 1e-12);
        for j in 0..3 {
            near(aucs.covariance[i][j], &answers["cov"][i][j], 1e-14);
        }
    }
    let test = aucs.against(1, 0.95).unwrap();
    near(test.chi_square, &answers["chi2_vs_kg"], 1e-10);
    near(test.p, &answers["p"], 1e-10);
    assert_eq!(test.df as u64, answers["df"].as_u64().unwrap());
    // Which curve is the reference does not matter, nor do rows that follow from others.
    assert!((aucs.all_equal(0.95).unwrap().chi_square - test.chi_square).abs() < 1e-10);
    let all_pairs = [vec![1.0, -1.0, 0.0], vec![0.0, -1.0, 1.0], vec![1.0, 0.0, -1.0]];
    let redundant = aucs.contrast(&all_pairs, 0.95).unwrap();
    assert!(redundant.df == 2 && (redundant.chi_square - test.chi_square).abs() < 1e-9);
    for (row, name) in test.rows.iter().zip(["alb_minus_kg", "tp_minus_kg"]) {
        near(row.value, &answers[name]["est"], 1e-12);
        near(row.se, &answers[name]["se"], 1e-12);
        near(row.z * row.z, &answers[name]["chi2"], 1e-10);
        near(row.p, &answers[name]["p"], 1e-10);
    }
}

#[test]
fn hanley_and_mcneil_1982() {
    let answers = expected("hanley_mcneil1982");
    let (mut ratings, mut truth) = (vec![], vec![]);
    for (counts, positive) in [("normal_counts", false), ("abnormal_counts", true)] {
        for (rating, count) in numbers(&answers["ratings"]).into_iter().zip(numbers(&answers[counts])) {
            ratings.extend(vec![rating; count as usize]);
            truth.extend(vec![positive; count as usize]);
        }
    }
    let answers = &answers["recomputed"];
    let counted = hanley_mcneil(&ratings, &truth, Interval::default()).unwrap();
    near(counted.auc, &answers["auc"], 1e-14);
    near(counted.se, &answers["se_Q_from_data"], 1e-12);
    let published = hanley_mcneil_published(counted.auc, 51, 58, Interval::default()).unwrap();
    near(published.se, &answers["se_exponential_approx"], 1e-12);
    let plain = delong(&ratings, &truth, Interval::normal()).unwrap();
    near(plain.se, &answers["se_delong"], 1e-12);
    near(plain.ci_low, &answers["ci95_delong"][0], 1e-10);
    // The file gives .9533897953979472, which its own area and error contradict: with them the limits must add up to
    // twice the area, and Stata prints .95339 for both. What they imply:
    let implied = 2.0 * number(&answers["auc"]) - number(&answers["ci95_delong"][0]);
    assert!((plain.ci_high - implied).abs() < 1e-10);
    assert!((plain.ci_high - 0.95338980).abs() < 1e-8);

    // An independent program that decides by the likelihood ratio itself and climbs by the simplex method: SciPy's
    // Nelder-Mead over the roots of the quadratic log-likelihood ratio.
    let ProperFit::Fitted(proper) = proper_binormal(&ratings, &truth, Interval::default()).unwrap() else {
        panic!("the proper fit is not degenerate");
    };
    assert!((proper.log_likelihood + 123.648_552_863_5).abs() < 1e-8, "{}", proper.log_likelihood);
    assert!((proper.d_a - 1.907_769_8).abs() < 1e-4 && (proper.c + 0.167_542_1).abs() < 1e-4, "{proper:?}");
    assert!((proper.estimate.auc - 0.911_332).abs() < 1e-5, "{}", proper.estimate.auc);

    let BinormalFit::Fitted(fit) = binormal(&ratings, &truth, Interval::default()).unwrap() else {
        panic!("the fit is not degenerate");
    };
    let answers = &answers["binormal_mle"];
    near(fit.log_likelihood, &answers["loglik"], 1e-9);
    // Their optimiser stops where the likelihood is flat to its tolerance; ours may only be as high or higher.
    assert!(fit.log_likelihood >= number(&answers["loglik"]) - 1e-12);
    near(fit.a, &answers["a"], 1e-6);
    // Standard errors that Stata's rocfit prints for this table.
    let [aa, _, bb] = fit.covariance;
    for (found, printed) in [(aa.sqrt(), 0.310456), (bb.sqrt(), 0.215882), (fit.estimate.se, 0.029506)] {
        assert!((found - printed).abs() < 1e-6, "{found} {printed}");
    }
    near(fit.b, &answers["b"], 1e-6);
    near(fit.estimate.auc, &answers["auc"], 1e-7);
    for (found, at) in fit.cutoffs.iter().zip(0..) {
        near(*found, &answers["cutoffs"][at as usize], 1e-6);
    }
}

#[test]
fn small_vectors() {
    let answers = expected("small_vectors");
    let ratings: Vec<f64> = (0..100).map(f64::from).collect();
    let odd: Vec<bool> = (0..100).map(|i| i % 2 == 1).collect();
    let estimate = delong(&ratings, &odd, Interval::normal()).unwrap();
    near(estimate.auc, &answers["interleaved"]["auc"], 1e-14);
    near(estimate.ci_low, &answers["interleaved"]["ci"][0], 5e-8);
    near(estimate.ci_high, &answers["interleaved"]["ci"][1], 5e-8);
    let answers = &answers["mod4_vs_mod8"];
    let truth: Vec<bool> = (1..=50).map(|i| i > 20).collect();
    let of = |k: u32| (1..=50).map(|i| f64::from(i % k)).collect::<Vec<_>>();
    let test = compare_paired(&of(8), &of(4), &truth, Interval::default()).unwrap();
    near(test.reference, &answers["auc_a"], 1e-12);
    near(test.auc, &answers["auc_b"], 1e-10);
    near(test.z, &answers["z_b_minus_a"], 5e-9);
    near(test.p, &answers["p"], 5e-8);
    // Perfect: DeLong's variance is zero, the interval is not. Identical: no difference.
    let order: Vec<bool> = (0..100).map(|i| i >= 50).collect();
    let perfect = delong(&ratings, &order, Interval::default()).unwrap();
    assert_eq!((perfect.se, perfect.interval), (0.0, IntervalMethod::DisjointPairs));
    assert!(perfect.ci_low < 0.95 && perfect.ci_high == 1.0);
    let same = compare_paired(&ratings, &ratings, &odd, Interval::default()).unwrap();
    assert_eq!((same.z, same.p), (0.0, 1.0));
}

#[test]
fn agreement() {
    let answers = expected("agreement");
    let icc = &answers["icc"];
    let ratings: Vec<Vec<f64>> = icc["ratings"].as_array().unwrap().iter().map(numbers).collect();
    let found = intraclass_correlations(&ratings, 0.95).unwrap();
    for (form, name) in [
        (found.one_way_single, "ICC11"),
        (found.random_single, "ICC21"),
        (found.fixed_single, "ICC31"),
        (found.one_way_mean, "ICC1k"),
        (found.random_mean, "ICC2k"),
        (found.fixed_mean, "ICC3k"),
    ] {
        near(form.value, &icc[name], 1e-12);
        assert!(form.ci_low < form.value && form.value < form.ci_high && form.ci_high <= 1.0, "{form:?}");
    }
    // Limits that R's psych::ICC gives for this table, to its digits.
    for (form, low, high) in [
        (found.one_way_single, -0.133, 0.72),
        (found.random_single, 0.019, 0.76),
        (found.fixed_single, 0.342, 0.95),
        (found.one_way_mean, -0.884, 0.91),
        (found.random_mean, 0.071, 0.93),
        (found.fixed_mean, 0.676, 0.99),
    ] {
        assert!((form.ci_low - low).abs() < 5.1e-4 && (form.ci_high - high).abs() < 5.1e-3, "{form:?}");
    }
    let table = |value: &Value| -> Vec<Vec<u64>> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row.as_array().unwrap().iter().map(|c| c.as_u64().unwrap()).collect())
            .collect()
    };
    let fleiss = fleiss_kappa(&table(&answers["fleiss"]["counts"])).unwrap();
    near(fleiss.kappa, &answers["fleiss"]["kappa"], 1e-12);
    let cohen = cohen_kappa_table(&table(&answers["cohen"]["table"]), KappaWeights::None).unwrap();
    near(cohen.kappa, &answers["cohen"]["kappa"], 1e-12);
    near(cohen.se.unwrap(), &answers["cohen"]["se"], 1e-12);
    near(cohen.se_null, &answers["cohen"]["se0"], 1e-12);
}
