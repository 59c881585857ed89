//! The report of a run, put together from the files in its folder alone, so that it can be made again at any time.

mod cohort;
mod findings;
mod pictures;
pub(super) mod readout;
mod training;
pub(super) mod words;

use super::config::RunConfig;
use super::counterfactual::Scores;
use super::spectra::Spectra;
use crate::run::RunFolder;
use cohort::cohort;
use findings::{facts, images_in_words, limits, references, summary};
use mammo_dataset::CohortSummary;
use mammo_reader::Analysis;
use mammo_report::Report;
use mammo_train::StepReport;
use pictures::{counterfactual, pictures};
use readout::readout;
use training::{artefacts, training};

/// What the page is made from.
struct Run {
    config: RunConfig,
    cohort: CohortSummary,
    metrics: Vec<StepReport>,
    spectra: Spectra,
    analysis: Analysis,
    /// Only phantoms have twins to score against.
    scores: Option<Scores>,
    elapsed_s: f64,
    threads: usize,
}

/// Writes `report.html`.
pub(crate) fn write(folder: &RunFolder) -> anyhow::Result<()> {
    let scores = folder.path("counterfactual.json");
    let (elapsed_s, threads) = folder.timing()?;
    let run = Run {
        config: folder.config()?,
        cohort: mammo_files::read_json(&folder.path("cohort.json"))?,
        metrics: mammo_files::read_json_lines(&folder.path("metrics.jsonl"))?,
        spectra: mammo_files::read_json(&folder.path("spectra.json"))?,
        analysis: mammo_files::read_json(&folder.path("readout/analysis.json"))?,
        scores: scores.exists().then(|| mammo_files::read_json(&scores)).transpose()?,
        elapsed_s,
        threads,
    };
    let mut report = Report::new(
        "Injecting and removing malignant features: experiment 1",
        format!("mammo {}", run.config.version),
    );
    report.subtitle = format!(
        "CycleGAN translation of {} between healthy and cancer, after Becker et al. (arXiv 1811.07767).",
        images_in_words(&run)
    );
    report.simulated_readers = run.analysis.simulated;
    report.summary = summary(&run);
    report.facts = facts(&run);
    report.sections = vec![
        cohort(&run),
        pictures(folder, &run)?,
        counterfactual(&run),
        readout(&run.analysis),
        artefacts(&run),
        training(folder, &run)?,
    ];
    report.sections.retain(|section| !section.blocks.is_empty());
    report.limits = limits(&run);
    report.references = references();
    Ok(mammo_report::write(&folder.report(), &report)?)
}

fn is_phantom(run: &Run) -> bool {
    run.config.data == "phantom"
}
