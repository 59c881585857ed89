//! Whether detectors find what CycleGANs do to mammograms: `mammo reproduce-detection`, stage by stage.

mod altered;
mod classifier;
mod config;
mod detectors;
mod effects;
mod gatherings;
mod generators;
mod images;
mod page;
mod parts;
mod places;
mod readers;
mod results;
mod rotation;
mod scores;

pub(crate) use config::known_preset;

use crate::args::DetectionArgs;
use crate::run::RunFolder;
use crate::{Ending, interrupt};
use config::DetectionConfig;
use gatherings::Gatherings;
use parts::Parts;
use results::Results;
use std::time::Instant;

/// `mammo reproduce-detection`.
pub(crate) fn run(args: &DetectionArgs) -> anyhow::Result<Ending> {
    interrupt::listen();
    let config = DetectionConfig::resolve(args)?;
    let folder = RunFolder::open(&config, args.run.out.as_deref(), args.run.resume)?;
    eprintln!("{}", config.preset.description);
    eprintln!("run folder: {}", folder.root().display());
    let clock = Instant::now();
    folder.begin()?;
    let parts = Parts::load(&config, &folder)?;
    let mut gathered = Gatherings::default();
    for rotation in 0..config.rotations {
        if !rotation::run(&config, &folder, parts.roles(rotation), &mut gathered)? {
            eprintln!("interrupted; go on with --resume --out {}", folder.root().display());
            return Ok(Ending::Interrupted);
        }
    }
    gathered.write_scores(&folder)?;
    let results: Results = gathered.results(&config, &parts)?;
    mammo_files::write_json(&folder.path("results.json"), &results)?;
    folder.add_seconds(clock.elapsed().as_secs_f64())?;
    page::write(&folder)?;
    folder.finish(&config)?;
    eprintln!("done after {:.0} s; open {}", clock.elapsed().as_secs_f64(), folder.report().display());
    crate::output::print(&format!("{}\n", folder.report().display()))?;
    Ok(Ending::Done)
}

/// The page of a finished run, made again.
pub(crate) fn render_again(folder: &RunFolder) -> anyhow::Result<()> {
    page::write(folder)
}
