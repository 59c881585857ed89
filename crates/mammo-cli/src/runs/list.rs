//! Runs as a table, a line a run.

use super::figures::{Kind, READERS, READERS_NOTE, REMOVAL, REMOVAL_NOTE};
use super::find::FoundRun;
use super::table::{Column, WIDTH, render};
use crate::run::file_stem;
use std::fmt::Write as _;

/// A table of what runs are, and tables of what those runs found that found it. What is the same in all of them is said
/// once above, because a column of equal words hides those that differ.
pub(super) fn text(runs: &[FoundRun]) -> String {
    let mut out = match runs {
        [] => return "no runs\n".to_owned(),
        [_] => "1 run".to_owned(),
        _ => format!("{} runs", runs.len()),
    };
    let (same, columns): (Vec<Column>, Vec<Column>) =
        settings(runs).into_iter().partition(|column| runs.len() > 1 && column.is_constant());
    if !same.is_empty() {
        let words: Vec<String> =
            same.iter().map(|column| format!("{} {}", column.title, column.cells[0])).collect();
        let _ = write!(out, ", all of them with {}", words.join(", "));
    }
    let mut columns = columns;
    columns.insert(0, Column::left("run", runs.iter().map(|run| run.folder.clone())));
    let _ = write!(out, "\n\n{}", render(&columns, WIDTH));
    figures(&mut out, runs, REMOVAL_NOTE, &REMOVAL, false);
    figures(&mut out, runs, READERS_NOTE, &READERS, true);
    out
}

fn settings(runs: &[FoundRun]) -> Vec<Column> {
    let text = |name: &'static str| {
        move |run: &FoundRun| match &run.settings[name] {
            serde_json::Value::Null => "-".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    };
    let column = |title: &str, cell: &dyn Fn(&FoundRun) -> String| Column::left(title, runs.iter().map(cell));
    vec![
        column("experiment", &|run| text("experiment")(run).trim_start_matches("reproduce-").to_owned()),
        column("data", &|run| text("data")(run).split(':').next().unwrap_or_default().to_owned()),
        column("labels", &text("labels")),
        column("preset", &|run| file_stem(&text("preset_name")(run))),
        column("seed", &text("seed")).right(),
        column("steps", &|run| match run.steps_asked {
            Some(asked) => format!("{}/{asked}", run.steps_text()),
            None => run.steps_text(),
        })
        .right(),
        column("finished", &|run| if run.finished { "yes" } else { "no" }.to_owned()),
    ]
}

/// A table of the runs that have any of these figures.
fn figures(out: &mut String, runs: &[FoundRun], note: &str, kinds: &[Kind], by_readers: bool) {
    let with: Vec<&FoundRun> =
        runs.iter().filter(|run| kinds.iter().any(|kind| run.figures.text(kind).is_some())).collect();
    if with.is_empty() {
        return;
    }
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut columns = vec![Column::left("run", with.iter().map(|run| run.folder.clone()))];
    if by_readers {
        let readers = |run: &&FoundRun| dash(run.figures.readers.as_ref().map(super::figures::Readers::text));
        columns.push(Column::left("readers", with.iter().map(readers)));
    }
    for kind in kinds {
        columns.push(Column::left(kind.title, with.iter().map(|run| dash(run.figures.text(kind)))));
    }
    let _ = write!(out, "\n{note}\n\n{}", render(&columns, WIDTH));
}
