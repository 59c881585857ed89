//! The training step on a GPU beside PyTorch's on the same GPU, in one run and alternately, in each precision; beside both the
//! least time that the step can take.
//!
//! Each turn is a process of its own. PyTorch takes the step in several ways, because its users do: what counts is the ratio to
//! the plain one and to the fastest. A way that fails (no compiler for `torch.compile`, too little memory) is shown as failed
//! and the others go on.

mod limits;
mod memory;
mod options;
mod results;
mod row;
mod work;

use super::python;
use super::turn::Turn;
use crate::cargo::root;
use crate::cuda::{Programs, build};
use limits::Limits;
use memory::Watch;
use options::{Options, Precision};
use results::Results;
use row::{Cell, Series};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use work::Config;

/// What ends a call that left something for the next, as `timeout` does.
const OUT_OF_TIME: u8 = 124;

/// What is started for a turn.
struct Peers {
    launcher: PathBuf,
    python: PathBuf,
    script: PathBuf,
}

/// `bench train --device cuda:N`.
pub(super) fn train(args: &[String]) -> Result<ExitCode, String> {
    let options = match Options::parse(args) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("xtask: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    let clock = Clock { began: Instant::now(), limit: options.seconds, longest: Duration::ZERO };
    let peers = peers(&options)?;
    let limits = Limits::measure(&peers.python, &options.device)?;
    let results = Results::open(&options, &limits)?;
    all(&options, &peers, &limits, results, clock)
}

/// Programs of the pack, else a build; and a Python whose torch sees the GPU.
fn peers(options: &Options) -> Result<Peers, String> {
    if let Some(pack) = &options.pack {
        let peers = Peers {
            launcher: pack.join("run"),
            python: PathBuf::from("python3"),
            script: pack.join("torch_step.py"),
        };
        for file in [&peers.launcher, &peers.script] {
            if !file.exists() {
                return Err(format!("{}: missing, so {} is no pack", file.display(), pack.display()));
            }
        }
        return Ok(peers);
    }
    let python = PathBuf::from("python3");
    let python = if sees_gpu(&python) { python } else { python::with(&["numpy", "torch"])? };
    let script = root().join("crates").join("mammo-train").join("benches").join("torch_step.py");
    Ok(Peers { launcher: build(Programs::BenchStep)?.launcher, python, script })
}

fn sees_gpu(python: &Path) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", "import sys, torch; sys.exit(not torch.cuda.is_available())"]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// How long the call has, and how long a turn takes at most.
struct Clock {
    began: Instant,
    limit: Option<f64>,
    longest: Duration,
}

impl Clock {
    /// Whether a turn as long as the longest would end too late.
    fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| (self.began.elapsed() + self.longest).as_secs_f64() > limit)
    }
}

fn all(
    options: &Options,
    peers: &Peers,
    limits: &Limits,
    mut results: Results,
    mut clock: Clock,
) -> Result<ExitCode, String> {
    let mut failed = false;
    for (name, config) in options.configs() {
        for &precision in &options.precisions {
            if results.has(&name, precision) {
                continue;
            }
            let Some(cell) = cell(options, peers, &name, &config, precision, &mut clock) else {
                eprintln!(
                    "bench train: the time is over before {name} in {}; go on with --resume",
                    precision.name()
                );
                return Ok(ExitCode::from(OUT_OF_TIME));
            };
            failed |= cell.ours.error.is_some();
            let floor = limits.floor(work::work(&config, precision.bytes()), precision);
            results.add(&row::row(&name, &config, precision, &cell, floor, limits))?;
        }
    }
    if failed {
        return Err("our own step failed in some configurations: see ours_error of the results".to_owned());
    }
    Ok(ExitCode::SUCCESS)
}

/// All turns of one configuration in one precision; nothing where the time was over before the first round was through.
fn cell(
    options: &Options,
    peers: &Peers,
    name: &str,
    config: &Config,
    precision: Precision,
    clock: &mut Clock,
) -> Option<Cell> {
    let mut cell = Cell::new(&options.variants);
    for round in 0..options.rounds {
        // Everyone is first once, so that what a GPU does differently when it has just worked falls on all.
        let count = options.variants.len() + 1;
        for place in (0..count).map(|place| (place + round) % count) {
            if clock.is_over() {
                return (round > 0).then(|| cell.of_rounds(round));
            }
            let began = Instant::now();
            let variant = place.checked_sub(1).map(|place| options.variants[place]);
            let series = cell.series(variant);
            if series.error.is_none() {
                eprintln!("bench train: {name} {}: {}", precision.name(), variant.unwrap_or("ours"));
                let command = command(options, peers, config, precision, variant);
                turn(series, name, command, options.gpu);
            }
            clock.longest = clock.longest.max(began.elapsed());
        }
    }
    Some(cell)
}

/// One process, with what the GPU's memory is filled by meanwhile.
fn turn(series: &mut Series, name: &str, command: Command, gpu: usize) {
    let watch = Watch::start(gpu);
    match Turn::of(name, command) {
        Ok(turn) => {
            series.device_mib.extend(watch.map(Watch::peak_mib));
            series.turns.push(turn);
        }
        Err(error) => {
            // Of a page of Python the last line says what it was.
            let last =
                error.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it says nothing");
            eprintln!("bench train: failed: {last}");
            series.error = Some(last.to_owned());
        }
    }
}

/// Ours without a variant, else PyTorch's.
fn command(
    options: &Options,
    peers: &Peers,
    config: &Config,
    precision: Precision,
    variant: Option<&str>,
) -> Command {
    let steps = if config.batch == 1 { options.steps } else { options.steps.div_ceil(2) };
    let mut described = json!({
        "net": if config.becker { "becker" } else { "zhu" }, "height": config.height, "width": config.width,
        "ngf": config.ngf, "ndf": config.ndf, "blocks": config.blocks, "batch": config.batch, "steps": steps,
        "threads": std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        "device": options.device, "precision": precision.name(),
    });
    if let Some(variant) = variant {
        described["variant"] = variant.into();
        let mut command = Command::new(&peers.python);
        command.arg(&peers.script).arg(described.to_string());
        command
    } else {
        let mut command = Command::new(&peers.launcher);
        // With the libraries that PyTorch uses, where it has brought its own.
        command.args(["--from", "python", "bench_step"]).arg(described.to_string());
        command
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Programs that answer as ours and PyTorch do; one variant fails.
    fn peers(dir: &Path) -> Peers {
        let script = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let ours = "#!/bin/sh\n[ \"$1 $2 $3\" = '--from python bench_step' ] || exit 1\necho '{\"seconds\": [0.001, 0.003]}'\n";
        let python = "#!/bin/sh\ncase $2 in *compiled*) echo 'a page' >&2; echo 'no compiler' >&2; exit 1 ;; esac\n\
                      case $2 in *'\"variant\":'*) echo '{\"seconds\": [0.004], \"gpu_peak_mib\": 7}' ;; *) exit 1 ;; esac\n";
        Peers {
            launcher: script("run", ours),
            python: script("python", python),
            script: dir.join("torch_step.py"),
        }
    }

    #[test]
    fn a_run_keeps_what_it_measures_and_goes_on() {
        let dir = std::env::temp_dir().join(format!("mammo-bench-gpu-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let out = dir.join("results.jsonl");
        let words =
            format!("--device cuda:0 --only becker --rounds 2 --json --resume --out {}", out.display());
        let mut options =
            Options::parse(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).unwrap();
        let limits = Limits {
            measured: json!({ "gpu": "made up", "f32": 1e14, "tf32": 4e14, "bf16": 8e14, "copy": 3e12 }),
        };
        let peers = peers(&dir);
        let call = |options: &Options| {
            let clock = Clock { began: Instant::now(), limit: options.seconds, longest: Duration::ZERO };
            let results = Results::open(options, &limits).unwrap();
            all(options, &peers, &limits, results, clock).unwrap()
        };
        let rows = || -> Vec<serde_json::Value> {
            let text = std::fs::read_to_string(&out).unwrap_or_default();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        options.seconds = Some(0.0);
        assert_eq!(call(&options), ExitCode::from(OUT_OF_TIME));
        assert!(rows().is_empty());
        options.seconds = None;
        assert_eq!(call(&options), ExitCode::SUCCESS);
        let measured = rows();
        // Batches of 1 and 8 in three precisions.
        assert_eq!(measured.len(), 6);
        let first = &measured[0];
        assert_eq!((&first["config"], &first["rounds"]), (&json!("becker 256x256 batch 1"), &json!(2)));
        assert!((first["ours"]["ms"].as_f64().unwrap() - 2.0).abs() < 1e-9, "{first}");
        assert!((first["peers"]["graph"]["ratio"].as_f64().unwrap() - 0.5).abs() < 1e-9, "{first}");
        assert!(first["peers"]["compiled"]["error"].as_str().unwrap().ends_with("no compiler"));
        assert_eq!(call(&options), ExitCode::SUCCESS);
        assert_eq!(rows(), measured);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
