//! VinDr-Mammo: 5,000 digital exams of four views, from PhysioNet.
//!
//! What its files teach: no person is named, so an exam stands for one; BI-RADS and density are words such as
//! `BI-RADS 4` and `DENSITY C`; categories of findings are lists in the spelling of Python; rows of `No Finding` have no
//! box; MONOCHROME1 occurs.

use crate::{
    Dataset, DatasetError, ImageRecord, Medium, Note, NoteKind, Problem, Scan, picture, place, table::Table,
};
use fs_err as fs;
use mammo_core::{
    AcrDensity, Assessment, BiRads, Finding, ImageId, Laterality, PatientId, Point, Roi, Shape, UnknownWord,
    ViewPosition,
};
use mammo_files::FileError;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const IMAGES: &str = "breast-level_annotations.csv";
const FINDINGS: &str = "finding_annotations.csv";

/// One row of the table of images.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImageRow {
    study: String,
    image: String,
    laterality: Laterality,
    view: ViewPosition,
    size_px: Option<(usize, usize)>,
    birads: BiRads,
    density: Option<AcrDensity>,
}

/// One row of the table of findings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FindingRow {
    image: String,
    findings: Vec<(Finding, String)>,
    /// Left, top, right, bottom.
    bounds: Option<[f32; 4]>,
}

/// Reads the table of images; rows that cannot be understood are errors in their place.
pub(crate) fn images(bytes: &[u8], path: &Path) -> Result<Vec<Result<ImageRow, DatasetError>>, DatasetError> {
    let table = Table::from_csv(bytes, path)?;
    let (study, image) = (table.column("study_id")?, table.column("image_id")?);
    let (side, view) = (table.column("laterality")?, table.column("view_position")?);
    let (birads, density) = (table.column("breast_birads")?, table.column("breast_density")?);
    let (width, height) = (table.find(&["width"]), table.find(&["height"]));
    let rows = table.rows.iter().map(|row| {
        let number = |at| row.optional(at).and_then(|n| n.parse::<usize>().ok());
        let word = row.cell(birads);
        Ok(ImageRow {
            study: name(row.cell(study))
                .ok_or_else(|| table.error(row, "study_id is no name of a folder"))?,
            image: name(row.cell(image)).ok_or_else(|| table.error(row, "image_id is no name of a file"))?,
            laterality: table.word(row, side)?,
            view: table.word(row, view)?,
            size_px: number(width).zip(number(height)),
            birads: word.strip_prefix("BI-RADS ").unwrap_or(word).parse().map_err(
                |source: UnknownWord| DatasetError::Word {
                    path: table.path.clone(),
                    line: row.line,
                    source: crate::table::guarded(source),
                },
            )?,
            density: row
                .cell(density)
                .strip_prefix("DENSITY ")
                .and_then(|class| "ABCD".find(class).filter(|_| class.len() == 1))
                .and_then(|at| AcrDensity::new(at as u8 + 1).ok()),
        })
    });
    Ok(rows.collect())
}

/// Reads the table of findings.
pub(crate) fn findings(bytes: &[u8], path: &Path) -> Result<Vec<FindingRow>, DatasetError> {
    let table = Table::from_csv(bytes, path)?;
    let (image, categories) = (table.column("image_id")?, table.column("finding_categories")?);
    let sides = [table.column("xmin")?, table.column("ymin")?, table.column("xmax")?, table.column("ymax")?];
    Ok(table
        .rows
        .iter()
        .map(|row| {
            let numbers = sides.map(|at| row.cell(at).parse::<f32>().ok().filter(|v| v.is_finite()));
            let bounds = match numbers {
                [Some(l), Some(t), Some(r), Some(b)] if l <= r && t <= b => Some([l, t, r, b]),
                _ => None,
            };
            FindingRow { image: row.cell(image).to_owned(), findings: listed(row.cell(categories)), bounds }
        })
        .collect())
}

/// `['Mass', 'Skin Thickening']`; `No Finding` is none.
fn listed(text: &str) -> Vec<(Finding, String)> {
    text.trim_matches(['[', ']'])
        .split(',')
        .map(|word| word.trim().trim_matches(['\'', '"']))
        .filter(|word| !word.is_empty() && *word != "No Finding")
        .map(|word| {
            let finding = match word {
                "Mass" => Finding::Mass,
                "Suspicious Calcification" => Finding::Cluster,
                "Asymmetry" | "Focal Asymmetry" | "Global Asymmetry" => Finding::Asymmetry,
                "Architectural Distortion" => Finding::Distortion,
                _ => Finding::Other,
            };
            (finding, word.to_owned())
        })
        .collect()
}

/// A name of a file or folder and nothing that leads elsewhere.
fn name(text: &str) -> Option<String> {
    let plain = place::relative(text).is_some_and(|path| path.components().count() == 1);
    plain.then(|| text.to_owned())
}

pub(crate) fn read(dir: &Path) -> Result<Scan, DatasetError> {
    if !dir.join(IMAGES).is_file() {
        let expected = "a VinDr-Mammo release keeps its labels there";
        return Err(DatasetError::MissingPath { path: dir.join(IMAGES), expected });
    }
    let bytes = |name: &str| -> Result<Vec<u8>, DatasetError> {
        Ok(fs::read(place::inside(dir, Path::new(name))?).map_err(FileError::from)?)
    };
    let mut scan = Scan::new(dir);
    let rows = images(&bytes(IMAGES)?, &dir.join(IMAGES))?;
    let mut found: Option<BTreeMap<String, Vec<FindingRow>>> = None;
    if dir.join(FINDINGS).is_file() {
        let by_image = found.insert(BTreeMap::new());
        for row in findings(&bytes(FINDINGS)?, &dir.join(FINDINGS))? {
            by_image.entry(row.image.clone()).or_default().push(row);
        }
    } else {
        let text = "the table is missing, so nothing is known about findings";
        scan.release.notes.push(Note::new(NoteKind::MissingFile, FINDINGS, text));
    }
    let mut usable = Vec::new();
    let mut seen = BTreeSet::new();
    for row in rows {
        match row {
            Ok(row) if seen.insert(row.image.clone()) => usable.push(row),
            Ok(row) => {
                let text = format!("image {} has a second row; left out", row.image);
                scan.release.notes.push(Note::new(NoteKind::DuplicateImage, IMAGES, text));
            }
            Err(error) => scan.problems.push(Problem::new(IMAGES, None, error)),
        }
    }
    let none = Vec::new();
    let read: Vec<_> = usable
        .par_iter()
        .map(|row| {
            let rows = found.as_ref().map(|found| found.get(&row.image).unwrap_or(&none).as_slice());
            record(dir, row, rows)
        })
        .collect();
    for image in read {
        scan.take(image);
    }
    scan.checked(|| format!("{IMAGES} has {} rows and none of their images is there", seen.len()))
}

fn record(
    root: &Path,
    row: &ImageRow,
    found: Option<&[FindingRow]>,
) -> Result<(ImageRecord, Vec<Note>), Problem> {
    let folder = Path::new("images").join(&row.study);
    let extensions = ["dicom", "dcm"].map(|extension| folder.join(format!("{}.{extension}", row.image)));
    let path = extensions.iter().find(|path| root.join(path).exists()).unwrap_or(&extensions[0]).clone();
    let failed = |error| Problem::new(path.clone(), Some(ImageId::new(&row.image)), error);
    if !root.join(&path).exists() {
        return Err(failed(DatasetError::MissingFile { path: root.join(&path), table: IMAGES.into() }));
    }
    let facts = picture::facts(root, &path).map_err(failed)?;
    let mut notes = Vec::new();
    if row.size_px.is_some_and(|size| size != facts.size_px) {
        let text = "the file has another size than the table of images gives";
        notes.push(Note::new(NoteKind::Disagreement, &path, text));
    }
    if let Some(header) = &facts.dicom
        && (header.laterality.is_some_and(|side| side != row.laterality)
            || header.view.is_some_and(|view| view != row.view))
    {
        let text = "the DICOM header and the table of images give other sides or views";
        notes.push(Note::new(NoteKind::Disagreement, &path, text));
    }
    let (width, height) = (facts.size_px.0 as f32, facts.size_px.1 as f32);
    let mut rois = Vec::new();
    let mut clipped = 0;
    for region in found.unwrap_or_default() {
        let Some([l, t, r, b]) = region.bounds else {
            if !region.findings.is_empty() {
                notes.push(Note::new(NoteKind::NoPosition, &path, "a finding has no box"));
            }
            continue;
        };
        let inside = [l.clamp(0.0, width), t.clamp(0.0, height), r.clamp(0.0, width), b.clamp(0.0, height)];
        clipped += usize::from(inside != [l, t, r, b]);
        let [l, t, r, b] = inside;
        let points = [(l, t), (r, t), (r, b), (l, b)].map(|(x, y)| Point { x, y }).to_vec();
        rois.extend(region.findings.iter().map(|(finding, raw_name)| Roi {
            finding: *finding,
            raw_name: raw_name.clone(),
            shape: Shape::Polygon { points: points.clone() },
        }));
    }
    if clipped > 0 {
        let text = format!("{clipped} boxes reach out of the image; cut at its border");
        notes.push(Note::new(NoteKind::PointsOutside, &path, text));
    }
    let findings = found.map(|rows| {
        rows.iter().flat_map(|row| row.findings.iter().map(|(f, _)| *f)).collect::<BTreeSet<_>>()
    });
    let record = ImageRecord {
        dataset: Dataset::VindrMammo,
        medium: Medium::Digital,
        image_id: ImageId::new(&row.image),
        patient_id: PatientId::new(&row.study),
        path: PathBuf::from(&path),
        size_px: facts.size_px,
        laterality: row.laterality,
        view: Some(row.view),
        assessment: Assessment {
            birads: Some(row.birads),
            abnormal: findings.as_ref().map(|found| !found.is_empty()),
            findings,
            ..Assessment::default()
        },
        density: row.density,
        rois,
        synthetic: facts.synthetic,
    };
    Ok((record, notes))
}
