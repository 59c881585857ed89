//! Agreement of readers on categories: kappa of Cohen and of Fleiss.

use crate::{ReadoutError, auc::check_lengths, interval::in_range, normal};
use serde::{Deserialize, Serialize};

/// How much two different categories count as agreeing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KappaWeights {
    /// Not at all (Cohen 1960).
    #[default]
    None,
    /// `1 - |i - j| / range` (Cicchetti and Allison 1971).
    Linear,
    /// `1 - (i - j)² / range²` (Cohen 1968).
    Quadratic,
}

/// A kappa with its standard errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kappa {
    /// `(observed - expected) / (1 - expected)`: 1 for full agreement, 0 for that of chance, negative below.
    pub kappa: f64,
    /// Share of (weighted) agreement.
    pub observed: f64,
    /// Share of agreement that the margins alone would give.
    pub expected: f64,
    /// Standard error for intervals; none for Fleiss' kappa, whose large-sample error holds under chance only.
    pub se: Option<f64>,
    /// Standard error under chance agreement, for the test.
    pub se_null: f64,
    /// `kappa / se_null`.
    pub z: f64,
    /// Two-sided p-value of chance agreement.
    pub p: f64,
}

impl Kappa {
    /// `kappa ± z se`, cut at -1 and 1; none without `se`.
    ///
    /// # Errors
    /// [`ReadoutError::OutOfRange`] when the level is not inside `(0, 1)`.
    ///
    /// ```
    /// use mammo_readout::{KappaWeights, cohen_kappa_table};
    /// let kappa = cohen_kappa_table(&[vec![20, 5], vec![10, 15]], KappaWeights::None)?;
    /// let (low, high) = kappa.interval(0.95)?.unwrap();
    /// assert!(low < kappa.kappa && kappa.kappa < high);
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn interval(&self, level: f64) -> Result<Option<(f64, f64)>, ReadoutError> {
        in_range("the confidence level", level, level > 0.0 && level < 1.0, "inside (0, 1)")?;
        let z = normal::quantile(0.5 + level / 2.0);
        Ok(self.se.map(|se| ((self.kappa - z * se).max(-1.0), (self.kappa + z * se).min(1.0))))
    }

    fn new(observed: f64, expected: f64, se: Option<f64>, se_null: f64) -> Self {
        let kappa = (observed - expected) / (1.0 - expected);
        let z = if se_null > 0.0 { kappa / se_null } else { 0.0 };
        Self { kappa, observed, expected, se, se_null, z, p: normal::two_sided_p(z) }
    }
}

/// Cohen's kappa of two readers' ratings of the same images. Weights go by the distance of the ratings themselves, so
/// that a category that nobody used does not matter.
///
/// ```
/// use mammo_readout::{KappaWeights, cohen_kappa};
/// let kappa = cohen_kappa(&[1.0, 2.0, 3.0, 3.0, 5.0], &[1.0, 2.0, 2.0, 3.0, 4.0], KappaWeights::Quadratic)?;
/// assert!(kappa.kappa > 0.8);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError`] when the lists are empty or differ in length, a rating is not finite, or both readers gave all
/// images the same rating.
pub fn cohen_kappa(a: &[f64], b: &[f64], weights: KappaWeights) -> Result<Kappa, ReadoutError> {
    check_lengths("the first reader's ratings", a.len(), "the second's", b.len())?;
    for ratings in [a, b] {
        if let Some((index, &value)) = ratings.iter().enumerate().find(|(_, r)| !r.is_finite()) {
            return Err(ReadoutError::NotFinite { index, value });
        }
    }
    // Adding zero makes one category of both zeros.
    let mut categories: Vec<f64> = a.iter().chain(b).map(|r| r + 0.0).collect();
    categories.sort_by(f64::total_cmp);
    categories.dedup();
    let at = |rating: f64| categories.partition_point(|&c| c < rating + 0.0);
    let mut table = vec![vec![0.0; categories.len()]; categories.len()];
    for (&x, &y) in a.iter().zip(b) {
        table[at(x)][at(y)] += 1.0;
    }
    weighted(&table, &categories, weights)
}

/// Cohen's kappa of a square table: `table[i][j]` images were put in category `i` by the first reader and `j` by the
/// second. Categories are taken as one apart. Standard errors are those of Fleiss, Cohen and Everitt (Psychological
/// Bulletin 1969;72:323).
///
/// # Errors
/// [`ReadoutError`] when the table is empty or not square, or all images share one category.
///
/// ```
/// use mammo_readout::{KappaWeights, cohen_kappa_table};
/// let kappa = cohen_kappa_table(&[vec![20, 5], vec![10, 15]], KappaWeights::None)?;
/// assert!((kappa.kappa - 0.4).abs() < 1e-12);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn cohen_kappa_table(table: &[Vec<u64>], weights: KappaWeights) -> Result<Kappa, ReadoutError> {
    for row in table {
        check_lengths("a row of the table", row.len(), "its column", table.len())?;
    }
    let counts: Vec<Vec<f64>> = table.iter().map(|row| row.iter().map(|&c| c as f64).collect()).collect();
    let categories: Vec<f64> = (0..table.len()).map(|i| i as f64).collect();
    weighted(&counts, &categories, weights)
}

fn weighted(table: &[Vec<f64>], categories: &[f64], weights: KappaWeights) -> Result<Kappa, ReadoutError> {
    let k = categories.len();
    let n: f64 = table.iter().flatten().sum();
    if n == 0.0 {
        return Err(ReadoutError::TooFewOf { what: "images rated by both readers", found: 0, least: 1 });
    }
    let range = (categories[k - 1] - categories[0]).max(f64::MIN_POSITIVE);
    let weight = |i: usize, j: usize| {
        let distance = (categories[i] - categories[j]).abs() / range;
        match weights {
            KappaWeights::None => f64::from(u8::from(i == j)),
            KappaWeights::Linear => 1.0 - distance,
            KappaWeights::Quadratic => 1.0 - distance * distance,
        }
    };
    let rows: Vec<f64> = table.iter().map(|row| row.iter().sum::<f64>() / n).collect();
    let columns: Vec<f64> = (0..k).map(|j| table.iter().map(|row| row[j]).sum::<f64>() / n).collect();
    let cells = || (0..k).flat_map(|i| (0..k).map(move |j| (i, j)));
    let observed: f64 = cells().map(|(i, j)| weight(i, j) * table[i][j] / n).sum();
    let expected: f64 = cells().map(|(i, j)| weight(i, j) * rows[i] * columns[j]).sum();
    if 1.0 - expected < 1e-12 {
        return Err(ReadoutError::Undefined {
            what: "kappa",
            reason: "both readers gave every image the same rating, so that chance agrees fully",
        });
    }
    let of_row: Vec<f64> = (0..k).map(|i| (0..k).map(|j| weight(i, j) * columns[j]).sum()).collect();
    let of_column: Vec<f64> = (0..k).map(|j| (0..k).map(|i| weight(i, j) * rows[i]).sum()).collect();
    let kappa = (observed - expected) / (1.0 - expected);
    let spread: f64 = cells()
        .map(|(i, j)| table[i][j] / n * (weight(i, j) - (of_row[i] + of_column[j]) * (1.0 - kappa)).powi(2))
        .sum();
    let null: f64 =
        cells().map(|(i, j)| rows[i] * columns[j] * (weight(i, j) - of_row[i] - of_column[j]).powi(2)).sum();
    let se_of = |variance: f64| (variance.max(0.0) / n).sqrt() / (1.0 - expected);
    let se = se_of(spread - (kappa - expected * (1.0 - kappa)).powi(2));
    Ok(Kappa::new(observed, expected, Some(se), se_of(null - expected * expected)))
}

/// Fleiss' kappa of several readers: `counts[i][j]` readers put image `i` in category `j`, as many readers for every
/// image, not necessarily the same ones (Fleiss, Psychological Bulletin 1971;76:378; error under chance by Fleiss,
/// Nee and Landis 1979).
///
/// # Errors
/// [`ReadoutError`] when there is no image, rows differ in length or in their number of readers, there are fewer than
/// two readers, or all readings share one category.
///
/// ```
/// use mammo_readout::fleiss_kappa;
/// // Four images, three readers, two categories: how many readers chose each.
/// let kappa = fleiss_kappa(&[vec![3, 0], vec![0, 3], vec![3, 0], vec![2, 1]])?;
/// assert!(kappa.kappa > 0.5 && kappa.kappa < 1.0);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn fleiss_kappa(counts: &[Vec<u64>]) -> Result<Kappa, ReadoutError> {
    let first = counts.first().ok_or(ReadoutError::TooFewOf { what: "images", found: 0, least: 1 })?;
    let readers: u64 = first.iter().sum();
    for row in counts {
        check_lengths("a row of counts", row.len(), "the first row", first.len())?;
        let here = row.iter().sum::<u64>() as usize;
        check_lengths("an image's readings", here, "the first image's", readers as usize)?;
    }
    if readers < 2 {
        return Err(ReadoutError::TooFewOf { what: "readers", found: readers as usize, least: 2 });
    }
    let (images, n) = (counts.len() as f64, readers as f64);
    let shares: Vec<f64> = (0..first.len())
        .map(|j| counts.iter().map(|row| row[j] as f64).sum::<f64>() / (images * n))
        .collect();
    let squares: f64 = counts.iter().flatten().map(|&c| (c as f64).powi(2)).sum();
    let observed = (squares / images - n) / (n * (n - 1.0));
    let expected: f64 = shares.iter().map(|p| p * p).sum();
    if 1.0 - expected < 1e-12 {
        return Err(ReadoutError::Undefined {
            what: "Fleiss' kappa",
            reason: "all readings are in one category, so that chance agrees fully",
        });
    }
    let pq: f64 = shares.iter().map(|p| p * (1.0 - p)).sum();
    let skew: f64 = shares.iter().map(|p| p * (1.0 - p) * (1.0 - 2.0 * p)).sum();
    let se_null = (2.0 * (pq * pq - skew) / (images * n * (n - 1.0))).sqrt() / pq;
    Ok(Kappa::new(observed, expected, None, se_null))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn with_two_categories_weights_do_not_matter_and_readers_may_be_exchanged(
            rows in proptest::collection::vec((0u8..2, 0u8..2), 4..40)
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) =
                rows.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).unzip();
            if let Ok(plain) = cohen_kappa(&a, &b, KappaWeights::None) {
                for weights in [KappaWeights::Linear, KappaWeights::Quadratic] {
                    let other = cohen_kappa(&b, &a, weights).unwrap();
                    prop_assert!((plain.kappa - other.kappa).abs() < 1e-12);
                    prop_assert!((plain.se.unwrap() - other.se.unwrap()).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn agreement_without_variety_has_no_kappa() {
        assert!(matches!(
            cohen_kappa(&[2.0; 5], &[2.0; 5], KappaWeights::None),
            Err(ReadoutError::Undefined { .. })
        ));
        assert!(cohen_kappa(&[], &[], KappaWeights::None).is_err());
        assert!(fleiss_kappa(&[vec![3, 0], vec![2, 0]]).is_err());
        assert_eq!(cohen_kappa(&[1.0, 2.0], &[1.0, 2.0], KappaWeights::Linear).unwrap().kappa, 1.0);
    }
}
