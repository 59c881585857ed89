//! Answers for data that come with GPL packages, which are not part of the repository; see `tests/data/README.md`.

use mammo_readout::power::PairedRoc;
use mammo_readout::{
    Band, BinormalCurve, BinormalFit, Degeneracy, Interval, KappaWeights, RocCurve, binormal,
    binormal_covariance, binormal_variance_published, cohen_kappa, compare_paired, compare_unpaired_t,
    delong, delong_curves, hanley_mcneil_published, non_inferiority,
};
use serde_json::Value;
use std::collections::BTreeMap;

mod shared;

#[track_caller]
fn near(found: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap_or_else(|| panic!("not a number: {expected}"));
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

type Row = BTreeMap<String, String>;

/// The rows of a table and a file of answers, where they are.
fn vectors(table: &str, answers: &str) -> Option<(Vec<Row>, Value)> {
    let rows = shared::vector(table)?;
    let rows = csv::Reader::from_reader(rows.as_bytes()).deserialize().map(Result::unwrap).collect();
    Some((rows, serde_json::from_str(&shared::vector(answers)?).unwrap()))
}

/// The answers fit a line to the curves on normal deviates, specificities by sensitivities, and take its intercept and
/// slope for `a` and `b`. That line describes the curve with the classes exchanged, while correlations and counts stay
/// where they were; so the printed values, covariances and a power, are those of the formulas at mixed parameters, which
/// checks the formulas. With the classes straight they give others.
fn binormal_covariances(columns: &BTreeMap<&str, Vec<f64>>, truth: &[bool], answers: &Value) {
    let curve = |name: &str| {
        let points: Vec<(f64, f64)> = RocCurve::new(&columns[name], truth)
            .unwrap()
            .points
            .iter()
            .map(|p| (p.true_positive_rate, 1.0 - p.false_positive_rate))
            .filter(|(se, sp)| *se > 0.0 && *se < 1.0 && *sp > 0.0 && *sp < 1.0)
            .map(|(se, sp)| (deviate(se), deviate(sp)))
            .collect();
        let (x, y) = points.into_iter().unzip::<f64, f64, Vec<_>, Vec<_>>();
        let slope = centred(&x, &y) / centred(&x, &x);
        let a = mean(&y) - slope * mean(&x);
        BinormalCurve { a, b: -slope }
    };
    let correlation = |one: &str, two: &str, positive: bool| {
        let of = |name: &str| -> Vec<f64> {
            columns[name].iter().zip(truth).filter(|(_, t)| **t == positive).map(|(v, _)| *v).collect()
        };
        let (x, y) = (of(one), of(two));
        centred(&x, &y) / (centred(&x, &x) * centred(&y, &y)).sqrt()
    };
    for pair in ["wfns,ndka", "ndka,s100b", "s100b,wfns"] {
        let (one, two) = pair.split_once(',').unwrap();
        let (positive, negative) = (correlation(one, two, true), correlation(one, two, false));
        let curves = [curve(one), curve(two)];
        let mixed = binormal_covariance(curves, positive, negative, 41, 72).unwrap();
        // Seven significant digits are printed.
        let expected = answers["obuchowski_binormal_cov"][pair].as_f64().unwrap();
        assert!((mixed / expected - 1.0).abs() < 5e-7, "{pair}: {mixed} is not {expected}");
        let straight = binormal_covariance(curves, negative, positive, 72, 41).unwrap();
        assert!((straight / expected - 1.0).abs() > 1e-3, "{pair}");
        if pair == "wfns,ndka" {
            let variance = |name| binormal_variance_published(curve(name), 41, 72).unwrap();
            let auc = |name: &str| delong(&columns[name], truth, Interval::default()).unwrap().auc;
            let planned = PairedRoc {
                difference: auc("ndka") - auc("wfns"),
                var_a: variance("ndka"),
                var_b: variance("wfns"),
                covariance: mixed,
                pilot_positives: 41.0,
                alpha: 0.05,
                two_sided: true,
            };
            let expected = &answers["power_two_curves_delong"]["ndka vs wfns obuchowski"]["power"];
            near(planned.power(41.0).unwrap(), expected, 5e-8);
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn centred(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(u, v)| (u - mean(x)) * (v - mean(y))).sum()
}

fn deviate(p: f64) -> f64 {
    use statrs::distribution::ContinuousCDF;
    statrs::distribution::Normal::standard().inverse_cdf(p)
}

#[test]
fn subarachnoid_haemorrhage() {
    let Some((rows, answers)) = vectors("aSAH.csv", "expected_asah.json") else { return };
    let truth: Vec<bool> = rows.iter().map(|r| r["outcome"] == "Poor").collect();
    let column = |name: &str| -> Vec<f64> { rows.iter().map(|r| r[name].parse().unwrap()).collect() };
    let names = ["wfns", "ndka", "s100b"];
    let columns: BTreeMap<&str, Vec<f64>> = names.iter().map(|&n| (n, column(n))).collect();

    for name in names {
        let normal = delong(&columns[name], &truth, Interval::normal()).unwrap();
        near(normal.auc, &answers["auc"][name], 1e-14);
        near(normal.se.powi(2), &answers["delong_var"][name], 1e-15);
        let limits = &answers["ci95_delong"];
        let recomputed = limits.get(format!("{name}_recomputed"));
        if let Some(ci) = recomputed {
            near(normal.ci_low, &ci[0], 1e-10);
            near(normal.ci_high, &ci[2], 1e-10);
        } else {
            near(normal.ci_low, &limits[name][0], 1e-10);
            near(normal.ci_high, &limits[name][2], 1e-10);
        }
        let logit = delong(&columns[name], &truth, Interval::default()).unwrap();
        near(logit.ci_low, &answers["ci95_logit_recomputed"][name][0], 1e-10);
        near(logit.ci_high, &answers["ci95_logit_recomputed"][name][1], 1e-10);
        let published = hanley_mcneil_published(normal.auc, 41, 72, Interval::default()).unwrap();
        near(published.se, &answers["hanley_mcneil_se_recomputed"][name], 1e-12);
    }
    binormal_covariances(&columns, &truth, &answers);
    let female: Vec<usize> = (0..rows.len()).filter(|&i| rows[i]["gender"] == "Female").collect();
    let pick = |values: &[f64]| female.iter().map(|&i| values[i]).collect::<Vec<_>>();
    let female_truth: Vec<bool> = female.iter().map(|&i| truth[i]).collect();
    let found = delong(&pick(&columns["ndka"]), &female_truth, Interval::normal()).unwrap();
    for (limit, i) in [(found.ci_low, 0), (found.auc, 1), (found.ci_high, 2)] {
        near(limit, &answers["ci95_delong"]["ndka_female"][i], 1e-10);
    }

    let curves: Vec<&[f64]> = names.iter().map(|n| &columns[n][..]).collect();
    let aucs = delong_curves(&curves, &truth, Interval::default()).unwrap();
    for (pair, i, j) in [("wfns,ndka", 0, 1), ("ndka,s100b", 1, 2), ("s100b,wfns", 2, 0)] {
        near(aucs.covariance[i][j], &answers["delong_cov"][pair], 1e-15);
    }
    for (pair, answer) in answers["delong_paired"].as_object().unwrap() {
        let (a, b) = pair.split_once('-').unwrap();
        let test = compare_paired(&columns[a], &columns[b], &truth, Interval::default()).unwrap();
        near(test.z, &answer["Z"], 1e-10);
        near(test.p, &answer["p"], 1e-10);
        if let Some(ci) = answer.get("ci") {
            near(test.ci_low, &ci[0], 1e-10);
            near(test.ci_high, &ci[1], 1e-10);
        }
        if let Some(p) = answer.get("p_greater") {
            // A margin of almost nothing is the one-sided test.
            near(non_inferiority(&test, 1e-15, 0.05).unwrap().p, p, 1e-10);
            near(1.0 - non_inferiority(&test, 1e-15, 0.05).unwrap().p, &answer["p_less"], 1e-10);
        }
    }
    for (pair, answer) in answers["delong_unpaired"].as_object().unwrap() {
        let Some((a, b)) = pair.split_once('-') else { continue };
        let test =
            compare_unpaired_t((&columns[a], &truth), (&columns[b], &truth), Interval::default()).unwrap();
        near(test.z, &answer["D"], 1e-10);
        near(test.p, &answer["p"], 1e-10);
        if let Some(p) = answer.get("p_greater") {
            near(non_inferiority(&test, 1e-15, 0.05).unwrap().p, p, 1e-10);
        }
    }
    for answer in answers["partial_auc"].as_array().unwrap() {
        let name = answer["predictor"].as_str().unwrap();
        let (low, high) = (answer["band"][0].as_f64().unwrap(), answer["band"][1].as_f64().unwrap());
        let band = match answer["focus"].as_str().unwrap() {
            "specificity" => Band::Specificity(low, high),
            _ => Band::Sensitivity(low, high),
        };
        let found = RocCurve::new(&columns[name], &truth).unwrap().partial_auc(band).unwrap();
        near(found.area, &answer["pauc"], 1e-12);
        let corrected = &answer["pauc_mcclish_corrected"];
        match found.corrected {
            Some(value) => near(value, corrected, 1e-12),
            None => assert!(corrected.is_null(), "{answer}"),
        }
    }
}

#[test]
fn kappa_of_two_van_dyke_readers() {
    let Some((rows, answers)) = vectors("vandyke.csv", "expected_agreement.json") else { return };
    let answers = &answers["vandyke_reader1_vs_2_trt1"];
    let ((one, _), (two, _)) = (van_dyke(&rows, "1", "1"), van_dyke(&rows, "1", "2"));
    for (i, (weights, name)) in [
        (KappaWeights::None, "unweighted"),
        (KappaWeights::Linear, "linear"),
        (KappaWeights::Quadratic, "quadratic"),
    ]
    .into_iter()
    .enumerate()
    {
        let found = cohen_kappa(&one, &two, weights).unwrap();
        near(found.kappa, &answers[name], 1e-12);
        near(found.se.unwrap(), &answers["se"][i], 1e-12);
    }
}

/// Ratings and truths of one reader, cases in order.
fn van_dyke(rows: &[Row], treatment: &str, reader: &str) -> (Vec<f64>, Vec<bool>) {
    let mut own: Vec<(u32, f64, bool)> = rows
        .iter()
        .filter(|r| r["reader"] == reader && r["treatment"] == treatment)
        .map(|r| (r["case"].parse().unwrap(), r["rating"].parse().unwrap(), r["truth"] == "1"))
        .collect();
    own.sort_by_key(|r| r.0);
    own.into_iter().map(|r| (r.1, r.2)).unzip()
}

/// Maximum likelihood fits of MRMCaov to the digits printed, and of RJafroc for one reader; reader 4 in treatment 2
/// has a single operating point off the axes, for which the packages return infinities.
#[test]
fn binormal_fits_of_van_dyke_readers() {
    let Some((rows, _)) = vectors("vandyke.csv", "expected_vandyke.json") else { return };
    let printed = [
        [
            (0.933, 1.7, 0.537),
            (0.89, 1.4, 0.561),
            (0.929, 1.74, 0.635),
            (0.97, 1.93, 0.202),
            (0.833, 1.06, 0.464),
        ],
        [
            (0.951, 1.85, 0.503),
            (0.935, 1.66, 0.447),
            (0.928, 1.62, 0.488),
            (1.0, 0.0, 0.0),
            (0.945, 1.73, 0.422),
        ],
    ];
    for (treatment, readers) in ["1", "2"].into_iter().zip(printed) {
        for (reader, (auc, a, b)) in ["1", "2", "3", "4", "5"].into_iter().zip(readers) {
            let (ratings, truth) = van_dyke(&rows, treatment, reader);
            let fit = binormal(&ratings, &truth, Interval::default()).unwrap();
            match fit {
                BinormalFit::Fitted(fit) => {
                    let near = |x: f64, y: f64, digit: f64| (x - y).abs() <= 0.51 * digit;
                    assert!(
                        near(fit.estimate.auc, auc, 1e-3) && near(fit.a, a, 1e-2) && near(fit.b, b, 1e-3),
                        "{treatment} {reader} {fit:?}"
                    );
                }
                BinormalFit::Degenerate(why) => {
                    assert_eq!((treatment, reader, why), ("2", "4", Degeneracy::NoMaximum));
                }
            }
        }
    }
    let (ratings, truth) = van_dyke(&rows, "1", "1");
    let BinormalFit::Fitted(fit) = binormal(&ratings, &truth, Interval::default()).unwrap() else {
        panic!("the fit is not degenerate");
    };
    let (score, answer) = (fit.log_likelihood, -116.8962205);
    assert!(score >= answer - 1e-7 && score < answer + 1e-5, "{score}");
    for (found, answer) in [(fit.a, 1.70215088), (fit.b, 0.53677324), (fit.estimate.auc, 0.93316046)] {
        assert!((found - answer).abs() < 1e-4, "{fit:?}");
    }
    assert!((fit.estimate.se - 0.0298633).abs() < 1e-4, "{}", fit.estimate.se);
}
