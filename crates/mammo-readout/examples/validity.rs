//! Measures how often intervals hold the truth and tests reject a true hypothesis, and prints markdown tables:
//! `validity [STUDIES]`. `docs/statistics/validity-single-reader.md` holds its output.

use mammo_readout::{
    AucEstimate, Bootstrap, BootstrapLimits, ClusteredRatings, Interval, Permutations, ReadoutError, Scale,
    bootstrap, bootstrap_paired, clustered, compare_clustered, compare_paired, compare_unpaired,
    compare_unpaired_t, compare_with_constant, delong, delong_curves, equivalence_to_constant, hanley_mcneil,
    jackknife, non_inferiority, obuchowski, permutation_against_chance, permutation_paired, unbiased,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

const SEED: u64 = 20181118;
const REPLICATES: usize = 499;

/// Ratings are binormal with equal spread, as they come or cut into five categories of about equal use.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Continuous,
    FivePoint,
}

impl Kind {
    fn rating(self, latent: f64, signal: f64) -> f64 {
        match self {
            Self::Continuous => latent,
            // Cuts about the middle of both classes, where a reader would put them.
            Self::FivePoint => {
                [-0.84, -0.25, 0.25, 0.84].iter().filter(|&&c| latent > c + signal / 2.0).count() as f64
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::FivePoint => "1 to 5",
        }
    }
}

/// The distance of the means that gives a continuous binormal AUC.
fn signal(auc: f64) -> f64 {
    match auc {
        0.5 => 0.0,
        0.66 => 0.583311,
        0.8 => 1.190232,
        0.9 => 1.812388,
        0.95 => 2.326174,
        _ => unreachable!("listed AUCs only"),
    }
}

/// The true AUC of ratings; in categories it differs from the continuous one.
fn true_auc(kind: Kind, signal: f64) -> f64 {
    if signal == 0.0 {
        return 0.5;
    }
    // Large samples on a grid of normal quantiles: exact to about 1e-5 for categories.
    let grid = 20_000;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut ratings, mut truth) = (Vec::new(), Vec::new());
    for i in 0..grid * 40 {
        let z: f64 = random.sample(StandardNormal);
        let positive = i % 2 == 0;
        // Antithetic pairs halve the noise.
        for latent in [z, -z] {
            ratings.push(kind.rating(latent + if positive { signal } else { 0.0 }, signal));
            truth.push(positive);
        }
    }
    mammo_readout::auc(&ratings, &truth).expect("valid data")
}

/// `curves` of correlation one half on the same images.
fn study(
    random: &mut ChaCha8Rng,
    kind: Kind,
    signals: &[f64],
    per_class: usize,
) -> (Vec<Vec<f64>>, Vec<bool>) {
    let mut curves = vec![Vec::new(); signals.len()];
    let mut truth = Vec::new();
    for i in 0..2 * per_class {
        let positive = i < per_class;
        let common: f64 = random.sample(StandardNormal);
        for (curve, &signal) in curves.iter_mut().zip(signals) {
            let own: f64 = random.sample(StandardNormal);
            let shift = if positive { signal } else { 0.0 };
            curve.push(kind.rating((common + own) * 0.5f64.sqrt() + shift, signal));
        }
        truth.push(positive);
    }
    (curves, truth)
}

/// Share of studies in which each of `names` says yes; `None` answers count as no study.
fn measure<const K: usize>(
    studies: u64,
    cell: u64,
    one: impl Fn(&mut ChaCha8Rng, u64) -> [Option<bool>; K] + Sync,
) -> [(f64, f64); K] {
    let answers: Vec<[Option<bool>; K]> = (0..studies)
        .into_par_iter()
        .map(|i| {
            let mut random = ChaCha8Rng::seed_from_u64(SEED + cell);
            random.set_stream(i);
            one(&mut random, i)
        })
        .collect();
    std::array::from_fn(|k| {
        let given: Vec<bool> = answers.iter().filter_map(|a| a[k]).collect();
        let yes = given.iter().filter(|&&a| a).count() as f64;
        (yes / given.len().max(1) as f64, given.len() as f64 / studies as f64)
    })
}

/// Percent, in bold outside the limits by more than two errors of the simulation.
fn cell((share, answered): (f64, f64), low: f64, high: f64, studies: u64) -> String {
    let error = (share * (1.0 - share) / studies as f64).sqrt();
    let shown = format!("{:.1}", 100.0 * share);
    let missing =
        if answered < 0.9995 { format!(" ({:.1} none)", 100.0 * (1.0 - answered)) } else { String::new() };
    if share < low - 2.0 * error || share > high + 2.0 * error {
        format!("**{shown}**{missing}")
    } else {
        format!("{shown}{missing}")
    }
}

fn holds(estimate: Result<AucEstimate, ReadoutError>, truth: f64) -> Option<bool> {
    estimate.ok().map(|e| e.ci_low <= truth && truth <= e.ci_high)
}

fn coverage(studies: u64) {
    let names = [
        "DeLong, normal",
        "DeLong, logit",
        "Hanley-McNeil, logit",
        "binormal, logit",
        "jackknife, logit",
        "unbiased, logit",
        "percentile",
        "BCa",
    ];
    println!("| ratings | cases | true AUC | {} |", names.join(" | "));
    println!("|---|---|---|{}", "---|".repeat(names.len()));
    let logit = Interval::default();
    let normal = Interval { scale: Scale::Normal, level: 0.95 };
    for (n, kind) in [15, 30].into_iter().flat_map(|n| [(n, Kind::Continuous), (n, Kind::FivePoint)]) {
        for auc in [0.5, 0.66, 0.8, 0.9, 0.95] {
            let signal = signal(auc);
            let truth = if kind == Kind::Continuous { auc } else { true_auc(kind, signal) };
            let code = (n as u64) * 1000 + (auc * 100.0) as u64 + u64::from(kind == Kind::FivePoint) * 500;
            let shares = measure(studies, code, |random, i| {
                let (curves, positive) = study(random, kind, &[signal], n);
                let r = &curves[0];
                let draws = Bootstrap { replicates: REPLICATES, seed: i };
                [
                    holds(delong(r, &positive, normal), truth),
                    holds(delong(r, &positive, logit), truth),
                    holds(hanley_mcneil(r, &positive, logit), truth),
                    holds(obuchowski(r, &positive, logit), truth),
                    holds(jackknife(r, &positive, logit), truth),
                    holds(unbiased(r, &positive, logit), truth),
                    holds(bootstrap(r, &positive, draws, BootstrapLimits::Percentile, 0.95), truth),
                    holds(bootstrap(r, &positive, draws, BootstrapLimits::Bca, 0.95), truth),
                ]
            });
            let cells: Vec<String> = shares.iter().map(|&s| cell(s, 0.93, 0.97, studies)).collect();
            println!("| {} | {n}/{n} | {truth:.3} | {} |", kind.name(), cells.join(" | "));
        }
    }
}

fn rejects<T>(test: Result<T, ReadoutError>, p: impl Fn(&T) -> f64) -> Option<bool> {
    test.ok().map(|t| p(&t) < 0.05)
}

fn size(studies: u64) {
    let names = [
        "paired DeLong",
        "paired bootstrap",
        "paired permutation",
        "3 curves",
        "unpaired, normal",
        "unpaired, t",
        "non-inferiority at its margin",
    ];
    println!("| ratings | cases | AUC | {} |", names.join(" | "));
    println!("|---|---|---|{}", "---|".repeat(names.len()));
    let interval = Interval::default();
    for (n, kind) in [15, 30].into_iter().flat_map(|n| [(n, Kind::Continuous), (n, Kind::FivePoint)]) {
        for auc in [0.5, 0.8, 0.9] {
            let s = signal(auc);
            let worse = true_auc(kind, s) - true_auc(kind, s - 0.4);
            let code =
                100_000 + n as u64 * 1000 + (auc * 100.0) as u64 + u64::from(kind == Kind::FivePoint) * 500;
            let shares = measure(studies, code, |random, i| {
                let (curves, positive) = study(random, kind, &[s, s, s, s - 0.4], n);
                let (other, other_positive) = study(random, kind, &[s], n);
                let (a, b) = (&curves[0], &curves[1]);
                let first = (&a[..], &positive[..]);
                let second = (&other[0][..], &other_positive[..]);
                let draws = Bootstrap { replicates: REPLICATES, seed: i };
                let shuffles = Permutations { count: REPLICATES, seed: i };
                let three: Vec<&[f64]> = curves[..3].iter().map(Vec::as_slice).collect();
                let inferior = compare_paired(&curves[3], a, &positive, interval);
                [
                    rejects(compare_paired(a, b, &positive, interval), |t| t.p),
                    rejects(bootstrap_paired(a, b, &positive, draws, interval), |t| t.p),
                    rejects(permutation_paired(a, b, &positive, shuffles), |t| t.p),
                    rejects(
                        delong_curves(&three, &positive, interval).and_then(|c| c.all_equal(0.95)),
                        |t| t.p,
                    ),
                    rejects(compare_unpaired(first, second, interval), |t| t.p),
                    rejects(compare_unpaired_t(first, second, interval), |t| t.p),
                    rejects(inferior.and_then(|t| non_inferiority(&t, worse, 0.05)), |t| t.p),
                ]
            });
            let cells: Vec<String> = shares.iter().map(|&s| cell(s, 0.04, 0.06, studies)).collect();
            println!("| {} | {n}/{n} | {:.3} | {} |", kind.name(), true_auc(kind, s), cells.join(" | "));
        }
    }
}

fn chance(studies: u64) {
    let names =
        ["DeLong", "Hanley-McNeil", "permutation", "logit interval misses .5", "equivalence at its margin"];
    println!("| ratings | cases | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(names.len()));
    let interval = Interval::default();
    for (n, kind) in [15, 30, 100].into_iter().flat_map(|n| [(n, Kind::Continuous), (n, Kind::FivePoint)]) {
        let s = signal(0.66);
        let margin = true_auc(kind, s) - 0.5;
        let code = 200_000 + n as u64 * 1000 + u64::from(kind == Kind::FivePoint);
        let shares = measure(studies, code, |random, i| {
            let (curves, positive) = study(random, kind, &[0.0, s], n);
            let r = &curves[0];
            let shuffles = Permutations { count: REPLICATES, seed: i };
            let against =
                |e: Result<AucEstimate, ReadoutError>| e.and_then(|e| compare_with_constant(&e, 0.5));
            let at_margin = delong(&curves[1], &positive, interval);
            [
                rejects(against(delong(r, &positive, interval)), |t| t.p),
                rejects(against(hanley_mcneil(r, &positive, interval)), |t| t.p),
                rejects(permutation_against_chance(r, &positive, shuffles), |t| t.p),
                holds(delong(r, &positive, interval), 0.5).map(|h| !h),
                rejects(at_margin.and_then(|e| equivalence_to_constant(&e, 0.5, margin, 0.05)), |t| t.p),
            ]
        });
        let cells: Vec<String> = shares.iter().map(|&s| cell(s, 0.04, 0.06, studies)).collect();
        println!("| {} | {n}/{n} | {} |", kind.name(), cells.join(" | "));
    }
}

/// 40 sources, half with cancer; 20 are shown original and modified, 10 original only, 10 modified only.
fn partly_paired(studies: u64) {
    let names = [
        "difference, clustered test",
        "difference, DeLong unpaired",
        "detection .5, clustered",
        "detection .5, DeLong",
        "coverage of the difference, clustered",
        "coverage of detection, clustered",
    ];
    println!("| ratings | AUC | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(names.len()));
    let interval = Interval::default();
    for (kind, auc) in [Kind::Continuous, Kind::FivePoint].into_iter().flat_map(|k| [(k, 0.66), (k, 0.8)]) {
        let s = signal(auc);
        let code = 300_000 + (auc * 100.0) as u64 + u64::from(kind == Kind::FivePoint) * 500;
        let shares = measure(studies, code, |random, _| {
            let mut arms = [(vec![], vec![], vec![]), (vec![], vec![], vec![])];
            for source in 0..40 {
                let cancer = source % 2 == 0;
                let common: f64 = random.sample(StandardNormal);
                for modified in [false, true] {
                    if source < 20 || (source < 30) == modified {
                        let own: f64 = random.sample(StandardNormal);
                        let latent = 0.7f64.sqrt() * common + 0.3f64.sqrt() * own;
                        let arm = &mut arms[usize::from(modified)];
                        arm.0.push(kind.rating(latent + if cancer { s } else { 0.0 }, s));
                        arm.1.push(cancer);
                        arm.2.push(source);
                    }
                }
            }
            let [a, b] = &arms;
            let difference = ClusteredRatings::new(&a.0, &a.1, &a.2)
                .and_then(|a| Ok((a, ClusteredRatings::new(&b.0, &b.1, &b.2)?)))
                .and_then(|(a, b)| compare_clustered(&a, &b, interval));
            let covers = difference.as_ref().ok().map(|t| t.ci_low <= 0.0 && 0.0 <= t.ci_high);
            // Detection: the second arm's images are the positive ones.
            let ratings = [&a.0[..], &b.0].concat();
            let modified: Vec<bool> = (0..60).map(|i| i >= 30).collect();
            let sources = [&a.2[..], &b.2].concat();
            let by_source = clustered(&ratings, &modified, &sources, interval);
            let against = |e: &Result<AucEstimate, ReadoutError>| {
                e.clone().and_then(|e| compare_with_constant(&e, 0.5))
            };
            [
                rejects(difference, |t| t.p),
                rejects(compare_unpaired((&a.0, &a.1), (&b.0, &b.1), interval), |t| t.p),
                rejects(against(&by_source), |t| t.p),
                rejects(against(&delong(&ratings, &modified, interval)), |t| t.p),
                covers,
                holds(by_source, 0.5),
            ]
        });
        let mut cells: Vec<String> = shares[..4].iter().map(|&s| cell(s, 0.04, 0.06, studies)).collect();
        cells.extend(shares[4..].iter().map(|&s| cell(s, 0.93, 0.97, studies)));
        println!("| {} | {:.3} | {} |", kind.name(), true_auc(kind, s), cells.join(" | "));
    }
}

fn main() {
    let studies: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(2000);
    println!("### Coverage of 95 % intervals, percent\n");
    coverage(studies);
    println!("\n### Rejections of a true hypothesis at 5 %, two curves, percent\n");
    size(studies);
    println!("\n### Rejections of a true hypothesis at 5 %, one curve against chance, percent\n");
    chance(studies);
    println!("\n### The study's partly paired design, percent\n");
    partly_paired(studies);
}
