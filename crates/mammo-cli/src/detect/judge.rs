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
    pub(crate) handling: String,
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

/// Log odds of a pair: original as it is, original handled, altered handled.
type Scores = [f64; 3];

/// Judges a detector under one way of handling. The same pairs in the same order give the same row.
pub(crate) fn judge(detector: &Detector, pairs: &[Pair], handling: Handling) -> anyhow::Result<Judged> {
    let scores = pairs
        .par_iter()
        .enumerate()
        .map(|(i, pair)| {
            let of = |plane: &Plane| detector.score(plane).map(|s| s.log_odds);
            let handled = |plane: &Plane, which: u64| {
                of(&handling.apply(plane, &mut Seed(1).stream_at("detect/handling", 2 * i as u64 + which)))
            };
            Ok([of(&pair.original)?, handled(&pair.original, 0)?, handled(&pair.modified, 1)?])
        })
        .collect::<anyhow::Result<Vec<Scores>>>()?;
    let of_label = |label| area(pairs, &scores, (1, 2), |pair| pair.label == label).ok();
    let threshold = detector.file().calibration.threshold_log_odds;
    let above = |column: usize| {
        scores.iter().filter(|row| row[column] > threshold).count() as f64 / scores.len() as f64
    };
    Ok(Judged {
        handling: handling.to_string(),
        detection: area(pairs, &scores, (1, 2), |_| true)?,
        injected: of_label(Label::Healthy),
        removed: of_label(Label::Cancer),
        control: area(pairs, &scores, (0, 1), |_| true)?,
        found: above(2),
        false_alarms: above(1),
    })
}

/// Area under the curve of two columns over some of the pairs, the images of a patient taken as dependent.
fn area(
    pairs: &[Pair],
    scores: &[Scores],
    (negative, positive): (usize, usize),
    pick: impl Fn(&Pair) -> bool,
) -> anyhow::Result<AucEstimate> {
    let (mut ratings, mut truth, mut patients) = (Vec::new(), Vec::new(), Vec::new());
    for (pair, row) in pairs.iter().zip(scores).filter(|(pair, _)| pick(pair)) {
        for (column, class) in [(negative, false), (positive, true)] {
            ratings.push(row[column]);
            truth.push(class);
            patients.push(pair.patient.clone());
        }
    }
    Ok(clustered(&ratings, &truth, &patients, Interval::default())?)
}

/// An area with its interval, for tables.
pub(crate) fn area_text(auc: &AucEstimate) -> String {
    format!("{:.2} [{:.2}, {:.2}]", auc.auc, auc.ci_low, auc.ci_high)
}
