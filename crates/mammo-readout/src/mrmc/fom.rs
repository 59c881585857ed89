use super::MrmcError;
use super::binormal_area::binormal_area;
use serde::{Deserialize, Serialize};

/// What is computed from the ratings of one reader under one treatment.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FigureOfMerit {
    /// Area under the empirical ROC curve (Mann-Whitney, ties one half).
    #[default]
    Auc,
    /// Area under the binormal curve of each reader and treatment, fitted by maximum likelihood; where the likelihood has
    /// no maximum, its limit, which the analysis flags.
    BinormalAuc,
    /// Area under the empirical ROC curve between two false positive rates, divided by the width of the range.
    PartialAuc {
        /// Lower false positive rate.
        from: f64,
        /// Upper false positive rate.
        to: f64,
    },
    /// Share of positive cases rated at least the threshold.
    Sensitivity {
        /// The threshold.
        at_least: f64,
    },
    /// Sensitivity where the specificity has a fixed value, on the straight line between the neighbouring operating points
    /// of the empirical curve; at a vertical step, its top.
    SensitivityAt {
        /// The specificity, in `[0, 1]`.
        specificity: f64,
    },
    /// Share of negative cases rated below the threshold.
    Specificity {
        /// The threshold of a positive call.
        at_least: f64,
    },
}

impl FigureOfMerit {
    /// Its name for tables.
    ///
    /// ```
    /// use mammo_readout::mrmc::FigureOfMerit;
    /// assert_eq!(FigureOfMerit::Sensitivity { at_least: 3.0 }.name(), "sensitivity at rating 3 or more");
    /// ```
    pub fn name(self) -> String {
        match self {
            Self::Auc => "AUC".to_owned(),
            Self::BinormalAuc => "binormal AUC".to_owned(),
            Self::PartialAuc { from, to } => format!("partial AUC, FPR {from} to {to}, per width"),
            Self::Sensitivity { at_least } => format!("sensitivity at rating {at_least} or more"),
            Self::SensitivityAt { specificity } => format!("sensitivity at specificity {specificity}"),
            Self::Specificity { at_least } => format!("specificity at rating {at_least} or more"),
        }
    }

    /// Refuses ranges and thresholds that mean nothing.
    pub(super) fn check(self) -> Result<(), MrmcError> {
        match self {
            Self::PartialAuc { from, to } if !(0.0 <= from && from < to && to <= 1.0) => {
                Err(MrmcError::OutOfRange {
                    what: "the upper false positive rate",
                    value: to,
                    range: "above the lower one, both in [0, 1]",
                })
            }
            Self::Sensitivity { at_least } | Self::Specificity { at_least } if !at_least.is_finite() => {
                Err(MrmcError::OutOfRange { what: "the threshold", value: at_least, range: "finite" })
            }
            Self::SensitivityAt { specificity } if !(0.0..=1.0).contains(&specificity) => {
                Err(MrmcError::OutOfRange { what: "the specificity", value: specificity, range: "in [0, 1]" })
            }
            _ => Ok(()),
        }
    }

    /// Its value under guessing, where it has one.
    ///
    /// ```
    /// use mammo_readout::mrmc::FigureOfMerit;
    /// assert_eq!(FigureOfMerit::Auc.chance(), Some(0.5));
    /// assert_eq!(FigureOfMerit::Sensitivity { at_least: 3.0 }.chance(), None);
    /// ```
    pub fn chance(self) -> Option<f64> {
        match self {
            Self::Auc | Self::BinormalAuc => Some(0.5),
            Self::PartialAuc { from, to } => Some(f64::midpoint(from, to)),
            Self::SensitivityAt { specificity } => Some(1.0 - specificity),
            Self::Sensitivity { .. } | Self::Specificity { .. } => None,
        }
    }

    /// Its value for ratings of negative and positive cases, neither empty.
    pub(super) fn of(self, negative: &[f64], positive: &[f64]) -> f64 {
        let share = |values: &[f64], at_least: f64| {
            values.iter().filter(|&&v| v >= at_least).count() as f64 / values.len() as f64
        };
        match self {
            Self::Auc => area(negative, positive, 0.0, 1.0),
            Self::BinormalAuc => binormal_area(negative, positive).0,
            Self::PartialAuc { from, to } => area(negative, positive, from, to) / (to - from),
            Self::Sensitivity { at_least } => share(positive, at_least),
            Self::SensitivityAt { specificity } => height(negative, positive, 1.0 - specificity),
            Self::Specificity { at_least } => 1.0 - share(negative, at_least),
        }
    }
}

/// The empirical curve at a false positive rate, the upper end of a vertical step.
fn height(negative: &[f64], positive: &[f64], rate: f64) -> f64 {
    // One less a share of the negatives may miss it by rounding.
    let rate = rate + 1e-12;
    let mut before = (0.0, 0.0);
    for (x, y) in curve(negative, positive) {
        if x > rate {
            return before.1 + (y - before.1) * (rate - 1e-12 - before.0).max(0.0) / (x - before.0);
        }
        before = (x, y);
    }
    1.0
}

/// Area under the empirical curve between two false positive rates; ties are straight lines.
fn area(negative: &[f64], positive: &[f64], from: f64, to: f64) -> f64 {
    let (mut area, mut fpr, mut tpr) = (0.0, 0.0, 0.0);
    for (x, y) in curve(negative, positive) {
        let (low, high) = (from.max(fpr), to.min(x));
        if high > low {
            let at = |v: f64| tpr + (y - tpr) * (v - fpr) / (x - fpr);
            area += (high - low) * f64::midpoint(at(low), at(high));
        }
        (fpr, tpr) = (x, y);
    }
    area
}

/// The operating points of the empirical curve as (false positive rate, true positive rate), thresholds falling.
pub(super) fn curve(negative: &[f64], positive: &[f64]) -> Vec<(f64, f64)> {
    let falling = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        sorted
    };
    let (neg, pos) = (falling(negative), falling(positive));
    let (mut i, mut j) = (0, 0);
    let mut points = Vec::new();
    while i < neg.len() || j < pos.len() {
        let next = neg.get(i).copied().unwrap_or(f64::NEG_INFINITY);
        let threshold = pos.get(j).map_or(next, |&p| p.max(next));
        while i < neg.len() && neg[i] >= threshold {
            i += 1;
        }
        while j < pos.len() && pos[j] >= threshold {
            j += 1;
        }
        points.push((i as f64 / neg.len() as f64, j as f64 / pos.len() as f64));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_of_the_area_add_up(
            neg in proptest::collection::vec((0u8..6).prop_map(f64::from), 1..15),
            pos in proptest::collection::vec((0u8..6).prop_map(f64::from), 1..15),
            cut in 0.05f64..0.95
        ) {
            let whole = FigureOfMerit::Auc.of(&neg, &pos);
            let parts = cut * FigureOfMerit::PartialAuc { from: 0.0, to: cut }.of(&neg, &pos)
                + (1.0 - cut) * FigureOfMerit::PartialAuc { from: cut, to: 1.0 }.of(&neg, &pos);
            prop_assert!((whole - parts).abs() < 1e-12);
            let mut pairs = 0.0;
            for x in &neg {
                for y in &pos {
                    pairs += if y > x { 1.0 } else if y == x { 0.5 } else { 0.0 };
                }
            }
            prop_assert!((whole - pairs / (neg.len() * pos.len()) as f64).abs() < 1e-12);
            let positive: Vec<bool> = (0..neg.len() + pos.len()).map(|i| i >= neg.len()).collect();
            let read = crate::RocCurve::new(&[&neg[..], &pos].concat(), &positive).unwrap().sensitivity_at(cut).unwrap();
            let height = FigureOfMerit::SensitivityAt { specificity: cut }.of(&neg, &pos);
            prop_assert!((height - read.interpolated).abs() < 1e-9);
        }
    }
}
