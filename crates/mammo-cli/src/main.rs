//! The command `mammo`: the only place where all crates of the workspace meet.
//!
//! Exit codes: 0 done; 1 failed, with one sentence on stderr; 2 wrong usage; 130 interrupted, to be resumed.

mod args;
mod exp1;
mod interrupt;
mod preset;
mod progress;
mod stats;

/// A training step allocates and frees the same large tensors over and over; this allocator keeps their pages, where the
/// system's gives them back and fetches them again, which costs a fifth of the step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use clap::Parser;
use std::process::ExitCode;

/// How a command ended when it did not fail.
enum Ending {
    Done,
    Interrupted,
}

fn main() -> ExitCode {
    let args = args::Args::parse();
    rest_candle_threads();
    match run(args.command) {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Interrupted) => ExitCode::from(130),
        Err(error) => {
            // Errors of the libraries name file and remedy; the outermost context comes first.
            eprintln!("mammo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Candle keeps threads of its own for sums of large tensors, which wait by spinning and so take a core from our kernels.
/// It sizes them by an environment variable alone, and only a new process can be given one without unsafe code.
fn rest_candle_threads() {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        const THREADS: &str = "CANDLE_NUM_THREADS";
        if std::env::var_os(THREADS).is_none()
            && let Ok(program) = std::env::current_exe()
        {
            let mut again = std::process::Command::new(program);
            again.args(std::env::args_os().skip(1)).env(THREADS, "1");
            // It returns only if it failed; then the work goes on here, somewhat slower.
            let _ = again.exec();
        }
    }
}

fn run(command: args::Command) -> anyhow::Result<Ending> {
    match command {
        args::Command::ReproduceExp1(args) => exp1::run(&args),
        args::Command::Phantom(args) => exp1::write_phantom(&args),
        args::Command::Analyse(args) => exp1::analyse_ratings(&args),
        args::Command::Report(args) => exp1::render_again(&args),
        args::Command::Stats(command) => stats::run(command),
    }
}
