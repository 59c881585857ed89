//! What a complete copy of a data set holds: `data-manifests/`.

use crate::{Dataset, ImageRecord, Labelling, Note, ViewFilter};
use mammo_core::{Label, LabelRule};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A file of `data-manifests/`, as far as programs look at it; its README documents every field.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DataManifest {
    /// Title.
    pub name: String,
    /// The data set.
    pub dataset: Dataset,
    /// Where to ask for the data, and how.
    pub origin: Origin,
    /// What may be done with it.
    pub licence: Licence,
    /// To be cited when results are published.
    pub citation: Citation,
    /// Counts of a complete copy.
    #[serde(default)]
    pub expected: Expected,
}

/// Where to ask for the data, and how.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Origin {
    /// A page about it.
    pub homepage: String,
    /// How to obtain it.
    pub obtain: String,
}

/// What may be done with the data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Licence {
    /// Its name.
    pub name: String,
    /// What it allows, in a sentence.
    pub terms: String,
    /// Whether pictures may leave the machine.
    pub redistribution: bool,
}

/// What to cite.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Citation {
    /// The reference.
    pub text: String,
}

/// Counts of a complete copy; what is not known is absent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Expected {
    /// Images.
    pub images: Option<usize>,
    /// People.
    pub patients: Option<usize>,
    /// Names of counts that come from memory or from arithmetic; a difference is shown and is no finding.
    #[serde(default)]
    pub uncertain: BTreeSet<String>,
    /// Images by side.
    #[serde(default)]
    pub laterality: BTreeMap<String, usize>,
    /// Images by projection.
    #[serde(default)]
    pub view: BTreeMap<String, usize>,
    /// Images by BI-RADS category.
    #[serde(default)]
    pub birads: BTreeMap<String, usize>,
    /// Images by density.
    #[serde(default)]
    pub density: BTreeMap<String, usize>,
    /// Oddities by kind.
    #[serde(default)]
    pub quirks: BTreeMap<String, usize>,
    /// Counts under label rules.
    #[serde(default)]
    pub rule: Vec<ExpectedRule>,
}

/// Counts under one label rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ExpectedRule {
    /// The rule.
    pub rule: LabelRule,
    /// Projections.
    pub views: ViewFilter,
    /// Images labelled healthy.
    pub healthy: usize,
    /// Images labelled cancer.
    pub cancer: usize,
    /// Images that get no label or have another view.
    pub left_out: usize,
}

/// A count of a complete copy beside the one that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The data set.
    pub dataset: Dataset,
    /// What was counted.
    pub what: String,
    /// In a complete copy.
    pub expected: usize,
    /// Here.
    pub found: usize,
    /// Whether the expected count is certain, so that a difference is a finding.
    pub certain: bool,
}

const FILES: [&str; 11] = [
    include_str!("../../../data-manifests/inbreast.toml"),
    include_str!("../../../data-manifests/mini-mias.toml"),
    include_str!("../../../data-manifests/bcdr-f01.toml"),
    include_str!("../../../data-manifests/bcdr-f02.toml"),
    include_str!("../../../data-manifests/bcdr-f03.toml"),
    include_str!("../../../data-manifests/bcdr-d01.toml"),
    include_str!("../../../data-manifests/bcdr-d02.toml"),
    include_str!("../../../data-manifests/bcdr-dn01.toml"),
    include_str!("../../../data-manifests/cbis-ddsm.toml"),
    include_str!("../../../data-manifests/vindr-mammo.toml"),
    include_str!("../../../data-manifests/cmmd.toml"),
];

impl DataManifest {
    /// What is known about a data set; nothing about a table of one's own.
    pub fn of(dataset: Dataset) -> Option<Self> {
        FILES.iter().filter_map(|text| toml::from_str::<Self>(text).ok()).find(|m| m.dataset == dataset)
    }

    /// Every count that is known beside the one that was found among `records`, which are those of this data set, and
    /// `notes`, which are those of the release.
    pub fn compare(&self, records: &[&ImageRecord], notes: &[Note]) -> Vec<Difference> {
        let expected = &self.expected;
        let mut all = Vec::new();
        let mut add = |what: String, group: &str, expected_count: usize, found: usize| {
            all.push(Difference {
                dataset: self.dataset,
                what,
                expected: expected_count,
                found,
                certain: !expected.uncertain.contains(group),
            });
        };
        if let Some(images) = expected.images {
            add("images".into(), "images", images, records.len());
        }
        if let Some(patients) = expected.patients {
            let found = records.iter().map(|r| &r.patient_id).collect::<BTreeSet<_>>().len();
            add("patients".into(), "patients", patients, found);
        }
        type Key = fn(&ImageRecord) -> Option<String>;
        let tables: [(&str, &BTreeMap<String, usize>, Key); 4] = [
            ("laterality", &expected.laterality, |r| Some(r.laterality.to_string())),
            ("view", &expected.view, |r| r.view.map(|v| v.to_string())),
            ("birads", &expected.birads, |r| r.assessment.birads.map(|b| b.to_string())),
            ("density", &expected.density, |r| r.density.map(|d| d.to_string())),
        ];
        for (name, table, key) in tables {
            for (value, count) in table {
                let found =
                    records.iter().filter(|r| key(r).as_deref().unwrap_or("unknown") == value).count();
                add(format!("{name} {value}"), name, *count, found);
            }
        }
        for (kind, count) in &expected.quirks {
            let is_kind = |note: &&Note| serde_json::to_value(note.kind).is_ok_and(|k| k == *kind.as_str());
            let found = notes.iter().filter(is_kind).count();
            add(kind.replace('_', " "), kind, *count, found);
        }
        for rule in &expected.rule {
            let labelling = Labelling::from(rule.rule);
            let viewed = records.iter().filter(|r| rule.views.admits(r.view));
            let labels: Vec<Label> =
                viewed.filter_map(|r| labelling.apply(r.dataset, &r.assessment)).collect();
            // A copy without the spreadsheet or the outlines is silent about some rules, which its notes say.
            if labels.is_empty() {
                continue;
            }
            let cancer = labels.iter().filter(|label| **label == Label::Cancer).count();
            let name = rule.rule.name();
            for (word, expected, found) in [
                ("cancer", rule.cancer, cancer),
                ("healthy", rule.healthy, labels.len() - cancer),
                ("left out", rule.left_out, records.len() - labels.len()),
            ] {
                add(format!("{name}, views {}: {word}", rule.views), name, expected, found);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_released_data_set_has_a_manifest_that_can_be_read() {
        for text in FILES {
            let manifest: DataManifest = toml::from_str(text).unwrap();
            assert_eq!(DataManifest::of(manifest.dataset).as_ref(), Some(&manifest));
        }
        assert_eq!(FILES.len() + 1, Dataset::ALL.len(), "all but tables of one's own");
    }
}
