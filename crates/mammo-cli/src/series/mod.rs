//! Several runs of one experiment side by side: over seeds, over a grid of settings, over label rules.

mod cells;
mod config;
mod page;
mod results;

use crate::args::{ExperimentArgs, MassArgs, SweepArgs};
use crate::experiment::{self, Experiment, RunConfig};
use crate::run::RunFolder;
use crate::{Ending, interrupt};
use cells::{Cell, grid};
use config::{Member, SeriesConfig};
use mammo_core::LabelRule;
use std::io::Write;
use std::path::Path;

/// `mammo sweep`: every cell of a grid of settings with every seed.
pub(crate) fn sweep(args: &SweepArgs) -> anyhow::Result<Ending> {
    let experiment = if args.second { Experiment::Two } else { Experiment::One };
    let cells = grid(&args.set)?;
    let config = SeriesConfig {
        experiment: "sweep".to_owned(),
        members: members(experiment, &args.experiment, &cells, &args.seeds)?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    run(&config, &args.experiment)
}

/// `mammo reproduce-mass`: the same experiment with images called cancer by their mass, and by their BI-RADS category.
pub(crate) fn reproduce_mass(args: &MassArgs) -> anyhow::Result<Ending> {
    anyhow::ensure!(
        args.experiment.run.labels.is_none(),
        "reproduce-mass compares the labels mass and birads_ge3; leave --labels out, or use reproduce-exp1"
    );
    let mut all = Vec::new();
    for labels in [LabelRule::Mass, LabelRule::BiradsGe3] {
        let mut args = args.clone();
        args.experiment.run.labels = Some(labels);
        let cell = Cell { name: labels.name().to_owned(), settings: Vec::new() };
        all.extend(members(Experiment::One, &args.experiment, &[cell], &args.seeds)?);
    }
    let config = SeriesConfig {
        experiment: "reproduce-mass".to_owned(),
        members: all,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    run(&config, &args.experiment)
}

/// The runs of all cells and seeds, cell by cell.
fn members(
    experiment: Experiment,
    args: &ExperimentArgs,
    cells: &[Cell],
    seeds: &[u64],
) -> anyhow::Result<Vec<Member>> {
    anyhow::ensure!(
        args.ratings.is_none(),
        "several runs cannot share one ratings file; leave --ratings out"
    );
    let mut members = Vec::new();
    for cell in cells {
        for &seed in seeds {
            let mut args = args.clone();
            args.run.seed = seed;
            let config = RunConfig::resolve_with(experiment, &args, |preset| cell.apply(preset))?;
            members.push(Member { cell: cell.name.clone(), seed, config });
        }
    }
    let mut names: Vec<_> = members.iter().map(Member::folder).collect();
    names.sort();
    names.dedup();
    anyhow::ensure!(names.len() == members.len(), "a seed or a value is given twice; give each once");
    Ok(members)
}

/// Makes every run and compares them.
fn run(config: &SeriesConfig, args: &ExperimentArgs) -> anyhow::Result<Ending> {
    interrupt::listen();
    let folder = RunFolder::open(config, args.run.out.as_deref(), args.run.resume)?;
    folder.begin()?;
    for (i, member) in config.members.iter().enumerate() {
        let path = folder.path(&member.folder());
        eprintln!("run {} of {}: {}", i + 1, config.members.len(), member.folder());
        if is_done(&path, &member.config) {
            eprintln!("it is finished");
            continue;
        }
        let resume = path.join("run.json").exists();
        if experiment::make(&member.config, Some(&path), resume, None)?.is_none() {
            eprintln!("interrupted; go on with --resume --out {}", folder.root().display());
            return Ok(Ending::Interrupted);
        }
    }
    let results = results::collect(config, &folder)?;
    mammo_files::write_json(&folder.path("series.json"), &results)?;
    page::write(&folder)?;
    folder.finish(config)?;
    eprint!("{}", results.text());
    writeln!(std::io::stdout(), "{}", folder.report().display())?;
    Ok(Ending::Done)
}

fn is_done(path: &Path, config: &RunConfig) -> bool {
    RunFolder::existing(path)
        .and_then(|folder| folder.config::<RunConfig>())
        .is_ok_and(|stored| stored == *config)
}

/// The page of a finished series, made again.
pub(crate) fn render_again(folder: &RunFolder) -> anyhow::Result<()> {
    page::write(folder)
}
