use crate::{DatasetError, Note};
use mammo_core::{Finding, Point, Roi, Shape};
use plist::Value;
use std::path::Path;

/// Radius of the disc that stands for a finding marked by one or two points: 0.35 mm at 70 µm, a typical
/// microcalcification.
const POINT_RADIUS_PX: f32 = 5.0;

/// Reads the outlines that OsiriX exported as a property list. `size` is (columns, rows) of the image; points beyond
/// it are moved to its border.
pub(super) fn read(
    root: &Path,
    xml: &Path,
    size: (f32, f32),
    notes: &mut Vec<Note>,
) -> Result<Vec<Roi>, DatasetError> {
    let path = root.join(xml);
    let broken = |reason: String| DatasetError::Outline { path: path.clone(), reason };
    let list = Value::from_file(&path).map_err(|e| broken(e.to_string()))?;
    let images = list
        .as_dictionary()
        .and_then(|d| d.get("Images"))
        .and_then(Value::as_array)
        .ok_or_else(|| broken("no list called Images".into()))?;
    let mut rois = Vec::new();
    let mut clipped = 0;
    for entry in images
        .iter()
        .filter_map(|image| image.as_dictionary()?.get("ROIs")?.as_array())
        .flatten()
        .filter_map(Value::as_dictionary)
    {
        let raw_name = entry.get("Name").and_then(Value::as_string).unwrap_or_default().to_owned();
        let texts = entry.get("Point_px").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut points = Vec::with_capacity(texts.len());
        for text in texts {
            let point = text
                .as_string()
                .and_then(parse_point)
                .ok_or_else(|| broken(format!("{text:?} is not a point such as (12.5, 7)")))?;
            let inside = Point { x: point.x.clamp(0.0, size.0), y: point.y.clamp(0.0, size.1) };
            clipped += usize::from(inside != point);
            points.push(inside);
        }
        let declared = entry.get("NumberOfPoints").and_then(Value::as_signed_integer);
        if declared.is_some_and(|n| usize::try_from(n) != Ok(points.len())) {
            let text = format!("{raw_name:?} declares another number of points than its {}", points.len());
            notes.push(Note::new(xml, text));
        }
        let finding = Finding::from_inbreast_name(&raw_name);
        let roi = |shape| Roi { finding, raw_name: raw_name.clone(), shape };
        match points.as_slice() {
            [] => notes.push(Note::new(xml, format!("{raw_name:?} has no points; left out"))),
            [_] | [_, _] => rois
                .extend(points.iter().map(|&center| roi(Shape::Circle { center, radius: POINT_RADIUS_PX }))),
            _ => rois.push(roi(Shape::Polygon { points })),
        }
    }
    if clipped > 0 {
        notes.push(Note::new(xml, format!("{clipped} points lie outside of the image; moved to its border")));
    }
    Ok(rois)
}

/// Reads `(x, y)`: column and row from the top left.
fn parse_point(text: &str) -> Option<Point> {
    let (x, y) = text.trim().trim_start_matches(['(', '{']).trim_end_matches([')', '}']).split_once(',')?;
    let (x, y) = (x.trim().parse::<f32>().ok()?, y.trim().parse::<f32>().ok()?);
    (x.is_finite() && y.is_finite()).then_some(Point { x, y })
}
