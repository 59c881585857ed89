use super::cell::Cell;

/// Sums of products of two cells' kernels over pairs of (negative, positive) pairs, by what the pairs share, with the
/// numbers of terms. Order: the same pair; pairs with the same positive case; pairs with the same negative case; all
/// pairs. Each of the first three is part of those after it, as in the biased moments of Gallas, Bandos, Samuelson and
/// Wagner (Communications in Statistics A 2009;38:2586).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PairSums {
    pub(super) sums: [f64; 4],
    pub(super) counts: [f64; 4],
}

impl PairSums {
    pub(super) fn new(a: &Cell, b: &Cell) -> Self {
        let common = |x: &[Option<f64>], y: &[Option<f64>]| {
            x.iter().zip(y).filter(|(p, q)| p.is_some() && q.is_some()).count() as f64
        };
        let (common_neg, common_pos) = (common(&a.negative, &b.negative), common(&a.positive, &b.positive));
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(p, q)| p * q).sum::<f64>();
        Self {
            sums: [
                same_pair(a, b),
                dot(&a.wins_of_positive, &b.wins_of_positive),
                dot(&a.wins_of_negative, &b.wins_of_negative),
                a.total * b.total,
            ],
            counts: [
                common_neg * common_pos,
                common_pos * a.n_neg as f64 * b.n_neg as f64,
                common_neg * a.n_pos as f64 * b.n_pos as f64,
                a.pairs() * b.pairs(),
            ],
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for k in 0..4 {
            self.sums[k] += other.sums[k];
            self.counts[k] += other.counts[k];
        }
    }

    /// The sums over disjoint sets of terms: exactly the same pair, only the positive shared, only the negative shared,
    /// nothing shared.
    pub(super) fn disjoint(&self) -> Self {
        let split = |[both, pos, neg, all]: [f64; 4]| [both, pos - both, neg - both, all - pos - neg + both];
        Self { sums: split(self.sums), counts: split(self.counts) }
    }

    /// The unbiased covariance of the two cells' AUCs over cases alone, the readers fixed: `Σ c_k M_k - M_4`, where the
    /// `M_k` are means of the disjoint sums and the `c_k` their shares of all terms. `None` where no two disjoint pairs
    /// exist, so that the square of the AUC has no unbiased estimate.
    pub(super) fn covariance(&self) -> Option<f64> {
        let parts = self.disjoint();
        if parts.counts[0] == 0.0 && parts.counts[1] == 0.0 && parts.counts[2] == 0.0 {
            return Some(0.0);
        }
        if parts.counts[3] < 0.5 {
            return None;
        }
        let product = self.sums[3] / self.counts[3];
        Some(product - parts.sums[3] / parts.counts[3])
    }
}

/// `Σ s_a s_b` over the (negative, positive) pairs that both cells have.
fn same_pair(a: &Cell, b: &Cell) -> f64 {
    let pair = |x: &[Option<f64>], y: &[Option<f64>]| -> Vec<(f64, f64)> {
        x.iter().zip(y).filter_map(|(p, q)| Some(((*p)?, (*q)?))).collect()
    };
    let mut negatives = pair(&a.negative, &b.negative);
    let mut positives = pair(&a.positive, &b.positive);
    negatives.sort_by(|x, y| x.0.total_cmp(&y.0));
    positives.sort_by(|x, y| x.0.total_cmp(&y.0));
    // Places of the negatives' ratings in b, for a tree of counts.
    let mut places: Vec<f64> = negatives.iter().map(|n| n.1).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    // `below` counts negatives with a rating in a under the positive's, `not_above` those with at most it; each half
    // counts, since a tie is one half.
    let mut below = Counts::new(places.len());
    let mut not_above = Counts::new(places.len());
    let (mut i, mut j) = (0, 0);
    let mut quarters = 0u64;
    let place = |value: f64| places.partition_point(|&v| v < value);
    for &(in_a, in_b) in &positives {
        while i < negatives.len() && negatives[i].0 < in_a {
            below.add(place(negatives[i].1));
            i += 1;
        }
        while j < negatives.len() && negatives[j].0 <= in_a {
            not_above.add(place(negatives[j].1));
            j += 1;
        }
        let (under, up_to) = (place(in_b), places.partition_point(|&v| v <= in_b));
        quarters +=
            below.before(under) + below.before(up_to) + not_above.before(under) + not_above.before(up_to);
    }
    quarters as f64 / 4.0
}

/// A Fenwick tree of counts.
struct Counts {
    tree: Vec<u64>,
}

impl Counts {
    fn new(places: usize) -> Self {
        Self { tree: vec![0; places + 1] }
    }

    fn add(&mut self, place: usize) {
        let mut at = place + 1;
        while at < self.tree.len() {
            self.tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    /// How many were added at places before `end`.
    fn before(&self, end: usize) -> u64 {
        let (mut at, mut sum) = (end, 0);
        while at > 0 {
            sum += self.tree[at];
            at -= at & at.wrapping_neg();
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slots() -> impl Strategy<Value = Vec<Option<f64>>> {
        proptest::collection::vec(proptest::option::weighted(0.8, (0u8..5).prop_map(f64::from)), 9)
    }

    proptest! {
        #[test]
        fn sums_equal_those_over_all_quadruples(an in slots(), ap in slots(), bn in slots(), bp in slots()) {
            let (a, b) = (Cell::from_slots(an, ap), Cell::from_slots(bn, bp));
            let kernel = |c: &Cell, i: usize, j: usize| {
                let (x, y) = (c.negative[i]?, c.positive[j]?);
                Some(if y > x { 1.0 } else if y == x { 0.5 } else { 0.0 })
            };
            let mut expected = PairSums::default();
            for (i, j, k, l) in (0..9 * 9 * 9 * 9).map(|q| (q % 9, q / 9 % 9, q / 81 % 9, q / 729)) {
                let (Some(s), Some(t)) = (kernel(&a, i, j), kernel(&b, k, l)) else { continue };
                for (at, shared) in [i == k && j == l, j == l, i == k, true].into_iter().enumerate() {
                    if shared {
                        expected.sums[at] += s * t;
                        expected.counts[at] += 1.0;
                    }
                }
            }
            let found = PairSums::new(&a, &b);
            prop_assert_eq!(found.counts, expected.counts);
            for (x, y) in found.sums.into_iter().zip(expected.sums) {
                prop_assert!((x - y).abs() < 1e-9, "{x} {y}");
            }
        }
    }
}
