//! INbreast release 1.0, and phantom releases in the same layout.
//!
//! What its files teach: the patient is named only in the file name; file names spell MLO as `ML`; one cell of the
//! density column is blank; 343 of 410 images have an XML of outlines, whose names have typing errors and whose
//! points leave the frame in five files; circulating copies add dot files and `desktop.ini`.

mod outlines;
mod table;

use crate::{Dataset, DatasetError, ImageRecord, Note, Release};
use fs_err as fs;
use mammo_core::{Assessment, ImageId, Laterality, PatientId, ViewPosition};
use mammo_files::FileError;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const IMAGES: &str = "AllDICOMs";
const OUTLINES: &str = "AllXML";

pub(crate) fn read(dir: &Path) -> Result<Release, DatasetError> {
    let missing = |path: PathBuf, expected| DatasetError::MissingPath { path, expected };
    if !dir.is_dir() {
        return Err(missing(dir.to_owned(), "give the folder of the INbreast release"));
    }
    let inner = dir.join("INbreast Release 1.0");
    let root = if inner.is_dir() { inner } else { dir.to_owned() };
    if !root.join(IMAGES).is_dir() {
        return Err(missing(root.join(IMAGES), "an INbreast release keeps its DICOM files there"));
    }
    let csv = root.join("INbreast.csv");
    if !csv.is_file() {
        return Err(missing(csv, "an INbreast release keeps its labels there"));
    }
    let mut notes = Vec::new();
    let rows = table::read(&csv, &mut notes)?;
    let has_outlines = root.join(OUTLINES).is_dir();
    if !has_outlines {
        notes.push(Note::new(OUTLINES, "the folder is missing, so nothing is known about outlined findings"));
    }
    let is_phantom = root.join("phantom.json").is_file();

    let mut files = BTreeMap::new();
    for entry in fs::read_dir(root.join(IMAGES)).map_err(FileError::from)? {
        let name = entry.map_err(FileError::from)?.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || !name.to_ascii_lowercase().ends_with(".dcm") {
            continue;
        }
        let path = Path::new(IMAGES).join(&name);
        match FileName::parse(&name) {
            None => notes.push(Note::new(path, "not named like an INbreast image; left out")),
            Some(parsed) if !rows.contains_key(&parsed.image_id) => {
                notes.push(Note::new(path, "has no row in INbreast.csv; left out"));
            }
            Some(parsed) => {
                if let Some((other, _)) = files.insert(parsed.image_id.clone(), (path, parsed)) {
                    notes.push(Note::new(other, "a second file has the same image id; left out"));
                }
            }
        }
    }
    notes.sort_by(|a, b| a.path.cmp(&b.path));
    let without_file: Vec<&str> =
        rows.keys().filter(|id| !files.contains_key(*id)).map(ImageId::as_str).collect();
    if !without_file.is_empty() {
        let text =
            format!("{} rows have no image file, first {}; left out", without_file.len(), without_file[0]);
        notes.push(Note::new("INbreast.csv", text));
    }
    if files.is_empty() {
        let hint = format!("INbreast.csv has {} rows and none matches a file in {IMAGES}", rows.len());
        return Err(DatasetError::NoImages { root, hint });
    }

    let files: Vec<(PathBuf, FileName)> = files.into_values().collect();
    let read: Vec<(ImageRecord, Vec<Note>)> = files
        .par_iter()
        .map(|(path, name)| record(&root, path, name, &rows[&name.image_id], has_outlines, is_phantom))
        .collect::<Result<_, DatasetError>>()?;
    let mut records = Vec::with_capacity(read.len());
    for (record, more) in read {
        records.push(record);
        notes.extend(more);
    }
    Ok(Release { root, records, notes })
}

fn record(
    root: &Path,
    path: &Path,
    name: &FileName,
    row: &table::Row,
    has_outlines: bool,
    is_phantom: bool,
) -> Result<(ImageRecord, Vec<Note>), DatasetError> {
    let mut notes = Vec::new();
    let header = mammo_dicom::read_header(&root.join(path))?;
    if (name.laterality, name.view) != (row.laterality, row.view) {
        let text = format!(
            "the file name says {} {}, INbreast.csv says {} {}; the table is followed",
            name.laterality, name.view, row.laterality, row.view
        );
        notes.push(Note::new(path, text));
    }
    let mut rois = Vec::new();
    let xml = Path::new(OUTLINES).join(format!("{}.xml", name.image_id));
    if has_outlines && root.join(&xml).is_file() {
        let size = (header.columns_px as f32, header.rows_px as f32);
        rois = outlines::read(root, &xml, size, &mut notes)?;
    }
    let findings = has_outlines.then(|| rois.iter().map(|roi| roi.finding).collect::<BTreeSet<_>>());
    let record = ImageRecord {
        dataset: Dataset::Inbreast,
        image_id: name.image_id.clone(),
        patient_id: name.patient_id.clone(),
        path: path.to_owned(),
        laterality: row.laterality,
        view: Some(row.view),
        assessment: Assessment {
            birads: Some(row.birads),
            mass_flag: row.mass_flag,
            findings,
            abnormal: None,
            malignant: None,
        },
        density: row.density,
        rois,
        synthetic: is_phantom || header.synthetic,
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
