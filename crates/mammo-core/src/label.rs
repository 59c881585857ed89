use crate::{Assessment, BiRads, Finding, UnknownWord};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The two domains of the study. Domain A (the paper's X) is healthy, domain B (the paper's Y) is cancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Domain A.
    Healthy,
    /// Domain B. The word is the study's; under [`LabelRule::Mass`] it includes benign masses.
    Cancer,
}

impl Label {
    /// The other domain.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Healthy => Self::Cancer,
            Self::Cancer => Self::Healthy,
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Cancer => "cancer",
        })
    }
}

/// How an [`Assessment`] becomes a [`Label`]. The sources of the study disagree on this, so it is always named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelRule {
    /// Cancer from BI-RADS 3 upwards (the paper's text and the replication report). BI-RADS 0 is left out.
    BiradsGe3,
    /// Cancer from BI-RADS 4 upwards, BI-RADS 3 and 0 left out (the authors' experiment 2).
    BiradsGe4Drop3,
    /// Cancer where the release's table flags a mass (the authors' experiment 1 code, on INbreast).
    MassFlag,
    /// Cancer where a mass is outlined or located in the image.
    MassRoi,
    /// Cancer where a mass is flagged or, without a flag, located: the report's "further experiment".
    Mass,
    /// Cancer where BCDR outlines any lesion, benign ones too (the authors' experiment 1 code, on BCDR).
    BcdrAnyOutline,
    /// Cancer where BCDR outlines a lesion that is classified as malignant (the authors' experiment 2, on BCDR).
    BcdrMalign,
    /// Cancer where the release calls the image abnormal.
    Abnormal,
    /// Cancer where pathology says malignant.
    Malignant,
}

impl LabelRule {
    /// Every rule, in the order in which help texts list them.
    pub const ALL: [Self; 9] = [
        Self::BiradsGe3,
        Self::BiradsGe4Drop3,
        Self::MassFlag,
        Self::MassRoi,
        Self::Mass,
        Self::BcdrAnyOutline,
        Self::BcdrMalign,
        Self::Abnormal,
        Self::Malignant,
    ];

    /// The name used on command lines and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::BiradsGe3 => "birads_ge3",
            Self::BiradsGe4Drop3 => "birads_ge4_drop3",
            Self::MassFlag => "mass_flag",
            Self::MassRoi => "mass_roi",
            Self::Mass => "mass",
            Self::BcdrAnyOutline => "bcdr_any_outline",
            Self::BcdrMalign => "bcdr_malign",
            Self::Abnormal => "abnormal",
            Self::Malignant => "malignant",
        }
    }

    /// What is called cancer, in one line for help texts and tables.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::BiradsGe3 => "BI-RADS 3 or above; 0 left out",
            Self::BiradsGe4Drop3 => "BI-RADS 4 or above; 3 and 0 left out",
            Self::MassFlag => "the table flags a mass",
            Self::MassRoi => "a mass is outlined or located",
            Self::Mass => "a mass is flagged or, without a flag, located",
            Self::BcdrAnyOutline => "BCDR outlines any lesion, benign ones too",
            Self::BcdrMalign => "BCDR outlines a malignant lesion",
            Self::Abnormal => "the release calls the image abnormal",
            Self::Malignant => "pathology says malignant",
        }
    }

    /// The label, or `None` where the rule leaves the image out or the release does not say enough.
    pub fn apply(self, assessment: &Assessment) -> Option<Label> {
        let from_bool = |cancer: bool| if cancer { Label::Cancer } else { Label::Healthy };
        let has_mass_roi = assessment
            .findings
            .as_ref()
            .map(|found| found.contains(&Finding::Mass) || found.contains(&Finding::SpiculatedRegion));
        match self {
            Self::BiradsGe3 => assessment
                .birads
                .filter(|&b| b != BiRads::Incomplete)
                .map(|b| from_bool(b >= BiRads::ProbablyBenign)),
            Self::BiradsGe4Drop3 => assessment
                .birads
                .filter(|&b| b != BiRads::Incomplete && b != BiRads::ProbablyBenign)
                .map(|b| from_bool(b > BiRads::ProbablyBenign)),
            Self::MassFlag => assessment.mass_flag.map(from_bool),
            Self::MassRoi => has_mass_roi.map(from_bool),
            Self::Mass => assessment.mass_flag.or(has_mass_roi).map(from_bool),
            Self::BcdrAnyOutline => assessment.outlined.map(from_bool),
            Self::BcdrMalign => assessment.outlined_malign.map(from_bool),
            Self::Abnormal => assessment.abnormal.map(from_bool),
            Self::Malignant => assessment.malignant.map(from_bool),
        }
    }
}

impl FromStr for LabelRule {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let name = text.trim().to_ascii_lowercase().replace('-', "_");
        Self::ALL.into_iter().find(|rule| rule.name() == name).ok_or_else(|| UnknownWord {
            field: "label rule",
            value: text.to_owned(),
            expected: "birads_ge3, birads_ge4_drop3, mass_flag, mass_roi, mass, bcdr_any_outline, bcdr_malign, abnormal or malignant",
        })
    }
}

impl fmt::Display for LabelRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn birads(word: &str) -> Assessment {
        Assessment { birads: Some(word.parse().unwrap()), ..Assessment::default() }
    }

    #[test]
    fn birads_rules_cut_where_their_names_say() {
        let labels = |rule: LabelRule| {
            ["0", "1", "2", "3", "4a", "6"].map(|word| rule.apply(&birads(word)).map(|l| l == Label::Cancer))
        };
        assert_eq!(
            labels(LabelRule::BiradsGe3),
            [None, Some(false), Some(false), Some(true), Some(true), Some(true)]
        );
        assert_eq!(
            labels(LabelRule::BiradsGe4Drop3),
            [None, Some(false), Some(false), None, Some(true), Some(true)]
        );
    }

    #[test]
    fn a_release_that_is_silent_gives_no_label() {
        for rule in LabelRule::ALL {
            assert_eq!(rule.apply(&Assessment::default()), None, "{rule}");
        }
    }

    #[test]
    fn the_table_outranks_the_outline_for_mass() {
        let mut assessment = Assessment {
            mass_flag: Some(false),
            findings: Some([Finding::Mass].into()),
            ..Assessment::default()
        };
        assert_eq!(LabelRule::Mass.apply(&assessment), Some(Label::Healthy));
        assessment.mass_flag = None;
        assert_eq!(LabelRule::Mass.apply(&assessment), Some(Label::Cancer));
    }

    #[test]
    fn an_outline_is_not_yet_malignant() {
        let benign =
            Assessment { outlined: Some(true), outlined_malign: Some(false), ..Assessment::default() };
        assert_eq!(LabelRule::BcdrAnyOutline.apply(&benign), Some(Label::Cancer));
        assert_eq!(LabelRule::BcdrMalign.apply(&benign), Some(Label::Healthy));
        assert_eq!(LabelRule::MassRoi.apply(&benign), None);
    }

    #[test]
    fn names_parse_back() {
        for rule in LabelRule::ALL {
            assert_eq!(rule.name().parse::<LabelRule>(), Ok(rule));
        }
        assert!("birads".parse::<LabelRule>().is_err());
    }
}
