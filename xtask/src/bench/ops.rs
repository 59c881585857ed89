//! Every operation of `mammo-ops` beside the limit of the machine that it comes up against: Criterion measures, and this reads
//! what it has written.

use super::median;
use crate::cargo::{cargo, root, run};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

/// One benchmark as Criterion left it.
struct Measured {
    name: String,
    seconds: f64,
    low: f64,
    high: f64,
    /// Operations, or bytes where memory bounds.
    work: f64,
    in_bytes: bool,
}

pub(crate) fn ops(as_json: bool, quick: bool) -> Result<ExitCode, String> {
    run("the build", cargo(&["bench", "--package", "mammo-ops", "--bench", "ops", "--no-run"]))?;
    let started = SystemTime::now();
    let mut command = cargo(&["bench", "--quiet", "--package", "mammo-ops", "--bench", "ops", "--"]);
    // As programs that train are started (`mammo_train::tune_process`).
    command.env("CANDLE_NUM_THREADS", "1");
    command.env("MALLOC_MMAP_THRESHOLD_", "33554432").env("MALLOC_TRIM_THRESHOLD_", "17179869184");
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.args(if quick { &["--quick"][..] } else { &["--noplot"] });
    run("the benchmarks", command)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let mut all = Vec::new();
    collect(&target.join("criterion"), started, &mut all)?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let rates = |bytes: bool| -> Vec<f64> {
        let peaks = all.iter().filter(|one| one.name.starts_with("peak/") && one.in_bytes == bytes);
        peaks.map(|one| one.work / one.seconds / 1e9).collect()
    };
    let (product, copy) = (median(&rates(false)), median(&rates(true)));
    if !as_json {
        println!("{:<55} {:>10} {:>24} {:>9}", "operation", "[ms]", "rate (95 % interval)", "of peak");
    }
    for one in &all {
        let rate = |seconds: f64| one.work / seconds / 1e9;
        let (unit, peak) = if one.in_bytes { ("GB/s", copy) } else { ("GFLOP/s", product) };
        let share = rate(one.seconds) / peak;
        if as_json {
            println!(
                "{}",
                json!({
                    "operation": one.name, "seconds": one.seconds, "rate": rate(one.seconds), "rate_low": rate(one.high),
                    "rate_high": rate(one.low), "unit": unit, "peak": peak, "share_of_peak": share,
                })
            );
        } else {
            let rates = format!("{:.0} ({:.0} to {:.0})", rate(one.seconds), rate(one.high), rate(one.low));
            println!("{:<55} {:>10.3} {rates:>16} {unit:<7} {share:>9.2}", one.name, one.seconds * 1e3);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The benchmarks under `dir` that were measured after `started`; others are left over from earlier versions.
fn collect(dir: &Path, started: SystemTime, all: &mut Vec<Measured>) -> Result<(), String> {
    let cannot = |what: &str, error: &dyn std::fmt::Display| {
        format!("cannot read {what} under {}: {error}", dir.display())
    };
    for entry in std::fs::read_dir(dir).map_err(|error| cannot("measurements", &error))? {
        let path = entry.map_err(|error| cannot("measurements", &error))?.path();
        if !path.is_dir() {
            continue;
        }
        if path.file_name().is_none_or(|name| name != "new") {
            collect(&path, started, all)?;
            continue;
        }
        let file = path.join("estimates.json");
        if !file.metadata().and_then(|data| data.modified()).is_ok_and(|changed| changed >= started) {
            continue;
        }
        let read = |name: &str| -> Result<Value, String> {
            let text = std::fs::read_to_string(path.join(name)).map_err(|error| cannot(name, &error))?;
            serde_json::from_str(&text).map_err(|error| cannot(name, &error))
        };
        let (estimates, benchmark) = (read("estimates.json")?, read("benchmark.json")?);
        // The slope over growing numbers of repetitions, where Criterion could fit one.
        let estimate = if estimates["slope"].is_object() { &estimates["slope"] } else { &estimates["mean"] };
        let interval = &estimate["confidence_interval"];
        let seconds = |value: &Value| value.as_f64().map(|nanoseconds| nanoseconds / 1e9);
        let throughput = &benchmark["throughput"];
        let (work, in_bytes) = match throughput["Elements"].as_f64() {
            Some(elements) => (Some(elements), false),
            None => (throughput["Bytes"].as_f64(), true),
        };
        let (Some(name), Some(middle), Some(low), Some(high), Some(work)) = (
            benchmark["full_id"].as_str(),
            seconds(&estimate["point_estimate"]),
            seconds(&interval["lower_bound"]),
            seconds(&interval["upper_bound"]),
            work,
        ) else {
            return Err(cannot("measurements", &"they have another layout than expected"));
        };
        all.push(Measured { name: name.to_owned(), seconds: middle, low, high, work, in_bytes });
    }
    Ok(())
}
