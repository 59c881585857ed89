use super::{
    FigureOfMerit, Flag, MrmcError, Study,
    cell::{Cell, cells, check_cells, check_classes},
    obuchowski_rockette::data_flags,
    t_test::{check_level, null_as_nan},
};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What is drawn anew in each replicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resample {
    /// Readers, and cases within each class.
    #[default]
    ReadersAndCases,
    /// Cases within each class; the readers are fixed.
    Cases,
    /// Readers; the cases are fixed.
    Readers,
}

/// Settings of [`bootstrap`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BootstrapSettings {
    /// What is drawn.
    pub resample: Resample,
    /// How often, at least 100.
    pub replicates: usize,
    /// The number that all draws follow from.
    pub seed: u64,
    /// Two-sided coverage of intervals, in `(0, 1)`.
    pub level: f64,
}

impl Default for BootstrapSettings {
    fn default() -> Self {
        Self { resample: Resample::ReadersAndCases, replicates: 2000, seed: 1, level: 0.95 }
    }
}

/// An estimate with its bootstrap distribution in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BootstrapEstimate {
    /// A treatment, or `a - b`.
    pub name: String,
    /// The estimate from the study itself.
    pub estimate: f64,
    /// Standard deviation of the replicates.
    pub se: f64,
    /// Lower percentile limit; NaN (`null` in JSON) when all replicates agree, since then they say nothing.
    #[serde(deserialize_with = "null_as_nan")]
    pub ci_low: f64,
    /// Upper percentile limit; NaN likewise.
    #[serde(deserialize_with = "null_as_nan")]
    pub ci_high: f64,
    /// Mean of the replicates less the estimate.
    pub bias: f64,
}

/// The result of [`bootstrap`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BootstrapAnalysis {
    /// Settings.
    pub settings: BootstrapSettings,
    /// Mean AUC of each treatment.
    pub treatments: Vec<BootstrapEstimate>,
    /// Differences, the earlier minus the later.
    pub differences: Vec<BootstrapEstimate>,
    /// Replicates in which a reader had drawn cases of one class only and was left out.
    pub replicates_with_reader_left_out: usize,
    /// What to know about the numbers.
    pub flags: Vec<Flag>,
}

/// Nonparametric bootstrap of reader-averaged AUCs with percentile intervals.
///
/// Every replicate draws from its own stream of ChaCha8 numbers, so the result depends on the seed alone and not on the
/// number of threads. With few readers the bootstrap's variance is off: it keeps a share `(J - 1) / J` of the spread
/// between readers while doubling that of readers by cases (Gallas, Bandos, Samuelson and Wagner, Communications in
/// Statistics A 2009;38:2586); see the validity page of the documentation before using it with three.
///
/// # Errors
/// [`MrmcError`] for a cell without both classes or settings out of range.
///
/// ```
/// use mammo_readout::mrmc::{BootstrapSettings, Reading, Study, bootstrap};
///
/// let mut rows = Vec::new();
/// for reader in ["r1", "r2", "r3"] {
///     for case in 0..16_u32 {
///         rows.push(Reading {
///             reader: reader.into(), treatment: "film".into(), case: case.to_string(), positive: case % 2 == 0,
///             rating: f64::from(case * 5 % 7) + if case % 2 == 0 { 2.0 } else { 0.0 },
///         });
///     }
/// }
/// let study = Study::from_readings(rows)?;
/// let settings = BootstrapSettings { replicates: 500, ..BootstrapSettings::default() };
/// let analysis = bootstrap(&study, settings)?;
/// assert_eq!(analysis, bootstrap(&study, settings)?);
/// assert!(analysis.treatments[0].ci_low < analysis.treatments[0].estimate);
/// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
/// ```
pub fn bootstrap(study: &Study, settings: BootstrapSettings) -> Result<BootstrapAnalysis, MrmcError> {
    check_level(settings.level)?;
    if settings.replicates < 100 {
        let (what, value) = ("the number of replicates", settings.replicates as f64);
        return Err(MrmcError::OutOfRange { what, value, range: "at least 100" });
    }
    study.unclustered_or("the bootstrap")?;
    check_classes(study, 1)?;
    let cells = cells(study);
    check_cells(study, &cells, 1)?;
    let steps: Vec<Vec<Steps>> = cells.iter().map(|row| row.iter().map(Steps::new).collect()).collect();
    let (n_pos, n_neg) = study.class_sizes();
    let sizes = (study.readers().len(), n_neg, n_pos);
    let draws: Vec<(Vec<f64>, bool)> = (0..settings.replicates as u64)
        .into_par_iter()
        .map_init(Weights::default, |weights, replicate| {
            weights.draw(settings, replicate, sizes);
            means(&steps, weights)
        })
        .collect();
    let estimates: Vec<f64> =
        cells.iter().map(|row| row.iter().map(Cell::auc).sum::<f64>() / row.len() as f64).collect();

    let treatments: Vec<BootstrapEstimate> = study
        .treatments()
        .iter()
        .enumerate()
        .map(|(t, name)| summary(name.clone(), estimates[t], draws.iter().map(|d| d.0[t]), settings.level))
        .collect();
    let mut differences = Vec::new();
    for a in 0..estimates.len() {
        for b in a + 1..estimates.len() {
            let name = format!("{} - {}", study.treatments()[a], study.treatments()[b]);
            let values = draws.iter().map(|d| d.0[a] - d.0[b]);
            differences.push(summary(name, estimates[a] - estimates[b], values, settings.level));
        }
    }
    let left_out = draws.iter().filter(|d| d.1).count();
    let mut flags = data_flags(study, &cells, FigureOfMerit::Auc)?;
    for estimate in treatments.iter().chain(&differences).filter(|e| e.ci_low.is_nan()) {
        flags.push(Flag::ZeroStandardError { what: estimate.name.clone() });
    }
    if left_out > 0 {
        flags.push(Flag::ReaderLeftOut { replicates: left_out });
    }
    Ok(BootstrapAnalysis {
        settings,
        treatments,
        differences,
        replicates_with_reader_left_out: left_out,
        flags,
    })
}

/// A mean ROC curve at one false positive rate, with its band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BandPoint {
    /// False positive rate.
    pub false_positive_rate: f64,
    /// Mean of the readers' true positive rates.
    pub true_positive_rate: f64,
    /// Lower percentile limit.
    pub low: f64,
    /// Upper percentile limit.
    pub high: f64,
}

/// The mean ROC curve of a treatment over its readers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanRoc {
    /// The treatment.
    pub treatment: String,
    /// Mean of the readers' AUCs, which is the area under the mean curve.
    pub auc: f64,
    /// The curve at false positive rates from 0 to 1.
    pub points: Vec<BandPoint>,
    /// Each reader's empirical curve as (false positive rate, true positive rate).
    pub readers: Vec<Vec<(f64, f64)>>,
}

/// Mean ROC curves, averaged at equal false positive rates, with pointwise percentile bands over the replicates of
/// [`bootstrap`].
///
/// # Errors
/// As [`bootstrap`].
///
/// ```
/// use mammo_readout::mrmc::{BootstrapSettings, Reading, Study, mean_roc};
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
/// let settings = BootstrapSettings { replicates: 200, ..BootstrapSettings::default() };
/// let curves = mean_roc(&study, settings)?;
/// assert_eq!((curves.len(), curves[0].readers.len()), (2, 3));
/// assert!(curves[0].points.iter().all(|p| p.low <= p.high));
/// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
/// ```
pub fn mean_roc(study: &Study, settings: BootstrapSettings) -> Result<Vec<MeanRoc>, MrmcError> {
    const STEPS: usize = 100;
    let analysis = bootstrap(study, settings)?;
    let cells = cells(study);
    let steps: Vec<Vec<Steps>> = cells.iter().map(|row| row.iter().map(Steps::new).collect()).collect();
    let (n_pos, n_neg) = study.class_sizes();
    let sizes = (study.readers().len(), n_neg, n_pos);
    let mean = |row: &[Steps], weights: &Weights| -> Vec<f64> {
        let (mut sums, mut count) = (vec![0.0; STEPS + 1], 0u32);
        for (cell, &times) in row.iter().zip(&weights.reader).filter(|(_, times)| **times > 0) {
            if let Some(curve) = cell.curve(weights) {
                count += times;
                for (sum, tpr) in sums.iter_mut().zip(on_grid(&curve, STEPS)) {
                    *sum += f64::from(times) * tpr;
                }
            }
        }
        sums.into_iter().map(|sum| if count > 0 { sum / f64::from(count) } else { 0.5 }).collect()
    };
    let once = Weights { reader: vec![1; sizes.0], negative: vec![1; n_neg], positive: vec![1; n_pos] };
    let tail = (1.0 - settings.level) / 2.0;
    Ok(steps
        .iter()
        .enumerate()
        .map(|(t, row)| {
            let draws: Vec<Vec<f64>> = (0..settings.replicates as u64)
                .into_par_iter()
                .map_init(Weights::default, |weights, replicate| {
                    weights.draw(settings, replicate, sizes);
                    mean(row, weights)
                })
                .collect();
            let points = mean(row, &once)
                .into_iter()
                .enumerate()
                .map(|(g, true_positive_rate)| {
                    let mut values: Vec<f64> = draws.iter().map(|d| d[g]).collect();
                    values.sort_by(f64::total_cmp);
                    BandPoint {
                        false_positive_rate: g as f64 / STEPS as f64,
                        true_positive_rate,
                        low: quantile(&values, tail),
                        high: quantile(&values, 1.0 - tail),
                    }
                })
                .collect();
            MeanRoc {
                treatment: study.treatments()[t].clone(),
                auc: analysis.treatments[t].estimate,
                points,
                readers: row.iter().filter_map(|cell| cell.curve(&once)).collect(),
            }
        })
        .collect())
}

/// The upper end of a curve at even false positive rates.
fn on_grid(curve: &[(f64, f64)], steps: usize) -> impl Iterator<Item = f64> + '_ {
    let mut at = 0;
    (0..=steps).map(move |g| {
        let x = g as f64 / steps as f64;
        while at + 1 < curve.len() && curve[at + 1].0 <= x {
            at += 1;
        }
        match curve.get(at + 1) {
            Some(next) => {
                let here = curve[at];
                here.1 + (next.1 - here.1) * (x - here.0) / (next.0 - here.0)
            }
            None => 1.0,
        }
    })
}

/// Type 7 of Hyndman and Fan: linear between order statistics.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() as f64 - 1.0);
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

fn summary(name: String, estimate: f64, values: impl Iterator<Item = f64>, level: f64) -> BootstrapEstimate {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let tail = (1.0 - level) / 2.0;
    let (mut ci_low, mut ci_high) = (quantile(&values, tail), quantile(&values, 1.0 - tail));
    // Replicates that all agree leave rounding.
    let se = if values[0] == values[values.len() - 1] { 0.0 } else { variance.sqrt() };
    if se == 0.0 {
        (ci_low, ci_high) = (f64::NAN, f64::NAN);
    }
    BootstrapEstimate { name, estimate, se, ci_low, ci_high, bias: mean - estimate }
}

/// How often each reader and case was drawn.
#[derive(Default)]
struct Weights {
    reader: Vec<u32>,
    negative: Vec<u32>,
    positive: Vec<u32>,
}

impl Weights {
    fn draw(
        &mut self,
        settings: BootstrapSettings,
        replicate: u64,
        (readers, neg, pos): (usize, usize, usize),
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
        rng.set_stream(replicate + 1);
        let mut fill = |counts: &mut Vec<u32>, n: usize, random: bool| {
            counts.clear();
            counts.resize(n, u32::from(!random));
            if random {
                for _ in 0..n {
                    counts[rng.random_range(0..n)] += 1;
                }
            }
        };
        fill(&mut self.reader, readers, settings.resample != Resample::Cases);
        fill(&mut self.negative, neg, settings.resample != Resample::Readers);
        fill(&mut self.positive, pos, settings.resample != Resample::Readers);
    }
}

/// A cell's readings in rising order, groups of equal ratings apart: AUCs of weighted cases take one pass.
struct Steps {
    /// Slot and whether it is positive.
    order: Vec<(u32, bool)>,
    /// Ends of the groups.
    ends: Vec<u32>,
}

impl Steps {
    fn new(cell: &Cell) -> Self {
        let slots = |of: &[Option<f64>], positive: bool| -> Vec<(f64, u32, bool)> {
            of.iter().enumerate().filter_map(|(i, r)| Some(((*r)?, i as u32, positive))).collect()
        };
        let mut all = slots(&cell.negative, false);
        all.extend(slots(&cell.positive, true));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let ends = (1..=all.len())
            .filter(|&e| e == all.len() || all[e].0 != all[e - 1].0)
            .map(|e| e as u32)
            .collect();
        Self { order: all.into_iter().map(|(_, slot, positive)| (slot, positive)).collect(), ends }
    }

    /// The AUC with each case counted as often as drawn; none when a class was not drawn.
    fn auc(&self, weights: &Weights) -> Option<f64> {
        let (mut below, mut positives, mut halves, mut start) = (0u64, 0u64, 0u64, 0usize);
        for &end in &self.ends {
            let (mut neg, mut pos) = (0u64, 0u64);
            for &(slot, positive) in &self.order[start..end as usize] {
                if positive {
                    pos += u64::from(weights.positive[slot as usize]);
                } else {
                    neg += u64::from(weights.negative[slot as usize]);
                }
            }
            halves += pos * (2 * below + neg);
            below += neg;
            positives += pos;
            start = end as usize;
        }
        let pairs = below * positives;
        (pairs > 0).then(|| halves as f64 / (2 * pairs) as f64)
    }
}

impl Steps {
    /// The ROC curve with each case counted as often as drawn; none when a class was not drawn.
    fn curve(&self, weights: &Weights) -> Option<Vec<(f64, f64)>> {
        let mut points = vec![(0u64, 0u64)];
        let (mut neg, mut pos) = (0u64, 0u64);
        let mut end = self.order.len();
        for start in self.ends.iter().rev().skip(1).map(|&e| e as usize).chain([0]) {
            for &(slot, positive) in &self.order[start..end] {
                if positive {
                    pos += u64::from(weights.positive[slot as usize]);
                } else {
                    neg += u64::from(weights.negative[slot as usize]);
                }
            }
            if points.last() != Some(&(neg, pos)) {
                points.push((neg, pos));
            }
            end = start;
        }
        let share = |(n, p): (u64, u64)| (n as f64 / neg as f64, p as f64 / pos as f64);
        (neg > 0 && pos > 0).then(|| points.into_iter().map(share).collect())
    }
}

/// Mean AUC of each treatment over the readers drawn, and whether a reader had to be left out.
fn means(steps: &[Vec<Steps>], weights: &Weights) -> (Vec<f64>, bool) {
    let mut left_out = false;
    let means = steps
        .iter()
        .map(|row| {
            let (mut sum, mut count) = (0.0, 0u32);
            for (cell, &times) in row.iter().zip(&weights.reader).filter(|(_, times)| **times > 0) {
                match cell.auc(weights) {
                    Some(auc) => {
                        sum += auc * f64::from(times);
                        count += times;
                    }
                    None => left_out = true,
                }
            }
            if count > 0 { sum / f64::from(count) } else { 0.5 }
        })
        .collect();
    (means, left_out)
}
