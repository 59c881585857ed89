use crate::folder::files;
use crate::{PublicKey, SealError, SecretKey};
use fs_err as fs;
use mammo_dicom::Mammogram;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// One file under a seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    /// Below the folder, with `/`.
    pub path: String,
    /// Length.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 of size and stored values of a mammogram, where the file is a DICOM file that this version reads. It
    /// stays the same when a file is compressed without loss or its header is edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels_sha256: Option<String>,
}

/// What was in a folder when it was sealed, and the signature over that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The form of this file.
    pub schema: String,
    /// The software with its version.
    pub made_by: String,
    /// Milliseconds since 1970 by the clock of the machine that sealed. The signature covers it, but a clock can be wrong.
    pub sealed_at_ms: i64,
    /// The public key, for people; a check uses the key that it is given.
    pub public_key: String,
    /// The files, in order.
    pub files: Vec<SealedFile>,
    /// Ed25519 over all of the above.
    pub signature: String,
}

impl Seal {
    /// The form of a seal.
    pub const SCHEMA: &str = "mammo-seal/1";

    /// What is signed. JSON of an array is the same text for the same values, whoever writes it.
    fn message(&self) -> Vec<u8> {
        let files: Vec<_> = self
            .files
            .iter()
            .map(|f| serde_json::json!([f.path, f.bytes, f.sha256, f.pixels_sha256]))
            .collect();
        serde_json::json!([self.schema, self.made_by, self.sealed_at_ms, self.public_key, files])
            .to_string()
            .into_bytes()
    }
}

fn digest(root: &Path, path: &str) -> Result<SealedFile, SealError> {
    let full = root.join(path);
    let bytes = fs::read(&full)?;
    let pixels_sha256 = Mammogram::from_bytes(&bytes, &full).ok().map(|mammogram| {
        let plane = mammogram.display_plane();
        let mut values = Vec::with_capacity(2 * mammogram.words().len() + 16);
        values.extend((plane.width() as u64).to_le_bytes());
        values.extend((plane.height() as u64).to_le_bytes());
        values.extend(mammogram.words().iter().flat_map(|word| word.to_le_bytes()));
        mammo_files::sha256(&values)
    });
    Ok(SealedFile {
        path: path.to_owned(),
        bytes: bytes.len() as u64,
        sha256: mammo_files::sha256(&bytes),
        pixels_sha256,
    })
}

/// Seals everything in a folder. Nothing in the folder is changed.
///
/// # Errors
/// [`SealError::Path`] for a folder that is not there, is empty, or holds links; [`SealError::Io`].
pub fn seal(folder: &Path, key: &SecretKey, made_by: &str, now_ms: i64) -> Result<Seal, SealError> {
    let paths = files(folder)?;
    if paths.is_empty() {
        return Err(crate::folder::wrong(folder, "the folder is empty; there is nothing to seal"));
    }
    let files = paths.par_iter().map(|path| digest(folder, path)).collect::<Result<Vec<_>, _>>()?;
    let mut seal = Seal {
        schema: Seal::SCHEMA.to_owned(),
        made_by: made_by.to_owned(),
        sealed_at_ms: now_ms,
        public_key: key.public().to_string(),
        files,
        signature: String::new(),
    };
    seal.signature = key.sign(&seal.message());
    Ok(seal)
}

/// What became of a file since it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The same to the last byte.
    Same,
    /// The file differs but its pixels do not: a header was edited, or it was compressed without loss.
    SamePixels,
    /// It differs.
    Changed,
    /// It is gone.
    Missing,
    /// It was not there.
    Added,
}

/// One file against the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFinding {
    /// Below the folder.
    pub path: String,
    /// What became of it.
    pub verdict: Verdict,
}

/// A folder against its seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// When it was sealed, by the clock of the machine that did.
    pub sealed_at_ms: i64,
    /// Every file of the seal and of the folder, in order.
    pub files: Vec<FileFinding>,
}

impl Findings {
    /// Whether every file is the same.
    pub fn is_whole(&self) -> bool {
        self.files.iter().all(|file| file.verdict == Verdict::Same)
    }

    /// How many files have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.files.iter().filter(|file| file.verdict == verdict).count()
    }
}

/// Compares a folder with its seal.
///
/// # Errors
/// [`SealError::Signature`] when the seal was not made with the secret half of `key`, or was changed: then nothing it says
/// counts, and nothing is compared. [`SealError::Schema`], [`SealError::Path`] and [`SealError::Io`].
pub fn verify(folder: &Path, seal: &Seal, key: &PublicKey) -> Result<Findings, SealError> {
    if seal.schema != Seal::SCHEMA {
        return Err(SealError::Schema(seal.schema.clone()));
    }
    if !key.holds(&seal.message(), &seal.signature) {
        return Err(SealError::Signature);
    }
    let found = files(folder)?;
    let now = found.par_iter().map(|path| digest(folder, path)).collect::<Result<Vec<_>, _>>()?;
    let mut now: BTreeMap<&str, &SealedFile> = now.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut files: Vec<FileFinding> = seal
        .files
        .iter()
        .map(|then| {
            let verdict = match now.remove(then.path.as_str()) {
                None => Verdict::Missing,
                Some(file) if file.sha256 == then.sha256 && file.bytes == then.bytes => Verdict::Same,
                Some(file) if then.pixels_sha256.is_some() && file.pixels_sha256 == then.pixels_sha256 => {
                    Verdict::SamePixels
                }
                Some(_) => Verdict::Changed,
            };
            FileFinding { path: then.path.clone(), verdict }
        })
        .collect();
    files.extend(now.into_keys().map(|path| FileFinding { path: path.to_owned(), verdict: Verdict::Added }));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Findings { sealed_at_ms: seal.sealed_at_ms, files })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::Laterality;
    use mammo_dicom::{SyntheticImage, write_synthetic};

    fn dicom(path: &Path, value: u16, description: &str) {
        let pixels: Vec<u16> = (0..12).map(|i| value + i).collect();
        write_synthetic(
            path,
            &SyntheticImage {
                pixels: &pixels,
                width: 4,
                height: 3,
                bits_stored: 14,
                laterality: Laterality::Left,
                view: None,
                patient_id: "phantom-1",
                series_description: description,
                derivation: "a test",
                uid_seed: "seal/1",
                spacing_mm: None,
            },
        )
        .unwrap();
    }

    #[test]
    fn every_kind_of_change_is_found_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let study = dir.path().join("study");
        fs::create_dir_all(study.join("series")).unwrap();
        for name in ["same.dcm", "header.dcm", "pixels.dcm", "gone.dcm"] {
            dicom(&study.join("series").join(name), 100, "as acquired");
        }
        fs::write(study.join("notes.txt"), "a").unwrap();
        let key = SecretKey::generate().unwrap();
        let sealed = seal(&study, &key, "test", 7).unwrap();
        assert_eq!(sealed.files.len(), 5);
        assert!(verify(&study, &sealed, &key.public()).unwrap().is_whole());

        dicom(&study.join("series/header.dcm"), 100, "edited");
        dicom(&study.join("series/pixels.dcm"), 101, "as acquired");
        fs::remove_file(study.join("series/gone.dcm")).unwrap();
        fs::write(study.join("series/new.dcm"), "x").unwrap();
        let found = verify(&study, &sealed, &key.public()).unwrap();
        let of = |name: &str| found.files.iter().find(|f| f.path == name).unwrap().verdict;
        assert_eq!(of("series/same.dcm"), Verdict::Same);
        assert_eq!(of("series/header.dcm"), Verdict::SamePixels);
        assert_eq!(of("series/pixels.dcm"), Verdict::Changed);
        assert_eq!(of("series/gone.dcm"), Verdict::Missing);
        assert_eq!(of("series/new.dcm"), Verdict::Added);
        assert_eq!((found.count(Verdict::Same), found.is_whole()), (2, false));
    }

    #[test]
    fn a_seal_that_was_changed_or_made_by_another_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "a").unwrap();
        let (key, other) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
        let sealed = seal(dir.path(), &key, "test", 7).unwrap();
        let refused = |seal: &Seal, key: &SecretKey| {
            matches!(verify(dir.path(), seal, &key.public()), Err(SealError::Signature))
        };
        assert!(refused(&sealed, &other));
        // A stranger seals again and puts the name of the right key on it.
        let mut forged = seal(dir.path(), &other, "test", 7).unwrap();
        forged.public_key = key.public().to_string();
        assert!(refused(&forged, &key));
        type Change = fn(&mut Seal);
        let changes: [Change; 6] = [
            |s| s.sealed_at_ms += 1,
            |s| s.made_by.push('x'),
            |s| s.files[0].sha256 = mammo_files::sha256(b"b"),
            |s| s.files[0].path = "b".into(),
            |s| s.files.clear(),
            |s| s.signature.clear(),
        ];
        for change in changes {
            let mut changed = sealed.clone();
            change(&mut changed);
            assert!(refused(&changed, &key));
        }
        let mut newer = sealed;
        newer.schema = "mammo-seal/2".into();
        assert!(matches!(verify(dir.path(), &newer, &key.public()), Err(SealError::Schema(_))));
    }

    #[cfg(unix)]
    #[test]
    fn links_and_empty_folders_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let key = SecretKey::generate().unwrap();
        assert!(seal(dir.path(), &key, "test", 0).unwrap_err().to_string().contains("empty"));
        assert!(
            seal(&dir.path().join("no"), &key, "test", 0).unwrap_err().to_string().contains("no such folder")
        );
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("link")).unwrap();
        assert!(seal(dir.path(), &key, "test", 0).unwrap_err().to_string().contains("link"));
    }
}
