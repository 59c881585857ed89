//! How well a detector tells altered images from originals, both handled alike.

use mammo_core::{Label, Plane, Seed};
use mammo_detect::{Detector, Handling};
use mammo_readout::{AucEstimate, Interval, clustered};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// An original and what was made of it, of a patient that the detector has not seen.
pub(crate) struct Pair {
    pub(crate) patient: String,
    /// Of the original: lesions are put into healthy images and taken out of others.
    pub(crate) label: Label,
    pub(crate) original: Plane,
    pub(crate) modified: Plane,
}

/// One row of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Judged {
    /// The way of handling, the generator, or whatever the rows of the table are.
    pub(crate) name: String,
    /// Originals, and altered images.
    pub(crate) pairs: usize,
    /// Altered against original images, both handled alike.
    pub(crate) detection: AucEstimate,
    /// The same for lesions put in and taken out, each against the originals that it was made from; absent where there are
    /// too few.
    pub(crate) injected: Option<AucEstimate>,
    pub(crate) removed: Option<AucEstimate>,
    /// Handled originals against originals as they are: one half means that the detector does not see the handling.
    pub(crate) control: AucEstimate,
    /// Share of altered images above the threshold.
    pub(crate) found: f64,
    /// Share of originals above the threshold.
    pub(crate) false_alarms: f64,
}

/// What a detector says of a pair under one way of handling.
#[derive(Debug, Clone)]
pub(crate) struct Scored {
    pub(crate) patient: String,
    pub(crate) label: Label,
    /// Log odds of the original as it is, the original handled, and the altered image handled.
    pub(crate) log_odds: [f64; 3],
    /// Whether each of them is above the threshold.
    flagged: [bool; 3],
}

/// Scores pairs under one way of handling. The same pairs in the same order get the same scores.
pub(crate) fn score(detector: &Detector, pairs: &[Pair], handling: Handling) -> anyhow::Result<Vec<Scored>> {
    pairs
        .par_iter()
        .enumerate()
        .map(|(i, pair)| {
            let handled = |plane: &Plane, which: u64| {
                handling.apply(plane, &mut Seed(1).stream_at("detect/handling", 2 * i as u64 + which))
            };
            let as_it_is = detector.score(&pair.original)?;
            let original = match handling {
                Handling::AsItIs => as_it_is,
                _ => detector.score(&handled(&pair.original, 0))?,
            };
            let scores = [as_it_is, original, detector.score(&handled(&pair.modified, 1))?];
            let patient = pair.patient.clone();
            let (log_odds, flagged) = (scores.map(|s| s.log_odds), scores.map(|s| s.flagged));
            Ok(Scored { patient, label: pair.label, log_odds, flagged })
        })
        .collect()
}

/// The row of a table from scored pairs.
pub(crate) fn judge(name: impl Into<String>, scored: &[Scored]) -> anyhow::Result<Judged> {
    let of_label = |label| area(scored.iter().filter(|s| s.label == label), (1, 2)).ok();
    let above =
        |column: usize| scored.iter().filter(|s| s.flagged[column]).count() as f64 / scored.len() as f64;
    Ok(Judged {
        name: name.into(),
        pairs: scored.len(),
        detection: area(scored.iter(), (1, 2))?,
        injected: of_label(Label::Healthy),
        removed: of_label(Label::Cancer),
        control: area(scored.iter(), (0, 1))?,
        found: above(2),
        false_alarms: above(1),
    })
}

/// Area under the curve of two columns, the images of a patient taken as dependent: DeLong's interval for clusters
/// (Obuchowski 1997).
fn area<'a>(
    scored: impl Iterator<Item = &'a Scored>,
    (negative, positive): (usize, usize),
) -> anyhow::Result<AucEstimate> {
    let (mut ratings, mut truth, mut patients) = (Vec::new(), Vec::new(), Vec::new());
    for row in scored {
        for (column, class) in [(negative, false), (positive, true)] {
            ratings.push(row.log_odds[column]);
            truth.push(class);
            patients.push(row.patient.as_str());
        }
    }
    Ok(clustered(&ratings, &truth, &patients, Interval::default())?)
}

/// An area with its interval, for tables.
pub(crate) fn area_text(auc: &AucEstimate) -> String {
    format!("{:.2} [{:.2}, {:.2}]", auc.auc, auc.ci_low, auc.ci_high)
}
