//! Readers beside detectors: the same images, one question, one plot, one test.

use super::args::BesideArgs;
use super::{TRANSLATION, read};
use crate::experiment::p_text;
use crate::held_out::held_out;
use crate::output::print;
use crate::run::RunFolder;
use anyhow::{Context, bail};
use mammo_reader::{Arm, Question, StudyDesign, complete_ratings};
use mammo_readout::mrmc::{
    Case, MrmcSettings, Reading, StandaloneComparison, Study, compare_with_standalone,
};
use mammo_readout::{AucEstimate, Interval, RocCurve, clustered};
use mammo_report::{Block, Plot, Report, RocPlot, Section, Table, estimate_text, number_text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What one reader or detector says of one image.
pub(crate) struct Said {
    pub(crate) reader: String,
    /// Whether it is a detector and no reader.
    pub(crate) machine: bool,
    /// Which set of altered images the image is read among.
    pub(crate) set: String,
    pub(crate) case: String,
    pub(crate) patient: String,
    pub(crate) modified: bool,
    pub(crate) rating: f64,
}

/// The curve of a reader or detector.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reader {
    pub(crate) name: String,
    pub(crate) machine: bool,
    pub(crate) auc: AucEstimate,
    /// Operating points (1 - specificity, sensitivity).
    pub(crate) curve: Vec<(f64, f64)>,
}

/// Readers and detectors on one set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReadersBeside {
    pub(crate) set: String,
    /// Readers and detectors, in the order in which they spoke.
    pub(crate) readers: Vec<Reader>,
    /// Each detector against the readers: mean of the readers less the detector.
    pub(crate) comparisons: Vec<StandaloneComparison>,
}

/// Curves of the readers on a set.
pub(crate) fn readers_alone(said: &[Said], set: &str) -> anyhow::Result<Vec<Reader>> {
    let mut curves = curves(said, set)?;
    curves.retain(|reader| !reader.machine);
    Ok(curves)
}

/// Curves of all who said something of a set, and the test of each detector against the readers.
pub(crate) fn beside(said: &[Said], set: &str) -> anyhow::Result<ReadersBeside> {
    let readers = curves(said, set)?;
    let of_set: Vec<&Said> = said.iter().filter(|s| s.set == set).collect();
    let patient_of: BTreeMap<&str, &str> =
        of_set.iter().map(|s| (s.case.as_str(), s.patient.as_str())).collect();
    let mut comparisons = Vec::new();
    for detector in readers.iter().filter(|r| r.machine).map(|r| r.name.as_str()) {
        let rows = of_set.iter().filter(|s| !s.machine || s.reader == detector).map(|s| Reading {
            reader: s.reader.clone(),
            treatment: set.to_owned(),
            case: s.case.clone(),
            positive: s.modified,
            rating: s.rating,
        });
        let study = Study::from_readings(rows)?.with_truth_name("altered");
        let cluster =
            |case: &Case| patient_of.get(case.name.as_str()).map_or_else(String::new, |p| (*p).to_owned());
        comparisons.push(compare_with_standalone(
            &study.with_clusters(cluster),
            detector,
            MrmcSettings::default(),
        )?);
    }
    Ok(ReadersBeside { set: set.to_owned(), readers, comparisons })
}

/// The curve of everybody who said something of a set, in the order in which they spoke.
fn curves(said: &[Said], set: &str) -> anyhow::Result<Vec<Reader>> {
    let of_set: Vec<&Said> = said.iter().filter(|s| s.set == set).collect();
    let mut names: Vec<&str> = Vec::new();
    for s in &of_set {
        if !names.contains(&s.reader.as_str()) {
            names.push(&s.reader);
        }
    }
    let curve = |name: &&str| {
        let own: Vec<&&Said> = of_set.iter().filter(|s| s.reader == *name).collect();
        let ratings: Vec<f64> = own.iter().map(|s| s.rating).collect();
        let truth: Vec<bool> = own.iter().map(|s| s.modified).collect();
        let patients: Vec<&str> = own.iter().map(|s| s.patient.as_str()).collect();
        let curve = RocCurve::new(&ratings, &truth)?;
        Ok(Reader {
            name: (*name).to_owned(),
            machine: own.iter().any(|s| s.machine),
            auc: clustered(&ratings, &truth, &patients, Interval::default())?,
            curve: curve.points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect(),
        })
    };
    names.iter().map(curve).collect()
}

/// `mammo detect beside`.
pub(super) fn run(args: &BesideArgs) -> anyhow::Result<()> {
    RunFolder::existing(&args.run)?;
    let design: StudyDesign = mammo_files::read_json(&args.run.join("readout/design.json"))?;
    let path = args.ratings.clone().unwrap_or_else(|| args.run.join("readout/ratings.csv"));
    let ratings = complete_ratings(&path, &design)?;
    let sources = held_out(&args.run, TRANSLATION)?;
    let set = "the readout";
    let mut said = Vec::new();
    for rating in ratings.iter().filter(|rating| rating.question == Question::Tampering) {
        let case =
            design.cases.iter().find(|case| case.case == rating.case).context("a case of the design")?;
        said.push(Said {
            reader: rating.reader.clone(),
            machine: false,
            set: set.to_owned(),
            case: rating.case.clone(),
            patient: case.patient.to_string(),
            modified: rating.truth_modified,
            rating: rating.rating,
        });
    }
    if said.is_empty() {
        bail!("{}: nobody was asked whether images were altered", path.display());
    }
    for path in &args.detector {
        let detector = read(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(case) = design
            .cases
            .iter()
            .find(|c| detector.file().trained_on.patients.iter().any(|p| p == c.patient.as_str()))
        {
            bail!(
                "{}: the detector was trained on patient {}, whose image is in the readout",
                path.display(),
                case.patient
            );
        }
        for case in &design.cases {
            let source = sources.iter().find(|s| s.image.id == case.source).context("an image of the run")?;
            let plane = match case.arm {
                Arm::Original => &source.original,
                Arm::Modified => &source.modified[TRANSLATION],
            };
            said.push(Said {
                reader: name.clone(),
                machine: true,
                set: set.to_owned(),
                case: case.case.clone(),
                patient: case.patient.to_string(),
                modified: case.arm == Arm::Modified,
                rating: detector.score(plane).with_context(|| path.display().to_string())?.log_odds,
            });
        }
    }
    let beside = beside(&said, set)?;
    let simulated = ratings.iter().any(|rating| rating.simulated);
    if let Some(out) = &args.out {
        let mut report = Report::new("Readers beside detectors", crate::run::MADE_BY);
        report.simulated_readers = simulated;
        report.sections = vec![
            Section::new("readers", "Altered or not")
                .with(Block::Plots(vec![Plot::Roc(roc_plot(&beside, simulated))]))
                .with(Block::Table(comparisons(&beside, simulated))),
        ];
        mammo_report::write(out, &report)?;
    }
    if args.json {
        return print(&(serde_json::to_string_pretty(&beside)? + "\n"));
    }
    let mut text = format!(
        "{} images; altered or not: AUC (95 % CI, images of a patient taken as dependent)\n",
        design.cases.len()
    );
    for reader in &beside.readers {
        let kind = if reader.machine { "detector" } else { "" };
        let auc = estimate_text(reader.auc.auc, Some((reader.auc.ci_low, reader.auc.ci_high)), 2);
        writeln!(text, "{:<28}{kind:<10}{auc}", reader.name)?;
    }
    text += "\nMean of the readers less the detector; readers and patients random\n";
    for c in &beside.comparisons {
        let difference = estimate_text(c.test.estimate, Some((c.test.ci_low, c.test.ci_high)), 2);
        writeln!(text, "{:<38}{difference}, p {}", c.standalone, p_of(c))?;
    }
    print(&text)
}

fn p_of(comparison: &StandaloneComparison) -> String {
    comparison.test.p.map_or_else(|| "not defined".to_owned(), p_text)
}

/// All curves in one plot.
pub(crate) fn roc_plot(beside: &ReadersBeside, simulated: bool) -> RocPlot {
    let curves = beside.readers.iter().map(|reader| mammo_report::RocCurve {
        name: reader.name.clone(),
        points: reader.curve.clone(),
        auc: Some(reader.auc.auc),
        auc_interval_95: Some((reader.auc.ci_low, reader.auc.ci_high)),
    });
    RocPlot {
        title: "Altered or not: readers and detectors".to_owned(),
        caption: "The same images for all.".to_owned(),
        curves: curves.collect(),
        simulated,
    }
}

/// Each detector against the readers.
pub(crate) fn comparisons(beside: &ReadersBeside, simulated: bool) -> Table {
    let mut table = Table::new(
        "Mean of the readers less the detector",
        ["Detector", "Its AUC", "Readers' AUCs", "Difference", "p"],
    );
    table.simulated = simulated;
    for c in &beside.comparisons {
        let values: Vec<String> = c.values.iter().map(|v| number_text(*v, 2)).collect();
        table.row([
            c.standalone.clone(),
            number_text(c.standalone_value, 2),
            values.join(", "),
            estimate_text(c.test.estimate, Some((c.test.ci_low, c.test.ci_high)), 2),
            p_of(c),
        ]);
    }
    table.footnotes = vec![
        "Obuchowski-Rockette model of the readers' differences from a detector that stands alone; readers and patients random, \
         jackknife over patients (Hillis, Obuchowski and Berbaum 2011)."
            .to_owned(),
    ];
    table
}
