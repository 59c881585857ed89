use crate::{
    ReadoutError,
    sorting::{self, Ascending, place},
};

/// Ratings split by truth, checked.
#[derive(Debug, Clone)]
pub(crate) struct Classes {
    /// Ratings of the positive images, then those of the negative ones.
    pub(crate) together: Vec<f64>,
    /// How many are positive.
    pub(crate) n_pos: usize,
}

impl Classes {
    pub(crate) fn new(ratings: &[f64], positive: &[bool]) -> Result<Self, ReadoutError> {
        check_lengths("ratings", ratings.len(), "truths", positive.len())?;
        let truth = Truth::new(positive)?;
        truth.split(ratings)
    }

    /// Ratings of the positive images.
    pub(crate) fn positive(&self) -> &[f64] {
        &self.together[..self.n_pos]
    }

    /// Ratings of the negative images.
    pub(crate) fn negative(&self) -> &[f64] {
        &self.together[self.n_pos..]
    }
}

/// The places of the positive and the negative images, found once for all curves on the same images.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    pub(crate) positive_at: Vec<usize>,
    pub(crate) negative_at: Vec<usize>,
}

impl Truth {
    pub(crate) fn new(positive: &[bool]) -> Result<Self, ReadoutError> {
        if positive.len() >= sorting::MOST {
            return Err(ReadoutError::TooMany { found: positive.len(), most: sorting::MOST - 1 });
        }
        let (positive_at, negative_at): (Vec<usize>, Vec<usize>) =
            (0..positive.len()).partition(|&i| positive[i]);
        if positive_at.is_empty() {
            return Err(ReadoutError::NoPositives);
        }
        if negative_at.is_empty() {
            return Err(ReadoutError::NoNegatives);
        }
        Ok(Self { positive_at, negative_at })
    }

    /// `ratings` by class; they must be as many as the truths.
    pub(crate) fn split(&self, ratings: &[f64]) -> Result<Classes, ReadoutError> {
        let truths = self.positive_at.len() + self.negative_at.len();
        check_lengths("ratings", ratings.len(), "truths", truths)?;
        if let Some((index, &value)) = ratings.iter().enumerate().find(|(_, r)| !r.is_finite()) {
            return Err(ReadoutError::NotFinite { index, value });
        }
        let together = self.positive_at.iter().chain(&self.negative_at).map(|&i| ratings[i]).collect();
        Ok(Classes { together, n_pos: self.positive_at.len() })
    }
}

pub(crate) fn check_lengths(
    left: &'static str,
    left_len: usize,
    right: &'static str,
    right_len: usize,
) -> Result<(), ReadoutError> {
    if left_len == right_len {
        Ok(())
    } else {
        Err(ReadoutError::LengthMismatch { left, left_len, right, right_len })
    }
}

/// AUC and placement values (structural components) of DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837.
#[derive(Debug, Clone)]
pub(crate) struct Placements {
    /// The Mann-Whitney AUC. Exactly 0 or 1 when the classes separate.
    pub(crate) auc: f64,
    /// V10: for each positive image the share of negatives that it outranks, ties one half.
    pub(crate) v10: Vec<f64>,
    /// V01: for each negative image the share of positives that outrank it, ties one half.
    pub(crate) v01: Vec<f64>,
    /// Pairs of a positive and a negative image with the same rating.
    pub(crate) tied_pairs: u64,
}

impl Placements {
    /// One sort and one walk over it (Sun and Xu, IEEE Signal Processing Letters 2014;21:1389): in O(n log n) and
    /// linear memory.
    pub(crate) fn new(classes: &Classes) -> Self {
        let (m, n) = (classes.n_pos, classes.together.len() - classes.n_pos);
        let sorted = Ascending::new(&classes.together);
        let (mut v10, mut v01) = (vec![0.0; m], vec![0.0; n]);
        let (mut positives_below, mut negatives_below) = (0, 0);
        // Counts are whole numbers, so that the AUC is exact before its one division.
        let (mut half_wins, mut tied_pairs) = (0u64, 0u64);
        for tied in sorted.groups() {
            let positives = tied.iter().filter(|&&e| place(e) < m).count();
            let negatives = tied.len() - positives;
            let (below, above) = (2 * negatives_below + negatives, 2 * (m - positives_below) - positives);
            let (v10_here, v01_here) = (below as f64 / (2 * n) as f64, above as f64 / (2 * m) as f64);
            for &entry in tied {
                match place(entry).checked_sub(m) {
                    None => v10[place(entry)] = v10_here,
                    Some(j) => v01[j] = v01_here,
                }
            }
            half_wins += positives as u64 * below as u64;
            tied_pairs += (positives * negatives) as u64;
            positives_below += positives;
            negatives_below += negatives;
        }
        Self { auc: half_wins as f64 / (2.0 * m as f64 * n as f64), v10, v01, tied_pairs }
    }
}

/// Area under the empirical ROC curve: the probability that a positive image is rated above a negative one, ties
/// counting one half (Mann-Whitney U divided by the number of pairs). In `[0, 1]`.
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, or a class is empty.
///
/// ```
/// use mammo_readout::auc;
/// // Eight pairs in order, one tied: 8.5 of 9.
/// let area = auc(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0], &[false, false, false, true, true, true])?;
/// assert!((area - 8.5 / 9.0).abs() < 1e-12);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn auc(ratings: &[f64], positive: &[bool]) -> Result<f64, ReadoutError> {
    let classes = Classes::new(ratings, positive)?;
    Ok(Placements::new(&classes).auc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
        proptest::collection::vec((0u8..6, any::<bool>()), 2..40)
            .prop_map(|rows| rows.into_iter().map(|(r, t)| (f64::from(r), t)).unzip())
            .prop_filter("both classes", |(_, t): &(Vec<f64>, Vec<bool>)| {
                t.contains(&true) && t.contains(&false)
            })
    }

    proptest! {
        #[test]
        fn equals_the_count_over_all_pairs((ratings, positive) in data()) {
            let (mut sum, mut pairs) = (0.0, 0.0);
            for (x, _) in ratings.iter().zip(&positive).filter(|(_, p)| **p) {
                for (y, _) in ratings.iter().zip(&positive).filter(|(_, p)| !**p) {
                    sum += if x > y { 1.0 } else if x == y { 0.5 } else { 0.0 };
                    pairs += 1.0;
                }
            }
            prop_assert!((auc(&ratings, &positive).unwrap() - sum / pairs).abs() < 1e-12);
        }

        #[test]
        fn turning_the_ratings_round_gives_one_minus_the_auc((ratings, positive) in data()) {
            let turned: Vec<f64> = ratings.iter().map(|r| -r).collect();
            let sum = auc(&ratings, &positive).unwrap() + auc(&turned, &positive).unwrap();
            prop_assert!((sum - 1.0).abs() < 1e-12);
        }

        #[test]
        fn placements_average_to_the_auc((ratings, positive) in data()) {
            let p = Placements::new(&Classes::new(&ratings, &positive).unwrap());
            prop_assert!((p.v10.iter().sum::<f64>() / p.v10.len() as f64 - p.auc).abs() < 1e-12);
            prop_assert!((p.v01.iter().sum::<f64>() / p.v01.len() as f64 - p.auc).abs() < 1e-12);
        }
    }

    #[test]
    fn input_that_has_no_auc_is_refused() {
        assert_eq!(auc(&[1.0], &[true, false]).unwrap_err().to_string().split(';').count(), 2);
        assert_eq!(auc(&[1.0, 2.0], &[false, false]), Err(ReadoutError::NoPositives));
        assert_eq!(auc(&[1.0, 2.0], &[true, true]), Err(ReadoutError::NoNegatives));
        assert!(matches!(
            auc(&[1.0, f64::NAN], &[true, false]),
            Err(ReadoutError::NotFinite { index: 1, .. })
        ));
    }
}
