//! Listing and comparing runs. The run folders are made by hand, but for that of the last journey.

use crate::support::{STEPS, fail, finished_run, mammo, scratch, stderr, succeed};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

fn settings(seed: u64, ngf: u64) -> Value {
    json!({
        "experiment": "reproduce-exp1",
        "data": "phantom",
        "labels": "birads_ge3",
        "preset_name": "presets/small.toml",
        "preset": { "train": { "steps": 40, "generator": { "ngf": ngf } } },
        "seed": seed,
    })
}

fn write(path: &Path, value: &Value) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, value.to_string()).unwrap();
}

/// A finished run with figures, one of another seed that was killed, a study of detection half-way, and three folders that are
/// no runs.
fn folders(dir: &Path) {
    let a = dir.join("a");
    write(&a.join("run.json"), &settings(1, 16));
    write(&a.join("finished.json"), &json!({}));
    fs::write(a.join("metrics.jsonl"), "{\"step\":39}\n{\"step\":40}\n").unwrap();
    let estimate = |median: f64| json!({ "median": median, "interval_95": [median - 0.01, median + 0.01] });
    let removal = json!({ "contrast_share": estimate(0.75), "approach": estimate(0.5), "change_outside": estimate(0.02) });
    write(&a.join("counterfactual.json"), &json!({ "removal": removal }));
    let auc = |auc: f64| json!({ "auc": auc, "ci_low": auc - 0.1, "ci_high": auc + 0.1 });
    let pooled = json!({
        "n_readers": 3,
        "malignancy": { "originals": auc(0.9), "modified_vs_source_label": auc(0.25) },
        "tampering": { "detection": auc(0.625) },
    });
    write(&a.join("readout/analysis.json"), &json!({ "simulated": true, "pooled": pooled }));

    let b = dir.join("deeper/b");
    write(&b.join("run.json"), &settings(2, 16));
    fs::write(b.join("metrics.jsonl"), "{\"step\":6}\n{\"step\":7}\n{\"st").unwrap();

    let detection = dir.join("c");
    let preset = json!({ "train": { "steps": 10 } });
    write(
        &detection.join("run.json"),
        &json!({ "experiment": "reproduce-detection", "preset": preset, "rotations": 3, "seed": 1 }),
    );
    for (generator, step) in [("rotation-1/generators/resize", 10), ("rotation-1/generators/transposed", 4)] {
        let dir = detection.join(generator);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("metrics.jsonl"), format!("{{\"step\":{step}}}\n")).unwrap();
    }

    write(&dir.join("foreign/run.json"), &json!({ "distance_km": 10 }));
    fs::create_dir_all(dir.join("broken")).unwrap();
    fs::write(dir.join("broken/run.json"), "{").unwrap();
    fs::create_dir_all(dir.join("empty")).unwrap();
}

fn stdout(command: &mut Command) -> String {
    String::from_utf8(succeed(command).stdout).unwrap()
}

/// The words of the only line that begins with `word`.
fn line<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let lines: Vec<&str> = text.lines().filter(|line| line.split(' ').next() == Some(word)).collect();
    assert_eq!(lines.len(), 1, "{word}: {text}");
    lines[0].split_whitespace().collect()
}

#[test]
fn runs_are_listed_wherever_they_lie_and_what_is_none_is_a_note() {
    let dir = scratch();
    folders(dir.path());
    let output = succeed(mammo(["runs", "."]).current_dir(dir.path()));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let (list, figures) = text.split_once("\n\nlesions removed").unwrap_or_else(|| panic!("{text}"));
    assert!(list.starts_with("3 runs"), "{text}");
    assert_eq!(line(list, "a")[1..], ["exp1", "phantom", "birads_ge3", "small", "1", "40/40", "yes"]);
    assert_eq!(line(list, "deeper/b")[1..], ["exp1", "phantom", "birads_ge3", "small", "2", "7/40", "no"]);
    assert_eq!(line(list, "c")[1..], ["detection", "-", "-", "-", "1", "14/60", "no"]);
    for part in [
        "0.75 (0.74 to 0.76)",
        "2.00 (1.00 to 3.00)",
        "3 SIMULATED",
        "0.90 (0.80 to 1.00)",
        "0.25 (0.15 to 0.35)",
    ] {
        assert!(figures.contains(part), "{part:?} is not in: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");

    let notes = stderr(&output);
    let notes: Vec<&str> = notes.lines().collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("broken") && note.starts_with("note: passed over")));
    assert!(notes.iter().any(|note| note.contains("foreign") && note.contains("no experiment")));
}

#[test]
fn what_all_runs_share_is_said_once() {
    let dir = scratch();
    folders(dir.path());
    let (a, b) = (dir.path().join("a"), dir.path().join("deeper/b"));
    let text = stdout(mammo(["runs"]).args([&a, &b]));
    assert!(text.starts_with("2 runs, all of them with experiment exp1, data phantom"), "{text}");
    assert_eq!(text.matches("birads_ge3").count(), 1, "{text}");
    // A folder that is given twice, by itself and from above, is one run.
    let again = stdout(mammo(["runs"]).args([&a, &dir.path().join("deeper"), &b, &a]));
    assert!(again.starts_with("2 runs"), "{again}");
}

#[test]
fn runs_are_compared_by_the_settings_that_differ() {
    let dir = scratch();
    folders(dir.path());
    write(&dir.path().join("d/run.json"), &settings(1, 32));
    let compare = |names: &[&str]| stdout(mammo(["runs", "--compare"]).args(names).current_dir(dir.path()));
    let text = compare(&["a", "deeper/b", "d"]);
    assert_eq!(line(&text, "seed"), ["seed", "1", "2", "1"]);
    assert_eq!(line(&text, "preset.train.generator.ngf")[1..], ["16", "16", "32"]);
    assert!(!text.contains("preset.train.steps"), "{text}");
    assert_eq!(line(&text, "finished"), ["finished", "yes", "no", "no"]);
    assert!(text.contains("0.75 (0.74 to 0.76)") && text.contains("3 SIMULATED"), "{text}");
    // More runs than fit beside each other go on below.
    let wide = compare(&["a", "deeper/b", "c", "d"]);
    assert_eq!(wide.matches("preset.train.generator.ngf").count(), 2, "{wide}");
    for text in [text, wide] {
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    fail(mammo(["runs", "--compare", "a"]).current_dir(dir.path()), &["two runs", "one"]);
}

#[test]
fn of_several_readouts_the_last_one_counts() {
    let dir = scratch();
    folders(dir.path());
    let readout = dir.path().join("a/readout");
    let analysis = fs::read_to_string(readout.join("analysis.json")).unwrap();
    fs::remove_file(readout.join("analysis.json")).unwrap();
    for (step, auc) in [("step-0000020", "0.3"), ("step-0000040", "0.7")] {
        fs::create_dir(readout.join(step)).unwrap();
        fs::write(readout.join(step).join("analysis.json"), analysis.replace("0.625", auc)).unwrap();
    }
    let text = stdout(mammo(["runs"]).arg(dir.path().join("a")));
    assert!(text.contains(" 0.70 (") && !text.contains(" 0.30 ("), "{text}");
}

#[test]
fn json_says_the_same() {
    let dir = scratch();
    folders(dir.path());
    let read = |args: &[&str]| -> Value {
        serde_json::from_str(&stdout(mammo(["runs", "--json"]).args(args).current_dir(dir.path()))).unwrap()
    };
    let list = read(&["."]);
    assert_eq!(list["schema"], "mammo-runs/1");
    let run = &list["runs"][0];
    assert_eq!(
        (&run["folder"], &run["finished"], &run["steps_done"]),
        (&json!("a"), &json!(true), &json!(40))
    );
    assert_eq!(run["settings"], settings(1, 16));
    let figure = &run["figures"]["auc_tampering"];
    assert_eq!((&figure["value"], &figure["interval_95"][1]), (&json!(0.625), &json!(0.725)));
    assert_eq!(run["readers"], json!({ "count": 3, "simulated": true }));

    let comparison = read(&["--compare", "a", "deeper/b"]);
    assert_eq!(comparison["schema"], "mammo-runs-compare/1");
    assert_eq!(comparison["differences"], json!([{ "setting": "seed", "values": [1, 2] }]));
}

#[test]
fn folders_without_runs_are_no_failure_and_missing_ones_are() {
    let dir = scratch();
    fs::create_dir_all(dir.path().join("empty")).unwrap();
    let output = succeed(mammo(["runs", "empty"]).current_dir(dir.path()));
    assert!(stderr(&output).contains("there is no run folder in it"));
    fail(mammo(["runs"]).current_dir(dir.path()), &["runs", "no such folder"]);
    fail(mammo(["runs", "nowhere"]).current_dir(dir.path()), &["nowhere", "no such folder"]);
}

#[test]
fn damaged_results_are_notes_and_the_run_is_still_listed() {
    let dir = scratch();
    folders(dir.path());
    for name in ["counterfactual.json", "readout/analysis.json", "metrics.jsonl"] {
        fs::write(dir.path().join("a").join(name), "[\n").unwrap();
    }
    assert!(stdout(mammo(["runs", "."]).current_dir(dir.path().join("a"))).contains("exp1"));
    let output = succeed(mammo(["runs", "a"]).current_dir(dir.path()));
    assert_eq!(stderr(&output).lines().count(), 3, "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(line(&text, "a")[6..], ["-/40", "yes"]);
}

#[test]
fn a_run_of_this_program_is_listed_with_all_its_figures() {
    let text = stdout(mammo(["runs", "--json"]).arg(finished_run()));
    let list: Value = serde_json::from_str(&text).unwrap();
    let run = &list["runs"][0];
    assert_eq!((&run["steps_done"], &run["steps_asked"]), (&json!(STEPS), &json!(STEPS)));
    assert_eq!(run["finished"], true);
    assert_eq!(run["readers"]["simulated"], true);
    let mut names: Vec<_> = run["figures"].as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "auc_cancer_modified_by_source_label",
            "auc_cancer_originals",
            "auc_tampering",
            "observer_lowered_by_removal",
            "observer_raised_by_injection",
            "removal_approach",
            "removal_change_outside",
            "removal_contrast_share",
        ]
    );
}
