use crate::FileError;
use fs_err as fs;
use std::{
    ffi::OsString,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// Creates a folder and those above it.
///
/// # Errors
/// [`FileError::Io`], naming the folder.
pub fn create_dir(path: &Path) -> Result<(), FileError> {
    Ok(fs::create_dir_all(path)?)
}

/// Writes `bytes` to `path`, replacing what is there in one step. The folder must exist.
///
/// # Errors
/// [`FileError::Io`]; then `path` is as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_with(path, |file| file.write_all(bytes).map_err(FileError::from))
}

/// Writes `path` through `fill`, replacing what is there in one step once `fill` has succeeded.
///
/// # Errors
/// What `fill` returns, or its error type made from a [`FileError`]; then `path` is as it was.
pub fn write_with<E: From<FileError>>(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let aside = aside(path);
    let result = (|| {
        let mut file = BufWriter::new(fs::File::create(&aside).map_err(FileError::from)?);
        fill(&mut file)?;
        let file = file.into_inner().map_err(|e| FileError::from(e.into_error()))?;
        file.sync_all().map_err(FileError::from)?;
        fs::rename(&aside, path).map_err(FileError::from)?;
        Ok(())
    })();
    if result.is_err() {
        // Best effort: the error that matters is the one above.
        let _ = fs::remove_file(&aside);
    }
    result
}

/// The name under which a file is written until it is whole; `.tmp` tells people and `.gitignore` what it is.
fn aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |file| {
            file.write_all(b"half").unwrap();
            Err::<(), FileError>(std::io::Error::other("the disk is full").into())
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn errors_name_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("missing").join("a.txt");
        let message = write(&path, b"x").unwrap_err().to_string();
        assert!(message.contains("missing"), "{message}");
    }
}
