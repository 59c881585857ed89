//! Size, coverage and power of the multi-reader tests over Roe and Metz' model; prints the tables of
//! `docs/statistics/validity-mrmc.md`. `validity_mrmc [REPLICATES]`.

use mammo_readout::{
    mrmc::CovarianceMethod,
    power::{RoeMetz, SimulatedDesign, SimulatedTest, simulate},
};

const TESTS: [(&str, SimulatedTest); 4] = [
    ("Obuchowski-Rockette, jackknife", SimulatedTest::ObuchowskiRockette(CovarianceMethod::Jackknife)),
    ("Obuchowski-Rockette, DeLong", SimulatedTest::ObuchowskiRockette(CovarianceMethod::DeLong)),
    ("Dorfman-Berbaum-Metz", SimulatedTest::DorfmanBerbaumMetz),
    ("Gallas", SimulatedTest::Gallas),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let replicates = std::env::args().nth(1).map_or(Ok(4000), |n| n.parse())?;
    let models = [
        ("high correlation, small reader variance", RoeMetz::high_correlation(0.0055)),
        ("high correlation, large reader variance", RoeMetz::high_correlation(0.03)),
        ("low correlation, small reader variance", RoeMetz::low_correlation(0.0055)),
        ("low correlation, large reader variance", RoeMetz::low_correlation(0.03)),
    ];
    println!("### Two treatments with the same AUC: rejections at 5 % and coverage of 95 % intervals\n");
    println!("| model | AUC | readers | cases | method | rejected | covered | SE / SD |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, model) in models {
        for (auc, readers, n) in [(0.702, 3, 30), (0.855, 3, 30), (0.855, 5, 50), (0.702, 10, 30)] {
            for (label, test) in TESTS {
                row(name, model, &[auc, auc], readers, n, label, test, replicates)?;
            }
        }
    }
    println!("\n### One treatment at chance: rejections of AUC .5 at 5 % and coverage\n");
    println!("| model | AUC | readers | cases | method | rejected | covered | SE / SD |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, model) in models {
        for (readers, n) in [(3, 30), (5, 50)] {
            for (label, test) in [TESTS[0], TESTS[3]] {
                row(name, model, &[0.5], readers, n, label, test, replicates)?;
            }
        }
    }
    println!(
        "\n### Readers fixed (chi-square), the model's readers being random: what it costs to generalise\n"
    );
    println!("| model | AUC | readers | cases | method | rejected | covered | SE / SD |");
    println!("|---|---|---|---|---|---|---|---|");
    let fixed = SimulatedTest::FixedReaders(CovarianceMethod::Jackknife);
    for (name, model) in [models[0], models[1]] {
        row(name, model, &[0.855, 0.855], 3, 30, "fixed readers", fixed, replicates)?;
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)] // one argument a column
fn row(
    name: &str,
    model: RoeMetz,
    aucs: &[f64],
    readers: usize,
    n: usize,
    label: &str,
    test: SimulatedTest,
    replicates: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let result = simulate(&SimulatedDesign {
        model,
        aucs: aucs.to_vec(),
        readers,
        n_pos: n,
        n_neg: n,
        test,
        alpha: 0.05,
        constant: 0.5,
        replicates,
        seed: 20_181_118,
    })?;
    let off = |inside: bool| if inside { "" } else { " *" };
    println!(
        "| {name} | {:.3} | {readers} | {n} + {n} | {label} | {:.1} %{} | {:.1} %{} | {:.2} |",
        aucs[0],
        100.0 * result.rejected,
        off((0.04..=0.06).contains(&result.rejected)),
        100.0 * result.covered,
        off((0.93..=0.97).contains(&result.covered)),
        result.mean_se / result.sd_estimate
    );
    Ok(())
}
