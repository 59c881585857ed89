//! Permutation tests, which need no variance.

use crate::{
    ReadoutError,
    auc::{Classes, Placements, Truth, check_lengths},
    sorting::{Ascending, place},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How often to permute and from which seed; permutation `i` draws from stream `i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permutations {
    /// Random permutations; at least 1.
    pub count: usize,
    /// Seed of the draws.
    pub seed: u64,
}

/// The result of a permutation test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermutationTest {
    /// The AUC, or the first AUC.
    pub auc: f64,
    /// The second AUC, or one half.
    pub reference: f64,
    /// `auc - reference`.
    pub difference: f64,
    /// Two-sided p-value `(1 + extreme) / (1 + permutations)`; never zero.
    pub p: f64,
    /// Permutations with an absolute difference at least as large as that seen.
    pub extreme: usize,
    /// Permutations drawn.
    pub permutations: usize,
}

/// Tests two AUCs on the same images by exchanging, image by image and with probability one half, the two curves'
/// midranks (Bandos, Rockette and Gur, Statistics in Medicine 2005;24:2873, with ranks in place of ratings so that
/// the curves may be on different scales).
///
/// The hypothesis is that the curves are exchangeable, which is more than equal AUCs.
///
/// # Errors
/// [`ReadoutError`] when the lists differ in length, a rating is not finite, a class is empty, or no permutation is
/// asked for.
///
/// ```
/// use mammo_readout::{Permutations, permutation_paired};
/// let positive = [false, false, false, false, true, true, true, true];
/// let a = [1.0, 2.0, 1.0, 3.0, 3.0, 4.0, 5.0, 4.0];
/// let b = [2.0, 1.0, 3.0, 4.0, 2.0, 4.0, 3.0, 5.0];
/// let draws = Permutations { count: 999, seed: 1 };
/// assert!(permutation_paired(&a, &b, &positive, draws)?.p > 0.05);
/// assert_eq!(permutation_paired(&a, &a, &positive, draws)?.p, 1.0);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn permutation_paired(
    a: &[f64],
    b: &[f64],
    positive: &[bool],
    draws: Permutations,
) -> Result<PermutationTest, ReadoutError> {
    check_lengths("the first list of ratings", a.len(), "the second", b.len())?;
    check_lengths("ratings", a.len(), "truths", positive.len())?;
    let truth = Truth::new(positive)?;
    let by_class = |ratings| truth.split(ratings).map(|c| midranks(&c));
    let (a, b) = (by_class(a)?, by_class(b)?);
    let m = truth.positive_at.len();
    let difference = |a: &[f64], b: &[f64]| auc_of(a, m) - auc_of(b, m);
    let (auc, reference) = (auc_of(&a, m), auc_of(&b, m));
    count(auc, reference, draws, |random| {
        let (mut x, mut y) = (a.clone(), b.clone());
        for (x, y) in x.iter_mut().zip(&mut y) {
            if random.random_bool(0.5) {
                std::mem::swap(x, y);
            }
        }
        difference(&x, &y)
    })
}

/// Tests an AUC against one half by permuting the truths among the images (the permutation form of the test of
/// Mann and Whitney). The hypothesis is that ratings do not depend on the truth.
///
/// # Errors
/// As [`permutation_paired`].
///
/// ```
/// use mammo_readout::{Permutations, permutation_against_chance};
/// let positive = [false, false, false, true, true, true];
/// let draws = Permutations { count: 4999, seed: 1 };
/// // Of the 20 ways to choose three images two separate the classes.
/// let test = permutation_against_chance(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &positive, draws)?;
/// assert!((test.p - 0.1).abs() < 0.02);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn permutation_against_chance(
    ratings: &[f64],
    positive: &[bool],
    draws: Permutations,
) -> Result<PermutationTest, ReadoutError> {
    let classes = Classes::new(ratings, positive)?;
    let (m, n) = (classes.positive().len() as f64, classes.negative().len() as f64);
    let ranks = midranks(&classes);
    let lowest = m * (m + 1.0) / 2.0;
    let auc = Placements::new(&classes).auc;
    count(auc, 0.5, draws, |random| {
        let mut ranks = ranks.clone();
        // The first `m` of a shuffle are the new positives; their rank sum gives the AUC.
        for i in 0..classes.positive().len() {
            let j = random.random_range(i..ranks.len());
            ranks.swap(i, j);
        }
        (ranks[..classes.positive().len()].iter().sum::<f64>() - lowest) / (m * n) - 0.5
    })
}

fn count(
    auc: f64,
    reference: f64,
    draws: Permutations,
    permuted: impl Fn(&mut ChaCha8Rng) -> f64 + Sync,
) -> Result<PermutationTest, ReadoutError> {
    if draws.count == 0 {
        return Err(ReadoutError::TooFewOf { what: "permutations", found: 0, least: 1 });
    }
    let difference = auc - reference;
    let base = ChaCha8Rng::seed_from_u64(draws.seed);
    let extreme = (0..draws.count as u64)
        .into_par_iter()
        .filter(|&stream| {
            let mut random = base.clone();
            random.set_stream(stream);
            permuted(&mut random).abs() >= difference.abs() - 1e-12
        })
        .count();
    let p = (1 + extreme) as f64 / (1 + draws.count) as f64;
    Ok(PermutationTest { auc, reference, difference, p, extreme, permutations: draws.count })
}

/// Ranks from 1 among all images, ties sharing their mean; positives first.
fn midranks(classes: &Classes) -> Vec<f64> {
    let mut ranks = vec![0.0; classes.together.len()];
    let mut below = 0;
    for tied in Ascending::new(&classes.together).groups() {
        for &entry in tied {
            ranks[place(entry)] = below as f64 + (tied.len() + 1) as f64 / 2.0;
        }
        below += tied.len();
    }
    ranks
}

fn auc_of(together: &[f64], m: usize) -> f64 {
    Placements::new(&Classes { together: together.to_vec(), n_pos: m }).auc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_images_give_the_exact_share_of_all_permutations() {
        // Of the 20 ways to choose 3 of 6 images, 2 separate the classes.
        let draws = Permutations { count: 20_000, seed: 3 };
        let ratings = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let positive = [false, false, false, true, true, true];
        let test = permutation_against_chance(&ratings, &positive, draws).unwrap();
        assert!((test.p - 0.1).abs() < 0.01, "{test:?}");
        assert_eq!(test, permutation_against_chance(&ratings, &positive, draws).unwrap());
    }

    #[test]
    fn equal_curves_do_not_differ_and_opposite_ones_do() {
        let draws = Permutations { count: 2000, seed: 4 };
        let positive: Vec<bool> = (0..40).map(|i| i >= 20).collect();
        let up: Vec<f64> = (0..40).map(f64::from).collect();
        let down: Vec<f64> = up.iter().map(|r| 1000.0 - 3.0 * r).collect();
        assert_eq!(permutation_paired(&up, &up, &positive, draws).unwrap().p, 1.0);
        let test = permutation_paired(&up, &down, &positive, draws).unwrap();
        assert!(test.difference == 1.0 && test.p < 0.01);
    }

    #[test]
    fn ranks_of_ties_are_their_mean() {
        let classes = Classes { together: vec![2.0, 5.0, 2.0, 1.0], n_pos: 2 };
        assert_eq!(midranks(&classes), [2.5, 4.0, 2.5, 1.0]);
    }
}
