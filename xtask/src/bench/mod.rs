//! Benchmarks against peers: both on the same work, in the same run, alternately.

mod detect;
mod gpu;
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
  train --device cuda:N [--quick]
                    the same on a GPU, in f32, tf32 and bf16, with batches of 1 and 8, beside PyTorch's several ways to take it
                    and beside what the GPU does at best; wants a python3 whose torch sees the GPU
      --pack DIR        programs of a pack (cargo xtask cuda pack) instead of a build; needs no cargo then
      --out FILE        append each result as a line of JSON; --resume leaves out what FILE has
      --seconds N       begin nothing that would end later; what is left is for a call with --resume
      --only WORD       networks and sizes with this in their name: becker, zhu, 512x408
      --batch 1,8  --precision f32,tf32,bf16  --rounds 3
      --variant eager,channels_last,compiled,graph,graph_channels_last
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
        Some("train") if device(args).is_some_and(|device| device != "cpu") => gpu::train(&args[1..]),
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

/// What `--device` asks for.
fn device(args: &[String]) -> Option<&str> {
    let at = args.iter().position(|arg| arg == "--device")?;
    Some(args.get(at + 1).map_or("", String::as_str))
}

/// The middle of some numbers.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}
