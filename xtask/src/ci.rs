//! What continuous integration checks, in the order in which it fails fastest: this is the one list.
//!
//! Lints and pages share the metadata of dependencies, tests compile them with their own checks on, and the quick run is
//! the very command of the README with its release build.

use crate::cargo::{build_mammo, cargo, root, run};
use crate::cuda;
use std::process::{Command, ExitCode};
use std::time::Instant;

type Stage = (&'static str, fn() -> Result<(), String>);

const STAGES: [Stage; 7] = [
    ("format", format),
    ("lints", lints),
    ("cuda types", cuda_types),
    ("pages", pages),
    ("tests", tests),
    ("quick run", quick_run),
    ("quick detection", quick_detection),
];

fn format() -> Result<(), String> {
    run("cargo fmt", cargo(&["fmt", "--all", "--check"]))
}

fn lints() -> Result<(), String> {
    run("cargo clippy", cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// What the feature `cuda` switches on, with a stand-in for nvcc: here is neither a GPU nor a toolkit.
fn cuda_types() -> Result<(), String> {
    cuda::check(true).map(|_| ())
}

fn pages() -> Result<(), String> {
    let mut docs = cargo(&["doc", "--workspace", "--no-deps"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    run("cargo doc", docs)
}

fn tests() -> Result<(), String> {
    run("cargo test", cargo(&["test", "--workspace"]))
}

/// `reproduce-exp1 --quick`.
fn quick_run() -> Result<(), String> {
    quick("reproduce-exp1")
}

/// `reproduce-detection --quick`.
fn quick_detection() -> Result<(), String> {
    quick("reproduce-detection")
}

/// An experiment at toy size, in a folder that is new.
fn quick(experiment: &str) -> Result<(), String> {
    let mammo = build_mammo()?;
    let out = root().join("target").join(format!("ci-{experiment}"));
    // A run of an earlier check is in the way and worth nothing.
    if out.exists() {
        std::fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    let mut command = Command::new(mammo);
    command.args([experiment, "--quick", "--out"]).arg(&out).current_dir(root());
    run(&format!("{experiment} --quick"), command)
}

/// Runs every check, ends at the first that fails, and says how long each took.
pub(crate) fn ci() -> Result<ExitCode, String> {
    let mut times = Vec::new();
    for (name, stage) in STAGES {
        eprintln!("ci: {name}");
        let clock = Instant::now();
        stage()?;
        times.push(format!("{name} {:.0} s", clock.elapsed().as_secs_f64()));
    }
    eprintln!("ci: all well ({})", times.join(", "));
    Ok(ExitCode::SUCCESS)
}
