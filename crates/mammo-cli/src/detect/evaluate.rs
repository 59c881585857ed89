//! How well a detector does on patients that it has not seen.

use super::args::EvaluateArgs;
use super::judge::{Judged, Pair, area_text, judge, score};
use super::{read, sources};
use crate::output::print;
use mammo_detect::Handling;
use std::collections::BTreeSet;
use std::fmt::Write;

/// `mammo detect evaluate`.
pub(super) fn run(args: &EvaluateArgs) -> anyhow::Result<()> {
    let detector = read(&args.detector)?;
    let trained_on = &detector.file().trained_on;
    let pairs: Vec<Pair> = sources(&args.run)?
        .into_iter()
        .flat_map(|source| {
            let (patient, label, original) =
                (source.image.patient.to_string(), source.image.label, source.original);
            let altered = source.modified.into_values();
            altered.map(move |modified| Pair {
                patient: patient.clone(),
                label,
                original: original.clone(),
                modified,
            })
        })
        .collect();
    if let Some(pair) = pairs.iter().find(|pair| trained_on.patients.contains(&pair.patient)) {
        anyhow::bail!(
            "{}: the detector was trained on patient {}; judge it on a run of other patients, such as one of another --seed",
            args.detector.display(),
            pair.patient
        );
    }
    let rows = Handling::JUDGED
        .iter()
        .map(|&handling| judge(handling.to_string(), &score(&detector, &pairs, handling)?))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let patients = pairs.iter().map(|pair| pair.patient.as_str()).collect::<BTreeSet<_>>().len();
    if args.json {
        let document = serde_json::json!({
            "schema": "mammo-detector-evaluation/2",
            "trained_on": {
                "original": trained_on.n_original,
                "altered": trained_on.n_modified,
                "patients": trained_on.patients.len(),
            },
            "images": 2 * pairs.len(),
            "patients": patients,
            "threshold_log_odds": detector.file().calibration.threshold_log_odds,
            "rows": rows,
        });
        return print(&(serde_json::to_string_pretty(&document)? + "\n"));
    }
    let mut text = format!(
        "{} images ({} original, {} altered) of {patients} patients, none of whom the detector was trained on.\n\
         AUC [95 % CI, images of a patient taken as dependent]\n\n",
        2 * pairs.len(),
        pairs.len(),
        pairs.len()
    );
    write_rows(&mut text, &rows)?;
    text += "\nHandling alone: handled originals against originals as they are. Near 0.50 the detector does not see the handling; \
             away from it, scores of images of unknown handling mean little.\n";
    print(&text)
}

fn write_rows(text: &mut String, rows: &[Judged]) -> std::fmt::Result {
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
    for row in rows {
        write!(text, "{:<26}", row.name)?;
        for auc in [Some(&row.detection), row.injected.as_ref(), row.removed.as_ref(), Some(&row.control)] {
            write!(text, "{:<20}", auc.map_or("-".to_owned(), area_text))?;
        }
        writeln!(text, "{:>6.0} %{:>12.0} %", 100.0 * row.found, 100.0 * row.false_alarms)?;
    }
    Ok(())
}
