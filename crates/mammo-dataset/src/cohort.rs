use crate::{Dataset, DatasetError, Exclusions, ImageRecord, Labelling, Release};
use mammo_core::{ImageId, Label, LabelRule, PatientId, UnknownWord, ViewPosition};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// Which projections take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewFilter {
    /// Cranio-caudal only, as in the first experiment of the paper.
    Cc,
    /// Medio-lateral oblique only.
    Mlo,
    /// Every projection, also unknown ones.
    All,
}

impl ViewFilter {
    /// Whether an image of this projection takes part.
    pub fn admits(self, view: Option<ViewPosition>) -> bool {
        match self {
            Self::Cc => view == Some(ViewPosition::Cc),
            Self::Mlo => view == Some(ViewPosition::Mlo),
            Self::All => true,
        }
    }
}

impl FromStr for ViewFilter {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text.trim().to_ascii_lowercase().as_str() {
            "cc" => Ok(Self::Cc),
            "mlo" => Ok(Self::Mlo),
            "all" => Ok(Self::All),
            _ => {
                Err(UnknownWord { field: "view filter", value: text.to_owned(), expected: "cc, mlo or all" })
            }
        }
    }
}

impl fmt::Display for ViewFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cc => "cc",
            Self::Mlo => "mlo",
            Self::All => "all",
        })
    }
}

/// One image of a cohort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its index among the records that the cohort was chosen from.
    pub record: usize,
    /// The data set, which the ids belong to.
    pub dataset: Dataset,
    /// Its id.
    pub image_id: ImageId,
    /// The person.
    pub patient_id: PatientId,
    /// The domain that the rule puts it in.
    pub label: Label,
}

impl Member {
    /// Who it is. Images that share it stay together in every split: the pseudonyms of packs of one family may mean the same
    /// people, those of different families never do.
    pub fn person(&self) -> (&'static str, &PatientId) {
        (self.dataset.family(), &self.patient_id)
    }
}

/// What decides who takes part.
#[derive(Debug, Clone, PartialEq)]
pub struct CohortPlan {
    /// What is called cancer.
    pub labelling: Labelling,
    /// Projections.
    pub views: ViewFilter,
    /// Data sets; `None` for all.
    pub datasets: Option<BTreeSet<Dataset>>,
    /// Images that are left out whatever they show.
    pub exclusions: Exclusions,
}

/// Why an image of the release is not in the cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExclusionReason {
    /// It is on the list of exclusions.
    OnList,
    /// It is of a data set that is not asked for, such as another pack of BCDR.
    OtherDataset,
    /// It shows another projection than asked for.
    OtherView,
    /// The rule leaves it out, or the release does not say what the rule needs.
    NoLabel,
}

impl fmt::Display for ExclusionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnList => "on the list of exclusions",
            Self::OtherDataset => "other data set",
            Self::OtherView => "other view",
            Self::NoLabel => "no label under the rule",
        })
    }
}

/// An image of the release that is not in the cohort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// Its index among the records that the cohort was chosen from.
    pub record: usize,
    /// The image.
    pub image_id: ImageId,
    /// Why it is left out.
    pub reason: ExclusionReason,
}

/// The images of one or more releases that take part in an experiment, each with its label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// The rule or rules that gave the labels.
    pub rule: Labelling,
    /// The projections that were admitted.
    pub views: ViewFilter,
    /// Those who take part, in the order of the records.
    pub members: Vec<Member>,
    /// Those who do not.
    pub excluded: Vec<Excluded>,
}

impl Cohort {
    /// Labels every admitted image of the release.
    ///
    /// # Errors
    /// [`DatasetError::EmptyClass`] when one of the domains has no image.
    pub fn select(release: &Release, rule: LabelRule, views: ViewFilter) -> Result<Self, DatasetError> {
        let plan =
            CohortPlan { labelling: rule.into(), views, datasets: None, exclusions: Exclusions::default() };
        Self::choose(&release.records.iter().collect::<Vec<_>>(), &plan)
    }

    /// Labels every admitted image of any number of releases. An image that several reasons leave out counts for the
    /// first of: list of exclusions, data set, view, label.
    ///
    /// # Errors
    /// [`DatasetError::EmptyClass`] when one of the domains has no image.
    pub fn choose(records: &[&ImageRecord], plan: &CohortPlan) -> Result<Self, DatasetError> {
        let mut cohort = Self {
            rule: plan.labelling.clone(),
            views: plan.views,
            members: Vec::new(),
            excluded: Vec::new(),
        };
        for (index, record) in records.iter().enumerate() {
            let image_id = record.image_id.clone();
            let mut exclude = |reason| {
                cohort.excluded.push(Excluded { record: index, image_id: image_id.clone(), reason });
            };
            let dataset = record.dataset;
            if plan.exclusions.reason(record).is_some() {
                exclude(ExclusionReason::OnList);
            } else if plan.datasets.as_ref().is_some_and(|asked| !asked.contains(&dataset)) {
                exclude(ExclusionReason::OtherDataset);
            } else if !plan.views.admits(record.view) {
                exclude(ExclusionReason::OtherView);
            } else if let Some(label) = plan.labelling.apply(dataset, &record.assessment) {
                let patient_id = record.patient_id.clone();
                cohort.members.push(Member { record: index, dataset, image_id, patient_id, label });
            } else {
                exclude(ExclusionReason::NoLabel);
            }
        }
        let cancer = cohort.members.iter().filter(|m| m.label == Label::Cancer).count();
        let healthy = cohort.members.len() - cancer;
        if cancer == 0 || healthy == 0 {
            let excluded = cohort.excluded.len();
            let (rule, views) = (plan.labelling.clone(), plan.views);
            return Err(DatasetError::EmptyClass { rule, views, healthy, cancer, excluded });
        }
        Ok(cohort)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::tests::release;

    #[test]
    fn views_and_rules_decide_who_takes_part() {
        let release = release(&["1 CC 2", "2 CC 5", "3 MLO 5", "4 CC 3", "5 FB 2"]);
        let cohort = Cohort::select(&release, LabelRule::BiradsGe4Drop3, ViewFilter::Cc).unwrap();
        let labels: Vec<_> = cohort.members.iter().map(|m| (m.record, m.label)).collect();
        assert_eq!(labels, [(0, Label::Healthy), (1, Label::Cancer)]);
        let reasons: Vec<_> = cohort.excluded.iter().map(|e| (e.image_id.as_str(), e.reason)).collect();
        assert_eq!(
            reasons,
            [
                ("2", ExclusionReason::OtherView),
                ("3", ExclusionReason::NoLabel),
                ("4", ExclusionReason::OtherView)
            ]
        );
        assert_eq!(Cohort::select(&release, LabelRule::BiradsGe3, ViewFilter::All).unwrap().members.len(), 5);
    }

    #[test]
    fn a_class_without_images_is_an_error_with_rule_and_counts() {
        let release = release(&["1 CC 2", "2 CC 1", "3 MLO 5"]);
        let message = Cohort::select(&release, LabelRule::BiradsGe3, ViewFilter::Cc).unwrap_err().to_string();
        assert!(message.contains("birads_ge3") && message.contains("2 healthy and 0 cancer"), "{message}");
        assert!(Cohort::select(&release, LabelRule::Malignant, ViewFilter::All).is_err());
    }

    #[test]
    fn filters_parse_back() {
        for filter in [ViewFilter::Cc, ViewFilter::Mlo, ViewFilter::All] {
            assert_eq!(filter.to_string().parse(), Ok(filter));
        }
        assert!("both".parse::<ViewFilter>().is_err());
    }
}
