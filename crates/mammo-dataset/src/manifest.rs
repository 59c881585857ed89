//! Images of any origin that a table of the user's own describes: `manifest.csv` or `manifest.jsonl`, one row an image.
//!
//! | field | meaning |
//! |---|---|
//! | `path` (or `rel_path`) | the image (DICOM, PGM, TIFF, PNG), relative to the table's folder; may not lead out of it |
//! | `patient_id` | who it is; becomes a number, the original goes no further |
//! | `laterality`, `view` | `L`/`R`; `CC`, `MLO` or empty |
//! | `image_id` | default: the file's name without extension |
//! | `medium` | `digital` (default) or `film` |
//! | `birads` (`birads_raw`), `density` (`density_raw`) | 0 to 6 with 4a to 4c; 1 to 4 or A to D |
//! | `mass`, `calc`, `asym`, `dist` | flags: 1/0, true/false, yes/no, x; empty says nothing |
//! | `findings` | words separated by `;`, or a JSON list |
//! | `abnormal`, `malignant`, `outlined`, `outlined_malign` | flags |
//! | `pathology` (`pathology_raw`) | `malignant`, `benign` or `normal`, instead of the flag |
//! | `rois` | JSON list of `{"name", "type": "polygon"/"point"/"circle"/"box", "points"/"center", "radius"/"bounds"}` in pixels |
//! | `sha256` | digest of the file, compared by the audit |
//! | `excluded_reason` | leaves the image out |
//! | `synthetic` | whether the picture is made; a mark in the file cannot be taken back by `false` |

use crate::{
    Dataset, DatasetError, ImageRecord, Medium, Note, NoteKind, Problem, Scan, picture, place, table::Table,
};
use fs_err as fs;
use mammo_core::{AcrDensity, Assessment, Finding, ImageId, PatientId, Point, Roi, Shape};
use mammo_files::FileError;
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const NAMES: [&str; 2] = ["manifest.jsonl", "manifest.csv"];
/// Radius of the disc that stands for a point.
const POINT_RADIUS_PX: f32 = 5.0;

/// One row, before its image is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    line: u64,
    path: PathBuf,
    image_id: ImageId,
    patient: String,
    medium: Medium,
    laterality: mammo_core::Laterality,
    view: Option<mammo_core::ViewPosition>,
    density: Option<AcrDensity>,
    assessment: Assessment,
    rois: Vec<Roi>,
    synthetic: bool,
    sha256: Option<String>,
    excluded: bool,
}

impl Row {
    /// The digest that the table gives for the file.
    pub(crate) fn digest(self) -> Option<(PathBuf, String)> {
        Some((self.path, self.sha256?))
    }
}

/// Reads the table; rows that cannot be understood are errors in their place. The name decides: `.csv`, else JSON lines.
pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Vec<Result<Row, DatasetError>>, DatasetError> {
    let broken = |line: u64, reason: String| DatasetError::Line { path: path.to_owned(), line, reason };
    let mut rows = Vec::new();
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
        let table = Table::from_csv(bytes, path)?;
        for column in ["patient_id", "laterality"] {
            table.column(column)?;
        }
        for row in &table.rows {
            let cells = table.columns().iter().enumerate();
            let map = cells.map(|(at, name)| (name.clone(), Value::String(row.cell(at).to_owned())));
            rows.push(understood(&map.collect(), row.line).map_err(|reason| broken(row.line, reason)));
        }
    } else {
        let text = String::from_utf8_lossy(bytes);
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line_number = index as u64 + 1;
            let map: Result<Map<String, Value>, _> = serde_json::from_str(line);
            let row = map.map_err(|_| "no JSON object".to_owned());
            rows.push(row.and_then(|map| understood(&map, line_number)).map_err(|r| broken(line_number, r)));
        }
    }
    Ok(rows)
}

fn text(map: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match map.get(*name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    })
}

fn flag(map: &Map<String, Value>, name: &str) -> Result<Option<bool>, String> {
    match text(map, &[name]).map(|text| text.to_ascii_lowercase()).as_deref() {
        None => Ok(None),
        Some("1" | "true" | "yes" | "x") => Ok(Some(true)),
        Some("0" | "false" | "no") => Ok(Some(false)),
        Some(_) => Err(format!("{name} is no flag; expected 1, 0, true, false, yes, no, x or nothing")),
    }
}

fn word<T: std::str::FromStr<Err = mammo_core::UnknownWord>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: mammo_core::UnknownWord| crate::table::guarded(e).to_string())
}

fn understood(map: &Map<String, Value>, line: u64) -> Result<Row, String> {
    let needed = |names: &[&str]| text(map, names).ok_or_else(|| format!("there is no {}", names[0]));
    let path = needed(&["path", "rel_path"])?;
    let path = place::relative(&path)
        .ok_or("the path leads out of the table's folder; give one below it, without `..`")?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut findings: Option<BTreeSet<Finding>> = None;
    for (name, finding) in [
        ("mass", Finding::Mass),
        ("calc", Finding::Cluster),
        ("asym", Finding::Asymmetry),
        ("dist", Finding::Distortion),
    ] {
        if let Some(set) = flag(map, name)? {
            let findings = findings.get_or_insert_default();
            if set {
                findings.insert(finding);
            }
        }
    }
    let listed: Option<Vec<String>> = match map.get("findings") {
        Some(Value::Array(list)) => Some(list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()),
        _ => text(map, &["findings"]).map(|text| text.split(';').map(str::to_owned).collect()),
    };
    if let Some(listed) = listed {
        let names = listed.iter().map(|name| Finding::from_inbreast_name(name));
        findings.get_or_insert_default().extend(names);
    }
    let rois = rois(map)?;
    if !rois.is_empty() {
        findings.get_or_insert_default().extend(rois.iter().map(|roi| roi.finding));
    }
    let pathology = text(map, &["pathology", "pathology_raw"]).map(|text| text.to_ascii_lowercase());
    let (pathology_malignant, pathology_abnormal) = match pathology.as_deref() {
        None => (None, None),
        Some("malignant" | "malign") => (Some(true), Some(true)),
        Some("benign" | "benign_without_callback") => (Some(false), Some(true)),
        Some("normal") => (Some(false), Some(false)),
        Some(_) => return Err("the pathology is none of malignant, benign, normal".to_owned()),
    };
    Ok(Row {
        line,
        image_id: ImageId::new(text(map, &["image_id"]).unwrap_or(stem)),
        path,
        patient: needed(&["patient_id"])?,
        medium: match text(map, &["medium"]).as_deref() {
            None | Some("digital") => Medium::Digital,
            Some("film") => Medium::Film,
            Some(_) => return Err("the medium is neither digital nor film".to_owned()),
        },
        laterality: word(&needed(&["laterality"])?)?,
        // Other projections are taken as unknown, and take part where all views do.
        view: text(map, &["view"]).and_then(|view| view.parse().ok()),
        density: match text(map, &["density", "density_raw"]) {
            None => None,
            Some(text) => density(&text)?,
        },
        assessment: Assessment {
            birads: text(map, &["birads", "birads_num", "birads_raw"]).map(|text| word(&text)).transpose()?,
            mass_flag: flag(map, "mass")?,
            findings,
            abnormal: flag(map, "abnormal")?.or(pathology_abnormal),
            malignant: flag(map, "malignant")?.or(pathology_malignant),
            outlined: flag(map, "outlined")?,
            outlined_malign: flag(map, "outlined_malign")?,
        },
        rois,
        synthetic: flag(map, "synthetic")?.unwrap_or(false),
        sha256: text(map, &["sha256"]).map(|digest| digest.to_ascii_lowercase()),
        excluded: text(map, &["excluded_reason"]).is_some(),
    })
}

fn density(text: &str) -> Result<Option<AcrDensity>, String> {
    let class = match text.to_ascii_uppercase().as_str() {
        "A" => 1,
        "B" => 2,
        "C" => 3,
        "D" => 4,
        "NAN" | "N" => return Ok(None),
        number => number.strip_suffix(".0").unwrap_or(number).parse().unwrap_or(0),
    };
    AcrDensity::new(class).map(Some).map_err(|e| e.to_string())
}

#[derive(Deserialize)]
struct RoiRow {
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    shape: ShapeRow,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ShapeRow {
    #[serde(alias = "poly")]
    Polygon {
        points: Vec<[f32; 2]>,
    },
    Point {
        center: [f32; 2],
    },
    Circle {
        center: [f32; 2],
        radius: f32,
    },
    #[serde(alias = "bbox")]
    Box {
        bounds: [f32; 4],
    },
}

fn rois(map: &Map<String, Value>) -> Result<Vec<Roi>, String> {
    let list = match map.get("rois") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(Vec::new()),
        Some(Value::String(text)) => {
            serde_json::from_str(text).map_err(|_| "rois is no JSON list".to_owned())?
        }
        Some(value) => value.clone(),
    };
    let rows: Vec<RoiRow> =
        serde_json::from_value(list).map_err(|_| "rois is no list of regions as documented".to_owned())?;
    rows.into_iter()
        .map(|row| {
            let point = |[x, y]: [f32; 2]| Point { x, y };
            let shape = match row.shape {
                ShapeRow::Polygon { points } => {
                    Shape::Polygon { points: points.into_iter().map(point).collect() }
                }
                ShapeRow::Point { center } => {
                    Shape::Circle { center: point(center), radius: POINT_RADIUS_PX }
                }
                ShapeRow::Circle { center, radius } => Shape::Circle { center: point(center), radius },
                ShapeRow::Box { bounds: [l, t, r, b] } => Shape::Polygon {
                    points: [(l, t), (r, t), (r, b), (l, b)].map(|(x, y)| Point { x, y }).to_vec(),
                },
            };
            let (l, t, r, b) = shape.bounds();
            if [l, t, r, b].iter().any(|v| !v.is_finite()) {
                return Err("a region has a position that is no number".to_owned());
            }
            Ok(Roi { finding: Finding::from_inbreast_name(&row.name), raw_name: row.name, shape })
        })
        .collect()
}

/// The table that is meant by a file or by the folder that holds it.
pub(crate) fn table_of(path: &Path) -> Result<PathBuf, DatasetError> {
    if path.is_file() {
        return Ok(path.to_owned());
    }
    NAMES.iter().map(|name| path.join(name)).find(|path| path.is_file()).ok_or_else(|| {
        let expected = "give the file manifest.csv or manifest.jsonl, or the folder with it";
        DatasetError::MissingPath { path: path.to_owned(), expected }
    })
}

pub(crate) fn read(path: &Path) -> Result<Scan, DatasetError> {
    let table = table_of(path)?;
    let root = match table.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = PathBuf::from(table.file_name().unwrap_or_default());
    let rows = parse(&fs::read(&table).map_err(FileError::from)?, &table)?;
    let mut scan = Scan::new(root);
    let mut people: BTreeMap<String, usize> = BTreeMap::new();
    let (mut ids, mut paths) = (BTreeSet::new(), BTreeSet::new());
    let mut usable = Vec::new();
    let count = rows.len();
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                scan.problems.push(Problem::new(name.clone(), None, error));
                continue;
            }
        };
        let next = people.len() + 1;
        let number = *people.entry(row.patient.clone()).or_insert(next);
        if row.excluded {
            let text = format!("line {}: the table leaves the image out", row.line);
            scan.release.notes.push(Note::new(NoteKind::Quirk, &name, text));
        } else if !ids.insert(row.image_id.clone()) || !paths.insert(row.path.clone()) {
            let text = format!("line {}: a second row for the image or its id; left out", row.line);
            scan.release.notes.push(Note::new(NoteKind::DuplicateImage, &name, text));
        } else {
            usable.push((row, PatientId::new(format!("person{number:06}"))));
        }
    }
    let read: Vec<_> = usable.par_iter().map(|(row, person)| record(root, &table, row, person)).collect();
    for image in read {
        scan.take(image);
    }
    scan.checked(|| format!("{} has {count} rows and none of their images can be used", name.display()))
}

fn record(
    root: &Path,
    table: &Path,
    row: &Row,
    person: &PatientId,
) -> Result<(ImageRecord, Vec<Note>), Problem> {
    let failed = |error| Problem::new(row.path.clone(), Some(row.image_id.clone()), error);
    if !root.join(&row.path).exists() {
        let table = table.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Err(failed(DatasetError::MissingFile { path: root.join(&row.path), table }));
    }
    let facts = picture::facts(root, &row.path).map_err(failed)?;
    let mut notes = Vec::new();
    if let Some(header) = &facts.dicom
        && (header.laterality.is_some_and(|side| side != row.laterality)
            || (row.view.is_some() && header.view.is_some() && header.view != row.view))
    {
        let text = format!("the DICOM header and line {} give other sides or views", row.line);
        notes.push(Note::new(NoteKind::Disagreement, &row.path, text));
    }
    let (width, height) = (facts.size_px.0 as f32, facts.size_px.1 as f32);
    let mut clipped = 0;
    let rois = row
        .rois
        .iter()
        .map(|roi| {
            let inside =
                roi.shape.transformed(1.0, |p| Point { x: p.x.clamp(0.0, width), y: p.y.clamp(0.0, height) });
            clipped += usize::from(inside != roi.shape);
            Roi { shape: inside, ..roi.clone() }
        })
        .collect();
    if clipped > 0 {
        let text = format!("{clipped} regions reach out of the image; cut at its border");
        notes.push(Note::new(NoteKind::PointsOutside, &row.path, text));
    }
    let record = ImageRecord {
        dataset: Dataset::Manifest,
        medium: row.medium,
        image_id: row.image_id.clone(),
        patient_id: person.clone(),
        path: row.path.clone(),
        size_px: facts.size_px,
        laterality: row.laterality,
        view: row.view,
        assessment: row.assessment.clone(),
        density: row.density,
        rois,
        synthetic: row.synthetic || facts.synthetic,
    };
    Ok((record, notes))
}
