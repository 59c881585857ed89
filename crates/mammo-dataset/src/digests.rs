use crate::{DatasetError, Source, manifest};
use mammo_files::FileError;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// SHA-256 of files as somebody noted them, by path relative to the release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digests(BTreeMap<PathBuf, String>);

/// The part of a phantom's manifest that names files.
#[derive(Deserialize)]
struct Phantom {
    table_sha256: String,
    images: Vec<PhantomImage>,
}

#[derive(Deserialize)]
struct PhantomImage {
    path: PathBuf,
    sha256: String,
    outlines_path: Option<PathBuf>,
    outlines_sha256: Option<String>,
}

impl Digests {
    /// Reads lines such as `sha256sum` writes: 64 hexadecimal digits, blanks, and a path relative to the release.
    ///
    /// # Errors
    /// [`DatasetError::Line`] for another line; [`DatasetError::File`] when the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let text = fs_err::read_to_string(path).map_err(FileError::from)?;
        let mut digests = BTreeMap::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (digest, name) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            let name = name.trim_start_matches([' ', '\t', '*']);
            if digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) || name.is_empty() {
                let reason = "expected 64 hexadecimal digits and a path".to_owned();
                return Err(DatasetError::Line { path: path.to_owned(), line: index as u64 + 1, reason });
            }
            let name = name.strip_prefix("./").unwrap_or(name);
            digests.insert(PathBuf::from(name), digest.to_ascii_lowercase());
        }
        Ok(Self(digests))
    }

    /// What a release says about its own files: the manifest of a phantom release, and the column `sha256` of a table of
    /// one's own.
    pub(crate) fn of_release(source: &Source, root: &Path) -> Self {
        match source {
            Source::Inbreast(_) => {
                let phantom = mammo_files::read_json::<Phantom>(&root.join("phantom.json"));
                phantom.map(Self::of_phantom).unwrap_or_default()
            }
            Source::Manifest(path) => {
                let rows = manifest::table_of(path)
                    .and_then(|table| manifest::parse(&std::fs::read(&table).unwrap_or_default(), &table));
                let digests = rows.into_iter().flatten().flatten().filter_map(manifest::Row::digest);
                Self(digests.collect())
            }
            _ => Self::default(),
        }
    }

    fn of_phantom(phantom: Phantom) -> Self {
        let mut digests = BTreeMap::from([(PathBuf::from("INbreast.csv"), phantom.table_sha256)]);
        for image in phantom.images {
            digests.insert(image.path, image.sha256);
            digests.extend(image.outlines_path.zip(image.outlines_sha256));
        }
        Self(digests)
    }

    /// Adds others, which outrank these.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.clone());
    }

    /// The digest of a file.
    pub fn get(&self, path: &Path) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// The file that a digest belongs to.
    pub(crate) fn owner(&self, digest: &str) -> Option<&Path> {
        self.0.iter().find(|(_, known)| *known == digest).map(|(path, _)| path.as_path())
    }

    /// Every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.0.iter().map(|(path, digest)| (path.as_path(), digest.as_str()))
    }

    /// Files.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no file has a digest.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_sha256sum_are_read_and_others_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sums");
        let digest = "AB".repeat(32);
        std::fs::write(&path, format!("{digest}  ./a b.dcm\n{digest} *c.dcm\n")).unwrap();
        let digests = Digests::read(&path).unwrap();
        assert_eq!(digests.get(Path::new("a b.dcm")), Some("ab".repeat(32).as_str()));
        assert_eq!((digests.len(), digests.owner(&"ab".repeat(32))), (2, Some(Path::new("a b.dcm"))));
        std::fs::write(&path, "ab  a.dcm\n").unwrap();
        assert!(Digests::read(&path).unwrap_err().to_string().contains("sums: line 1"));
    }
}
