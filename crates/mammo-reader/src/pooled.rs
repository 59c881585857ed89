//! Means over readers, with a jackknife over source images (Efron 1982; as Dorfman, Berbaum and Metz 1992 use it
//! over cases). Leaving out a source leaves out both of its images for all readers.

use crate::{
    Arm, PooledAnalysis, PooledMalignancy, PooledTampering, Question, Rating,
    analysis::{Answers, ReaderAnalysis, aims_at_cancer, in_arm, is_modified, source_is_cancer},
};
use mammo_readout::{
    AucEstimate, Interval, ReadoutError, TestMethod, auc, compare_with_constant, difference_test,
};
use std::collections::{BTreeMap, BTreeSet};

const METHOD: &str = "mean over readers; jackknife over source images; readers fixed";

/// A mean AUC over readers, and what it becomes without each source.
struct Jackknife {
    mean: f64,
    without: Vec<f64>,
}

impl Jackknife {
    fn new(
        readers: &[Vec<&Rating>],
        sources: &BTreeSet<&str>,
        positive: fn(&Rating) -> bool,
    ) -> Result<Self, ReadoutError> {
        let mean = |left_out: Option<&str>| -> Result<f64, ReadoutError> {
            let mut sum = 0.0;
            for own in readers {
                let kept: Vec<&Rating> =
                    own.iter().copied().filter(|r| Some(r.cluster()) != left_out).collect();
                let answers = Answers::of(&kept, positive);
                sum += auc(&answers.ratings, &answers.positive)?;
            }
            Ok(sum / readers.len() as f64)
        };
        let without = sources.iter().map(|s| mean(Some(s))).collect::<Result<_, _>>()?;
        Ok(Self { mean: mean(None)?, without })
    }

    /// The mean with its error; class counts and independent pairs are those of the reader who has fewest.
    fn estimate<'a>(
        &self,
        each: &(impl Iterator<Item = &'a AucEstimate> + Clone),
        interval: Interval,
    ) -> Result<AucEstimate, ReadoutError> {
        let fewest = |count: fn(&AucEstimate) -> usize| each.clone().map(count).min().unwrap_or(0);
        let counts = (fewest(|e| e.n_pos), fewest(|e| e.n_neg));
        let se = standard_error(&self.without);
        AucEstimate::given(self.mean, se, counts, fewest(|e| e.independent_pairs), interval)
    }
}

/// The jackknife's standard error: `sqrt((K - 1) / K Σ (θ_i - mean θ)²)`.
fn standard_error(without: &[f64]) -> f64 {
    let k = without.len() as f64;
    let mean = without.iter().sum::<f64>() / k;
    ((k - 1.0) / k * without.iter().map(|t| (t - mean).powi(2)).sum::<f64>()).sqrt()
}

pub(crate) fn pool(
    by_reader: &BTreeMap<&str, Vec<&Rating>>,
    readers: &[ReaderAnalysis],
    interval: Interval,
) -> Result<PooledAnalysis, ReadoutError> {
    let answers_to = |question: Question| -> Vec<Vec<&Rating>> {
        by_reader
            .values()
            .map(|own| own.iter().copied().filter(|r| r.question == question).collect())
            .collect()
    };

    let readings: Option<Vec<_>> = readers.iter().map(|r| r.malignancy.as_ref()).collect();
    let malignancy = readings
        .map(|readings| -> Result<_, ReadoutError> {
            let all = answers_to(Question::Malignancy);
            let sources: BTreeSet<&str> = all.iter().flatten().map(|r| r.cluster()).collect();
            let arm = |arm| all.iter().map(|own| in_arm(own, arm)).collect::<Vec<_>>();
            let (originals, modified) = (arm(Arm::Original), arm(Arm::Modified));
            let a = Jackknife::new(&originals, &sources, source_is_cancer)?;
            let b = Jackknife::new(&modified, &sources, source_is_cancer)?;
            let c = Jackknife::new(&modified, &sources, aims_at_cancer)?;
            let each = readings.iter();
            let mean_a = a.estimate(&each.clone().map(|r| &r.originals.estimate), interval)?;
            let mean_b = b.estimate(&each.clone().map(|r| &r.modified_vs_source_label.estimate), interval)?;
            let mean_c = c.estimate(&each.map(|r| &r.modified_vs_intended_label.estimate), interval)?;
            let differences: Vec<f64> = a.without.iter().zip(&b.without).map(|(a, b)| a - b).collect();
            let se = standard_error(&differences);
            Ok(PooledMalignancy {
                originals_minus_modified: difference_test(
                    &mean_a,
                    &mean_b,
                    se,
                    interval.level,
                    TestMethod::Given,
                )?,
                originals: mean_a,
                modified_vs_source_label: mean_b,
                modified_vs_intended_label: mean_c,
            })
        })
        .transpose()?;

    let readings: Option<Vec<_>> = readers.iter().map(|r| r.tampering.as_ref()).collect();
    let tampering = readings
        .map(|readings| -> Result<_, ReadoutError> {
            let all = answers_to(Question::Tampering);
            let sources: BTreeSet<&str> = all.iter().flatten().map(|r| r.cluster()).collect();
            let detection = Jackknife::new(&all, &sources, is_modified)?
                .estimate(&readings.iter().map(|r| &r.detection.estimate), interval)?;
            Ok(PooledTampering { against_chance: compare_with_constant(&detection, 0.5)?, detection })
        })
        .transpose()?;

    Ok(PooledAnalysis { n_readers: readers.len(), method: METHOD.to_owned(), malignancy, tampering })
}
