//! mini-MIAS: 322 digitised film MLO views of 161 patients, 1024 x 1024 pixels of 200 µm, 8 bits.
//!
//! What its files teach: images come in pairs, odd numbers show the right breast and even numbers the left one of
//! the same person; `Info.txt` has several rows for images with several findings; some rows have no position
//! (mdb059, and those marked `*NOTE 3*`, whose calcifications are everywhere); `y` counts from the bottom. The
//! tissue classes F, G and D are not the ACR's, so the density stays unknown.

use crate::{Dataset, DatasetError, ImageRecord, Medium, Note, NoteKind, Problem, Scan, picture};
use fs_err as fs;
use mammo_core::{Assessment, Finding, ImageId, Laterality, PatientId, Point, Roi, Shape, ViewPosition};
use mammo_files::FileError;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const TABLE: &str = "Info.txt";

#[derive(Debug, Default)]
pub(crate) struct Entry {
    findings: Vec<Located>,
    malignant: bool,
}

/// A finding with its class and, unless the release omits it, centre and radius; `y` from the bottom.
#[derive(Debug)]
struct Located {
    finding: Finding,
    class: String,
    circle: Option<[f32; 3]>,
}

pub(crate) fn read(dir: &Path) -> Result<Scan, DatasetError> {
    let table = dir.join(TABLE);
    if !dir.is_dir() {
        return Err(DatasetError::MissingPath {
            path: dir.to_owned(),
            expected: "give the folder of the mini-MIAS release",
        });
    }
    if !table.is_file() {
        return Err(DatasetError::MissingPath {
            path: table,
            expected: "a mini-MIAS release keeps its labels there",
        });
    }
    let bytes = fs::read(crate::place::inside(dir, Path::new(TABLE))?).map_err(FileError::from)?;
    let mut scan = Scan::new(dir);
    let entries = parse(&bytes, &table, &mut scan);

    let (mut files, mut unlisted, mut clutter) = (Vec::new(), Vec::new(), 0);
    for entry in fs::read_dir(dir).map_err(FileError::from)? {
        let name = entry.map_err(FileError::from)?.file_name().to_string_lossy().into_owned();
        match name.strip_suffix(".pgm").filter(|id| !id.starts_with('.')) {
            Some(id) if entries.contains_key(id) => files.push((id.to_owned(), PathBuf::from(&name))),
            Some(_) => unlisted.push(PathBuf::from(name)),
            None => {
                clutter += usize::from(name != TABLE && !name.to_ascii_lowercase().starts_with("licence"));
            }
        }
    }
    files.sort();
    unlisted.sort();
    for id in entries.keys().filter(|id| !files.iter().any(|(file, _)| file == *id)) {
        let text = format!("image {id} is not in the folder; left out");
        scan.release.notes.push(Note::new(NoteKind::MissingFile, TABLE, text));
    }
    for path in unlisted {
        scan.release.notes.push(Note::new(
            NoteKind::UnlistedFile,
            path,
            "is not listed in Info.txt; left out",
        ));
    }
    if clutter > 0 {
        scan.release.notes.push(Note::new(
            NoteKind::Clutter,
            ".",
            format!("{clutter} files are no images; left out"),
        ));
    }
    for (id, path) in files {
        let read = record(dir, &id, path.clone(), &entries[&id]);
        let read = read.map_err(|error| Problem::new(path, Some(ImageId::new(&id)), error));
        scan.take(read.map(|record| (record, Vec::new())));
    }
    scan.checked(|| format!("Info.txt lists {} images and none is in the folder", entries.len()))
}

/// Reads `Info.txt`; lines that cannot be understood are problems.
pub(crate) fn parse(bytes: &[u8], path: &Path, scan: &mut Scan) -> BTreeMap<String, Entry> {
    let text = String::from_utf8_lossy(bytes);
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut lost = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(&id) = words.first().filter(|id| number(id).is_some()) else { continue };
        let entry = entries.entry(id.to_owned()).or_default();
        if let Err(reason) = parse_line(&words, entry, &mut scan.release.notes) {
            let error = DatasetError::Line { path: path.to_owned(), line: index as u64 + 1, reason };
            scan.problems.push(Problem::new(TABLE, Some(ImageId::new(id)), error));
            lost.push(id.to_owned());
        }
    }
    for id in lost {
        entries.remove(&id);
    }
    entries
}

fn parse_line(words: &[&str], entry: &mut Entry, notes: &mut Vec<Note>) -> Result<(), String> {
    let id = words[0];
    let class = *words.get(2).ok_or_else(|| format!("{id} has no class of abnormality"))?;
    let findings: &[Finding] = match class {
        "NORM" => return Ok(()),
        "CIRC" | "MISC" => &[Finding::Mass],
        "SPIC" => &[Finding::Mass, Finding::SpiculatedRegion],
        "CALC" => &[Finding::Cluster],
        "ARCH" => &[Finding::Distortion],
        "ASYM" => &[Finding::Asymmetry],
        other => {
            return Err(format!(
                "{other:?} is not a class; expected NORM, CIRC, MISC, SPIC, CALC, ARCH or ASYM"
            ));
        }
    };
    match words.get(3) {
        Some(&"M") => entry.malignant = true,
        Some(&"B") => {}
        _ => return Err("the severity is neither B nor M".to_owned()),
    }
    let numbers: Vec<f32> = words.iter().skip(4).map_while(|w| w.parse().ok()).collect();
    let circle = match numbers.as_slice() {
        &[x, y, r] if r > 0.0 && [x, y, r].iter().all(|v| v.is_finite()) => Some([x, y, r]),
        _ => {
            notes.push(Note::new(NoteKind::NoPosition, TABLE, format!("{id}: the {class} has no position")));
            None
        }
    };
    entry.findings.extend(findings.iter().map(|&finding| Located {
        finding,
        class: class.to_owned(),
        circle,
    }));
    Ok(())
}

fn record(dir: &Path, id: &str, path: PathBuf, entry: &Entry) -> Result<ImageRecord, DatasetError> {
    let facts = picture::facts(dir, &path)?;
    let height = facts.size_px.1;
    let number = number(id).unwrap_or_default();
    let rois = entry
        .findings
        .iter()
        .filter_map(|found| {
            let [x, y, radius] = found.circle?;
            // Pixel (x, y) counted from the bottom left; its centre counted from the top left.
            let center = Point { x: x + 0.5, y: height as f32 - y - 0.5 };
            let shape = Shape::Circle { center, radius };
            Some(Roi { finding: found.finding, raw_name: found.class.clone(), shape })
        })
        .collect();
    Ok(ImageRecord {
        dataset: Dataset::MiniMias,
        medium: Medium::Film,
        image_id: ImageId::new(id),
        patient_id: PatientId::new(format!("pair{:03}", number.div_ceil(2))),
        path,
        size_px: facts.size_px,
        laterality: if number.is_multiple_of(2) { Laterality::Left } else { Laterality::Right },
        view: Some(ViewPosition::Mlo),
        assessment: Assessment {
            findings: Some(entry.findings.iter().map(|found| found.finding).collect()),
            abnormal: Some(!entry.findings.is_empty()),
            malignant: Some(entry.malignant),
            ..Assessment::default()
        },
        density: None,
        rois,
        synthetic: facts.synthetic,
    })
}

/// The number in `mdb017`, which has three digits.
fn number(id: &str) -> Option<u32> {
    id.strip_prefix("mdb").filter(|n| n.len() == 3 && n.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

#[cfg(test)]
mod tests;
