//! Which folder of the set each image goes to, and under which name.

use super::{Part, Partition};
use crate::{Cohort, ImageRecord, Split};
use mammo_core::Label;
use std::{collections::BTreeSet, path::PathBuf};

/// The place that an image gets in the set.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) label: Label,
    pub(super) part: Option<Part>,
    pub(super) fold: Option<usize>,
}

/// Where each member goes.
pub(super) fn places(
    cohort: &Cohort,
    records: &[&ImageRecord],
    partition: Partition,
    splits: &[Split],
) -> Vec<Place> {
    let mut names = BTreeSet::new();
    cohort
        .members
        .iter()
        .enumerate()
        .map(|(index, member)| {
            let name = file_name(records[member.record], &mut names);
            let domain = if member.label == Label::Healthy { "A" } else { "B" };
            let tested = splits.iter().position(|split| split.test.binary_search(&index).is_ok());
            match partition {
                Partition::TrainShare(_) => {
                    let (part, word) = match tested {
                        Some(_) => (Part::Test, "test"),
                        None => (Part::Train, "train"),
                    };
                    let file = PathBuf::from(format!("{word}{domain}/{name}"));
                    Place { file, label: member.label, part: Some(part), fold: None }
                }
                Partition::Folds(_) => {
                    let file = PathBuf::from(format!("images{domain}/{name}"));
                    Place { file, label: member.label, part: None, fold: tested.map(|fold| fold + 1) }
                }
            }
        })
        .collect()
}

/// A name that is unique in the set and safe in every file system, whatever the image is called.
fn file_name(record: &ImageRecord, taken: &mut BTreeSet<String>) -> String {
    let id = record.image_id.as_str();
    let plain: String = id
        .chars()
        .take(100)
        .map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' })
        .collect();
    let name = format!("{}_{plain}", record.dataset);
    // File systems that fold case would take two names for one.
    if plain == id && taken.insert(name.to_ascii_lowercase()) {
        return format!("{name}.png");
    }
    let digest = blake3::hash(format!("{} {id}", record.path.display()).as_bytes()).to_hex();
    let name = format!("{name}-{}", &digest[..12]);
    taken.insert(name.to_ascii_lowercase());
    format!("{name}.png")
}
