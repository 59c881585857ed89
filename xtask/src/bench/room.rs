//! The reading room under load: fifty readers at once, and a hundred kills in the middle of writing. There is no peer to
//! run beside it; the bars are those of a reader's patience.

use crate::cargo::{build_mammo, cargo, root};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

pub(crate) fn room(as_json: bool, quick: bool) -> Result<ExitCode, String> {
    let mammo = build_mammo()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let dir = target.join("bench-room");
    let _ = std::fs::remove_dir_all(&dir);
    let (readers, kills) = if quick { ("5", "3") } else { ("50", "100") };
    let mut command =
        cargo(&["run", "--release", "--quiet", "--package", "mammo-room", "--example", "load", "--"]);
    command.arg(&mammo).arg(&dir).args([readers, kills]).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("the readers cannot be started: {error}"))?;
    let _ = std::fs::remove_dir_all(&dir);
    if !output.status.success() {
        return Err(format!("the readers failed ({})", output.status));
    }
    let value: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("no JSON: {error}"))?;
    if as_json {
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    let (load, crashes) = (&value["load"], &value["crashes"]);
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    println!(
        "{} SIMULATED readers at once without a pause, 256 x 256 pixels: {:.0} requests/s for {:.1} s",
        load["readers"],
        number(&load["requests_per_s"]),
        number(&load["seconds"])
    );
    for what in ["answer", "image"] {
        println!(
            "  {what:<7} median {:>6.1} ms, 99 % within {:>6.1} ms",
            number(&load[format!("{what}_p50_ms")]),
            number(&load[format!("{what}_p99_ms")])
        );
    }
    println!("  {} answers given, {} stored", load["answers_given"], load["answers_stored"]);
    println!(
        "{} kills: {} answers stored, {} confirmed ones lost, {} stored that nobody heard of; the log was whole each time",
        crashes["kills"], crashes["answers_stored"], crashes["answers_lost"], crashes["stored_but_not_heard"]
    );
    let sound = load["answers_given"] == load["answers_stored"] && crashes["answers_lost"] == 0;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
