use crate::{Dataset, DatasetError};
use mammo_core::{Assessment, Label, LabelRule};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// What is called cancer: one rule for all images, or one for each data set. Written `birads_ge3`, or
/// `inbreast=mass_flag,bcdr=bcdr_any_outline`, where `bcdr` stands for all packs.
///
/// ```
/// use mammo_core::LabelRule;
/// use mammo_dataset::{Dataset, Labelling};
///
/// let labelling: Labelling = "inbreast=mass_flag,bcdr=bcdr_any_outline".parse()?;
/// assert_eq!(labelling.rule_for(Dataset::BcdrD02), Some(LabelRule::BcdrAnyOutline));
/// assert_eq!(labelling.rule_for(Dataset::Cmmd), None);
/// # Ok::<(), mammo_dataset::DatasetError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Labelling {
    /// One rule for every image.
    Everywhere(LabelRule),
    /// A rule for each data set or family of data sets; images of others get no label.
    ByDataset(BTreeMap<String, LabelRule>),
}

impl Labelling {
    /// The rule for a data set.
    pub fn rule_for(&self, dataset: Dataset) -> Option<LabelRule> {
        match self {
            Self::Everywhere(rule) => Some(*rule),
            Self::ByDataset(rules) => {
                rules.get(dataset.name()).or_else(|| rules.get(dataset.family())).copied()
            }
        }
    }

    /// The label of an image; `None` where the rule leaves it out or the release does not say enough.
    pub fn apply(&self, dataset: Dataset, assessment: &Assessment) -> Option<Label> {
        self.rule_for(dataset)?.apply(assessment)
    }
}

impl From<LabelRule> for Labelling {
    fn from(rule: LabelRule) -> Self {
        Self::Everywhere(rule)
    }
}

impl FromStr for Labelling {
    type Err = DatasetError;

    fn from_str(text: &str) -> Result<Self, DatasetError> {
        let refused = |reason: String| DatasetError::Labelling { text: text.to_owned(), reason };
        if !text.contains('=') {
            return text
                .parse()
                .map(Self::Everywhere)
                .map_err(|e: mammo_core::UnknownWord| refused(e.to_string()));
        }
        let mut rules = BTreeMap::new();
        for part in text.split(',') {
            let (dataset, rule) =
                part.split_once('=').ok_or_else(|| refused(format!("{part:?} names no data set")))?;
            let dataset = dataset.trim().to_ascii_lowercase();
            if !Dataset::ALL.iter().any(|known| known.name() == dataset || known.family() == dataset) {
                return Err(refused(format!("{dataset:?} is no data set")));
            }
            let rule = rule.parse().map_err(|e: mammo_core::UnknownWord| refused(e.to_string()))?;
            if rules.insert(dataset.clone(), rule).is_some() {
                return Err(refused(format!("{dataset} has two rules")));
            }
        }
        Ok(Self::ByDataset(rules))
    }
}

impl fmt::Display for Labelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere(rule) => rule.fmt(f),
            Self::ByDataset(rules) => {
                let parts: Vec<String> = rules.iter().map(|(name, rule)| format!("{name}={rule}")).collect();
                f.write_str(&parts.join(","))
            }
        }
    }
}

impl TryFrom<String> for Labelling {
    type Error = DatasetError;

    fn try_from(text: String) -> Result<Self, DatasetError> {
        text.parse()
    }
}

impl From<Labelling> for String {
    fn from(labelling: Labelling) -> Self {
        labelling.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labellings_parse_back_and_others_are_refused() {
        for rule in LabelRule::ALL {
            assert_eq!(rule.name().parse::<Labelling>().unwrap(), Labelling::Everywhere(rule));
        }
        let text = "bcdr=bcdr_malign,inbreast=birads_ge4_drop3";
        assert_eq!(text.parse::<Labelling>().unwrap().to_string(), text);
        for text in ["", "birads", "bcdr=", "ddsm=mass", "bcdr=mass,bcdr=mass", "bcdr=mass,mass"] {
            assert!(text.parse::<Labelling>().is_err(), "{text}");
        }
    }
}
