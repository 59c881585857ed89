//! Whether two ROC curves differ anywhere, which equal areas do not rule out.

use crate::{
    Permutations, ReadoutError,
    auc::{Classes, Truth, check_lengths},
    sorting::{Ascending, place},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The result of [`compare_curves`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurveTest {
    /// Images on which the two curves' calls differ in number of errors, added over all cuts of the ranks: 0 for curves that
    /// agree everywhere.
    pub distance: f64,
    /// P-value `(1 + extreme) / (1 + permutations)`; never zero.
    pub p: f64,
    /// Permutations with a distance at least as large as that seen.
    pub extreme: usize,
    /// Permutations drawn.
    pub permutations: usize,
}

/// Tests that two curves on the same images are equal everywhere (Venkatraman and Begg, Biometrika 1996;83:835).
///
/// Both readings are turned into ranks. For each cut `k` between neighbouring ranks, `e_k` is the difference in the number
/// of errors (positives at or below the cut, negatives above it) that the two make; the distance is `Σ |e_k|`. Under the
/// hypothesis the two ranks of an image may be exchanged; each permutation exchanges each image's with probability one
/// half and ranks again, ties broken at random. Curves that cross with equal areas are told apart, which
/// [`crate::compare_paired`] cannot.
///
/// ```
/// use mammo_readout::{Permutations, compare_curves, compare_paired, Interval};
/// // Two curves with the same area that cross: one reader is sure of half of the positives, the other of none.
/// let positive: Vec<bool> = (0..200).map(|i| i >= 100).collect();
/// let rating = |i: i32, of_positive: f64| if i < 100 { f64::from(i) } else { of_positive };
/// let steady: Vec<f64> = (0..200).map(|i| rating(i, f64::from(i - 70) + 0.5)).collect();
/// let split: Vec<f64> =
///     (0..200).map(|i| rating(i, if i % 2 == 0 { 1000.0 } else { f64::from(i - 100) + 0.5 })).collect();
/// let draws = Permutations { count: 499, seed: 1 };
/// assert!(compare_paired(&steady, &split, &positive, Interval::default())?.p > 0.05);
/// assert!(compare_curves(&steady, &split, &positive, draws)?.p < 0.05);
/// assert_eq!(compare_curves(&steady, &steady, &positive, draws)?.p, 1.0);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, a class is empty, or no permutation is
/// asked for.
pub fn compare_curves(
    a: &[f64],
    b: &[f64],
    positive: &[bool],
    draws: Permutations,
) -> Result<CurveTest, ReadoutError> {
    check_lengths("the first list of ratings", a.len(), "the second", b.len())?;
    check_lengths("ratings", a.len(), "truths", positive.len())?;
    if draws.count == 0 {
        return Err(ReadoutError::TooFewOf { what: "permutations", found: 0, least: 1 });
    }
    let truth = Truth::new(positive)?;
    let by_class = |ratings| truth.split(ratings).map(|c: Classes| c.together);
    let (a, b) = (by_class(a)?, by_class(b)?);
    let positives = truth.positive_at.len();
    // Ties are broken by lot once for the data; both curves that tie in the same way agree.
    let mut lot = ChaCha8Rng::seed_from_u64(draws.seed);
    let order: Vec<u64> = (0..a.len()).map(|_| lot.random()).collect();
    let (first, second) = (ranks(&a, &order), ranks(&b, &order));
    let distance = distance(&first, &second, positives);
    let base = ChaCha8Rng::seed_from_u64(draws.seed);
    let extreme = (1..=draws.count as u64)
        .into_par_iter()
        .filter(|&stream| {
            let mut random = base.clone();
            random.set_stream(stream);
            let (mut x, mut y) = (first.clone(), second.clone());
            for (x, y) in x.iter_mut().zip(&mut y) {
                if random.random_bool(0.5) {
                    std::mem::swap(x, y);
                }
            }
            let order: Vec<u64> = (0..x.len()).map(|_| random.random()).collect();
            let as_ratings = |r: &[usize]| r.iter().map(|&v| v as f64).collect::<Vec<_>>();
            let (x, y) = (ranks(&as_ratings(&x), &order), ranks(&as_ratings(&y), &order));
            self::distance(&x, &y, positives) >= distance
        })
        .count();
    Ok(CurveTest {
        distance: distance as f64,
        p: (1 + extreme) as f64 / (1 + draws.count) as f64,
        extreme,
        permutations: draws.count,
    })
}

/// Ranks from 0, ties in the order of the lot.
fn ranks(values: &[f64], lot: &[u64]) -> Vec<usize> {
    let mut ranks = vec![0; values.len()];
    let mut next = 0;
    for tied in Ascending::new(values).groups() {
        let mut places: Vec<usize> = tied.iter().map(|&e| place(e)).collect();
        places.sort_by_key(|&p| lot[p]);
        for p in places {
            ranks[p] = next;
            next += 1;
        }
    }
    ranks
}

/// `Σ_k |e_k|`; positives come first in both lists of ranks.
fn distance(a: &[usize], b: &[usize], positives: usize) -> u64 {
    // A cut moves past an image: a positive becomes an error, a negative ceases to be one.
    let mut steps = vec![0i64; a.len()];
    for (i, (&in_a, &in_b)) in a.iter().zip(b).enumerate() {
        let change = if i < positives { 1 } else { -1 };
        steps[in_a] += change;
        steps[in_b] -= change;
    }
    let mut errors = 0i64;
    steps
        .into_iter()
        .map(|step| {
            errors += step;
            errors.unsigned_abs()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_the_sum_over_all_cuts() {
        // Ranks of two readers; the first two images are positive.
        let (a, b) = ([3, 1, 0, 2], [2, 3, 0, 1]);
        let errors = |r: &[usize], k: usize| {
            (0..4).filter(|&i| (i < 2 && r[i] <= k) || (i >= 2 && r[i] > k)).count() as i64
        };
        let expected: u64 = (0..4).map(|k| (errors(&a, k) - errors(&b, k)).unsigned_abs()).sum();
        assert_eq!(distance(&a, &b, 2), expected);
        assert!(expected > 0);
    }

    #[test]
    fn the_test_keeps_its_level() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let positive: Vec<bool> = (0..40).map(|i| i >= 20).collect();
        let mut rejected = 0;
        for seed in 0..200 {
            let mut reading = || -> Vec<f64> {
                positive.iter().map(|&p| random.random::<f64>() + if p { 0.3 } else { 0.0 }).collect()
            };
            let (a, b) = (reading(), reading());
            let draws = Permutations { count: 99, seed };
            rejected += usize::from(compare_curves(&a, &b, &positive, draws).unwrap().p <= 0.05);
        }
        // 10 of 200 are expected; 1 to 22 is more than four standard errors to both sides.
        assert!((1..=22).contains(&rejected), "{rejected}");
    }
}
