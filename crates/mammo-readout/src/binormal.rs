//! The conventional binormal model, fitted by maximum likelihood to ratings in categories.

use crate::{
    AucEstimate, Interval, ReadoutError, VarianceMethod,
    auc::{Placements, Truth, check_lengths},
    delong::at_least_two,
    likelihood::{Conventional, Model},
    normal,
    sorting::{Ascending, place},
};
use serde::{Deserialize, Serialize};

/// More categories than this are merged, neighbours first, so that each holds about as many images.
const MOST_CATEGORIES: usize = 60;

/// A fit, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinormalFit {
    /// The likelihood has a maximum inside the model.
    Fitted(Binormal),
    /// It has none: the data allow no binormal curve. The empirical AUC is still good.
    Degenerate(Degeneracy),
}

/// Why the likelihood of a curve of two parameters has no maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Degeneracy {
    /// Fewer than two operating points between the corners: two parameters cannot be found.
    TooFewCategories,
    /// The classes separate (empirical AUC 0 or 1): the distance of the classes grows without bound.
    Separated,
    /// The likelihood rises as a parameter goes to the end of its range (for the conventional curve, `b` to zero or
    /// without bound, or `a` without bound): the curve runs along the axes and through points exactly.
    NoMaximum,
    /// The likelihood of a proper curve is highest on the chance line: the reading is no better than guessing, or
    /// inverted, which no proper curve can show.
    NoBetterThanChance,
}

/// A binormal curve: negatives follow N(0, 1), positives N(a / b, 1 / b²), so that
/// `TPR = Φ(a + b Φ⁻¹(FPR))`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binormal {
    /// Intercept on normal deviates.
    pub a: f64,
    /// Slope on normal deviates.
    pub b: f64,
    /// Covariance of `a` and `b`: variance of `a`, covariance, variance of `b`, from the inverse of the observed
    /// information.
    pub covariance: [f64; 3],
    /// Cutoffs between the categories used, rising, in standard deviations of the negatives.
    pub cutoffs: Vec<f64>,
    /// Categories of the ratings that were used, after merging.
    pub categories: usize,
    /// Natural logarithm of the likelihood at its maximum, without the multinomial constants.
    pub log_likelihood: f64,
    /// `Φ(a / √(1 + b²))` with its standard error by the delta method.
    pub estimate: AucEstimate,
}

impl Binormal {
    /// True-positive rate at a false-positive rate in `[0, 1]`.
    ///
    /// ```
    /// use mammo_readout::{BinormalFit, Interval, binormal};
    /// let ratings = [1.0, 2.0, 2.0, 3.0, 4.0, 1.0, 3.0, 2.0, 3.0, 3.0, 4.0, 5.0, 5.0, 4.0];
    /// let positive: Vec<bool> = (0..14).map(|i| i >= 7).collect();
    /// let BinormalFit::Fitted(fit) = binormal(&ratings, &positive, Interval::default())? else { panic!() };
    /// assert_eq!((fit.true_positive_rate(0.0), fit.true_positive_rate(1.0)), (0.0, 1.0));
    /// assert!(fit.true_positive_rate(0.2) > 0.5);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn true_positive_rate(&self, false_positive_rate: f64) -> f64 {
        match false_positive_rate {
            f if f <= 0.0 => 0.0,
            f if f >= 1.0 => 1.0,
            f => normal::below(self.a + self.b * normal::quantile(f)),
        }
    }

    /// The false-positive rate where the curve meets the chance line inside the unit square, `Φ(a / (1 - b))`: on one
    /// side of it the curve hooks below chance, which no sensible reader does. None for `b = 1`.
    ///
    /// ```
    /// use mammo_readout::{BinormalFit, Interval, binormal};
    /// let ratings = [1.0, 2.0, 2.0, 3.0, 4.0, 1.0, 3.0, 2.0, 3.0, 3.0, 4.0, 5.0, 5.0, 4.0];
    /// let positive: Vec<bool> = (0..14).map(|i| i >= 7).collect();
    /// let BinormalFit::Fitted(fit) = binormal(&ratings, &positive, Interval::default())? else { panic!() };
    /// if let Some(at) = fit.hook_at().filter(|at| (0.01..0.99).contains(at)) {
    ///     assert!((fit.true_positive_rate(at) - at).abs() < 1e-6);
    /// }
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn hook_at(&self) -> Option<f64> {
        (self.b != 1.0).then(|| normal::below(self.a / (1.0 - self.b)))
    }
}

/// Fits the binormal model by Fisher scoring (Dorfman and Alf, Journal of Mathematical Psychology 1969;6:487).
///
/// Distinct ratings are categories. Neighbouring ratings that hold one class only, and the same, are merged, which
/// leaves `a` and `b` at the maximum as they are (Metz, Herman and Shen, Statistics in Medicine 1998;17:1033). Beyond
/// 60 categories neighbours are merged so that each holds about as many images, which is an approximation.
/// [`Binormal::categories`] says how many were left.
///
/// ```
/// use mammo_readout::{BinormalFit, Interval, binormal};
/// // Ratings 1 to 5 of 109 images, Hanley and McNeil 1982.
/// let (mut ratings, mut positive) = (Vec::new(), Vec::new());
/// for (truth, counts) in [(false, [33, 6, 6, 11, 2]), (true, [3, 2, 2, 11, 33])] {
///     for (rating, count) in [1.0, 2.0, 3.0, 4.0, 5.0].into_iter().zip(counts) {
///         ratings.extend(vec![rating; count]);
///         positive.extend(vec![truth; count]);
///     }
/// }
/// let BinormalFit::Fitted(fit) = binormal(&ratings, &positive, Interval::default())? else { panic!() };
/// assert!((fit.estimate.auc - 0.911331).abs() < 1e-6);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, or a class has fewer than two images.
/// Data without a maximum are a result, [`BinormalFit::Degenerate`], not an error.
pub fn binormal(ratings: &[f64], positive: &[bool], interval: Interval) -> Result<BinormalFit, ReadoutError> {
    let (table, m, n) = match table(ratings, positive)? {
        Ok(found) => found,
        Err(why) => return Ok(BinormalFit::Degenerate(why)),
    };
    let Some(found) = Model::maximise(&Conventional, &table) else {
        return Ok(BinormalFit::Degenerate(Degeneracy::NoMaximum));
    };
    let (a, b) = (found.at[0], found.at[1]);
    let spread = 1.0 + b * b;
    let u = a / spread.sqrt();
    let density = (-u * u / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (by_a, by_b) = (density / spread.sqrt(), -density * a * b / spread.powf(1.5));
    let [aa, ab, bb] = found.covariance;
    let variance = by_a * by_a * aa + 2.0 * by_a * by_b * ab + by_b * by_b * bb;
    let estimate = AucEstimate::new(
        normal::below(u),
        variance.max(0.0).sqrt(),
        (m, n),
        m.min(n),
        VarianceMethod::Binormal,
        interval,
    )?;
    Ok(BinormalFit::Fitted(Binormal {
        a,
        b,
        covariance: found.covariance,
        cutoffs: found.at[2..].to_vec(),
        categories: table.len(),
        log_likelihood: found.log_likelihood,
        estimate,
    }))
}

/// Counts of negatives and positives in each category, ratings rising.
type Table = Vec<[f64; 2]>;

/// The table of ratings with the numbers of positives and negatives, or why no curve of two parameters can be fitted.
pub(crate) fn table(
    ratings: &[f64],
    positive: &[bool],
) -> Result<Result<(Table, usize, usize), Degeneracy>, ReadoutError> {
    check_lengths("ratings", ratings.len(), "truths", positive.len())?;
    let classes = Truth::new(positive)?.split(ratings)?;
    let (m, n) = (classes.positive().len(), classes.negative().len());
    at_least_two(m, n)?;
    let empirical = Placements::new(&classes).auc;
    if empirical == 0.0 || empirical == 1.0 {
        return Ok(Err(Degeneracy::Separated));
    }
    let table = categories(ratings, positive);
    // Every operating point between the corners gives one equation for the two parameters.
    Ok(if table.len() < 3 { Err(Degeneracy::TooFewCategories) } else { Ok((table, m, n)) })
}

fn categories(ratings: &[f64], positive: &[bool]) -> Table {
    let mut table: Table = Vec::new();
    for tied in Ascending::new(ratings).groups() {
        let mut counts = [0.0; 2];
        for &entry in tied {
            counts[usize::from(positive[place(entry)])] += 1.0;
        }
        match table.last_mut() {
            // Cutoffs inside a run of one class would run together; the maximum is the same without them.
            Some(last) if (0..2).any(|c| counts[c] == 0.0 && last[c] == 0.0) => {
                (last[0], last[1]) = (last[0] + counts[0], last[1] + counts[1]);
            }
            _ => table.push(counts),
        }
    }
    if table.len() <= MOST_CATEGORIES {
        return table;
    }
    let target = ratings.len() as f64 / MOST_CATEGORIES as f64;
    let (mut merged, mut open): (Vec<[f64; 2]>, [f64; 2]) = (Vec::new(), [0.0; 2]);
    for counts in table {
        open = [open[0] + counts[0], open[1] + counts[1]];
        if open[0] + open[1] >= target {
            merged.push(std::mem::take(&mut open));
        }
    }
    if open[0] + open[1] > 0.0 {
        merged.push(open);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::likelihood::probabilities;

    fn fit(negative: &[usize], positive: &[usize]) -> BinormalFit {
        let (mut ratings, mut truth) = (vec![], vec![]);
        for (counts, class) in [(negative, false), (positive, true)] {
            for (rating, &count) in counts.iter().enumerate() {
                ratings.extend(vec![rating as f64; count]);
                truth.extend(vec![class; count]);
            }
        }
        binormal(&ratings, &truth, Interval::default()).unwrap()
    }

    #[test]
    fn data_without_a_binormal_curve_say_so() {
        let degenerate = |d| BinormalFit::Degenerate(d);
        assert_eq!(fit(&[5, 5, 0, 0], &[0, 0, 5, 5]), degenerate(Degeneracy::Separated));
        assert_eq!(fit(&[6, 4], &[3, 7]), degenerate(Degeneracy::TooFewCategories));
        // All operating points on the axes.
        assert_eq!(fit(&[0, 10, 0], &[4, 0, 6]), degenerate(Degeneracy::NoMaximum));
        assert_eq!(fit(&[5, 5, 0, 0], &[0, 3, 3, 4]), degenerate(Degeneracy::NoMaximum));
    }

    #[test]
    fn exact_counts_of_a_binormal_curve_give_it_back() {
        let (a, b) = (1.5, 0.8);
        let at = [a, b, -0.8, 0.0, 0.7, 1.5];
        let shares = probabilities(&Conventional, &at).unwrap();
        let counts = |class: usize| -> Vec<usize> {
            shares.iter().map(|s| (s[class] * 1e6).round() as usize).collect()
        };
        let BinormalFit::Fitted(found) = fit(&counts(0), &counts(1)) else { panic!("degenerate") };
        assert!((found.a - a).abs() < 1e-4 && (found.b - b).abs() < 1e-4, "{found:?}");
        assert!((found.estimate.auc - normal::below(a / (1.0f64 + b * b).sqrt())).abs() < 1e-5);
        assert!((found.true_positive_rate(0.5) - normal::below(a)).abs() < 1e-4);
    }
}
