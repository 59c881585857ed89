//! Mammography releases on disk become records, cohorts with named labels, splits by patient, and prepared images.
//!
//! ```
//! use mammo_core::{LabelRule, Seed};
//! use mammo_dataset::{Cohort, ImageSize, ViewFilter, prepare, read_release, to_network};
//!
//! # fn example(folder: &str) -> Result<(), mammo_dataset::DatasetError> {
//! let release = read_release(&format!("inbreast:{folder}").parse()?)?;
//! let cohort = Cohort::select(&release, LabelRule::BiradsGe3, ViewFilter::Cc)?;
//! let split = cohort.split(0.15, Seed(7))?;
//!
//! let size: ImageSize = "512x408".parse()?;
//! let first = &release.records[cohort.members[split.train[0]].record];
//! let prepared = prepare(&release.root, first, size)?;
//! let input = to_network(&prepared.plane);
//! assert_eq!((input.height(), input.width()), (512, 408));
//! # Ok(())
//! # }
//! # assert!(example("/nowhere").unwrap_err().to_string().contains("/nowhere"));
//! ```
//!
//! The path of an image: [`read_release`] collects what the release says about it and what is odd about it;
//! [`Cohort::select`] gives it a label by a named rule; [`Cohort::split`] keeps all images of a person on one side;
//! [`prepare`] removes what is not breast, puts the chest wall to the left and brings it to the size of a network.

pub mod audit;
mod bcdr;
mod cbis_ddsm;
mod cmmd;
mod cohort;
mod digests;
mod error;
mod exclusions;
mod expected;
mod inbreast;
pub mod ingest;
mod intensity;
mod labelling;
mod manifest;
mod mini_mias;
mod note;
pub mod parse;
mod picture;
mod place;
mod prepare;
mod preset;
mod release;
mod segment;
mod side;
mod size;
mod source;
mod split;
mod spreadsheet;
mod summary;
mod table;
mod vindr_mammo;
mod workers;

pub use cohort::{Cohort, CohortPlan, Excluded, ExclusionReason, Member, ViewFilter};
pub use digests::Digests;
pub use error::DatasetError;
pub use exclusions::Exclusions;
pub use expected::{DataManifest, Difference};
pub use intensity::{IntensityMap, from_network, to_network};
pub use labelling::Labelling;
pub use note::{Note, NoteKind};
pub use picture::check_grey;
pub use prepare::{Crop, Prepared, prepare, prepare_bytes, prepare_look, prepare_twin};
pub use preset::CohortPreset;
pub use release::{ImageRecord, Problem, Release, Scan, read_release, scan_release};
pub use side::check_side;
pub use size::ImageSize;
pub use source::{Dataset, Medium, Source};
pub use split::Split;
pub use summary::{CohortSummary, PartSummary};
