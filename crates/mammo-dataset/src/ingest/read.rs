//! A prepared set that is whole, for those who use its pictures.

use super::{
    IngestError, PreparedRecord, SkippedRecord,
    folder::{PROVENANCE, Provenance},
};
use crate::{ImageSize, place};
use fs_err as fs;
use mammo_core::Plane;
use mammo_files::FileError;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A whole prepared set: what its manifest says, and its pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedSet {
    root: PathBuf,
    size: ImageSize,
    manifest_sha256: String,
    records: Vec<PreparedRecord>,
}

/// The part of the configuration that a reader needs; a set of another version may have asked for more.
#[derive(Deserialize)]
struct Asked {
    size: ImageSize,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Prepared(Box<PreparedRecord>),
    Skipped(#[allow(dead_code)] SkippedRecord), // tells a line about what was left out from one that is broken
}

impl PreparedSet {
    /// Opens the folder of a set. Its manifest must be the one that the set was made with; pictures are compared with it when
    /// they are read.
    ///
    /// # Errors
    /// [`IngestError::Folder`] for a folder without a whole set, [`IngestError::File`] for files that cannot be read.
    pub fn open(root: &Path) -> Result<Self, IngestError> {
        let provenance = root.join(PROVENANCE);
        if !provenance.is_file() {
            return Err(refused(
                root,
                "there is no whole prepared set in this folder; make one by mammo ingest, or give the files themselves",
            ));
        }
        let provenance: Provenance<Asked> = mammo_files::read_json(&provenance)?;
        let manifest = root.join("manifest.jsonl");
        let manifest_sha256 = mammo_files::sha256_file(&manifest)?;
        if provenance.sha256.get("manifest.jsonl") != Some(&manifest_sha256) {
            return Err(refused(
                &manifest,
                "this is not the file that the set was made with; make the set again",
            ));
        }
        let lines = mammo_files::read_json_lines::<Line>(&manifest)?;
        let records = lines.into_iter().filter_map(|line| match line {
            Line::Prepared(record) => Some(*record),
            Line::Skipped(_) => None,
        });
        Ok(Self {
            root: root.to_owned(),
            size: provenance.config.size,
            manifest_sha256,
            records: records.collect(),
        })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Rows and columns of every picture.
    pub fn size(&self) -> ImageSize {
        self.size
    }

    /// SHA-256 of the manifest, which tells this set from others.
    pub fn manifest_sha256(&self) -> &str {
        &self.manifest_sha256
    }

    /// What the manifest says of each picture.
    pub fn records(&self) -> &[PreparedRecord] {
        &self.records
    }

    /// Reads a picture of the set: values in `[0, 1]`, the chest wall at the left.
    ///
    /// # Errors
    /// [`IngestError::Folder`], naming the picture, where it is not the one of the manifest; [`IngestError::Dataset`] where its
    /// path leads out of the set; [`IngestError::File`] where it cannot be read.
    pub fn read(&self, record: &PreparedRecord) -> Result<Plane, IngestError> {
        let inside = place::relative(&record.file.to_string_lossy())
            .ok_or_else(|| refused(&self.root.join(&record.file), "the path leads out of the set"))?;
        let path = place::inside(&self.root, &inside)?;
        let bytes = fs::read(&path).map_err(FileError::from)?;
        if mammo_files::sha256(&bytes) != record.sha256 {
            return Err(refused(
                &path,
                "the picture is not the one of the manifest; the same mammo ingest mends the set",
            ));
        }
        let plane = mammo_png::decode_gray(&bytes)?;
        if (plane.height(), plane.width()) != (self.size.height_px(), self.size.width_px()) {
            return Err(refused(&path, "the picture has another size than its set; make the set again"));
        }
        Ok(plane)
    }
}

fn refused(path: &Path, reason: &str) -> IngestError {
    IngestError::Folder { path: path.to_owned(), reason: reason.to_owned() }
}
