//! Run folders below other folders.

use super::figures::{Figures, read_figures};
use anyhow::{Context, bail};
use fs_err as fs;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The end of `metrics.jsonl` that is read; a line of it is shorter by far.
const TAIL_BYTES: u64 = 1 << 16;

/// CycleGANs that a study of detection trains in each rotation, one for each way up.
const GENERATORS_PER_ROTATION: u64 = 2;

/// What one run folder says of itself. Settings are read as they stand, and not into the types of one experiment, so that
/// runs of other versions and other experiments can be listed and compared, too.
#[derive(Debug, Serialize)]
pub(super) struct FoundRun {
    /// The folder, as it was found.
    pub(super) folder: String,
    /// Whether all of its results are there.
    pub(super) finished: bool,
    /// Training steps done, of all of its CycleGANs; `None` where its metrics are gone or damaged.
    pub(super) steps_done: Option<u64>,
    /// Training steps asked for, of all of its CycleGANs.
    pub(super) steps_asked: Option<u64>,
    /// What it found.
    #[serde(flatten)]
    pub(super) figures: Figures,
    /// Its `run.json`.
    pub(super) settings: Value,
}

impl FoundRun {
    /// Steps done, for people.
    pub(super) fn steps_text(&self) -> String {
        self.steps_done.map_or_else(|| "-".to_owned(), |steps| steps.to_string())
    }
}

/// The runs in and below `dirs`, in the order of these and of their names, with notes on what cannot be read.
pub(super) fn find(dirs: &[PathBuf]) -> anyhow::Result<(Vec<FoundRun>, Vec<String>)> {
    let (mut runs, mut notes, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for dir in dirs {
        if !dir.is_dir() {
            bail!("{}: there is no such folder; name the folders that hold your runs", dir.display());
        }
        let mut folders = Vec::new();
        if is_run(dir) {
            folders.push(dir.clone());
        } else {
            walk(dir, &mut folders, &mut notes);
        }
        if folders.is_empty() {
            notes.push(format!("{}: there is no run folder in it", dir.display()));
        }
        for folder in folders {
            // The same folder may lie below two of those given.
            if !seen.insert(fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone())) {
                continue;
            }
            match read(&folder, &mut notes) {
                Ok(run) => runs.push(run),
                Err(error) => notes.push(format!("passed over: {}", crate::sentence(&error))),
            }
        }
    }
    Ok((runs, notes))
}

fn is_run(dir: &Path) -> bool {
    dir.join("run.json").is_file()
}

/// Links to run folders count; other links are not followed, because they may lead in circles.
fn walk(dir: &Path, found: &mut Vec<PathBuf>, notes: &mut Vec<String>) {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return notes.push(format!("passed over: {error}")),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if is_run(&path) {
            found.push(path);
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, found, notes);
        }
    }
}

fn read(folder: &Path, notes: &mut Vec<String>) -> anyhow::Result<FoundRun> {
    let path = folder.join("run.json");
    let settings: Value = mammo_files::read_json(&path)?;
    let Some(experiment) = settings["experiment"].as_str() else {
        bail!("{}: names no experiment, so it is of no run of mammo", path.display());
    };
    let (trainings, asked_factor) = match experiment {
        "reproduce-detection" => {
            let rotations = settings["rotations"].as_u64().unwrap_or(1);
            (generator_folders(folder), rotations.saturating_mul(GENERATORS_PER_ROTATION))
        }
        _ => (vec![folder.to_owned()], 1),
    };
    let finished = folder.join("finished.json").is_file();
    // Without metrics an unfinished run has not begun its training, and a finished one has lost them.
    let mut steps_done = (!finished).then_some(0);
    for training in trainings {
        match last_step(&training.join("metrics.jsonl")) {
            Ok(Some(step)) => steps_done = Some(steps_done.unwrap_or(0) + step),
            Ok(None) => {}
            Err(error) => {
                notes.push(crate::sentence(&error));
                steps_done = None;
                break;
            }
        }
    }
    let steps = settings.pointer("/preset/train/steps").and_then(Value::as_u64);
    Ok(FoundRun {
        folder: shown(folder),
        finished,
        steps_done,
        steps_asked: steps.map(|steps| steps.saturating_mul(asked_factor)),
        figures: read_figures(folder, notes),
        settings,
    })
}

/// The path of a run without the `./` before it, which says nothing.
fn shown(folder: &Path) -> String {
    let inner = folder.strip_prefix(".").ok().filter(|inner| !inner.as_os_str().is_empty());
    inner.unwrap_or(folder).display().to_string()
}

/// `rotation-*/generators/*` of a study of detection.
fn generator_folders(folder: &Path) -> Vec<PathBuf> {
    let below = |dir: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    };
    below(folder).iter().flat_map(|rotation| below(&rotation.join("generators"))).collect()
}

/// The step of the last whole line of a training's metrics, 0 where none was written yet; `None` without the file.
fn last_step(path: &Path) -> anyhow::Result<Option<u64>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let mut lines = tail.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let Some(line) = lines.next_back() else { return Ok(Some(0)) };
    let step = serde_json::from_slice::<Value>(line).ok().and_then(|line| line["step"].as_u64());
    let wrong =
        || format!("{}: its last line names no step; how far the training came is not known", path.display());
    Ok(Some(step.with_context(wrong)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_that_of_the_last_whole_line_of_files_of_any_length() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        assert_eq!(last_step(&path).unwrap(), None);
        let line = |step: usize| format!("{{\"step\":{step},\"cycle_a\":0.25}}\n");
        for lines in [0, 1, 5, 5000] {
            let whole: String = (1..=lines).map(line).collect();
            for torn in ["", "{\"step\":99"] {
                std::fs::write(&path, format!("{whole}{torn}")).unwrap();
                assert_eq!(last_step(&path).unwrap(), Some(lines as u64));
            }
        }
        std::fs::write(&path, "epoch,loss\n1,0.5\n").unwrap();
        assert!(last_step(&path).unwrap_err().to_string().contains("metrics.jsonl"));
    }
}
