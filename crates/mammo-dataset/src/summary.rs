use crate::{Cohort, Dataset, ExclusionReason, ImageRecord, Labelling, Release, Split, ViewFilter};
use mammo_core::Label;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many images and persons a part of a cohort has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSummary {
    /// Persons.
    pub patients: usize,
    /// Images.
    pub images: usize,
    /// Images labelled healthy (domain A).
    pub healthy: usize,
    /// Images labelled cancer (domain B).
    pub cancer: usize,
}

/// A cohort in numbers, for `cohort.json`. It names no person and no path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortSummary {
    /// The data sets that the images come from.
    pub datasets: BTreeSet<Dataset>,
    /// The label rule or rules.
    pub rule: Labelling,
    /// The projections admitted.
    pub views: ViewFilter,
    /// Images of the release, in the cohort or not.
    pub release_images: usize,
    /// Images of the cohort that are made, such as phantoms.
    pub synthetic_images: usize,
    /// The whole cohort.
    pub cohort: PartSummary,
    /// The part that trains.
    pub train: PartSummary,
    /// The part that the training is watched by, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<PartSummary>,
    /// The part that is held out.
    pub test: PartSummary,
    /// Images left out, by reason.
    pub excluded: BTreeMap<ExclusionReason, usize>,
    /// Images by projection, then label; `unknown` where the release is silent, here and below.
    pub by_view: BTreeMap<String, BTreeMap<Label, usize>>,
    /// Images by side, then label.
    pub by_laterality: BTreeMap<String, BTreeMap<Label, usize>>,
    /// Images by BI-RADS category, then label.
    pub by_birads: BTreeMap<String, BTreeMap<Label, usize>>,
    /// Images by ACR density, then label.
    pub by_density: BTreeMap<String, BTreeMap<Label, usize>>,
    /// Quirks and problems found in the release.
    pub release_notes: usize,
}

impl CohortSummary {
    /// Counts. `cohort` is selected from `release`, and `split` made from `cohort`.
    ///
    /// # Panics
    /// When the three do not belong together.
    pub fn new(release: &Release, cohort: &Cohort, split: &Split) -> Self {
        Self::of(&release.records.iter().collect::<Vec<_>>(), release.counted_notes(), cohort, split)
    }

    /// Counts members of `cohort` as the part that the training is watched by.
    ///
    /// # Panics
    /// When the two do not belong together.
    #[must_use]
    pub fn watched_by(self, cohort: &Cohort, validation: &[usize]) -> Self {
        Self { validation: Some(part(cohort, validation)), ..self }
    }

    /// Counts a cohort that was chosen from any number of releases with `release_notes` oddities.
    ///
    /// # Panics
    /// When the arguments do not belong together.
    pub fn of(records: &[&ImageRecord], release_notes: usize, cohort: &Cohort, split: &Split) -> Self {
        let everyone: Vec<usize> = (0..cohort.members.len()).collect();
        let mut excluded = BTreeMap::new();
        for image in &cohort.excluded {
            *excluded.entry(image.reason).or_default() += 1;
        }
        let mut summary = Self {
            datasets: BTreeSet::new(),
            rule: cohort.rule.clone(),
            views: cohort.views,
            release_images: records.len(),
            synthetic_images: 0,
            cohort: part(cohort, &everyone),
            train: part(cohort, &split.train),
            validation: None,
            test: part(cohort, &split.test),
            excluded,
            by_view: BTreeMap::new(),
            by_laterality: BTreeMap::new(),
            by_birads: BTreeMap::new(),
            by_density: BTreeMap::new(),
            release_notes,
        };
        for member in &cohort.members {
            let record = records[member.record];
            summary.datasets.insert(record.dataset);
            summary.synthetic_images += usize::from(record.synthetic);
            let word = |text: Option<String>| text.unwrap_or_else(|| "unknown".into());
            for (table, key) in [
                (&mut summary.by_view, word(record.view.map(|v| v.to_string()))),
                (&mut summary.by_laterality, record.laterality.to_string()),
                (&mut summary.by_birads, word(record.assessment.birads.map(|b| b.to_string()))),
                (&mut summary.by_density, word(record.density.map(|d| d.to_string()))),
            ] {
                *table.entry(key).or_default().entry(member.label).or_default() += 1;
            }
        }
        summary
    }
}

pub(crate) fn part(cohort: &Cohort, indices: &[usize]) -> PartSummary {
    let members: Vec<_> = indices.iter().map(|&i| &cohort.members[i]).collect();
    let cancer = members.iter().filter(|m| m.label == Label::Cancer).count();
    PartSummary {
        patients: members.iter().map(|m| m.person()).collect::<BTreeSet<_>>().len(),
        images: members.len(),
        healthy: members.len() - cancer,
        cancer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::tests::release;
    use mammo_core::{LabelRule, Seed};

    #[test]
    fn numbers_add_up_and_survive_json() {
        let words: Vec<String> = (0..30)
            .map(|i| format!("{} {} {}", i / 2, ["CC", "MLO"][i % 2], ["1", "2", "5"][i / 2 % 3]))
            .collect();
        let release = release(&words);
        let cohort = Cohort::select(&release, LabelRule::BiradsGe3, ViewFilter::Cc).unwrap();
        let split = cohort.split(0.2, Seed(1)).unwrap();
        let summary = CohortSummary::new(&release, &cohort, &split);
        assert_eq!(summary.cohort, PartSummary { patients: 15, images: 15, healthy: 10, cancer: 5 });
        assert_eq!(summary.train.images + summary.test.images, 15);
        assert_eq!(summary.excluded[&ExclusionReason::OtherView], 15);
        assert_eq!(summary.by_birads["5"][&Label::Cancer], 5);
        assert_eq!(summary.by_view["CC"][&Label::Healthy], 10);
        let json = serde_json::to_string(&summary).unwrap();
        assert_eq!(serde_json::from_str::<CohortSummary>(&json).unwrap(), summary);
    }
}
