//! Experiment 1 from mammograms to report, stage by stage, each in a file of its own.

mod config;
mod counterfactual;
mod examples;
mod images;
mod page;
mod readout;
mod spectra;
mod training;
mod translation;

pub(crate) use config::RunConfig;
pub(crate) use counterfactual::masses;
pub(crate) use page::{readout::readout as readout_section, words::auc_text, words::p_text};

use crate::args::{AnalyseArgs, Exp1Args, PhantomArgs};
use crate::run::{RunFolder, make_phantom};
use crate::{Ending, interrupt};
use anyhow::Context;
use mammo_core::Seed;
use mammo_phantom::PhantomConfig;
use std::io::Write;
use std::time::Instant;

/// `mammo reproduce-exp1`.
pub(crate) fn run(args: &Exp1Args) -> anyhow::Result<Ending> {
    interrupt::listen();
    let config = RunConfig::resolve(args)?;
    if let Some(ratings) = &args.ratings {
        anyhow::ensure!(ratings.is_file(), "{}: there is no such ratings file", ratings.display());
    }
    let given = images::select_given(&config)?;
    let folder = RunFolder::open(&config, args.run.out.as_deref(), args.run.resume)?;
    eprintln!("{}", config.preset.description);
    eprintln!("run folder: {}", folder.root().display());
    let clock = Instant::now();

    let images = images::load(&config, &folder, given)?;
    // People's ratings are checked now and not after the training.
    let design = readout::design(&config, &images)?;
    let people = args.ratings.as_ref().map(|path| readout::check_ratings(path, &design)).transpose()?;
    folder.begin()?;
    let trained = training::train(&config, &folder, &images)?;
    if trained.step < config.preset.train.steps {
        eprintln!(
            "interrupted after step {}; go on with --resume --out {}",
            trained.step,
            folder.root().display()
        );
        return Ok(Ending::Interrupted);
    }
    let translated = translation::translate(&folder, &images, &trained.model)?;
    spectra::measure(&folder, &images, &translated)?;
    counterfactual::score(&config, &folder, &images, &trained.model)?;
    readout::read(&config, &folder, &images, &translated, &design, people)?;
    examples::draw(&folder, &images, &translated, &trained.model)?;
    folder.add_seconds(clock.elapsed().as_secs_f64())?;
    page::write(&folder)?;
    folder.finish::<RunConfig>()?;

    eprintln!("done after {:.0} s; open {}", clock.elapsed().as_secs_f64(), folder.report().display());
    writeln!(std::io::stdout(), "{}", folder.report().display())?;
    Ok(Ending::Done)
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
