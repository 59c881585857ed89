//! BCDR: packs of digitised films (F01, F02, F03) and of full-field digital mammograms (D01, D02, DN01).
//!
//! What their files teach: a pack is a folder with its tables in it, `BCDR-F03` sometimes one folder deeper; every value
//! of a table but the first of its row begins with a blank; the projection is counted from 0 in the table of images and
//! from 1 in that of outlines; an image has as many rows of outlines as lesions and segmentations; benign lesions are
//! outlined too; densities may be `NaN`; the masks beside the images are no images; there is no BI-RADS.

pub(crate) mod tables;

use crate::{Dataset, DatasetError, ImageRecord, Medium, Note, NoteKind, Problem, Scan, picture, place};
use fs_err as fs;
use mammo_core::{AcrDensity, Assessment, Finding, ImageId, PatientId, Point, Roi, Shape};
use mammo_files::FileError;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use tables::{ImageRow, OutlineRow};

const PACKS: [(&str, Dataset); 6] = [
    ("f01", Dataset::BcdrF01),
    ("f02", Dataset::BcdrF02),
    ("f03", Dataset::BcdrF03),
    ("d01", Dataset::BcdrD01),
    ("d02", Dataset::BcdrD02),
    ("dn01", Dataset::BcdrDn01),
];

/// One pack: its folder relative to the release's root, and its tables in it.
struct Pack {
    dataset: Dataset,
    folder: PathBuf,
    images: PathBuf,
    outlines: Option<PathBuf>,
}

pub(crate) fn read(dir: &Path) -> Result<Scan, DatasetError> {
    if !dir.is_dir() {
        let expected = "give the folder that holds the packs, such as BCDR-D01_dataset, or one of them";
        return Err(DatasetError::MissingPath { path: dir.to_owned(), expected });
    }
    let mut packs = Vec::new();
    find(dir, Path::new(""), 2, &mut packs)?;
    packs.sort_by(|a, b| (a.dataset, &a.folder).cmp(&(b.dataset, &b.folder)));
    if packs.is_empty() {
        let expected =
            "no table such as bcdr_d01_img.csv lies in this folder or in the folders of packs in it";
        return Err(DatasetError::MissingPath { path: dir.to_owned(), expected });
    }
    let mut scan = Scan::new(dir);
    let mut seen = BTreeSet::new();
    for pack in &packs {
        if seen.insert(pack.dataset) {
            read_pack(dir, pack, &mut scan)?;
        } else {
            let text = format!("a second folder of {}; left out", pack.dataset);
            scan.release.notes.push(Note::new(NoteKind::DuplicateImage, &pack.folder, text));
        }
    }
    scan.checked(|| format!("{} tables were found and none of their images is there", packs.len()))
}

/// Collects the packs in a folder and, `deeper` levels, in the folders in it.
fn find(root: &Path, folder: &Path, deeper: usize, packs: &mut Vec<Pack>) -> Result<(), DatasetError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(folder)).map_err(FileError::from)? {
        names.push(entry.map_err(FileError::from)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    for name in &names {
        let lower = name.to_ascii_lowercase();
        let pack = lower.strip_prefix("bcdr_").and_then(|rest| rest.strip_suffix("_img.csv"));
        if let Some(&(word, dataset)) = PACKS.iter().find(|(word, _)| Some(*word) == pack) {
            let outlines =
                names.iter().find(|n| n.to_ascii_lowercase() == format!("bcdr_{word}_outlines.csv"));
            packs.push(Pack {
                dataset,
                folder: folder.to_owned(),
                images: folder.join(name),
                outlines: outlines.map(|name| folder.join(name)),
            });
        } else if deeper > 0 && lower.starts_with("bcdr") && root.join(folder).join(name).is_dir() {
            find(root, &folder.join(name), deeper - 1, packs)?;
        }
    }
    Ok(())
}

fn read_pack(root: &Path, pack: &Pack, scan: &mut Scan) -> Result<(), DatasetError> {
    let bytes = |path: &Path| -> Result<Vec<u8>, DatasetError> {
        Ok(fs::read(place::inside(root, path)?).map_err(FileError::from)?)
    };
    let rows = tables::images(&bytes(&pack.images)?, &root.join(&pack.images))?;
    let mut outlines: BTreeMap<PathBuf, Vec<OutlineRow>> = BTreeMap::new();
    if let Some(path) = &pack.outlines {
        let listed: BTreeSet<&PathBuf> = rows.iter().filter_map(|row| row.file.as_ref()).collect();
        for row in tables::outlines(&bytes(path)?, &root.join(path))? {
            match &row.file {
                Some(file) if listed.contains(file) => {
                    outlines.entry(file.clone()).or_default().push(row);
                }
                _ => {
                    let text = format!("line {} outlines an image that the table of images lacks", row.line);
                    scan.release.notes.push(Note::new(NoteKind::Disagreement, path, text));
                }
            }
        }
    } else if pack.dataset != Dataset::BcdrDn01 {
        let text = "there is no table of outlines, so nothing is known about lesions";
        scan.release.notes.push(Note::new(NoteKind::MissingFile, &pack.images, text));
    }
    let knows_lesions = pack.outlines.is_some() || pack.dataset == Dataset::BcdrDn01;
    let mut seen = BTreeSet::new();
    let mut usable = Vec::new();
    for row in &rows {
        let note = |kind, text: &str| Note::new(kind, &pack.images, format!("line {}: {text}", row.line));
        match &row.file {
            None => scan
                .release
                .notes
                .push(note(NoteKind::Disagreement, "the file's path leads out of the pack; left out")),
            Some(file) if !seen.insert(file.clone()) => {
                scan.release
                    .notes
                    .push(note(NoteKind::DuplicateImage, "a second row for the image; left out"));
            }
            Some(_) if row.projection.is_none() => {
                scan.release.notes.push(note(NoteKind::Quirk, "neither CC nor oblique view; left out"));
            }
            Some(file) => {
                if row.type_disagrees {
                    let text = "image_type_id is not that of image_type_name, which is followed";
                    scan.release.notes.push(note(NoteKind::Disagreement, text));
                }
                if row.density.is_none() {
                    scan.release.notes.push(note(NoteKind::BlankDensity, "the density is not given"));
                }
                usable.push((row, file));
            }
        }
    }
    let none = Vec::new();
    let read: Vec<_> = usable
        .par_iter()
        .map(|(row, file)| {
            let rows = outlines.get(*file).unwrap_or(&none);
            record(root, pack, row, file, knows_lesions.then_some(rows.as_slice()))
        })
        .collect();
    for image in read {
        scan.take(image);
    }
    Ok(())
}

fn record(
    root: &Path,
    pack: &Pack,
    row: &ImageRow,
    file: &Path,
    outlines: Option<&[OutlineRow]>,
) -> Result<(ImageRecord, Vec<Note>), Problem> {
    let path = pack.folder.join(file);
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let image_id = ImageId::new(&stem);
    let failed = |error| Problem::new(path.clone(), Some(image_id.clone()), error);
    if !root.join(&path).exists() {
        let table = pack.images.display().to_string();
        return Err(failed(DatasetError::MissingFile { path: root.join(&path), table }));
    }
    let facts = picture::facts(root, &path).map_err(failed)?;
    let mut notes = Vec::new();
    let (laterality, view) = row.projection.expect("rows without a projection were left out");
    let rows = outlines.unwrap_or_default();
    if rows.iter().any(|o| o.view_number.and_then(tables::viewed).is_some_and(|v| v != (laterality, view))) {
        let text = "an outline gives another projection than the table of images, which is followed";
        notes.push(Note::new(NoteKind::Disagreement, &path, text));
    }
    let (rois, clipped) = rois(rows, facts.size_px);
    if clipped > 0 {
        let text = format!("{clipped} points lie outside of the image; moved to its border");
        notes.push(Note::new(NoteKind::PointsOutside, &path, text));
    }
    let malign = rows.iter().any(|o| o.malign == Some(true));
    let record = ImageRecord {
        dataset: pack.dataset,
        medium: if pack.dataset.name().starts_with("bcdr-f") { Medium::Film } else { Medium::Digital },
        image_id: image_id.clone(),
        patient_id: PatientId::new(&row.patient),
        path: path.clone(),
        size_px: facts.size_px,
        laterality,
        view: Some(view),
        assessment: Assessment {
            findings: outlines.map(|rows| rows.iter().flat_map(|o| o.findings.clone()).collect()),
            abnormal: outlines.map(|rows| !rows.is_empty()),
            malignant: outlines.map(|_| malign),
            outlined: outlines.map(|rows| !rows.is_empty()),
            outlined_malign: outlines.map(|_| malign),
            ..Assessment::default()
        },
        density: row.density.and_then(|class| AcrDensity::new(class).ok()),
        rois,
        synthetic: facts.synthetic,
    };
    Ok((record, notes))
}

/// The outlines inside of the picture, and how many points had to be moved for it.
fn rois(rows: &[OutlineRow], (width, height): (usize, usize)) -> (Vec<Roi>, usize) {
    let mut clipped = 0;
    let rois = rows
        .iter()
        .filter(|row| row.points.len() > 2)
        .map(|row| {
            let points = row.points.iter().map(|p| {
                let inside = Point { x: p.x.clamp(0.0, width as f32), y: p.y.clamp(0.0, height as f32) };
                clipped += usize::from(inside != *p);
                inside
            });
            let shape = Shape::Polygon { points: points.collect() };
            let finding = row.findings.first().copied().unwrap_or(Finding::Other);
            let raw_name = match row.malign {
                Some(true) => "Malign",
                Some(false) => "Benign",
                None => "",
            };
            Roi { finding, raw_name: raw_name.to_owned(), shape }
        })
        .collect();
    (rois, clipped)
}
