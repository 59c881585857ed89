//! What runs found, in a few figures.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A figure that is shown beside those of other runs.
pub(super) struct Kind {
    /// Its name in JSON.
    pub(super) name: &'static str,
    /// Its name in tables.
    pub(super) title: &'static str,
    /// The file of the run that holds it; an analysis is that of the last readout.
    file: &'static str,
    /// Where it stands there.
    pointer: &'static str,
    /// What tables multiply it by, to spare zeros.
    scale: f64,
}

const COUNTERFACTUAL: &str = "counterfactual.json";
const ANALYSIS: &str = "analysis.json";

/// How near generators come to the truth that phantoms have, when they remove lesions.
pub(super) const REMOVAL: [Kind; 3] = [
    Kind {
        name: "removal_contrast_share",
        title: "share of contrast removed",
        file: COUNTERFACTUAL,
        pointer: "/removal/contrast_share",
        scale: 1.0,
    },
    Kind {
        name: "removal_approach",
        title: "approach to the twin",
        file: COUNTERFACTUAL,
        pointer: "/removal/approach",
        scale: 1.0,
    },
    Kind {
        name: "removal_change_outside",
        title: "change outside, % of grey scale",
        file: COUNTERFACTUAL,
        pointer: "/removal/change_outside",
        scale: 100.0,
    },
];

/// What [`REMOVAL`] is.
pub(super) const REMOVAL_NOTE: &str = "lesions removed from held-out phantoms: median (95 % interval)";

/// What readers saw.
pub(super) const READERS: [Kind; 3] = [
    Kind {
        name: "auc_cancer_originals",
        title: "cancer, originals",
        file: ANALYSIS,
        pointer: "/pooled/malignancy/originals",
        scale: 1.0,
    },
    Kind {
        name: "auc_cancer_modified_by_source_label",
        title: "cancer, modified, by source label",
        file: ANALYSIS,
        pointer: "/pooled/malignancy/modified_vs_source_label",
        scale: 1.0,
    },
    Kind {
        name: "auc_tampering",
        title: "modified or not",
        file: ANALYSIS,
        pointer: "/pooled/tampering/detection",
        scale: 1.0,
    },
];

/// What [`READERS`] is.
pub(super) const READERS_NOTE: &str = "AUC of the last readout: mean of the readers (95 % interval)";

/// A value with its interval, where there is one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figure {
    value: f64,
    /// Lower and upper end.
    interval_95: Option<(f64, f64)>,
}

/// Who rated the images of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Readers {
    count: u64,
    simulated: bool,
}

impl Readers {
    /// Simulated readers are called so wherever they appear.
    pub(super) fn text(&self) -> String {
        format!("{} {}", self.count, if self.simulated { "SIMULATED" } else { "people" })
    }
}

/// The figures of a run, as far as it has them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    pub(super) readers: Option<Readers>,
    figures: BTreeMap<&'static str, Figure>,
}

impl Figures {
    /// A figure for people.
    pub(super) fn text(&self, kind: &Kind) -> Option<String> {
        let figure = self.figures.get(kind.name)?;
        let scaled = figure.interval_95.map(|(low, high)| (kind.scale * low, kind.scale * high));
        Some(mammo_report::estimate_text(kind.scale * figure.value, scaled, 2))
    }
}

/// Reads what is there, and notes what cannot be read.
pub(super) fn read_figures(folder: &Path, notes: &mut Vec<String>) -> Figures {
    let mut read = |path: PathBuf| -> Value {
        let read = if path.exists() { mammo_files::read_json(&path) } else { Ok(Value::Null) };
        read.unwrap_or_else(|error| {
            notes.push(crate::sentence(&error.into()));
            Value::Null
        })
    };
    let counterfactual = read(folder.join(COUNTERFACTUAL));
    let analysis = read(last_readout(&folder.join("readout")).join(ANALYSIS));
    let mut figures = Figures::default();
    for kind in REMOVAL.iter().chain(&READERS) {
        let file = if kind.file == ANALYSIS { &analysis } else { &counterfactual };
        if let Some(figure) = file.pointer(kind.pointer).and_then(figure) {
            figures.figures.insert(kind.name, figure);
        }
    }
    figures.readers = analysis.pointer("/pooled/n_readers").and_then(Value::as_u64).map(|count| Readers {
        count,
        // Unless it says otherwise: programs must not be taken for people.
        simulated: analysis["simulated"].as_bool().unwrap_or(true),
    });
    figures
}

/// Runs with several readouts keep each in a folder `step-<step>`, with as many digits, so the last by name is the last.
fn last_readout(dir: &Path) -> PathBuf {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let steps = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("step-"));
    steps.map(|entry| entry.path()).max().unwrap_or_else(|| dir.to_owned())
}

/// A median of a bootstrap, or an AUC.
fn figure(estimate: &Value) -> Option<Figure> {
    let number = |name: &str| estimate[name].as_f64();
    let bootstrap = || Some((estimate["interval_95"][0].as_f64()?, estimate["interval_95"][1].as_f64()?));
    match (number("median"), number("auc")) {
        (Some(value), _) => Some(Figure { value, interval_95: bootstrap() }),
        (None, Some(value)) => {
            let interval_95 = number("ci_low").zip(number("ci_high"));
            Some(Figure { value, interval_95 })
        }
        (None, None) => None,
    }
}
