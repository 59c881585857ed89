use super::{MrmcError, TTest};
use crate::distribution::{chi_square, f};
use serde::{Deserialize, Serialize};

/// The tests under one view of what was sampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inference {
    /// The test that all treatments are equal; none with a single treatment.
    pub overall: Option<OverallTest>,
    /// Differences between treatments, the earlier minus the later.
    pub differences: Vec<Difference>,
    /// Each treatment's mean over readers, against the constant of the settings.
    pub treatments: Vec<TreatmentMean>,
}

/// Test of the null hypothesis that all treatments have the same mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OverallTest {
    /// F, or chi-square where `df2` is none. None when its denominator is zero.
    pub statistic: Option<f64>,
    /// Numerator degrees of freedom.
    pub df1: f64,
    /// Denominator degrees of freedom; none for chi-square.
    pub df2: Option<f64>,
    /// P-value.
    pub p: Option<f64>,
    /// The denominator: the mean square that the treatment mean square is held against.
    pub error_term: f64,
}

impl OverallTest {
    pub(super) fn f(ms_t: f64, error: f64, df1: f64, df2: f64) -> Result<Self, MrmcError> {
        let statistic = (error > 0.0).then(|| ms_t / error);
        let p = statistic.map(|x| f::survival(x, df1, df2)).transpose()?;
        Ok(Self { statistic, df1, df2: df2.is_finite().then_some(df2), p, error_term: error })
    }

    pub(super) fn chi_square(ms_t: f64, error: f64, df: f64) -> Result<Self, MrmcError> {
        let statistic = (error > 0.0).then(|| df * ms_t / error);
        let p = statistic.map(|x| chi_square::survival(x, df)).transpose()?;
        Ok(Self { statistic, df1: df, df2: None, p, error_term: error })
    }
}

/// The difference between two treatments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The treatment that is subtracted from.
    pub a: String,
    /// The treatment that is subtracted.
    pub b: String,
    /// `a - b`, against zero.
    pub test: TTest,
}

/// The mean of a treatment over its readers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TreatmentMean {
    /// The treatment.
    pub treatment: String,
    /// Its mean, against a constant.
    pub test: TTest,
    /// Limits of the mean that are symmetric on the logit scale: [`TTest::logit_limits`].
    pub logit_limits: Option<(f64, f64)>,
}

impl TreatmentMean {
    pub(super) fn new(treatment: &str, test: TTest) -> Self {
        Self { treatment: treatment.to_owned(), test, logit_limits: test.logit_limits() }
    }
}

/// Hillis' denominator degrees of freedom (Statistics in Medicine 2007;26:596): `df (error / ms)²`, where `error` is `ms`
/// plus a share from cases. Without spread between readers (`ms` zero) they are infinite.
pub(super) fn hillis_df(ms: f64, error: f64, df: f64) -> f64 {
    if ms > 0.0 { df * (error / ms).powi(2) } else { f64::INFINITY }
}

/// Two-way table of figures of merit, `[treatment][reader]`, with its mean squares.
pub(super) struct MeanSquares {
    pub(super) means: Vec<f64>,
    pub(super) t: Option<f64>,
    pub(super) r: f64,
    pub(super) tr: Option<f64>,
    /// Between readers within each treatment.
    pub(super) r_within: Vec<f64>,
}

impl MeanSquares {
    pub(super) fn new(values: &[Vec<f64>]) -> Self {
        let (i, j) = (values.len() as f64, values[0].len() as f64);
        let mean = |row: &[f64]| row.iter().sum::<f64>() / row.len() as f64;
        let means: Vec<f64> = values.iter().map(|row| mean(row)).collect();
        let of_reader: Vec<f64> =
            (0..values[0].len()).map(|r| values.iter().map(|row| row[r]).sum::<f64>() / i).collect();
        let all = mean(&means);
        let square_sum = |terms: &mut dyn Iterator<Item = f64>| terms.map(|d| d * d).sum::<f64>();
        let t = j * square_sum(&mut means.iter().map(|m| m - all)) / (i - 1.0);
        let r = i * square_sum(&mut of_reader.iter().map(|m| m - all)) / (j - 1.0);
        let residuals = values
            .iter()
            .zip(&means)
            .flat_map(|(row, m)| row.iter().zip(&of_reader).map(move |(v, r)| v - m - r + all));
        let tr = square_sum(&mut residuals.into_iter()) / ((i - 1.0) * (j - 1.0));
        let r_within = values
            .iter()
            .zip(&means)
            .map(|(row, m)| square_sum(&mut row.iter().map(|v| v - m)) / (j - 1.0))
            .collect();
        let several = values.len() > 1;
        Self { means, t: several.then_some(t), r, tr: several.then_some(tr), r_within }
    }
}
