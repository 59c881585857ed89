use super::{RoeMetz, check_alpha, in_range};
use crate::mrmc::{
    CovarianceMethod, GallasSettings, MrmcError, MrmcSettings, Study, TTest, dorfman_berbaum_metz, gallas,
    obuchowski_rockette,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Which test a simulated study is analysed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimulatedTest {
    /// Obuchowski-Rockette, readers and cases random.
    ObuchowskiRockette(CovarianceMethod),
    /// Obuchowski-Rockette, readers fixed.
    FixedReaders(CovarianceMethod),
    /// Dorfman-Berbaum-Metz, readers and cases random.
    DorfmanBerbaumMetz,
    /// Gallas' U-statistics.
    Gallas,
}

impl SimulatedTest {
    /// The test of the study's first difference, or of its first mean against `constant` with one treatment.
    ///
    /// # Errors
    /// [`MrmcError`] as the analysis.
    ///
    /// ```
    /// use mammo_readout::{mrmc::{Reading, Study}, power::SimulatedTest};
    /// let mut rows = Vec::new();
    /// for (reader, shift) in [("r1", 0.0), ("r2", 0.7), ("r3", 0.2)] {
    ///     for (treatment, gain) in [("original", 1.0), ("modified", 0.2)] {
    ///         for case in 0..12 {
    ///             let noise = f64::from(case * 7 % 12) / 6.0 + shift * f64::from(case % 3);
    ///             rows.push(Reading {
    ///                 reader: reader.into(), treatment: treatment.into(), case: case.to_string(),
    ///                 positive: case % 2 == 0, rating: noise + if case % 2 == 0 { gain } else { 0.0 },
    ///             });
    ///         }
    ///     }
    /// }
    /// let study = Study::from_readings(rows)?;
    /// assert!(SimulatedTest::Gallas.test(&study, 0.95, 0.5)?.estimate > 0.0);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn test(self, study: &Study, level: f64, constant: f64) -> Result<TTest, MrmcError> {
        let settings =
            |covariance| MrmcSettings { covariance, level, constant: Some(constant), ..Default::default() };
        let view = match self {
            Self::Gallas => {
                let settings = GallasSettings { level, constant: Some(constant), ..Default::default() };
                let analysis = gallas(study, settings)?;
                return Ok(analysis.differences.first().map_or(analysis.treatments[0].test, |d| d.test));
            }
            Self::ObuchowskiRockette(covariance) => {
                obuchowski_rockette(study, settings(covariance))?.random_readers_random_cases
            }
            Self::FixedReaders(covariance) => {
                obuchowski_rockette(study, settings(covariance))?.fixed_readers_random_cases
            }
            Self::DorfmanBerbaumMetz => {
                dorfman_berbaum_metz(study, settings(CovarianceMethod::Jackknife))?
                    .random_readers_random_cases
            }
        };
        Ok(view.differences.first().map_or(view.treatments[0].test, |d| d.test))
    }
}

/// A study to simulate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimulatedDesign {
    /// Where ratings come from.
    pub model: RoeMetz,
    /// Population AUC of each treatment, one or two.
    pub aucs: Vec<f64>,
    /// Readers.
    pub readers: usize,
    /// Positive cases.
    pub n_pos: usize,
    /// Negative cases.
    pub n_neg: usize,
    /// The analysis.
    pub test: SimulatedTest,
    /// Significance level; intervals have coverage `1 - alpha`.
    pub alpha: f64,
    /// What a single treatment is held against.
    pub constant: f64,
    /// Studies to simulate, at least 100.
    pub replicates: usize,
    /// The number that everything random follows from.
    pub seed: u64,
}

/// How often simulated studies rejected and covered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SimulatedPower {
    /// Share of studies with p below alpha: power, or the size of the test when the null hypothesis holds.
    pub rejected: f64,
    /// Share of intervals that hold the true value.
    pub covered: f64,
    /// Standard error of `rejected` from the number of replicates.
    pub standard_error: f64,
    /// Studies without a test, since their standard error was zero; they count as not rejected and not covered.
    pub without_test: usize,
    /// Mean estimate.
    pub mean_estimate: f64,
    /// Standard deviation of the estimates.
    pub sd_estimate: f64,
    /// Root of the mean squared standard error, to be held against `sd_estimate`.
    pub mean_se: f64,
}

/// Simulates studies and analyses each. Replicate `n` draws from stream `n` of the seed, so the result does not depend on
/// the number of threads.
///
/// # Errors
/// [`MrmcError`] for numbers out of range or a design that the analysis refuses.
///
/// ```
/// use mammo_readout::{mrmc::CovarianceMethod, power::{RoeMetz, SimulatedDesign, SimulatedTest, simulate}};
///
/// let design = SimulatedDesign {
///     model: RoeMetz::high_correlation(0.01), aucs: vec![0.9, 0.6], readers: 4, n_pos: 20, n_neg: 20,
///     test: SimulatedTest::ObuchowskiRockette(CovarianceMethod::DeLong), alpha: 0.05, constant: 0.5,
///     replicates: 100, seed: 7,
/// };
/// assert!(simulate(&design)?.rejected > 0.8);
/// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
/// ```
pub fn simulate(design: &SimulatedDesign) -> Result<SimulatedPower, MrmcError> {
    check_alpha(design.alpha)?;
    in_range("the number of replicates", design.replicates as f64, design.replicates >= 100, "100 or more")?;
    in_range(
        "the number of treatments",
        design.aucs.len() as f64,
        (1..=2).contains(&design.aucs.len()),
        "1 or 2",
    )?;
    let truth = if design.aucs.len() == 2 { design.aucs[0] - design.aucs[1] } else { design.aucs[0] };
    let tests: Vec<TTest> = (0..design.replicates as u64)
        .into_par_iter()
        .map(|replicate| {
            let mut rng = ChaCha8Rng::seed_from_u64(design.seed);
            rng.set_stream(replicate);
            let study =
                design.model.study(&design.aucs, design.readers, design.n_pos, design.n_neg, &mut rng)?;
            design.test.test(&study, 1.0 - design.alpha, design.constant)
        })
        .collect::<Result<_, MrmcError>>()?;
    let n = tests.len() as f64;
    let share = |of: &dyn Fn(&TTest) -> bool| tests.iter().filter(|t| of(t)).count() as f64 / n;
    let rejected = share(&|t| t.p.is_some_and(|p| p < design.alpha));
    let mean_estimate = tests.iter().map(|t| t.estimate).sum::<f64>() / n;
    let spread = tests.iter().map(|t| (t.estimate - mean_estimate).powi(2)).sum::<f64>() / (n - 1.0);
    Ok(SimulatedPower {
        rejected,
        covered: share(&|t| t.t.is_some() && t.ci_low <= truth && truth <= t.ci_high),
        standard_error: (rejected * (1.0 - rejected) / n).sqrt(),
        without_test: tests.iter().filter(|t| t.t.is_none()).count(),
        mean_estimate,
        sd_estimate: spread.sqrt(),
        mean_se: (tests.iter().map(|t| t.se * t.se).sum::<f64>() / n).sqrt(),
    })
}
