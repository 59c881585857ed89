use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use mammo_room::export::RatingScale;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Subcommands of `study`.
#[derive(Subcommand)]
pub(crate) enum StudyCommand {
    /// Draw the images of a study from a finished run and seal their truth
    Design(DesignArgs),
    /// Add somebody who can sign in
    #[command(subcommand)]
    Reader(ReaderCommand),
    /// Open the reading room for browsers
    Serve(ServeArgs),
    /// Let the SIMULATED readers complete a study through the reading room's own requests
    Simulate(SimulateArgs),
    /// Say how far the readers are
    Progress(StudyArgs),
    /// Check the log's chain of digests, and answers and orders against it
    Verify(StudyArgs),
    /// Write ratings with their truth: csv, imrmc, xlsx
    Export(ExportArgs),
    /// Analyse the ratings, beside the paper's tables
    Analyse(StudyAnalyseArgs),
}

/// Options of `study design`.
#[derive(ClapArgs)]
pub(crate) struct DesignArgs {
    /// A finished run, whose held-out images are shown
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,

    /// A run on the same data and seed with fewer steps, for the checkpoint "early" of becker-exp2
    #[arg(long, value_name = "DIR")]
    pub(crate) early: Option<PathBuf>,

    /// becker-exp1, becker-exp2, or a design of your own
    #[arg(long, default_value = "becker-exp1", value_name = "NAME|FILE.toml")]
    pub(crate) design: String,

    /// The number that the study is drawn from [default: that of the run, which gives the run's own readout]
    #[arg(long)]
    pub(crate) seed: Option<u64>,

    /// Readers that the study is planned for; decides nothing but the power that is printed
    #[arg(long, default_value_t = 3)]
    pub(crate) readers: usize,

    /// Folder to write
    #[arg(long, value_name = "STUDY")]
    pub(crate) out: PathBuf,
}

/// Subcommands of `study reader`.
#[derive(Subcommand)]
pub(crate) enum ReaderCommand {
    /// Make an account; prints the code to sign in with, once
    Add(AddArgs),
}

/// Options of `study reader add`.
#[derive(ClapArgs)]
pub(crate) struct AddArgs {
    /// The study
    pub(crate) study: PathBuf,

    /// The reader's name or pseudonym; the order of reading is drawn from it
    pub(crate) name: String,

    /// Somebody who sees how far the readers are, and reads nothing
    #[arg(long)]
    pub(crate) coordinator: bool,

    /// Take the password from standard input instead of making a code
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// Options of `study serve`.
#[derive(ClapArgs)]
pub(crate) struct ServeArgs {
    /// The study
    pub(crate) study: PathBuf,

    /// Address and port; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub(crate) bind: SocketAddr,

    /// Readers come through a proxy that speaks TLS: cookies are for TLS alone
    #[arg(long)]
    pub(crate) behind_tls: bool,

    /// Minutes without a request after which a reader must sign in again
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) idle_min: u32,
}

/// Options of `study simulate`.
#[derive(ClapArgs)]
pub(crate) struct SimulateArgs {
    /// The study
    pub(crate) study: PathBuf,

    /// The run that the study was drawn from; its training images fit the simulated readers
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,

    /// A reading room that is open already [default: one of its own, on a free port]
    #[arg(long, value_name = "http://ADDRESS:PORT")]
    pub(crate) url: Option<String>,
}

/// A study and nothing else.
#[derive(ClapArgs)]
pub(crate) struct StudyArgs {
    /// The study
    pub(crate) study: PathBuf,
}

/// Which answer is the rating.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ScaleArg {
    /// 0 to 100
    Score,
    /// BI-RADS category by rank, and the five points for tampering
    Category,
}

impl ScaleArg {
    pub(crate) fn scale(self) -> RatingScale {
        match self {
            Self::Score => RatingScale::Score,
            Self::Category => RatingScale::Category,
        }
    }
}

/// Options of `study export`.
#[derive(ClapArgs)]
pub(crate) struct ExportArgs {
    /// The study
    pub(crate) study: PathBuf,

    /// Which answer is the rating
    #[arg(long, default_value = "score")]
    pub(crate) scale: ScaleArg,

    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Options of `study analyse`.
#[derive(ClapArgs)]
pub(crate) struct StudyAnalyseArgs {
    /// The study
    pub(crate) study: PathBuf,

    /// Which answer is the rating
    #[arg(long, default_value = "score")]
    pub(crate) scale: ScaleArg,

    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,

    /// Write a page, too
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
}
