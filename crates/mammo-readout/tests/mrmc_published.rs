//! Agreement of the multi-reader analyses with published answers; sources and licences in `data/README.md`.

#![allow(clippy::needless_range_loop)] // treatments are numbered in several tables at once

use mammo_readout::{
    formats::{ReadOptions, read_imrmc, read_long_csv},
    mrmc::{
        CovarianceMethod, FigureOfMerit, GallasSettings, MomentEstimator, MrmcSettings, Study, TTest,
        dorfman_berbaum_metz, gallas, obuchowski_rockette,
    },
};
use serde_json::Value;

mod shared;

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/data/mrmc/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn expected(name: &str) -> Value {
    serde_json::from_str(&file(name)).unwrap()
}

fn num(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[track_caller]
fn close(found: f64, wanted: &Value, tolerance: f64) {
    let wanted = num(wanted);
    assert!((found - wanted).abs() <= tolerance, "found {found}, published {wanted}");
}

/// To all digits that the source prints: half a unit of the last one.
#[track_caller]
fn printed(found: f64, wanted: &Value) {
    let text = wanted.to_string();
    let digits = text.split_once('.').map_or(0, |(_, d)| d.len());
    close(found, wanted, 0.500001 * 10f64.powi(-(digits as i32)));
}

/// Van Dyke's data by one of its columns of case names, and the answers for them, where they are.
fn vandyke(case: &str) -> Option<(Study, Value)> {
    let mut options = ReadOptions::default();
    case.clone_into(&mut options.columns[2]);
    let data = read_long_csv(&shared::vector("vandyke.csv")?, "vandyke.csv", &options).unwrap();
    Some((data.study, serde_json::from_str(&shared::vector("expected_vandyke.json")?).unwrap()))
}

fn with(covariance: CovarianceMethod) -> MrmcSettings {
    MrmcSettings { covariance, ..MrmcSettings::default() }
}

const EXACT: f64 = 1e-10;

#[test]
fn vandyke_obuchowski_rockette_to_ten_digits() {
    let Some((study, all)) = vandyke("case") else { return };
    for (name, method) in [
        ("jackknife", CovarianceMethod::Jackknife),
        ("delong", CovarianceMethod::DeLong),
        ("unbiased", CovarianceMethod::Unbiased),
    ] {
        let want = &all["recomputed"][name];
        let got = obuchowski_rockette(&study, with(method)).unwrap();
        for t in 0..2 {
            for r in 0..5 {
                close(got.values[t][r], &want["auc"][t][r], EXACT);
            }
        }
        let c = &got.components;
        for (value, key) in [
            (c.ms_t.unwrap(), "MST"),
            (c.ms_r, "MSR"),
            (c.ms_tr.unwrap(), "MSTR"),
            (c.var_error, "var_error"),
            (c.cov1.unwrap(), "cov1"),
            (c.cov2, "cov2"),
            (c.cov3.unwrap(), "cov3"),
            (c.var_r.unwrap(), "var_R"),
            (c.var_tr.unwrap(), "var_TR"),
            (c.var_tr.unwrap(), "var_TR_nomax"),
        ] {
            close(value, &want[key], EXACT);
        }
        for (key, view, statistic, t) in [
            ("RRRC", &got.random_readers_random_cases, "F", "t"),
            ("FRRC", &got.fixed_readers_random_cases, "X2", "z"),
            ("RRFC", &got.random_readers_fixed_cases, "F", "t"),
        ] {
            let (want, overall, test) = (&want[key], view.overall.unwrap(), view.differences[0].test);
            close(overall.statistic.unwrap(), &want[statistic], EXACT);
            close(overall.p.unwrap(), &want["p"], EXACT);
            let df = if want["df1"].is_number() { "df1" } else { "df" };
            close(overall.df1, &want[df], 0.0);
            if want["df2"].is_number() {
                close(overall.df2.unwrap(), &want["df2"], 1e-9);
            }
            if want["denominator"].is_number() {
                close(overall.error_term, &want["denominator"], EXACT);
            }
            close(test.estimate, &all["recomputed"][name]["RRRC"]["diff"], EXACT);
            close(test.se, &want["se"], EXACT);
            close(test.t.unwrap(), &want[t], EXACT);
            close(test.p.unwrap(), &want["p"], EXACT);
            close(test.ci_low, &want["lo"], EXACT);
            close(test.ci_high, &want["hi"], EXACT);
        }
        for (r, want) in want["per_reader"].as_array().unwrap().iter().enumerate() {
            let got = &got.reader_differences[r];
            close(got.test.estimate, &want["diff"], EXACT);
            close(got.test.se, &want["se"], EXACT);
            close(got.test.t.unwrap(), &want["z"], 1e-9);
            close(got.test.p.unwrap(), &want["p"], EXACT);
            close(got.var_error, &want["var_error"], EXACT);
            close(got.cov1, &want["cov1"], EXACT);
        }
        for (t, want) in want["single"].as_array().unwrap().iter().enumerate() {
            close(got.single[t].mean, &want["auc"], EXACT);
            close(got.single[t].mean, &all["recomputed"][name]["trt_means"][t], EXACT);
            close(got.single[t].ms_r, &want["MSR"], EXACT);
            close(got.single[t].cov2, &want["cov2"], EXACT);
            close(got.single[t].var_error, &want["var_error"], EXACT);
            let test = got.random_readers_random_cases.treatments[t].test;
            close(test.se, &want["se"], EXACT);
            close(test.df.unwrap(), &want["df"], 1e-9);
            close(test.ci_low, &want["lo"], EXACT);
            close(test.ci_high, &want["hi"], EXACT);
            close(got.fixed_readers_random_cases.treatments[t].test.se, &want["se_frrc"], EXACT);
            close(got.random_readers_fixed_cases.treatments[t].test.se, &want["se_rrfc"], EXACT);
        }
        assert!(got.flags.is_empty(), "{:?}", got.flags);
    }
}

/// All printed digits of OR-DBM MRMC 2.51 (University of Iowa).
#[test]
fn vandyke_to_the_digits_of_the_iowa_program() {
    let Some((study, all)) = vandyke("case") else { return };
    let want = &all["iowa"];
    let got = obuchowski_rockette(&study, MrmcSettings::default()).unwrap();
    let c = &got.components;
    let or = &want["OR"];
    for (value, key) in [
        (c.var_r.unwrap(), "var_R"),
        (c.var_tr.unwrap(), "var_TR"),
        (c.cov1.unwrap(), "cov1"),
        (c.cov2, "cov2"),
        (c.cov3.unwrap(), "cov3"),
        (c.var_error, "var_error"),
        (c.cov1.unwrap() / c.var_error, "r1"),
        (c.cov2 / c.var_error, "r2"),
        (c.cov3.unwrap() / c.var_error, "r3"),
    ] {
        printed(value, &or[key]);
    }
    for t in 0..2 {
        for r in 0..5 {
            printed(got.values[t][r], &want["auc"][t][r]);
        }
        printed(got.single[t].mean, &want["means"][t]);
    }
    let (ms_t, ms_tr) = (c.ms_t.unwrap(), c.ms_tr.unwrap());
    for (mean_square, df, key) in [(ms_t, 1.0, "T"), (c.ms_r, 4.0, "R"), (ms_tr, 4.0, "TR")] {
        printed(mean_square, &want["MS"][key]);
        printed(mean_square * df, &want["SS"][key]);
    }
    let (rr, fr, fc) =
        (&got.random_readers_random_cases, &got.fixed_readers_random_cases, &got.random_readers_fixed_cases);
    printed(rr.differences[0].test.estimate, &want["diff"]);
    printed(rr.differences[0].test.t.unwrap(), &want["RRRC"]["t"]);
    printed(fr.differences[0].test.t.unwrap(), &want["FRRC"]["z"]);
    printed(fc.differences[0].test.t.unwrap(), &want["RRFC"]["t"]);
    for (t, single) in want["RRRC"]["single"].as_array().unwrap().iter().enumerate() {
        printed(rr.treatments[t].test.estimate, &single["auc"]);
        printed(rr.treatments[t].test.df.unwrap(), &single["df"]);
        printed(got.single[t].cov2, &single["cov2"]);
        printed(got.single[t].var_error, &want["FRRC"]["single"][t]["var_error"]);
    }
    close(rr.overall.unwrap().df1, &want["RRRC"]["df1"], 0.0);
    close(fr.overall.unwrap().df1, &want["FRRC"]["df"], 0.0);
    close(fc.overall.unwrap().df1, &want["RRFC"]["df"][0], 0.0);
    close(fc.overall.unwrap().df2.unwrap(), &want["RRFC"]["df"][1], 1e-12);
    printed(rr.overall.unwrap().statistic.unwrap(), &want["RRRC"]["F"]);
    printed(rr.overall.unwrap().df2.unwrap(), &want["RRRC"]["ddf"]);
    printed(rr.overall.unwrap().error_term, &want["RRRC"]["error_term"]);
    printed(fr.overall.unwrap().statistic.unwrap(), &want["FRRC"]["X2"]);
    printed(fc.overall.unwrap().statistic.unwrap(), &want["RRFC"]["F"]);
    for (key, view) in [("RRRC", rr), ("FRRC", fr), ("RRFC", fc)] {
        let test = view.differences[0].test;
        for (value, name) in [(test.p.unwrap(), "p"), (test.se, "se")] {
            printed(value, &want[key][name]);
        }
        printed(test.ci_low, &want[key]["ci"][0]);
        printed(test.ci_high, &want[key]["ci"][1]);
        for (t, single) in want[key]["single"].as_array().unwrap().iter().enumerate() {
            let test = view.treatments[t].test;
            printed(test.se, &single["se"]);
            printed(test.ci_low, &single["ci"][0]);
            printed(test.ci_high, &single["ci"][1]);
        }
    }
    let dbm = dorfman_berbaum_metz(&study, MrmcSettings::default()).unwrap();
    let c = &dbm.components;
    for (value, key) in [
        (c.var_r, "var_R"),
        (c.var_c, "var_C"),
        (c.var_tr, "var_TR"),
        (c.var_tc, "var_TC"),
        (c.var_rc, "var_RC"),
        (c.var_trc, "var_TRC_plus_error"),
    ] {
        printed(value.unwrap(), &want["DBM"][key]);
        let key = if key == "var_TRC_plus_error" { "var_TRC_err" } else { key };
        close(value.unwrap(), &all["recomputed"]["jackknife"]["DBM"][key], EXACT);
    }
}

/// What MRMCaov prints for DeLong's and the unbiased covariances, for fixed readers and for fixed cases.
#[test]
fn vandyke_to_the_digits_of_mrmcaov() {
    let Some((study, all)) = vandyke("case") else { return };
    let want = &all["mrmcaov"];
    for (key, method) in [("delong", CovarianceMethod::DeLong), ("unbiased", CovarianceMethod::Unbiased)] {
        let (want, got) = (&want[key], obuchowski_rockette(&study, with(method)).unwrap());
        let (c, view) = (&got.components, &got.random_readers_random_cases);
        for (value, key) in [
            (c.var_r, "var_R"),
            (c.var_tr, "var_TR"),
            (Some(c.var_error), "var_error"),
            (c.cov1, "cov1"),
            (Some(c.cov2), "cov2"),
            (c.cov3, "cov3"),
            (view.overall.unwrap().statistic, "F"),
            (view.overall.unwrap().df2, "df2"),
            (view.overall.unwrap().p, "p"),
        ] {
            printed(value.unwrap(), &want[key]);
        }
        printed(view.differences[0].test.ci_low, &want["ci"][0]);
        printed(view.differences[0].test.ci_high, &want["ci"][1]);
        if want["se"].is_number() {
            printed(view.differences[0].test.se, &want["se"]);
        }
        for (t, single) in want["single"].as_array().into_iter().flatten().enumerate() {
            let test = view.treatments[t].test;
            printed(test.se, &single["se"]);
            printed(test.df.unwrap(), &single["df"]);
            printed(test.ci_low, &single["ci"][0]);
            printed(test.ci_high, &single["ci"][1]);
        }
    }
    let got = obuchowski_rockette(&study, MrmcSettings::default()).unwrap();
    let fixed = &want["jackknife_fixed_readers"];
    let view = &got.fixed_readers_random_cases;
    printed(view.overall.unwrap().statistic.unwrap(), &fixed["X2"]);
    printed(view.overall.unwrap().p.unwrap(), &fixed["p"]);
    printed(view.differences[0].test.ci_low, &fixed["ci"][0]);
    printed(view.differences[0].test.ci_high, &fixed["ci"][1]);
    for (r, reader) in got.reader_differences.iter().enumerate() {
        printed(reader.test.estimate, &fixed["per_reader_diff"][r]);
        printed(reader.test.se, &fixed["per_reader_se"][r]);
        printed(reader.test.p.unwrap(), &fixed["per_reader_p"][r]);
        for t in 0..2 {
            printed(got.standard_errors[t][r], &fixed["single_se"][t][r]);
        }
    }
    let (fixed, view) = (&want["fixed_cases"], &got.random_readers_fixed_cases);
    printed(view.overall.unwrap().statistic.unwrap(), &fixed["F"]);
    printed(view.overall.unwrap().p.unwrap(), &fixed["p"]);
    printed(view.differences[0].test.ci_low, &fixed["ci"][0]);
    printed(view.differences[0].test.ci_high, &fixed["ci"][1]);
}

#[test]
fn dorfman_berbaum_metz_is_obuchowski_rockette_with_the_jackknife() {
    let Some((study, _)) = vandyke("case") else { return };
    let dbm = dorfman_berbaum_metz(&study, MrmcSettings::default()).unwrap();
    let or = obuchowski_rockette(&study, MrmcSettings::default()).unwrap();
    let (a, b) = (dbm.random_readers_random_cases, or.random_readers_random_cases);
    assert!((a.overall.unwrap().statistic.unwrap() - b.overall.unwrap().statistic.unwrap()).abs() < 1e-9);
    assert!((a.overall.unwrap().df2.unwrap() - b.overall.unwrap().df2.unwrap()).abs() < 1e-8);
    for (x, y) in a.treatments.iter().zip(&b.treatments) {
        assert!(
            (x.test.se - y.test.se).abs() < 1e-12 && (x.test.df.unwrap() - y.test.df.unwrap()).abs() < 1e-8
        );
    }
    let (a, b) = (dbm.random_readers_fixed_cases, or.random_readers_fixed_cases);
    assert!((a.differences[0].test.se - b.differences[0].test.se).abs() < 1e-12);
}

/// Cases nested in readers and in treatments: the same ratings, with case names that differ.
#[test]
fn vandyke_nested_designs() {
    let Some((study, all)) = vandyke("case2") else { return };
    let want = &all["mrmcaov"];
    let nested = &want["nested_in_reader_case2"];
    let got = obuchowski_rockette(&study, MrmcSettings::default()).unwrap();
    let c = &got.components;
    assert!(c.cov2 == 0.0 && c.cov3 == Some(0.0));
    for (value, key) in
        [(c.cov1, "cov1"), (Some(c.var_error), "var_error"), (c.var_r, "var_R"), (c.var_tr, "var_TR")]
    {
        printed(value.unwrap(), &nested[key]);
    }
    let overall = got.random_readers_random_cases.overall.unwrap();
    printed(overall.statistic.unwrap(), &nested["F"]);
    printed(overall.p.unwrap(), &nested["p"]);

    let nested = &want["nested_in_treatment_case3"];
    let Some((study, _)) = vandyke("case3") else { return };
    let got = obuchowski_rockette(&study, MrmcSettings::default()).unwrap();
    let (c, view) = (&got.components, &got.random_readers_random_cases);
    for (value, key) in
        [(Some(c.cov2), "cov2"), (Some(c.var_error), "var_error"), (c.var_r, "var_R"), (c.var_tr, "var_TR")]
    {
        printed(value.unwrap(), &nested[key]);
    }
    let overall = view.overall.unwrap();
    for (value, key) in [(overall.statistic, "F"), (overall.df2, "df2"), (overall.p, "p")] {
        printed(value.unwrap(), &nested[key]);
    }
    printed(view.differences[0].test.ci_low, &nested["ci"][0]);
    printed(view.differences[0].test.ci_high, &nested["ci"][1]);
}

#[test]
fn vandyke_sensitivity() {
    let Some((study, all)) = vandyke("case") else { return };
    let want = &all["mrmcaov"]["sensitivity_cut"];
    let fom = FigureOfMerit::Sensitivity { at_least: 3.0 };
    let got = obuchowski_rockette(&study, MrmcSettings { fom, ..MrmcSettings::default() }).unwrap();
    for t in 0..2 {
        for r in 0..5 {
            printed(got.values[t][r], &want["values"][t][r]);
        }
    }
    let overall = got.random_readers_random_cases.overall.unwrap();
    for (value, key) in [(overall.statistic, "F"), (overall.df2, "df2"), (overall.p, "p")] {
        printed(value.unwrap(), &want[key]);
    }
}

/// iMRMC takes whole degrees of freedom, and the normal distribution from 50 on.
fn as_imrmc(test: &TTest) -> TTest {
    let df = test.df.map_or(f64::INFINITY, |df| if df >= 50.0 { f64::INFINITY } else { df.floor() });
    TTest::new(test.estimate, test.se, df, test.null, test.level).unwrap()
}

#[track_caller]
fn check_row(row: &Value, test: &TTest, estimate: &str, variance: &str, value: f64) {
    const TOLERANCE: f64 = 1e-8;
    close(test.estimate, &row[estimate], TOLERANCE);
    close(value, &row[variance], TOLERANCE);
    close(test.df.unwrap(), &row["dfBDG"], 1e-7);
    let rounded = as_imrmc(test);
    close(rounded.p.unwrap(), &row["pValueBDG"], TOLERANCE);
    close(rounded.ci_low, &row["botCIBDG"], TOLERANCE);
    close(rounded.ci_high, &row["topCIBDG"], TOLERANCE);
    let normal = TTest::new(test.estimate, test.se, f64::INFINITY, test.null, test.level).unwrap();
    close(normal.p.unwrap(), &row["pValueNormal"], TOLERANCE);
    close(normal.ci_low, &row["botCInormal"], TOLERANCE);
    close(normal.ci_high, &row["topCInormal"], TOLERANCE);
    for (found, key) in [(&normal, "rejectNormal"), (&rounded, "rejectBDG")] {
        close(f64::from(u8::from(found.p.unwrap() < 0.05)), &row[key], 0.0);
    }
}

fn check_gallas(rows: &Value, study: &Study, fom: FigureOfMerit, moments: MomentEstimator) {
    let rows = rows.as_array().unwrap();
    let names = [rows[2]["modalityA"].as_str().unwrap(), rows[2]["modalityB"].as_str().unwrap()];
    let study = study.select_treatments(&names).unwrap();
    let settings = GallasSettings { fom, moments, constant: Some(0.5), ..GallasSettings::default() };
    let got = gallas(&study, settings).unwrap();
    for t in 0..2 {
        let mean = &got.treatments[t];
        check_row(&rows[t], &mean.test, "AUCA", "varAUCA", mean.variance);
    }
    let difference = &got.differences[0];
    check_row(&rows[2], &difference.test, "AUCAminusAUCB", "varAUCAminusAUCB", difference.variance);
}

#[test]
fn imrmc_example() {
    let all = expected("expected_imrmc_input.json");
    let study = read_imrmc(&file("imrmc_input.imrmc"), "imrmc_input.imrmc").unwrap();
    check_gallas(&all["Ustat"], &study, FigureOfMerit::Auc, MomentEstimator::Unbiased);
    check_gallas(&all["MLEstat"], &study, FigureOfMerit::Auc, MomentEstimator::Empirical);
    let got = gallas(&study, GallasSettings::default()).unwrap();
    for row in all["perReader"].as_array().unwrap() {
        let reader = row["readerID"].as_str().unwrap();
        let [a, b] = ["modalityA", "modalityB"].map(|key| row[key].as_str().unwrap());
        if b == "NO_MOD" {
            let found = got.readers.iter().find(|r| r.reader == reader && r.treatment == a).unwrap();
            close(found.value.unwrap(), &row["AUCA"], 1e-8);
            close(found.variance.unwrap(), &row["varAUCA"], 1e-8);
        } else {
            let found = got.reader_differences.iter().find(|d| d.reader == reader).unwrap();
            close(found.estimate, &row["AUCAminusAUCB"], 1e-8);
            close(found.variance.unwrap(), &row["varAUCAminusAUCB"], 1e-8);
        }
    }
    // The Obuchowski-Rockette degrees of freedom that iMRMC prints beside its own, from unbiased covariances.
    let or = obuchowski_rockette(&study, with(CovarianceMethod::Unbiased)).unwrap();
    let view = &or.random_readers_random_cases;
    close(view.differences[0].test.df.unwrap(), &all["Ustat"][2]["dfHillis"], 1e-7);
    for t in 0..2 {
        close(view.treatments[t].test.df.unwrap(), &all["Ustat"][t]["dfHillis"], 1e-7);
    }
}

/// Twenty radiologists, split plot with missing readings: AUC, sensitivity and specificity.
#[test]
fn viper_mammography() {
    let all = expected("expected_viper455.json");
    for sub_study in ["screeningLowP", "challengeHighP"] {
        let study = |rating: &str| {
            let options = ReadOptions {
                columns: ["readerID", "modalityID", "caseID", "cancerStatus455", rating].map(str::to_owned),
                filter: vec![("subStudyLabel".to_owned(), sub_study.to_owned())],
                ..ReadOptions::default()
            };
            read_long_csv(&file("viper.csv"), "viper.csv", &options).unwrap().study
        };
        let unbiased = MomentEstimator::Unbiased;
        check_gallas(&all["Ustat"][sub_study], &study("score"), FigureOfMerit::Auc, unbiased);
        let calls = study("recall");
        check_gallas(&all["TPF"][sub_study], &calls, FigureOfMerit::Sensitivity { at_least: 0.5 }, unbiased);
        check_gallas(&all["TNF"][sub_study], &calls, FigureOfMerit::Specificity { at_least: 0.5 }, unbiased);
    }
}

/// Areas under fitted curves, two of which rest on limits: that of one cell, and one fit without a case, which moves the
/// test by 17 F a unit of area. MRMCaov climbs towards that limit and stops .000035 short of it (of 42/44), which is all
/// of the difference below; with its area in place of the limit the printed digits follow.
#[test]
fn vandyke_binormal_areas() {
    let Some((study, all)) = vandyke("case") else { return };
    let want = &all["mrmcaov"]["binormal_mle"];
    let settings = MrmcSettings { fom: FigureOfMerit::BinormalAuc, ..MrmcSettings::default() };
    let got = obuchowski_rockette(&study, settings).unwrap();
    for t in 0..2 {
        for r in 0..5 {
            // Three digits, once rounded up from the half: half a unit and a little.
            close(got.values[t][r], &want["auc"][t][r], 0.00055);
        }
    }
    let overall = got.random_readers_random_cases.overall.unwrap();
    for (value, key) in [(overall.statistic, "F"), (overall.df2, "df2"), (overall.p, "p")] {
        let published = num(&want["or_test"][key]);
        assert!((value.unwrap() / published - 1.0).abs() < 6e-4, "{key}: {value:?} is not {published}");
    }
    let test = &got.random_readers_random_cases.differences[0].test;
    close(test.ci_low, &want["or_test"]["ci"][0], 5e-6);
    close(test.ci_high, &want["or_test"]["ci"][1], 5e-6);
    let limits: Vec<_> = got.flags.iter().filter(|f| f.to_string().contains("limit")).collect();
    assert_eq!(limits.len(), 2, "{limits:?}");
    // The same from Dorfman, Berbaum and Metz.
    let dbm = dorfman_berbaum_metz(&study, settings).unwrap();
    let (a, b) = (&dbm.random_readers_random_cases, &got.random_readers_random_cases);
    assert!((a.differences[0].test.se - b.differences[0].test.se).abs() < 1e-9);
}
