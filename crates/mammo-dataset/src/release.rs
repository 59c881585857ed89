use crate::{Dataset, DatasetError, Source, inbreast, mini_mias};
use mammo_core::{AcrDensity, Assessment, ImageId, Laterality, PatientId, Roi, ViewPosition};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One image of a release and what the release says about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// The data set.
    pub dataset: Dataset,
    /// The image's name inside the release.
    pub image_id: ImageId,
    /// The person's pseudonym.
    pub patient_id: PatientId,
    /// The image file, relative to the release's root.
    pub path: PathBuf,
    /// The side of the body.
    pub laterality: Laterality,
    /// The projection, where the release gives one.
    pub view: Option<ViewPosition>,
    /// What label rules look at.
    pub assessment: Assessment,
    /// Breast composition by the ACR; `None` where the cell is blank or the release uses another scale.
    pub density: Option<AcrDensity>,
    /// Regions of interest in pixels of the file, in the file's orientation, clipped to the picture.
    pub rois: Vec<Roi>,
    /// Whether the image is made, by its DICOM header or because the release is a phantom.
    pub synthetic: bool,
}

/// Something odd that was found in a release and dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The file, relative to the release's root.
    pub path: PathBuf,
    /// What is odd about it, and what was done.
    pub text: String,
}

impl Note {
    pub(crate) fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// A release that was read. Records are in the order of their image ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The folder that the records' paths start from.
    pub root: PathBuf,
    /// The images that have a file and a row in the table.
    pub records: Vec<ImageRecord>,
    /// Quirks and problems.
    pub notes: Vec<Note>,
}

/// Reads what a release says about its images; their pixels are left for [`crate::prepare`].
///
/// # Errors
/// [`DatasetError`], naming the file: a missing folder or table, a missing column, a value or region of interest that
/// cannot be understood, a file that is not DICOM, or no image at all.
pub fn read_release(source: &Source) -> Result<Release, DatasetError> {
    let mut release = match source {
        Source::Inbreast(dir) => inbreast::read(dir)?,
        Source::MiniMias(dir) => mini_mias::read(dir)?,
    };
    release.records.sort_by(|a, b| a.image_id.cmp(&b.image_id));
    Ok(release)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Records from words such as "12 CC 4a": patient, view, BI-RADS. Image ids count from 0.
    pub(crate) fn release(words: &[impl AsRef<str>]) -> Release {
        let record = |(index, words): (usize, &str)| {
            let words: Vec<&str> = words.split(' ').collect();
            ImageRecord {
                dataset: Dataset::Inbreast,
                image_id: ImageId::new(index.to_string()),
                patient_id: PatientId::new(words[0]),
                path: format!("{index}.dcm").into(),
                laterality: Laterality::Left,
                view: words[1].parse().ok(),
                assessment: Assessment { birads: words[2].parse().ok(), ..Assessment::default() },
                density: AcrDensity::new(2).ok(),
                rois: Vec::new(),
                synthetic: false,
            }
        };
        let records = words.iter().map(AsRef::as_ref).enumerate().map(record).collect();
        Release { root: PathBuf::from("."), records, notes: Vec::new() }
    }
}
