//! CBIS-DDSM: digitised films with a mass or calcifications each, from TCIA.
//!
//! What its files teach: four tables, whose columns differ (`breast_density` for masses, `breast density` for
//! calcifications); a row an abnormality, so that an image has several; paths end in `000000.dcm` and a line break and
//! hold UIDs, where the downloader writes `1-1.dcm` into folders that end in the last five digits of the UID; the paths
//! of mask and crop are swapped in places, so that the mask is the one with the image's size; one person has a folder for
//! each image, and `P_00001` in its name is who it is; assessments 0 and 1 occur.

use crate::{
    Dataset, DatasetError, ImageRecord, Medium, Note, NoteKind, Problem, Scan, picture, place, table::Table,
};
use fs_err as fs;
use mammo_core::{
    AcrDensity, Assessment, BiRads, Finding, ImageId, Laterality, PatientId, Point, Roi, Shape, ViewPosition,
};
use mammo_files::FileError;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const TABLES: [&str; 4] = [
    "mass_case_description_train_set.csv",
    "mass_case_description_test_set.csv",
    "calc_case_description_train_set.csv",
    "calc_case_description_test_set.csv",
];

/// Rows of mask outlines that become corners; more say nothing about a lesion.
const MASK_CORNERS: usize = 64;

/// One row of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Abnormality {
    patient: String,
    laterality: Laterality,
    view: ViewPosition,
    density: Option<u8>,
    birads: BiRads,
    malignant: bool,
    finding: Finding,
    image: PathBuf,
    /// Where the mask may lie: the paths given for the mask and for the crop.
    masks: Vec<PathBuf>,
}

/// Reads one table; rows that cannot be understood are errors in their place.
pub(crate) fn parse(
    bytes: &[u8],
    path: &Path,
) -> Result<Vec<Result<Abnormality, DatasetError>>, DatasetError> {
    let table = Table::from_csv(bytes, path)?;
    let patient = table.column("patient_id")?;
    let density = table.find(&["breast_density", "breast density"]);
    let (side, view) = (table.column("left or right breast")?, table.column("image view")?);
    let (kind, birads) = (table.column("abnormality type")?, table.column("assessment")?);
    let (pathology, image) = (table.column("pathology")?, table.column("image file path")?);
    let masks = [table.find(&["roi mask file path"]), table.find(&["cropped image file path"])];
    let rows = table.rows.iter().map(|row| {
        let malignant = match row.cell(pathology).to_ascii_uppercase().as_str() {
            "MALIGNANT" => true,
            "BENIGN" | "BENIGN_WITHOUT_CALLBACK" => false,
            _ => {
                return Err(
                    table.error(row, "the pathology is none of MALIGNANT, BENIGN, BENIGN_WITHOUT_CALLBACK")
                );
            }
        };
        let finding = match row.cell(kind).to_ascii_lowercase().as_str() {
            "mass" => Finding::Mass,
            "calcification" => Finding::Cluster,
            _ => return Err(table.error(row, "the abnormality is neither a mass nor a calcification")),
        };
        let image = place::relative(row.cell(image))
            .filter(|path| path.components().count() >= 2)
            .ok_or_else(|| table.error(row, "the image file path leads out of the release or is none"))?;
        Ok(Abnormality {
            patient: row.cell(patient).to_owned(),
            laterality: table.word(row, side)?,
            view: table.word(row, view)?,
            density: row.optional(density).and_then(|d| d.parse().ok()),
            birads: table.word(row, birads)?,
            malignant,
            finding,
            image,
            masks: masks.iter().filter_map(|at| place::relative(row.optional(*at)?)).collect(),
        })
    });
    Ok(rows.collect())
}

pub(crate) fn read(dir: &Path) -> Result<Scan, DatasetError> {
    let tables: Vec<&str> = TABLES.into_iter().filter(|name| dir.join(name).is_file()).collect();
    if tables.is_empty() {
        let expected = "a CBIS-DDSM release keeps its labels there and in three tables beside it";
        return Err(DatasetError::MissingPath { path: dir.join(TABLES[0]), expected });
    }
    let mut scan = Scan::new(dir);
    for name in TABLES.iter().filter(|name| !tables.contains(name)) {
        scan.release.notes.push(Note::new(NoteKind::MissingFile, *name, "the table is missing"));
    }
    let mut images: BTreeMap<String, Vec<Abnormality>> = BTreeMap::new();
    for name in &tables {
        let bytes = fs::read(place::inside(dir, Path::new(name))?).map_err(FileError::from)?;
        for row in parse(&bytes, &dir.join(name))? {
            match row {
                Ok(row) => {
                    let folder = row.image.iter().next().unwrap_or_default().to_string_lossy().into_owned();
                    images.entry(folder).or_default().push(row);
                }
                Err(error) => scan.problems.push(Problem::new(name, None, error)),
            }
        }
    }
    let inner = Path::new("CBIS-DDSM");
    let base = if dir.join(inner).is_dir() { inner } else { Path::new("") };
    let read: Vec<_> = images.par_iter().map(|(id, rows)| record(dir, base, id, rows)).collect();
    for image in read {
        scan.take(image);
    }
    scan.checked(|| format!("{} images are listed and none is there", images.len()))
}

fn record(
    root: &Path,
    base: &Path,
    id: &str,
    rows: &[Abnormality],
) -> Result<(ImageRecord, Vec<Note>), Problem> {
    let first = &rows[0];
    let failed = |path: PathBuf, error| Problem::new(path, Some(ImageId::new(id)), error);
    let listed = base.join(&first.image);
    let files = locate(root, base, &first.image).map_err(|error| failed(listed.clone(), error))?;
    let Some(path) = files.into_iter().next() else {
        let table = "a table of case descriptions".to_owned();
        return Err(failed(listed.clone(), DatasetError::MissingFile { path: root.join(&listed), table }));
    };
    let facts = picture::facts(root, &path).map_err(|error| failed(path.clone(), error))?;
    let mut notes = Vec::new();
    if rows.iter().any(|row| (row.laterality, row.view) != (first.laterality, first.view)) {
        let text = "rows of one image give other sides or views; the first is followed";
        notes.push(Note::new(NoteKind::Disagreement, &path, text));
    }
    let mut rois = Vec::new();
    for row in rows {
        match mask(root, base, row, facts.size_px) {
            Ok(Some(shape)) => {
                let raw_name = if row.malignant { "MALIGNANT" } else { "BENIGN" };
                rois.push(Roi { finding: row.finding, raw_name: raw_name.to_owned(), shape });
            }
            Ok(None) => notes.push(Note::new(
                NoteKind::NoPosition,
                &path,
                "an abnormality has no mask of the image's size",
            )),
            Err(_) => notes.push(Note::new(
                NoteKind::EmptyRegion,
                &path,
                "the mask of an abnormality cannot be read",
            )),
        }
    }
    let record = ImageRecord {
        dataset: Dataset::CbisDdsm,
        medium: Medium::Film,
        image_id: ImageId::new(id),
        patient_id: PatientId::new(&first.patient),
        path,
        size_px: facts.size_px,
        laterality: first.laterality,
        view: Some(first.view),
        assessment: Assessment {
            birads: rows.iter().map(|row| row.birads).max(),
            findings: Some(rows.iter().map(|row| row.finding).collect::<BTreeSet<_>>()),
            abnormal: Some(true),
            malignant: Some(rows.iter().any(|row| row.malignant)),
            ..Assessment::default()
        },
        density: first.density.and_then(|class| AcrDensity::new(class).ok()),
        rois,
        synthetic: facts.synthetic,
    };
    Ok((record, notes))
}

/// The DICOM files that a path of the tables means: `folder/study/series/000000.dcm`, where study and series are UIDs and
/// the folders on disk are called so or end in the last five digits of them.
fn locate(root: &Path, base: &Path, listed: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let parts: Vec<String> = listed.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let mut folders = vec![base.join(&parts[0])];
    for uid in &parts[1..parts.len() - 1] {
        let mut next = Vec::new();
        for folder in &folders {
            for name in names(root, folder)? {
                let suffix = uid.len().checked_sub(5).and_then(|at| uid.get(at..)).unwrap_or(uid);
                if (name == *uid || name.ends_with(suffix)) && root.join(folder).join(&name).is_dir() {
                    next.push(folder.join(name));
                }
            }
        }
        folders = next;
    }
    let mut files = Vec::new();
    for folder in &folders {
        let dicom = names(root, folder)?.into_iter().filter(|n| n.to_ascii_lowercase().ends_with(".dcm"));
        files.extend(dicom.filter(|n| !n.starts_with('.')).map(|n| folder.join(n)));
    }
    Ok(files)
}

/// Names in a folder in their order; none where there is no such folder.
fn names(root: &Path, folder: &Path) -> Result<Vec<String>, DatasetError> {
    if !root.join(folder).is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(folder)).map_err(FileError::from)? {
        names.push(entry.map_err(FileError::from)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The outline of the mask of an abnormality: of the files that are given for mask and crop, that of the image's size.
fn mask(
    root: &Path,
    base: &Path,
    row: &Abnormality,
    size_px: (usize, usize),
) -> Result<Option<Shape>, DatasetError> {
    for listed in &row.masks {
        for file in locate(root, base, listed)? {
            if picture::facts(root, &file)?.size_px == size_px {
                let mask = mammo_dicom::Mammogram::open(&place::inside(root, &file)?)?;
                return Ok(outline(&mask.stored(), size_px.0));
            }
        }
    }
    Ok(None)
}

/// The outer ends of the rows of a mask, evenly drawn from all of them: down the right, up the left.
fn outline(stored: &[i32], width: usize) -> Option<Shape> {
    let ends: Vec<(usize, usize, usize)> = stored
        .chunks_exact(width)
        .enumerate()
        .filter_map(|(y, row)| Some((y, row.iter().position(|v| *v > 0)?, row.iter().rposition(|v| *v > 0)?)))
        .collect();
    let last = ends.len().checked_sub(1)?;
    let step = ends.len().div_ceil(MASK_CORNERS).max(1);
    let mut drawn: Vec<usize> = (0..ends.len()).step_by(step).collect();
    drawn.push(last);
    drawn.dedup();
    let at = |i: &usize, right: bool| {
        let (y, from, to) = ends[*i];
        // The first row's upper edge and the last one's lower edge.
        let y = y as f32
            + if *i == 0 {
                0.0
            } else if *i == last {
                1.0
            } else {
                0.5
            };
        Point { x: if right { to as f32 + 1.0 } else { from as f32 }, y }
    };
    let down = drawn.iter().map(|i| at(i, true));
    let up = drawn.iter().rev().map(|i| at(i, false));
    Some(Shape::Polygon { points: down.chain(up).collect() })
}
