//! The folder of a prepared set: nothing outside of it is written, and an interrupted set goes on where it stopped.

use super::{IngestError, PreparedRecord};
use fs_err as fs;
use mammo_files::{FileError, JsonLines};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Mutex,
    time::UNIX_EPOCH,
};

/// What is kept while a set is made, and taken away when it is whole.
const STATE: &str = ".ingest";
pub(super) const PROVENANCE: &str = "provenance.json";

/// A picture that is finished, with what its file looked like when it was read.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    index: usize,
    bytes: u64,
    modified_ns: u64,
    record: PreparedRecord,
}

/// What is finished, by the place in the cohort.
pub(super) type Finished = BTreeMap<usize, (Stamp, PreparedRecord)>;

/// Length and time of a file, by which a changed one is known without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) bytes: u64,
    modified_ns: u64,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Result<Self, FileError> {
        let metadata = fs::metadata(path)?;
        let modified = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        Ok(Self { bytes: metadata.len(), modified_ns: modified.map_or(0, |t| t.as_nanos() as u64) })
    }
}

pub(super) struct Folder {
    root: PathBuf,
    log: Mutex<JsonLines>,
}

impl Folder {
    /// Opens `out` for a set with `config`, and gives what is finished of it already.
    ///
    /// A folder that holds anything else is refused, and so is one inside of a source or around it.
    pub(super) fn open<C: Serialize + DeserializeOwned + PartialEq>(
        out: &Path,
        sources: &[PathBuf],
        config: &C,
    ) -> Result<(Self, Finished), IngestError> {
        let refused = |reason: &str| IngestError::Folder { path: out.to_owned(), reason: reason.to_owned() };
        if out.exists() && !out.is_dir() {
            return Err(refused("this is a file and not a folder; choose another --out"));
        }
        // Before anything is made: a folder that is refused must not be left behind in a source.
        let root = future(out)?;
        for source in sources {
            let source = fs::canonicalize(source).map_err(FileError::from)?;
            if root.starts_with(&source) || source.starts_with(&root) {
                return Err(refused(
                    "the folder overlaps with a source, which nothing is written into; choose another --out",
                ));
            }
        }
        mammo_files::create_dir(&root)?;
        let is_empty = fs::read_dir(&root).map_err(FileError::from)?.next().is_none();
        let state = root.join(STATE);
        let plan = state.join("plan.json");
        if !is_empty {
            let stored: Option<C> = if plan.is_file() {
                Some(mammo_files::read_json(&plan)?)
            } else if root.join(PROVENANCE).is_file() {
                mammo_files::read_json::<Provenance<C>>(&root.join(PROVENANCE)).ok().map(|p| p.config)
            } else {
                None
            };
            match stored {
                None => {
                    return Err(refused(
                        "the folder is not empty and holds no prepared set; choose another --out",
                    ));
                }
                Some(stored) if stored != *config => {
                    return Err(refused(
                        "the set in this folder was asked for with other options or another version; repeat them or \
                         choose another --out",
                    ));
                }
                Some(_) => {}
            }
        }
        plain_folder(&state)?;
        mammo_files::write_json(&plan, config)?;
        let path = state.join("done.jsonl");
        let mut done = BTreeMap::new();
        if path.is_file() {
            for line in mammo_files::read_json_lines::<Done>(&path)? {
                let stamp = Stamp { bytes: line.bytes, modified_ns: line.modified_ns };
                done.insert(line.index, (stamp, line.record));
            }
        }
        let log = Mutex::new(JsonLines::open(&path, usize::MAX)?);
        Ok((Self { root, log }, done))
    }

    pub(super) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// Makes a folder in the set; a link in its place is refused, because it would lead out.
    pub(super) fn subfolder(&self, relative: &str) -> Result<(), IngestError> {
        let mut path = self.root.clone();
        for part in relative.split('/') {
            path.push(part);
            plain_folder(&path)?;
        }
        Ok(())
    }

    /// Takes everything out of the folders of pictures that is not of the set: what a killed call was writing, and pictures of
    /// images that are no longer there.
    pub(super) fn keep_only(
        &self,
        folders: &BTreeSet<String>,
        files: &BTreeSet<PathBuf>,
    ) -> Result<(), IngestError> {
        for folder in folders {
            for entry in fs::read_dir(self.path(folder)).map_err(FileError::from)? {
                let entry = entry.map_err(FileError::from)?;
                let relative = Path::new(folder).join(entry.file_name());
                let is_file = entry.file_type().map_err(FileError::from)?.is_file();
                if is_file && !files.contains(&relative) {
                    fs::remove_file(entry.path()).map_err(FileError::from)?;
                }
            }
        }
        Ok(())
    }

    /// Notes that a picture is finished.
    pub(super) fn note_done(
        &self,
        index: usize,
        stamp: Stamp,
        record: &PreparedRecord,
    ) -> Result<(), IngestError> {
        let Stamp { bytes, modified_ns } = stamp;
        let line = Done { index, bytes, modified_ns, record: record.clone() };
        let mut log = self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(log.push(&line)?)
    }

    /// Writes what says that the set is whole, and takes away what was kept to go on.
    pub(super) fn finish<C: Serialize>(&self, provenance: &Provenance<C>) -> Result<(), IngestError> {
        mammo_files::write_json(&self.path(PROVENANCE), provenance)?;
        Ok(fs::remove_dir_all(self.path(STATE)).map_err(FileError::from)?)
    }

    /// Takes away what says that the set is whole, because it is about to change.
    pub(super) fn begin(&self) -> Result<(), IngestError> {
        for name in [PROVENANCE, "cohort.json", "manifest.jsonl"] {
            if self.path(name).exists() {
                fs::remove_file(self.path(name)).map_err(FileError::from)?;
            }
        }
        Ok(())
    }
}

/// Where a folder will lie once it is made, with all links followed.
fn future(path: &Path) -> Result<PathBuf, IngestError> {
    let absolute = std::path::absolute(path).map_err(FileError::from)?;
    let there = absolute.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&absolute);
    let rest = absolute.strip_prefix(there).unwrap_or(Path::new(""));
    if rest.components().any(|part| part == std::path::Component::ParentDir) {
        let reason = "the path climbs out of folders that are not there; choose another --out".to_owned();
        return Err(IngestError::Folder { path: path.to_owned(), reason });
    }
    Ok(fs::canonicalize(there).map_err(FileError::from)?.join(rest))
}

fn plain_folder(path: &Path) -> Result<(), IngestError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(IngestError::Folder {
            path: path.to_owned(),
            reason: "a file or a link is where a folder of the set belongs; choose another --out".to_owned(),
        }),
        Err(_) => Ok(fs::create_dir(path).map_err(FileError::from)?),
    }
}

/// `provenance.json`: where a set comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Provenance<C> {
    /// The program and its version.
    pub(super) made_by: String,
    /// Pictures in the set.
    pub(super) images: usize,
    /// Images of the releases, in the set or not.
    pub(super) images_of_the_release: usize,
    /// Pictures in the set that are made.
    pub(super) synthetic_images: usize,
    /// What was asked for.
    pub(super) config: C,
    /// Licence and citation of each data set.
    pub(super) datasets: Vec<DatasetTerms>,
    /// SHA-256 of the files that describe the set.
    pub(super) sha256: BTreeMap<String, String>,
}

/// How a data set may be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DatasetTerms {
    pub(super) dataset: String,
    pub(super) licence: String,
    pub(super) terms: String,
    pub(super) citation: String,
}
