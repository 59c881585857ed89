//! What runs found, in a few figures.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A figure that is shown beside those of other runs.
pub(crate) struct Kind {
    /// Its name in JSON.
    pub(crate) name: &'static str,
    /// Its name in tables.
    pub(crate) title: &'static str,
    /// The file of the run that holds it; an analysis is that of the last readout.
    file: &'static str,
    /// Where it stands there.
    pointer: &'static str,
    /// What tables multiply it by, to spare zeros.
    pub(crate) scale: f64,
    /// Whether it is what readers said.
    pub(crate) of_readers: bool,
}

const COUNTERFACTUAL: &str = "counterfactual.json";
const ANALYSIS: &str = "analysis.json";
const OBSERVED: &str = "observer.json";

/// How near generators come to the truth that phantoms have, when they remove lesions.
pub(super) const REMOVAL: [Kind; 3] = [
    Kind {
        name: "removal_contrast_share",
        title: "share of contrast removed",
        file: COUNTERFACTUAL,
        pointer: "/removal/contrast_share",
        scale: 1.0,
        of_readers: false,
    },
    Kind {
        name: "removal_approach",
        title: "approach to the twin",
        file: COUNTERFACTUAL,
        pointer: "/removal/approach",
        scale: 1.0,
        of_readers: false,
    },
    Kind {
        name: "removal_change_outside",
        title: "change outside, % of grey scale",
        file: COUNTERFACTUAL,
        pointer: "/removal/change_outside",
        scale: 100.0,
        of_readers: false,
    },
];

/// How often a SIMULATED malignancy observer sees an image moved as was meant.
pub(super) const OBSERVER: [Kind; 2] = [
    Kind {
        name: "observer_raised_by_injection",
        title: "score raised by injection (SIMULATED observer)",
        file: OBSERVED,
        pointer: "/raised_by_injection",
        scale: 1.0,
        of_readers: false,
    },
    Kind {
        name: "observer_lowered_by_removal",
        title: "score lowered by removal (SIMULATED observer)",
        file: OBSERVED,
        pointer: "/lowered_by_removal",
        scale: 1.0,
        of_readers: false,
    },
];

/// All figures.
pub(crate) const KINDS: [&Kind; 8] = [
    &REMOVAL[0],
    &REMOVAL[1],
    &REMOVAL[2],
    &OBSERVER[0],
    &OBSERVER[1],
    &READERS[0],
    &READERS[1],
    &READERS[2],
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
        of_readers: true,
    },
    Kind {
        name: "auc_cancer_modified_by_source_label",
        title: "cancer, modified, by source label",
        file: ANALYSIS,
        pointer: "/pooled/malignancy/modified_vs_source_label",
        scale: 1.0,
        of_readers: true,
    },
    Kind {
        name: "auc_tampering",
        title: "modified or not",
        file: ANALYSIS,
        pointer: "/pooled/tampering/detection",
        scale: 1.0,
        of_readers: true,
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
pub(crate) struct Readers {
    count: u64,
    pub(crate) simulated: bool,
}

impl Readers {
    /// Simulated readers are called so wherever they appear.
    pub(super) fn text(&self) -> String {
        format!("{} {}", self.count, if self.simulated { "SIMULATED" } else { "people" })
    }
}

/// The figures of a run, as far as it has them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) readers: Option<Readers>,
    figures: BTreeMap<&'static str, Figure>,
}

impl Figures {
    /// A figure and its 95 % interval, where there is one.
    pub(crate) fn value(&self, name: &str) -> Option<(f64, Option<(f64, f64)>)> {
        self.figures.get(name).map(|figure| (figure.value, figure.interval_95))
    }

    /// A figure for people.
    pub(super) fn text(&self, kind: &Kind) -> Option<String> {
        let figure = self.figures.get(kind.name)?;
        let scaled = figure.interval_95.map(|(low, high)| (kind.scale * low, kind.scale * high));
        Some(mammo_report::estimate_text(kind.scale * figure.value, scaled, 2))
    }
}

/// Reads what is there, and notes what cannot be read.
pub(crate) fn read_figures(folder: &Path, notes: &mut Vec<String>) -> Figures {
    let mut read = |path: PathBuf| -> Value {
        let read = if path.exists() { mammo_files::read_json(&path) } else { Ok(Value::Null) };
        read.unwrap_or_else(|error| {
            notes.push(crate::sentence(&error.into()));
            Value::Null
        })
    };
    let counterfactual = read(folder.join(COUNTERFACTUAL));
    let analysis = read(last_readout(&folder.join("readout")).join(ANALYSIS));
    let observed = read(folder.join(OBSERVED));
    let mut figures = Figures::default();
    for kind in KINDS {
        let file = match kind.file {
            ANALYSIS => &analysis,
            OBSERVED => &observed,
            _ => &counterfactual,
        };
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

/// A median of a bootstrap, a share, or an AUC.
fn figure(estimate: &Value) -> Option<Figure> {
    let number = |name: &str| estimate[name].as_f64();
    let bootstrap = || Some((estimate["interval_95"][0].as_f64()?, estimate["interval_95"][1].as_f64()?));
    match (number("median").or_else(|| number("share")), number("auc")) {
        (Some(value), _) => Some(Figure { value, interval_95: bootstrap() }),
        (None, Some(value)) => {
            let interval_95 = number("ci_low").zip(number("ci_high"));
            Some(Figure { value, interval_95 })
        }
        (None, None) => None,
    }
}
