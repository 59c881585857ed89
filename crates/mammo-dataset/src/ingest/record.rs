use crate::{Crop, Dataset, IntensityMap};
use mammo_core::{Finding, Fit, Label, Shape};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// How a prepared picture came from its file: the columns that were used, their place on the canvas, the map of grey values.
/// A point `(x, y)` of the file lies at `fit.to_canvas((x - crop.left_px, y))`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transform {
    /// Columns of the file that were used.
    pub crop: Crop,
    /// Their place on the canvas.
    pub fit: Fit,
    /// How display values became `[0, 1]`, which is 0 to 65535 in the picture.
    pub intensity: IntensityMap,
}

/// A region in pixels of the prepared picture. Names that a release spells are free text and stay there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreparedRoi {
    /// What is outlined.
    pub finding: Finding,
    /// Where.
    pub shape: Shape,
}

/// Which part of a split an image is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// For training.
    Train,
    /// Held out.
    Test,
}

/// A line of `manifest.jsonl` about an image that was prepared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreparedRecord {
    /// The data set.
    pub dataset: Dataset,
    /// The image's name inside the data set.
    pub image_id: String,
    /// The person's pseudonym as released, or a number.
    pub patient_id: String,
    /// The prepared picture, relative to the folder of the set.
    pub file: PathBuf,
    /// SHA-256 of the prepared picture.
    pub sha256: String,
    /// The domain that the rule puts it in.
    pub label: Label,
    /// The part of the split; absent with folds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<Part>,
    /// The fold, from 1, that tests it; absent without folds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fold: Option<usize>,
    /// The image file, relative to the root of its source.
    pub source: PathBuf,
    /// BLAKE3 of the image file, as `blake3:<hex>`.
    pub source_digest: String,
    /// Bytes of the image file.
    pub source_bytes: u64,
    /// Columns and rows of the image file.
    pub source_size_px: (usize, usize),
    /// Side of the body.
    pub laterality: mammo_core::Laterality,
    /// Projection.
    pub view: Option<mammo_core::ViewPosition>,
    /// BI-RADS category.
    pub birads: Option<mammo_core::BiRads>,
    /// Breast composition by the ACR.
    pub density: Option<mammo_core::AcrDensity>,
    /// The label by every rule that gives one.
    pub labels: BTreeMap<String, Label>,
    /// Whether the picture is made.
    pub synthetic: bool,
    /// From the file to the prepared picture.
    pub transform: Transform,
    /// Regions in pixels of the prepared picture.
    pub rois: Vec<PreparedRoi>,
}

/// A line of `manifest.jsonl` about an image that is not in the set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SkippedRecord {
    /// The word before the colon of the source.
    pub origin: String,
    /// The file, relative to the root of its source.
    pub source: PathBuf,
    /// The image, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image_id: Option<String>,
    /// Why it is left out.
    pub excluded_reason: String,
}
