//! Regions of interest as OsiriX exports them: a property list with `Images[0].ROIs`, points as text `"(x, y)"`.

use mammo_core::{Roi, Shape};
use plist::{Dictionary, Value};
use std::path::Path;

use crate::PhantomError;

/// Writes `AllXML/<file id>.xml`.
pub(crate) fn write(path: &Path, rois: &[Roi], spacing_mm: f32) -> Result<(), PhantomError> {
    let list: Vec<Value> = rois.iter().enumerate().map(|(i, roi)| region(i, roi, spacing_mm)).collect();
    let mut image = Dictionary::new();
    image.insert("ImageIndex".into(), Value::from(0u64));
    image.insert("NumberOfROIs".into(), Value::from(list.len() as u64));
    image.insert("ROIs".into(), Value::Array(list));
    let mut root = Dictionary::new();
    root.insert("Images".into(), Value::Array(vec![Value::Dictionary(image)]));
    let mut bytes = Vec::new();
    Value::Dictionary(root)
        .to_writer_xml(&mut bytes)
        .map_err(|e| PhantomError::Xml { path: path.to_owned(), reason: e.to_string() })?;
    bytes.push(b'\n');
    Ok(mammo_files::write(path, &bytes)?)
}

fn region(index: usize, roi: &Roi, spacing_mm: f32) -> Value {
    let points = points(&roi.shape);
    let text = |scale: f32, decimals: usize| {
        let point = |(x, y): &(f32, f32)| format!("({:.*}, {:.*})", decimals, x * scale, decimals, y * scale);
        Value::Array(points.iter().map(|p| Value::String(point(p))).collect())
    };
    let mut region = Dictionary::new();
    let real = |v: f32| Value::Real(f64::from(v));
    region.insert("Area".into(), real(area(&points) * spacing_mm * spacing_mm / 100.0));
    region.insert("IndexInImage".into(), Value::from(index as u64));
    region.insert("Name".into(), Value::String(roi.raw_name.clone()));
    region.insert("NumberOfPoints".into(), Value::from(points.len() as u64));
    region.insert("Point_mm".into(), text(spacing_mm, 4));
    region.insert("Point_px".into(), text(1.0, 3));
    // OsiriX: 15 is a closed polygon.
    region.insert("Type".into(), Value::from(15u64));
    Value::Dictionary(region)
}

fn points(shape: &Shape) -> Vec<(f32, f32)> {
    match shape {
        Shape::Polygon { points } => points.iter().map(|p| (p.x, p.y)).collect(),
        Shape::Circle { center, radius } => (0..24)
            .map(|i| {
                let angle = i as f32 / 24.0 * std::f32::consts::TAU;
                (center.x + radius * angle.cos(), center.y + radius * angle.sin())
            })
            .collect(),
    }
}

/// The shoelace formula.
fn area(points: &[(f32, f32)]) -> f32 {
    let twice: f32 =
        points.iter().zip(points.iter().cycle().skip(1)).map(|((ax, ay), (bx, by))| ax * by - bx * ay).sum();
    twice.abs() / 2.0
}
