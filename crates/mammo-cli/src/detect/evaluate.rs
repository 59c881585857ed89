//! How well a detector does on patients that it has not seen.

use super::args::EvaluateArgs;
use super::handling::{HANDLINGS, Handling};
use super::{TRANSLATION, read, sources};
use crate::output::print;
use mammo_core::{Label, Plane};
use mammo_forensics::Detector;
use mammo_readout::{AucEstimate, Interval, clustered};
use mammo_room::Source;
use rayon::prelude::*;
use serde::Serialize;
use std::fmt::Write;

/// One row of the table.
#[derive(Serialize)]
struct Handled {
    handling: &'static str,
    /// Altered against original images, both handled alike.
    detection: AucEstimate,
    /// The same for lesions put in and taken out, each against the originals that it was made from.
    injected: AucEstimate,
    removed: AucEstimate,
    /// Handled originals against originals as they are: one half means that the detector does not see the handling.
    control: AucEstimate,
    /// Share of altered images above the threshold.
    found: f64,
    /// Share of originals above the threshold.
    false_alarms: f64,
}

/// `mammo detect evaluate`.
pub(super) fn run(args: &EvaluateArgs) -> anyhow::Result<()> {
    let detector = read(&args.detector)?;
    let sources = sources(&args.run)?;
    let known = sources.iter().find(|s| detector.patients.iter().any(|p| p == s.image.patient.as_str()));
    if let Some(source) = known {
        anyhow::bail!(
            "{}: the detector was trained on patient {}; judge it on a run of other patients, such as one of another --seed",
            args.detector.display(),
            source.image.patient
        );
    }
    let rows = HANDLINGS
        .iter()
        .map(|(name, handle)| handled(&detector, &sources, name, *handle))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (images, patients) = (2 * sources.len(), {
        let mut names: Vec<&str> = sources.iter().map(|s| s.image.patient.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    });
    if args.json {
        let document = serde_json::json!({
            "schema": "mammo-detector-evaluation/1",
            "trained_on": {"original": detector.n_original, "altered": detector.n_modified, "patients": detector.patients.len()},
            "images": images,
            "patients": patients,
            "threshold_log_odds": detector.threshold_log_odds,
            "rows": rows,
        });
        return print(&(serde_json::to_string_pretty(&document)? + "\n"));
    }
    let mut text = format!(
        "{images} images ({} original, {} altered) of {patients} patients, none of whom the detector was trained on.\n\
         AUC [95 % CI, images of a patient taken as dependent]\n\n",
        sources.len(),
        sources.len()
    );
    writeln!(
        text,
        "{:<26}{:<20}{:<20}{:<20}{:<20}{:>7}{:>14}",
        "both handled alike",
        "altered or not",
        "put in",
        "taken out",
        "handling alone",
        "found",
        "false alarms"
    )?;
    for row in &rows {
        write!(text, "{:<26}", row.handling)?;
        for auc in [&row.detection, &row.injected, &row.removed, &row.control] {
            let cell = format!("{:.2} [{:.2}, {:.2}]", auc.auc, auc.ci_low, auc.ci_high);
            write!(text, "{cell:<20}")?;
        }
        writeln!(text, "{:>6.0} %{:>12.0} %", 100.0 * row.found, 100.0 * row.false_alarms)?;
    }
    text += "\nHandling alone: handled originals against originals as they are. Near 0.50 the detector does not see the handling; \
             away from it, scores of images of unknown handling mean little.\n";
    print(&text)
}

fn handled(
    detector: &Detector,
    sources: &[Source],
    name: &'static str,
    handle: Handling,
) -> anyhow::Result<Handled> {
    // Original as it is, original handled, altered handled.
    let scores = sources
        .par_iter()
        .enumerate()
        .map(|(i, source)| {
            let of = |plane: &Plane| detector.score(plane).map(|s| s.log_odds);
            let index = 2 * i as u64;
            let altered = &source.modified[TRANSLATION];
            Ok([
                of(&source.original)?,
                of(&handle(&source.original, index))?,
                of(&handle(altered, index + 1))?,
            ])
        })
        .collect::<anyhow::Result<Vec<[f64; 3]>>>()?;
    let auc = |negative: usize, positive: usize, pick: &dyn Fn(&Source) -> bool| {
        let (mut ratings, mut truth, mut patients) = (Vec::new(), Vec::new(), Vec::new());
        for (source, row) in sources.iter().zip(&scores).filter(|(source, _)| pick(source)) {
            for (column, class) in [(negative, false), (positive, true)] {
                ratings.push(row[column]);
                truth.push(class);
                patients.push(source.image.patient.to_string());
            }
        }
        clustered(&ratings, &truth, &patients, Interval::default())
    };
    let above = |column: usize| {
        scores.iter().filter(|row| row[column] > detector.threshold_log_odds).count() as f64
            / scores.len() as f64
    };
    Ok(Handled {
        handling: name,
        detection: auc(1, 2, &|_| true)?,
        injected: auc(1, 2, &|s| s.image.label == Label::Healthy)?,
        removed: auc(1, 2, &|s| s.image.label == Label::Cancer)?,
        control: auc(0, 1, &|_| true)?,
        found: above(2),
        false_alarms: above(1),
    })
}
