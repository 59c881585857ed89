//! `reproduce-detection`: generators, detectors and what they say of patients that neither has seen.

use crate::support::{fail, files, mammo, scratch, stderr, succeed};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The smoke preset with everything smaller still.
fn preset(dir: &Path) -> String {
    let mut text = include_str!("../../presets/detection-smoke.toml").to_owned();
    for (from, to) in [
        ("patients = 60", "patients = 48"),
        ("\nsteps = 40", "\nsteps = 8"),
        ("constant_steps = 20", "constant_steps = 4"),
        ("checkpoint_every_steps = 20", "checkpoint_every_steps = 2"),
        ("sample_every_steps = 20", "sample_every_steps = 4"),
        ("early_steps = [20]", "early_steps = [4]"),
        ("identity_steps = 20", "identity_steps = 4"),
        ("network_epochs = 2", "network_epochs = 1"),
        ("classifier_epochs = 3", "classifier_epochs = 1"),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let path = dir.join("tiny.toml");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn tiny(preset: &str, out: &Path) -> Command {
    let mut command = mammo(["reproduce-detection", "--preset", preset, "--out"]);
    command.arg(out);
    command
}

#[test]
fn a_study_of_detection_judges_patients_that_nobody_has_learned_from_and_can_be_resumed() {
    let dir = scratch();
    let preset = preset(dir.path());
    let out = dir.path().join("study");
    // Killed as by kill -9 once the second generator is being trained, and resumed.
    let mut child = tiny(&preset, &out).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !out.join("rotation-1/generators/resize/checkpoints").exists()
        && child.try_wait().unwrap().is_none()
    {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let output = succeed(tiny(&preset, &out).arg("--resume"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\n", out.join("report.html").display()));
    assert!(!stderr(&output).contains('\u{1b}'), "terminal codes where there is no terminal");

    let found = files(&out);
    for name in [
        "run.json",
        "manifest.jsonl",
        "scores.csv",
        "results.json",
        "finished.json",
        "examples/places.png",
        "rotation-1/detectors/network.json",
    ] {
        assert!(found.contains_key(Path::new(name)), "{name} is missing");
    }
    let pictures = found.keys().filter(|name| name.extension().is_some_and(|e| e == "png"));
    let mut count = 0;
    for name in pictures {
        mammo_png::read_mark(&out.join(name)).unwrap_or_else(|e| panic!("{}: {e}", name.display()));
        count += 1;
    }
    assert!(count > 300, "{count} pictures");
    parts_share_nobody(&out);

    let results: Value = serde_json::from_slice(&fs::read(out.join("results.json")).unwrap()).unwrap();
    for table in ["generators", "controls", "handlings", "steps", "attack_detection", "evasion", "splices"] {
        for rows in results[table].as_array().unwrap() {
            for row in rows["rows"].as_array().unwrap() {
                let auc = &row["detection"];
                let (low, value, high) =
                    (auc["ci_low"].as_f64(), auc["auc"].as_f64(), auc["ci_high"].as_f64());
                assert!(low <= value && value <= high && low < high, "{table}: {row}");
            }
        }
    }
    // The same pixels once more, in 16 bits and in 8, cannot be told from themselves.
    for rows in results["controls"].as_array().unwrap() {
        assert_eq!(rows["rows"][0]["detection"]["auc"], 0.5, "{rows}");
        assert_eq!(rows["rows"][1]["detection"]["auc"], 0.5, "{rows}");
    }
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    for words in ["Null controls", "SIMULATED", "Handling alone", "A smoke test"] {
        assert_eq!(page.contains(words), words != "A smoke test", "{words}");
    }

    fs::remove_file(out.join("report.html")).unwrap();
    succeed(mammo(["report"]).arg(&out));
    assert_eq!(fs::read_to_string(out.join("report.html")).unwrap(), page, "made again from the folder");

    // Undisturbed, it comes to the same results.
    let again = dir.path().join("again");
    succeed(&mut tiny(&preset, &again));
    assert_eq!(fs::read(again.join("results.json")).unwrap(), fs::read(out.join("results.json")).unwrap());
    fail(&mut tiny(&preset, &out), &["there is a run in this folder already", "--resume"]);
}

/// Nobody is in two parts.
fn parts_share_nobody(out: &Path) {
    let mut parts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in fs::read_to_string(out.join("manifest.jsonl")).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        parts.entry(text("part")).or_default().insert(text("patient_id"));
    }
    assert_eq!(parts.len(), 3);
    let together: BTreeSet<&String> = parts.values().flatten().collect();
    assert_eq!(together.len(), parts.values().map(BTreeSet::len).sum::<usize>());
}

#[test]
fn studies_that_cannot_be_are_refused_before_any_work() {
    let dir = scratch();
    let out = dir.path().join("study");
    let mut command = mammo(["reproduce-detection", "--preset", "gpu", "--out"]);
    let output = command.arg(&out).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("detection-smoke"));
    let text = include_str!("../../presets/detection-smoke.toml");
    for (from, to, part) in [
        ("early_steps = [20]", "early_steps = [30]", "multiples of sample_every_steps"),
        ("network_epochs = 2", "network_epochs = 0", "network_epochs must be at least 1"),
        ("height_px = 64\n", "height_px = 32\n", "too small"),
        ("[train]", "[trane]", "line"),
    ] {
        let path = dir.path().join("bad.toml");
        fs::write(&path, text.replace(from, to)).unwrap();
        let mut command = mammo(["reproduce-detection", "--out"]);
        fail(command.arg(&out).arg("--preset").arg(&path), &[part]);
        assert!(!out.exists(), "{part}");
    }
}
