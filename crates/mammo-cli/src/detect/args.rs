use clap::{Args as ClapArgs, Subcommand, ValueEnum};
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
    /// Set detectors beside the readers of a run's readout: one ROC plot, and a test of each detector against the readers
    Beside(BesideArgs),
}

/// What weighs an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodName {
    /// Measures of the whole image, weighed by a logistic regression; trains in seconds
    Measures,
    /// A small network that also shows where; trains in minutes
    Network,
}

/// Options of `detect train`.
#[derive(ClapArgs)]
pub(crate) struct TrainArgs {
    /// A finished run; may be given several times, for generators of several kinds
    #[arg(long, required = true, value_name = "DIR")]
    pub(crate) run: Vec<PathBuf>,

    /// What weighs an image
    #[arg(long, default_value = "measures")]
    pub(crate) method: MethodName,

    /// Copies of every image under a drawn handling (JPEG, blur, noise ...) for one as it is, so that the detector looks
    /// for traces of a generator and not of handling
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub(crate) handled: usize,

    /// How often a network sees every image
    #[arg(long, default_value_t = 30)]
    pub(crate) epochs: usize,

    /// The number that handlings and the network's training are drawn from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Share of originals that may be called altered; it sets the threshold
    #[arg(long, default_value_t = 0.05)]
    pub(crate) false_alarm_rate: f64,

    /// Ridge of the regression of measures, in images
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

    /// Write a map of where each image looks altered, as PNG beside each other in this folder; for networks
    #[arg(long, value_name = "DIR")]
    pub(crate) places: Option<PathBuf>,

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

/// Options of `detect beside`.
#[derive(ClapArgs)]
pub(crate) struct BesideArgs {
    /// A detector; may be given several times
    #[arg(long, required = true, value_name = "FILE.json")]
    pub(crate) detector: Vec<PathBuf>,

    /// A finished run of experiment 1, of whose patients the detectors have seen none
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,

    /// Ratings of this run's readout by people [default: those in the run, readout/ratings.csv]
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) ratings: Option<PathBuf>,

    /// Write a page with the plot
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
