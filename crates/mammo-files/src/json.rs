use crate::{FileError, atomic};
use fs_err as fs;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

/// Writes `value` as indented JSON with a final line break, in one step.
///
/// # Errors
/// [`FileError`]; then `path` is as it was.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|source| FileError::Json { path: path.to_owned(), source })?;
    text.push(b'\n');
    atomic::write(path, &text)
}

/// Reads one JSON value.
///
/// # Errors
/// [`FileError`] when the file is missing or is not the JSON that `T` expects.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let bytes = fs::read(path)?;
    serde_json::from_slice(&bytes).map_err(|source| FileError::Json { path: path.to_owned(), source })
}

/// Reads JSON lines. A last line without line break (a writer that was killed) is left out.
///
/// # Errors
/// [`FileError`] when the file is missing or a whole line is not the JSON that `T` expects.
pub fn read_json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, FileError> {
    let mut reader = BufReader::new(fs::File::open(path)?);
    let (mut values, mut line) = (Vec::new(), String::new());
    while reader.read_line(&mut line)? > 0 && line.ends_with('\n') {
        let value = serde_json::from_str(&line)
            .map_err(|source| FileError::Json { path: path.to_owned(), source })?;
        values.push(value);
        line.clear();
    }
    Ok(values)
}

/// A log of JSON values, one a line, that grows while work goes on.
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    file: fs::File,
}

impl JsonLines {
    /// Opens the log and keeps its first `keep` lines (resumed work drops what it will do again); creates it if
    /// it is missing.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn open(path: &Path, keep: usize) -> Result<Self, FileError> {
        let mut kept = Vec::new();
        if keep > 0 && path.exists() {
            let text = fs::read(path)?;
            for line in text.split_inclusive(|&b| b == b'\n').filter(|l| l.ends_with(b"\n")).take(keep) {
                kept.extend_from_slice(line);
            }
        }
        atomic::write(path, &kept)?;
        let file = fs::OpenOptions::new().append(true).open(path)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Adds one line.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn push(&mut self, value: &impl Serialize) -> Result<(), FileError> {
        let mut line = serde_json::to_vec(value)
            .map_err(|source| FileError::Json { path: self.path.clone(), source })?;
        line.push(b'\n');
        // One write call a line, so that a kill leaves whole lines and at most one torn end.
        Ok(self.file.write_all(&line)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_dropped_and_resumed_logs_keep_their_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        std::fs::write(&path, "1\n2\n3\n4").unwrap();
        assert_eq!(read_json_lines::<u32>(&path).unwrap(), [1, 2, 3]);
        let mut log = JsonLines::open(&path, 2).unwrap();
        log.push(&9).unwrap();
        assert_eq!(read_json_lines::<u32>(&path).unwrap(), [1, 2, 9]);
    }
}
