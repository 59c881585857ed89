//! INbreast release 1.0, and phantom releases in the same layout.
//!
//! What its files teach: the patient is named only in the file name; file names spell MLO as `ML`; one cell of the
//! density column is blank; only the spreadsheet flags masses, in a column whose name ends in a blank; 343 of 410 images
//! have an XML of outlines, whose names have typing errors and whose points leave the frame in five files; the flag and
//! the outlines disagree on single images; circulating copies add dot files, `desktop.ini`, and a second sheet with dates
//! and diagnoses, which is not read.

pub(crate) mod outlines;
pub(crate) mod table;

use crate::{Dataset, DatasetError, ImageRecord, Medium, Note, NoteKind, Problem, Scan, picture, place};
use fs_err as fs;
use mammo_core::{Assessment, Finding, ImageId, Laterality, PatientId, Roi, ViewPosition};
use mammo_files::FileError;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const IMAGES: &str = "AllDICOMs";
const OUTLINES: &str = "AllXML";
const MUSCLES: &str = "PectoralMuscle/Pectoral Muscle XML";
const CSV: &str = "INbreast.csv";
const XLS: &str = "INbreast.xls";

pub(crate) fn read(dir: &Path) -> Result<Scan, DatasetError> {
    let missing = |path: PathBuf, expected| DatasetError::MissingPath { path, expected };
    if !dir.is_dir() {
        return Err(missing(dir.to_owned(), "give the folder of the INbreast release"));
    }
    let inner = dir.join("INbreast Release 1.0");
    let root = if inner.is_dir() { inner } else { dir.to_owned() };
    if !root.join(IMAGES).is_dir() {
        return Err(missing(root.join(IMAGES), "an INbreast release keeps its DICOM files there"));
    }
    let mut scan = Scan::new(&root);
    let rows = labels(&root)?;
    let is_phantom = root.join("phantom.json").is_file();
    let layout = Layout {
        has_outlines: root.join(OUTLINES).is_dir(),
        muscles: muscles(&root)?,
        is_phantom,
        table: if root.join(CSV).is_file() { CSV } else { XLS },
    };
    if !layout.has_outlines {
        let text = "the folder is missing, so nothing is known about outlined findings";
        scan.release.notes.push(Note::new(NoteKind::MissingFolder, OUTLINES, text));
    }

    let mut files = BTreeMap::new();
    let mut notes = Vec::new();
    let mut clutter = 0;
    for entry in fs::read_dir(root.join(IMAGES)).map_err(FileError::from)? {
        let name = entry.map_err(FileError::from)?.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || !name.to_ascii_lowercase().ends_with(".dcm") {
            clutter += 1;
            continue;
        }
        let path = Path::new(IMAGES).join(&name);
        match FileName::parse(&name) {
            None => notes.push(Note::new(
                NoteKind::UnlistedFile,
                path,
                "not named like an INbreast image; left out",
            )),
            Some(parsed) if !rows.names(&parsed.image_id) => {
                let text = format!("has no row in {}; left out", layout.table);
                notes.push(Note::new(NoteKind::UnlistedFile, path, text));
            }
            Some(parsed) => {
                if let Some((other, _)) = files.insert(parsed.image_id.clone(), (path, parsed)) {
                    let text = "a second file has the same image id; left out";
                    notes.push(Note::new(NoteKind::DuplicateImage, other, text));
                }
            }
        }
    }
    notes.sort_by(|a, b| a.path.cmp(&b.path));
    scan.release.notes.extend(rows.notes.iter().cloned());
    scan.release.notes.extend(notes);
    if clutter > 0 {
        let text = format!("{clutter} files are no images; left out");
        scan.release.notes.push(Note::new(NoteKind::Clutter, IMAGES, text));
    }
    for id in rows.by_image.keys().filter(|id| !files.contains_key(*id)) {
        let text = format!("image {id} has no file; left out");
        scan.release.notes.push(Note::new(NoteKind::MissingFile, layout.table, text));
    }

    let files: Vec<(PathBuf, FileName)> =
        files.into_values().filter(|(_, name)| rows.by_image.contains_key(&name.image_id)).collect();
    let read: Vec<Result<(ImageRecord, Vec<Note>), Problem>> = files
        .par_iter()
        .map(|(path, name)| record(&root, path, name, &rows.by_image[&name.image_id], &layout))
        .collect();
    let count = rows.by_image.len();
    scan.problems = rows.problems;
    for image in read {
        scan.take(image);
    }
    scan.checked(|| format!("{} has {count} rows and none matches a file in {IMAGES}", layout.table))
}

/// How many rows of a table of labels can be understood.
pub(crate) fn rows_understood(table: &crate::table::Table) -> Result<usize, DatasetError> {
    table::read(table).map(|rows| rows.by_image.len())
}

struct Layout {
    has_outlines: bool,
    muscles: BTreeMap<ImageId, PathBuf>,
    is_phantom: bool,
    table: &'static str,
}

/// The labels: those of `INbreast.csv` where it is there, with the flags for masses of `INbreast.xls`; else those of the
/// latter alone.
fn labels(root: &Path) -> Result<table::Rows, DatasetError> {
    let file = |name: &str| -> Result<Option<(PathBuf, Vec<u8>)>, DatasetError> {
        let path = root.join(name);
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = fs::read(place::inside(root, Path::new(name))?).map_err(FileError::from)?;
        Ok(Some((path, bytes)))
    };
    let csv = file(CSV)?.map(|(path, bytes)| table::read(&table::from_csv(&bytes, &path)?)).transpose()?;
    let xls = file(XLS)?.map(|(path, bytes)| table::read(&table::from_xls(&bytes, &path)?)).transpose()?;
    match (csv, xls) {
        (Some(csv), Some(xls)) => Ok(merged(csv, &xls)),
        (Some(rows), None) | (None, Some(rows)) => Ok(rows),
        (None, None) => Err(DatasetError::MissingPath {
            path: root.join(CSV),
            expected: "an INbreast release keeps its labels there or in INbreast.xls",
        }),
    }
}

fn merged(mut csv: table::Rows, xls: &table::Rows) -> table::Rows {
    for (id, row) in &mut csv.by_image {
        let Some(other) = xls.by_image.get(id) else {
            let text = format!("has no row for image {id}");
            csv.notes.push(Note::new(NoteKind::Disagreement, XLS, text));
            continue;
        };
        row.mass_flag = row.mass_flag.or(other.mass_flag);
        let same = |row: &table::Row| (row.laterality, row.view, row.birads, row.density);
        if same(row) != same(other) {
            let text = format!(
                "image {id} has another side, view, BI-RADS or density than in {CSV}, which is followed"
            );
            csv.notes.push(Note::new(NoteKind::Disagreement, XLS, text));
        }
    }
    csv
}

/// The contours of the pectoral muscle by image; names of the files begin with the image's id.
fn muscles(root: &Path) -> Result<BTreeMap<ImageId, PathBuf>, DatasetError> {
    let mut found = BTreeMap::new();
    if !root.join(MUSCLES).is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(root.join(MUSCLES)).map_err(FileError::from)? {
        let name = entry.map_err(FileError::from)?.file_name().to_string_lossy().into_owned();
        if name.to_ascii_lowercase().ends_with(".xml") && !name.starts_with('.') {
            let id = name.split(['_', '.', ' ']).next().unwrap_or_default();
            found.insert(ImageId::new(id), Path::new(MUSCLES).join(&name));
        }
    }
    Ok(found)
}

fn record(
    root: &Path,
    path: &Path,
    name: &FileName,
    row: &table::Row,
    layout: &Layout,
) -> Result<(ImageRecord, Vec<Note>), Problem> {
    let failed =
        |path: &Path, error: DatasetError| Problem::new(path.to_owned(), Some(name.image_id.clone()), error);
    let mut notes = Vec::new();
    let facts = picture::facts(root, path).map_err(|error| failed(path, error))?;
    if (name.laterality, name.view) != (row.laterality, row.view) {
        let text = format!(
            "the file name says {} {}, {} says {} {}; the table is followed",
            name.laterality, name.view, layout.table, row.laterality, row.view
        );
        notes.push(Note::new(NoteKind::Disagreement, path, text));
    }
    if let Some(header) = &facts.dicom
        && (header.laterality.is_some_and(|side| side != row.laterality)
            || header.view.is_some_and(|view| view != row.view))
    {
        let text = format!("the DICOM header and {} give other sides or views", layout.table);
        notes.push(Note::new(NoteKind::Disagreement, path, text));
    }
    let size = (facts.size_px.0 as f32, facts.size_px.1 as f32);
    let read = |relative: &Path| -> Result<Vec<u8>, DatasetError> {
        Ok(fs::read(place::inside(root, relative)?).map_err(FileError::from)?)
    };
    let mut rois: Vec<Roi> = Vec::new();
    let xml = Path::new(OUTLINES).join(format!("{}.xml", name.image_id));
    if layout.has_outlines && root.join(&xml).is_file() {
        rois = read(&xml)
            .and_then(|bytes| outlines::parse(&bytes, &root.join(&xml), &xml, size, &mut notes))
            .map_err(|error| failed(&xml, error))?;
    }
    let findings = layout.has_outlines.then(|| rois.iter().map(|roi| roi.finding).collect::<BTreeSet<_>>());
    if let (Some(flag), Some(findings)) = (row.mass_flag, &findings)
        && flag != findings.contains(&Finding::Mass)
    {
        let text = if flag {
            "the table flags a mass, none is outlined"
        } else {
            "a mass is outlined, the table flags none"
        };
        notes.push(Note::new(NoteKind::MassDisagreement, path, text));
    }
    if let Some(xml) = layout.muscles.get(&name.image_id) {
        let muscle = read(xml)
            .and_then(|bytes| {
                outlines::pectoral(&bytes, &root.join(xml), xml, (size, row.laterality), &mut notes)
            })
            .map_err(|error| failed(xml, error))?;
        rois.extend(muscle);
    }
    let record = ImageRecord {
        dataset: Dataset::Inbreast,
        medium: Medium::Digital,
        image_id: name.image_id.clone(),
        patient_id: name.patient_id.clone(),
        path: path.to_owned(),
        size_px: facts.size_px,
        laterality: row.laterality,
        view: Some(row.view),
        assessment: Assessment {
            birads: Some(row.birads),
            mass_flag: row.mass_flag,
            findings,
            ..Assessment::default()
        },
        density: row.density,
        rois,
        synthetic: layout.is_phantom || facts.synthetic,
    };
    Ok((record, notes))
}

/// What `<fileid>_<patient>_MG_<L|R>_<CC|ML|FB>_ANON.dcm` says.
#[derive(Debug, PartialEq)]
struct FileName {
    image_id: ImageId,
    patient_id: PatientId,
    laterality: Laterality,
    view: ViewPosition,
}

impl FileName {
    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split(['_', '.']);
        let (id, patient) = (parts.next()?, parts.next()?);
        if id.is_empty() || patient.is_empty() || parts.next()? != "MG" {
            return None;
        }
        Some(Self {
            image_id: ImageId::new(id),
            patient_id: PatientId::new(patient),
            laterality: parts.next()?.parse().ok()?,
            view: parts.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests;
