//! The area under a part of the empirical ROC curve.

use crate::{ReadoutError, RocCurve, interval::in_range};
use serde::{Deserialize, Serialize};

/// The part of a curve whose area is wanted; both limits in `[0, 1]`, the lower one first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Between two specificities: the area under the curve, over false-positive rates.
    Specificity(f64, f64),
    /// Between two sensitivities: the area to the right of the curve, over true-positive rates.
    Sensitivity(f64, f64),
}

/// A partial area, plain and corrected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PartialAuc {
    /// The band.
    pub band: Band,
    /// The area, from 0 to the width of the band.
    pub area: f64,
    /// The area that chance gives in this band.
    pub chance: f64,
    /// `(1 + (area - chance) / (width - chance)) / 2`: one half at chance, 1 for a perfect reader (McClish, Medical
    /// Decision Making 1989;9:190). None where the area is below chance, for which the correction is not defined.
    pub corrected: Option<f64>,
}

impl RocCurve {
    /// The area of `band` under the straight lines between the operating points.
    ///
    /// ```
    /// use mammo_readout::{Band, RocCurve};
    /// let positive = [false, false, false, false, true, true, true, true];
    /// let curve = RocCurve::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &positive)?;
    /// let partial = curve.partial_auc(Band::Specificity(0.9, 1.0))?;
    /// assert!((partial.area - 0.1).abs() < 1e-12 && (partial.corrected.unwrap() - 1.0).abs() < 1e-12);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadoutError::OutOfRange`] when the limits are not in `[0, 1]` or the lower is not below the upper.
    pub fn partial_auc(&self, band: Band) -> Result<PartialAuc, ReadoutError> {
        let (low, high) = match band {
            Band::Specificity(low, high) | Band::Sensitivity(low, high) => (low, high),
        };
        in_range("the lower limit of the band", low, (0.0..1.0).contains(&low), "in [0, 1)")?;
        let above = high > low && high <= 1.0;
        in_range("the upper limit of the band", high, above, "above the lower limit and at most 1")?;
        // Both are the area under a rising curve over the part [1 - high, 1 - low] of the unit interval: for
        // sensitivities it is the curve of the false-negative rate seen from the other corner.
        let (from, to) = (1.0 - high, 1.0 - low);
        let rates: Vec<(f64, f64)> = match band {
            Band::Specificity(..) => {
                self.points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect()
            }
            Band::Sensitivity(..) => self
                .points
                .iter()
                .rev()
                .map(|p| (1.0 - p.true_positive_rate, 1.0 - p.false_positive_rate))
                .collect(),
        };
        let area: f64 = rates.windows(2).map(|p| area_between(p[0], p[1], from, to)).sum();
        let width = to - from;
        let chance = width * f64::midpoint(from, to);
        let corrected =
            (area >= chance - 1e-14).then(|| f64::midpoint(1.0, (area - chance) / (width - chance)));
        Ok(PartialAuc { band, area, chance, corrected })
    }
}

/// Area under the line from `p` to `q` where its abscissa lies in `[from, to]`.
fn area_between(p: (f64, f64), q: (f64, f64), from: f64, to: f64) -> f64 {
    let (left, right) = (p.0.max(from), q.0.min(to));
    if right <= left {
        return 0.0;
    }
    let height = |x: f64| p.1 + (q.1 - p.1) * (x - p.0) / (q.0 - p.0);
    (right - left) * f64::midpoint(height(left), height(right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bands_add_up_to_the_whole_area_whichever_way_they_run(
            rows in proptest::collection::vec((0u8..6, any::<bool>()), 2..40), cut in 0.05f64..0.95
        ) {
            let (ratings, positive): (Vec<f64>, Vec<bool>) =
                rows.into_iter().map(|(r, t)| (f64::from(r), t)).unzip();
            prop_assume!(positive.contains(&true) && positive.contains(&false));
            let curve = RocCurve::new(&ratings, &positive).unwrap();
            for band in [Band::Specificity as fn(f64, f64) -> Band, Band::Sensitivity] {
                let area = |low, high| curve.partial_auc(band(low, high)).unwrap().area;
                prop_assert!((area(0.0, 1.0) - curve.auc()).abs() < 1e-12);
                prop_assert!((area(0.0, cut) + area(cut, 1.0) - curve.auc()).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn empty_and_foreign_bands_are_refused() {
        let curve = RocCurve::new(&[1.0, 2.0], &[false, true]).unwrap();
        for band in
            [Band::Specificity(0.5, 0.5), Band::Sensitivity(0.8, 1.1), Band::Specificity(f64::NAN, 1.0)]
        {
            assert!(curve.partial_auc(band).is_err());
        }
    }
}
