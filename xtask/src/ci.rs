//! What continuous integration checks, in the order in which it fails fastest.

use crate::cargo::{build_mammo, cargo, root, run};
use std::process::{Command, ExitCode};

fn quick_run() -> Result<(), String> {
    let mammo = build_mammo()?;
    let out = root().join("target").join("ci-quick-run");
    // A run of an earlier check is in the way and worth nothing.
    if out.exists() {
        std::fs::remove_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    }
    let mut command = Command::new(mammo);
    command.args(["reproduce-exp1", "--quick", "--out"]).arg(&out).current_dir(root());
    run("the quick run", command)
}

/// Runs every check.
pub(crate) fn ci() -> Result<ExitCode, String> {
    run("cargo fmt", cargo(&["fmt", "--all", "--check"]))?;
    run("cargo clippy", cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let mut docs = cargo(&["doc", "--workspace", "--no-deps"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    run("cargo doc", docs)?;
    run("cargo test", cargo(&["test", "--workspace"]))?;
    quick_run()?;
    Ok(ExitCode::SUCCESS)
}
