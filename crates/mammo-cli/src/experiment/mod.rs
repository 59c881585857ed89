//! The study's experiments from mammograms to report, station by station, each in a file of its own.

mod choice;
mod config;
mod counterfactual;
mod examples;
mod images;
mod measures;
mod observer;
mod page;
mod readings;
mod readout;
mod region;
mod spectra;
mod training;
mod translation;

pub(crate) use choice::Choice;
pub(crate) use config::{Experiment, RunConfig};
pub(crate) use counterfactual::masses;
pub(crate) use page::{readout::readout as readout_section, words::auc_text, words::p_text};

use crate::args::{AnalyseArgs, ExperimentArgs, PhantomArgs};
use crate::run::{RunFolder, make_phantom};
use crate::{Ending, interrupt};
use anyhow::Context;
use mammo_core::Seed;
use mammo_phantom::PhantomConfig;
use readings::Reading;
use region::Translator;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// `mammo reproduce-exp1` and `mammo reproduce-exp2`.
pub(crate) fn run(experiment: Experiment, args: &ExperimentArgs) -> anyhow::Result<Ending> {
    interrupt::listen();
    let config = RunConfig::resolve(experiment, args)?;
    let made = make(&config, args.run.out.as_deref(), args.run.resume, args.ratings.as_deref())?;
    let Some(folder) = made else { return Ok(Ending::Interrupted) };
    writeln!(std::io::stdout(), "{}", folder.report().display())?;
    Ok(Ending::Done)
}

/// Makes a run from mammograms to report; `None` when an end has been asked for.
pub(crate) fn make(
    config: &RunConfig,
    out: Option<&Path>,
    resume: bool,
    ratings: Option<&Path>,
) -> anyhow::Result<Option<RunFolder>> {
    if let Some(ratings) = ratings {
        anyhow::ensure!(ratings.exists(), "{}: there are no such ratings", ratings.display());
    }
    let given = images::select_given(config)?;
    let folder = RunFolder::open(config, out, resume)?;
    eprintln!("{}", config.preset.description);
    eprintln!("run folder: {}", folder.root().display());
    let clock = Instant::now();

    let images = images::load(config, &folder, given)?;
    // People's ratings are checked now and not after the training.
    let readings = readings::design(config, &images)?;
    let people = ratings.map(|path| readout::check_ratings(path, &readings)).transpose()?;
    let observer = match observer::fit(&images, config.seed) {
        Ok(observer) => Some(observer),
        // Simulated readers are fitted as the observer is: what they lack is said now and not after the training.
        Err(reason) if people.is_none() => return Err(reason),
        Err(reason) => {
            eprintln!("note: nothing is measured while the networks train, because {reason}");
            None
        }
    };
    folder.begin()?;
    let early: Vec<&Reading> = readings.iter().filter(|reading| !reading.is_last).collect();
    let trained = training::train(config, &folder, &images, observer.as_ref(), &early)?;
    if !trained.finished {
        eprintln!(
            "interrupted after step {}; go on with --resume --out {}",
            trained.step,
            folder.root().display()
        );
        return Ok(None);
    }
    if trained.chosen_step != trained.step {
        eprintln!(
            "the networks of step {} are the best by the preset's choice and translate",
            trained.chosen_step
        );
    }
    let translator = Translator { model: &trained.model, seed: config.seed };
    let translated = translation::translate(&folder, &images, translator)?;
    spectra::measure(&folder, &images, &translated)?;
    counterfactual::score(config, &folder, &images, translator)?;
    if let Some(observer) = &observer {
        observer::measure(&folder, observer, &images, &translated)?;
    }
    let mut people = people.unwrap_or_default().into_iter();
    for reading in &readings {
        let ratings = people.next();
        if reading.is_last {
            readout::read(config, &folder, &images, reading, &translated, ratings)?;
        } else {
            let earlier = translation::of_reading(&folder, &images, reading)?;
            readout::read(config, &folder, &images, reading, &earlier, ratings)?;
        }
    }
    examples::draw(&folder, &images, &translated, translator)?;
    mammo_files::write_json(
        &folder.path("chosen.json"),
        &Chosen { step: trained.chosen_step, steps: trained.step },
    )?;
    folder.add_seconds(clock.elapsed().as_secs_f64())?;
    page::write(&folder)?;
    folder.finish(config)?;
    eprintln!("done after {:.0} s; open {}", clock.elapsed().as_secs_f64(), folder.report().display());
    Ok(Some(folder))
}

/// `chosen.json`: which networks translated the held-out images.
#[derive(Serialize, Deserialize)]
pub(crate) struct Chosen {
    /// The step that they are of.
    pub(crate) step: usize,
    /// Steps of the training in all.
    pub(crate) steps: usize,
}

/// The prepared images of a finished run, made again from its release.
pub(crate) fn images_of(config: &RunConfig, folder: &RunFolder) -> anyhow::Result<images::Images> {
    images::load(config, folder, images::select_given(config)?)
}

/// `mammo phantom`.
pub(crate) fn write_phantom(args: &PhantomArgs) -> anyhow::Result<Ending> {
    let config = PhantomConfig { patients: args.patients, seed: Seed(args.seed), ..PhantomConfig::default() };
    make_phantom(&args.out, &config)?;
    writeln!(std::io::stdout(), "{}", args.out.display())?;
    Ok(Ending::Done)
}

/// `mammo analyse`.
pub(crate) fn analyse_ratings(args: &AnalyseArgs) -> anyhow::Result<Ending> {
    let ratings = mammo_reader::read_ratings(&args.ratings)?;
    let analysis = mammo_reader::analyse(&ratings).with_context(|| args.ratings.display().to_string())?;
    let text =
        if args.json { serde_json::to_string_pretty(&analysis)? } else { mammo_reader::table(&analysis) };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(Ending::Done)
}

/// The page of a finished run, made again.
pub(crate) fn render_again(folder: &RunFolder) -> anyhow::Result<()> {
    page::write(folder)
}
