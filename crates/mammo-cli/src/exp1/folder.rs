//! The run folder: a finished one explains itself.

use anyhow::{Context, bail};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

use super::config::RunConfig;

/// A folder with everything that one run reads and makes.
pub(crate) struct RunFolder {
    root: PathBuf,
}

/// How long the run took in all, over all its resumptions.
#[derive(Default, Serialize, Deserialize)]
struct Timing {
    elapsed_s: f64,
    threads: usize,
}

impl RunFolder {
    /// Opens the folder that the command line asks for and ties it to `config`.
    pub(crate) fn open(config: &RunConfig, out: Option<&Path>, resume: bool) -> anyhow::Result<Self> {
        let root = match (out, resume) {
            (Some(out), _) => out.to_owned(),
            (None, true) => newest(config)?,
            (None, false) => fresh(config)?,
        };
        let folder = Self { root };
        if folder.config_path().exists() {
            if !resume {
                bail!(
                    "{}: there is a run in this folder already; go on with it by --resume or choose another --out",
                    folder.root.display()
                );
            }
            let stored: RunConfig = mammo_files::read_json(&folder.config_path())?;
            if stored != *config {
                bail!(
                    "{}: the run in this folder has {}; repeat its options to resume it, or choose another --out",
                    folder.root.display(),
                    difference(&stored, config)?
                );
            }
            return Ok(folder);
        }
        if resume && out.is_some() {
            bail!("{}: there is no run in this folder to resume", folder.root.display());
        }
        if folder.root.exists() && fs::read_dir(&folder.root)?.next().is_some() {
            bail!("{}: the folder is not empty; choose another --out", folder.root.display());
        }
        mammo_files::create_dir(&folder.root)
            .context("the run folder cannot be made; choose another --out")?;
        mammo_files::write_json(&folder.config_path(), config)
            .context("the run folder cannot be written; choose another --out")?;
        Ok(folder)
    }

    /// A folder that holds a run.
    pub(crate) fn existing(root: &Path) -> anyhow::Result<Self> {
        let folder = Self { root: root.to_owned() };
        if !folder.root.join("finished.json").exists() {
            bail!("{}: there is no finished run in this folder", root.display());
        }
        Ok(folder)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A sub-folder, made if it is missing.
    pub(crate) fn subfolder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.root.join(name);
        mammo_files::create_dir(&path)?;
        Ok(path)
    }

    fn config_path(&self) -> PathBuf {
        self.root.join("run.json")
    }

    pub(crate) fn config(&self) -> anyhow::Result<RunConfig> {
        Ok(mammo_files::read_json(&self.config_path())?)
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    /// Adds to the time that the run has taken.
    pub(crate) fn add_seconds(&self, seconds: f64) -> anyhow::Result<()> {
        let path = self.root.join("timing.json");
        let mut timing: Timing =
            if path.exists() { mammo_files::read_json(&path)? } else { Timing::default() };
        timing.elapsed_s += seconds;
        timing.threads = rayon::current_num_threads();
        Ok(mammo_files::write_json(&path, &timing)?)
    }

    /// Seconds that the run has taken and its threads.
    pub(crate) fn timing(&self) -> anyhow::Result<(f64, usize)> {
        let timing: Timing = mammo_files::read_json(&self.root.join("timing.json"))?;
        Ok((timing.elapsed_s, timing.threads))
    }

    /// Says that everything in the folder is whole, with the digests of the results.
    pub(crate) fn finish(&self) -> anyhow::Result<()> {
        let mut digests = std::collections::BTreeMap::new();
        for name in RESULTS {
            digests.insert(name, mammo_files::sha256_file(&self.root.join(name))?);
        }
        Ok(mammo_files::write_json(
            &self.root.join("finished.json"),
            &serde_json::json!({ "sha256": digests }),
        )?)
    }
}

/// The files that every finished run has.
const RESULTS: [&str; 8] = [
    "run.json",
    "manifest.jsonl",
    "cohort.json",
    "metrics.jsonl",
    "spectra.json",
    "readout/ratings.csv",
    "readout/analysis.json",
    "report.html",
];

fn name(config: &RunConfig) -> String {
    let data = config.data.split(':').next().unwrap_or("data");
    let preset =
        Path::new(&config.preset_name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    format!("exp1-{data}-{}-{preset}-seed{}", config.labels, config.seed.0)
}

/// The first unused name under `runs/`.
fn fresh(config: &RunConfig) -> anyhow::Result<PathBuf> {
    let base = Path::new("runs").join(name(config));
    if !base.exists() {
        return Ok(base);
    }
    (2..10_000)
        .map(|i| base.with_file_name(format!("{}-{i}", name(config))))
        .find(|path| !path.exists())
        .context("runs/ is full of runs with these settings; choose another --out")
}

/// The newest run with these settings under `runs/`.
fn newest(config: &RunConfig) -> anyhow::Result<PathBuf> {
    let mut found: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
    if Path::new("runs").is_dir() {
        for entry in fs::read_dir("runs")? {
            let path = entry?.path();
            let stored = mammo_files::read_json::<RunConfig>(&path.join("run.json"));
            if stored.is_ok_and(|stored| stored == *config) {
                found.push((fs::metadata(path.join("run.json"))?.modified()?, path));
            }
        }
    }
    found.sort();
    found.pop().map(|(_, path)| path).context("there is no run with these settings under runs/ to resume")
}

/// The first setting in which two runs differ, for people.
fn difference(stored: &RunConfig, asked: &RunConfig) -> anyhow::Result<String> {
    fn find(path: &str, a: &serde_json::Value, b: &serde_json::Value) -> Option<String> {
        match (a, b) {
            (serde_json::Value::Object(a), serde_json::Value::Object(b)) => {
                b.iter().find_map(|(name, value)| {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    find(&path, a.get(name).unwrap_or(&serde_json::Value::Null), value)
                })
            }
            _ if a == b => None,
            _ => Some(format!("{path} {a}, not {b}")),
        }
    }
    let (stored, asked) = (serde_json::to_value(stored)?, serde_json::to_value(asked)?);
    Ok(find("", &stored, &asked).unwrap_or_else(|| "other settings".to_owned()))
}
