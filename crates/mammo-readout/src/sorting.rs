//! Sorting of ratings in linear time, with the place of each in the input.

/// Below this many values a comparison sort is quicker than three passes with 2048 counters each.
const FEW: usize = 1024;
const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 1 << DIGIT_BITS;
/// The low bits of a packed entry hold the place, the high bits (three digits) the start of the key.
const PLACE_BITS: u32 = 31;
const PLACE: u64 = (1 << PLACE_BITS) - 1;
/// Lists must be shorter than this.
pub(crate) const MOST: usize = PLACE as usize;

/// An unsigned number that orders as the finite `value` does; both zeros give the same.
fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 { bits | (1 << 63) } else { !bits }
}

/// Values sorted from the smallest to the largest, ties in the order of their places.
#[derive(Debug, Clone)]
pub(crate) struct Ascending(Vec<u64>);

/// Set in an entry whose value equals that of the entry before.
const TIE: u64 = 1 << PLACE_BITS;

impl Ascending {
    /// Sorts `values`, all finite and fewer than [`MOST`].
    pub(crate) fn new(values: &[f64]) -> Self {
        assert!(values.len() < MOST, "fewer than 2^31 ratings");
        let full = |entry: &u64| key(values[place(*entry)]);
        if values.len() < FEW {
            let mut keyed: Vec<(u64, u64)> = values.iter().map(|&v| key(v)).zip(0..).collect();
            keyed.sort_unstable();
            let mut last = None;
            let flagged = keyed
                .into_iter()
                .map(|(key, place)| if last.replace(key) == Some(key) { place | TIE } else { place });
            return Self(flagged.collect());
        }
        let mut entries = sorted_by_prefix(values);
        // Equal prefixes are ties as a rule. Where they are not, a run is sorted by the whole key.
        let mut start = 0;
        while start < entries.len() {
            let prefix = entries[start] >> PLACE_BITS;
            let mut end = start + 1;
            while end < entries.len() && entries[end] >> PLACE_BITS == prefix {
                end += 1;
            }
            let run = &mut entries[start..end];
            if run.len() > 1 && !run.is_sorted_by_key(full) {
                run.sort_by_key(full);
            }
            let mut last = None;
            for entry in run {
                *entry &= PLACE;
                if end - start > 1 && last.replace(full(entry)) == Some(full(entry)) {
                    *entry |= TIE;
                }
            }
            start = end;
        }
        Self(entries)
    }

    /// Groups of equal values, rising; read the entries with [`place`].
    pub(crate) fn groups(&self) -> impl Iterator<Item = &[u64]> {
        self.0.chunk_by(|_, next| next & TIE != 0)
    }
}

/// Where the value of an entry stands in the input.
pub(crate) fn place(entry: u64) -> usize {
    (entry & PLACE) as usize
}

/// Places packed under the leading 33 bits of their keys, sorted by those (stable, least significant digit first).
/// Keys are shifted first so that the leading bit is one in which they differ.
fn sorted_by_prefix(values: &[f64]) -> Vec<u64> {
    let (mut least, mut most) = (u64::MAX, 0);
    for &value in values {
        least = least.min(key(value));
        most = most.max(key(value));
    }
    let shift = (most - least).leading_zeros();
    if shift == 64 {
        return (0..values.len() as u64).collect();
    }
    let mut counts = vec![[0u32; DIGITS]; 3];
    let digit = |entry: u64, pass: u32| ((entry >> (PLACE_BITS + pass * DIGIT_BITS)) as usize) & (DIGITS - 1);
    let mut entries: Vec<u64> = Vec::with_capacity(values.len());
    for (place, &value) in values.iter().enumerate() {
        let entry = (((key(value) - least) << shift) & !PLACE) | place as u64;
        for (pass, counts) in (0..3).zip(&mut counts) {
            counts[digit(entry, pass)] += 1;
        }
        entries.push(entry);
    }
    let mut other = vec![0u64; entries.len()];
    for (pass, counts) in (0..3).zip(&mut counts) {
        if counts.contains(&(entries.len() as u32)) {
            continue;
        }
        let mut next = 0;
        for count in counts.iter_mut() {
            next += std::mem::replace(count, next);
        }
        for &entry in &entries {
            let slot = &mut counts[digit(entry, pass)];
            other[*slot as usize] = entry;
            *slot += 1;
        }
        std::mem::swap(&mut entries, &mut other);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(values: &[f64]) {
        let sorted = Ascending::new(values);
        let order: Vec<u32> = sorted.groups().flatten().map(|&e| place(e) as u32).collect();
        for group in sorted.groups() {
            assert!(group.iter().all(|&e| values[place(e)] == values[place(group[0])]));
        }
        let distinct: std::collections::BTreeSet<u64> = values.iter().map(|&v| key(v)).collect();
        assert_eq!(sorted.groups().count(), distinct.len());
        let mut expected: Vec<u32> = (0..values.len() as u32).collect();
        expected.sort_by(|&a, &b| values[a as usize].partial_cmp(&values[b as usize]).unwrap());
        assert_eq!(order, expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn any_finite_values_sort_as_a_stable_comparison_sort_does(
            values in proptest::collection::vec(
                prop_oneof![
                    any::<f64>().prop_filter("finite", |v| v.is_finite()),
                    (0u8..6).prop_map(f64::from),
                    (0u32..50).prop_map(|i| 1.0 + f64::from(i) * f64::EPSILON),
                    Just(-0.0),
                ],
                0..3000,
            )
        ) {
            check(&values);
        }

        #[test]
        fn values_that_share_their_leading_bits_are_told_apart(
            steps in proptest::collection::vec(0u32..2000, 1100..1500), far in any::<bool>()
        ) {
            let mut values: Vec<f64> = steps.iter().map(|&i| 1.0 + f64::from(i) * f64::EPSILON).collect();
            if far {
                values.push(-1e300);
            }
            check(&values);
        }
    }

    #[test]
    fn equal_values_keep_their_order() {
        check(&[0.25; 2000]);
        check(&[0.0, -0.0, -1.0, 0.0]);
        check(&[]);
    }
}
