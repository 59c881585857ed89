//! The run folder: a finished one explains itself.

use anyhow::{Context, bail};
use fs_err as fs;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What a run is asked to do, resolved to the last number: `run.json`.
pub(crate) trait Settings: Serialize + DeserializeOwned + PartialEq {
    /// Files that a finished run has.
    fn results(&self) -> Vec<String>;

    /// A name for its folder, from what it does.
    fn name(&self) -> String;
}

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
    pub(crate) fn open<S: Settings>(config: &S, out: Option<&Path>, resume: bool) -> anyhow::Result<Self> {
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
            let stored: S = mammo_files::read_json(&folder.config_path())?;
            if stored != *config {
                bail!(
                    "{}: the run in this folder has {}; repeat its options to resume it, or choose another --out",
                    folder.root.display(),
                    difference(&stored, config)?
                );
            }
            remove_leftovers(&folder.root)?;
            return Ok(folder);
        }
        if resume && out.is_some() {
            bail!("{}: there is no run in this folder to resume", folder.root.display());
        }
        if folder.root.exists() && !folder.root.is_dir() {
            bail!("{}: this is a file and not a folder; choose another --out", folder.root.display());
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
        if !folder.finished().exists() {
            bail!("{}: there is no finished run in this folder; finish it by --resume", root.display());
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

    pub(crate) fn config<S: Settings>(&self) -> anyhow::Result<S> {
        Ok(mammo_files::read_json(&self.config_path())?)
    }

    /// The name of the experiment that the run is of.
    pub(crate) fn experiment(&self) -> anyhow::Result<String> {
        let stored: Value = mammo_files::read_json(&self.config_path())?;
        Ok(stored["experiment"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    /// Takes away what says that the run is finished, because its results are about to change.
    pub(crate) fn begin(&self) -> anyhow::Result<()> {
        for path in [self.finished(), self.report()] {
            if path.exists() {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn finished(&self) -> PathBuf {
        self.root.join("finished.json")
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
    pub(crate) fn finish<S: Settings>(&self, config: &S) -> anyhow::Result<()> {
        let mut digests = std::collections::BTreeMap::new();
        for name in config.results() {
            let digest = mammo_files::sha256_file(&self.root.join(&name))?;
            digests.insert(name, digest);
        }
        Ok(mammo_files::write_json(&self.finished(), &serde_json::json!({ "sha256": digests }))?)
    }
}

/// Deletes what a killed run was writing: files and folders whose names end in `.tmp` until they are whole.
fn remove_leftovers(dir: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_leftover = name.starts_with('.') && name.ends_with(".tmp");
        match (path.is_dir(), is_leftover) {
            (true, true) => fs::remove_dir_all(&path)?,
            (true, false) => remove_leftovers(&path)?,
            (false, true) => fs::remove_file(&path)?,
            (false, false) => {}
        }
    }
    Ok(())
}

/// The first unused name under `runs/`.
fn fresh<S: Settings>(config: &S) -> anyhow::Result<PathBuf> {
    let base = Path::new("runs").join(config.name());
    if !base.exists() {
        return Ok(base);
    }
    (2..10_000)
        .map(|i| base.with_file_name(format!("{}-{i}", config.name())))
        .find(|path| !path.exists())
        .context("runs/ is full of runs with these settings; choose another --out")
}

/// The newest run with these settings under `runs/`.
fn newest<S: Settings>(config: &S) -> anyhow::Result<PathBuf> {
    let mut found: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
    if Path::new("runs").is_dir() {
        for entry in fs::read_dir("runs")? {
            let path = entry?.path();
            let stored = mammo_files::read_json::<S>(&path.join("run.json"));
            if stored.is_ok_and(|stored| stored == *config) {
                found.push((fs::metadata(path.join("run.json"))?.modified()?, path));
            }
        }
    }
    found.sort();
    found.pop().map(|(_, path)| path).context("there is no run with these settings under runs/ to resume")
}

/// A setting in which two runs differ, for people: the outermost one, because inner ones may follow from it.
fn difference<S: Settings>(stored: &S, asked: &S) -> anyhow::Result<String> {
    fn collect(path: &[&str], a: &Value, b: &Value, found: &mut Vec<(usize, String)>) {
        match (a, b) {
            (Value::Object(a), Value::Object(b)) => {
                for (name, value) in b {
                    collect(&[path, &[name]].concat(), a.get(name).unwrap_or(&Value::Null), value, found);
                }
            }
            _ if a == b => {}
            _ => found.push((path.len(), format!("{} {a}, not {b}", path.join(".")))),
        }
    }
    let mut found = Vec::new();
    collect(&[], &serde_json::to_value(stored)?, &serde_json::to_value(asked)?, &mut found);
    let outermost = found.into_iter().min_by_key(|(depth, _)| *depth);
    Ok(outermost.map_or_else(|| "other settings".to_owned(), |(_, text)| text))
}
