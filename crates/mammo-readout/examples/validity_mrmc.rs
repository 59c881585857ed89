//! Measures how often the analyses of several readers hold the truth and reject a true hypothesis, and prints markdown
//! tables: `validity_mrmc [STUDIES [TABLE]]`. `docs/statistics/validity-several-readers.md` holds its output.
//!
//! All methods of a row see the same simulated studies. Study `i` draws from stream `i` of the row's seed, so the tables do
//! not depend on the number of threads.

use mammo_readout::{
    mrmc::{
        BootstrapSettings, CovarianceMethod, GallasSettings, MrmcError, MrmcSettings, Reading, Study, TTest,
        bootstrap, compare_with_standalone, dorfman_berbaum_metz, gallas, obuchowski_rockette,
    },
    power::{MeanDesign, ReaderModel, RoeMetz},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

const SEED: u64 = 20_181_118;

/// Whether a study rejected the hypothesis, and whether its interval held the truth.
#[derive(Clone, Copy)]
struct Verdict {
    rejected: bool,
    covered: bool,
}

type Outcome = Result<Option<Verdict>, MrmcError>;

fn verdict(test: &TTest, truth: f64) -> Option<Verdict> {
    let p = test.p?;
    Some(Verdict { rejected: p < 0.05, covered: test.ci_low <= truth && truth <= test.ci_high })
}

#[derive(Clone, Copy, PartialEq)]
enum Method {
    Or(CovarianceMethod),
    OrLogit,
    Dbm,
    Gallas,
    FixedReaders,
    FixedCases,
    Bootstrap,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Or(CovarianceMethod::Jackknife) => "OR, jackknife",
            Self::Or(CovarianceMethod::DeLong) => "OR, DeLong",
            Self::Or(CovarianceMethod::Unbiased) => "OR, unbiased",
            Self::OrLogit => "OR, DeLong, logit limits",
            Self::Dbm => "DBM",
            Self::Gallas => "Gallas",
            Self::FixedReaders => "fixed readers",
            Self::FixedCases => "fixed cases",
            Self::Bootstrap => "bootstrap",
        }
    }

    /// The first difference, or the only mean against `null`.
    fn judge(self, study: &Study, null: f64, truth: f64) -> Outcome {
        let settings = |covariance| MrmcSettings { covariance, constant: Some(null), ..Default::default() };
        let jackknife = settings(CovarianceMethod::Jackknife);
        let view = match self {
            Self::Gallas => {
                let settings = GallasSettings { constant: Some(null), ..GallasSettings::default() };
                let a = gallas(study, settings)?;
                let test = a.differences.first().map_or(a.treatments[0].test, |d| d.test);
                return Ok(verdict(&test, truth));
            }
            Self::Bootstrap => {
                let settings = BootstrapSettings { replicates: 499, ..BootstrapSettings::default() };
                let a = bootstrap(study, settings)?;
                let e = a.differences.first().unwrap_or(&a.treatments[0]);
                let holds = |value: f64| e.ci_low <= value && value <= e.ci_high;
                return Ok(Some(Verdict { rejected: !holds(null), covered: holds(truth) }));
            }
            Self::OrLogit => {
                let a = obuchowski_rockette(study, settings(CovarianceMethod::DeLong))?;
                let limits = a.random_readers_random_cases.treatments[0].test.logit_limits();
                let holds = |(low, high): (f64, f64), value: f64| low <= value && value <= high;
                return Ok(limits.map(|l| Verdict { rejected: !holds(l, null), covered: holds(l, truth) }));
            }
            Self::Or(covariance) => {
                obuchowski_rockette(study, settings(covariance))?.random_readers_random_cases
            }
            Self::FixedReaders => obuchowski_rockette(study, jackknife)?.fixed_readers_random_cases,
            Self::FixedCases => obuchowski_rockette(study, jackknife)?.random_readers_fixed_cases,
            Self::Dbm => dorfman_berbaum_metz(study, jackknife)?.random_readers_random_cases,
        };
        Ok(verdict(&view.differences.first().map_or(view.treatments[0].test, |d| d.test), truth))
    }
}

const OR_JACKKNIFE: Method = Method::Or(CovarianceMethod::Jackknife);
const OR_DELONG: Method = Method::Or(CovarianceMethod::DeLong);
const OR_UNBIASED: Method = Method::Or(CovarianceMethod::Unbiased);

/// One row: shares of rejections and of intervals that hold the truth, by method.
fn row(
    studies: u64,
    label: &str,
    methods: usize,
    show: Show,
    one: impl Fn(&mut ChaCha8Rng) -> Vec<Outcome> + Sync,
) {
    let seed = label.bytes().fold(SEED, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)));
    let answers: Vec<Vec<Option<Verdict>>> = (0..studies)
        .into_par_iter()
        .map(|i| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(i);
            one(&mut random).into_iter().map(|o| o.unwrap_or_else(|e| panic!("{label}: {e}"))).collect()
        })
        .collect();
    let mut cells = Vec::new();
    for m in 0..methods {
        let given: Vec<Verdict> = answers.iter().filter_map(|a| a[m]).collect();
        let share = |of: fn(&Verdict) -> bool| {
            given.iter().filter(|v| of(v)).count() as f64 / given.len().max(1) as f64
        };
        let none = 1.0 - given.len() as f64 / studies as f64;
        if show != Show::Coverage {
            cells.push(cell(share(|v| v.rejected), none, 0.04, 0.06, studies));
        }
        if show != Show::Size {
            cells.push(cell(share(|v| v.covered), none, 0.93, 0.97, studies));
        }
    }
    println!("| {label} | {} |", cells.join(" | "));
}

/// Percent, in bold outside the limits by more than two errors of the simulation; studies without a test behind.
fn cell(share: f64, none: f64, low: f64, high: f64, studies: u64) -> String {
    let error = (share * (1.0 - share) / studies as f64).sqrt();
    let shown = format!("{:.1}", 100.0 * share);
    let none = if none >= 0.0005 { format!(" ({:.1} none)", 100.0 * none) } else { String::new() };
    if share < low - 2.0 * error || share > high + 2.0 * error {
        format!("**{shown}**{none}")
    } else {
        format!("{shown}{none}")
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Show {
    Size,
    Coverage,
    Both,
}

fn header(first: &[&str], methods: &[Method], show: Show) {
    let mut names: Vec<String> = first.iter().map(|&n| n.to_owned()).collect();
    for m in methods {
        match show {
            Show::Both => {
                names.extend([format!("{}: rejected", m.name()), format!("{}: covered", m.name())]);
            }
            _ => names.push(m.name().to_owned()),
        }
    }
    println!("| {} |\n|{}", names.join(" | "), "---|".repeat(names.len()));
}

fn models() -> [(&'static str, RoeMetz); 4] {
    [
        ("high, .0055", RoeMetz::high_correlation(0.0055)),
        ("high, .03", RoeMetz::high_correlation(0.03)),
        ("low, .0055", RoeMetz::low_correlation(0.0055)),
        ("low, .03", RoeMetz::low_correlation(0.03)),
    ]
}

/// The same ratings in five categories about the middle of both classes.
fn five_point(study: &Study, separation: f64, spread: f64) -> Study {
    let cuts = [-0.84, -0.25, 0.25, 0.84].map(|c| c * spread + separation / 2.0);
    let in_categories =
        |r: Reading| Reading { rating: cuts.iter().filter(|&&c| r.rating > c).count() as f64, ..r };
    Study::from_readings(study.readings().map(in_categories)).expect("a valid study stays valid")
}

fn equal_treatments(studies: u64) {
    println!("### Two treatments of equal AUC: rejections at 5 %, percent\n");
    let methods = [OR_JACKKNIFE, OR_DELONG, OR_UNBIASED, Method::Dbm, Method::Gallas];
    header(&["ratings", "model", "readers", "cases", "AUC"], &methods, Show::Size);
    for five in [false, true] {
        for (name, model) in models() {
            for (readers, n) in [(3, 30), (5, 50), (10, 30)] {
                for auc in [0.702, 0.855, 0.961] {
                    if five && (readers == 10 || auc == 0.961) {
                        continue;
                    }
                    let ratings = if five { "1 to 5" } else { "continuous" };
                    let label = format!("{ratings} | {name} | {readers} | {n}/{n} | {auc}");
                    row(studies, &label, methods.len(), Show::Size, |random| {
                        let mut study = model.study(&[auc, auc], readers, n, n, random).expect("valid model");
                        if five {
                            study = five_point(&study, model.separation(auc).expect("valid"), 1.0);
                        }
                        methods.iter().map(|m| m.judge(&study, 0.0, 0.0)).collect()
                    });
                }
            }
        }
    }
}

fn coverage_of_differences(studies: u64) {
    println!("\n### A difference of .855 - .780: coverage of 95 % intervals, percent\n");
    let methods = [OR_JACKKNIFE, OR_DELONG, OR_UNBIASED, Method::Dbm, Method::Gallas];
    header(&["model", "readers", "cases"], &methods, Show::Coverage);
    for (name, model) in models() {
        for (readers, n) in [(3, 30), (5, 50)] {
            row(studies, &format!("{name} | {readers} | {n}/{n}"), methods.len(), Show::Coverage, |random| {
                let study = model.study(&[0.855, 0.78], readers, n, n, random).expect("valid model");
                methods.iter().map(|m| m.judge(&study, 0.0, 0.855 - 0.78)).collect()
            });
        }
    }
}

fn one_treatment(studies: u64) {
    println!("\n### The mean AUC of one treatment: coverage of 95 % intervals, percent\n");
    let methods = [OR_JACKKNIFE, OR_DELONG, Method::OrLogit, OR_UNBIASED, Method::Gallas, Method::Bootstrap];
    header(&["model", "readers", "cases", "AUC"], &methods, Show::Coverage);
    for (name, model) in models() {
        for (readers, n) in [(3, 30), (5, 50)] {
            for auc in [0.5, 0.702, 0.855, 0.961] {
                let label = format!("{name} | {readers} | {n}/{n} | {auc}");
                row(studies, &label, methods.len(), Show::Coverage, |random| {
                    let study = model.study(&[auc], readers, n, n, random).expect("valid model");
                    methods.iter().map(|m| m.judge(&study, auc, auc)).collect()
                });
            }
        }
    }
}

fn fixed(studies: u64) {
    println!(
        "\n### Fixed readers, fixed cases: rejections at 5 %, percent, where the assumption holds and where not\n"
    );
    let methods = [Method::FixedReaders, Method::FixedCases, OR_JACKKNIFE];
    header(&["model", "readers", "cases", "AUC"], &methods, Show::Size);
    let high = RoeMetz::high_correlation(0.0);
    let fixed_cases = RoeMetz { var_r: 0.03, var_tr: 0.03, var_tc: 0.0, ..high };
    for (name, model) in [
        ("readers alike", high),
        ("treatments alike on each case", fixed_cases),
        ("high, .03", RoeMetz::high_correlation(0.03)),
    ] {
        for (readers, n) in [(3, 30), (5, 50)] {
            row(
                studies,
                &format!("{name} | {readers} | {n}/{n} | 0.855"),
                methods.len(),
                Show::Size,
                |random| {
                    let study = model.study(&[0.855, 0.855], readers, n, n, random).expect("valid model");
                    methods.iter().map(|m| m.judge(&study, 0.0, 0.0)).collect()
                },
            );
        }
    }
}

/// 40 sources, half with cancer; 20 are read original and modified, 10 original only, 10 modified only. Each arm has 15
/// and 15 images.
fn partly_paired(model: &RoeMetz, auc: f64, random: &mut ChaCha8Rng) -> Study {
    let full = model.study(&[auc, auc], 3, 20, 20, random).expect("valid model");
    let kept = full.readings().filter(|r| {
        // Cases are numbered negatives first: in each class ten pairs, five originals, five modified.
        let place = r.case.parse::<usize>().expect("cases are numbers") % 20;
        place < 10 || (place < 15) == (r.treatment == full.treatments()[0])
    });
    Study::from_readings(kept).expect("a valid study stays valid")
}

/// The same 60 images, the question being which are modified: twins stand on opposite sides.
fn detection(model: &RoeMetz, auc: f64, random: &mut ChaCha8Rng) -> Study {
    let mut draw = |variance: f64, n: usize| -> Vec<f64> {
        (0..n).map(|_| variance.sqrt() * random.sample::<f64, _>(StandardNormal)).collect()
    };
    let (readers, sources) = (3, 40);
    let separation = model.separation(auc).expect("valid model");
    let r = draw(model.var_r + model.var_tr, 2 * readers);
    let c = draw(model.var_c, sources);
    let image = draw(model.var_tc, 2 * sources);
    let rc = draw(model.var_rc, readers * sources);
    let e = draw(model.var_error, 2 * readers * sources);
    let mut rows = Vec::new();
    for source in 0..sources {
        for modified in [false, true] {
            if source >= 20 && (source < 30) == modified {
                continue;
            }
            let side = usize::from(modified);
            for reader in 0..readers {
                rows.push(Reading {
                    reader: reader.to_string(),
                    treatment: "all".into(),
                    case: format!("{source}-{side}"),
                    positive: modified,
                    rating: side as f64 * separation
                        + r[2 * reader + side]
                        + c[source]
                        + image[2 * source + side]
                        + rc[reader * sources + source]
                        + e[(2 * source + side) * readers + reader],
                });
            }
        }
    }
    let study = Study::from_readings(rows).expect("valid rows");
    study.with_clusters(|case| case.name.split('-').next().unwrap_or_default().to_owned())
}

fn the_study(studies: u64) {
    println!(
        "\n### The study's design, 3 readers, 20 pairs and 20 singles: malignancy, originals against modified\n"
    );
    let methods = [OR_JACKKNIFE, OR_DELONG, OR_UNBIASED, Method::Gallas];
    header(&["ratings", "model", "AUC"], &methods, Show::Size);
    for five in [false, true] {
        for (name, model) in models() {
            for auc in [0.702, 0.855] {
                let ratings = if five { "1 to 5" } else { "continuous" };
                row(studies, &format!("{ratings} | {name} | {auc}"), methods.len(), Show::Size, |random| {
                    let mut study = partly_paired(&model, auc, random);
                    if five {
                        study = five_point(&study, model.separation(auc).expect("valid"), 1.0);
                    }
                    methods.iter().map(|m| m.judge(&study, 0.0, 0.0)).collect()
                });
            }
        }
    }
    println!("\n### The study's design: detection of modification, percent\n");
    let names =
        ["OR, DeLong, clusters", "OR, jackknife, clusters", "OR, DeLong, no clusters", "Gallas, no clusters"];
    let columns: Vec<String> =
        names.iter().flat_map(|n| [format!("{n}: rejected"), format!("{n}: covered")]).collect();
    println!(
        "| ratings | model | AUC | {} |\n|---|---|---|{}",
        columns.join(" | "),
        "---|".repeat(columns.len())
    );
    for five in [false, true] {
        for (name, model) in models() {
            for auc in [0.5, 0.66] {
                if five && auc != 0.5 {
                    continue;
                }
                let ratings = if five { "1 to 5" } else { "continuous" };
                row(studies, &format!("{ratings} | {name} | {auc}"), names.len(), Show::Both, |random| {
                    let mut study = detection(&model, auc, random);
                    if five {
                        study = five_point(&study, 0.0, 1.0)
                            .with_clusters(|c| c.name.split('-').next().unwrap_or_default().to_owned());
                    }
                    let plain = Study::from_readings(study.readings()).expect("valid");
                    let judge = |m: Method, s: &Study| m.judge(s, auc, auc);
                    vec![
                        judge(OR_DELONG, &study),
                        judge(OR_JACKKNIFE, &study),
                        judge(OR_DELONG, &plain),
                        judge(Method::Gallas, &plain),
                    ]
                });
            }
        }
    }
}

fn margins(studies: u64) {
    println!(
        "\n### Margins, and readers against an algorithm: rejections of a true hypothesis at 5 %, percent\n"
    );
    println!(
        "| model | readers | cases | non-inferiority, true loss at the margin .05 | equivalence with .5, true mean at the \
         margin .1 | algorithm as good as the mean reader |\n|---|---|---|---|---|---|"
    );
    let settings =
        MrmcSettings { covariance: CovarianceMethod::DeLong, constant: Some(0.5), ..Default::default() };
    let said = |p: Option<f64>| p.map(|p| Verdict { rejected: p < 0.05, covered: false });
    for (name, model) in models() {
        for (readers, n) in [(3, 30), (5, 50), (10, 100)] {
            row(studies, &format!("{name} | {readers} | {n}/{n}"), 3, Show::Size, |random| {
                let mut first = |aucs: &[f64]| model.study(aucs, readers, n, n, random).expect("valid model");
                let worse = first(&[0.805, 0.855]);
                let apart = first(&[0.6]);
                let readers_study = first(&[0.8]);
                let with_machine = add_machine(&readers_study, random);
                let test = |study: &Study| -> Result<TTest, MrmcError> {
                    let view = obuchowski_rockette(study, settings)?.random_readers_random_cases;
                    Ok(view.differences.first().map_or(view.treatments[0].test, |d| d.test))
                };
                vec![
                    test(&worse).and_then(|t| Ok(said(t.non_inferiority_p(0.05)?))),
                    test(&apart).and_then(|t| Ok(said(t.equivalence_p(0.1)?))),
                    compare_with_standalone(&with_machine, "machine", settings).map(|c| said(c.test.p)),
                ]
            });
        }
    }
}

/// Adds an algorithm with AUC .8, as the readers have on average, to a study of one treatment. Its ratings share nothing
/// with the readers'.
fn add_machine(study: &Study, random: &mut ChaCha8Rng) -> Study {
    // √2 Φ⁻¹(.8)
    let separation = std::f64::consts::SQRT_2 * 0.841_621_233_572_914_3;
    let own: Vec<Reading> = study
        .cases()
        .iter()
        .map(|case| Reading {
            reader: "machine".into(),
            treatment: study.treatments()[0].clone(),
            case: case.name.clone(),
            positive: case.positive,
            rating: random.sample::<f64, _>(StandardNormal) + if case.positive { separation } else { 0.0 },
        })
        .collect();
    Study::from_readings(study.readings().chain(own)).expect("valid rows")
}

/// Equivalence with chance: the formula, the formula that takes the standard error as known, and simulated studies whose
/// readers' true AUCs have standard deviation .05 and whose AUCs correlate by .3 over cases.
fn planned_power(studies: u64) {
    println!(
        "\n### Power of equivalence with .5 within .10, true mean .5, and of .66 against .5: formula and simulation\n"
    );
    println!(
        "| readers | cases | equivalence: formula | standard error taken as known | simulated | .66 against .5: formula | \
         simulated |\n|---|---|---|---|---|---|---|"
    );
    // With within-reader variance 1, sd(AUC) = φ(0) sqrt(var_r) at one half, and a correlation r of ratings gives AUCs a
    // correlation of 6/π asin(r / 2).
    let r = 2.0 * (std::f64::consts::PI * 0.3 / 6.0).sin();
    let var_r = (0.05 / 0.398_942_280_401_432_7f64).powi(2);
    let model = RoeMetz { var_r, var_tr: 0.0, var_c: r, var_tc: 0.0, var_rc: 1.0 - r, var_error: 0.0 };
    let settings =
        MrmcSettings { covariance: CovarianceMethod::DeLong, constant: Some(0.5), ..Default::default() };
    for readers in [3, 5, 10] {
        for n in [30, 100, 200] {
            let design = |auc| MeanDesign { auc, readers, n_pos: n, n_neg: n, model: ReaderModel::default() };
            let shares = |auc: f64, yes: &(dyn Fn(&TTest) -> bool + Sync)| -> f64 {
                let count = (0..studies)
                    .into_par_iter()
                    .filter(|&i| {
                        let mut random = ChaCha8Rng::seed_from_u64(SEED + (readers * 1000 + n) as u64);
                        random.set_stream(i);
                        let study = model.study(&[auc], readers, n, n, &mut random).expect("valid model");
                        let analysis = obuchowski_rockette(&study, settings).expect("valid study");
                        yes(&analysis.random_readers_random_cases.treatments[0].test)
                    })
                    .count();
                count as f64 / studies as f64
            };
            let equivalent = shares(0.5, &|t| t.equivalence_p(0.1).ok().flatten().is_some_and(|p| p < 0.05));
            let found = shares(0.66, &|t| t.p.is_some_and(|p| p < 0.05));
            println!(
                "| {readers} | {n}/{n} | {:.2} | {:.2} | {equivalent:.2} | {:.2} | {found:.2} |",
                design(0.5).equivalence_power(0.5, 0.1, 0.05).expect("valid design"),
                design(0.5).equivalence_power_plug_in(0.5, 0.1, 0.05).expect("valid design"),
                design(0.66).power_against(0.5, 0.05).expect("valid design"),
            );
        }
    }
}

fn main() {
    let studies: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(2000);
    let sections: [fn(u64); 7] =
        [equal_treatments, coverage_of_differences, one_treatment, fixed, the_study, margins, planned_power];
    // A second argument asks for one of the tables, counted from 1.
    let only: Option<usize> = std::env::args().nth(2).and_then(|a| a.parse().ok());
    for (number, section) in (1..).zip(sections) {
        if only.is_none_or(|n| n == number) {
            section(studies);
        }
    }
}
