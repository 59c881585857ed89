//! What is asked for, what comes of it, and what may go wrong.

use crate::{CohortPreset, CohortSummary, Dataset, DatasetError, ImageSize, Labelling, Source, ViewFilter};
use mammo_core::{Label, Seed};
use mammo_dicom::Look;
use mammo_files::FileError;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::PathBuf};

/// How the cohort is divided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// This share of the patients trains, the others are held out.
    TrainShare(f64),
    /// So many parts, each of which is held out once.
    Folds(usize),
}

/// Everything that decides what a prepared set holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IngestConfig {
    /// The releases, as given.
    pub sources: Vec<Source>,
    /// A named cohort, which gave what follows unless it was asked for otherwise.
    pub cohort: Option<CohortPreset>,
    /// What is called cancer.
    pub labels: Labelling,
    /// Projections.
    pub views: ViewFilter,
    /// Data sets that take part; all of those found if absent.
    pub datasets: Option<BTreeSet<Dataset>>,
    /// SHA-256 of the list of exclusions.
    pub exclusions_sha256: Option<String>,
    /// Rows and columns of the pictures.
    pub size: ImageSize,
    /// Which values of DICOM files are looked at.
    #[serde(default)]
    pub look: Look,
    /// How the cohort is divided.
    pub partition: Partition,
    /// The number that the division is drawn from.
    pub seed: Seed,
    /// Whether files that cannot be used are left out instead of ending the work.
    pub skip_bad: bool,
    /// The version of the program.
    pub version: String,
}

/// Why a set could not be made. Every message names the file or value, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A release or one of its images.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The operating system refused; its message names the path.
    #[error(transparent)]
    File(#[from] FileError),
    /// A picture could not be written.
    #[error(transparent)]
    Png(#[from] mammo_png::PngError),
    /// The folder cannot be used.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Files that cannot be used.
    #[error(
        "{count} files cannot be used, first: {first}; see all by mammo audit, or leave them out by --skip-bad"
    )]
    Bad {
        /// How many.
        count: usize,
        /// What is wrong with the first.
        first: String,
    },
    /// Nothing of one domain is left.
    #[error("no {0} image is left after those that cannot be used; get the files again")]
    NothingLeft(Label),
}

/// How the work ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The set is whole.
    Whole(Box<Summary>),
    /// It was stopped; the same call goes on with it.
    Interrupted {
        /// Images that are finished.
        done: usize,
        /// Images of the set.
        total: usize,
    },
}

/// What a whole set holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The cohort in numbers, by the first split where there are folds.
    pub cohort: CohortSummary,
    /// Images that were prepared before, by an interrupted call.
    pub resumed: usize,
    /// Images and rows that were left out and are listed in the manifest.
    pub skipped: usize,
    /// Entries of the list of exclusions that name no image.
    pub unmatched_exclusions: usize,
}
