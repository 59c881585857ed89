use crate::{
    Dataset, DatasetError, Medium, Note, Source, bcdr, cbis_ddsm, cmmd, inbreast, manifest, mini_mias,
    vindr_mammo,
};
use mammo_core::{AcrDensity, Assessment, ImageId, Laterality, PatientId, Roi, ViewPosition};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// One image of a release and what the release says about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// The data set.
    pub dataset: Dataset,
    /// How the image was made.
    pub medium: Medium,
    /// The image's name inside the release.
    pub image_id: ImageId,
    /// The person's pseudonym.
    pub patient_id: PatientId,
    /// The image file, relative to the release's root.
    pub path: PathBuf,
    /// Columns and rows of the file by its header.
    pub size_px: (usize, usize),
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
    /// Whether the image is made, by its header, or because the release is a phantom or says so.
    pub synthetic: bool,
}

/// A release that was read. Records are in the order of their data sets and image ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The folder that the records' paths start from.
    pub root: PathBuf,
    /// The images that have a file and a row in the table.
    pub records: Vec<ImageRecord>,
    /// Quirks and problems.
    pub notes: Vec<Note>,
}

impl Release {
    /// Oddities by which something was lost or changed.
    pub fn counted_notes(&self) -> usize {
        self.notes.iter().filter(|note| note.kind.is_counted()).count()
    }
}

/// Something that keeps one image, or what is said about it, from being used.
#[derive(Debug)]
pub struct Problem {
    /// The file, relative to the release's root.
    pub path: PathBuf,
    /// The image that is lost by it, where it is known.
    pub image_id: Option<ImageId>,
    /// What is wrong.
    pub error: Box<DatasetError>,
}

impl Problem {
    pub(crate) fn new(path: impl Into<PathBuf>, image_id: Option<ImageId>, error: DatasetError) -> Self {
        Self { path: path.into(), image_id, error: Box::new(error) }
    }
}

/// A release as it was found, with what could not be used of it.
#[derive(Debug)]
pub struct Scan {
    /// What can be used.
    pub release: Release,
    /// What cannot, in the order of paths.
    pub problems: Vec<Problem>,
}

impl Scan {
    pub(crate) fn new(root: &Path) -> Self {
        let release = Release { root: root.to_owned(), records: Vec::new(), notes: Vec::new() };
        Self { release, problems: Vec::new() }
    }

    /// Takes what could be read of an image; what could not becomes a problem.
    pub(crate) fn take(&mut self, read: Result<(ImageRecord, Vec<Note>), Problem>) {
        match read {
            Ok((record, notes)) => {
                self.release.records.push(record);
                self.release.notes.extend(notes);
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    /// Refuses a release of which nothing can be used, unless it is its files that cannot be read.
    pub(crate) fn checked(self, hint: impl FnOnce() -> String) -> Result<Self, DatasetError> {
        if self.release.records.is_empty() && self.problems.is_empty() {
            return Err(DatasetError::NoImages { root: self.release.root, hint: hint() });
        }
        Ok(self)
    }
}

/// Reads what a release says about its images, all of it, and collects what cannot be read; pixels are left for
/// [`crate::prepare`].
///
/// # Errors
/// [`DatasetError`] where nothing of the release can be used: a missing folder or table, a missing column, no image.
pub fn scan_release(source: &Source) -> Result<Scan, DatasetError> {
    let mut scan = match source {
        Source::Inbreast(dir) => inbreast::read(dir)?,
        Source::MiniMias(dir) => mini_mias::read(dir)?,
        Source::Bcdr(dir) => bcdr::read(dir)?,
        Source::CbisDdsm(dir) => cbis_ddsm::read(dir)?,
        Source::VindrMammo(dir) => vindr_mammo::read(dir)?,
        Source::Cmmd(dir) => cmmd::read(dir)?,
        Source::Manifest(path) => manifest::read(path)?,
    };
    scan.release.records.sort_by(|a, b| (a.dataset, &a.image_id).cmp(&(b.dataset, &b.image_id)));
    scan.problems.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(scan)
}

/// Reads what a release says about its images; their pixels are left for [`crate::prepare`].
///
/// # Errors
/// [`DatasetError`], naming the file: a missing folder or table, a missing column, a value or region of interest that
/// cannot be understood, a file that is not DICOM, or no image at all.
pub fn read_release(source: &Source) -> Result<Release, DatasetError> {
    let scan = scan_release(source)?;
    match scan.problems.into_iter().next() {
        None => Ok(scan.release),
        Some(problem) => Err(*problem.error),
    }
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
                medium: Medium::Digital,
                image_id: ImageId::new(index.to_string()),
                patient_id: PatientId::new(words[0]),
                path: format!("{index}.dcm").into(),
                size_px: (64, 80),
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
