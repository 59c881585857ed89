//! `mammo runs`: which runs there are, how far they came, what they found, and in which settings they differ.

mod compare;
pub(crate) mod figures;
mod find;
mod list;
mod table;

use crate::Ending;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Options of `runs`.
#[derive(ClapArgs)]
pub(crate) struct RunsArgs {
    /// Run folders, or folders with run folders somewhere below
    #[arg(default_value = "runs", value_name = "DIR")]
    dirs: Vec<PathBuf>,

    /// Show the settings in which the runs differ, and their figures, a column a run
    #[arg(long)]
    compare: bool,

    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// `mammo runs ...`. Runs that cannot be read are said on stderr and left out: one broken folder must not hide the others.
pub(crate) fn run(args: &RunsArgs) -> anyhow::Result<Ending> {
    let (runs, notes) = find::find(&args.dirs)?;
    for note in notes {
        eprintln!("note: {note}");
    }
    let text = match (args.compare, args.json) {
        (false, false) => list::text(&runs),
        (false, true) => json(&serde_json::json!({ "schema": "mammo-runs/1", "runs": runs }))?,
        (true, as_json) => {
            anyhow::ensure!(
                runs.len() > 1,
                "to compare takes two runs, and here is {}; name their folders",
                if runs.is_empty() { "none" } else { "one" }
            );
            let settings: Vec<_> = runs.iter().map(|run| &run.settings).collect();
            let differences = compare::differences(&settings);
            if as_json {
                json(&compare::json(&runs, &differences))?
            } else {
                compare::text(&runs, &differences)
            }
        }
    };
    crate::output::print(&text)?;
    Ok(Ending::Done)
}

fn json(value: &serde_json::Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
