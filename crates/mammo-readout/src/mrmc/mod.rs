//! Multi-reader multi-case (MRMC) studies: several readers rate the same or overlapping cases under several treatments.
//!
//! | method | function | sampled | missing readings |
//! |---|---|---|---|
//! | Obuchowski-Rockette with Hillis' degrees of freedom | [`obuchowski_rockette`] | readers and cases, or either | allowed within a reader and treatment |
//! | Dorfman-Berbaum-Metz | [`dorfman_berbaum_metz`] | readers and cases, or either | refused |
//! | Gallas' U-statistics | [`gallas`] | readers and cases | allowed anywhere |
//! | readers against one that stands alone | [`compare_with_standalone`] | readers and cases | allowed within a reader |
//! | bootstrap | [`bootstrap`] | readers and cases, or either | allowed within a reader and treatment |
//!
//! Every result carries flags: negative variance estimates, missing readings and perfect separation are said, not hidden.

mod binormal_area;
mod bootstrap;
mod cell;
mod clusters;
mod covariance;
mod dorfman_berbaum_metz;
mod error;
mod flag;
mod fom;
mod gallas;
mod inference;
mod obuchowski_rockette;
mod pair_sums;
mod standalone;
mod study;
mod t_test;

pub use bootstrap::{
    BandPoint, BootstrapAnalysis, BootstrapEstimate, BootstrapSettings, MeanRoc, Resample, bootstrap,
    mean_roc,
};
pub use covariance::CovarianceMethod;
pub use dorfman_berbaum_metz::{DbmAnalysis, DbmComponents, dorfman_berbaum_metz};
pub use error::MrmcError;
pub use flag::Flag;
pub use fom::FigureOfMerit;
pub use gallas::{
    Bdg, GallasAnalysis, GallasDifference, GallasMean, GallasReader, GallasReaderDifference, GallasSettings,
    MomentEstimator, gallas,
};
pub use inference::{Difference, Inference, OverallTest, TreatmentMean};
pub use obuchowski_rockette::{
    MrmcSettings, OrAnalysis, OrComponents, ReaderDifference, SingleTreatment, obuchowski_rockette,
};
pub use standalone::{StandaloneComparison, compare_with_standalone};
pub use study::{Case, Reading, Study};
pub use t_test::TTest;
