use crate::{Dataset, Labelling, ViewFilter};
use mammo_core::{LabelRule, UnknownWord};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// The cohorts of the study and of its replication. Paper and code of the study differ in what is called cancer
/// (`docs/data/from-grant-to-cohort.md`); these are the code's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CohortPreset {
    /// Becker et al., experiment 1: CC views of INbreast (a mass is flagged), BCDR-D01 and BCDR-D02 (any lesion is
    /// outlined); the paper counts 680 images of 334 patients, 362 of them healthy.
    BeckerExp1,
    /// Becker et al., experiment 2: all views of the same, INbreast from BI-RADS 4 with 3 left out, BCDR where malignant;
    /// 85 per cent train.
    BeckerExp2,
    /// The replication report: all views of INbreast, cancer from BI-RADS 3; 123 cancer, 287 healthy.
    ReportBirads,
    /// The replication report's further experiment: all views of INbreast, cancer where a mass is flagged; 108 cancer,
    /// 302 healthy.
    ReportMass,
}

impl CohortPreset {
    /// Every preset.
    pub const ALL: [Self; 4] = [Self::BeckerExp1, Self::BeckerExp2, Self::ReportBirads, Self::ReportMass];

    /// The name used on command lines and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeckerExp1 => "becker-exp1",
            Self::BeckerExp2 => "becker-exp2",
            Self::ReportBirads => "report-birads",
            Self::ReportMass => "report-mass",
        }
    }

    /// What is called cancer.
    pub fn labelling(self) -> Labelling {
        let by_dataset = |inbreast, bcdr| {
            let rules = [("inbreast", inbreast), ("bcdr", bcdr)];
            Labelling::ByDataset(BTreeMap::from(rules.map(|(name, rule)| (name.to_owned(), rule))))
        };
        match self {
            Self::BeckerExp1 => by_dataset(LabelRule::MassFlag, LabelRule::BcdrAnyOutline),
            Self::BeckerExp2 => by_dataset(LabelRule::BiradsGe4Drop3, LabelRule::BcdrMalign),
            Self::ReportBirads => LabelRule::BiradsGe3.into(),
            Self::ReportMass => LabelRule::MassFlag.into(),
        }
    }

    /// Projections.
    pub fn views(self) -> ViewFilter {
        match self {
            Self::BeckerExp1 => ViewFilter::Cc,
            Self::BeckerExp2 | Self::ReportBirads | Self::ReportMass => ViewFilter::All,
        }
    }

    /// Data sets that it is made of.
    pub fn datasets(self) -> BTreeSet<Dataset> {
        match self {
            Self::BeckerExp1 | Self::BeckerExp2 => {
                [Dataset::Inbreast, Dataset::BcdrD01, Dataset::BcdrD02].into()
            }
            Self::ReportBirads | Self::ReportMass => [Dataset::Inbreast].into(),
        }
    }
}

impl FromStr for CohortPreset {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|preset| preset.name() == text.trim()).ok_or_else(|| UnknownWord {
            field: "cohort",
            value: text.to_owned(),
            expected: "becker-exp1, becker-exp2, report-birads or report-mass",
        })
    }
}

impl fmt::Display for CohortPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
