use clap::{Args as ClapArgs, Subcommand};
use std::path::PathBuf;

/// Subcommands of `detect`.
#[derive(Subcommand)]
pub(crate) enum DetectCommand {
    /// Train a detector on the held-out images of runs: originals, and what the runs' generators made of them
    Train(TrainArgs),
    /// Say of images how likely they were altered
    Score(ScoreArgs),
    /// Measure a detector on runs whose patients it was not trained on, also after blur, noise and the like
    Evaluate(EvaluateArgs),
}

/// Options of `detect train`.
#[derive(ClapArgs)]
pub(crate) struct TrainArgs {
    /// A finished run; may be given several times, for generators of several kinds
    #[arg(long, required = true, value_name = "DIR")]
    pub(crate) run: Vec<PathBuf>,

    /// Share of originals that may be called altered; it sets the threshold
    #[arg(long, default_value_t = 0.05)]
    pub(crate) false_alarm_rate: f64,

    /// Ridge of the regression, in images
    #[arg(long, default_value_t = 1.0)]
    pub(crate) ridge: f64,

    /// File for the detector
    #[arg(long, value_name = "FILE.json")]
    pub(crate) out: PathBuf,
}

/// Options of `detect score`.
#[derive(ClapArgs)]
pub(crate) struct ScoreArgs {
    /// The detector
    #[arg(long, value_name = "FILE.json")]
    pub(crate) detector: PathBuf,

    /// Grey PNG of 8 or 16 bits, of the detector's size
    #[arg(required = true)]
    pub(crate) images: Vec<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `detect evaluate`.
#[derive(ClapArgs)]
pub(crate) struct EvaluateArgs {
    /// The detector
    #[arg(long, value_name = "FILE.json")]
    pub(crate) detector: PathBuf,

    /// A finished run of other patients; may be given several times
    #[arg(long, required = true, value_name = "DIR")]
    pub(crate) run: Vec<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
