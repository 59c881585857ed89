//! `mammo stats`: reader-study statistics from files. The work is done by `mammo-readout`.

mod analyse;
mod args;
mod describe;
mod plot;
mod power;

use crate::Ending;
use crate::output::print;
use anyhow::bail;
pub(crate) use args::StatsCommand;
use args::{ConvertArgs, PaperArgs, TableArgs};
use mammo_readout::{
    formats::{self, Dataset, Format},
    summary,
};
use std::path::Path;

/// `mammo stats ...`.
pub(crate) fn run(command: StatsCommand) -> anyhow::Result<Ending> {
    match command {
        StatsCommand::Analyse(args) => analyse::run(&args)?,
        StatsCommand::Agreement(args) => describe::agreement(&args)?,
        StatsCommand::Points(args) => describe::points(&args)?,
        StatsCommand::Power(args) => power::run(&args)?,
        StatsCommand::Convert(args) => convert(&args)?,
        StatsCommand::Paper(args) => paper(&args)?,
    }
    Ok(Ending::Done)
}

fn read(path: &Path, format: Option<Format>, table: &TableArgs) -> anyhow::Result<Dataset> {
    let format = match format {
        Some(format) => format,
        None => Format::of_path(path)?,
    };
    let options = table.options();
    if format != Format::Csv && options != formats::ReadOptions::default() {
        bail!("{}: --columns, --where and --cluster are for csv files", path.display());
    }
    let mut data = formats::read(path, format, &options).map_err(|mut error| {
        if error.remedy.contains("say which columns") {
            error.remedy.push_str(" by --columns");
        }
        error
    })?;
    if table.lower_is_positive {
        data.study = data.study.with_lower_as_more_positive();
    }
    Ok(data)
}

fn convert(args: &ConvertArgs) -> anyhow::Result<()> {
    let data = read(&args.input, args.from, &args.table)?;
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
    if !args.json {
        return print(&study.markdown());
    }
    let document = serde_json::json!({ "schema": "mammo-stats-paper/1", "result": study });
    print(&(serde_json::to_string_pretty(&document)? + "\n"))
}
