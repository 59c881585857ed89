use serde::{Deserialize, Serialize};

/// A share of cases with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The share, 0 to 1.
    pub share: f64,
    /// Wilson's interval, as if each patient had given one answer: images of one patient are taken to say the same, so that it is
    /// wide enough however much they do.
    pub interval_95: (f64, f64),
    /// Cases.
    pub n_cases: usize,
    /// Patients that the cases are of.
    pub n_patients: usize,
}

/// The share of cases for which something holds; each comes with its patient. `None` without cases.
///
/// The interval is Wilson's (JASA 1927;22:209), which stays inside 0 to 1 and has a width at both ends.
///
/// ```
/// let share = mammo_forensics::share([("a", true), ("b", true), ("b", false)]).unwrap();
/// assert_eq!((share.share, share.n_cases, share.n_patients), (2.0 / 3.0, 3, 2));
/// ```
pub fn share<P: Ord>(cases: impl IntoIterator<Item = (P, bool)>) -> Option<Share> {
    let (mut patients, mut n_cases, mut held) = (std::collections::BTreeSet::new(), 0usize, 0usize);
    for (patient, holds) in cases {
        patients.insert(patient);
        n_cases += 1;
        held += usize::from(holds);
    }
    if n_cases == 0 {
        return None;
    }
    let (p, n) = (held as f64 / n_cases as f64, patients.len() as f64);
    const Z: f64 = 1.959963984540054;
    let scale = 1.0 + Z * Z / n;
    let middle = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
    let interval_95 = ((middle - half).max(0.0), (middle + half).min(1.0));
    Some(Share { share: p, interval_95, n_cases, n_patients: patients.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // Newcombe, Statistics in Medicine 1998;17:857, table I: 81 of 263, and none of 20.
        let of = |held: usize, n: usize| share((0..n).map(|i| (i, i < held))).unwrap().interval_95;
        let close = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() < 5e-5 && (a.1 - b.1).abs() < 5e-5;
        assert!(close(of(81, 263), (0.2553, 0.3662)), "{:?}", of(81, 263));
        assert!(close(of(0, 20), (0.0, 0.1611)), "{:?}", of(0, 20));
        assert!(share(Vec::<(u8, bool)>::new()).is_none());
    }

    #[test]
    fn images_of_one_patient_do_not_narrow_it() {
        let once = share((0..10).map(|i| (i, i < 7))).unwrap();
        let four_times = share((0..40).map(|i| (i % 10, i % 10 < 7))).unwrap();
        assert_eq!(once.interval_95, four_times.interval_95);
    }
}
