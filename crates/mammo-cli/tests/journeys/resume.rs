//! A run that is killed at any moment and resumed ends as if nothing had happened.

use crate::support::{
    STEPS, copied_run, decided, fail, files, finished_run, first, looks_whole, same, scratch, stderr,
    succeed, tiny,
};
use mammo_core::Seed;
use rand::Rng;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Starts a run, or goes on with one, and kills it as `kill -9` does once the folder holds so many files, which does not
/// depend on how fast the machine is. Says whether the run was still unfinished.
fn kill(out: &Path, at_files: usize) -> bool {
    let mut child = start(out).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while count(out) < at_files && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    !out.join("finished.json").exists()
}

/// Files below a folder that is being written to.
fn count(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
}

/// Before there is a configuration in the folder there is nothing to resume.
fn start(out: &Path) -> std::process::Command {
    let mut command = tiny(out);
    if out.join("run.json").exists() {
        command.arg("--resume");
    }
    command
}

#[test]
fn killed_runs_end_like_an_undisturbed_one() {
    let dir = scratch();
    let whole = files(finished_run()).len() as f64;
    let mut random = Seed(20).stream("journeys/kill");
    let mut unfinished = 0;
    // Three runs that are killed once, and one that is killed again and again.
    for (run, kills) in [1, 1, 1, 4].into_iter().enumerate() {
        let out = dir.path().join(format!("killed-{run}"));
        let mut moments: Vec<f64> = (0..kills).map(|_| random.random_range(0.0..0.95)).collect();
        moments.sort_by(f64::total_cmp);
        for moment in moments {
            if kill(&out, (moment * whole) as usize) {
                unfinished += 1;
            } else {
                // It was faster than the killer, and then it must be whole.
                same(&decided(&out), &decided(finished_run()));
            }
        }
        succeed(&mut start(&out));
        same(&decided(&out), &decided(finished_run()));
    }
    assert!(unfinished > 0, "every run ended before it was killed");
}

/// The training leaves few files of its own, so this kill waits for one of its steps.
#[test]
fn a_run_killed_in_its_training_resumes_from_a_checkpoint() {
    let dir = scratch();
    let out = dir.path().join("run");
    let mut child = tiny(&out).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let steps = || std::fs::read_to_string(out.join("metrics.jsonl")).map_or(0, |text| text.lines().count());
    while steps() < STEPS / 2 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let output = succeed(tiny(&out).arg("--resume"));
    assert!(stderr(&output).contains("training goes on after step"), "{}", stderr(&output));
    same(&decided(&out), &decided(finished_run()));
}

#[test]
fn a_truncated_checkpoint_is_passed_over_and_named() {
    let dir = scratch();
    let out = copied_run(dir.path());
    let newest = out.join(format!("checkpoints/step-{STEPS:07}/state.safetensors"));
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() / 3]).unwrap();
    let output = succeed(tiny(&out).arg("--resume"));
    let log = stderr(&output);
    assert!(log.contains("passed over") && log.contains(&format!("step-{STEPS:07}")), "{log}");
    assert!(log.contains(&format!("goes on after step {}", STEPS - 2)), "{log}");
    same(&decided(&out), &decided(finished_run()));
}

#[test]
fn a_damaged_phantom_release_is_made_again() {
    for damage in [&b""[..], b"not DICOM"] {
        let dir = scratch();
        let out = copied_run(dir.path());
        std::fs::write(first(&out.join("release/AllDICOMs"), ".dcm"), damage).unwrap();
        let output = succeed(tiny(&out).arg("--resume"));
        assert!(stderr(&output).contains("damaged phantom release"), "{}", stderr(&output));
        same(&decided(&out), &decided(finished_run()));
    }
}

#[test]
fn other_settings_are_refused_with_the_first_that_differs() {
    let dir = scratch();
    let out = copied_run(dir.path());
    let before = files(&out);
    fail(tiny(&out).args(["--resume", "--seed", "9"]), &["seed 1, not 9", "repeat its options", "--out"]);
    fail(tiny(&out).args(["--resume", "--labels", "mass"]), &["labels", "\"birads_ge3\", not \"mass\""]);
    fail(tiny(&out).args(["--resume", "--steps", "20"]), &["preset.train.", "not"]);
    fail(&mut tiny(&out), &["there is a run in this folder", "--resume"]);
    same(&before, &files(&out));
}

#[test]
fn there_must_be_something_to_resume() {
    let dir = scratch();
    let out = dir.path().join("nothing");
    fail(tiny(&out).arg("--resume"), &["nothing", "no run in this folder"]);
    assert!(!out.exists() && !looks_whole(&out));
}
