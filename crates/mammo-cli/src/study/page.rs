//! The page about a study.

use super::analyse::{Findings, kappa_text};
use crate::experiment::{auc_text, readout_section};
use crate::run::MADE_BY;
use mammo_reader::becker_table3;
use mammo_report::{Block, Report, Section, Table, estimate_text, number_text};
use mammo_room::Truth;

/// Puts the findings on one page.
pub(super) fn report(truth: &Truth, found: &Findings) -> Report {
    let analysis = &found.analysis;
    let mut report = Report::new(truth.plan.title.clone(), MADE_BY);
    report.simulated_readers = analysis.simulated;
    let who = if analysis.simulated { "simulated readers" } else { "readers" };
    if let Some(t) = &analysis.pooled.tampering {
        report.summary.push(format!(
            "The {} {who} told modified from original images with a mean AUC of {}.",
            analysis.readers.len(),
            auc_text(&t.detection)
        ));
    }
    if let Some(m) = &analysis.pooled.malignancy {
        report.summary.push(format!(
            "For cancer, their mean AUC was {} on originals and {} on modified images against the label before tampering.",
            auc_text(&m.originals),
            auc_text(&m.modified_vs_source_label)
        ));
    }
    report.sections.push(readout_section(analysis));
    if !found.by_checkpoint.is_empty() {
        report.sections.push(checkpoints(found));
    }
    if !found.several.is_empty() {
        report.sections.push(several(found));
    }
    if !found.choices.is_empty() {
        report.sections.push(side_by_side(found));
    }
    let reading = reading(found);
    if !reading.blocks.is_empty() {
        report.sections.push(reading);
    }
    report.limits.push(
        "The display was looked at by the reader and not measured; a page in a browser cannot calibrate it."
            .into(),
    );
    if analysis.simulated {
        report.limits.push("The readers are SIMULATED; the numbers say nothing about radiologists.".into());
    }
    report
}

fn checkpoints(found: &Findings) -> Section {
    let names = found.by_checkpoint.iter().map(|(name, _)| name.clone());
    let header: Vec<String> = std::iter::once("Reader".to_owned()).chain(names).collect();
    let mut ours = Table::new("Modified or not, by checkpoint of the training. AUC (95 % interval)", header);
    ours.simulated = found.analysis.simulated;
    for reader in &found.analysis.readers {
        let mut row = vec![reader.reader.clone()];
        for (_, analysis) in &found.by_checkpoint {
            let same = analysis.readers.iter().find(|r| r.reader == reader.reader);
            let measured = same.and_then(|r| r.tampering.as_ref());
            row.push(measured.map_or("not asked".to_owned(), |t| auc_text(&t.detection.estimate)));
        }
        ours.row(row);
    }
    let mut paper = Table::new(
        "Table 3 of the paper as the replication report prints it (AUC)",
        ["Reader", "Cancer, originals", "Cancer, modified", "Modified or not, early", "late"],
    );
    for p in becker_table3() {
        let numbers = [p.auc_originals, p.auc_modified, p.auc_detection_early, p.auc_detection_late];
        paper.row(std::iter::once(p.reader.to_string()).chain(numbers.map(|n| number_text(n, 2))));
    }
    paper.footnotes = vec![
        "The areas on modified images are most likely folded over one half: the journal version (Eur J Radiol \
         2019;120:108649) prints .37, which is one less their mean of .627."
            .into(),
    ];
    Section::new("checkpoints", "Early and late").with(Block::Table(ours)).with(Block::Table(paper))
}

fn several(found: &Findings) -> Section {
    let mut section = Section::new("several", "All readers as a sample").intro(
        "Readers and images are both taken as samples here, so that the numbers speak of other readers and other images, \
         too. They are those of mammo study analyse.",
    );
    for summary in &found.several {
        let text = summary.text();
        let numbers = text.split("\nMethods.").next().unwrap_or_default();
        section = section.with(Block::Verbatim(numbers.trim().to_owned()));
    }
    section.with(Block::List(found.several.iter().map(|s| s.methods().to_owned()).collect()))
}

fn side_by_side(found: &Findings) -> Section {
    let mut shown = Table::new(
        "Which of the two was altered?",
        ["Reader", "Pairs", "Right", "Undecided", "Share (95 %)"],
    );
    shown.simulated = found.analysis.simulated;
    for c in &found.choices {
        shown.row([
            c.reader.clone(),
            c.pairs.to_string(),
            c.right.to_string(),
            c.undecided.to_string(),
            estimate_text(c.share, Some(c.interval_95), 2),
        ]);
    }
    shown.footnotes =
        vec!["Forced choice is another task than rating; half of the pairs are right by chance.".into()];
    Section::new("pairs", "Side by side").with(Block::Table(shown))
}

fn reading(found: &Findings) -> Section {
    let mut section = Section::new("reading", "The reading");
    if !found.pace.is_empty() {
        let mut shown = Table::new(
            "How long it took",
            ["Reader", "Images", "Median s", "Quartiles s", "Image on screen after, ms"],
        );
        for p in &found.pace {
            shown.row([
                p.reader.clone(),
                p.images.to_string(),
                number_text(p.median_s, 1),
                format!("{} to {}", number_text(p.quartiles_s.0, 1), number_text(p.quartiles_s.1, 1)),
                number_text(p.median_paint_ms, 0),
            ]);
        }
        section = section.with(Block::Table(shown));
    }
    if !found.agreement.is_empty() {
        let mut shown =
            Table::new("Readers with themselves", ["Reader", "Question", "Images", "Weighted kappa"]);
        shown.simulated = found.analysis.simulated;
        for a in &found.agreement {
            shown.row([a.reader.clone(), a.question.to_owned(), a.images.to_string(), kappa_text(a.kappa)]);
        }
        section = section.with(Block::Table(shown));
    }
    section
}
