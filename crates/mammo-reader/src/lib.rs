//! The readout of experiment 1: which images readers see, what they answered, and how well they told cancer from
//! healthy and altered from original images. Readers are people who fill in a sheet, or model observers that are
//! always named and flagged as simulated.
//!
//! ```
//! use mammo_core::{ImageId, Label, PatientId, Seed};
//! use mammo_reader::{Exp1Plan, Question, SourceImage, StudyDesign, analyse, table};
//!
//! let sources: Vec<SourceImage> = (0..40)
//!     .map(|i| SourceImage {
//!         id: ImageId::new(format!("{i}")),
//!         patient: PatientId::new(format!("p{i}")),
//!         label: if i < 20 { Label::Healthy } else { Label::Cancer },
//!     })
//!     .collect();
//! let design = StudyDesign::draw(Exp1Plan::default(), &sources, Seed(1))?;
//! assert_eq!(design.cases.len(), 60);
//!
//! // A reader who reads every image for what it was meant to show.
//! let ratings: Vec<_> = design
//!     .cases
//!     .iter()
//!     .map(|case| {
//!         let rating = if case.intended_label() == Label::Cancer { 5.0 } else { 1.0 };
//!         case.rated("Dr A", Question::Malignancy, rating, false)
//!     })
//!     .collect();
//! let analysis = analyse(&ratings)?;
//! let reading = analysis.readers[0].malignancy.as_ref().unwrap();
//! assert_eq!(reading.originals.estimate.auc, 1.0);
//! assert_eq!(reading.modified_vs_source_label.estimate.auc, 0.0); // wholly fooled
//! assert!(table(&analysis).contains("Dr A"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod rating;

mod design;
mod ratings_file;
mod sheet;

mod filters;
mod linear;
mod malignancy;
mod simulated;
mod texture;

mod analysis;
mod pooled;
mod published;
mod table;

pub use analysis::{
    Analysis, AnalysisError, MalignancyReading, Measured, PooledAnalysis, PooledMalignancy, PooledTampering,
    ReaderAnalysis, TamperingReading, analyse,
};
pub use design::{DesignError, Exp1Plan, SourceImage, StudyCase, StudyDesign};
pub use published::{
    PublishedReader, PublishedReader3, becker_table2_as_printed, becker_table2_corrected, becker_table3,
};
pub use rating::{Arm, Question, Rating};
pub use ratings_file::{RatingsError, read_ratings, write_ratings};
pub use sheet::{complete_ratings, write_sheet};
pub use simulated::{Answer, SIMULATED_READERS, SimulatedReader, SimulationError, simulate_readers};
pub use table::table;
