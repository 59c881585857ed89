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
        let has_cancer = self.people(0..self.members.len());
        let held_out = draw_people(&has_cancer, test_fraction, seed, "split");
        let (test, train): (Vec<usize>, Vec<usize>) =
            (0..self.members.len()).partition(|&i| held_out.contains(&self.members[i].person()));

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

    /// Takes persons out of the training part of a split to watch the training by: returned are the members that still train and
    /// those of the persons taken, whose share of the training persons is `fraction`, drawn as in [`Self::split`].
    ///
    /// A training that is chosen or ended by the held-out images would make their figures too good; these are for that.
    ///
    /// # Errors
    /// [`DatasetError::Fraction`] outside of 0 to below 1; [`DatasetError::Split`] when the training part would lack a domain.
    pub fn validation(
        &self,
        split: &Split,
        fraction: f64,
        seed: Seed,
    ) -> Result<(Vec<usize>, Vec<usize>), DatasetError> {
        if !(0.0..1.0).contains(&fraction) {
            return Err(DatasetError::Fraction(fraction));
        }
        let has_cancer = self.people(split.train.iter().copied());
        let taken = draw_people(&has_cancer, fraction, seed, "validation");
        let (validation, train): (Vec<usize>, Vec<usize>) =
            split.train.iter().partition(|&&i| taken.contains(&self.members[i].person()));
        let trains = |label| train.iter().any(|&i| self.members[i].label == label);
        if !trains(Label::Healthy) || !trains(Label::Cancer) {
            let reason = "the training part would lack a domain; use a smaller fraction";
            return Err(DatasetError::Split { patients: has_cancer.len(), test_fraction: fraction, reason });
        }
        Ok((train, validation))
    }

    /// Cuts the cohort into `folds` parts by person and gives one split a part, whose test part it is. Everybody is tested
    /// in exactly one of them. Persons with a cancer image and persons without one are dealt separately, so that the parts
    /// have as many of each as possible, to one. The same seed gives the same folds.
    ///
    /// # Errors
    /// [`DatasetError::Folds`] for fewer than 2 folds, more folds than persons, or a training part that lacks a domain.
    pub fn folds(&self, folds: usize, seed: Seed) -> Result<Vec<Split>, DatasetError> {
        let has_cancer = self.people(0..self.members.len());
        let failed = |reason| DatasetError::Folds { folds, patients: has_cancer.len(), reason };
        if folds < 2 {
            return Err(failed("give 2 or more"));
        }
        if folds > has_cancer.len() {
            return Err(failed("a fold would be empty; give fewer"));
        }
        let mut fold_of: BTreeMap<Person<'_>, usize> = BTreeMap::new();
        // The second group goes on where the first one stopped, so that the folds differ by one person at most.
        let mut next = 0;
        for (stratum, name) in [(true, "folds/cancer"), (false, "folds/healthy")] {
            let mut patients: Vec<Person<'_>> =
                has_cancer.iter().filter(|(_, cancer)| **cancer == stratum).map(|(p, _)| *p).collect();
            shuffle(&mut patients, &mut seed.stream(name));
            for person in patients {
                fold_of.insert(person, next % folds);
                next += 1;
            }
        }
        (0..folds)
            .map(|fold| {
                let (test, train): (Vec<usize>, Vec<usize>) =
                    (0..self.members.len()).partition(|&i| fold_of[&self.members[i].person()] == fold);
                let trains = |label| train.iter().any(|&i| self.members[i].label == label);
                if trains(Label::Healthy) && trains(Label::Cancer) {
                    Ok(Split { train, test })
                } else {
                    Err(failed("a training part would lack a domain; give fewer folds or more patients"))
                }
            })
            .collect()
    }

    /// Everybody among the members, and whether an image of theirs is cancer.
    fn people(&self, members: impl IntoIterator<Item = usize>) -> BTreeMap<Person<'_>, bool> {
        let mut has_cancer = BTreeMap::new();
        for member in members.into_iter().map(|i| &self.members[i]) {
            *has_cancer.entry(member.person()).or_default() |= member.label == Label::Cancer;
        }
        has_cancer
    }
}

/// Draws a share of the persons with a cancer image and of those without one, rounded, but never all or none of two or more.
fn draw_people<'a>(
    has_cancer: &BTreeMap<Person<'a>, bool>,
    fraction: f64,
    seed: Seed,
    stream: &str,
) -> BTreeSet<Person<'a>> {
    let mut drawn: BTreeSet<Person<'_>> = BTreeSet::new();
    for (stratum, name) in [(true, "cancer"), (false, "healthy")] {
        let mut patients: Vec<Person<'_>> =
            has_cancer.iter().filter(|(_, cancer)| **cancer == stratum).map(|(p, _)| *p).collect();
        let count = if fraction == 0.0 || patients.len() < 2 {
            0
        } else {
            ((patients.len() as f64 * fraction).round() as usize).clamp(1, patients.len() - 1)
        };
        shuffle(&mut patients, &mut seed.stream(&format!("{stream}/{name}")));
        drawn.extend(&patients[..count]);
    }
    drawn
}

/// A family of data sets and a pseudonym in it.
type Person<'a> = (&'static str, &'a PatientId);

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

        #[test]
        fn everybody_is_tested_in_exactly_one_fold(
            images in prop::collection::vec((0u8..20, 1u8..6), 8..80), folds in 2usize..7, seed: u64,
        ) {
            let words: Vec<String> = images.iter().map(|(p, b)| format!("{p} CC {b}")).collect();
            let Ok(cohort) = cohort(&words) else { return Ok(()) };
            let Ok(splits) = cohort.folds(folds, Seed(seed)) else { return Ok(()) };
            prop_assert_eq!(splits.len(), folds);
            let people = |part: &[usize]| -> BTreeSet<PatientId> {
                part.iter().map(|&i| cohort.members[i].patient_id.clone()).collect()
            };
            let mut tested: Vec<usize> = Vec::new();
            for split in &splits {
                prop_assert!(people(&split.train).is_disjoint(&people(&split.test)));
                prop_assert_eq!(split.train.len() + split.test.len(), cohort.members.len());
                tested.extend(&split.test);
            }
            tested.sort_unstable();
            prop_assert_eq!(tested, (0..cohort.members.len()).collect::<Vec<_>>());
            let sizes: Vec<usize> = splits.iter().map(|s| people(&s.test).len()).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            prop_assert_eq!(cohort.folds(folds, Seed(seed)).unwrap(), splits);
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
    fn packs_of_one_family_share_people_and_other_data_sets_do_not() {
        let mut release = release(&["1 CC 5", "1 CC 1", "2 CC 5", "2 CC 1", "3 CC 1", "4 CC 5"]);
        for (index, dataset) in [(0, crate::Dataset::BcdrD01), (1, crate::Dataset::BcdrD02)] {
            release.records[index].dataset = dataset;
        }
        let cohort = Cohort::select(&release, LabelRule::BiradsGe3, ViewFilter::All).unwrap();
        assert_eq!(cohort.members[0].person(), cohort.members[1].person());
        release.records[3].dataset = crate::Dataset::Cmmd;
        let cohort = Cohort::select(&release, LabelRule::BiradsGe3, ViewFilter::All).unwrap();
        assert_ne!(cohort.members[2].person(), cohort.members[3].person());
        for seed in 0..20 {
            for split in cohort.folds(3, Seed(seed)).unwrap() {
                assert_eq!(split.test.contains(&0), split.test.contains(&1));
            }
        }
    }

    #[test]
    fn impossible_splits_are_refused() {
        let words = ["1 CC 5".to_owned(), "2 CC 1".to_owned()];
        let cohort = cohort(&words).unwrap();
        assert!(cohort.split(1.0, Seed(1)).is_err());
        assert!(cohort.split(f64::NAN, Seed(1)).is_err());
        assert!(cohort.split(0.5, Seed(1)).unwrap_err().to_string().contains("2 patients"));
        for folds in [0, 1, 2, 3] {
            assert!(cohort.folds(folds, Seed(1)).unwrap_err().to_string().contains("2 patients"), "{folds}");
        }
    }
}
