use super::{
    args::{Method, MrmcPowerArgs, PowerArgs, PowerCommand, SampledArg, SimulateArgs},
    print, read,
};
use anyhow::{bail, ensure};
use mammo_readout::{
    mrmc::{CovarianceMethod, MrmcSettings, obuchowski_rockette},
    plot::{PowerCurve, power_plot},
    power::{
        BinormalVariance, DfRule, MeanDesign, OrVariances, PairedRoc, ReaderModel, RoeMetz, Sampling,
        SimulatedDesign, SimulatedTest, SingleRoc, simulate,
    },
};
use serde_json::{Value, json};

/// `mammo stats power`.
pub(super) fn run(args: &PowerArgs) -> anyhow::Result<()> {
    let (text, value) = match &args.design {
        PowerCommand::Single(a) => {
            let design = SingleRoc {
                auc: a.auc,
                alpha: a.alpha,
                two_sided: !a.one_sided,
                variance: BinormalVariance::Exact,
            };
            if let (Some(positive), Some(negative)) = (a.positive, a.negative) {
                let power = design.power(positive, negative)?;
                (format!("power {power:.4}"), json!({ "power": power }))
            } else {
                let positive = design.positives_for(a.power, a.ratio)?;
                cases(positive, positive * a.ratio)
            }
        }
        PowerCommand::Paired(a) => {
            let design = PairedRoc {
                difference: a.difference,
                var_a: a.var_a,
                var_b: a.var_b,
                covariance: a.covariance,
                pilot_positives: a.pilot_positive,
                alpha: a.alpha,
                two_sided: true,
            };
            if let Some(positive) = a.positive {
                let power = design.power(positive)?;
                (format!("power {power:.4}"), json!({ "power": power }))
            } else {
                let positive = design.positives_for(a.power)?;
                (
                    format!(
                        "{} positive cases ({positive:.2}), negatives in the pilot's ratio",
                        positive.ceil()
                    ),
                    json!({ "positive": positive }),
                )
            }
        }
        PowerCommand::Mean(a) => {
            let model = ReaderModel { reader_sd: a.reader_sd, correlation: a.correlation };
            let design =
                MeanDesign { auc: a.auc, readers: a.readers, n_pos: a.positive, n_neg: a.negative, model };
            let (se, df) = design.precision()?;
            let power = design.power_against(a.constant, a.alpha)?;
            let equivalence =
                a.margin.map(|margin| design.equivalence_power(a.constant, margin, a.alpha)).transpose()?;
            let mut text = format!("power against {} is {power:.4} (SE {se:.4}, df {df:.2})", a.constant);
            if let Some(e) = equivalence {
                text.extend(["\npower of equivalence is ".to_owned(), format!("{e:.4}")]);
            }
            (text, json!({ "power": power, "equivalence_power": equivalence, "se": se, "df": df }))
        }
        PowerCommand::Mrmc(a) => mrmc(a)?,
        PowerCommand::Simulate(a) => simulated(a)?,
    };
    let text = if args.json {
        serde_json::to_string_pretty(&json!({ "schema": "mammo-stats-power/1", "result": value }))?
    } else {
        text
    };
    print(&(text + "\n"))
}

fn cases(positive: f64, negative: f64) -> (String, Value) {
    (
        format!(
            "{} positive and {} negative cases ({positive:.2} and {negative:.2})",
            positive.ceil(),
            negative.ceil()
        ),
        json!({ "positive": positive, "negative": negative }),
    )
}

fn mrmc(a: &MrmcPowerArgs) -> anyhow::Result<(String, Value)> {
    let mut study = read(&a.pilot, a.format, &a.table)?.study;
    if let Some(names) = &a.compare {
        ensure!(names.len() == 2, "--compare needs two treatments, A,B");
        study = study.select_treatments(&[&names[0], &names[1]])?;
    }
    ensure!(
        study.treatments().len() == 2,
        "the pilot has {} treatments; pick two with --compare A,B",
        study.treatments().len()
    );
    let analysis = obuchowski_rockette(&study, MrmcSettings::default())?;
    let pilot = OrVariances::of(&analysis)?;
    let effect = a.effect.unwrap_or(analysis.random_readers_random_cases.differences[0].test.estimate);
    let sampling = match a.sampled {
        SampledArg::Both => Sampling::ReadersAndCases,
        SampledArg::Cases => Sampling::Cases,
        SampledArg::Readers => Sampling::Readers,
    };
    let rule = if a.obuchowski { DfRule::Obuchowski } else { DfRule::Hillis };
    let at = |cases| pilot.power(effect, a.readers, cases, a.alpha, sampling, rule);
    if let Some(path) = &a.plot {
        let curve = |readers: usize| {
            let points = (1..=40)
                .map(|i| {
                    let cases = 10.0 * f64::from(i);
                    Ok((cases, pilot.power(effect, readers, cases, a.alpha, sampling, rule)?.power))
                })
                .collect::<anyhow::Result<Vec<_>>>()?;
            Ok(PowerCurve { name: format!("{readers} readers"), points })
        };
        let readers = [a.readers.div_ceil(2).max(2), a.readers, a.readers * 2];
        let curves = readers.into_iter().map(curve).collect::<anyhow::Result<Vec<_>>>()?;
        fs_err::write(path, power_plot("cases, both classes", &curves))?;
    }
    if let Some(cases) = a.cases {
        let planned = at(cases)?;
        return Ok((
            format!("power {:.4} for a difference of {effect:.4}", planned.power),
            json!({ "effect": effect, "pilot": pilot, "planned": planned }),
        ));
    }
    let needed = pilot.cases_for(a.power, effect, a.readers, a.alpha, sampling, rule)?;
    let text = match needed {
        Some(cases) => format!("{cases} cases for a power of {} at a difference of {effect:.4}", a.power),
        None => format!(
            "no number of cases gives {} readers a power of {}; plan more readers",
            a.readers, a.power
        ),
    };
    Ok((text, json!({ "effect": effect, "pilot": pilot, "cases": needed })))
}

fn simulated(a: &SimulateArgs) -> anyhow::Result<(String, Value)> {
    let test = match a.method {
        Method::Or => SimulatedTest::ObuchowskiRockette(CovarianceMethod::Jackknife),
        Method::Dbm => SimulatedTest::DorfmanBerbaumMetz,
        Method::Gallas => SimulatedTest::Gallas,
        Method::Delong | Method::Bootstrap => bail!("simulate with --method or, dbm or gallas"),
    };
    let model = if a.low_correlation {
        RoeMetz::low_correlation(a.var_r)
    } else {
        RoeMetz::high_correlation(a.var_r)
    };
    let result = simulate(&SimulatedDesign {
        model,
        aucs: a.aucs.clone(),
        readers: a.readers,
        n_pos: a.positive,
        n_neg: a.negative,
        test,
        alpha: a.alpha,
        constant: 0.5,
        replicates: a.replicates,
        seed: a.seed,
    })?;
    let text = format!(
        "rejected {:.4} (standard error {:.4} from {} studies), coverage {:.4}",
        result.rejected, result.standard_error, a.replicates, result.covered
    );
    Ok((text, serde_json::to_value(result)?))
}
