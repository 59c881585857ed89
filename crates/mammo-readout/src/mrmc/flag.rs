use serde::{Deserialize, Serialize};

/// Something about an analysis that its reader must know: an estimate outside its range, or data that are missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "flag", rename_all = "snake_case")]
pub enum Flag {
    /// A variance component came out negative. It is reported as estimated; where a formula needs it, zero is used.
    NegativeVariance {
        /// Which component.
        component: String,
        /// The estimate.
        value: f64,
    },
    /// The covariance between readers under one treatment came out below that across treatments; the difference is taken
    /// as zero (Hillis, Berbaum and Metz, Academic Radiology 2008;15:647).
    Cov2BelowCov3 {
        /// `cov2 - cov3`.
        value: f64,
    },
    /// A standard error is zero, so there is no test and the interval has no width.
    ZeroStandardError {
        /// Of what.
        what: String,
    },
    /// Readings are missing; the figure of merit of each reader rests on the cases that he or she read.
    MissingReadings {
        /// How many.
        missing: usize,
        /// How many a complete study has.
        expected: usize,
    },
    /// Degrees of freedom came out below the fewest that the design allows and were raised to them (Gaylor and Hopper,
    /// Technometrics 1969;11:691).
    DegreesOfFreedomRaised {
        /// As estimated.
        estimated: f64,
        /// As used.
        used: f64,
    },
    /// Replicates of the bootstrap in which a reader had drawn cases of one class only and was left out of the mean.
    ReaderLeftOut {
        /// How many.
        replicates: usize,
    },
    /// A binormal fit has no maximum, and the area under its limit was taken instead.
    LimitOfFits {
        /// The reader.
        reader: String,
        /// The treatment.
        treatment: String,
        /// The area of the reader under the treatment.
        area: f64,
        /// Whether it is a limit itself.
        whole: bool,
        /// How many of the jackknife's fits, each without one case, are limits.
        without_a_case: usize,
    },
    /// A reader-treatment cell has an AUC of exactly 0 or 1, where its variance estimate is zero and too small.
    PerfectSeparation {
        /// The reader.
        reader: String,
        /// The treatment.
        treatment: String,
        /// The AUC.
        auc: f64,
    },
}

impl std::fmt::Display for Flag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NegativeVariance { component, value } => {
                write!(
                    f,
                    "the estimate of {component} is negative ({value:.3e}); zero is used where it is needed"
                )
            }
            Self::Cov2BelowCov3 { value } => {
                write!(f, "Cov2 is below Cov3 (by {:.3e}); their difference is taken as zero", -value)
            }
            Self::ZeroStandardError { what } => {
                write!(f, "the standard error of {what} is zero; there is no test and no interval")
            }
            Self::MissingReadings { missing, expected } => {
                write!(f, "{missing} of {expected} readings are missing")
            }
            Self::DegreesOfFreedomRaised { estimated, used } => {
                write!(f, "degrees of freedom were estimated as {estimated:.2} and raised to {used}")
            }
            Self::ReaderLeftOut { replicates } => write!(
                f,
                "in {replicates} replicates a reader had drawn cases of one class only and was left out of the mean"
            ),
            Self::LimitOfFits { reader, treatment, area, whole, without_a_case } => {
                if *whole {
                    write!(
                        f,
                        "the binormal fit of reader {reader} under treatment {treatment} has no maximum; its limit, an area \
                         of {area:.4}, was taken, and its variance estimate is too small"
                    )
                } else {
                    write!(
                        f,
                        "{without_a_case} of the jackknife's binormal fits of reader {reader} under treatment {treatment} \
                         have no maximum; their limits were taken"
                    )
                }
            }
            Self::PerfectSeparation { reader, treatment, auc } => write!(
                f,
                "reader {reader} has AUC {auc} under treatment {treatment}, where the variance estimate is zero"
            ),
        }
    }
}
