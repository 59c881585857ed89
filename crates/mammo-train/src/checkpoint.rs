use candle_core::{Device, Tensor};
use fs_err as fs;
use mammo_files::FileError;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use crate::{CycleGan, ImagePool, TrainConfig, TrainError};

/// How the folders of checkpoints begin, before the step: those that a training goes on from.
const NEWEST: &str = "step-";

/// How the folder of the best checkpoint begins, which is kept whatever comes after.
const BEST: &str = "best-";

/// The state of a training after some step, in a folder of its own: `state.safetensors` (parameters, Adam's moments,
/// image pools) and `state.json`. Random draws need no state because each step has streams of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Steps done.
    pub step: usize,
    /// What was being trained, to the last number.
    pub config: TrainConfig,
    /// Digest of the training images.
    pub data_sha256: String,
    /// Digest of `state.safetensors`.
    pub tensors_sha256: String,
    /// Whether the losses looked sound: the newest such checkpoint is kept, so that there is one to go back to.
    #[serde(default = "yes")]
    pub good: bool,
    /// Version of this crate.
    pub version: String,
}

/// Checkpoints of earlier versions were not asked.
fn yes() -> bool {
    true
}

/// A checkpoint that could not be used and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedCheckpoint {
    /// Its folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// The pools of both directions.
pub(crate) type Pools = (ImagePool, ImagePool);

/// What a checkpoint is written of.
pub(crate) struct State<'a> {
    pub(crate) model: &'a CycleGan,
    pub(crate) pools: &'a Pools,
    pub(crate) step: usize,
    pub(crate) config: &'a TrainConfig,
    pub(crate) data_sha256: &'a str,
    pub(crate) good: bool,
}

/// Writes the state into `dir`; the folder appears under its name when it is whole. Then the older ones go that need not be
/// kept.
pub(crate) fn save(dir: &Path, state: &State) -> Result<(), TrainError> {
    write(dir, NEWEST, state)?;
    let checkpoints = list(dir, NEWEST)?;
    let is_good = |path: &PathBuf| {
        mammo_files::read_json::<Checkpoint>(&path.join("state.json")).is_ok_and(|stored| stored.good)
    };
    let newest_good = checkpoints.iter().find(|path| is_good(path));
    for old in checkpoints.iter().skip(state.config.keep_checkpoints) {
        if Some(old) != newest_good {
            fs::remove_dir_all(old).map_err(FileError::from)?;
        }
    }
    Ok(())
}

/// Keeps the state as the best so far.
pub(crate) fn save_best(dir: &Path, state: &State) -> Result<(), TrainError> {
    write(dir, BEST, state)?;
    for other in list(dir, BEST)? {
        if other != place(dir, BEST, state.step) {
            fs::remove_dir_all(other).map_err(FileError::from)?;
        }
    }
    Ok(())
}

fn place(dir: &Path, kind: &str, step: usize) -> PathBuf {
    dir.join(format!("{kind}{step:07}"))
}

/// The newest checkpoint whose losses looked sound.
pub(crate) fn newest_good(dir: &Path) -> Option<PathBuf> {
    list(dir, NEWEST).ok()?.into_iter().find(|path| {
        mammo_files::read_json::<Checkpoint>(&path.join("state.json")).is_ok_and(|stored| stored.good)
    })
}

fn write(dir: &Path, kind: &str, state: &State) -> Result<(), TrainError> {
    let State { model, pools, step, config, data_sha256, good } = *state;
    let mut tensors = HashMap::new();
    for (network, parameters) in model.parameters() {
        for (name, var) in parameters.iter() {
            tensors.insert(format!("parameters.{network}.{name}"), var.as_detached_tensor());
        }
    }
    for (network, adam) in &model.adam {
        for (name, moment) in adam.moments() {
            tensors.insert(format!("moments.{network}.{name}"), moment.clone());
        }
    }
    for (name, pool) in [("fake_a", &pools.0), ("fake_b", &pools.1)] {
        for (i, image) in pool.images().iter().enumerate() {
            tensors.insert(format!("pool.{name}.{i:05}"), image.clone());
        }
    }
    let aside = dir.join(format!(".{kind}{step:07}.tmp"));
    if aside.exists() {
        fs::remove_dir_all(&aside).map_err(FileError::from)?;
    }
    mammo_files::create_dir(&aside)?;
    let path = aside.join("state.safetensors");
    candle_core::safetensors::save(&tensors, &path)?;
    fs::File::open(&path).and_then(|file| file.sync_all()).map_err(FileError::from)?;
    let state = Checkpoint {
        step,
        config: config.clone(),
        data_sha256: data_sha256.to_owned(),
        tensors_sha256: mammo_files::sha256_file(&path)?,
        good,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    mammo_files::write_json(&aside.join("state.json"), &state)?;
    let place = place(dir, kind, step);
    if place.exists() {
        fs::remove_dir_all(&place).map_err(FileError::from)?;
    }
    Ok(fs::rename(&aside, &place).map_err(FileError::from)?)
}

/// Step and pools of the checkpoint that was taken, if there is one, and those that were passed over.
type Found = (Option<(usize, Pools)>, Vec<SkippedCheckpoint>);

/// Puts the newest whole checkpoint in `dir` into `model` and gives its step and pools; `None` if there is none.
/// Checkpoints that are damaged are passed over and reported.
pub(crate) fn load(
    dir: &Path,
    model: &mut CycleGan,
    config: &TrainConfig,
    data_sha256: &str,
) -> Result<Found, TrainError> {
    let mut skipped = Vec::new();
    for path in list(dir, NEWEST)? {
        match read(&path) {
            Err(reason) => skipped.push(SkippedCheckpoint { path, reason: reason.to_string() }),
            Ok((state, tensors)) => {
                if let Some(difference) = difference(&state, config, data_sha256) {
                    return Err(TrainError::OtherRun { path, difference });
                }
                let pools = restore(model, config, &state, &tensors)?;
                return Ok((Some((state.step, pools)), skipped));
            }
        }
    }
    Ok((None, skipped))
}

/// The networks of the newest whole checkpoint in `dir`, whatever they were trained on, and what the checkpoint says of
/// itself. Damaged ones are passed over.
pub(crate) fn load_newest(dir: &Path) -> Result<(CycleGan, Checkpoint), TrainError> {
    load_first(dir, list(dir, NEWEST)?)
}

/// The networks of the best checkpoint, else of the newest.
pub(crate) fn load_best(dir: &Path) -> Result<(CycleGan, Checkpoint), TrainError> {
    load_first(dir, [list(dir, BEST)?, list(dir, NEWEST)?].concat())
}

/// The networks of the first of the checkpoints that is whole.
fn load_first(dir: &Path, candidates: Vec<PathBuf>) -> Result<(CycleGan, Checkpoint), TrainError> {
    let mut damaged = None;
    for path in candidates {
        match read(&path) {
            Err(error) => damaged = damaged.or(Some(error)),
            Ok((state, tensors)) => {
                let mut model = CycleGan::new(&state.config, candle_core::DType::F32, &Device::Cpu)?;
                restore(&mut model, &state.config, &state, &tensors)?;
                return Ok((model, state));
            }
        }
    }
    Err(damaged.unwrap_or_else(|| {
        TrainError::Data(format!("{}: there is no checkpoint here; train first", dir.display()))
    }))
}

/// The checkpoints of a kind in `dir`, newest first.
fn list(dir: &Path, kind: &str) -> Result<Vec<PathBuf>, TrainError> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(FileError::from)? {
        let path = entry.map_err(FileError::from)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.strip_prefix(kind).is_some_and(|number| number.parse::<usize>().is_ok()) {
            found.push(path);
        }
    }
    found.sort();
    found.reverse();
    Ok(found)
}

fn read(path: &Path) -> Result<(Checkpoint, HashMap<String, Tensor>), TrainError> {
    let state: Checkpoint = mammo_files::read_json(&path.join("state.json"))?;
    let tensors = path.join("state.safetensors");
    if mammo_files::sha256_file(&tensors)? != state.tensors_sha256 {
        return Err(TrainError::Data(format!("{} is damaged: its digest has changed", tensors.display())));
    }
    Ok((state, candle_core::safetensors::load(&tensors, &Device::Cpu)?))
}

/// What keeps a checkpoint from being continued by this run.
fn difference(state: &Checkpoint, config: &TrainConfig, data_sha256: &str) -> Option<String> {
    if state.data_sha256 != data_sha256 {
        return Some("the training images differ".to_owned());
    }
    if state.config == *config {
        return None;
    }
    let (stored, asked) = (serde_json::to_value(&state.config).ok()?, serde_json::to_value(config).ok()?);
    let (stored, asked) = (stored.as_object()?, asked.as_object()?);
    let field = asked.iter().find(|(name, value)| stored.get(*name) != Some(value));
    Some(match field {
        Some((name, value)) => {
            let was = stored.get(name).map_or("nothing".to_owned(), ToString::to_string);
            format!("{name} was {was} and is now {value}")
        }
        None => "the configuration differs".to_owned(),
    })
}

fn restore(
    model: &mut CycleGan,
    config: &TrainConfig,
    state: &Checkpoint,
    tensors: &HashMap<String, Tensor>,
) -> Result<Pools, TrainError> {
    for (network, parameters) in model.parameters() {
        let prefix = format!("parameters.{network}.");
        let own = tensors
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor.clone())))
            .collect();
        parameters.load(&own)?;
    }
    for (network, adam) in &mut model.adam {
        let network = *network;
        adam.restore(state.step, |name| {
            let key = format!("moments.{network}.{name}");
            tensors.get(&key).cloned().ok_or_else(|| TrainError::Data(format!("{key} is missing")))
        })?;
    }
    let pool = |name: &str| -> Result<ImagePool, TrainError> {
        let images = (0..).map_while(|i| tensors.get(&format!("pool.{name}.{i:05}")));
        let images = images.map(|image| image.to_device(model.device())).collect::<Result<_, _>>()?;
        Ok(ImagePool::restored(config.pool_size, images))
    };
    Ok((pool("fake_a")?, pool("fake_b")?))
}
