//! Run folders that cannot be used.

use crate::support::{STEPS, copied_run, fail, files, finished_run, looks_whole, mammo, same, scratch, tiny};
use std::fs;

#[test]
fn folders_that_cannot_be_made_are_named() {
    let dir = scratch();
    let file = dir.path().join("a-file");
    fs::write(&file, "x").unwrap();
    fail(&mut tiny(&file), &["a-file", "not a folder", "--out"]);
    fail(&mut tiny(&file.join("run")), &["a-file", "--out"]);
    assert_eq!(fs::read(&file).unwrap(), b"x");
}

#[test]
fn other_peoples_folders_are_left_alone() {
    let dir = scratch();
    fs::write(dir.path().join("thesis.doc"), "x").unwrap();
    fail(&mut tiny(dir.path()), &["not empty", "--out"]);
    assert_eq!(files(dir.path()).len(), 1);
}

/// A folder in the place of a file that the training writes stands for every write that fails half-way.
#[test]
fn a_write_that_fails_leaves_no_finished_run() {
    let dir = scratch();
    let out = copied_run(dir.path());
    fs::remove_file(out.join("spectra.json")).unwrap();
    fs::create_dir_all(out.join("spectra.json/in-the-way")).unwrap();
    fail(tiny(&out).arg("--resume"), &["spectra.json"]);
    assert!(!looks_whole(&out));
    fail(mammo(["report"]).arg(&out), &["no finished run", "--resume"]);
    // With the obstacle gone the run goes on to the same end.
    fs::remove_dir_all(out.join("spectra.json")).unwrap();
    crate::support::succeed(tiny(&out).arg("--resume"));
    same(&crate::support::decided(&out), &crate::support::decided(finished_run()));
}

#[test]
fn damaged_files_of_a_run_are_named() {
    let dir = scratch();
    let out = copied_run(dir.path());
    fs::write(out.join("readout/analysis.json"), "{").unwrap();
    fail(mammo(["report"]).arg(&out), &["analysis.json"]);
    fs::write(out.join("run.json"), "{").unwrap();
    fail(tiny(&out).arg("--resume"), &["run.json"]);
    fail(mammo(["report"]).arg(dir.path().join("nowhere")), &["nowhere", "no finished run"]);
}

#[test]
fn a_run_without_any_whole_checkpoint_starts_its_training_again() {
    let dir = scratch();
    let out = copied_run(dir.path());
    for step in [STEPS - 2, STEPS] {
        fs::write(out.join(format!("checkpoints/step-{step:07}/state.json")), "").unwrap();
    }
    let output = crate::support::succeed(tiny(&out).arg("--resume"));
    let log = crate::support::stderr(&output);
    assert_eq!(log.matches("passed over").count(), 2, "{log}");
    same(&crate::support::decided(&out), &crate::support::decided(finished_run()));
}
