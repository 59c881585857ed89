//! The command `mammo`: the only place where all crates of the workspace meet.
//!
//! Exit codes: 0 done; 1 failed, with one sentence on stderr; 2 wrong usage; 130 interrupted, to be resumed.

mod args;
mod audit;
mod detect;
mod detection_study;
mod experiment;
mod held_out;
mod ingest;
mod interrupt;
mod output;
mod preset;
mod progress;
mod run;
mod runs;
mod seal;
mod series;
mod stats;
mod study;
mod translate;
mod weights;

/// A training step allocates and frees the same large tensors over and over. glibc can be told to keep their memory
/// ([`mammo_train::tune_process`]); where the system's allocator is another, this one does.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use clap::Parser;
use std::process::ExitCode;

/// How a command ended when it did not fail.
enum Ending {
    Done,
    Interrupted,
    /// With an exit code of its own meaning.
    Code(u8),
}

fn main() -> ExitCode {
    let args = args::Args::parse();
    mammo_train::tune_process();
    match dispatch(args.command) {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Interrupted) => ExitCode::from(130),
        Ok(Ending::Code(code)) => ExitCode::from(code),
        Err(error) => {
            eprintln!("mammo: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// One line for an error: the outermost context first, then what each cause adds. Errors of the libraries name file and
/// remedy, and often quote their cause, which must not be said twice.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain() {
        let words = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if !sentence.contains(&words) {
            sentence += if sentence.is_empty() { "" } else { ": " };
            sentence += &words;
        }
    }
    sentence
}

fn dispatch(command: args::Command) -> anyhow::Result<Ending> {
    match command {
        args::Command::ReproduceExp1(args) => experiment::run(experiment::Experiment::One, &args),
        args::Command::ReproduceExp2(args) => experiment::run(experiment::Experiment::Two, &args),
        args::Command::ReproduceMass(args) => series::reproduce_mass(&args),
        args::Command::Sweep(args) => series::sweep(&args),
        args::Command::ReproduceDetection(args) => detection_study::run(&args),
        args::Command::Phantom(args) => experiment::write_phantom(&args),
        args::Command::Analyse(args) => experiment::analyse_ratings(&args),
        args::Command::Report(args) => report(&args),
        args::Command::Runs(args) => runs::run(&args),
        args::Command::Audit(args) => audit::run(&args),
        args::Command::Ingest(args) => ingest::run(&args),
        args::Command::Stats(command) => stats::run(command),
        args::Command::Translate(args) => translate::run(&args),
        args::Command::Weights(command) => weights::run(&command),
        args::Command::Detect(command) => detect::run(&command),
        args::Command::Seal(command) => seal::run(&command),
        args::Command::CheckMarks(args) => seal::marks(&args),
        args::Command::Study(command) => study::run(command),
    }
}

/// `mammo report`: the page of a finished run again, whichever experiment it is of.
fn report(args: &args::ReportArgs) -> anyhow::Result<Ending> {
    let folder = run::RunFolder::existing(&args.run)?;
    match folder.experiment()?.as_str() {
        "reproduce-detection" => detection_study::render_again(&folder)?,
        "reproduce-mass" | "sweep" => series::render_again(&folder)?,
        _ => experiment::render_again(&folder)?,
    }
    output::print(&format!("{}\n", folder.report().display()))?;
    Ok(Ending::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_one_line_that_says_nothing_twice() {
        let cause = std::io::Error::other("line 3:\n  no number");
        let error = anyhow::Error::new(cause).context("a.csv: line 3: no number").context("the ratings");
        assert_eq!(sentence(&error), "the ratings: a.csv: line 3: no number");
    }
}
