//! The command `mammo`: the only place where all crates of the workspace meet.
//!
//! Exit codes: 0 done; 1 failed, with one sentence on stderr; 2 wrong usage; 130 interrupted, to be resumed.

mod args;
mod exp1;
mod interrupt;
mod preset;
mod progress;

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

fn run(command: args::Command) -> anyhow::Result<Ending> {
    match command {
        args::Command::ReproduceExp1(args) => exp1::run(&args),
        args::Command::Phantom(args) => exp1::write_phantom(&args),
        args::Command::Analyse(args) => exp1::analyse_ratings(&args),
        args::Command::Report(args) => exp1::render_again(&args),
    }
}
