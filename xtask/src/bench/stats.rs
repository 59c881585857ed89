//! Reader statistics beside numpy and scipy, and beside R's pROC where it is installed: same data, same run.

use super::turn::Turn;
use super::{median, python};
use crate::cargo::{cargo, root, run};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Turns of us and the peer, alternately, so that what else the machine does falls on both.
const ROUNDS: usize = 5;
const THREADS: &str = "2";

/// A task, and what it must hold.
struct Task {
    id: &'static str,
    name: &'static str,
    /// Whether numpy code for it exists.
    numpy: bool,
    goal: Goal,
    /// How far the two answers may lie apart, relatively.
    agree: f64,
}

#[derive(Clone, Copy)]
enum Goal {
    /// At most this share of the peer's time.
    Share(f64),
    /// At most this many seconds.
    Seconds(f64),
    None,
}

const TASKS: [Task; 8] = [
    Task {
        id: "delong_250000",
        name: "DeLong, two curves of 250,000",
        numpy: true,
        goal: Goal::None,
        agree: 1e-9,
    },
    Task {
        id: "delong_500000",
        name: "DeLong, two curves of 500,000",
        numpy: true,
        goal: Goal::None,
        agree: 1e-9,
    },
    Task {
        id: "delong_1000000",
        name: "DeLong, two curves of 1,000,000",
        numpy: true,
        goal: Goal::Share(0.25),
        agree: 1e-9,
    },
    Task {
        id: "delong_2000000",
        name: "DeLong, two curves of 2,000,000",
        numpy: true,
        goal: Goal::None,
        agree: 1e-9,
    },
    Task {
        id: "or_delong",
        name: "OR, DeLong: 20 readers x 2 x 5,000 cases",
        numpy: true,
        goal: Goal::Seconds(2.0),
        agree: 1e-9,
    },
    Task {
        id: "or_jackknife",
        name: "OR, jackknife: the same",
        numpy: true,
        goal: Goal::Seconds(2.0),
        agree: 1e-9,
    },
    Task { id: "gallas", name: "Gallas: the same", numpy: false, goal: Goal::Seconds(2.0), agree: 0.0 },
    Task {
        id: "bootstrap",
        name: "10,000 replicates, 5 readers x 2 x 114 cases",
        numpy: true,
        goal: Goal::Seconds(2.0),
        // Other random numbers: standard errors from 10,000 replicates.
        agree: 0.05,
    },
];

pub(crate) fn stats(as_json: bool, quick: bool) -> Result<ExitCode, String> {
    let python = python::with(&["numpy", "scipy"])?;
    let build = ["build", "--release", "--package", "mammo-readout", "--example", "bench_stats"];
    run("the build", cargo(&build))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let ours = target.join("release").join("examples").join("bench_stats");
    let benches = root().join("crates").join("mammo-readout").join("benches");
    let folder = target.join("bench-stats");
    let mut data = Command::new(&ours);
    data.arg("data").arg(&folder);
    run("drawing the data", data)?;
    let proc_missing = r_without_proc();
    if let Some(reason) = &proc_missing {
        eprintln!("R's pROC is left out: {reason}");
    }
    if !as_json {
        println!(
            "{:<46} {:<12} {:>9} {:>9} {:>22} {:>16}  goal",
            "task", "peer", "ours [s]", "peer [s]", "ratio (spread)", "memory [MiB]"
        );
    }
    let mut missed = false;
    for task in TASKS {
        // Sizes without a goal show how time and memory grow; one turn does.
        let rounds = if quick || matches!(task.goal, Goal::None) { 1 } else { ROUNDS };
        let us = || {
            let mut command = Command::new(&ours);
            command.arg(task.id).arg(&folder).env("RAYON_NUM_THREADS", THREADS);
            command
        };
        let numpy = || {
            let mut command = Command::new(&python);
            command.arg(benches.join("stats_numpy.py")).arg(task.id).arg(&folder);
            for variable in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] {
                command.env(variable, THREADS);
            }
            command
        };
        let peer: Option<(&str, &dyn Fn() -> Command)> =
            if task.numpy { Some(("numpy/scipy", &numpy)) } else { None };
        let row = measure(&task, rounds, &us, peer)?;
        missed |= row.met == Some(false);
        row.print(&task, as_json);
        if task.id == "delong_1000000" && proc_missing.is_none() {
            let proc = || r_command(&benches.join("stats_proc.R"), task.id, &folder);
            // pROC takes seconds a turn; one is enough to see the order of it.
            measure(&Task { goal: Goal::None, ..task }, 1, &us, Some(("pROC", &proc)))?.print(&task, as_json);
        }
    }
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn r_command(script: &Path, task: &str, folder: &Path) -> Command {
    let mut command = Command::new("Rscript");
    command.arg("--vanilla").arg(script).arg(task).arg(folder);
    command
}

/// Why pROC cannot be run, if it cannot.
fn r_without_proc() -> Option<String> {
    let mut command = Command::new("Rscript");
    command.args(["--vanilla", "-e", "library(pROC)"]);
    match command.output() {
        Err(error) => Some(format!("Rscript cannot be started ({error}); Debian has r-cran-proc")),
        Ok(output) if !output.status.success() => {
            Some("R has no package pROC; Debian has r-cran-proc".to_owned())
        }
        Ok(_) => None,
    }
}

/// What a task came to.
struct Row {
    peer: &'static str,
    ours_s: f64,
    peer_s: Option<f64>,
    /// Median of the ratios of the rounds, lowest, highest.
    ratio: Option<[f64; 3]>,
    ours_mib: f64,
    peer_mib: f64,
    met: Option<bool>,
    apart: Option<f64>,
}

fn measure(
    task: &Task,
    rounds: usize,
    us: &dyn Fn() -> Command,
    peer: Option<(&'static str, &dyn Fn() -> Command)>,
) -> Result<Row, String> {
    let (mut our_turns, mut peer_turns) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        our_turns.push(Turn::of(task.name, us())?);
        if let Some((name, command)) = peer {
            peer_turns.push(Turn::of(&format!("{}, {name}", task.name), command())?);
        }
    }
    let ratios: Vec<f64> =
        our_turns.iter().zip(&peer_turns).map(|(o, p)| median(&o.seconds) / median(&p.seconds)).collect();
    let all = |turns: &[Turn]| median(&turns.iter().flat_map(|t| t.seconds.clone()).collect::<Vec<_>>());
    let peak = |turns: &[Turn]| turns.iter().map(|t| t.peak_mib).fold(f64::NAN, f64::max);
    let ratio = (!ratios.is_empty()).then(|| {
        let fold = |of: fn(f64, f64) -> f64| ratios.iter().copied().reduce(of).unwrap_or(f64::NAN);
        [median(&ratios), fold(f64::min), fold(f64::max)]
    });
    let apart = peer_turns.first().map(|p| {
        let (ours, peers) = (our_turns[0].value, p.value);
        (ours - peers).abs() / peers.abs()
    });
    if let Some(apart) = apart.filter(|a| *a > task.agree || a.is_nan()) {
        return Err(format!(
            "{}: the two answers lie {apart:.1e} apart; they must agree to be compared",
            task.name
        ));
    }
    let ours_s = all(&our_turns);
    let met = match task.goal {
        Goal::Share(share) => ratio.map(|r| r[0] <= share),
        Goal::Seconds(seconds) => Some(ours_s <= seconds),
        Goal::None => None,
    };
    Ok(Row {
        peer: peer.map_or("-", |p| p.0),
        ours_s,
        peer_s: (!peer_turns.is_empty()).then(|| all(&peer_turns)),
        ratio,
        ours_mib: peak(&our_turns),
        peer_mib: peak(&peer_turns),
        met,
        apart,
    })
}

impl Row {
    fn print(&self, task: &Task, as_json: bool) {
        let goal = match task.goal {
            Goal::Share(share) => format!("ratio {share} or less"),
            Goal::Seconds(seconds) => format!("{seconds} s or less"),
            Goal::None => String::new(),
        };
        let number = |x: f64| if x.is_nan() { Value::Null } else { json!(x) };
        if as_json {
            println!(
                "{}",
                json!({
                    "task": task.name, "peer": self.peer, "threads": THREADS, "ours_s": self.ours_s,
                    "peer_s": self.peer_s, "ratio": self.ratio.map(|r| r[0]),
                    "ratio_low": self.ratio.map(|r| r[1]), "ratio_high": self.ratio.map(|r| r[2]),
                    "ours_peak_mib": number(self.ours_mib), "peer_peak_mib": number(self.peer_mib),
                    "answers_apart": self.apart, "goal": if self.met.is_some() { goal } else { String::new() },
                    "met": self.met,
                })
            );
            return;
        }
        let text = |x: Option<f64>| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.3}"));
        let ratio =
            self.ratio.map_or_else(|| "-".to_owned(), |[m, l, h]| format!("{m:.3} ({l:.3} to {h:.3})"));
        let mib = |x: f64| if x.is_nan() { "-".to_owned() } else { format!("{x:.0}") };
        let verdict = match self.met {
            Some(true) => format!("{goal}: met"),
            Some(false) => format!("{goal}: MISSED"),
            None => String::new(),
        };
        let line = format!(
            "{:<46} {:<12} {:>9.3} {:>9} {:>22} {:>16}  {verdict}",
            task.name,
            self.peer,
            self.ours_s,
            text(self.peer_s),
            ratio,
            format!("{} / {}", mib(self.ours_mib), mib(self.peer_mib)),
        );
        println!("{}", line.trim_end());
    }
}
