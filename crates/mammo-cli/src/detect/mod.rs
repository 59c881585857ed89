//! `mammo detect`: a detector of altered images, trained and judged on runs. The measures are those of `mammo-forensics`.

mod args;
mod evaluate;
mod handling;

use crate::Ending;
use crate::exp1::folder::RunFolder;
use crate::held_out::held_out;
use crate::output::print;
use anyhow::Context;
pub(crate) use args::DetectCommand;
use args::{ScoreArgs, TrainArgs};
use mammo_forensics::{Detector, DetectorSettings, Sample};
use mammo_room::Source;
use rayon::prelude::*;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// `mammo detect ...`.
pub(crate) fn run(command: &DetectCommand) -> anyhow::Result<Ending> {
    match command {
        DetectCommand::Train(args) => train(args)?,
        DetectCommand::Score(args) => score(args)?,
        DetectCommand::Evaluate(args) => evaluate::run(args)?,
    }
    Ok(Ending::Done)
}

/// Held-out images of several runs. One checkpoint a run: `translation` is its only entry.
fn sources(runs: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut found = Vec::new();
    for run in runs {
        RunFolder::existing(run)?;
        found.extend(held_out(run, TRANSLATION)?);
    }
    Ok(found)
}

const TRANSLATION: &str = "translation";

fn read(path: &Path) -> anyhow::Result<Detector> {
    let detector: Detector = mammo_files::read_json(path)?;
    anyhow::ensure!(
        detector.schema == Detector::SCHEMA,
        "{}: a detector of the form {}; this version reads {}",
        path.display(),
        detector.schema,
        Detector::SCHEMA
    );
    Ok(detector)
}

fn train(args: &TrainArgs) -> anyhow::Result<()> {
    let mut samples = Vec::new();
    for source in sources(&args.run)? {
        let patient = source.image.patient.to_string();
        samples.push(Sample { plane: source.original, modified: false, patient: patient.clone() });
        samples.extend(source.modified.into_values().map(|plane| Sample {
            plane,
            modified: true,
            patient: patient.clone(),
        }));
    }
    let settings = DetectorSettings {
        false_alarm_rate: args.false_alarm_rate,
        ridge: args.ridge,
        ..DetectorSettings::default()
    };
    let detector = Detector::train(&samples, settings)?;
    mammo_files::write_json(&args.out, &detector)?;
    eprintln!(
        "trained on {} original and {} altered images of {} patients; AUC {:.3} on patients that each fold had not seen, \
         which is no test: judge it by detect evaluate on another run",
        detector.n_original,
        detector.n_modified,
        detector.patients.len(),
        detector.cross_validated_auc
    );
    print(&format!("{}\n", args.out.display()))
}

fn score(args: &ScoreArgs) -> anyhow::Result<()> {
    let detector = read(&args.detector)?;
    let scores = args
        .images
        .par_iter()
        .map(|path| {
            let bytes = fs_err::read(path)?;
            let plane = mammo_png::decode_gray(&bytes).with_context(|| path.display().to_string())?;
            detector.score(&plane).with_context(|| path.display().to_string())
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    if args.json {
        let images: Vec<_> = args
            .images
            .iter()
            .zip(&scores)
            .map(|(path, score)| serde_json::json!({"path": path, "score": score}))
            .collect();
        let document = serde_json::json!({
            "schema": "mammo-detector-scores/1",
            "threshold_log_odds": detector.threshold_log_odds,
            "images": images,
        });
        return print(&(serde_json::to_string_pretty(&document)? + "\n"));
    }
    let mut text = String::new();
    for (path, score) in args.images.iter().zip(&scores) {
        let verdict = if score.flagged { "altered" } else { "-" };
        writeln!(text, "{:>6.3}  {verdict:<8} {}", score.probability, path.display())?;
    }
    print(&text)
}
