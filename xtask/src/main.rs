//! Runs the repository: `cargo xtask TASK`. One task, one file; no crate of the workspace is needed to build it.

mod bench;
mod cargo;
mod ci;
mod cuda;
mod reproduce;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  reproduce-exp1 [OPTIONS]  build mammo and run experiment 1; `reproduce-exp1 --help` lists the options
  reproduce-exp2 [OPTIONS]  the same for experiment 2: larger images, early and late networks
  reproduce-mass [OPTIONS]  experiment 1 with cancer by mass beside cancer by BI-RADS
  reproduce-detection [OPTIONS]
                            build mammo and train and judge detectors of what generators do
  bench train [--json]      the training step beside PyTorch's, in one run; on a GPU with --device cuda:0
  bench ops [--json]        every operation beside the machine's peak
  bench ingest [--json]     mammo ingest beside pydicom and scikit-image, in one run
  bench stats [--json]      reader statistics beside numpy, scipy and R, in one run
  bench detect [--json]     detectors on 1,000 images, the network beside PyTorch's
  bench room [--json]       the reading room under load and under kills
  cuda TASK                 builds for GPUs: toolkit, check, build, test, pack; `cuda --help` says more
  ci                        what continuous integration checks: format, lints, docs, tests, the quick run

Exit codes: 0 done; 1 failed; 2 wrong usage; 130 interrupted, go on with --resume
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let result = match args.next().as_deref() {
        Some(name @ ("reproduce-exp1" | "reproduce-exp2" | "reproduce-mass" | "reproduce-detection")) => {
            reproduce::experiment(name, args.collect())
        }
        Some("ci") => ci::ci(),
        Some("cuda") => cuda::cuda(&args.collect::<Vec<_>>()),
        Some("bench") => bench::bench(&args.collect::<Vec<_>>()),
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprintln!("xtask: {} is not a task\n\n{HELP}", other.unwrap_or("nothing"));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
