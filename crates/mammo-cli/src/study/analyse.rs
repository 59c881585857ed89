//! What the ratings say, beside the paper.

use super::args::StudyAnalyseArgs;
use super::export::{Answered, open, study};
use super::page;
use crate::experiment::auc_text;
use mammo_reader::{Analysis, Question, Rating, analyse, becker_table2_corrected, becker_table3, table};
use mammo_readout::mrmc::{GallasSettings, MrmcSettings, gallas, obuchowski_rockette};
use mammo_readout::summary::Summary;
use mammo_readout::{KappaWeights, cohen_kappa};
use mammo_room::export::{Choices, Joined, Pace, RatingScale, choices, pace, ratings, second_looks};
use mammo_room::{RoomQuestion, StudyFolder};
use serde_json::json;
use std::fmt::Write;

/// Everything that is computed from the answers.
pub(super) struct Findings {
    /// Reader by reader, all images.
    pub(super) analysis: Analysis,
    /// The same for the images of each checkpoint, where there are several.
    pub(super) by_checkpoint: Vec<(String, Analysis)>,
    /// Readers and cases as samples.
    pub(super) several: Vec<Summary>,
    /// Pairs side by side.
    pub(super) choices: Vec<Choices>,
    /// Readers with themselves.
    pub(super) agreement: Vec<Agreement>,
    /// How long it took; of people alone.
    pub(super) pace: Vec<Pace>,
}

/// Reader, question, images that were seen twice, and the linearly weighted kappa, which is undefined where a reader
/// gave one answer to all.
pub(super) struct Agreement {
    pub(super) reader: String,
    pub(super) question: &'static str,
    pub(super) images: usize,
    pub(super) kappa: Option<f64>,
}

/// `mammo study analyse`.
pub(super) fn run(args: &StudyAnalyseArgs) -> anyhow::Result<()> {
    let Answered { truth, joined, head, .. } = open(&StudyFolder::new(&args.study))?;
    anyhow::ensure!(!joined.is_empty(), "{}: nobody has answered yet", args.study.display());
    let found = findings(joined, args.scale.scale())?;
    if let Some(path) = &args.report {
        mammo_report::write(path, &page::report(&truth, &found))?;
    }
    if !args.json {
        return super::say(text(&found)?.trim_end());
    }
    let checkpoints: Vec<_> =
        found.by_checkpoint.iter().map(|(name, a)| json!({"checkpoint": name, "analysis": a})).collect();
    let agreement: Vec<_> = found
        .agreement
        .iter()
        .map(|a| json!({"reader": a.reader, "question": a.question, "images": a.images, "kappa": a.kappa}))
        .collect();
    let document = json!({
        "schema": "mammo-study-analysis/1",
        "simulated": found.analysis.simulated,
        "analysis": found.analysis,
        "by_checkpoint": checkpoints,
        "several_readers": found.several.iter().map(Summary::json).collect::<Vec<_>>(),
        "side_by_side": found.choices,
        "second_looks": agreement,
        "pace": found.pace,
        "log": head,
        "table_2_corrected": becker_table2_corrected(),
        "table_3": becker_table3(),
    });
    super::say(&serde_json::to_string_pretty(&document)?)
}

/// People and programs are not mixed; where both have read, people count.
fn findings(mut joined: Vec<Joined>, scale: RatingScale) -> anyhow::Result<Findings> {
    if joined.iter().any(|j| !j.simulated) {
        joined.retain(|j| !j.simulated);
    }
    let all = ratings(&joined, scale);
    anyhow::ensure!(!all.is_empty(), "no single image has been rated yet");
    let mut names: Vec<&str> = joined.iter().map(|j| j.first.checkpoint.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut by_checkpoint = Vec::new();
    if names.len() > 1 {
        for name in names {
            let of: Vec<Joined> = joined.iter().filter(|j| j.first.checkpoint == name).cloned().collect();
            by_checkpoint.push((name.to_owned(), analyse(&ratings(&of, scale))?));
        }
    }
    Ok(Findings {
        analysis: analyse(&all)?,
        by_checkpoint,
        several: several_readers(&all)?,
        choices: choices(&joined),
        agreement: agreement(&second_looks(&joined, RatingScale::Category)),
        // How long a program takes says nothing.
        pace: pace(&joined).into_iter().filter(|p| !p.simulated).collect(),
    })
}

fn text(found: &Findings) -> anyhow::Result<String> {
    let mut text = table(&found.analysis);
    if !found.by_checkpoint.is_empty() {
        writeln!(text, "\nModified or not, by checkpoint: AUC [95 % CI]")?;
        for (name, analysis) in &found.by_checkpoint {
            for reader in &analysis.readers {
                let Some(t) = &reader.tampering else { continue };
                writeln!(text, "  {name:<10} {:<24} {}", reader.reader, auc_text(&t.detection.estimate))?;
            }
        }
    }
    for summary in &found.several {
        write!(text, "\n{}", summary.text())?;
    }
    text += "\nPaper, Table 2 with the pairing of the abstract (AUC):\n  reader  originals  modified  modified or not\n";
    for p in becker_table2_corrected() {
        writeln!(
            text,
            "  {:<6} {:>10.2} {:>9.2} {:>16.2}",
            p.reader, p.auc_originals, p.auc_modified, p.auc_detection
        )?;
    }
    if !found.by_checkpoint.is_empty() {
        text += "\nPaper, Table 3 as printed (AUC; on modified images most likely folded over one half):\n  reader  \
                 originals  modified  modified or not, early    late\n";
        for p in becker_table3() {
            writeln!(
                text,
                "  {:<6} {:>10.2} {:>9.2} {:>23.2} {:>7.2}",
                p.reader, p.auc_originals, p.auc_modified, p.auc_detection_early, p.auc_detection_late
            )?;
        }
    }
    for c in &found.choices {
        write!(
            text,
            "\n{}: of {} pairs side by side {} rightly named, {} undecided: {:.2} ({:.2} to {:.2})",
            c.reader, c.pairs, c.right, c.undecided, c.share, c.interval_95.0, c.interval_95.1
        )?;
    }
    for p in &found.pace {
        write!(
            text,
            "\n{}: {} images, median {:.1} s an image ({:.1} to {:.1}), image on screen after {:.0} ms",
            p.reader, p.images, p.median_s, p.quartiles_s.0, p.quartiles_s.1, p.median_paint_ms
        )?;
    }
    for a in &found.agreement {
        let kappa = kappa_text(a.kappa);
        write!(text, "\n{}, {}: {} images twice, weighted kappa {kappa}", a.reader, a.question, a.images)?;
    }
    Ok(text)
}

/// Readers and cases as samples: malignancy by arms (Gallas, who takes partly paired cases), tampering against one half
/// (Obuchowski and Rockette). Nothing for one reader, or where an arm lacks a label.
fn several_readers(ratings: &[Rating]) -> anyhow::Result<Vec<Summary>> {
    let mut found = Vec::new();
    let one_reader = ratings.iter().all(|r| r.reader == ratings[0].reader);
    if one_reader {
        return Ok(found);
    }
    if let Some(study) = study(ratings, Question::Malignancy)? {
        match gallas(&study, GallasSettings::default()) {
            Ok(analysis) => found.push(Summary::gallas(&analysis)),
            Err(error) => eprintln!("note: malignancy of all readers: {error}"),
        }
    }
    if let Some(study) = study(ratings, Question::Tampering)? {
        let settings = MrmcSettings { constant: Some(0.5), ..MrmcSettings::default() };
        match obuchowski_rockette(&study, settings) {
            Ok(analysis) => found.push(Summary::obuchowski_rockette(&analysis)),
            Err(error) => eprintln!("note: tampering of all readers: {error}"),
        }
    }
    Ok(found)
}

fn agreement(looks: &[(String, RoomQuestion, f64, f64)]) -> Vec<Agreement> {
    let mut keys: Vec<(String, RoomQuestion)> = looks.iter().map(|l| (l.0.clone(), l.1)).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .map(|(reader, question)| {
            let of = looks.iter().filter(|l| l.0 == reader && l.1 == question);
            let (first, second): (Vec<f64>, Vec<f64>) = of.map(|l| (l.2, l.3)).unzip();
            let kappa = cohen_kappa(&first, &second, KappaWeights::Linear).ok().map(|k| k.kappa);
            let kappa = kappa.filter(|k| k.is_finite());
            Agreement { reader, question: question.name(), images: first.len(), kappa }
        })
        .collect()
}

pub(super) fn kappa_text(kappa: Option<f64>) -> String {
    kappa.map_or("undefined (one answer to all)".to_owned(), |k| format!("{k:.2}"))
}
