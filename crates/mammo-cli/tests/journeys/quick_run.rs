//! `reproduce-exp1 --quick`, the run that everybody does first.

use crate::support::{files, mammo, scratch, stderr, succeed};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn the_quick_run_leaves_a_folder_that_explains_itself() {
    let dir = scratch();
    let out = dir.path().join("run");
    let output = succeed(mammo(["reproduce-exp1", "--quick", "--out"]).arg(&out));

    // Standard output is for programs: the page's path and nothing else. People read standard error.
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\n", out.join("report.html").display()));
    let log = stderr(&output);
    for words in ["phantom", "training", "SIMULATED", "done after"] {
        assert!(log.contains(words), "{words:?} is not in the log: {log}");
    }
    assert!(!log.contains('\u{1b}'), "terminal codes where there is no terminal");

    let found = files(&out);
    everything_is_there(&out, &found.keys().cloned().collect());
    digests_hold(&out);
    manifest_agrees_with_the_release(&out);
    pictures_are_marked(&out, found.keys());
    dicom_says_synthetic(&out, found.keys());
    ratings_are_simulated(&out);
    page_is_whole(&out);
}

fn everything_is_there(out: &Path, found: &BTreeSet<PathBuf>) {
    for name in [
        "run.json",
        "manifest.jsonl",
        "cohort.json",
        "metrics.jsonl",
        "spectra.json",
        "counterfactual.json",
        "timing.json",
        "finished.json",
        "report.html",
        "readout/design.json",
        "readout/sheet.csv",
        "readout/ratings.csv",
        "readout/analysis.json",
        "release/phantom.json",
        "release/INbreast.csv",
        "checkpoints/step-0000060/state.safetensors",
        "checkpoints/step-0000060/state.json",
        "samples/step-0000030.png",
        "samples/step-0000060.png",
        "examples/removal.png",
        "examples/injection.png",
        "examples/injection_twins.png",
    ] {
        assert!(found.contains(Path::new(name)), "{name} is missing");
    }
    let unfinished: Vec<_> =
        found.iter().filter(|name| name.extension().is_some_and(|e| e == "tmp")).collect();
    assert!(unfinished.is_empty(), "{unfinished:?}");

    let config: serde_json::Value = mammo_files::read_json(&out.join("run.json")).unwrap();
    assert_eq!((&config["seed"], &config["preset_name"]), (&1.into(), &"smoke".into()));
    assert_eq!(config["preset"]["train"]["steps"], 60);
    let metrics: Vec<mammo_train::StepReport> =
        mammo_files::read_json_lines(&out.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics.iter().map(|report| report.step).collect::<Vec<_>>(), (1..=60).collect::<Vec<_>>());
}

fn digests_hold(out: &Path) {
    let finished: serde_json::Value = mammo_files::read_json(&out.join("finished.json")).unwrap();
    let digests = finished["sha256"].as_object().unwrap();
    assert!(digests.len() >= 8);
    for (name, digest) in digests {
        assert_eq!(&mammo_files::sha256_file(&out.join(name)).unwrap(), digest, "{name}");
    }
    let state: serde_json::Value =
        mammo_files::read_json(&out.join("checkpoints/step-0000060/state.json")).unwrap();
    let tensors = mammo_files::sha256_file(&out.join("checkpoints/step-0000060/state.safetensors")).unwrap();
    assert_eq!(state["tensors_sha256"], tensors);
}

fn manifest_agrees_with_the_release(out: &Path) {
    let lines: Vec<serde_json::Value> = mammo_files::read_json_lines(&out.join("manifest.jsonl")).unwrap();
    let (mut train, mut test) = (BTreeSet::new(), BTreeSet::new());
    for line in &lines {
        let path = out.join("release").join(line["path"].as_str().unwrap());
        assert_eq!(mammo_files::sha256_file(&path).unwrap(), line["sha256"], "{}", path.display());
        assert_eq!(line["synthetic"], true);
        let part = if line["part"] == "train" { &mut train } else { &mut test };
        part.insert(line["patient_id"].as_str().unwrap());
    }
    assert!(!train.is_empty() && !test.is_empty());
    assert!(train.is_disjoint(&test), "patients are on both sides of the split");
}

fn pictures_are_marked<'a>(out: &Path, names: impl Iterator<Item = &'a PathBuf>) {
    let mut places = BTreeSet::new();
    for name in names.filter(|name| name.extension().is_some_and(|e| e == "png")) {
        mammo_png::read_mark(&out.join(name)).unwrap_or_else(|error| panic!("{error}"));
        let beside: mammo_png::SideCar =
            mammo_files::read_json(&out.join(format!("{}.json", name.display()))).unwrap();
        assert!(beside.synthetic, "{}", name.display());
        places.insert(name.parent().unwrap().to_owned());
    }
    let expected = ["examples", "readout/images", "samples", "translated"].map(PathBuf::from);
    assert_eq!(places, BTreeSet::from(expected));
}

fn dicom_says_synthetic<'a>(out: &Path, names: impl Iterator<Item = &'a PathBuf>) {
    let mut count = 0;
    for name in names.filter(|name| name.extension().is_some_and(|e| e == "dcm")) {
        let header = mammo_dicom::read_header(&out.join(name)).unwrap();
        assert!(header.synthetic, "{}", name.display());
        count += 1;
    }
    assert!(count > 90, "{count} DICOM files");
}

fn ratings_are_simulated(out: &Path) {
    let ratings = mammo_reader::read_ratings(&out.join("readout/ratings.csv")).unwrap();
    assert!(ratings.iter().all(|rating| rating.simulated && rating.reader.contains("SIMULATED")));
    let readers: BTreeSet<_> = ratings.iter().map(|rating| &rating.reader).collect();
    assert_eq!(readers.len(), 3);
    let analysis: mammo_reader::Analysis =
        mammo_files::read_json(&out.join("readout/analysis.json")).unwrap();
    assert!(analysis.simulated);
    assert_eq!(analysis, mammo_reader::analyse(&ratings).unwrap());
}

/// Nothing on the page may be fetched: it names no address, and what a browser loads by itself is in the file.
fn page_is_whole(out: &Path) {
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("SIMULATED READERS"));
    assert!(!page.contains("://"), "the page names an address");
    for word in ["<script", "<link", "<iframe", "<object", "<embed", "@import", "url("] {
        assert!(!page.contains(word), "the page has {word}");
    }
    let pictures: Vec<&str> =
        page.match_indices(" src=\"").map(|(at, text)| &page[at + text.len()..]).collect();
    assert!(pictures.len() >= 4, "{} pictures", pictures.len());
    assert!(pictures.iter().all(|value| value.starts_with("data:image/png;base64,")));
}
