//! mini-MIAS: 322 digitised film MLO views of 161 patients, 1024 x 1024 pixels of 200 µm, 8 bits.
//!
//! What its files teach: images come in pairs, odd numbers show the right breast and even numbers the left one of
//! the same person; `Info.txt` has several rows for images with several findings; some rows have no position
//! (mdb059, and those marked `*NOTE 3*`, whose calcifications are everywhere); `y` counts from the bottom. The
//! tissue classes F, G and D are not the ACR's, so the density stays unknown.

use crate::{Dataset, DatasetError, ImageRecord, Note, Release};
use fs_err as fs;
use mammo_core::{Assessment, Finding, ImageId, Laterality, PatientId, Point, Roi, Shape, ViewPosition};
use mammo_files::FileError;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const TABLE: &str = "Info.txt";

#[derive(Debug, Default)]
struct Entry {
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

pub(crate) fn read(dir: &Path) -> Result<Release, DatasetError> {
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
    let text = String::from_utf8_lossy(&fs::read(&table).map_err(FileError::from)?).into_owned();
    let mut notes = Vec::new();
    let entries = parse(&table, &text, &mut notes)?;

    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(FileError::from)? {
        let name = entry.map_err(FileError::from)?.file_name().to_string_lossy().into_owned();
        if let Some(id) = name.strip_suffix(".pgm").filter(|id| !id.starts_with('.')) {
            files.push((id.to_owned(), PathBuf::from(&name)));
        }
    }
    files.sort();
    let absent = entries.keys().filter(|id| !files.iter().any(|(file, _)| file == *id)).count();
    if absent > 0 {
        notes.push(Note::new(TABLE, format!("{absent} listed images are not in the folder; left out")));
    }
    let mut records = Vec::new();
    for (id, path) in files {
        match (entries.get(&id), number(&id)) {
            (Some(entry), Some(number)) => records.push(record(dir, &id, number, path, entry)?),
            _ => notes.push(Note::new(path, "is not listed in Info.txt; left out")),
        }
    }
    if records.is_empty() {
        let hint = format!("Info.txt lists {} images and none is in the folder", entries.len());
        return Err(DatasetError::NoImages { root: dir.to_owned(), hint });
    }
    Ok(Release { root: dir.to_owned(), records, notes })
}

fn parse(path: &Path, text: &str, notes: &mut Vec<Note>) -> Result<BTreeMap<String, Entry>, DatasetError> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(&id) = words.first().filter(|id| number(id).is_some()) else { continue };
        let broken =
            |reason: String| DatasetError::Line { path: path.to_owned(), line: index as u64 + 1, reason };
        let entry = entries.entry(id.to_owned()).or_default();
        let class = *words.get(2).ok_or_else(|| broken(format!("{id} has no class of abnormality")))?;
        let findings: &[Finding] = match class {
            "NORM" => continue,
            "CIRC" | "MISC" => &[Finding::Mass],
            "SPIC" => &[Finding::Mass, Finding::SpiculatedRegion],
            "CALC" => &[Finding::Cluster],
            "ARCH" => &[Finding::Distortion],
            "ASYM" => &[Finding::Asymmetry],
            other => {
                return Err(broken(format!(
                    "{other:?} is not a class; expected NORM, CIRC, MISC, SPIC, CALC, ARCH or ASYM"
                )));
            }
        };
        match words.get(3) {
            Some(&"M") => entry.malignant = true,
            Some(&"B") => {}
            other => {
                return Err(broken(format!("{:?} is not a severity; expected B or M", other.unwrap_or(&""))));
            }
        }
        let numbers: Vec<f32> = words.iter().skip(4).map_while(|w| w.parse().ok()).collect();
        let circle = match numbers.as_slice() {
            &[x, y, r] if r > 0.0 && [x, y, r].iter().all(|v| v.is_finite()) => Some([x, y, r]),
            _ => {
                notes.push(Note::new(TABLE, format!("{id}: the {class} has no position")));
                None
            }
        };
        entry.findings.extend(findings.iter().map(|&finding| Located {
            finding,
            class: class.to_owned(),
            circle,
        }));
    }
    Ok(entries)
}

fn record(
    dir: &Path,
    id: &str,
    number: u32,
    path: PathBuf,
    entry: &Entry,
) -> Result<ImageRecord, DatasetError> {
    let file = dir.join(&path);
    let (_, height) = image::image_dimensions(&file)
        .map_err(|e| DatasetError::Picture { path: file, reason: e.to_string() })?;
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
        image_id: ImageId::new(id),
        patient_id: PatientId::new(format!("pair{:03}", number.div_ceil(2))),
        path,
        laterality: if number.is_multiple_of(2) { Laterality::Left } else { Laterality::Right },
        view: Some(ViewPosition::Mlo),
        assessment: Assessment {
            birads: None,
            mass_flag: None,
            findings: Some(entry.findings.iter().map(|found| found.finding).collect()),
            abnormal: Some(!entry.findings.is_empty()),
            malignant: Some(entry.malignant),
        },
        density: None,
        rois,
        synthetic: false,
    })
}

/// The number in `mdb017`, which has three digits.
fn number(id: &str) -> Option<u32> {
    id.strip_prefix("mdb").filter(|n| n.len() == 3 && n.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

#[cfg(test)]
mod tests;
