//! What the readers made of it, beside the paper.

use super::words::{auc_text, p_text};
use super::{Run, is_second};
use mammo_reader::{
    Analysis, Measured, PublishedReader, becker_table2_as_printed, becker_table2_corrected, becker_table3,
};
use mammo_readout::AucTest;
use mammo_report::{Block, Plot, RocCurve, RocPlot, Section, Table, estimate_text, number_text};

/// The readouts of a run, each in a section of its own.
pub(super) fn readouts(run: &Run) -> Vec<Section> {
    if !is_second(run) {
        return vec![readout(run.last())];
    }
    let mut sections: Vec<Section> = run
        .readings
        .iter()
        .map(|(step, analysis)| {
            let simulated = if analysis.simulated { " (simulated readers)" } else { "" };
            let title = format!("Readout after {step} steps{simulated}");
            ours(format!("readout-{step}"), title, analysis)
        })
        .collect();
    let last = sections.len() - 1;
    let section = std::mem::replace(&mut sections[last], Section::new("", ""));
    sections[last] = section
        .with(Block::Heading("The paper's readers".into()))
        .with(Block::Text(
            "Three radiologists, 512 x 408 pixels, 72 images of networks after 35,000 and 70,000 steps. The areas printed for \
             modified images are most likely folded over one half: their mean is .63, and the journal version (Eur J Radiol \
             2019;120:108649) prints .37. The last column unfolds them."
                .into(),
        ))
        .with(Block::Table(table3()));
    sections
}

/// Table 3 of the replication report.
fn table3() -> Table {
    let mut table = Table::new(
        "Table 3 as the replication report prints it (AUC), and the areas on modified images unfolded",
        [
            "Radiologist",
            "Cancer, originals",
            "Cancer, modified, as printed",
            "Modified or not, early",
            "Modified or not, late",
            "Cancer, modified, unfolded",
        ],
    );
    for r in becker_table3() {
        table.row([
            r.reader.to_string(),
            number_text(r.auc_originals, 2),
            number_text(r.auc_modified, 2),
            number_text(r.auc_detection_early, 2),
            number_text(r.auc_detection_late, 2),
            number_text(1.0 - r.auc_modified, 2),
        ]);
    }
    table
}

/// The readout of any study with its analysis beside the paper's tables.
pub(crate) fn readout(analysis: &Analysis) -> Section {
    let title = if analysis.simulated { "Readout (simulated readers)" } else { "Readout" };
    ours("readout".to_owned(), title.to_owned(), analysis)
        .with(Block::Heading("The paper's readers".into()))
        .with(Block::Text(
            "Three radiologists, 256 x 256 pixels, 30 modified and 30 original images. The replication report prints the \
             table with two cells exchanged: its means, .79 and .66, are not the .76 and .70 of the journal version (Eur J \
             Radiol 2019;120:108649), while those of the pairing in the abstract of arXiv 1811.07767 are."
                .into(),
        ))
        .with(Block::Table(paper_table(
            "Table 2 as the replication report prints it (AUC)",
            becker_table2_as_printed(),
        )))
        .with(Block::Table(paper_table(
            "Table 2 with the pairing of the abstract: the corrected one (AUC)",
            becker_table2_corrected(),
        )))
}

/// One analysis: a table, DeLong's tests and curves.
fn ours(id: String, title: String, analysis: &Analysis) -> Section {
    let simulated = analysis.simulated;
    let intro = if simulated {
        "The readers here are SIMULATED: model observers fitted on original training images only, each with channels and \
         internal noise of its own. Their numbers say nothing about radiologists; they show that the readout works and \
         how large its intervals are. Put in ratings by people with --ratings."
    } else {
        "Ratings by people."
    };
    let mut ours = Table::new(
        format!(
            "Ours: {} images, {} of them in pairs. AUC (95 % interval)",
            analysis.n_cases,
            2 * analysis.n_pairs
        ),
        [
            "Reader",
            "Cancer, originals",
            "Cancer, modified",
            "p",
            "Cancer, modified, intended label",
            "Modified or not",
            "p",
        ],
    );
    ours.simulated = simulated;
    for reader in &analysis.readers {
        let mut row = vec![reader.reader.clone()];
        match &reader.malignancy {
            Some(m) => row.extend([
                auc_text(&m.originals.estimate),
                auc_text(&m.modified_vs_source_label.estimate),
                p_text(m.originals_minus_modified.p),
                auc_text(&m.modified_vs_intended_label.estimate),
            ]),
            None => row.extend(["not asked", "", "", ""].map(str::to_owned)),
        }
        if let Some(t) = &reader.tampering {
            row.extend([auc_text(&t.detection.estimate), p_text(t.against_chance.p)]);
        }
        ours.row(row);
    }
    let pooled = &analysis.pooled;
    if let (Some(m), Some(t)) = (&pooled.malignancy, &pooled.tampering) {
        ours.row([
            "Mean".to_owned(),
            auc_text(&m.originals),
            auc_text(&m.modified_vs_source_label),
            p_text(m.originals_minus_modified.p),
            auc_text(&m.modified_vs_intended_label),
            auc_text(&t.detection),
            p_text(t.against_chance.p),
        ]);
    }
    ours.footnotes = std::iter::once(
        "Cancer, modified: against the label of the image before tampering; intended label: against what the tampering \
         aimed at."
            .to_owned(),
    )
    .chain(analysis.notes.iter().cloned())
    .collect();

    Section::new(id, title)
        .intro(intro)
        .with(Block::Table(ours))
        .with(Block::Table(delong_table(analysis)))
        .with(Block::Plots(roc_plots(analysis)))
}

pub(super) fn delong_table(analysis: &Analysis) -> Table {
    let mut table = Table::new(
        "DeLong's tests, as the paper used them: originals less modified, and modified or not against 0.5",
        ["Reader", "Difference, unpaired", "p", "Difference, pairs only", "p", "Modified or not", "p"],
    );
    table.simulated = analysis.simulated;
    let difference = |t: &AucTest| estimate_text(t.difference, Some((t.ci_low, t.ci_high)), 2);
    for reader in &analysis.readers {
        let (Some(m), Some(t)) = (&reader.malignancy, &reader.tampering) else { continue };
        let unpaired = &m.originals_minus_modified_delong_unpaired;
        let pairs = m.originals_minus_modified_delong_pairs.as_ref();
        table.row([
            reader.reader.clone(),
            difference(unpaired),
            p_text(unpaired.p),
            pairs.map_or("too few".into(), difference),
            pairs.map_or(String::new(), |t| p_text(t.p)),
            auc_text(&t.detection_delong),
            p_text(t.against_chance_delong.p),
        ]);
    }
    table.footnotes = vec![
        "The study is partly paired: 20 images are shown in both versions. DeLong's unpaired test takes them for \
         independent, the paired test leaves out the other images; the table above uses the clustered test, which does \
         neither."
            .into(),
    ];
    table
}

pub(super) fn roc_plots(analysis: &Analysis) -> Vec<Plot> {
    type Get = fn(&mammo_reader::ReaderAnalysis) -> Option<&Measured>;
    let plots: [(&str, Get); 3] = [
        ("Cancer, originals", |r| r.malignancy.as_ref().map(|m| &m.originals)),
        ("Cancer, modified (source label)", |r| r.malignancy.as_ref().map(|m| &m.modified_vs_source_label)),
        ("Modified or not", |r| r.tampering.as_ref().map(|t| &t.detection)),
    ];
    plots
        .into_iter()
        .map(|(title, get)| {
            let curves = analysis.readers.iter().filter_map(|reader| {
                let measured = get(reader)?;
                let points =
                    measured.curve.points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate));
                let estimate = &measured.estimate;
                Some(RocCurve {
                    name: reader.reader.clone(),
                    points: points.collect(),
                    auc: Some(estimate.auc),
                    auc_interval_95: Some((estimate.ci_low, estimate.ci_high)),
                })
            });
            Plot::Roc(RocPlot {
                title: title.to_owned(),
                caption: String::new(),
                curves: curves.collect(),
                simulated: analysis.simulated,
            })
        })
        .collect()
}

pub(super) fn paper_table(caption: &str, readers: [PublishedReader; 3]) -> Table {
    let mut table =
        Table::new(caption, ["Radiologist", "Cancer, originals", "Cancer, modified", "Modified or not"]);
    for r in readers {
        table.row([
            r.reader.to_string(),
            number_text(r.auc_originals, 2),
            number_text(r.auc_modified, 2),
            number_text(r.auc_detection, 2),
        ]);
    }
    table
}
