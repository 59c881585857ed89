//! Where files may lie: inside of the release, whatever tables and links say.

use crate::DatasetError;
use std::path::{Component, Path, PathBuf};

/// The path that a table gives for a file, relative to the release: no root, no `..`, slashes of either kind.
pub(crate) fn relative(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(text.trim().replace('\\', "/"));
    let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    // A drive letter is a plain name to other systems.
    let drive = text.trim().as_bytes().get(1) == Some(&b':');
    (plain && !drive && path.file_name().is_some() && !text.contains('\0')).then_some(path)
}

/// `root` joined with `path`, unless links lead out of `root`.
///
/// # Errors
/// [`DatasetError::Outside`]; [`DatasetError::File`] when there is no such file.
pub(crate) fn inside(root: &Path, path: &Path) -> Result<PathBuf, DatasetError> {
    let joined = root.join(path);
    let real = fs_err::canonicalize(&joined).map_err(mammo_files::FileError::from)?;
    let real_root = fs_err::canonicalize(root).map_err(mammo_files::FileError::from)?;
    if real.starts_with(real_root) { Ok(joined) } else { Err(DatasetError::Outside { path: joined }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_climb_out_are_refused() {
        for text in ["a/b.png", "./a.png", "a\\b.png"] {
            assert!(relative(text).is_some(), "{text}");
        }
        for text in ["../a.png", "a/../../b.png", "/etc/passwd", "C:\\a.png", "", "..", "a\0b"] {
            assert!(relative(text).is_none(), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_out_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (root, other) = (dir.path().join("root"), dir.path().join("other"));
        for folder in [&root, &other] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("a"), "x").unwrap();
        }
        std::os::unix::fs::symlink(other.join("a"), root.join("b")).unwrap();
        std::os::unix::fs::symlink(root.join("a"), root.join("c")).unwrap();
        assert!(inside(&root, Path::new("a")).is_ok() && inside(&root, Path::new("c")).is_ok());
        assert!(matches!(inside(&root, Path::new("b")), Err(DatasetError::Outside { .. })));
        assert!(inside(&root, Path::new("d")).is_err());
    }
}
