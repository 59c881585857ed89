use super::MrmcError;
use serde::{Deserialize, Serialize};

/// What is computed from the ratings of one reader under one treatment.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FigureOfMerit {
    /// Area under the empirical ROC curve (Mann-Whitney, ties one half).
    #[default]
    Auc,
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
    /// Share of negative cases rated below the threshold.
    Specificity {
        /// The threshold of a positive call.
        at_least: f64,
    },
}

impl FigureOfMerit {
    /// Its name for tables.
    pub fn name(self) -> String {
        match self {
            Self::Auc => "AUC".to_owned(),
            Self::PartialAuc { from, to } => format!("partial AUC, FPR {from} to {to}, per width"),
            Self::Sensitivity { at_least } => format!("sensitivity at rating {at_least} or more"),
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
            _ => Ok(()),
        }
    }

    /// Its value under guessing, where it has one.
    pub fn chance(self) -> Option<f64> {
        match self {
            Self::Auc => Some(0.5),
            Self::PartialAuc { from, to } => Some(f64::midpoint(from, to)),
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
            Self::PartialAuc { from, to } => area(negative, positive, from, to) / (to - from),
            Self::Sensitivity { at_least } => share(positive, at_least),
            Self::Specificity { at_least } => 1.0 - share(negative, at_least),
        }
    }
}

/// Area under the empirical curve between two false positive rates; ties are straight lines.
fn area(negative: &[f64], positive: &[f64], from: f64, to: f64) -> f64 {
    let falling = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        sorted
    };
    let (neg, pos) = (falling(negative), falling(positive));
    let (mut i, mut j, mut area) = (0, 0, 0.0);
    let (mut fpr, mut tpr) = (0.0, 0.0);
    while i < neg.len() || j < pos.len() {
        let next = neg.get(i).copied().unwrap_or(f64::NEG_INFINITY);
        let threshold = pos.get(j).map_or(next, |&p| p.max(next));
        while i < neg.len() && neg[i] >= threshold {
            i += 1;
        }
        while j < pos.len() && pos[j] >= threshold {
            j += 1;
        }
        let (x, y) = (i as f64 / neg.len() as f64, j as f64 / pos.len() as f64);
        let (low, high) = (from.max(fpr), to.min(x));
        if high > low {
            let at = |v: f64| tpr + (y - tpr) * (v - fpr) / (x - fpr);
            area += (high - low) * f64::midpoint(at(low), at(high));
        }
        (fpr, tpr) = (x, y);
    }
    area
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
        }
    }
}
