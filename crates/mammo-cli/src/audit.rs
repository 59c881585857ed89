//! `mammo audit`: what a copy of a data set holds and what is wrong with it.

use crate::{Ending, progress::Progress};
use clap::Args as ClapArgs;
use mammo_dataset::{Digests, Source, audit};
use std::{fmt::Write as _, path::PathBuf};

const EXIT_CODES: &str =
    "Exit codes: 0 nothing to look into; 1 findings; 2 nothing of it can be used, or wrong usage";

/// Findings of one kind that the table names; all of them are in the JSON.
const SHOWN: usize = 10;

/// Options of `audit`.
#[derive(ClapArgs)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct AuditArgs {
    /// A data set and where it lies: inbreast:DIR, mini-mias:DIR, bcdr:DIR, cbis-ddsm:DIR, vindr-mammo:DIR, cmmd:DIR or
    /// manifest:FILE
    #[arg(value_name = "DATASET:DIR")]
    source: Source,

    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,

    /// Compare files with digests of an intact copy, as `sha256sum` writes them from inside of the data set's folder
    #[arg(long, value_name = "FILE")]
    digests: Option<PathBuf>,
}

/// `mammo audit ...`.
pub(crate) fn run(args: &AuditArgs) -> anyhow::Result<Ending> {
    let known = args.digests.as_deref().map(Digests::read).transpose()?.unwrap_or_default();
    let progress = Progress::new("audit", 1);
    let report = audit::audit(&args.source, &known, &|done, total| {
        progress.set_total(total);
        progress.set(done, String::new);
    });
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            eprintln!("mammo: {}", crate::sentence(&error.into()));
            return Ok(Ending::Code(2));
        }
    };
    progress.finish(&format!("{} images read", report.images_readable));
    let text = if args.json { serde_json::to_string_pretty(&report)? + "\n" } else { table(&report) };
    crate::output::print(&text)?;
    Ok(if report.images_readable == 0 {
        eprintln!("mammo: {}: no image can be used", report.source);
        Ending::Code(2)
    } else if report.is_clean() {
        Ending::Done
    } else {
        Ending::Code(1)
    })
}

fn table(report: &audit::AuditReport) -> String {
    let mut out = format!("{}\n\n", report.source);
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "{name:<28} {value}");
    };
    line("images readable", report.images_readable.to_string());
    line("images or rows unusable", report.images_unusable.to_string());
    line("files missing", report.files_missing.to_string());
    line("patients", report.patients.to_string());
    line("size of the images", format!("{:.1} MB", report.bytes as f64 / 1e6));
    if report.synthetic > 0 {
        line("made, not of patients", report.synthetic.to_string());
    }
    if report.digests_compared > 0 {
        line("digests compared", report.digests_compared.to_string());
    }
    let pairs = |counts: &audit::Counts| {
        counts.iter().map(|(value, n)| format!("{value}: {n}")).collect::<Vec<_>>().join(", ")
    };
    for (name, counts) in report.counts.iter().chain(&report.pixels) {
        line(name, pairs(counts));
    }
    out += "\nlabel rule         views  healthy  cancer  no label\n";
    for row in &report.rules {
        let (rule, views) = (row.rule.to_string(), row.views.to_string());
        let _ =
            writeln!(out, "{rule:<18} {views:<5} {:>8} {:>7} {:>9}", row.healthy, row.cancer, row.no_label);
    }
    if !report.rules_disagree.is_empty() {
        out += "\nrules that disagree                      images that both label  labelled differently\n";
        for pair in &report.rules_disagree {
            let names = format!("{} and {}", pair.first, pair.second);
            let _ = writeln!(out, "{names:<40} {:>23} {:>21}", pair.images, pair.differ);
        }
    }
    if !report.quirks.is_empty() {
        out += "\nquirks of the release, dealt with\n";
        for (kind, n) in &report.quirks {
            let _ = writeln!(out, "  {:<26} {n}", kind.replace('_', " "));
        }
    }
    if !report.expected.is_empty() {
        out += "\nbeside a complete copy                             complete     here\n";
        for row in &report.expected {
            let what = format!("{}: {}", row.dataset, row.what);
            let mark = match (row.expected == row.found, row.certain) {
                (true, _) => "",
                (false, true) => "  differs",
                (false, false) => "  differs (uncertain)",
            };
            let _ = writeln!(out, "{what:<48} {:>10} {:>8}{mark}", row.expected, row.found);
        }
    }
    findings(report, &mut out);
    out
}

fn findings(report: &audit::AuditReport, out: &mut String) {
    if report.is_clean() {
        out.push_str("\nnothing to look into\n");
        return;
    }
    let _ = writeln!(out, "\n{} findings", report.findings.len());
    let mut kinds: Vec<&str> = report.findings.iter().map(|finding| finding.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let of_kind: Vec<_> = report.findings.iter().filter(|finding| finding.kind == kind).collect();
        let _ = writeln!(out, "  {} ({})", kind.replace('_', " "), of_kind.len());
        for finding in of_kind.iter().take(SHOWN) {
            let path = finding.path.display().to_string();
            // Messages of errors begin with the file; the line does too.
            let text = finding.text.strip_prefix(&format!("{path}: ")).unwrap_or(&finding.text);
            let at = if path.is_empty() { String::new() } else { format!("{path}: ") };
            let _ = writeln!(out, "    {at}{text}");
        }
        if of_kind.len() > SHOWN {
            let _ = writeln!(out, "    and {} more; --json names all", of_kind.len() - SHOWN);
        }
    }
}
