//! Runs side by side, a column a run: the settings in which they differ, and what they found.

use super::figures::{READERS, READERS_NOTE, REMOVAL, REMOVAL_NOTE, Readers};
use super::find::FoundRun;
use super::table::{Column, WIDTH, render, width_of, wrap};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The widest that names of settings get before they wrap.
const NAMES: usize = 40;

/// The narrowest column of a run: room for `0.75 (0.71 to 0.78)`.
const NARROWEST: usize = 19;

/// A setting that is not the same in all runs.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Difference {
    /// Its path in `run.json`, with dots between the names.
    pub(super) setting: String,
    /// Its value in each run; `Null` where it is not set.
    pub(super) values: Vec<Value>,
}

/// The settings in which runs differ, the outermost first, because inner ones may follow from them. A setting that is
/// `null` is one that is not there, and numbers are equal when their values are, however they are written.
pub(super) fn differences(runs: &[&Value]) -> Vec<Difference> {
    let mut paths = BTreeSet::new();
    for run in runs {
        collect(run, &mut Vec::new(), &mut paths);
    }
    let mut found: Vec<Difference> = Vec::new();
    for path in &paths {
        let values: Vec<Value> = runs.iter().map(|run| at(run, path)).collect();
        // A group is named by what is in it, unless another run has a plain value in its place.
        let is_group = |value: &Value| value.as_object().is_some_and(|inner| !inner.is_empty());
        let is_inner =
            values.iter().any(is_group) && values.iter().all(|value| value.is_null() || is_group(value));
        if !is_inner && values.iter().any(|value| !same(value, &values[0])) {
            found.push(Difference { setting: path.join("."), values });
        }
    }
    found.sort_by_key(|difference| difference.setting.matches('.').count());
    found
}

/// Paths of all values that hold no others by name.
fn collect<'a>(value: &'a Value, path: &mut Vec<&'a str>, found: &mut BTreeSet<Vec<&'a str>>) {
    match value {
        Value::Object(inner) if !inner.is_empty() => {
            for (name, value) in inner {
                path.push(name);
                collect(value, path, found);
                path.pop();
            }
        }
        _ => {
            found.insert(path.clone());
        }
    }
}

fn at(run: &Value, path: &[&str]) -> Value {
    path.iter().try_fold(run, |value, name| value.get(name)).cloned().unwrap_or_default()
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        // Seeds need all of their digits, so whole numbers are not compared as fractions.
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}

/// Both as JSON.
pub(super) fn json(runs: &[FoundRun], differences: &[Difference]) -> Value {
    serde_json::json!({ "schema": "mammo-runs-compare/1", "differences": differences, "runs": runs })
}

/// Both as tables, side by side as far as they fit.
pub(super) fn text(runs: &[FoundRun], differences: &[Difference]) -> String {
    let results = results(runs);
    let rows: Vec<(&str, &[String])> =
        results.iter().map(|(title, cells)| (*title, cells.as_slice())).collect();
    let shown: Vec<Vec<String>> =
        differences.iter().map(|difference| difference.values.iter().map(shown).collect()).collect();
    let names = || {
        let settings = differences.iter().map(|difference| difference.setting.clone());
        let gap = (!differences.is_empty()).then(String::new);
        let results = rows.iter().map(|(title, _)| (*title).to_owned());
        Column::left("setting", settings.chain(gap).chain(results)).at_most(NAMES)
    };
    let room = WIDTH - width_of(&names());
    let most = (room / (NARROWEST + 2)).clamp(1, runs.len());
    // Two and two rather than three and one.
    let at_once = runs.len().div_ceil(runs.len().div_ceil(most));
    let limit = (room / at_once).saturating_sub(2);

    let mut out = String::new();
    if differences.is_empty() {
        out += "no setting differs\n\n";
    }
    for from in (0..runs.len()).step_by(at_once) {
        let mut columns = vec![names()];
        for at in from..runs.len().min(from + at_once) {
            let gap = (!differences.is_empty()).then(String::new);
            let settings = shown.iter().map(|cells| cells[at].clone());
            let results = rows.iter().map(|(_, cells)| cells[at].clone());
            columns.push(Column::left(&runs[at].folder, settings.chain(gap).chain(results)).at_most(limit));
        }
        let _ = writeln!(out, "{}", render(&columns, WIDTH));
    }
    if differences.iter().any(|difference| difference.values.contains(&Value::Null)) {
        out += "-: not set in that run.json\n";
    }
    for (kinds, note) in [(&REMOVAL, REMOVAL_NOTE), (&READERS, READERS_NOTE)] {
        let named: Vec<&str> = kinds
            .iter()
            .map(|kind| kind.title)
            .filter(|title| rows.iter().any(|row| row.0 == *title))
            .collect();
        if !named.is_empty() {
            let _ = writeln!(out, "{}", wrap(&format!("{}: {note}", named.join("; ")), WIDTH).join("\n"));
        }
    }
    out
}

/// A setting for people.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// How far the runs came and what they found: a title and a cell a run, of what at least one of them has.
fn results(runs: &[FoundRun]) -> Vec<(&'static str, Vec<String>)> {
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut rows = vec![
        ("finished", runs.iter().map(|run| if run.finished { "yes" } else { "no" }.to_owned()).collect()),
        ("steps done", runs.iter().map(FoundRun::steps_text).collect()),
    ];
    let mut add = |title, cell: &dyn Fn(&FoundRun) -> Option<String>| {
        let cells: Vec<Option<String>> = runs.iter().map(cell).collect();
        if cells.iter().any(Option::is_some) {
            rows.push((title, cells.into_iter().map(dash).collect()));
        }
    };
    for kind in &REMOVAL {
        add(kind.title, &|run| run.figures.text(kind));
    }
    add("readers", &|run| run.figures.readers.as_ref().map(Readers::text));
    for kind in &READERS {
        add(kind.title, &|run| run.figures.text(kind));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(runs: &[Value]) -> Vec<(String, Vec<Value>)> {
        let runs: Vec<&Value> = runs.iter().collect();
        differences(&runs).into_iter().map(|difference| (difference.setting, difference.values)).collect()
    }

    #[test]
    fn what_differs_is_named_by_its_path_the_outermost_first() {
        let run =
            |seed: u64, ngf: u64| json!({ "a": { "train": { "ngf": ngf, "steps": 12 } }, "seed": seed });
        assert_eq!(found(&[run(1, 16), run(1, 16)]), []);
        assert_eq!(
            found(&[run(1, 16), run(2, 32), run(1, 16)]),
            [
                ("seed".to_owned(), vec![json!(1), json!(2), json!(1)]),
                ("a.train.ngf".to_owned(), vec![json!(16), json!(32), json!(16)]),
            ]
        );
    }

    #[test]
    fn settings_that_one_run_does_not_have_are_differences_and_null_is_no_setting() {
        let without = json!({ "train": { "steps": 1 } });
        let with = json!({ "train": { "steps": 1, "upsampling": "resize", "extra": { "decay": 0.5 } } });
        assert_eq!(
            found(&[without.clone(), with]),
            [
                ("train.upsampling".to_owned(), vec![Value::Null, json!("resize")]),
                ("train.extra.decay".to_owned(), vec![Value::Null, json!(0.5)]),
            ]
        );
        assert_eq!(found(&[without, json!({ "train": { "steps": 1, "upsampling": null } })]), []);
    }

    #[test]
    fn numbers_are_compared_by_value_and_seeds_to_the_last_digit() {
        assert_eq!(
            found(&[
                json!({ "lambda": 10, "range": [1, 2.5] }),
                json!({ "lambda": 10.0, "range": [1.0, 2.5] })
            ]),
            []
        );
        let seeds = [
            json!({ "seed": 9_413_781_898_397_321_622_u64 }),
            json!({ "seed": 9_413_781_898_397_321_623_u64 }),
        ];
        assert_eq!(found(&seeds).len(), 1);
        assert_eq!(found(&[json!({ "range": [1, 2] }), json!({ "range": [1, 2, 3] })]).len(), 1);
    }

    #[test]
    fn a_value_in_the_place_of_a_group_is_named_with_what_is_in_the_group() {
        let runs = [json!({ "padding": "zero" }), json!({ "padding": { "kind": "zero" } })];
        assert_eq!(
            found(&runs),
            [
                ("padding".to_owned(), vec![json!("zero"), json!({ "kind": "zero" })]),
                ("padding.kind".to_owned(), vec![Value::Null, json!("zero")]),
            ]
        );
    }
}
