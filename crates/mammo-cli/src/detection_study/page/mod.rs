//! The report of a study of detection, from the files in its folder alone.

mod tables;
mod words;

use super::config::DetectionConfig;
use super::results::Results;
use crate::run::RunFolder;
use mammo_report::Report;

/// What the page is made from.
struct Study {
    config: DetectionConfig,
    results: Results,
    elapsed_s: f64,
    threads: usize,
}

/// Writes `report.html`.
pub(super) fn write(folder: &RunFolder) -> anyhow::Result<()> {
    let (elapsed_s, threads) = folder.timing()?;
    let study = Study {
        config: folder.config()?,
        results: mammo_files::read_json(&folder.path("results.json"))?,
        elapsed_s,
        threads,
    };
    let mut report = Report::new("Finding tampered mammograms", format!("mammo {}", study.config.version));
    "Whether detectors find what CycleGANs and gradient attacks do to mammograms, on patients that neither \
                       the generators nor the detectors have seen."
        .clone_into(&mut report.subtitle);
    report.simulated_readers = true;
    report.summary = words::summary(&study);
    report.facts = words::facts(&study);
    report.sections = vec![
        tables::generators(&study),
        tables::controls(&study),
        tables::handlings(&study),
        tables::steps(&study),
        tables::sizes(&study),
        tables::readers(&study),
        tables::attacks(&study),
        tables::places(folder, &study)?,
        tables::evasion(&study),
    ];
    report.limits = words::limits(&study);
    report.references = words::references();
    Ok(mammo_report::write(&folder.report(), &report)?)
}
