//! `mammo stats`: reader-study statistics from files. The work is done by `mammo-readout`.

mod analyse;
mod args;
mod plot;
mod power;

use crate::Ending;
use anyhow::Context;
pub(crate) use args::StatsCommand;
use args::{ConvertArgs, PaperArgs};
use mammo_readout::{
    formats::{self, Dataset, Format},
    summary,
};
use std::io::Write;
use std::path::Path;

/// `mammo stats ...`.
pub(crate) fn run(command: StatsCommand) -> anyhow::Result<Ending> {
    match command {
        StatsCommand::Analyse(args) => analyse::run(&args)?,
        StatsCommand::Power(args) => power::run(&args)?,
        StatsCommand::Convert(args) => convert(&args)?,
        StatsCommand::Paper(args) => paper(&args)?,
    }
    Ok(Ending::Done)
}

fn read(path: &Path, format: Option<Format>, options: &formats::ReadOptions) -> anyhow::Result<Dataset> {
    let format = match format {
        Some(format) => format,
        None => Format::of_path(path)?,
    };
    Ok(formats::read(path, format, options)?)
}

fn convert(args: &ConvertArgs) -> anyhow::Result<()> {
    let data = read(&args.input, args.from, &args.table.options())?;
    let to = match args.to {
        Some(format) => format,
        None => Format::of_path(&args.output)?,
    };
    formats::write(&data, &args.output, to)?;
    if to != Format::Csv && !data.extra.names.is_empty() {
        eprintln!(
            "{}: the columns {} have no place in this format and were left out",
            args.output.display(),
            data.extra.names.join(", ")
        );
    }
    Ok(())
}

fn paper(args: &PaperArgs) -> anyhow::Result<()> {
    let study = summary::paper()?;
    if args.json { print(&(serde_json::to_string_pretty(&study)? + "\n")) } else { print(&study.markdown()) }
}

/// Writes to standard output; a reader that went away is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("standard output cannot be written"),
    }
}
