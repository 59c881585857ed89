//! `mammo ingest`: from data sets to a prepared set that other tools can read.

use crate::{Ending, interrupt, progress::Progress};
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use mammo_core::Seed;
use mammo_dataset::{
    CohortPreset, Dataset, Exclusions, ImageSize, Labelling, PartSummary, Source, ViewFilter,
    ingest::{IngestConfig, Outcome, Partition, Summary, ingest},
};
use mammo_dicom::Look;
use std::{fmt::Write as _, io::Write as _, path::PathBuf};

const HELP: &str = "\
Label rules (what is called cancer):
  birads_ge3        BI-RADS 3 or above; 0 left out
  birads_ge4_drop3  BI-RADS 4 or above; 3 and 0 left out
  mass_flag         the table flags a mass (INbreast.xls)
  mass_roi          a mass is outlined or located
  mass              a mass is flagged or, without a flag, located
  bcdr_any_outline  BCDR outlines any lesion, benign ones too
  bcdr_malign       BCDR outlines a malignant lesion
  abnormal          the release calls the image abnormal
  malignant         pathology says malignant
or one for each data set: inbreast=mass_flag,bcdr=bcdr_any_outline

Cohorts: becker-exp1, becker-exp2 (the study), report-birads, report-mass (its replication)

Exit codes: 0 done; 1 failed, with one sentence on stderr; 2 wrong usage; 130 interrupted, the same command goes on";

/// Options of `ingest`.
#[derive(ClapArgs)]
#[command(after_help = HELP)]
pub(crate) struct IngestArgs {
    /// Data sets and where they lie, separated by commas: inbreast:DIR, mini-mias:DIR, bcdr:DIR, cbis-ddsm:DIR,
    /// vindr-mammo:DIR, cmmd:DIR, manifest:FILE
    #[arg(value_name = "DATASET:DIR[,DATASET:DIR...]")]
    sources: String,

    /// Folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// What is called cancer; see below [default: the cohort's]
    #[arg(long, value_name = "RULE", required_unless_present = "cohort")]
    labels: Option<Labelling>,

    /// A cohort of the study or of its replication; other options outrank it
    #[arg(long, value_name = "NAME")]
    cohort: Option<CohortPreset>,

    /// Rows and columns of the pictures: 256, 512x408 (height x width), or others divisible by 4
    #[arg(long, default_value = "256", value_name = "HxW")]
    size: ImageSize,

    /// Which values of DICOM files are looked at: range (all that is stored, brightness from the breast), file (its first VOI
    /// LUT or window), window:N, lut:N, own:CENTER,WIDTH[,linear|linear_exact|sigmoid]
    #[arg(long, default_value = "range", value_name = "LOOK")]
    look: Look,

    /// Projections: cc, mlo or all [default: the cohort's, else all]
    #[arg(long)]
    views: Option<ViewFilter>,

    /// Share of the patients that trains; the others are held out
    #[arg(long, default_value_t = 0.85, value_name = "SHARE", conflicts_with = "folds")]
    split: f64,

    /// Cut the patients into so many parts instead, each of which is held out once
    #[arg(long, value_name = "K")]
    folds: Option<usize>,

    /// The number that the division is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Images to leave out: a table with a column image_id or filename and, if you like, reason
    #[arg(long, value_name = "FILE.csv")]
    exclude: Option<PathBuf>,

    /// Leave out files that cannot be used, and list them in the manifest, instead of stopping at them
    #[arg(long)]
    skip_bad: bool,
}

/// `mammo ingest ...`.
pub(crate) fn run(args: &IngestArgs) -> anyhow::Result<Ending> {
    let config = config(args)?;
    let exclusions = match &args.exclude {
        Some(path) => Exclusions::read(path).context("the list of exclusions")?,
        None => Exclusions::default(),
    };
    interrupt::listen();
    let progress = Progress::new("ingest", 1);
    let outcome = ingest(
        &config,
        &exclusions,
        &args.out,
        &|done, total| {
            progress.set_total(total);
            progress.set(done, String::new);
        },
        &interrupt::asked,
    )?;
    match outcome {
        Outcome::Interrupted { done, total } => {
            progress.finish(&format!("interrupted with {done} of {total} images; the same command goes on"));
            Ok(Ending::Interrupted)
        }
        Outcome::Whole(summary) => {
            progress.finish(&format!("{} images in {}", summary.cohort.cohort.images, args.out.display()));
            if summary.unmatched_exclusions > 0 {
                eprintln!(
                    "note: {} entries of the list of exclusions name no image of these data sets",
                    summary.unmatched_exclusions
                );
            }
            let mut stdout = std::io::stdout();
            match stdout.write_all(table(&summary).as_bytes()) {
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
                result => result.context("standard output cannot be written")?,
            }
            Ok(Ending::Done)
        }
    }
}

fn config(args: &IngestArgs) -> anyhow::Result<IngestConfig> {
    let sources = sources(&args.sources)?;
    let Some(labels) = args.labels.clone().or_else(|| args.cohort.map(CohortPreset::labelling)) else {
        bail!("give --labels or --cohort");
    };
    let views = args.views.or_else(|| args.cohort.map(CohortPreset::views)).unwrap_or(ViewFilter::All);
    let datasets = args.cohort.map(CohortPreset::datasets);
    if let (Some(cohort), Some(datasets)) = (args.cohort, &datasets) {
        let has = |dataset: &Dataset| sources.iter().any(|source| source.prefix() == dataset.family());
        if let Some(absent) = datasets.iter().find(|dataset| !has(dataset)) {
            eprintln!(
                "note: the cohort {cohort} has images of {}, which is not among the sources",
                absent.family()
            );
        }
    }
    let exclusions_sha256 = args.exclude.as_deref().map(mammo_files::sha256_file).transpose()?;
    Ok(IngestConfig {
        sources,
        cohort: args.cohort,
        labels,
        views,
        datasets,
        exclusions_sha256,
        size: args.size,
        look: args.look,
        partition: args.folds.map_or(Partition::TrainShare(args.split), Partition::Folds),
        seed: Seed(args.seed),
        skip_bad: args.skip_bad,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Cuts at commas that begin another source, since a folder's name may hold commas.
fn sources(text: &str) -> anyhow::Result<Vec<Source>> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split(',') {
        let begins = Source::PREFIXES.iter().any(|prefix| part.starts_with(&format!("{prefix}:")));
        match parts.last_mut() {
            Some(last) if !begins => {
                last.push(',');
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    let sources: Vec<Source> = parts.iter().map(|part| Ok(part.parse()?)).collect::<anyhow::Result<_>>()?;
    for (at, source) in sources.iter().enumerate() {
        if sources[..at].contains(source) {
            bail!("{source} is given twice");
        }
    }
    Ok(sources)
}

fn table(summary: &Summary) -> String {
    let cohort = &summary.cohort;
    let mut out = format!("labels {}, views {}\n\n", cohort.rule, cohort.views);
    out += "           patients   images  healthy (A)  cancer (B)\n";
    let mut row = |name: &str, part: &PartSummary| {
        let PartSummary { patients, images, healthy, cancer } = part;
        let _ = writeln!(out, "{name:<9} {patients:>9} {images:>8} {healthy:>12} {cancer:>11}");
    };
    row("cohort", &cohort.cohort);
    row("train", &cohort.train);
    row("test", &cohort.test);
    for (reason, count) in &cohort.excluded {
        let _ = writeln!(out, "not in the cohort, {reason}: {count}");
    }
    if summary.skipped > 0 {
        let _ = writeln!(out, "left out and listed in manifest.jsonl: {}", summary.skipped);
    }
    if summary.resumed > 0 {
        let _ = writeln!(out, "made by an earlier call: {}", summary.resumed);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_cut_at_commas_that_begin_another_one() {
        let text = "inbreast:a,b c,bcdr:d";
        let found: Vec<String> = sources(text).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["inbreast:a,b c", "bcdr:d"]);
        assert!(sources("inbreast:a,inbreast:a").is_err());
        assert!(sources("a").is_err());
    }
}
