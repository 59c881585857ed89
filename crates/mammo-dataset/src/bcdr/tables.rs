//! The tables of a pack of BCDR. Values after the first of a row begin with a blank.

use crate::{DatasetError, table::Table};
use mammo_core::{Finding, Laterality, Point, ViewPosition};
use std::path::{Path, PathBuf};

/// Most corners that an outline may have; the released ones have hundreds.
const LIMIT_POINTS: usize = 1 << 20;

/// One row of `*_img.csv`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImageRow {
    pub(crate) line: u64,
    pub(crate) patient: String,
    pub(crate) file: Option<PathBuf>,
    pub(crate) projection: Option<(Laterality, ViewPosition)>,
    /// The type's number says another projection than its name.
    pub(crate) type_disagrees: bool,
    pub(crate) density: Option<u8>,
}

/// One row of `*_outlines.csv`: a lesion in an image, segmented once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OutlineRow {
    pub(crate) line: u64,
    pub(crate) file: Option<PathBuf>,
    pub(crate) view_number: Option<u8>,
    pub(crate) points: Vec<Point>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) malign: Option<bool>,
}

/// Reads `*_img.csv`.
pub(crate) fn images(bytes: &[u8], path: &Path) -> Result<Vec<ImageRow>, DatasetError> {
    let table = Table::from_csv(bytes, path)?;
    let (patient, file) = (table.column("patient_id")?, table.column("image_filename")?);
    let (name, number) = (table.column("image_type_name")?, table.find(&["image_type_id"]));
    let density = table.find(&["density"]);
    Ok(table
        .rows
        .iter()
        .map(|row| {
            let projection = projection(row.cell(name));
            // Counted from 0 here and from 1 in the other tables.
            let by_number = row.optional(number).and_then(|n| n.parse::<u8>().ok()).and_then(numbered);
            ImageRow {
                line: row.line,
                patient: row.cell(patient).to_owned(),
                file: crate::place::relative(row.cell(file)),
                projection,
                type_disagrees: by_number.is_some() && projection.is_some() && by_number != projection,
                density: row.optional(density).and_then(class),
            }
        })
        .collect())
}

/// Reads `*_outlines.csv`.
pub(crate) fn outlines(bytes: &[u8], path: &Path) -> Result<Vec<OutlineRow>, DatasetError> {
    let table = Table::from_csv(bytes, path)?;
    let file = table.column("image_filename")?;
    let (xs, ys) = (table.column("lw_x_points")?, table.column("lw_y_points")?);
    let (view, class) = (table.find(&["image_view"]), table.find(&["classification"]));
    const FLAGS: [(&str, Finding); 5] = [
        ("mammography_nodule", Finding::Mass),
        ("mammography_calcification", Finding::Calcification),
        ("mammography_microcalcification", Finding::Cluster),
        ("mammography_architectural_distortion", Finding::Distortion),
        ("mammography_stroma_distortion", Finding::Distortion),
    ];
    let flags = FLAGS.map(|(name, finding)| (table.find(&[name]), finding));
    table
        .rows
        .iter()
        .map(|row| {
            let (xs, ys) = (numbers(row.cell(xs)), numbers(row.cell(ys)));
            let points = match (xs, ys) {
                (Some(xs), Some(ys)) if xs.len() == ys.len() && xs.len() <= LIMIT_POINTS => {
                    // Whole pixels; their centres.
                    xs.into_iter().zip(ys).map(|(x, y)| Point { x: x + 0.5, y: y + 0.5 }).collect()
                }
                (Some(xs), Some(ys)) => {
                    let reason = format!("{} columns and {} rows do not make points", xs.len(), ys.len());
                    return Err(table.error(row, reason));
                }
                _ => return Err(table.error(row, "the outline has a point that is no number")),
            };
            let mut findings: Vec<Finding> =
                flags.iter().filter(|(at, _)| row.optional(*at) == Some("1")).map(|(_, f)| *f).collect();
            findings.dedup();
            Ok(OutlineRow {
                line: row.line,
                file: crate::place::relative(row.cell(file)),
                view_number: row.optional(view).and_then(|n| n.parse().ok()),
                points,
                findings,
                malign: row.optional(class).and_then(malign),
            })
        })
        .collect()
}

/// The projection that `image_view` (from 1) means.
pub(crate) fn viewed(number: u8) -> Option<(Laterality, ViewPosition)> {
    numbered(number.checked_sub(1)?)
}

/// The projection that `image_type_id` (from 0) means; 4 to 9 are other types.
fn numbered(number: u8) -> Option<(Laterality, ViewPosition)> {
    [
        (Laterality::Right, ViewPosition::Cc),
        (Laterality::Left, ViewPosition::Cc),
        (Laterality::Right, ViewPosition::Mlo),
        (Laterality::Left, ViewPosition::Mlo),
    ]
    .get(usize::from(number))
    .copied()
}

/// `RCC`, `LCC`, `RO`, `LO`: side, then the view, where `O` is oblique.
fn projection(name: &str) -> Option<(Laterality, ViewPosition)> {
    let side = name.get(..1)?.parse().ok()?;
    match name.get(1..)?.to_ascii_uppercase().as_str() {
        "CC" => Some((side, ViewPosition::Cc)),
        "O" | "MLO" => Some((side, ViewPosition::Mlo)),
        _ => None,
    }
}

/// `Malign` or `Benign`; mirrors have other words, which say nothing.
fn malign(text: &str) -> Option<bool> {
    match text.trim_end_matches('.').to_ascii_lowercase().as_str() {
        "malign" | "malignant" => Some(true),
        "benign" => Some(false),
        _ => None,
    }
}

/// 1 to 4; `NaN` and `N` are unknown.
fn class(text: &str) -> Option<u8> {
    text.strip_suffix(".0").unwrap_or(text).parse().ok().filter(|class| (1..=4).contains(class))
}

fn numbers(text: &str) -> Option<Vec<f32>> {
    text.split_whitespace().map(|word| word.parse::<f32>().ok().filter(|v| v.is_finite())).collect()
}
