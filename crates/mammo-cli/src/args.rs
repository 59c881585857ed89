//! The command line.

use crate::run::DataSource;
use clap::{Args as ClapArgs, Parser, Subcommand};
use mammo_core::LabelRule;
use mammo_dataset::ViewFilter;
use mammo_ops::{DeviceChoice, Precision};
use std::path::PathBuf;

/// Research on tampering with mammograms by CycleGAN, and on finding it. Not for diagnosis.
#[derive(Parser)]
#[command(name = "mammo", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed, with one sentence on stderr; 2 wrong usage; 130 interrupted, go on with --resume";

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant)] // made once, when the command line is read
pub(crate) enum Command {
    /// Experiment 1 of Becker et al. (arXiv 1811.07767) from mammograms to report
    #[command(name = "reproduce-exp1", after_help = EXIT_CODES)]
    ReproduceExp1(ExperimentArgs),
    /// Experiment 2 of Becker et al.: larger images, readouts of an early and of the last networks
    #[command(name = "reproduce-exp2", after_help = EXIT_CODES)]
    ReproduceExp2(ExperimentArgs),
    /// Experiment 1 with images called cancer by their mass, beside the same by BI-RADS: does one feature at a time work better?
    #[command(name = "reproduce-mass", after_help = EXIT_CODES)]
    ReproduceMass(MassArgs),
    /// An experiment over seeds and settings: mean and spread
    #[command(after_help = EXIT_CODES)]
    Sweep(SweepArgs),
    /// Whether detectors find what CycleGANs and gradient attacks do to mammograms, from generators to report
    #[command(name = "reproduce-detection", after_help = EXIT_CODES)]
    ReproduceDetection(DetectionArgs),
    /// Make a release of procedural mammograms with counterfactual twins, laid out as INbreast
    Phantom(PhantomArgs),
    /// Analyse a ratings file: ROC, AUC with intervals, and tests, reader by reader
    Analyse(AnalyseArgs),
    /// Write the report of a finished run again
    Report(ReportArgs),
    /// List runs with their settings, how far they came and what they found, or show in what they differ
    Runs(crate::runs::RunsArgs),
    /// Say what a copy of a data set holds and what is wrong with it; every file is read, nothing is written
    Audit(crate::audit::AuditArgs),
    /// Make a prepared set from data sets: trainA, trainB, testA, testB of 16-bit PNG, split by patient
    Ingest(crate::ingest::IngestArgs),
    /// Statistics of reader studies: analysis, power, conversion of files
    #[command(subcommand)]
    Stats(crate::stats::StatsCommand),
    /// Put malignant features into images, or take them out, by the generators of a finished run
    Translate(crate::translate::TranslateArgs),
    /// Networks to pytorch-CycleGAN and from it
    #[command(subcommand)]
    Weights(crate::weights::WeightsCommand),
    /// Detect altered images: train on runs, score pictures, evaluate on other patients
    #[command(subcommand)]
    Detect(crate::detect::DetectCommand),
    /// Seal folders of images at acquisition, and see later what was changed
    #[command(subcommand)]
    Seal(crate::seal::SealCommand),
    /// Find pictures that are marked as synthetic, or lost their mark
    #[command(name = "check-marks")]
    CheckMarks(crate::seal::CheckMarksArgs),
    /// Blinded reader studies in the browser: design, reading room, export, analysis
    #[command(subcommand)]
    Study(crate::study::StudyCommand),
}

/// What every experiment asks for: images, a seed and a folder.
#[derive(ClapArgs, Clone)]
pub(crate) struct RunArgs {
    /// Images: `phantom` (made on the spot), `inbreast:DIR`, `mini-mias:DIR`, or another data set of `mammo audit`
    #[arg(long, default_value = "phantom", value_name = "SOURCE")]
    pub(crate) data: DataSource,

    /// What is called cancer: birads_ge3, birads_ge4_drop3, mass_flag, mass_roi, mass, bcdr_any_outline,
    /// bcdr_malign, abnormal or malignant [default: the preset's, else birads_ge3]
    #[arg(long, value_name = "RULE")]
    pub(crate) labels: Option<LabelRule>,

    /// Projections: cc, mlo or all [default: cc, as in the paper, but all of mini-MIAS, which has mlo alone]
    #[arg(long)]
    pub(crate) views: Option<ViewFilter>,

    /// The number that everything random is drawn from
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) seed: u64,

    /// Run folder [default: a new one under runs/]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Go on with an interrupted run: the one in --out, else the newest with these settings under runs/
    #[arg(long)]
    pub(crate) resume: bool,
}

/// Options of `reproduce-exp1` and `reproduce-exp2`.
#[derive(ClapArgs, Clone)]
pub(crate) struct ExperimentArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,

    /// Settings: cpu and cpu-exp2 (minutes; the defaults), cpu-becker (minutes), becker-exp1, becker-exp2, report-birads, report-mass,
    /// zhu (as published; days on a CPU), smoke and smoke-exp2 (seconds), or a TOML file of your own
    #[arg(long, value_name = "NAME|FILE", value_parser = crate::preset::known)]
    pub(crate) preset: Option<String>,

    /// Where the networks train: cpu, or cuda:N in a build with CUDA [default: the preset's, else cpu]
    #[arg(long, value_name = "cpu|cuda:N")]
    pub(crate) device: Option<DeviceChoice>,

    /// How exact the multiplications of convolutions are while networks train: f32, tf32 (on a GPU) or bf16
    /// [default: the preset's, else f32]
    #[arg(long, value_name = "f32|tf32|bf16")]
    pub(crate) precision: Option<Precision>,

    /// Training steps instead of the preset's; the learning rate is constant for the first half
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,

    /// The whole path at toy size in under a minute; the same as --preset smoke or smoke-exp2
    #[arg(long, conflicts_with_all = ["preset", "steps"])]
    pub(crate) quick: bool,

    /// Ratings by people instead of simulated readers: a filled-in readout/sheet.csv of this run; with several readouts a folder
    /// in which each has its sheet as in the run's own folder
    #[arg(long, value_name = "FILE.csv|DIR")]
    pub(crate) ratings: Option<PathBuf>,
}

/// Options of `reproduce-mass`.
#[derive(ClapArgs, Clone)]
pub(crate) struct MassArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,

    /// Seeds, each for a run by mass and a run by BI-RADS; instead of --seed
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "1", conflicts_with = "seed")]
    pub(crate) seeds: Vec<u64>,
}

/// Options of `sweep`.
#[derive(ClapArgs)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,

    /// Seeds, each for a run of every setting; instead of --seed
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "1,2,3", conflicts_with = "seed")]
    pub(crate) seeds: Vec<u64>,

    /// A setting of the preset and its values, such as train.weights.lambda_identity=0,0.5; several make a grid
    #[arg(long, value_name = "PATH=VALUE,VALUE")]
    pub(crate) set: Vec<String>,

    /// Experiment 2 instead of 1
    #[arg(long)]
    pub(crate) second: bool,
}

/// Options of `reproduce-detection`.
#[derive(ClapArgs)]
pub(crate) struct DetectionArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,

    /// Settings: detection (minutes), detection-512 (half an hour), detection-smoke (seconds), or a TOML file of your own
    #[arg(long, default_value = "detection", value_name = "NAME|FILE", value_parser = crate::detection_study::known_preset)]
    pub(crate) preset: String,

    /// How often the three parts of the patients change roles: 3 judges every patient once, for small data sets
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(crate) rotations: u8,

    /// Training steps of the generators instead of the preset's
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,

    /// The whole path at toy size in under two minutes; the same as --preset detection-smoke
    #[arg(long, conflicts_with_all = ["preset", "steps"])]
    pub(crate) quick: bool,
}

/// Options of `phantom`.
#[derive(ClapArgs)]
pub(crate) struct PhantomArgs {
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// People
    #[arg(long, default_value_t = 100)]
    pub(crate) patients: usize,

    /// The number that everything random is drawn from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Options of `analyse`.
#[derive(ClapArgs)]
pub(crate) struct AnalyseArgs {
    /// Ratings with the columns reader, case, arm, truth_label, truth_modified, question and rating
    pub(crate) ratings: PathBuf,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `report`.
#[derive(ClapArgs)]
pub(crate) struct ReportArgs {
    /// A finished run folder
    pub(crate) run: PathBuf,
}
