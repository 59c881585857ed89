use super::{MrmcError, Study};

/// The readings of one reader under one treatment, split by truth, with the placement sums of each case.
///
/// Slots count over all negative (or positive) cases of the study; those that were not read hold zero sums, so that sums
/// of products over slots run over common cases only.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// Ratings by slot; `None` where not read.
    pub(super) negative: Vec<Option<f64>>,
    pub(super) positive: Vec<Option<f64>>,
    /// For each negative slot: over how many of the positives read it ranks below, ties one half.
    pub(super) wins_of_negative: Vec<f64>,
    /// For each positive slot: how many of the negatives read it outranks, ties one half.
    pub(super) wins_of_positive: Vec<f64>,
    pub(super) n_neg: usize,
    pub(super) n_pos: usize,
    /// Sum of the kernel over all pairs read.
    pub(super) total: f64,
}

impl Cell {
    pub(super) fn new(study: &Study, treatment: usize, reader: usize) -> Self {
        let ratings = study.cell(treatment, reader);
        let of = |class: bool| -> Vec<Option<f64>> {
            study
                .cases()
                .iter()
                .zip(ratings)
                .filter(|(case, _)| case.positive == class)
                .map(|(_, r)| *r)
                .collect()
        };
        Self::from_slots(of(false), of(true))
    }

    pub(super) fn from_slots(negative: Vec<Option<f64>>, positive: Vec<Option<f64>>) -> Self {
        let sorted = |slots: &[Option<f64>]| {
            let mut values: Vec<f64> = slots.iter().copied().flatten().collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let (neg, pos) = (sorted(&negative), sorted(&positive));
        let halves_below = |sorted: &[f64], x: f64| {
            (sorted.partition_point(|&v| v < x) + sorted.partition_point(|&v| v <= x)) as f64 / 2.0
        };
        let wins_of_positive: Vec<f64> =
            positive.iter().map(|r| r.map_or(0.0, |x| halves_below(&neg, x))).collect();
        let wins_of_negative =
            negative.iter().map(|r| r.map_or(0.0, |x| pos.len() as f64 - halves_below(&pos, x))).collect();
        // Half counts are exact, whatever the order of the sum.
        let total = wins_of_positive.iter().sum();
        Self {
            n_neg: neg.len(),
            n_pos: pos.len(),
            negative,
            positive,
            wins_of_negative,
            wins_of_positive,
            total,
        }
    }

    pub(super) fn pairs(&self) -> f64 {
        self.n_neg as f64 * self.n_pos as f64
    }

    /// The Mann-Whitney AUC; NaN without a pair.
    pub(super) fn auc(&self) -> f64 {
        self.total / self.pairs()
    }

    /// The AUC without each case in turn: negatives first, then positives. Cases that were not read leave it as it is.
    pub(super) fn leave_one_out(&self) -> Vec<f64> {
        let auc = self.auc();
        let (m, n) = (self.n_pos as f64, self.n_neg as f64);
        let negatives = self.negative.iter().zip(&self.wins_of_negative);
        let positives = self.positive.iter().zip(&self.wins_of_positive);
        let without = move |wins: f64, pairs_left: f64| (self.total - wins) / pairs_left;
        negatives
            .map(|(r, &w)| if r.is_some() { without(w, (n - 1.0) * m) } else { auc })
            .chain(positives.map(|(r, &w)| if r.is_some() { without(w, n * (m - 1.0)) } else { auc }))
            .collect()
    }
}

/// The cells of a study, `[treatment][reader]`.
pub(super) fn cells(study: &Study) -> Vec<Vec<Cell>> {
    (0..study.treatments().len())
        .map(|t| (0..study.readers().len()).map(|r| Cell::new(study, t, r)).collect())
        .collect()
}

/// Refuses a study in which a reader lacks `needed` readings of a class under a treatment.
pub(super) fn check_cells(study: &Study, cells: &[Vec<Cell>], needed: usize) -> Result<(), MrmcError> {
    for (t, row) in cells.iter().enumerate() {
        for (r, cell) in row.iter().enumerate() {
            for (class, found) in [("negative", cell.n_neg), ("positive", cell.n_pos)] {
                if found < needed {
                    return Err(MrmcError::TooFewReadings {
                        reader: study.readers()[r].clone(),
                        treatment: study.treatments()[t].clone(),
                        class,
                        found,
                        needed,
                    });
                }
            }
        }
    }
    Ok(())
}

/// Refuses a study with fewer than `needed` cases of a class.
pub(super) fn check_classes(study: &Study, needed: usize) -> Result<(), MrmcError> {
    let (positive, negative) = study.class_sizes();
    for (class, found) in [("positive", positive), ("negative", negative)] {
        if found < needed {
            return Err(MrmcError::TooFewCases { class, found, needed });
        }
    }
    Ok(())
}
