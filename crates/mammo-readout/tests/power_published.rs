//! Agreement of power and sample size with published answers; sources and licences in `data/README.md`.

use mammo_readout::{
    formats::{ReadOptions, read_long_csv},
    mrmc::{MrmcSettings, obuchowski_rockette},
    power::{BinormalVariance, DfRule, MeanDesign, OrVariances, PairedRoc, ReaderModel, Sampling, SingleRoc},
};

mod shared;

#[track_caller]
fn close(found: f64, wanted: f64, tolerance: f64) {
    assert!((found - wanted).abs() <= tolerance, "found {found}, published {wanted}");
}

fn vandyke() -> Option<OrVariances> {
    let text = shared::vector("vandyke.csv")?;
    let study = read_long_csv(&text, "vandyke.csv", &ReadOptions::default()).unwrap().study;
    Some(OrVariances::of(&obuchowski_rockette(&study, MrmcSettings::default()).unwrap()).unwrap())
}

/// Sample sizes that RJafroc (tests/testthat/test-SsSampleSizeRoc.R) prints for Van Dyke's data.
#[test]
fn multi_reader_power_from_vandyke() {
    let Some(pilot) = vandyke() else { return };
    let effect = -0.043800322;
    let power = |readers, cases: f64, sampling| {
        pilot.power(effect, readers, cases, 0.05, sampling, DfRule::Hillis).unwrap().power
    };
    close(power(10, 165.0, Sampling::ReadersAndCases), 0.80541995, 1e-7);
    close(power(10, 131.0, Sampling::Cases), 0.80091813, 1e-7);
    close(power(10, 53.0, Sampling::Readers), 0.80496663, 1e-7);
    close(power(6, 111.0, Sampling::ReadersAndCases), 0.5526116, 1e-7);
    let cases = pilot.cases_for(0.8, effect, 6, 0.05, Sampling::ReadersAndCases, DfRule::Hillis).unwrap();
    assert_eq!(cases, Some(251));
    // Obuchowski's rule has fewer degrees of freedom and so less power.
    let conservative =
        pilot.power(effect, 10, 165.0, 0.05, Sampling::ReadersAndCases, DfRule::Obuchowski).unwrap();
    assert!(conservative.power < 0.80541995 && conservative.df2 == Some(9.0));
}

fn single(auc: f64) -> SingleRoc {
    SingleRoc { auc, alpha: 0.05, two_sided: true, variance: BinormalVariance::AsPrinted }
}

/// Values that pROC's tests hold for its aSAH example, whose formula takes 1.414 for the root of two.
#[test]
fn one_curve() {
    close(single(0.731368563685637).power(41.0, 72.0).unwrap(), 0.9904833, 1e-7);
    close(single(0.73).power(41.0, 72.0).unwrap(), 0.9897453, 1e-7);
    let cases = single(0.731368563685637).positives_for(0.95, 1.7).unwrap();
    close(cases, 29.29764, 1e-5);
    close(cases * 1.7, 49.806, 1e-3);
    close(single(0.731368563685637).positives_for(0.9, 1.0).unwrap(), 29.5697422, 1e-7);
    let cases = single(0.731368563685637).positives_for(0.9, 72.0 / 41.0).unwrap();
    close(cases, 23.5598674, 1e-7);
    close(cases * 72.0 / 41.0, 41.3734257, 1e-7);
    close(single(0.73).alpha_for(0.95, 41.0, 72.0).unwrap(), 0.009238584, 1e-9);
    // pROC stops its search for the AUC at a tolerance of 1e-4: its .6961054 has power .950004 by its own formula.
    close(single(0.7).detectable(0.95, 41.0, 72.0).unwrap().unwrap(), 0.6961054, 1e-5);
}

#[test]
fn two_paired_curves() {
    // Variances and covariances by DeLong of the aSAH predictors, as pROC prints them.
    let (ndka, wfns, s100b) = (0.0031908105493913, 0.00146991470882363, 0.00266868245717244);
    let pair = |difference, var_b, covariance| PairedRoc {
        difference,
        var_a: ndka,
        var_b,
        covariance,
        pilot_positives: 41.0,
        alpha: 0.05,
        two_sided: true,
    };
    let first = pair(0.611957994579946 - 0.823678861788618, wfns, -0.000532967856762438);
    close(first.power(41.0).unwrap(), 0.7131594, 1e-7);
    close(first.positives_for(0.9).unwrap(), 64.77777, 1e-5);
    close(first.positives_for(0.9).unwrap() * 72.0 / 41.0, 113.7561, 1e-4);
    let second = PairedRoc {
        var_a: s100b,
        var_b: ndka,
        ..pair(0.731368563685637 - 0.611957994579946, 0.0, -0.000756164938056579)
    };
    close(second.positives_for(0.9).unwrap(), 213.117677, 1e-6);
}

/// Obuchowski, Lieber and Wians 2004, Table 4 (one-sided 5 %, power 90 %, at least 10 of a class), by the formula: the
/// paper misprints two of the cells.
#[test]
fn sample_sizes_of_obuchowski_2004() {
    let kappas = [0.25, 0.5, 1.0, 2.0, 4.0];
    let controls = [
        [84, 20, 10, 10, 10],
        [101, 25, 10, 10, 10],
        [135, 33, 14, 10, 10],
        [203, 50, 21, 20, 20],
        [340, 84, 40, 40, 40],
    ];
    let cases = [
        [334, 80, 40, 40, 40],
        [202, 49, 20, 20, 20],
        [135, 33, 14, 10, 10],
        [102, 25, 11, 10, 10],
        [85, 21, 10, 10, 10],
    ];
    for (k, kappa) in kappas.into_iter().enumerate() {
        for (a, auc) in [0.6, 0.7, 0.8, 0.9, 0.95].into_iter().enumerate() {
            let design = SingleRoc { alpha: 0.05, two_sided: false, ..single(auc) };
            let positives = design.positives_for(0.9, kappa).unwrap();
            // At least ten of each class, in the ratio asked for.
            let positives = positives.max(10.0).max(10.0 / kappa);
            assert_eq!(positives.ceil() as i32, cases[k][a], "cases at {kappa}, {auc}");
            assert_eq!((positives * kappa).ceil() as i32, controls[k][a], "controls at {kappa}, {auc}");
        }
    }
}

/// The planning numbers of the study's own size from an independent program, which printed powers to two digits.
#[test]
fn studies_of_the_size_of_becker() {
    for (auc, needed) in
        [(0.66, [48.0, 64.0]), (0.60, [124.0, 166.0]), (0.70, [31.0, 41.0]), (0.75, [19.0, 26.0])]
    {
        let design = SingleRoc { variance: BinormalVariance::Exact, ..single(auc) };
        assert_eq!([0.8, 0.9].map(|p| design.positives_for(p, 1.0).unwrap().ceil()), needed);
    }
    let mean =
        |auc, readers, n| MeanDesign { auc, readers, n_pos: n, n_neg: n, model: ReaderModel::default() };
    for (auc, readers, powers) in [
        (0.66, 3, [0.63, 0.74, 0.83]),
        (0.66, 5, [0.84, 0.94, 0.99]),
        (0.66, 8, [0.92, 0.98, 1.0]),
        (0.60, 3, [0.29, 0.37, 0.45]),
        (0.60, 5, [0.43, 0.58, 0.75]),
        (0.60, 8, [0.52, 0.70, 0.89]),
    ] {
        for (n, power) in [30, 50, 100].into_iter().zip(powers) {
            close(mean(auc, readers, n).power_against(0.5, 0.05).unwrap(), power, 0.006);
        }
    }
    let plug_in =
        |readers, n, margin| mean(0.5, readers, n).equivalence_power_plug_in(0.5, margin, 0.05).unwrap();
    close(plug_in(3, 200, 0.10), 0.36, 0.005);
    close(plug_in(5, 100, 0.10), 0.71, 0.005);
    close(plug_in(10, 100, 0.10), 0.91, 0.005);
    close(plug_in(5, 60, 0.15), 0.94, 0.005);
    // Exact values by adaptive quadrature (SciPy 1.17 `quad` of the same probability).
    let exact = |readers, n, margin| mean(0.5, readers, n).equivalence_power(0.5, margin, 0.05).unwrap();
    close(exact(3, 200, 0.10), 0.476, 5e-4);
    close(exact(5, 100, 0.10), 0.694, 5e-4);
    close(exact(10, 100, 0.10), 0.911, 5e-4);
    close(exact(5, 60, 0.15), 0.927, 5e-4);
}
