//! Reader-study statistics: ROC curves, AUC and its uncertainty, and tests between AUCs that are paired, unpaired,
//! or partly paired and clustered.
//!
//! The crate knows nothing of images or models: it takes ratings and truths. Three conventions hold everywhere.
//!
//! * **Direction is given, never guessed.** A higher rating means "more positive". An AUC below one half is a
//!   result (the reading was inverted), not a reason to exchange the classes.
//! * **Ties count one half** (Mann and Whitney), so ordinal ratings such as 1 to 5 are legal.
//! * **No interval has zero width.** Where a variance estimate is zero, as DeLong's is at AUC 1, the interval comes
//!   from a bound that holds without a model; see [`Interval`].
//!
//! ```
//! use mammo_readout::{Interval, compare_clustered, delong, ClusteredRatings};
//!
//! // Six images, three with cancer, rated 1 to 5.
//! let positive = [false, false, false, true, true, true];
//! let estimate = delong(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0], &positive, Interval::default())?;
//! assert!((estimate.auc - 8.5 / 9.0).abs() < 1e-12);
//! assert!(estimate.ci_low < estimate.auc && estimate.auc < estimate.ci_high);
//!
//! // The reader also saw altered copies of four of the images (clusters 1, 2, 3 and 4).
//! let originals = ClusteredRatings::new(&[1.0, 2.0, 3.0, 3.0, 4.0, 5.0], &positive, &[0, 1, 2, 3, 4, 5])?;
//! let altered = ClusteredRatings::new(&[4.0, 3.0, 2.0, 1.0], &[false, false, true, true], &[1, 2, 3, 4])?;
//! let test = compare_clustered(&originals, &altered, Interval::default())?;
//! assert!(test.difference > 0.9 && test.ci_low < test.difference);
//! # Ok::<(), mammo_readout::ReadoutError>(())
//! ```

mod auc;
mod clustered;
mod delong;
pub mod distribution;
mod error;
pub mod formats;
mod hanley_mcneil;
mod interval;
pub mod mrmc;
mod normal;
pub mod plot;
pub mod power;
mod roc;
pub mod summary;
mod test_result;

pub use auc::auc;
pub use clustered::{ClusteredRatings, clustered, compare_clustered};
pub use delong::{compare_paired, compare_unpaired, delong};
pub use error::ReadoutError;
pub use hanley_mcneil::{hanley_mcneil, hanley_mcneil_published};
pub use interval::{AucEstimate, Interval, IntervalMethod, Scale, VarianceMethod};
pub use roc::{RocCurve, RocPoint};
pub use test_result::{AucTest, TestMethod, compare_with_constant, difference_test};
