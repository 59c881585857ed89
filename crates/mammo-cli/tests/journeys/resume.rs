//! A run that is killed at any moment and resumed ends as if nothing had happened.

use crate::support::{
    STEPS, copied_run, decided, fail, finished_run, looks_whole, same, scratch, stderr, succeed, tiny,
};
use mammo_core::Seed;
use rand::Rng;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Starts a run, or goes on with one, kills it after `after` as `kill -9` does, and says whether it had ended before.
fn kill(out: &Path, after: Duration) -> bool {
    let mut child = start(out).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap().success()
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
    let clock = Instant::now();
    succeed(&mut tiny(&dir.path().join("undisturbed")));
    let whole = clock.elapsed();

    let mut random = Seed(20).stream("journeys/kill");
    let mut in_the_middle = 0;
    // Three runs that are killed once, and one that is killed again and again.
    for (run, kills) in [1, 1, 1, 4].into_iter().enumerate() {
        let out = dir.path().join(format!("killed-{run}"));
        for _ in 0..kills {
            if !kill(&out, whole.mul_f64(random.random_range(0.1..0.8))) {
                in_the_middle += 1;
                assert!(!out.join("finished.json").exists(), "an unfinished run looks finished");
            }
        }
        succeed(&mut start(&out));
        same(&decided(&out), &decided(finished_run()));
    }
    assert!(in_the_middle > 0, "every run ended before it was killed");
}

/// Kills by the clock may all fall between two stages; this one falls into the training, at a step of our choice.
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
        std::fs::write(crate::support::first(&out.join("release/AllDICOMs"), ".dcm"), damage).unwrap();
        let output = succeed(tiny(&out).arg("--resume"));
        assert!(stderr(&output).contains("damaged phantom release"), "{}", stderr(&output));
        same(&decided(&out), &decided(finished_run()));
    }
}

#[test]
fn other_settings_are_refused_with_the_first_that_differs() {
    let dir = scratch();
    let out = copied_run(dir.path());
    let before = crate::support::files(&out);
    fail(tiny(&out).args(["--resume", "--seed", "9"]), &["seed 1, not 9", "repeat its options", "--out"]);
    fail(tiny(&out).args(["--resume", "--labels", "mass"]), &["labels", "\"birads_ge3\", not \"mass\""]);
    fail(tiny(&out).args(["--resume", "--steps", "20"]), &["preset.train.", "not"]);
    fail(&mut tiny(&out), &["there is a run in this folder", "--resume"]);
    same(&before, &crate::support::files(&out));
}

#[test]
fn there_must_be_something_to_resume() {
    let dir = scratch();
    let out = dir.path().join("nothing");
    fail(tiny(&out).arg("--resume"), &["nothing", "no run in this folder"]);
    assert!(!out.exists() && !looks_whole(&out));
}
