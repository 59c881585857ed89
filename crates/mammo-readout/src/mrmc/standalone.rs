use super::{
    FigureOfMerit, Flag, MrmcError, MrmcSettings, Study, TTest,
    cell::{cells, check_cells, check_classes},
    clusters::check_clusters,
    covariance::{self, Covariances},
    inference::hillis_df,
    obuchowski_rockette::data_flags,
};
use serde::{Deserialize, Serialize};

/// The result of [`compare_with_standalone`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandaloneComparison {
    /// The reader that stands alone.
    pub standalone: String,
    /// Its figure of merit.
    pub standalone_value: f64,
    /// The other readers.
    pub readers: Vec<String>,
    /// Their figures of merit.
    pub values: Vec<f64>,
    /// What is computed from ratings.
    pub fom: FigureOfMerit,
    /// Mean of the readers less the standalone reader, for random readers and cases.
    pub test: TTest,
    /// Mean square of the readers' differences.
    pub ms_r: f64,
    /// Mean variance of a difference over cases.
    pub var_error: f64,
    /// Mean covariance between two readers' differences over cases.
    pub cov2: f64,
    /// What to know about the numbers.
    pub flags: Vec<Flag>,
}

/// Compares readers with one that stands alone, such as an algorithm, on the same cases under one treatment.
///
/// Each reader's difference from the standalone one is a figure of merit of a single treatment in the
/// Obuchowski-Rockette model (Hillis, Obuchowski and Berbaum, Academic Radiology 2011;18:129; Chakraborty, Observer
/// Performance Methods, 2017, chapter 22): readers and cases are random, the algorithm is fixed.
/// `Cov(D_j, D_k) = Cov_jk - Cov_ja - Cov_ka + Var_a`, the standard error `sqrt((MSR + J max(Cov2, 0)) / J)`.
///
/// # Errors
/// [`MrmcError`] for an unknown reader, several treatments (select one), fewer than two other readers, or a cell without
/// two readings of each class.
///
/// ```
/// use mammo_readout::mrmc::{MrmcSettings, Reading, Study, compare_with_standalone};
///
/// let mut rows = Vec::new();
/// for (reader, skill) in [("r1", 1.0), ("r2", 0.5), ("r3", 1.5), ("detector", 5.0)] {
///     for case in 0..20_u32 {
///         rows.push(Reading {
///             reader: reader.into(), treatment: "altered".into(), case: case.to_string(), positive: case % 2 == 0,
///             rating: f64::from(case * 7 % 11) / 3.0 + if case % 2 == 0 { skill } else { 0.0 },
///         });
///     }
/// }
/// let result = compare_with_standalone(&Study::from_readings(rows)?, "detector", MrmcSettings::default())?;
/// assert!(result.test.estimate < 0.0);
/// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
/// ```
pub fn compare_with_standalone(
    study: &Study,
    standalone: &str,
    settings: MrmcSettings,
) -> Result<StandaloneComparison, MrmcError> {
    settings.check()?;
    if study.treatments().len() != 1 {
        let (what, value) = ("the number of treatments", study.treatments().len() as f64);
        return Err(MrmcError::OutOfRange { what, value, range: "1; select the treatment to compare under" });
    }
    let Some(alone) = study.readers().iter().position(|name| name == standalone) else {
        return Err(MrmcError::UnknownReader { name: standalone.to_owned() });
    };
    let others: Vec<usize> = (0..study.readers().len()).filter(|&r| r != alone).collect();
    if others.len() < 2 {
        return Err(MrmcError::TooFew { what: "other readers", found: others.len(), needed: 2 });
    }
    check_classes(study, 2)?;
    let cells = cells(study);
    check_cells(study, &cells, 2)?;
    check_clusters(study, &cells)?;
    let values: Vec<f64> = cells[0].iter().map(|cell| covariance::value(cell, settings.fom)).collect();
    let cov = Covariances::new(study, &cells, settings.fom, settings.covariance)?;
    let at = |a: usize, b: usize| cov.at((0, a), (0, b));
    let of_differences = |a: usize, b: usize| at(a, b) - at(a, alone) - at(b, alone) + at(alone, alone);

    let j = others.len() as f64;
    let mean = others.iter().map(|&r| values[r] - values[alone]).sum::<f64>() / j;
    let ms_r = others.iter().map(|&r| (values[r] - values[alone] - mean).powi(2)).sum::<f64>() / (j - 1.0);
    let var_error = others.iter().map(|&r| of_differences(r, r)).sum::<f64>() / j;
    let mut cov2 = 0.0;
    for &a in &others {
        cov2 += others.iter().filter(|&&b| b != a).map(|&b| of_differences(a, b)).sum::<f64>();
    }
    cov2 /= j * (j - 1.0);

    let mut flags = data_flags(study, &cells, settings.fom)?;
    if cov2 < 0.0 {
        flags.push(Flag::NegativeVariance { component: "Cov2 of the differences".to_owned(), value: cov2 });
    }
    let error = ms_r + j * cov2.max(0.0);
    let df = hillis_df(ms_r, error, j - 1.0);
    let test = TTest::new(mean, (error / j).sqrt(), df, 0.0, settings.level)?;
    if test.t.is_none() {
        flags.push(Flag::ZeroStandardError { what: "the mean difference".to_owned() });
    }
    Ok(StandaloneComparison {
        standalone: standalone.to_owned(),
        standalone_value: values[alone],
        readers: others.iter().map(|&r| study.readers()[r].clone()).collect(),
        values: others.iter().map(|&r| values[r]).collect(),
        fom: settings.fom,
        test,
        ms_r,
        var_error,
        cov2,
        flags,
    })
}
