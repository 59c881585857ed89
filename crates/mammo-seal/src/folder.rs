use crate::SealError;
use fs_err as fs;
use std::path::Path;

/// Paths of all files below a folder, relative, with `/`, in order.
///
/// # Errors
/// [`SealError::Path`] for a folder that is not there and for links, which would be sealed by what they point to today;
/// for names that are not Unicode, which cannot be written down exactly.
pub(crate) fn files(root: &Path) -> Result<Vec<String>, SealError> {
    if !root.is_dir() {
        return Err(wrong(root, "there is no such folder"));
    }
    let mut found = Vec::new();
    walk(root, "", &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(dir: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), SealError> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(wrong(&path, "the name is not Unicode and cannot be written into a seal; rename it"));
        };
        let kind = entry.file_type()?;
        let relative = format!("{prefix}{name}");
        if kind.is_symlink() {
            return Err(wrong(&path, "a link cannot be sealed; put the file itself in its place"));
        } else if kind.is_dir() {
            walk(&path, &format!("{relative}/"), found)?;
        } else {
            found.push(relative);
        }
    }
    Ok(())
}

pub(crate) fn wrong(path: &Path, what: &str) -> SealError {
    SealError::Path { path: path.to_owned(), what: what.to_owned() }
}
