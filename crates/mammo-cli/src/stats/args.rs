use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use mammo_readout::{
    formats::{Format, ReadOptions},
    mrmc::FigureOfMerit,
};
use std::path::PathBuf;

/// Subcommands of `stats`.
#[derive(Subcommand)]
pub(crate) enum StatsCommand {
    /// Analyse a reader study: AUCs, comparisons of treatments, components, a methods paragraph
    Analyse(AnalyseArgs),
    /// How far readers agree: kappa, intraclass correlations, limits of agreement
    Agreement(AgreementArgs),
    /// Operating points of each reader: Youden, likelihood ratios, sensitivity at fixed specificities
    Points(PointsArgs),
    /// Power and sample size of a reader study
    Power(PowerArgs),
    /// Convert between csv, imrmc, lrc and xlsx
    Convert(ConvertArgs),
    /// What the readers and images of the paper can and cannot show
    Paper(PaperArgs),
}

/// How to read a long table.
#[derive(ClapArgs)]
pub(crate) struct TableArgs {
    /// Names of the columns in a csv file: reader,treatment,case,truth,rating
    #[arg(long, value_name = "R,T,C,TRUTH,RATING", value_parser = columns)]
    columns: Option<Columns>,

    /// Only rows of a csv file in which a column has a value; may be given several times
    #[arg(long = "where", value_name = "COLUMN=VALUE", value_parser = pair)]
    filter: Vec<(String, String)>,

    /// Column of a csv file that says which cases depend on each other, such as the patient or the source of an altered
    /// image (methods or and delong)
    #[arg(long, value_name = "COLUMN")]
    cluster: Option<String>,

    /// A lower rating is more positive (ratings are negated)
    #[arg(long)]
    pub(crate) lower_is_positive: bool,
}

#[derive(Clone)]
struct Columns([String; 5]);

impl TableArgs {
    pub(crate) fn options(&self) -> ReadOptions {
        let columns = self.columns.as_ref().map_or_else(|| ReadOptions::default().columns, |c| c.0.clone());
        ReadOptions { columns, filter: self.filter.clone(), cluster: self.cluster.clone() }
    }
}

/// Options of `stats analyse`.
#[derive(ClapArgs)]
pub(crate) struct AnalyseArgs {
    /// The study
    pub(crate) file: PathBuf,

    /// Format, where the file's ending does not tell: csv, imrmc, lrc or xlsx
    #[arg(long, value_parser = format)]
    pub(crate) format: Option<Format>,

    #[command(flatten)]
    pub(crate) table: TableArgs,

    /// Analysis
    #[arg(long, value_enum, default_value_t = Method::Or)]
    pub(crate) method: Method,

    /// Figure of merit: auc, binormal (maximum likelihood), pauc:FROM-TO (false positive rates), sens:THRESHOLD, spec:THRESHOLD, or sens@SPECIFICITY
    #[arg(long, default_value = "auc", value_parser = fom)]
    pub(crate) fom: FigureOfMerit,

    /// Covariances of the Obuchowski-Rockette method
    #[arg(long, value_enum, default_value_t = Covariance::Jackknife)]
    pub(crate) covariance: Covariance,

    /// Compare two treatments only; differences are the first minus the second
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) compare: Option<Vec<String>>,

    /// Compare the other readers with this one, such as an algorithm (one treatment)
    #[arg(long, value_name = "READER")]
    pub(crate) standalone: Option<String>,

    /// What each treatment's mean is held against [default: its value under guessing]
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) constant: Option<f64>,

    /// Also test non-inferiority and equivalence with this margin, one-sided
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) margin: Option<f64>,

    /// Coverage of intervals
    #[arg(long, default_value_t = 0.95, allow_negative_numbers = true)]
    pub(crate) level: f64,

    /// What the truth of the cases is, for the report: source label, intended label, modified ...
    #[arg(long, value_name = "TEXT")]
    pub(crate) truth_name: Option<String>,

    /// Replicates of the bootstrap
    #[arg(long, default_value_t = 2000)]
    pub(crate) replicates: usize,

    /// Seed of the bootstrap
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// Also write the plots roc.svg, readers.svg and differences.svg to this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) plots: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Obuchowski-Rockette with Hillis' degrees of freedom
    Or,
    /// Dorfman-Berbaum-Metz
    Dbm,
    /// U-statistics; missing readings and split plots
    Gallas,
    /// Each reader by himself or herself
    Delong,
    /// Over readers and cases, percentile intervals
    Bootstrap,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Covariance {
    /// Leave one case out
    Jackknife,
    /// Structural components
    Delong,
    /// U-statistics
    Unbiased,
}

/// Options of `stats agreement`.
#[derive(ClapArgs)]
pub(crate) struct AgreementArgs {
    #[command(flatten)]
    pub(crate) study: StudyArgs,
}

/// Options of `stats points`.
#[derive(ClapArgs)]
pub(crate) struct PointsArgs {
    #[command(flatten)]
    pub(crate) study: StudyArgs,

    /// Specificities at which the sensitivity is given
    #[arg(long, value_name = "S,...", value_delimiter = ',', default_value = "0.8,0.9")]
    pub(crate) specificity: Vec<f64>,

    /// What the truth of the cases is, for the report: source label, intended label, modified ...
    #[arg(long, value_name = "TEXT")]
    pub(crate) truth_name: Option<String>,
}

/// A study to describe.
#[derive(ClapArgs)]
pub(crate) struct StudyArgs {
    /// The study
    pub(crate) file: PathBuf,

    /// Format, where the file's ending does not tell: csv, imrmc, lrc or xlsx
    #[arg(long, value_parser = format)]
    pub(crate) format: Option<Format>,

    #[command(flatten)]
    pub(crate) table: TableArgs,

    /// Coverage of intervals
    #[arg(long, default_value_t = 0.95, allow_negative_numbers = true)]
    pub(crate) level: f64,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `stats power`.
#[derive(ClapArgs)]
pub(crate) struct PowerArgs {
    #[command(subcommand)]
    pub(crate) design: PowerCommand,

    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Designs of `stats power`.
#[derive(Subcommand)]
#[allow(clippy::large_enum_variant)] // made once, when the command line is read
pub(crate) enum PowerCommand {
    /// One ROC curve against chance
    Single(SinglePower),
    /// Two curves on the same cases, from a pilot's variances
    Paired(PairedPower),
    /// Mean AUC of several readers against a constant, and for equivalence with it
    Mean(MeanPower),
    /// Difference of two treatments, several readers, planned from a pilot study
    Mrmc(MrmcPowerArgs),
    /// Difference of two treatments by simulation (Roe and Metz)
    Simulate(SimulateArgs),
}

#[derive(ClapArgs)]
pub(crate) struct SinglePower {
    /// True AUC
    #[arg(long)]
    pub(crate) auc: f64,
    /// Positive cases; without them, the cases for --power are given
    #[arg(long, requires = "negative")]
    pub(crate) positive: Option<f64>,
    /// Negative cases
    #[arg(long, requires = "positive")]
    pub(crate) negative: Option<f64>,
    /// Negative cases a positive, when cases are asked for
    #[arg(long, default_value_t = 1.0)]
    pub(crate) ratio: f64,
    /// Power to reach
    #[arg(long, default_value_t = 0.8)]
    pub(crate) power: f64,
    /// Significance level
    #[arg(long, default_value_t = 0.05)]
    pub(crate) alpha: f64,
    /// One-sided test
    #[arg(long)]
    pub(crate) one_sided: bool,
}

#[derive(ClapArgs)]
pub(crate) struct PairedPower {
    /// Difference of the AUCs
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) difference: f64,
    /// Variance of the first AUC in the pilot
    #[arg(long)]
    pub(crate) var_a: f64,
    /// Variance of the second AUC in the pilot
    #[arg(long)]
    pub(crate) var_b: f64,
    /// Their covariance in the pilot
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) covariance: f64,
    /// Positive cases of the pilot
    #[arg(long)]
    pub(crate) pilot_positive: f64,
    /// Positive cases of the planned study; without them, the cases for --power are given
    #[arg(long)]
    pub(crate) positive: Option<f64>,
    /// Power to reach
    #[arg(long, default_value_t = 0.8)]
    pub(crate) power: f64,
    /// Significance level, two-sided
    #[arg(long, default_value_t = 0.05)]
    pub(crate) alpha: f64,
}

#[derive(ClapArgs)]
pub(crate) struct MeanPower {
    /// True mean AUC
    #[arg(long)]
    pub(crate) auc: f64,
    /// Readers
    #[arg(long)]
    pub(crate) readers: usize,
    /// Positive cases
    #[arg(long)]
    pub(crate) positive: usize,
    /// Negative cases
    #[arg(long)]
    pub(crate) negative: usize,
    /// The constant
    #[arg(long, default_value_t = 0.5)]
    pub(crate) constant: f64,
    /// Margin of equivalence around the constant
    #[arg(long)]
    pub(crate) margin: Option<f64>,
    /// Standard deviation between the readers' true AUCs
    #[arg(long, default_value_t = 0.05)]
    pub(crate) reader_sd: f64,
    /// Correlation of two readers' AUCs over cases
    #[arg(long, default_value_t = 0.3)]
    pub(crate) correlation: f64,
    /// Significance level
    #[arg(long, default_value_t = 0.05)]
    pub(crate) alpha: f64,
}

#[derive(ClapArgs)]
pub(crate) struct MrmcPowerArgs {
    /// The pilot study
    pub(crate) pilot: PathBuf,
    /// Its format, where the ending does not tell
    #[arg(long, value_parser = format)]
    pub(crate) format: Option<Format>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// The two treatments, when the pilot has more
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) compare: Option<Vec<String>>,
    /// Difference to detect [default: that of the pilot]
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) effect: Option<f64>,
    /// Readers
    #[arg(long)]
    pub(crate) readers: usize,
    /// Cases of both classes; without them, the cases for --power are given
    #[arg(long)]
    pub(crate) cases: Option<f64>,
    /// Power to reach
    #[arg(long, default_value_t = 0.8)]
    pub(crate) power: f64,
    /// Significance level, two-sided
    #[arg(long, default_value_t = 0.05)]
    pub(crate) alpha: f64,
    /// What is a sample: both, cases or readers
    #[arg(long, value_enum, default_value_t = SampledArg::Both)]
    pub(crate) sampled: SampledArg,
    /// Obuchowski's degrees of freedom (readers - 1) instead of Hillis'
    #[arg(long)]
    pub(crate) obuchowski: bool,
    /// Also write a plot of power over cases
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum SampledArg {
    Both,
    Cases,
    Readers,
}

#[derive(ClapArgs)]
pub(crate) struct SimulateArgs {
    /// True AUC of each treatment
    #[arg(long, value_delimiter = ',', num_args = 1..=2, required = true)]
    pub(crate) aucs: Vec<f64>,
    /// Readers
    #[arg(long)]
    pub(crate) readers: usize,
    /// Positive cases
    #[arg(long)]
    pub(crate) positive: usize,
    /// Negative cases
    #[arg(long)]
    pub(crate) negative: usize,
    /// Variance of readers, and of readers by treatments
    #[arg(long, default_value_t = 0.011)]
    pub(crate) var_r: f64,
    /// Low instead of high correlation between readings of a case
    #[arg(long)]
    pub(crate) low_correlation: bool,
    /// Analysis: or, dbm or gallas
    #[arg(long, value_enum, default_value_t = Method::Or)]
    pub(crate) method: Method,
    /// Studies to simulate
    #[arg(long, default_value_t = 2000)]
    pub(crate) replicates: usize,
    /// Significance level
    #[arg(long, default_value_t = 0.05)]
    pub(crate) alpha: f64,
    /// The number that everything random follows from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Options of `stats convert`.
#[derive(ClapArgs)]
pub(crate) struct ConvertArgs {
    /// File to read
    pub(crate) input: PathBuf,
    /// File to write
    pub(crate) output: PathBuf,
    /// Format to read, where the ending does not tell
    #[arg(long, value_parser = format)]
    pub(crate) from: Option<Format>,
    /// Format to write, where the ending does not tell
    #[arg(long, value_parser = format)]
    pub(crate) to: Option<Format>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// Options of `stats paper`.
#[derive(ClapArgs)]
pub(crate) struct PaperArgs {
    /// Print JSON instead of the page
    #[arg(long)]
    pub(crate) json: bool,
}

fn format(name: &str) -> Result<Format, String> {
    Format::from_name(name).ok_or_else(|| "give csv, imrmc, lrc or xlsx".to_owned())
}

fn columns(text: &str) -> Result<Columns, String> {
    let names: Vec<String> = text.split(',').map(|n| n.trim().to_owned()).collect();
    names
        .try_into()
        .map(Columns)
        .map_err(|_| "give five names: reader,treatment,case,truth,rating".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give COLUMN=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn fom(text: &str) -> Result<FigureOfMerit, String> {
    const HELP: &str = "give auc, binormal, pauc:FROM-TO, sens:THRESHOLD, spec:THRESHOLD or sens@SPECIFICITY";
    let number = |t: &str| t.parse::<f64>().map_err(|_| HELP.to_owned());
    if let Some(at) = text.strip_prefix("sens@") {
        return Ok(FigureOfMerit::SensitivityAt { specificity: number(at)? });
    }
    match text.split_once(':') {
        None if text == "auc" => Ok(FigureOfMerit::Auc),
        None if text == "binormal" => Ok(FigureOfMerit::BinormalAuc),
        Some(("pauc", range)) => {
            let (from, to) = range.split_once('-').ok_or(HELP)?;
            Ok(FigureOfMerit::PartialAuc { from: number(from)?, to: number(to)? })
        }
        Some(("sens", at)) => Ok(FigureOfMerit::Sensitivity { at_least: number(at)? }),
        Some(("spec", at)) => Ok(FigureOfMerit::Specificity { at_least: number(at)? }),
        _ => Err(HELP.to_owned()),
    }
}
