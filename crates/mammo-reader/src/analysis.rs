use crate::{Arm, Question, Rating, pooled::pool};
use mammo_core::Label;
use mammo_readout::{
    AucEstimate, AucTest, ClusteredRatings, Interval, ReadoutError, RocCurve, clustered, compare_clustered,
    compare_paired, compare_unpaired, compare_with_constant, delong,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the numbers of an [`Analysis`] assume; printed with every table.
const NOTES: [&str; 5] = [
    "A higher rating means more likely; an AUC below 0.5 is an inverted reading and is not turned round.",
    "Modified images are scored against the label of their source and, separately, against the label that the alteration aimed at.",
    "The clustered tests and intervals (Obuchowski 1997) let the two images of a source depend on each other; sources are taken as independent.",
    "The unpaired DeLong test takes all images as independent, which twins are not; the paired one uses complete pairs only and leaves the other images out.",
    "Pooled values are means over the readers with a jackknife over source images; readers are fixed, so they say nothing about other readers.",
];

/// Why ratings could not be analysed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnalysisError {
    /// No ratings at all.
    #[error("there are no ratings; read a ratings file with at least one reader")]
    Empty,
    /// People and programs in one analysis.
    #[error("{person} is a person and {program} is simulated; analyse people and simulated readers apart")]
    Mixed {
        /// One of the people.
        person: String,
        /// One of the programs.
        program: String,
    },
    /// An AUC or test could not be computed.
    #[error("{reader}, {quantity}: {source}")]
    Readout {
        /// The reader, or "all readers".
        reader: String,
        /// What was to be computed.
        quantity: &'static str,
        /// Why it could not.
        source: ReadoutError,
    },
}

/// An AUC and its curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The area and its uncertainty.
    pub estimate: AucEstimate,
    /// The operating points, for plots.
    pub curve: RocCurve,
}

/// How well one reader told cancer from healthy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MalignancyReading {
    /// Original images against their own label.
    pub originals: Measured,
    /// Modified images against the label of their source: low values mean that the alteration fooled the reader.
    pub modified_vs_source_label: Measured,
    /// Modified images against the label that the alteration aimed at.
    pub modified_vs_intended_label: Measured,
    /// Originals less modified, source labels: partly paired and clustered by source. The test to rely on.
    pub originals_minus_modified: AucTest,
    /// The same difference by DeLong's test with all images taken as independent.
    pub originals_minus_modified_delong_unpaired: AucTest,
    /// DeLong's paired test on the complete pairs alone; none with fewer than two pairs of each label.
    pub originals_minus_modified_delong_pairs: Option<AucTest>,
}

/// How well one reader told modified from original images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TamperingReading {
    /// Modified (positive) against original images, with the clustered error.
    pub detection: Measured,
    /// `detection` against one half.
    pub against_chance: AucTest,
    /// The same area with DeLong's error, which takes twins as independent.
    pub detection_delong: AucEstimate,
    /// `detection_delong` against one half: the test of the original study.
    pub against_chance_delong: AucTest,
}

/// The results of one reader; a part is `None` where the reader was not asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReaderAnalysis {
    /// The reader.
    pub reader: String,
    /// Whether it is a program.
    pub simulated: bool,
    /// The answers about malignancy.
    pub malignancy: Option<MalignancyReading>,
    /// The answers about tampering.
    pub tampering: Option<TamperingReading>,
}

/// Means over the readers, with standard errors from a jackknife over source images; readers are fixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PooledMalignancy {
    /// As in [`MalignancyReading`].
    pub originals: AucEstimate,
    /// As in [`MalignancyReading`].
    pub modified_vs_source_label: AucEstimate,
    /// As in [`MalignancyReading`].
    pub modified_vs_intended_label: AucEstimate,
    /// As in [`MalignancyReading`].
    pub originals_minus_modified: AucTest,
}

/// Means over the readers, with standard errors from a jackknife over source images; readers are fixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PooledTampering {
    /// As in [`TamperingReading`].
    pub detection: AucEstimate,
    /// As in [`TamperingReading`].
    pub against_chance: AucTest,
}

/// Means over all readers; a part is `None` unless every reader was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PooledAnalysis {
    /// Readers.
    pub n_readers: usize,
    /// How standard errors were found.
    pub method: String,
    /// Malignancy.
    pub malignancy: Option<PooledMalignancy>,
    /// Tampering.
    pub tampering: Option<PooledTampering>,
}

/// The readout of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Whether the readers are programs. Then nothing here is about people.
    pub simulated: bool,
    /// Images that were read.
    pub n_cases: usize,
    /// Sources of which both the original and the modified image were read.
    pub n_pairs: usize,
    /// The readers, by name.
    pub readers: Vec<ReaderAnalysis>,
    /// Means over them.
    pub pooled: PooledAnalysis,
    /// What the numbers assume.
    pub notes: Vec<String>,
}

/// Ratings of one reader, one question and some images, as the statistics want them.
pub(crate) struct Answers<'a> {
    pub(crate) ratings: Vec<f64>,
    pub(crate) positive: Vec<bool>,
    pub(crate) clusters: Vec<&'a str>,
}

impl<'a> Answers<'a> {
    pub(crate) fn of(ratings: &[&'a Rating], positive: impl Fn(&Rating) -> bool) -> Self {
        Self {
            ratings: ratings.iter().map(|r| r.rating).collect(),
            positive: ratings.iter().map(|r| positive(r)).collect(),
            clusters: ratings.iter().map(|r| r.cluster()).collect(),
        }
    }

    fn measured(&self, interval: Interval) -> Result<Measured, ReadoutError> {
        Ok(Measured {
            estimate: clustered(&self.ratings, &self.positive, &self.clusters, interval)?,
            curve: RocCurve::new(&self.ratings, &self.positive)?,
        })
    }

    fn clustered(&self) -> Result<ClusteredRatings<&'a str>, ReadoutError> {
        ClusteredRatings::new(&self.ratings, &self.positive, &self.clusters)
    }
}

pub(crate) fn source_is_cancer(r: &Rating) -> bool {
    r.truth_label == Label::Cancer
}

pub(crate) fn aims_at_cancer(r: &Rating) -> bool {
    r.intended_label == Label::Cancer
}

pub(crate) fn is_modified(r: &Rating) -> bool {
    r.truth_modified
}

/// Analyses the ratings of a study: each reader alone, and the mean over readers. Intervals are 95 % on the logit
/// scale.
///
/// # Errors
/// [`AnalysisError`] when there are no ratings, people and simulated readers are mixed, or a reader's answers allow
/// no AUC (fewer than two images of a label in an arm).
pub fn analyse(ratings: &[Rating]) -> Result<Analysis, AnalysisError> {
    let person = ratings.iter().find(|r| !r.simulated);
    let program = ratings.iter().find(|r| r.simulated);
    if let (Some(person), Some(program)) = (person, program) {
        let (person, program) = (person.reader.clone(), program.reader.clone());
        return Err(AnalysisError::Mixed { person, program });
    }
    let simulated = program.is_some();
    let mut by_reader: BTreeMap<&str, Vec<&Rating>> = BTreeMap::new();
    for rating in ratings {
        by_reader.entry(&rating.reader).or_default().push(rating);
    }
    if by_reader.is_empty() {
        return Err(AnalysisError::Empty);
    }
    // One order of images whatever the order of lines, so that sums round the same.
    for own in by_reader.values_mut() {
        own.sort_by(|a, b| (&a.case, a.question).cmp(&(&b.case, b.question)));
    }
    let interval = Interval::default();
    let readers: Vec<ReaderAnalysis> = by_reader
        .iter()
        .map(|(reader, own)| {
            let asked = |q| own.iter().copied().filter(|r| r.question == q).collect::<Vec<_>>();
            let error = |quantity| {
                move |source| AnalysisError::Readout { reader: (*reader).to_owned(), quantity, source }
            };
            Ok(ReaderAnalysis {
                reader: (*reader).to_owned(),
                simulated,
                malignancy: malignancy(&asked(Question::Malignancy), interval)
                    .map_err(error("malignancy"))?,
                tampering: tampering(&asked(Question::Tampering), interval).map_err(error("tampering"))?,
            })
        })
        .collect::<Result<_, AnalysisError>>()?;
    let pooled = pool(&by_reader, &readers, interval).map_err(|source| AnalysisError::Readout {
        reader: "all readers".to_owned(),
        quantity: "mean over readers",
        source,
    })?;
    let cases: BTreeSet<_> = ratings.iter().map(|r| &r.case).collect();
    let pairs: BTreeSet<_> = ratings.iter().filter_map(|r| r.pair.as_ref()).collect();
    Ok(Analysis {
        simulated,
        n_cases: cases.len(),
        n_pairs: pairs.len(),
        readers,
        pooled,
        notes: NOTES.map(str::to_owned).to_vec(),
    })
}

pub(crate) fn in_arm<'a>(ratings: &[&'a Rating], arm: Arm) -> Vec<&'a Rating> {
    ratings.iter().copied().filter(|r| r.arm == arm).collect()
}

fn malignancy(ratings: &[&Rating], interval: Interval) -> Result<Option<MalignancyReading>, ReadoutError> {
    if ratings.is_empty() {
        return Ok(None);
    }
    let (originals, modified) = (in_arm(ratings, Arm::Original), in_arm(ratings, Arm::Modified));
    let original = Answers::of(&originals, source_is_cancer);
    let by_source = Answers::of(&modified, source_is_cancer);
    let by_intention = Answers::of(&modified, aims_at_cancer);
    Ok(Some(MalignancyReading {
        originals: original.measured(interval)?,
        modified_vs_source_label: by_source.measured(interval)?,
        modified_vs_intended_label: by_intention.measured(interval)?,
        originals_minus_modified: compare_clustered(
            &original.clustered()?,
            &by_source.clustered()?,
            interval,
        )?,
        originals_minus_modified_delong_unpaired: compare_unpaired(
            (&original.ratings, &original.positive),
            (&by_source.ratings, &by_source.positive),
            interval,
        )?,
        originals_minus_modified_delong_pairs: pairs_alone(&originals, &modified, interval)?,
    }))
}

/// DeLong's paired test on the sources that were read in both arms.
fn pairs_alone(
    originals: &[&Rating],
    modified: &[&Rating],
    interval: Interval,
) -> Result<Option<AucTest>, ReadoutError> {
    let twins: BTreeMap<&str, f64> =
        modified.iter().filter_map(|r| Some((r.pair.as_deref()?, r.rating))).collect();
    let (mut a, mut b, mut cancer) = (Vec::new(), Vec::new(), Vec::new());
    for r in originals {
        if let Some(&twin) = r.pair.as_deref().and_then(|pair| twins.get(pair)) {
            a.push(r.rating);
            b.push(twin);
            cancer.push(source_is_cancer(r));
        }
    }
    let n_cancer = cancer.iter().filter(|c| **c).count();
    if n_cancer < 2 || cancer.len() - n_cancer < 2 {
        return Ok(None);
    }
    compare_paired(&a, &b, &cancer, interval).map(Some)
}

fn tampering(ratings: &[&Rating], interval: Interval) -> Result<Option<TamperingReading>, ReadoutError> {
    if ratings.is_empty() {
        return Ok(None);
    }
    let answers = Answers::of(ratings, is_modified);
    let detection = answers.measured(interval)?;
    let detection_delong = delong(&answers.ratings, &answers.positive, interval)?;
    Ok(Some(TamperingReading {
        against_chance: compare_with_constant(&detection.estimate, 0.5)?,
        against_chance_delong: compare_with_constant(&detection_delong, 0.5)?,
        detection,
        detection_delong,
    }))
}
