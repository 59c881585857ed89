//! CMMD: 1,775 Chinese patients with a biopsied finding each, digital, 8 bits, from TCIA.
//!
//! What its files teach: labels are given by breast in a spreadsheet, which may have two rows for one breast; side and view
//! stand in the DICOM headers alone, the view as a code; there are no normal cases, and the other breast of a patient has
//! images without a row.

use crate::{
    Dataset, DatasetError, ImageRecord, Medium, Note, NoteKind, Problem, Scan, picture, place, table::Table,
};
use fs_err as fs;
use mammo_core::{Assessment, Finding, ImageId, Laterality, PatientId};
use mammo_files::FileError;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const TABLES: [&str; 2] = ["CMMD_clinicaldata_revision.xlsx", "CMMD_clinicaldata_revision.csv"];
/// Folders between a patient's and the files: study and series.
const DEPTH: usize = 3;

/// What the table says of one breast.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Breast {
    findings: BTreeSet<Finding>,
    malignant: bool,
}

type Key = (String, Laterality);

/// Reads the table of clinical data; rows that cannot be understood are errors beside it.
pub(crate) fn parse(table: &Table) -> Result<(BTreeMap<Key, Breast>, Vec<DatasetError>), DatasetError> {
    let (id, side) = (table.column("id1")?, table.column("leftright")?);
    let (abnormality, class) = (table.column("abnormality")?, table.column("classification")?);
    let (mut breasts, mut errors) = (BTreeMap::<Key, Breast>::new(), Vec::new());
    for row in table.rows.iter().filter(|row| !row.cell(id).is_empty()) {
        let understood = || -> Result<(Key, Vec<Finding>, bool), DatasetError> {
            let findings = match row.cell(abnormality).to_ascii_lowercase().as_str() {
                "mass" => vec![Finding::Mass],
                "calcification" => vec![Finding::Cluster],
                "both" => vec![Finding::Mass, Finding::Cluster],
                _ => return Err(table.error(row, "the abnormality is none of mass, calcification, both")),
            };
            let malignant = match row.cell(class).to_ascii_lowercase().as_str() {
                "malignant" => true,
                "benign" => false,
                _ => return Err(table.error(row, "the classification is neither Benign nor Malignant")),
            };
            Ok(((row.cell(id).to_owned(), table.word(row, side)?), findings, malignant))
        };
        match understood() {
            Ok((key, findings, malignant)) => {
                let breast = breasts.entry(key).or_default();
                breast.findings.extend(findings);
                breast.malignant |= malignant;
            }
            Err(error) => errors.push(error),
        }
    }
    Ok((breasts, errors))
}

pub(crate) fn read(dir: &Path) -> Result<Scan, DatasetError> {
    let Some(name) = TABLES.into_iter().find(|name| dir.join(name).is_file()) else {
        let expected = "a CMMD release keeps its labels there";
        return Err(DatasetError::MissingPath { path: dir.join(TABLES[0]), expected });
    };
    let bytes = fs::read(place::inside(dir, Path::new(name))?).map_err(FileError::from)?;
    let path = dir.join(name);
    let table = if name == TABLES[1] {
        Table::from_csv(&bytes, &path)?
    } else {
        Table::from_spreadsheet(&bytes, &path, "Sheet1")?
    };
    let (breasts, errors) = parse(&table)?;
    let mut scan = Scan::new(dir);
    for error in errors {
        scan.problems.push(Problem::new(name, None, error));
    }
    let base = if dir.join("CMMD").is_dir() { Path::new("CMMD") } else { Path::new("") };
    let patients: BTreeSet<&str> = breasts.keys().map(|(id, _)| id.as_str()).collect();
    let mut files = Vec::new();
    for patient in &patients {
        let mut own = Vec::new();
        if place::relative(patient).is_some_and(|p| p.components().count() == 1) {
            collect(dir, &base.join(patient), DEPTH, &mut own)?;
        }
        if own.is_empty() {
            let text = format!("patient {patient} has no folder with images; left out");
            scan.release.notes.push(Note::new(NoteKind::MissingFile, name, text));
        }
        let mut seen = BTreeMap::<String, usize>::new();
        for path in own {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let count = seen.entry(stem.clone()).or_default();
            *count += 1;
            let number = if *count == 1 { String::new() } else { format!("_{count}") };
            files.push((ImageId::new(format!("{patient}_{stem}{number}")), (*patient).to_owned(), path));
        }
    }
    let read: Vec<_> =
        files.par_iter().map(|(id, patient, path)| record(dir, id, patient, path, &breasts)).collect();
    for image in read {
        scan.take(image);
    }
    scan.checked(|| format!("{name} has {} patients and none has images here", patients.len()))
}

/// The DICOM files below a folder, in their order.
fn collect(root: &Path, folder: &Path, deeper: usize, files: &mut Vec<PathBuf>) -> Result<(), DatasetError> {
    if !root.join(folder).is_dir() {
        return Ok(());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(folder)).map_err(FileError::from)? {
        names.push(entry.map_err(FileError::from)?.file_name());
    }
    names.sort();
    for name in names {
        let path = folder.join(&name);
        let name = name.to_string_lossy();
        if root.join(&path).is_dir() {
            if deeper > 0 {
                collect(root, &path, deeper - 1, files)?;
            }
        } else if name.to_ascii_lowercase().ends_with(".dcm") && !name.starts_with('.') {
            files.push(path);
        }
    }
    Ok(())
}

fn record(
    root: &Path,
    id: &ImageId,
    patient: &str,
    path: &Path,
    breasts: &BTreeMap<Key, Breast>,
) -> Result<(ImageRecord, Vec<Note>), Problem> {
    let failed = |error| Problem::new(path.to_owned(), Some(id.clone()), error);
    let facts = picture::facts(root, path).map_err(failed)?;
    let header = facts.dicom.as_ref();
    let Some(laterality) = header.and_then(|header| header.laterality) else {
        let what = "the side (Image Laterality)";
        return Err(failed(DatasetError::Unsaid { path: root.join(path), what }));
    };
    let view = header.and_then(|header| header.view);
    let mut notes = Vec::new();
    if view.is_none() {
        notes.push(Note::new(NoteKind::Disagreement, path, "the header gives no view that is known"));
    }
    let breast = breasts.get(&(patient.to_owned(), laterality));
    if breast.is_none() {
        notes.push(Note::new(NoteKind::Quirk, path, "the table has no row for this breast; it has no label"));
    }
    let record = ImageRecord {
        dataset: Dataset::Cmmd,
        medium: Medium::Digital,
        image_id: id.clone(),
        patient_id: PatientId::new(patient),
        path: path.to_owned(),
        size_px: facts.size_px,
        laterality,
        view,
        assessment: Assessment {
            findings: breast.map(|breast| breast.findings.clone()),
            abnormal: breast.map(|_| true),
            malignant: breast.map(|breast| breast.malignant),
            ..Assessment::default()
        },
        density: None,
        rois: Vec::new(),
        synthetic: facts.synthetic,
    };
    Ok((record, notes))
}
