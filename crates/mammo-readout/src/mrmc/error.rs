use crate::distribution::DistributionError;

/// Why a multi-reader study could not be built or analysed. Every message says what to change.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MrmcError {
    /// A reading names a reader who was not declared.
    #[error("reader {name:?} is not in the study's list of readers; add the reader or correct the name")]
    UnknownReader {
        /// The name.
        name: String,
    },
    /// A reading or a request names a treatment that is not in the study.
    #[error("treatment {name:?} is not in the study (it has {known}); correct the name")]
    UnknownTreatment {
        /// The name.
        name: String,
        /// The treatments there are.
        known: String,
    },
    /// A reading names a case that was not declared.
    #[error("case {name:?} is not in the study's list of cases; give its truth or correct the name")]
    UnknownCase {
        /// The name.
        name: String,
    },
    /// The ratings of a cell allow no binormal curve, or more than one.
    #[error(
        "the ratings of reader {reader:?} under treatment {treatment:?} have no best binormal curve; use the empirical AUC"
    )]
    NoBinormalFit {
        /// The reader.
        reader: String,
        /// The treatment.
        treatment: String,
    },
    /// A name is declared twice.
    #[error("the {what} {name:?} is declared twice; names must differ")]
    DuplicateName {
        /// `reader`, `treatment` or `case`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The same reader rated the same case twice under the same treatment.
    #[error(
        "reader {reader:?} rated case {case:?} under treatment {treatment:?} twice ({first} and {second}); keep one \
         reading, or give repeated readings their own treatment"
    )]
    DuplicateReading {
        /// The reader.
        reader: String,
        /// The treatment.
        treatment: String,
        /// The case.
        case: String,
        /// The first rating.
        first: f64,
        /// The second rating.
        second: f64,
    },
    /// A case is positive in one reading and negative in another.
    #[error("case {name:?} is given both truths; a case has one truth for the whole analysis")]
    ContradictoryTruth {
        /// The case.
        name: String,
    },
    /// A rating is NaN or infinite.
    #[error(
        "the rating of case {case:?} by reader {reader:?} under treatment {treatment:?} is {value}; ratings must be \
         finite numbers, and a missing reading is left out"
    )]
    NotFinite {
        /// The reader.
        reader: String,
        /// The treatment.
        treatment: String,
        /// The case.
        case: String,
        /// The value.
        value: f64,
    },
    /// The study has no readings at all, or lacks readers, treatments or cases.
    #[error("the study has no {what}")]
    Empty {
        /// What it lacks.
        what: &'static str,
    },
    /// A class has too few cases in the whole study.
    #[error("the study has {found} {class} case(s); the analysis needs at least {needed} of each class")]
    TooFewCases {
        /// `positive` or `negative`.
        class: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A reader has too few readings of a class under a treatment.
    #[error(
        "reader {reader:?} has {found} reading(s) of {class} cases under treatment {treatment:?}; {needed} are needed \
         here: leave the reader or the treatment out, or use the Gallas analysis, which allows readers without a \
         treatment"
    )]
    TooFewReadings {
        /// The reader.
        reader: String,
        /// The treatment.
        treatment: String,
        /// `positive` or `negative`.
        class: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The method needs every reader to read every case under every treatment.
    #[error(
        "{missing} of {expected} readings are missing, first that of case {case:?} by reader {reader:?} under \
         treatment {treatment:?}; {method} needs all: use Obuchowski-Rockette or Gallas, which allow missing readings"
    )]
    MissingReadings {
        /// How many are missing.
        missing: usize,
        /// How many a complete study has.
        expected: usize,
        /// Reader of the first missing one.
        reader: String,
        /// Its treatment.
        treatment: String,
        /// Its case.
        case: String,
        /// The method that was asked for.
        method: &'static str,
    },
    /// Too few readers or treatments for the question.
    #[error("the analysis needs at least {needed} {what}, the study has {found}")]
    TooFew {
        /// `readers` or `treatments`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A setting is out of range.
    #[error("{what} is {value}; it must be {range}")]
    OutOfRange {
        /// The setting.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        range: &'static str,
    },
    /// A combination of a method with a figure of merit or a design that has no theory behind it.
    #[error("{method} is not defined for {what}; {remedy}")]
    Unsupported {
        /// The method.
        method: &'static str,
        /// The figure of merit, or what else it has no theory for.
        what: String,
        /// What to use instead.
        remedy: &'static str,
    },
    /// A distribution was asked for at a parameter where it is not defined.
    #[error(transparent)]
    Distribution(#[from] DistributionError),
}
