use crate::{ReadoutError, auc::Classes};
use serde::{Deserialize, Serialize};

/// One operating point of a ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// An image is called positive when its rating is at least this; `None` calls nothing positive.
    pub threshold: Option<f64>,
    /// Share of negative images called positive (1 - specificity), in `[0, 1]`.
    pub false_positive_rate: f64,
    /// Share of positive images called positive (sensitivity), in `[0, 1]`.
    pub true_positive_rate: f64,
}

/// The empirical ROC curve: one point for each distinct rating, from (0, 0) to (1, 1). Tied ratings give one step,
/// so that straight lines between the points enclose the Mann-Whitney AUC with ties counting one half.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    /// Points with thresholds falling, rates rising.
    pub points: Vec<RocPoint>,
    /// Number of positive images.
    pub n_pos: usize,
    /// Number of negative images.
    pub n_neg: usize,
}

impl RocCurve {
    /// The curve of `ratings`, of which the images with `positive` set have the condition.
    ///
    /// # Errors
    /// [`ReadoutError`] when the lists differ in length, a rating is not finite, or a class is empty.
    ///
    /// ```
    /// use mammo_readout::RocCurve;
    /// let curve = RocCurve::new(&[1.0, 2.0, 2.0, 3.0], &[false, false, true, true])?;
    /// // The tied ratings make one slanted step.
    /// assert_eq!(curve.points.len(), 4);
    /// assert_eq!(curve.auc(), 0.875);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn new(ratings: &[f64], positive: &[bool]) -> Result<Self, ReadoutError> {
        let classes = Classes::new(ratings, positive)?;
        let (n_pos, n_neg) = (classes.positive().len(), classes.negative().len());
        let mut order: Vec<usize> = (0..ratings.len()).collect();
        order.sort_by(|&a, &b| ratings[b].total_cmp(&ratings[a]));

        let mut points =
            vec![RocPoint { threshold: None, false_positive_rate: 0.0, true_positive_rate: 0.0 }];
        let (mut hits, mut alarms) = (0usize, 0usize);
        for (place, &i) in order.iter().enumerate() {
            if positive[i] {
                hits += 1;
            } else {
                alarms += 1;
            }
            let last_of_its_rating = order.get(place + 1).is_none_or(|&next| ratings[next] != ratings[i]);
            if last_of_its_rating {
                points.push(RocPoint {
                    threshold: Some(ratings[i]),
                    false_positive_rate: alarms as f64 / n_neg as f64,
                    true_positive_rate: hits as f64 / n_pos as f64,
                });
            }
        }
        Ok(Self { points, n_pos, n_neg })
    }

    /// Area under the straight lines between the points; equal to [`crate::auc`] up to rounding.
    ///
    /// ```
    /// use mammo_readout::RocCurve;
    /// let curve = RocCurve::new(&[1.0, 2.0, 2.0, 3.0], &[false, true, false, true])?;
    /// assert_eq!(curve.auc(), 0.875);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn auc(&self) -> f64 {
        self.points
            .windows(2)
            .map(|p| {
                let width = p[1].false_positive_rate - p[0].false_positive_rate;
                width * (p[0].true_positive_rate + p[1].true_positive_rate) / 2.0
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tied_ratings_make_one_slanted_step() {
        let curve = RocCurve::new(&[1.0, 2.0, 2.0, 3.0], &[false, false, true, true]).unwrap();
        let points: Vec<_> =
            curve.points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect();
        assert_eq!(points, [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(curve.points[2].threshold, Some(2.0));
        assert_eq!(curve.auc(), 0.875);
    }

    proptest! {
        #[test]
        fn the_area_is_the_mann_whitney_auc_and_the_rates_rise(
            rows in proptest::collection::vec((0u8..6, any::<bool>()), 2..40)
        ) {
            let (ratings, positive): (Vec<f64>, Vec<bool>) =
                rows.into_iter().map(|(r, t)| (f64::from(r), t)).unzip();
            prop_assume!(positive.contains(&true) && positive.contains(&false));
            let curve = RocCurve::new(&ratings, &positive).unwrap();
            prop_assert!((curve.auc() - crate::auc(&ratings, &positive).unwrap()).abs() < 1e-12);
            for p in curve.points.windows(2) {
                prop_assert!(p[0].false_positive_rate <= p[1].false_positive_rate);
                prop_assert!(p[0].true_positive_rate <= p[1].true_positive_rate);
            }
        }
    }
}
