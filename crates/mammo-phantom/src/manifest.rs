use mammo_core::{AcrDensity, BiRads, Laterality, Roi, ViewPosition};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;

use crate::{LesionSpec, PhantomConfig, PhantomError};

/// `phantom.json`, the truth about a release. It is written last: where it is, the release is whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always true.
    pub synthetic: bool,
    /// What made it.
    pub made_by: String,
    /// What it was made from.
    pub config: PhantomConfig,
    /// Digest of `INbreast.csv`.
    pub table_sha256: String,
    /// All images.
    pub images: Vec<ManifestImage>,
}

/// One image of a release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestImage {
    /// Eight digits, as in the file's name.
    pub image_id: String,
    /// Sixteen hexadecimal digits, as in the file's name.
    pub patient_id: String,
    /// Side.
    pub laterality: Laterality,
    /// View.
    pub view: ViewPosition,
    /// Glandular tissue.
    pub density: AcrDensity,
    /// Category.
    pub birads: BiRads,
    /// The image, relative to the release's folder.
    pub path: String,
    /// Digest of the image's file.
    pub sha256: String,
    /// The same breast without its lesion, relative to the release's folder; `None` without a lesion.
    pub twin_path: Option<String>,
    /// Digest of the twin's file.
    pub twin_sha256: Option<String>,
    /// The outlines' file, relative to the release's folder; `None` where there is nothing to outline.
    pub outlines_path: Option<String>,
    /// Digest of the outlines' file.
    pub outlines_sha256: Option<String>,
    /// The lesion.
    pub lesion: Option<LesionSpec>,
    /// Outlines in pixels of the image.
    pub rois: Vec<Roi>,
}

/// Reads the manifest of the release in `dir`.
///
/// # Errors
/// [`PhantomError::File`] when it is missing or is not a manifest.
pub fn read_manifest(dir: &Path) -> Result<Manifest, PhantomError> {
    Ok(mammo_files::read_json(&dir.join("phantom.json"))?)
}

/// Whether `dir` holds the whole release that `config` describes, every file with the bytes that were written.
pub fn is_complete(dir: &Path, config: &PhantomConfig) -> bool {
    let has = |path: &str, sha256: &str| {
        mammo_files::sha256_file(&dir.join(path)).is_ok_and(|found| found == sha256)
    };
    let has_both = |path: &Option<String>, sha256: &Option<String>| match (path, sha256) {
        (Some(path), Some(sha256)) => has(path, sha256),
        (None, None) => true,
        _ => false,
    };
    read_manifest(dir).is_ok_and(|manifest| {
        manifest.config == *config
            && has("INbreast.csv", &manifest.table_sha256)
            && manifest.images.par_iter().all(|image| {
                has(&image.path, &image.sha256)
                    && has_both(&image.twin_path, &image.twin_sha256)
                    && has_both(&image.outlines_path, &image.outlines_sha256)
            })
    })
}
