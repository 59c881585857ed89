//! Benchmarks against peers: both on the same work, in the same run, alternately.

mod detect;
mod ingest;
mod ops;
mod python;
mod room;
mod stats;
mod train;
mod turn;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask bench WHAT [--json]

  train [--quick]   the training step beside PyTorch's, step for step
  ops [--quick]     every operation of mammo-ops beside the machine's peak
  ingest [--quick]  mammo ingest beside a pydicom + scikit-image script, on 200 files of 3328 x 4084 pixels (5.4 GB
                    of disk while it runs)
  stats [--quick]   reader statistics beside numpy, scipy and, where it is installed, R's pROC
  detect [--quick]  1,000 images of 256 x 256 pixels scored by detectors, the network beside PyTorch's
  room [--quick]    the reading room under fifty readers at once, and killed a hundred times
";

/// One of the benchmarks.
pub(crate) fn bench(args: &[String]) -> Result<ExitCode, String> {
    let flag = |name: &str| args.iter().any(|arg| arg == name);
    match args.first().map(String::as_str) {
        Some("train") => train::train(flag("--json"), flag("--quick")),
        Some("ops") => ops::ops(flag("--json"), flag("--quick")),
        Some("ingest") => ingest::ingest(flag("--json"), flag("--quick")),
        Some("detect") => detect::detect(flag("--json"), flag("--quick")),
        Some("room") => room::room(flag("--json"), flag("--quick")),
        Some("stats") => stats::stats(flag("--json"), flag("--quick")),
        other => {
            eprintln!("xtask: {} is not a benchmark\n\n{HELP}", other.unwrap_or("nothing"));
            Ok(ExitCode::from(2))
        }
    }
}

/// The middle of some numbers.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}
