use crate::{Finding, UnknownWord};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// BI-RADS assessment category (ACR BI-RADS atlas; Table 1 of the replication report). Ordered by suspicion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BiRads {
    /// Needs additional imaging.
    #[serde(rename = "0")]
    Incomplete,
    /// Negative.
    #[serde(rename = "1")]
    Negative,
    /// Benign finding.
    #[serde(rename = "2")]
    Benign,
    /// Probably benign.
    #[serde(rename = "3")]
    ProbablyBenign,
    /// Low suspicion; also stands for a plain 4.
    #[serde(rename = "4a")]
    SuspiciousLow,
    /// Moderate suspicion.
    #[serde(rename = "4b")]
    SuspiciousModerate,
    /// High suspicion.
    #[serde(rename = "4c")]
    SuspiciousHigh,
    /// Highly suggestive of malignancy.
    #[serde(rename = "5")]
    HighlySuggestive,
    /// Biopsy-proven malignancy.
    #[serde(rename = "6")]
    Proven,
}

impl BiRads {
    /// The category as its leading digit, 0 to 6.
    pub fn category(self) -> u8 {
        match self {
            Self::Incomplete => 0,
            Self::Negative => 1,
            Self::Benign => 2,
            Self::ProbablyBenign => 3,
            Self::SuspiciousLow | Self::SuspiciousModerate | Self::SuspiciousHigh => 4,
            Self::HighlySuggestive => 5,
            Self::Proven => 6,
        }
    }
}

impl FromStr for BiRads {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        // Spreadsheets turn "5" into "5.0".
        let word = text.trim().to_ascii_lowercase();
        match word.strip_suffix(".0").unwrap_or(&word) {
            "0" => Ok(Self::Incomplete),
            "1" => Ok(Self::Negative),
            "2" => Ok(Self::Benign),
            "3" => Ok(Self::ProbablyBenign),
            "4" | "4a" => Ok(Self::SuspiciousLow),
            "4b" => Ok(Self::SuspiciousModerate),
            "4c" => Ok(Self::SuspiciousHigh),
            "5" => Ok(Self::HighlySuggestive),
            "6" => Ok(Self::Proven),
            _ => Err(UnknownWord {
                field: "BI-RADS category",
                value: text.trim().to_owned(),
                expected: "0, 1, 2, 3, 4, 4a, 4b, 4c, 5 or 6",
            }),
        }
    }
}

impl fmt::Display for BiRads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Incomplete => "0",
            Self::Negative => "1",
            Self::Benign => "2",
            Self::ProbablyBenign => "3",
            Self::SuspiciousLow => "4a",
            Self::SuspiciousModerate => "4b",
            Self::SuspiciousHigh => "4c",
            Self::HighlySuggestive => "5",
            Self::Proven => "6",
        })
    }
}

/// Breast composition by the ACR, from 1 (almost entirely fat; A) to 4 (extremely dense; D).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct AcrDensity(u8);

impl AcrDensity {
    /// Checks that `class` is 1 to 4.
    ///
    /// # Errors
    /// [`UnknownWord`] for any other number.
    pub fn new(class: u8) -> Result<Self, UnknownWord> {
        if (1..=4).contains(&class) {
            Ok(Self(class))
        } else {
            Err(UnknownWord { field: "ACR density", value: class.to_string(), expected: "1, 2, 3 or 4" })
        }
    }

    /// The class, 1 to 4.
    pub fn class(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for AcrDensity {
    type Error = UnknownWord;

    fn try_from(class: u8) -> Result<Self, UnknownWord> {
        Self::new(class)
    }
}

impl From<AcrDensity> for u8 {
    fn from(density: AcrDensity) -> Self {
        density.0
    }
}

impl fmt::Display for AcrDensity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a release says about one image, as far as label rules need it. `None` means that the release is silent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// BI-RADS category of the image's breast.
    pub birads: Option<BiRads>,
    /// Whether the release's table flags a mass (INbreast's xls column `Mass `).
    pub mass_flag: Option<bool>,
    /// Findings that are outlined or located in the image; `None` where the release outlines nothing at all.
    pub findings: Option<BTreeSet<Finding>>,
    /// Whether the release calls the image abnormal (mini-MIAS: any class but NORM).
    pub abnormal: Option<bool>,
    /// Whether the release calls a finding malignant by pathology.
    pub malignant: Option<bool>,
    /// Whether any lesion, benign or malignant, is outlined in the image (BCDR's table of outlines).
    #[serde(default)]
    pub outlined: Option<bool>,
    /// Whether a lesion that is outlined in the image is classified as malignant (BCDR's table of outlines).
    #[serde(default)]
    pub outlined_malign: Option<bool>,
}
