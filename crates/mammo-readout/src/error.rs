use crate::distribution::DistributionError;

/// Why a statistic could not be computed. Every message says what to change.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadoutError {
    /// Two lists that belong together differ in length.
    #[error("{left} has {left_len} entries but {right} has {right_len}; give one of each per image")]
    LengthMismatch {
        /// What the first list holds.
        left: &'static str,
        /// Its length.
        left_len: usize,
        /// What the second list holds.
        right: &'static str,
        /// Its length.
        right_len: usize,
    },
    /// A rating is NaN or infinite.
    #[error("rating number {index} (counted from 0) is {value}; ratings must be finite numbers")]
    NotFinite {
        /// Position in the list.
        index: usize,
        /// The value.
        value: f64,
    },
    /// No image has the condition.
    #[error("no image is positive; an AUC needs positive and negative images")]
    NoPositives,
    /// Every image has the condition.
    #[error("no image is negative; an AUC needs positive and negative images")]
    NoNegatives,
    /// A variance needs two independent units of each class.
    #[error("only {found} independent {class} image; a variance needs at least 2 of each class")]
    TooFew {
        /// `positive` or `negative`.
        class: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A confidence level, AUC or standard error is outside its range.
    #[error("{what} is {value}; it must lie {range}")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
        /// The number.
        value: f64,
        /// Where it must lie.
        range: &'static str,
    },
    /// More images than places can be counted.
    #[error("{found} images are more than the {most} that one curve may have; analyse a sample")]
    TooMany {
        /// How many were given.
        found: usize,
        /// The most that are taken.
        most: usize,
    },
    /// A variance estimator that may fall below zero did so.
    #[error("the {method} variance came out as {value}, below zero; use DeLong's, which cannot")]
    NegativeVariance {
        /// The estimator.
        method: &'static str,
        /// The estimate.
        value: f64,
    },
    /// Too few curves, columns or categories for what was asked.
    #[error("{what}: {found} given, at least {least} needed")]
    TooFewOf {
        /// What there are too few of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many it takes.
        least: usize,
    },
    /// The numbers allow no answer, for example because nothing varies.
    #[error("{what} cannot be computed: {reason}")]
    Undefined {
        /// The statistic.
        what: &'static str,
        /// Why it has no value here.
        reason: &'static str,
    },
    /// A distribution was asked for at a parameter where it is not defined.
    #[error(transparent)]
    Distribution(#[from] DistributionError),
}
