use crate::{DatasetError, Note, NoteKind};
use mammo_core::{Finding, Laterality, Point, Roi, Shape};
use plist::{Dictionary, Value};
use std::{io::Cursor, path::Path};

/// Radius of the disc that stands for a finding marked by one or two points: 0.35 mm at 70 µm, a typical
/// microcalcification.
const POINT_RADIUS_PX: f32 = 5.0;
/// Largest property list that is read; the largest one released has about a megabyte.
const LIMIT_BYTES: usize = 64 << 20;
/// Deepest nesting that is read; the released lists have seven levels.
const LIMIT_DEPTH: usize = 64;
/// Spellings of the release that differ from the name that is meant.
const VARIANTS: [&str; 6] =
    ["calcifications", "espiculated region", "assymetry", "unnamed", "point 1", "point 3"];

/// Reads the outlines that OsiriX exported as a property list. `size` is (columns, rows) of the image; points beyond it
/// are moved to its border. `path` names the file in messages, `name` in notes.
pub(crate) fn parse(
    bytes: &[u8],
    path: &Path,
    name: &Path,
    size: (f32, f32),
    notes: &mut Vec<Note>,
) -> Result<Vec<Roi>, DatasetError> {
    let list = property_list(bytes, path)?;
    let images = list
        .as_dictionary()
        .and_then(|d| d.get("Images"))
        .and_then(Value::as_array)
        .ok_or_else(|| broken(path, "no list called Images".into()))?;
    let mut rois = Vec::new();
    let mut clipped = 0;
    for entry in images
        .iter()
        .filter_map(|image| image.as_dictionary()?.get("ROIs")?.as_array())
        .flatten()
        .filter_map(Value::as_dictionary)
    {
        let raw_name = entry.get("Name").and_then(Value::as_string).unwrap_or_default().to_owned();
        let finding = Finding::from_inbreast_name(&raw_name);
        let points = points(entry, "Point_px", path, size, &mut clipped)?;
        let declared = entry.get("NumberOfPoints").and_then(Value::as_signed_integer);
        if declared.is_some_and(|n| usize::try_from(n) != Ok(points.len())) {
            let text = format!("a region declares another number of points than its {}", points.len());
            notes.push(Note::new(NoteKind::PointCount, name, text));
        }
        check_name(&raw_name, finding, name, notes);
        let roi = |shape| Roi { finding, raw_name: raw_name.clone(), shape };
        match points.as_slice() {
            [] => notes.push(Note::new(NoteKind::EmptyRegion, name, "a region has no points; left out")),
            [_] | [_, _] => rois
                .extend(points.iter().map(|&center| roi(Shape::Circle { center, radius: POINT_RADIUS_PX }))),
            _ => rois.push(roi(Shape::Polygon { points })),
        }
    }
    note_clipped(clipped, name, notes);
    Ok(rois)
}

/// Reads the contour of the pectoral muscle, which is either a list of regions or a list called `ROIPoints`; an open
/// contour is closed through the image's upper corner at the chest wall.
pub(super) fn pectoral(
    bytes: &[u8],
    path: &Path,
    name: &Path,
    (size, laterality): ((f32, f32), Laterality),
    notes: &mut Vec<Note>,
) -> Result<Option<Roi>, DatasetError> {
    let list = property_list(bytes, path)?;
    let mut clipped = 0;
    let mut points = if let Some(root) = list.as_dictionary().filter(|d| d.contains_key("ROIPoints")) {
        points(root, "ROIPoints", path, size, &mut clipped)?
    } else {
        let rois = parse(bytes, path, name, size, notes)?;
        rois.into_iter()
            .find_map(|roi| match roi.shape {
                Shape::Polygon { points } => Some(points),
                Shape::Circle { .. } => None,
            })
            .unwrap_or_default()
    };
    note_clipped(clipped, name, notes);
    if points.len() < 2 {
        notes.push(Note::new(
            NoteKind::EmptyRegion,
            name,
            "the contour of the muscle has no points; left out",
        ));
        return Ok(None);
    }
    let corner = Point { x: if laterality == Laterality::Left { 0.0 } else { size.0 }, y: 0.0 };
    if points.first() != points.last() && !points.contains(&corner) {
        points.push(corner);
    }
    let shape = Shape::Polygon { points };
    Ok(Some(Roi { finding: Finding::PectoralMuscle, raw_name: "Pectoral Muscle".into(), shape }))
}

fn broken(path: &Path, reason: String) -> DatasetError {
    DatasetError::Outline { path: path.to_owned(), reason }
}

/// Only the XML form, which is what was released, and no deeper than it: values within values are dropped one within
/// the other, so that a file of nothing but opened lists would exhaust the stack.
fn property_list(bytes: &[u8], path: &Path) -> Result<Value, DatasetError> {
    if bytes.len() > LIMIT_BYTES {
        return Err(broken(path, format!("{} bytes are more than any outlines have", bytes.len())));
    }
    let (mut depth, mut deepest) = (0usize, 0usize);
    for (i, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'<') {
        let tag = &bytes[i + 1..];
        if tag.starts_with(b"dict") || tag.starts_with(b"array") {
            depth += 1;
            deepest = deepest.max(depth);
        } else if tag.starts_with(b"/dict") || tag.starts_with(b"/array") {
            depth = depth.saturating_sub(1);
        }
    }
    if deepest > LIMIT_DEPTH {
        return Err(broken(path, format!("{deepest} levels of lists within lists")));
    }
    Value::from_reader_xml(Cursor::new(bytes)).map_err(|e| broken(path, e.to_string()))
}

fn points(
    entry: &Dictionary,
    key: &str,
    path: &Path,
    size: (f32, f32),
    clipped: &mut usize,
) -> Result<Vec<Point>, DatasetError> {
    let texts = entry.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    texts
        .iter()
        .map(|text| {
            let point = text
                .as_string()
                .and_then(parse_point)
                .ok_or_else(|| broken(path, "a text is not a point such as (12.5, 7)".into()))?;
            let inside = Point { x: point.x.clamp(0.0, size.0), y: point.y.clamp(0.0, size.1) };
            *clipped += usize::from(inside != point);
            Ok(inside)
        })
        .collect()
}

/// Names are not repeated in notes: what someone typed there is free text.
fn check_name(raw_name: &str, finding: Finding, name: &Path, notes: &mut Vec<Note>) {
    let folded = raw_name.trim().to_ascii_lowercase();
    if finding == Finding::Other && !folded.is_empty() {
        let text = "the name of a region is none of those known; it counts as other";
        notes.push(Note::new(NoteKind::UnknownName, name, text));
    } else if VARIANTS.contains(&folded.as_str()) {
        let text = format!("a region is called {folded:?}; it counts as {}", word(finding));
        notes.push(Note::new(NoteKind::NameVariant, name, text));
    }
}

fn word(finding: Finding) -> String {
    format!("{finding:?}").to_lowercase()
}

fn note_clipped(clipped: usize, name: &Path, notes: &mut Vec<Note>) {
    if clipped > 0 {
        let text = format!("{clipped} points lie outside of the image; moved to its border");
        notes.push(Note::new(NoteKind::PointsOutside, name, text));
    }
}

/// Reads `(x, y)` or `{x, y}`: column and row from the top left.
fn parse_point(text: &str) -> Option<Point> {
    let (x, y) = text.trim().trim_start_matches(['(', '{']).trim_end_matches([')', '}']).split_once(',')?;
    let (x, y) = (x.trim().parse::<f32>().ok()?, y.trim().parse::<f32>().ok()?);
    (x.is_finite() && y.is_finite()).then_some(Point { x, y })
}
