use super::{
    FigureOfMerit, Flag, MrmcError, Study, TTest,
    cell::{Cell, cells, check_classes},
    pair_sums::PairSums,
    t_test::check_level,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Which moments the variance is built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentEstimator {
    /// U-statistics: no bias; the variance may come out negative and is then flagged.
    #[default]
    Unbiased,
    /// Moments of the empirical distribution ("MLE"): biased upwards, as the bootstrap is, but never negative.
    Empirical,
}

/// Settings of [`gallas`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GallasSettings {
    /// AUC, sensitivity or specificity.
    pub fom: FigureOfMerit,
    /// Which moments.
    pub moments: MomentEstimator,
    /// Two-sided coverage of intervals, in `(0, 1)`.
    pub level: f64,
    /// What each treatment's mean is held against; none takes the value under guessing, or zero where there is none.
    pub constant: Option<f64>,
}

impl Default for GallasSettings {
    fn default() -> Self {
        let moments = MomentEstimator::Unbiased;
        Self { fom: FigureOfMerit::Auc, moments, level: 0.95, constant: None }
    }
}

/// The eight second moments of the success kernel with their coefficients: the variance is `Σ c_k M_k`, the square of the
/// mean being in `c_8 = share - 1`. Order: the same reader with the same pair of cases, the same positive case, the same
/// negative case, different cases; then different readers, likewise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bdg {
    /// Means of products of kernels.
    pub moments: [f64; 8],
    /// Their coefficients.
    pub coefficients: [f64; 8],
}

impl Bdg {
    fn value(&self) -> f64 {
        self.moments.iter().zip(self.coefficients).map(|(m, c)| m * c).sum()
    }
}

/// A treatment's mean over readers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GallasMean {
    /// The treatment.
    pub treatment: String,
    /// The mean, against the constant.
    pub test: TTest,
    /// Limits of the mean that are symmetric on the logit scale: [`TTest::logit_limits`].
    pub logit_limits: Option<(f64, f64)>,
    /// Variance as estimated; negative is flagged.
    pub variance: f64,
    /// Readers with at least one pair of cases.
    pub readers: usize,
    /// What the variance is made of.
    pub components: Bdg,
}

/// The difference of two treatments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GallasDifference {
    /// The treatment that is subtracted from.
    pub a: String,
    /// The treatment that is subtracted.
    pub b: String,
    /// `a - b`, against zero.
    pub test: TTest,
    /// Variance as estimated; negative is flagged.
    pub variance: f64,
    /// What the covariance of the two means is made of.
    pub covariance: Bdg,
}

/// One reader under one treatment, the reader fixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GallasReader {
    /// The reader.
    pub reader: String,
    /// The treatment.
    pub treatment: String,
    /// Figure of merit; none where the reader lacks a class.
    pub value: Option<f64>,
    /// Its variance over cases; none with fewer than two cases of a class.
    pub variance: Option<f64>,
    /// Negative cases read.
    pub n_neg: usize,
    /// Positive cases read.
    pub n_pos: usize,
}

/// One reader's difference between two treatments, the reader fixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GallasReaderDifference {
    /// The reader.
    pub reader: String,
    /// The treatment that is subtracted from.
    pub a: String,
    /// The treatment that is subtracted.
    pub b: String,
    /// `a - b`.
    pub estimate: f64,
    /// Its variance over cases.
    pub variance: Option<f64>,
}

/// The result of [`gallas`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GallasAnalysis {
    /// Settings.
    pub settings: GallasSettings,
    /// What the truth is called.
    pub truth: String,
    /// Positive cases of the study.
    pub n_pos: usize,
    /// Negative cases of the study.
    pub n_neg: usize,
    /// Readings that are missing from a fully crossed design.
    pub missing: usize,
    /// Each treatment.
    pub treatments: Vec<GallasMean>,
    /// Each pair of treatments.
    pub differences: Vec<GallasDifference>,
    /// Each reader under each treatment.
    pub readers: Vec<GallasReader>,
    /// Each reader's differences.
    pub reader_differences: Vec<GallasReaderDifference>,
    /// What to know about the numbers.
    pub flags: Vec<Flag>,
}

/// Sums over all pairs of readers of two treatments.
#[derive(Clone, Copy, Default)]
struct Moments {
    same_reader: PairSums,
    other_reader: PairSums,
}

/// Mean and variance by Gallas' one-shot U-statistics (Academic Radiology 2006;13:353; Gallas, Bandos, Samuelson and
/// Wagner, Communications in Statistics A 2009;38:2586), for designs of any kind: fully crossed, split plot, readers or
/// cases nested in treatments, readings missing anywhere.
///
/// Each treatment's mean weighs every reader by the pairs of a positive and a negative case that he or she read.
/// Readers and cases are both samples. Degrees of freedom follow Satterthwaite over the mean squares of negatives,
/// positives and readers (Obuchowski, Gallas and Hillis, Academic Radiology 2012;19:1508), not below the fewest of the
/// three; they are used as they are, not rounded to whole numbers.
///
/// # Errors
/// [`MrmcError`] for fewer than two readers with both classes under a treatment, fewer than two cases of a class, a
/// figure of merit without a kernel, or settings out of range.
///
/// ```
/// use mammo_readout::mrmc::{GallasSettings, Reading, Study, gallas};
///
/// // Two readers who share cases 0 to 5 and have others of their own.
/// let mut rows = Vec::new();
/// for (reader, cases) in [("r1", 0..10_u32), ("r2", 0..6), ("r2", 10..16)] {
///     for case in cases {
///         rows.push(Reading {
///             reader: reader.into(), treatment: "film".into(), case: case.to_string(), positive: case % 2 == 0,
///             rating: f64::from(case * 5 % 7) + if case % 2 == 0 { 2.0 } else { 0.0 },
///         });
///     }
/// }
/// let analysis = gallas(&Study::from_readings(rows)?, GallasSettings::default())?;
/// let film = &analysis.treatments[0];
/// assert!(film.test.estimate > 0.5 && film.test.se > 0.0);
/// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
/// ```
pub fn gallas(study: &Study, settings: GallasSettings) -> Result<GallasAnalysis, MrmcError> {
    check_level(settings.level)?;
    settings.fom.check()?;
    study.unclustered_or("the Gallas analysis")?;
    check_classes(study, 2)?;
    let cells = kernels(study, settings.fom)?;
    for (t, row) in cells.iter().enumerate() {
        let found = row.iter().filter(|cell| cell.pairs() > 0.0).count();
        if found < 2 {
            return Err(MrmcError::TooFew {
                what: "readers with both classes under each treatment",
                found,
                needed: 2,
            });
        }
        debug_assert!(t < study.treatments().len());
    }
    let constant = settings.constant.or_else(|| settings.fom.chance()).unwrap_or(0.0);
    let expected = study.treatments().len() * study.readers().len() * study.cases().len();
    let mut flags = Vec::new();
    if study.missing() > 0 {
        flags.push(Flag::MissingReadings { missing: study.missing(), expected });
    }
    let own: Vec<Moments> = cells.iter().map(|row| moments(row, row)).collect();
    let means: Vec<f64> = cells
        .iter()
        .map(|row| row.iter().map(|c| c.total).sum::<f64>() / row.iter().map(Cell::pairs).sum::<f64>())
        .collect();
    let mut treatments = Vec::new();
    for (t, name) in study.treatments().iter().enumerate() {
        let components = own[t].bdg(settings.moments);
        let variance = flagged(components.value(), &format!("the mean of {name}"), &mut flags);
        let df = degrees_of_freedom(variance, &[Part::new(&own[t])], &mut flags);
        let test = TTest::new(means[t], variance.max(0.0).sqrt(), df, constant, settings.level)?;
        treatments.push(GallasMean {
            treatment: name.clone(),
            logit_limits: test.logit_limits(),
            test,
            variance,
            readers: cells[t].iter().filter(|cell| cell.pairs() > 0.0).count(),
            components,
        });
    }
    let mut differences = Vec::new();
    for a in 0..cells.len() {
        for b in a + 1..cells.len() {
            let cross = moments(&cells[a], &cells[b]);
            let covariance = cross.bdg(settings.moments);
            let names = (&study.treatments()[a], &study.treatments()[b]);
            let variance = treatments[a].variance + treatments[b].variance - 2.0 * covariance.value();
            let variance = flagged(variance, &format!("{} - {}", names.0, names.1), &mut flags);
            let df = degrees_of_freedom(
                variance,
                &[Part::new(&own[a]), Part::new(&own[b]), Part::new(&cross)],
                &mut flags,
            );
            let se = variance.max(0.0).sqrt();
            differences.push(GallasDifference {
                a: names.0.clone(),
                b: names.1.clone(),
                test: TTest::new(means[a] - means[b], se, df, 0.0, settings.level)?,
                variance,
                covariance,
            });
        }
    }
    Ok(GallasAnalysis {
        settings,
        truth: study.truth_name().to_owned(),
        n_pos: study.class_sizes().0,
        n_neg: study.class_sizes().1,
        missing: study.missing(),
        treatments,
        differences,
        readers: readers(study, &cells),
        reader_differences: reader_differences(study, &cells),
        flags,
    })
}

/// The cells whose kernel has the figure of merit for its mean: sensitivity compares calls of positive cases with one
/// half, specificity one half with calls of negative cases.
fn kernels(study: &Study, fom: FigureOfMerit) -> Result<Vec<Vec<Cell>>, MrmcError> {
    let call = |rating: f64, at_least: f64| if rating >= at_least { 1.0 } else { 0.0 };
    let map = |slots: &[Option<f64>], f: &dyn Fn(f64) -> f64| slots.iter().map(|r| r.map(f)).collect();
    let of = |cell: Cell| match fom {
        FigureOfMerit::Auc => Some(cell),
        FigureOfMerit::Sensitivity { at_least } => {
            Some(Cell::from_slots(map(&cell.negative, &|_| 0.5), map(&cell.positive, &|r| call(r, at_least))))
        }
        FigureOfMerit::Specificity { at_least } => {
            Some(Cell::from_slots(map(&cell.negative, &|r| call(r, at_least)), map(&cell.positive, &|_| 0.5)))
        }
        FigureOfMerit::BinormalAuc
        | FigureOfMerit::PartialAuc { .. }
        | FigureOfMerit::SensitivityAt { .. } => None,
    };
    let cells: Option<Vec<Vec<Cell>>> =
        cells(study).into_iter().map(|row| row.into_iter().map(of).collect()).collect();
    cells.ok_or(MrmcError::Unsupported {
        method: "the Gallas analysis",
        what: fom.name(),
        remedy: "use Obuchowski-Rockette with the jackknife",
    })
}

fn flagged(variance: f64, of: &str, flags: &mut Vec<Flag>) -> f64 {
    // Sums of this size leave rounding where the variance is zero.
    let variance = if variance.abs() < 1e-15 { 0.0 } else { variance };
    if variance < 0.0 {
        flags.push(Flag::NegativeVariance { component: format!("the variance of {of}"), value: variance });
    }
    if variance <= 0.0 {
        flags.push(Flag::ZeroStandardError { what: of.to_owned() });
    }
    variance
}

fn moments(a: &[Cell], b: &[Cell]) -> Moments {
    let rows: Vec<Moments> = a
        .par_iter()
        .enumerate()
        .map(|(r, cell)| {
            let mut row = Moments::default();
            for (s, other) in b.iter().enumerate() {
                let sums = PairSums::new(cell, other);
                if r == s { &mut row.same_reader } else { &mut row.other_reader }.add(&sums);
            }
            row
        })
        .collect();
    // Added in order, whatever the threads did.
    rows.iter().fold(Moments::default(), |mut total, row| {
        total.same_reader.add(&row.same_reader);
        total.other_reader.add(&row.other_reader);
        total
    })
}

impl Moments {
    /// Shares of all terms, by what they have in common; the last less one, since the squared mean is subtracted.
    fn coefficients(&self) -> [f64; 8] {
        let (same, other) = (self.same_reader.disjoint(), self.other_reader.disjoint());
        let all = self.same_reader.counts[3] + self.other_reader.counts[3];
        let mut shares = [0.0; 8];
        for k in 0..4 {
            shares[k] = same.counts[k] / all;
            shares[k + 4] = other.counts[k] / all;
        }
        shares[7] -= 1.0;
        shares
    }

    fn unbiased(&self) -> [f64; 8] {
        let (same, other) = (self.same_reader.disjoint(), self.other_reader.disjoint());
        let mean = |sums: &PairSums, k: usize| {
            if sums.counts[k] > 0.5 { sums.sums[k] / sums.counts[k] } else { 0.0 }
        };
        std::array::from_fn(|k| if k < 4 { mean(&same, k) } else { mean(&other, k - 4) })
    }

    /// Means over terms that share at least what the name says; those of "different readers" run over all readers.
    fn empirical(&self) -> [f64; 8] {
        let mut all = self.same_reader;
        all.add(&self.other_reader);
        let mean = |sums: &PairSums, k: usize| {
            if sums.counts[k] > 0.5 { sums.sums[k] / sums.counts[k] } else { 0.0 }
        };
        std::array::from_fn(|k| if k < 4 { mean(&self.same_reader, k) } else { mean(&all, k - 4) })
    }

    fn bdg(&self, estimator: MomentEstimator) -> Bdg {
        let moments = match estimator {
            MomentEstimator::Unbiased => self.unbiased(),
            MomentEstimator::Empirical => self.empirical(),
        };
        Bdg { moments, coefficients: self.coefficients() }
    }
}

/// Variance of the effect of negatives, positives and readers, each with the share of terms that have one in common: one
/// over the effective number.
struct Part {
    spread: [f64; 3],
    share: [f64; 3],
}

impl Part {
    fn new(moments: &Moments) -> Self {
        let (m, c) = (moments.empirical(), moments.coefficients());
        Self {
            spread: [m[6] - m[7], m[5] - m[7], m[3] - m[7]],
            share: [c[0] + c[2] + c[4] + c[6], c[0] + c[1] + c[4] + c[5], c[0] + c[1] + c[2] + c[3]],
        }
    }

    fn df(&self, k: usize) -> f64 {
        (1.0 / self.share[k] - 1.0).round()
    }
}

/// Satterthwaite's degrees of freedom; `parts` are those of the treatment, or of both and of their cross moments.
fn degrees_of_freedom(variance: f64, parts: &[Part], flags: &mut Vec<Flag>) -> f64 {
    let term = |spread: f64, df: f64| (spread / df).powi(2) / df;
    let mut sum = 0.0;
    let mut fewest = f64::INFINITY;
    for k in 0..3 {
        let smallest = parts.iter().take(2).map(|p| p.df(k)).fold(f64::INFINITY, f64::min);
        fewest = fewest.min(smallest);
        sum += match parts {
            [a, b, cross] if cross.share[k] > 0.0 => {
                term(a.spread[k] + b.spread[k] - 2.0 * cross.spread[k], smallest)
            }
            [a, b, _] => term(a.spread[k], a.df(k)) + term(b.spread[k], b.df(k)),
            _ => term(parts[0].spread[k], smallest),
        };
    }
    let estimated = variance * variance / sum;
    let lowest = fewest.max(2.0);
    if !estimated.is_finite() {
        return f64::INFINITY;
    }
    if estimated < lowest {
        flags.push(Flag::DegreesOfFreedomRaised { estimated, used: lowest });
        return lowest;
    }
    estimated
}

fn readers(study: &Study, cells: &[Vec<Cell>]) -> Vec<GallasReader> {
    let mut out = Vec::new();
    for (row, treatment) in cells.iter().zip(study.treatments()) {
        for (cell, reader) in row.iter().zip(study.readers()) {
            let both = cell.pairs() > 0.0;
            out.push(GallasReader {
                reader: reader.clone(),
                treatment: treatment.clone(),
                value: both.then(|| cell.auc()),
                variance: if both { PairSums::new(cell, cell).covariance() } else { None },
                n_neg: cell.n_neg,
                n_pos: cell.n_pos,
            });
        }
    }
    out
}

fn reader_differences(study: &Study, cells: &[Vec<Cell>]) -> Vec<GallasReaderDifference> {
    let mut out = Vec::new();
    for a in 0..cells.len() {
        for b in a + 1..cells.len() {
            for (r, reader) in study.readers().iter().enumerate() {
                let (x, y) = (&cells[a][r], &cells[b][r]);
                if x.pairs() == 0.0 || y.pairs() == 0.0 {
                    continue;
                }
                let of = |p: &Cell, q: &Cell| PairSums::new(p, q).covariance();
                let variance = of(x, x).zip(of(y, y)).zip(of(x, y)).map(|((vx, vy), c)| vx + vy - 2.0 * c);
                out.push(GallasReaderDifference {
                    reader: reader.clone(),
                    a: study.treatments()[a].clone(),
                    b: study.treatments()[b].clone(),
                    estimate: x.auc() - y.auc(),
                    variance,
                });
            }
        }
    }
    out
}
