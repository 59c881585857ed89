use super::binormal_area::check_fits;
use super::{
    CovarianceMethod, Difference, FigureOfMerit, Flag, Inference, MrmcError, OverallTest, Study, TTest,
    TreatmentMean,
    cell::{Cell, cells, check_cells, check_classes},
    clusters::check_clusters,
    covariance::{self, Covariances},
    inference::{MeanSquares, hillis_df},
    t_test::check_level,
};
use serde::{Deserialize, Serialize};

/// Settings of [`obuchowski_rockette`] and [`super::dorfman_berbaum_metz`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MrmcSettings {
    /// What is computed from each reader's ratings.
    pub fom: FigureOfMerit,
    /// How covariances are estimated (the Dorfman-Berbaum-Metz method is always a jackknife).
    pub covariance: CovarianceMethod,
    /// Two-sided coverage of intervals, in `(0, 1)`.
    pub level: f64,
    /// What each treatment's mean is held against; none takes the value under guessing, or zero where there is none.
    pub constant: Option<f64>,
}

impl Default for MrmcSettings {
    fn default() -> Self {
        Self { fom: FigureOfMerit::Auc, covariance: CovarianceMethod::Jackknife, level: 0.95, constant: None }
    }
}

impl MrmcSettings {
    pub(super) fn constant(&self) -> f64 {
        self.constant.or_else(|| self.fom.chance()).unwrap_or(0.0)
    }

    pub(super) fn check(&self) -> Result<(), MrmcError> {
        check_level(self.level)?;
        self.fom.check()?;
        match self.constant {
            Some(value) if !value.is_finite() => {
                Err(MrmcError::OutOfRange { what: "the constant", value, range: "finite" })
            }
            _ => Ok(()),
        }
    }
}

/// Estimates of the Obuchowski-Rockette model. Entries that need two treatments are none with one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrComponents {
    /// Mean square of treatments.
    pub ms_t: Option<f64>,
    /// Mean square of readers.
    pub ms_r: f64,
    /// Mean square of the interaction.
    pub ms_tr: Option<f64>,
    /// Mean variance of a figure of merit for a fixed reader and treatment.
    pub var_error: f64,
    /// Mean covariance: same reader, different treatments.
    pub cov1: Option<f64>,
    /// Mean covariance: different readers, same treatment.
    pub cov2: f64,
    /// Mean covariance: different readers and treatments.
    pub cov3: Option<f64>,
    /// Variance between readers, `(MSR - MSTR) / I - Cov1 + Cov3`; may come out negative, and is then flagged.
    pub var_r: Option<f64>,
    /// Variance of the interaction, `MSTR - Var(error) + Cov1 + max(Cov2 - Cov3, 0)`; may come out negative, and is then
    /// flagged.
    pub var_tr: Option<f64>,
}

/// One treatment by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SingleTreatment {
    /// The treatment.
    pub treatment: String,
    /// Mean over readers.
    pub mean: f64,
    /// Mean square of readers within the treatment.
    pub ms_r: f64,
    /// Mean variance within the treatment.
    pub var_error: f64,
    /// Mean covariance between readers within the treatment.
    pub cov2: f64,
}

/// A fixed reader's difference between two treatments; only the cases are a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReaderDifference {
    /// The reader.
    pub reader: String,
    /// The treatment that is subtracted from.
    pub a: String,
    /// The treatment that is subtracted.
    pub b: String,
    /// `a - b` against zero, by the normal distribution.
    pub test: TTest,
    /// Mean of the two variances.
    pub var_error: f64,
    /// Covariance of the two.
    pub cov1: f64,
}

/// The result of [`obuchowski_rockette`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrAnalysis {
    /// Settings.
    pub settings: MrmcSettings,
    /// What the truth is called.
    pub truth: String,
    /// Readers in order.
    pub readers: Vec<String>,
    /// Treatments in order.
    pub treatments: Vec<String>,
    /// Positive cases.
    pub n_pos: usize,
    /// Negative cases.
    pub n_neg: usize,
    /// Clusters that the cases form, where they do.
    pub clusters: Option<usize>,
    /// Figure of merit by treatment and reader.
    pub values: Vec<Vec<f64>>,
    /// Its standard error for a fixed reader.
    pub standard_errors: Vec<Vec<f64>>,
    /// Estimates of the model.
    pub components: OrComponents,
    /// Estimates by treatment.
    pub single: Vec<SingleTreatment>,
    /// Readers and cases are both samples.
    pub random_readers_random_cases: Inference,
    /// The readers are the ones of interest, the cases a sample.
    pub fixed_readers_random_cases: Inference,
    /// The readers are a sample, the cases the ones of interest.
    pub random_readers_fixed_cases: Inference,
    /// Each reader's differences.
    pub reader_differences: Vec<ReaderDifference>,
    /// What to know about the numbers.
    pub flags: Vec<Flag>,
}

/// Obuchowski and Rockette's analysis (Communications in Statistics B 1995;24:285) with Hillis' degrees of freedom
/// (Statistics in Medicine 2007;26:596; 2014;33:330).
///
/// With `I` treatments, `J` readers and mean squares of the `I x J` table, the test of equal treatments for random
/// readers and cases is
///
/// ```text
/// F = MST / E,  E = MSTR + J max(Cov2 - Cov3, 0),  df = I - 1 and (E / MSTR)² (I - 1)(J - 1)
/// ```
///
/// a difference has standard error `sqrt(2 E / J)`. A treatment's mean has variance `(MSR_i + J max(Cov2_i, 0)) / J` on
/// `((MSR_i + J max(Cov2_i, 0)) / MSR_i)² (J - 1)` degrees of freedom. With fixed readers `E` is
/// `Var(error) - Cov1 + (J - 1) max(Cov2 - Cov3, 0)` and the test chi-square; with fixed cases `E = MSTR` on
/// `(I - 1)(J - 1)`.
///
/// Readings may be missing as long as each reader has two of each class under each treatment; covariances then run over
/// common cases, so that cases nested in readers or in treatments get covariances of zero as they must. With clusters
/// ([`Study::with_clusters`]) they run over common clusters: twins that stand in both classes, or in both treatments under
/// different names, are told from independent cases.
///
/// # Errors
/// [`MrmcError`] for fewer than two readers, a cell without two readings of each class, or settings out of range.
///
/// ```
/// use mammo_readout::mrmc::{MrmcSettings, Reading, Study, obuchowski_rockette};
///
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
/// let analysis = obuchowski_rockette(&Study::from_readings(rows)?, MrmcSettings::default())?;
/// let difference = &analysis.random_readers_random_cases.differences[0];
/// assert_eq!((difference.a.as_str(), difference.b.as_str()), ("original", "modified"));
/// assert!(difference.test.estimate > 0.0 && difference.test.ci_low < difference.test.ci_high);
/// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
/// ```
pub fn obuchowski_rockette(study: &Study, settings: MrmcSettings) -> Result<OrAnalysis, MrmcError> {
    settings.check()?;
    let j = study.readers().len();
    if j < 2 {
        return Err(MrmcError::TooFew { what: "readers", found: j, needed: 2 });
    }
    check_classes(study, 2)?;
    let cells = cells(study);
    check_cells(study, &cells, 2)?;
    check_clusters(study, &cells)?;
    let values: Vec<Vec<f64>> = cells
        .iter()
        .map(|row| row.iter().map(|cell| covariance::value(cell, settings.fom)).collect())
        .collect();
    let covariances = Covariances::new(study, &cells, settings.fom, settings.covariance)?;
    let mut flags = data_flags(study, &cells, settings.fom)?;
    let ms = MeanSquares::new(&values);
    let components = components(&ms, &covariances, study.treatments().len(), &mut flags);
    let single: Vec<SingleTreatment> = (0..values.len())
        .map(|t| SingleTreatment {
            treatment: study.treatments()[t].clone(),
            mean: ms.means[t],
            ms_r: ms.r_within[t],
            var_error: covariances.mean(&[t], true, true).unwrap_or(0.0),
            cov2: covariances.mean(&[t], true, false).unwrap_or(0.0),
        })
        .collect();
    for s in single.iter().filter(|s| s.cov2 < 0.0) {
        let component = format!("Cov2 of treatment {}", s.treatment);
        flags.push(Flag::NegativeVariance { component, value: s.cov2 });
    }
    flag_negative_cells(study, &covariances, &mut flags);
    let views = Views { study, settings, ms: &ms, components: &components, single: &single };
    let (both, readers_fixed, cases_fixed) = views.all(&mut flags)?;
    Ok(OrAnalysis {
        settings,
        truth: study.truth_name().to_owned(),
        readers: study.readers().to_vec(),
        treatments: study.treatments().to_vec(),
        n_pos: study.class_sizes().0,
        n_neg: study.class_sizes().1,
        clusters: study.clusters(),
        standard_errors: (0..values.len())
            .map(|t| (0..j).map(|r| covariances.at((t, r), (t, r)).max(0.0).sqrt()).collect())
            .collect(),
        reader_differences: reader_differences(study, &values, &covariances, settings.level)?,
        values,
        components,
        single,
        random_readers_random_cases: both,
        fixed_readers_random_cases: readers_fixed,
        random_readers_fixed_cases: cases_fixed,
        flags,
    })
}

/// Flags that follow from the data alone.
pub(super) fn data_flags(
    study: &Study,
    cells: &[Vec<Cell>],
    fom: FigureOfMerit,
) -> Result<Vec<Flag>, MrmcError> {
    let mut flags = check_fits(study, cells, fom)?;
    let expected = study.treatments().len() * study.readers().len() * study.cases().len();
    if study.missing() > 0 {
        flags.push(Flag::MissingReadings { missing: study.missing(), expected });
    }
    for (t, row) in cells.iter().enumerate() {
        for (r, cell) in row.iter().enumerate() {
            let auc = cell.auc();
            if fom == FigureOfMerit::Auc && (auc == 0.0 || auc == 1.0) {
                flags.push(Flag::PerfectSeparation {
                    reader: study.readers()[r].clone(),
                    treatment: study.treatments()[t].clone(),
                    auc,
                });
            }
        }
    }
    Ok(flags)
}

/// Flags for what has no standard error, view by view.
pub(super) fn flag_zero_errors(
    both: &Inference,
    readers_fixed: &Inference,
    cases_fixed: &Inference,
    flags: &mut Vec<Flag>,
) {
    for (name, view) in
        [("random readers and cases", both), ("fixed readers", readers_fixed), ("fixed cases", cases_fixed)]
    {
        for d in view.differences.iter().filter(|d| d.test.t.is_none()) {
            flags.push(Flag::ZeroStandardError { what: format!("{} - {} for {name}", d.a, d.b) });
        }
        for m in view.treatments.iter().filter(|m| m.test.t.is_none()) {
            flags.push(Flag::ZeroStandardError { what: format!("the mean of {} for {name}", m.treatment) });
        }
    }
}

/// Flags for readers whose own variance, or that of a difference, came out below zero.
fn flag_negative_cells(study: &Study, covariances: &Covariances, flags: &mut Vec<Flag>) {
    // Sums of this size leave rounding where the variance is zero.
    let mut negative = |component: String, value: f64| {
        if value < -1e-15 {
            flags.push(Flag::NegativeVariance { component, value });
        }
    };
    let (treatments, readers) = (study.treatments(), study.readers());
    for (r, reader) in readers.iter().enumerate() {
        for (a, first) in treatments.iter().enumerate() {
            let own = covariances.at((a, r), (a, r));
            negative(format!("the variance of reader {reader} under treatment {first}"), own);
            for (b, second) in treatments.iter().enumerate().skip(a + 1) {
                let other = covariances.at((b, r), (b, r));
                let of_difference = own + other - 2.0 * covariances.at((a, r), (b, r));
                negative(format!("the variance of {first} - {second} of reader {reader}"), of_difference);
            }
        }
    }
}

fn components(ms: &MeanSquares, covariances: &Covariances, i: usize, flags: &mut Vec<Flag>) -> OrComponents {
    let all: Vec<usize> = (0..i).collect();
    let mean = |treatment, reader| covariances.mean(&all, treatment, reader);
    let (var_error, cov1) = (mean(true, true).unwrap_or(0.0), mean(false, true));
    let (cov2, cov3) = (mean(true, false).unwrap_or(0.0), mean(false, false));
    let var_r = ms.tr.zip(cov1).zip(cov3).map(|((tr, c1), c3)| (ms.r - tr) / i as f64 - c1 + c3);
    let var_tr = ms.tr.zip(cov1).zip(cov3).map(|((tr, c1), c3)| tr - var_error + c1 + (cov2 - c3).max(0.0));
    for (component, value) in [("Var(R)", var_r), ("Var(TR)", var_tr), ("Var(error)", Some(var_error))] {
        if let Some(value) = value.filter(|v| *v < 0.0) {
            flags.push(Flag::NegativeVariance { component: component.to_owned(), value });
        }
    }
    if let Some(c3) = cov3.filter(|c3| cov2 < *c3) {
        flags.push(Flag::Cov2BelowCov3 { value: cov2 - c3 });
    }
    OrComponents { ms_t: ms.t, ms_r: ms.r, ms_tr: ms.tr, var_error, cov1, cov2, cov3, var_r, var_tr }
}

/// The three views of one table.
struct Views<'a> {
    study: &'a Study,
    settings: MrmcSettings,
    ms: &'a MeanSquares,
    components: &'a OrComponents,
    single: &'a [SingleTreatment],
}

impl Views<'_> {
    fn all(&self, flags: &mut Vec<Flag>) -> Result<(Inference, Inference, Inference), MrmcError> {
        let c = self.components;
        let (i, j) = (self.study.treatments().len() as f64, self.study.readers().len() as f64);
        let df1 = i - 1.0;
        let excess = (c.cov2 - c.cov3.unwrap_or(0.0)).max(0.0);
        let terms = c.ms_t.zip(c.ms_tr).zip(c.cov1).map(|((t, tr), cov1)| (t, tr, cov1));

        let both = terms.map(|(t, tr, _)| {
            let error = tr + j * excess;
            OverallTest::f(t, error, df1, hillis_df(tr, error, df1 * (j - 1.0)))
        });
        let both = self.inference(both.transpose()?, |s| {
            let error = s.ms_r + j * s.cov2.max(0.0);
            (error, hillis_df(s.ms_r, error, j - 1.0))
        })?;
        let readers_fixed = terms
            .map(|(t, _, cov1)| OverallTest::chi_square(t, c.var_error - cov1 + (j - 1.0) * excess, df1));
        let readers_fixed = self.inference(readers_fixed.transpose()?, |s| {
            (s.var_error + (j - 1.0) * s.cov2.max(0.0), f64::INFINITY)
        })?;
        let cases_fixed = terms.map(|(t, tr, _)| OverallTest::f(t, tr, df1, df1 * (j - 1.0)));
        let cases_fixed = self.inference(cases_fixed.transpose()?, |s| (s.ms_r, j - 1.0))?;

        flag_zero_errors(&both, &readers_fixed, &cases_fixed, flags);
        Ok((both, readers_fixed, cases_fixed))
    }

    /// `single` gives a treatment's error term (its mean's variance times the readers) and degrees of freedom.
    fn inference(
        &self,
        overall: Option<OverallTest>,
        single: impl Fn(&SingleTreatment) -> (f64, f64),
    ) -> Result<Inference, MrmcError> {
        let (names, level) = (self.study.treatments(), self.settings.level);
        let j = self.study.readers().len() as f64;
        let mut differences = Vec::new();
        if let Some(test) = overall {
            let se = (2.0 * test.error_term.max(0.0) / j).sqrt();
            let df = test.df2.unwrap_or(f64::INFINITY);
            for a in 0..names.len() {
                for b in a + 1..names.len() {
                    let estimate = self.ms.means[a] - self.ms.means[b];
                    let test = TTest::new(estimate, se, df, 0.0, level)?;
                    differences.push(Difference { a: names[a].clone(), b: names[b].clone(), test });
                }
            }
        }
        let treatments = self
            .single
            .iter()
            .map(|s| {
                let (error, df) = single(s);
                let se = (error.max(0.0) / j).sqrt();
                let test = TTest::new(s.mean, se, df, self.settings.constant(), level)?;
                Ok(TreatmentMean::new(&s.treatment, test))
            })
            .collect::<Result<_, MrmcError>>()?;
        Ok(Inference { overall, differences, treatments })
    }
}

fn reader_differences(
    study: &Study,
    values: &[Vec<f64>],
    covariances: &Covariances,
    level: f64,
) -> Result<Vec<ReaderDifference>, MrmcError> {
    let mut differences = Vec::new();
    for a in 0..values.len() {
        for b in a + 1..values.len() {
            for (r, reader) in study.readers().iter().enumerate() {
                let var_error = f64::midpoint(covariances.at((a, r), (a, r)), covariances.at((b, r), (b, r)));
                let cov1 = covariances.at((a, r), (b, r));
                let se = (2.0 * (var_error - cov1)).max(0.0).sqrt();
                let test = TTest::new(values[a][r] - values[b][r], se, f64::INFINITY, 0.0, level)?;
                differences.push(ReaderDifference {
                    reader: reader.clone(),
                    a: study.treatments()[a].clone(),
                    b: study.treatments()[b].clone(),
                    test,
                    var_error,
                    cov1,
                });
            }
        }
    }
    Ok(differences)
}
