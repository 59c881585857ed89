//! `mammo detect`: a detector of altered images, trained and judged on runs. The measures are those of `mammo-forensics`.

mod args;
pub(crate) mod beside;
mod evaluate;
pub(crate) mod judge;
pub(crate) mod places;

use crate::held_out::held_out;
use crate::output::print;
use crate::progress::Progress;
use crate::run::RunFolder;
use crate::{Ending, interrupt};
use anyhow::Context;
pub(crate) use args::DetectCommand;
use args::{MethodName, ScoreArgs, TrainArgs};
use mammo_core::{Plane, Seed};
use mammo_detect::{Detector, DetectorFile, DetectorSettings, Method, Sample};
use mammo_room::Source;
use rayon::prelude::*;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// `mammo detect ...`.
pub(crate) fn run(command: &DetectCommand) -> anyhow::Result<Ending> {
    match command {
        DetectCommand::Train(args) => return train(args),
        DetectCommand::Score(args) => score(args)?,
        DetectCommand::Evaluate(args) => evaluate::run(args)?,
        DetectCommand::Beside(args) => beside::run(args)?,
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

pub(crate) fn read(path: &Path) -> anyhow::Result<Detector> {
    let file: DetectorFile = mammo_files::read_json(path)?;
    Detector::from_file(file).with_context(|| path.display().to_string())
}

fn train(args: &TrainArgs) -> anyhow::Result<Ending> {
    interrupt::listen();
    let samples: Vec<Sample> = sources(&args.run)?
        .into_iter()
        .map(|source| Sample {
            patient: source.image.patient.to_string(),
            original: source.original,
            modified: source.modified.into_values().collect(),
        })
        .collect();
    let settings = DetectorSettings {
        method: match args.method {
            MethodName::Measures => Method::Measures { ridge: args.ridge },
            MethodName::Network => Method::Network { epochs: args.epochs },
        },
        false_alarm_rate: args.false_alarm_rate,
        handled_copies: args.handled,
        seed: Seed(args.seed),
        ..DetectorSettings::default()
    };
    let Some(detector) = train_detector("detector", &samples, &settings)? else {
        eprintln!("interrupted; nothing is written");
        return Ok(Ending::Interrupted);
    };
    mammo_files::write_json(&args.out, detector.file())?;
    let trained_on = &detector.file().trained_on;
    eprintln!(
        "trained on {} original and {} altered images of {} patients; AUC {:.3} on patients that were left out in training, \
         which is no test: judge it by detect evaluate on another run",
        trained_on.n_original,
        trained_on.n_modified,
        trained_on.patients.len(),
        detector.file().unseen_auc
    );
    print(&format!("{}\n", args.out.display()))?;
    Ok(Ending::Done)
}

/// Trains a detector with progress; `None` when an end has been asked for.
pub(crate) fn train_detector(
    label: &'static str,
    samples: &[Sample],
    settings: &DetectorSettings,
) -> anyhow::Result<Option<Detector>> {
    let progress = Progress::new(label, 1);
    let trained = Detector::train(samples, settings, &mut |done, of| {
        progress.set_total(of);
        progress.set(done, String::new);
        !interrupt::asked()
    })?;
    progress.finish(if trained.is_some() { "trained" } else { "ended early" });
    Ok(trained)
}

fn score(args: &ScoreArgs) -> anyhow::Result<()> {
    let detector = read(&args.detector)?;
    if let Some(dir) = &args.places {
        places::write(&detector, &args.images, dir)?;
    }
    let scores = args
        .images
        .par_iter()
        .map(|path| detector.score(&picture(path)?).with_context(|| path.display().to_string()))
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
            "threshold_log_odds": detector.file().calibration.threshold_log_odds,
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

fn picture(path: &Path) -> anyhow::Result<Plane> {
    let bytes = fs_err::read(path)?;
    mammo_png::decode_gray(&bytes).with_context(|| path.display().to_string())
}
