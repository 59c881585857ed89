//! The report of a run, put together from the files in its folder alone, so that it can be made again at any time.

mod cohort;
mod findings;
mod measured;
mod pictures;
pub(super) mod readout;
mod training;
pub(super) mod words;

use super::Chosen;
use super::config::RunConfig;
use super::counterfactual::Scores;
use super::measures::{Measures, RealMeasures};
use super::observer::Observed;
use super::readings::places;
use super::spectra::Spectra;
use crate::run::RunFolder;
use cohort::cohort;
use findings::{facts, images_in_words, limits, references, summary};
use mammo_dataset::CohortSummary;
use mammo_reader::Analysis;
use mammo_report::Report;
use mammo_train::StepReport;
use measured::measured;
use pictures::{counterfactual, pictures};
use readout::readouts;
use serde::de::DeserializeOwned;
use training::{artefacts, training};

/// What the page is made from.
struct Run {
    config: RunConfig,
    cohort: CohortSummary,
    metrics: Vec<StepReport>,
    spectra: Spectra,
    /// Steps and analyses of the readouts, the last one last.
    readings: Vec<(usize, Analysis)>,
    chosen: Option<Chosen>,
    measures: Vec<Measures>,
    real: Option<RealMeasures>,
    observed: Option<Observed>,
    /// Only phantoms have twins to score against.
    scores: Option<Scores>,
    elapsed_s: f64,
    threads: usize,
}

/// Writes `report.html`.
pub(crate) fn write(folder: &RunFolder) -> anyhow::Result<()> {
    let (elapsed_s, threads) = folder.timing()?;
    let config: RunConfig = folder.config()?;
    let readings = places(&config)
        .into_iter()
        .map(|(step, place)| Ok((step, mammo_files::read_json(&folder.path(&place).join("analysis.json"))?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    // What runs of earlier versions, or without patients to measure on, do not have.
    let measures = folder.path("measures.jsonl");
    let run = Run {
        config,
        cohort: mammo_files::read_json(&folder.path("cohort.json"))?,
        metrics: mammo_files::read_json_lines(&folder.path("metrics.jsonl"))?,
        spectra: mammo_files::read_json(&folder.path("spectra.json"))?,
        readings,
        chosen: if_there(folder, "chosen.json")?,
        measures: if measures.exists() { mammo_files::read_json_lines(&measures)? } else { Vec::new() },
        real: if_there(folder, "measures-real.json")?,
        observed: if_there(folder, "observer.json")?,
        scores: if_there(folder, "counterfactual.json")?,
        elapsed_s,
        threads,
    };
    let mut report = Report::new(
        format!(
            "Injecting and removing malignant features: experiment {}",
            if is_second(&run) { 2 } else { 1 }
        ),
        format!("mammo {}", run.config.version),
    );
    report.subtitle = format!(
        "CycleGAN translation of {} between healthy and cancer, after Becker et al. (arXiv 1811.07767).",
        images_in_words(&run)
    );
    report.simulated_readers = run.last().simulated;
    report.summary = summary(&run);
    report.facts = facts(&run);
    report.sections = vec![cohort(&run), pictures(folder, &run)?, counterfactual(&run)];
    report.sections.extend(readouts(&run));
    report.sections.extend([artefacts(&run), measured(&run), training(folder, &run)?]);
    report.sections.retain(|section| !section.blocks.is_empty());
    report.limits = limits(&run);
    report.references = references();
    Ok(mammo_report::write(&folder.report(), &report)?)
}

/// A file that a run may not have.
fn if_there<T: DeserializeOwned>(folder: &RunFolder, name: &str) -> anyhow::Result<Option<T>> {
    let path = folder.path(name);
    Ok(if path.exists() { Some(mammo_files::read_json(&path)?) } else { None })
}

impl Run {
    /// The readout of the networks that translate.
    fn last(&self) -> &Analysis {
        &self.readings[self.readings.len() - 1].1
    }
}

fn is_second(run: &Run) -> bool {
    run.config.experiment == "reproduce-exp2"
}

/// Whether the networks see where they are to change an image.
fn is_told(run: &Run) -> bool {
    run.config.preset.train.generator.roi_channel
}

fn is_phantom(run: &Run) -> bool {
    run.config.data == "phantom"
}
