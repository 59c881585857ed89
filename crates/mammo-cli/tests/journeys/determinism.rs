//! The seed decides everything but the time taken, whatever the number of threads.

use crate::support::{STEPS, decided, finished_run, same, scratch, succeed, tiny};
use std::path::Path;

/// The page without the two facts that a clock and a machine decide.
fn page(run: &Path) -> String {
    let text = std::fs::read_to_string(run.join("report.html")).unwrap();
    let facts = ["<dt>Time</dt>", "<dt>Device</dt>"];
    let kept: Vec<&str> = text.lines().filter(|line| !facts.iter().any(|fact| line.contains(fact))).collect();
    assert_eq!(kept.len() + facts.len(), text.lines().count());
    kept.join("\n")
}

#[test]
fn one_seed_gives_one_result_on_any_number_of_threads() {
    let dir = scratch();
    for threads in ["1", "3"] {
        let out = dir.path().join(threads);
        succeed(tiny(&out).env("RAYON_NUM_THREADS", threads));
        same(&decided(&out), &decided(finished_run()));
        assert_eq!(page(&out), page(finished_run()));
    }
}

#[test]
fn another_seed_gives_other_images_weights_and_ratings() {
    let dir = scratch();
    let out = dir.path().join("run");
    succeed(tiny(&out).args(["--seed", "2"]));
    let (a, b) = (decided(&out), decided(finished_run()));
    let checkpoint = format!("checkpoints/step-{STEPS:07}/state.safetensors");
    for name in [
        "run.json",
        "manifest.jsonl",
        "metrics.jsonl",
        checkpoint.as_str(),
        "samples/step-0000012.png",
        "examples/removal.png",
        "release/INbreast.csv",
        "readout/images/C001.png",
        "readout/ratings.csv",
        "readout/analysis.json",
    ] {
        assert_ne!(a[Path::new(name)], b[Path::new(name)], "{name} does not depend on the seed");
    }
}
