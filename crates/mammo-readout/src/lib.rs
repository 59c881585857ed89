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
//! | question | function |
//! |---|---|
//! | one AUC and its error | [`delong`], [`hanley_mcneil`], [`obuchowski`], [`jackknife`], [`unbiased`], [`bootstrap`], [`clustered`] |
//! | an AUC known from a table only | [`hanley_mcneil_published`], [`obuchowski_published`] |
//! | one AUC against a constant | [`compare_with_constant`], [`permutation_against_chance`] |
//! | two AUCs, same images | [`compare_paired`], [`bootstrap_paired`], [`permutation_paired`] |
//! | two curves that may cross, same images | [`compare_curves`] |
//! | two AUCs, other images | [`compare_unpaired`], [`compare_unpaired_t`], [`bootstrap_unpaired`] |
//! | two AUCs, some images or patients in common | [`compare_clustered`] |
//! | more AUCs, same images | [`delong_curves`] |
//! | is a difference small? | [`non_inferiority`], [`equivalence`], [`equivalence_to_constant`] |
//! | parts and points of a curve | [`RocCurve`] |
//! | a smooth curve | [`binormal`], [`proper_binormal`] |
//! | agreement | [`cohen_kappa`], [`fleiss_kappa`], [`intraclass_correlations`], [`limits_of_agreement`] |
//! | marks on images | [`froc`], [`froc_difference`], [`lroc`] |
//!
//! Several readers are in [`mrmc`], plans of studies in [`power`], files in [`formats`], results for people and programs in
//! [`summary`], pictures in [`plot`]. How often intervals and tests keep their promise in small studies is measured in
//! `docs/statistics/validity-single-reader.md` and `docs/statistics/validity-several-readers.md`.
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
mod binormal;
mod binormal_covariance;
mod bootstrap;
mod clustered;
mod contrast;
mod delong;
pub mod distribution;
mod error;
pub mod formats;
mod froc;
mod hanley_mcneil;
mod icc;
mod interval;
mod kappa;
mod likelihood;
mod linear;
mod margin;
pub mod mrmc;
mod normal;
mod operating;
mod partial;
mod permutation;
pub mod plot;
pub mod power;
mod proper;
mod roc;
mod sorting;
pub mod summary;
mod symmetric;
mod test_result;
mod variance;
mod venkatraman;

pub use auc::auc;
pub use binormal::{Binormal, BinormalFit, Degeneracy, binormal};
pub use binormal_covariance::{BinormalCurve, binormal_covariance, binormal_variance_published};
pub use bootstrap::{Bootstrap, BootstrapLimits, bootstrap, bootstrap_paired, bootstrap_unpaired};
pub use clustered::{ClusteredRatings, clustered, compare_clustered};
pub use contrast::{ContrastEstimate, ContrastTest, CorrelatedAucs, delong_curves};
pub use delong::{compare_paired, compare_unpaired, compare_unpaired_t, delong};
pub use error::ReadoutError;
pub use froc::{FreeResponseImage, FrocMerit, LocatedRating, Merit, froc, froc_difference, lroc, lroc_point};
pub use hanley_mcneil::{hanley_mcneil, hanley_mcneil_published};
pub use icc::{
    Correlation, IntraclassCorrelations, LimitsOfAgreement, intraclass_correlations, limits_of_agreement,
};
pub use interval::{AucEstimate, Interval, IntervalMethod, Scale, VarianceMethod};
pub use kappa::{Kappa, KappaWeights, cohen_kappa, cohen_kappa_table, fleiss_kappa};
pub use margin::{MarginTest, equivalence, equivalence_to_constant, non_inferiority};
pub use operating::{LikelihoodRatios, Ratio, SensitivityAt};
pub use partial::{Band, PartialAuc};
pub use permutation::{PermutationTest, Permutations, permutation_against_chance, permutation_paired};
pub use proper::{ProperBinormal, ProperFit, proper_binormal};
pub use roc::{RocCurve, RocPoint};
pub use test_result::{AucTest, TestMethod, compare_with_constant, difference_test};
pub use variance::{jackknife, obuchowski, obuchowski_published, unbiased};
pub use venkatraman::{CurveTest, compare_curves};
