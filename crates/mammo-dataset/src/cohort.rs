use crate::{DatasetError, Release};
use mammo_core::{ImageId, Label, LabelRule, PatientId, UnknownWord, ViewPosition};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

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
    /// Its index in [`Release::records`].
    pub record: usize,
    /// Its id.
    pub image_id: ImageId,
    /// The person.
    pub patient_id: PatientId,
    /// The domain that the rule puts it in.
    pub label: Label,
}

/// Why an image of the release is not in the cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExclusionReason {
    /// It shows another projection than asked for.
    OtherView,
    /// The rule leaves it out, or the release does not say what the rule needs.
    NoLabel,
}

impl fmt::Display for ExclusionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherView => "other view",
            Self::NoLabel => "no label under the rule",
        })
    }
}

/// An image of the release that is not in the cohort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// The image.
    pub image_id: ImageId,
    /// Why it is left out.
    pub reason: ExclusionReason,
}

/// The images of a release that take part in an experiment, each with its label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// The rule that gave the labels.
    pub rule: LabelRule,
    /// The projections that were admitted.
    pub views: ViewFilter,
    /// Those who take part, in the release's order.
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
        let mut cohort = Self { rule, views, members: Vec::new(), excluded: Vec::new() };
        for (index, record) in release.records.iter().enumerate() {
            let image_id = record.image_id.clone();
            let mut exclude = |reason| cohort.excluded.push(Excluded { image_id: image_id.clone(), reason });
            if !views.admits(record.view) {
                exclude(ExclusionReason::OtherView);
            } else if let Some(label) = rule.apply(&record.assessment) {
                let patient_id = record.patient_id.clone();
                cohort.members.push(Member { record: index, image_id, patient_id, label });
            } else {
                exclude(ExclusionReason::NoLabel);
            }
        }
        let cancer = cohort.members.iter().filter(|m| m.label == Label::Cancer).count();
        let healthy = cohort.members.len() - cancer;
        if cancer == 0 || healthy == 0 {
            let excluded = cohort.excluded.len();
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
