use crate::{Cohort, DatasetError};
use mammo_core::{Label, PatientId, Seed, Stream};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Which members of a cohort train and which test, as indices into [`Cohort::members`] in rising order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// For training.
    pub train: Vec<usize>,
    /// Held out.
    pub test: Vec<usize>,
}

impl Cohort {
    /// Splits the cohort by person, so that no one's images are on both sides; the original code split by image.
    /// Persons with a cancer image and persons without one are drawn separately, each at the fraction asked for,
    /// rounded, but never all or none of a group of two or more. The same seed gives the same split.
    ///
    /// A fraction of 0 holds nothing out.
    ///
    /// # Errors
    /// [`DatasetError::Fraction`] outside of 0 to below 1; [`DatasetError::Split`] when the training part would lack
    /// a domain or nobody could be held out.
    pub fn split(&self, test_fraction: f64, seed: Seed) -> Result<Split, DatasetError> {
        if !(0.0..1.0).contains(&test_fraction) {
            return Err(DatasetError::Fraction(test_fraction));
        }
        let mut has_cancer: BTreeMap<&PatientId, bool> = BTreeMap::new();
        for member in &self.members {
            *has_cancer.entry(&member.patient_id).or_default() |= member.label == Label::Cancer;
        }
        let mut held_out: BTreeSet<&PatientId> = BTreeSet::new();
        for (stratum, name) in [(true, "split/cancer"), (false, "split/healthy")] {
            let mut patients: Vec<&PatientId> =
                has_cancer.iter().filter(|(_, cancer)| **cancer == stratum).map(|(p, _)| *p).collect();
            let count = if test_fraction == 0.0 || patients.len() < 2 {
                0
            } else {
                ((patients.len() as f64 * test_fraction).round() as usize).clamp(1, patients.len() - 1)
            };
            shuffle(&mut patients, &mut seed.stream(name));
            held_out.extend(&patients[..count]);
        }
        let (test, train): (Vec<usize>, Vec<usize>) =
            (0..self.members.len()).partition(|&i| held_out.contains(&self.members[i].patient_id));

        let failed = |reason| DatasetError::Split { patients: has_cancer.len(), test_fraction, reason };
        let trains = |label| train.iter().any(|&i| self.members[i].label == label);
        if !trains(Label::Healthy) || !trains(Label::Cancer) {
            return Err(failed("the training part would lack a domain; use a smaller fraction"));
        }
        if test_fraction > 0.0 && test.is_empty() {
            return Err(failed("nobody could be held out; use more patients or a fraction of 0"));
        }
        Ok(Split { train, test })
    }
}

/// Fisher and Yates, written out so that the order depends on nothing but the stream.
fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for last in (1..items.len()).rev() {
        let other = (stream.next_u64() % (last as u64 + 1)) as usize;
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ViewFilter, release::tests::release};
    use mammo_core::LabelRule;
    use proptest::prelude::*;

    fn cohort(words: &[String]) -> Result<Cohort, DatasetError> {
        Cohort::select(&release(words), LabelRule::BiradsGe3, ViewFilter::All)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nobody_is_on_both_sides_and_nobody_is_lost(
            images in prop::collection::vec((0u8..20, 1u8..6), 8..80), fraction in 0.05f64..0.6, seed: u64,
        ) {
            let words: Vec<String> = images.iter().map(|(p, b)| format!("{p} CC {b}")).collect();
            let Ok(cohort) = cohort(&words) else { return Ok(()) };
            let Ok(split) = cohort.split(fraction, Seed(seed)) else { return Ok(()) };
            let people = |part: &[usize]| -> BTreeSet<PatientId> {
                part.iter().map(|&i| cohort.members[i].patient_id.clone()).collect()
            };
            prop_assert!(people(&split.train).is_disjoint(&people(&split.test)));
            let mut all = [split.train.clone(), split.test.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..cohort.members.len()).collect::<Vec<_>>());
            prop_assert_eq!(cohort.split(fraction, Seed(seed)).unwrap(), split);
        }
    }

    #[test]
    fn both_groups_are_held_out_at_the_fraction() {
        let words: Vec<String> = (0..40).map(|p| format!("{p} CC {}", if p < 10 { 5 } else { 1 })).collect();
        let cohort = cohort(&words).unwrap();
        let split = cohort.split(0.2, Seed(3)).unwrap();
        let cancers = split.test.iter().filter(|&&i| cohort.members[i].label == Label::Cancer).count();
        assert_eq!((split.test.len(), cancers), (8, 2));
        assert_ne!(split, cohort.split(0.2, Seed(4)).unwrap());
        assert!(cohort.split(0.0, Seed(3)).unwrap().test.is_empty());
    }

    #[test]
    fn impossible_splits_are_refused() {
        let words = ["1 CC 5".to_owned(), "2 CC 1".to_owned()];
        let cohort = cohort(&words).unwrap();
        assert!(cohort.split(1.0, Seed(1)).is_err());
        assert!(cohort.split(f64::NAN, Seed(1)).is_err());
        assert!(cohort.split(0.5, Seed(1)).unwrap_err().to_string().contains("2 patients"));
    }
}
