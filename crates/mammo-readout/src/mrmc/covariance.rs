use super::{
    FigureOfMerit, MrmcError, Study,
    cell::Cell,
    clusters::{ClusteredCell, leave_one_cluster_out},
    pair_sums::PairSums,
};
use crate::clustered::unbiasing;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How the covariances between figures of merit are estimated, readers and treatments fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CovarianceMethod {
    /// Leave one case out: `(K - 1)/K Σ (θ_(k) - mean)²` over the `K` cases of the study, of one class where
    /// the figure of merit rests on one alone (Hillis, Obuchowski, Schartz and
    /// Berbaum, Statistics in Medicine 2005;24:1579). For any figure of merit. With clusters one of them is left out at
    /// a time, and `K` counts them.
    #[default]
    Jackknife,
    /// Structural components (DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837). For the AUC. With clusters,
    /// Obuchowski's sums of them (Biometrics 1997;53:567).
    #[serde(rename = "delong")]
    DeLong,
    /// U-statistics without bias (Gallas, Academic Radiology 2006;13:353). For the AUC.
    Unbiased,
}

/// Symmetric matrix of covariances between the cells of a study, cell `treatment * readers + reader`.
#[derive(Debug, Clone)]
pub(super) struct Covariances {
    n: usize,
    readers: usize,
    values: Vec<f64>,
}

impl Covariances {
    pub(super) fn new(
        study: &Study,
        cells: &[Vec<Cell>],
        fom: FigureOfMerit,
        method: CovarianceMethod,
    ) -> Result<Self, MrmcError> {
        let flat: Vec<&Cell> = cells.iter().flatten().collect();
        if fom != FigureOfMerit::Auc && method != CovarianceMethod::Jackknife {
            return Err(MrmcError::Unsupported {
                method: if method == CovarianceMethod::DeLong {
                    "DeLong's covariance"
                } else {
                    "the unbiased covariance"
                },
                what: fom.name(),
                remedy: "use the jackknife",
            });
        }
        let clusters = study.cluster_numbers();
        let values = match method {
            CovarianceMethod::Jackknife if clusters.is_some() => {
                let left_out: Vec<Vec<f64>> =
                    flat.par_iter().map(|cell| leave_one_cluster_out(study, cell, fom)).collect();
                let centred: Vec<Vec<f64>> = left_out.into_iter().map(centred).collect();
                let k = centred[0].len() as f64;
                fill(flat.len(), |a, b| Some((k - 1.0) / k * dot(&centred[a], &centred[b])))
            }
            CovarianceMethod::DeLong if clusters.is_some() => {
                let clustered: Vec<_> = flat.iter().map(|cell| ClusteredCell::new(study, cell)).collect();
                fill(flat.len(), |a, b| Some(clustered[a].covariance(&clustered[b])))
            }
            CovarianceMethod::Unbiased if clusters.is_some() => {
                study.unclustered_or("the unbiased covariance")?;
                None
            }
            CovarianceMethod::Jackknife => {
                let left_out: Vec<Vec<f64>> = flat.par_iter().map(|cell| leave_one_out(cell, fom)).collect();
                let centred: Vec<Vec<f64>> = left_out.into_iter().map(centred).collect();
                let k = units(study, fom);
                fill(flat.len(), |a, b| {
                    if shared(flat[a], flat[b]) {
                        Some((k - 1.0) / k * dot(&centred[a], &centred[b]))
                    } else {
                        // Exactly: rounding must not look like a covariance.
                        Some(0.0)
                    }
                })
            }
            CovarianceMethod::DeLong => {
                let components: Vec<_> = flat.iter().map(|cell| Components::new(cell)).collect();
                fill(flat.len(), |a, b| Some(components[a].covariance(&components[b])))
            }
            CovarianceMethod::Unbiased => {
                fill(flat.len(), |a, b| PairSums::new(flat[a], flat[b]).covariance())
            }
        };
        let values = values.ok_or(MrmcError::Unsupported {
            method: "the unbiased covariance",
            what: "readers with fewer than two cases of a class".to_owned(),
            remedy: "leave those readers out",
        })?;
        Ok(Self { n: flat.len(), readers: study.readers().len(), values })
    }

    /// Covariance between cells `(treatment, reader)`.
    pub(super) fn at(&self, a: (usize, usize), b: (usize, usize)) -> f64 {
        self.values[(a.0 * self.readers + a.1) * self.n + b.0 * self.readers + b.1]
    }

    /// Mean over pairs of cells, both from the given treatments, with the same or different treatment and reader as asked.
    pub(super) fn mean(&self, treatments: &[usize], same_treatment: bool, same_reader: bool) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0u32);
        for &i in treatments {
            for &k in treatments.iter().filter(|&&k| (k == i) == same_treatment) {
                for j in 0..self.readers {
                    for l in (0..self.readers).filter(|&l| (l == j) == same_reader) {
                        sum += self.at((i, j), (k, l));
                        count += 1;
                    }
                }
            }
        }
        (count > 0).then(|| sum / f64::from(count))
    }
}

/// The cases that a figure of merit rests on: all, or those of one class.
fn units(study: &Study, fom: FigureOfMerit) -> f64 {
    let (positive, negative) = study.class_sizes();
    let units = match fom {
        FigureOfMerit::Auc
        | FigureOfMerit::BinormalAuc
        | FigureOfMerit::PartialAuc { .. }
        | FigureOfMerit::SensitivityAt { .. } => positive + negative,
        FigureOfMerit::Sensitivity { .. } => positive,
        FigureOfMerit::Specificity { .. } => negative,
    };
    units as f64
}

/// Whether two cells have a case in common.
fn shared(a: &Cell, b: &Cell) -> bool {
    let any = |x: &[Option<f64>], y: &[Option<f64>]| x.iter().zip(y).any(|(p, q)| p.is_some() && q.is_some());
    any(&a.negative, &b.negative) || any(&a.positive, &b.positive)
}

/// Fills a symmetric matrix; each entry is computed by one thread, so the result does not depend on their number.
fn fill(n: usize, entry: impl Fn(usize, usize) -> Option<f64> + Sync) -> Option<Vec<f64>> {
    let rows: Option<Vec<Vec<f64>>> =
        (0..n).into_par_iter().map(|a| (a..n).map(|b| entry(a, b)).collect()).collect();
    let rows = rows?;
    let mut values = vec![0.0; n * n];
    for (a, row) in rows.into_iter().enumerate() {
        for (b, value) in (a..n).zip(row) {
            values[a * n + b] = value;
            values[b * n + a] = value;
        }
    }
    Some(values)
}

/// The figure of merit of a cell.
pub(super) fn value(cell: &Cell, fom: FigureOfMerit) -> f64 {
    if fom == FigureOfMerit::Auc {
        return cell.auc();
    }
    fom.of(&ratings(&cell.negative), &ratings(&cell.positive))
}

/// Ratings that were given.
pub(super) fn ratings(slots: &[Option<f64>]) -> Vec<f64> {
    slots.iter().copied().flatten().collect()
}

/// The figure of merit without each case in turn, negatives first.
pub(super) fn leave_one_out(cell: &Cell, fom: FigureOfMerit) -> Vec<f64> {
    if fom == FigureOfMerit::Auc {
        return cell.leave_one_out();
    }
    leave_one_out_by(cell, |negative, positive| fom.of(negative, positive), value(cell, fom))
}

/// Any quantity without each case in turn, negatives first; `whole` where the case was not read.
pub(super) fn leave_one_out_by<T: Copy>(cell: &Cell, of: impl Fn(&[f64], &[f64]) -> T, whole: T) -> Vec<T> {
    let ratings = |slots: &[Option<f64>], skip: Option<usize>| -> Vec<f64> {
        slots.iter().enumerate().filter(|(i, _)| Some(*i) != skip).filter_map(|(_, r)| *r).collect()
    };
    let (all_neg, all_pos) = (ratings(&cell.negative, None), ratings(&cell.positive, None));
    let negatives = cell.negative.iter().enumerate().map(|(i, rating)| match rating {
        Some(_) => of(&ratings(&cell.negative, Some(i)), &all_pos),
        None => whole,
    });
    let positives = cell.positive.iter().enumerate().map(|(i, rating)| match rating {
        Some(_) => of(&all_neg, &ratings(&cell.positive, Some(i))),
        None => whole,
    });
    negatives.chain(positives).collect()
}

fn centred(mut values: Vec<f64>) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    for v in &mut values {
        *v -= mean;
    }
    values
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(p, q)| p * q).sum()
}

/// Centred placement values by slot, zero where not read, each class over its number of cases.
struct Components {
    negative: Vec<f64>,
    positive: Vec<f64>,
    read_negative: Vec<bool>,
    read_positive: Vec<bool>,
    n_neg: usize,
    n_pos: usize,
}

impl Components {
    fn new(cell: &Cell) -> Self {
        let auc = cell.auc();
        let (m, n) = (cell.n_pos as f64, cell.n_neg as f64);
        let part = |slots: &[Option<f64>], wins: &[f64], others: f64, own: f64| -> Vec<f64> {
            slots.iter().zip(wins).map(|(r, w)| r.map_or(0.0, |_| (w / others - auc) / own)).collect()
        };
        let read = |slots: &[Option<f64>]| slots.iter().map(Option::is_some).collect();
        Self {
            negative: part(&cell.negative, &cell.wins_of_negative, m, n),
            positive: part(&cell.positive, &cell.wins_of_positive, n, m),
            read_negative: read(&cell.negative),
            read_positive: read(&cell.positive),
            n_neg: cell.n_neg,
            n_pos: cell.n_pos,
        }
    }

    fn covariance(&self, other: &Self) -> f64 {
        let common = |x: &[bool], y: &[bool]| x.iter().zip(y).filter(|(p, q)| **p && **q).count();
        dot(&self.negative, &other.negative)
            * unbiasing(self.n_neg, other.n_neg, common(&self.read_negative, &other.read_negative))
            + dot(&self.positive, &other.positive)
                * unbiasing(self.n_pos, other.n_pos, common(&self.read_positive, &other.read_positive))
    }
}
