//! The pictures of the report: the first held-out images in the order of their names, so that nobody chose them.

use super::counterfactual::masses;
use super::images::Images;
use super::region::Translator;
use super::training::{CHANGE_LIMIT, zoom};
use crate::run::MADE_BY;
use crate::run::RunFolder;
use crate::run::StudyImage;
use mammo_core::{Finding, Label, Plane, Shape};
use mammo_png::{Mark, Sheet, SheetRow, Tile, write_canvas};
use std::collections::BTreeSet;

/// Rows of a sheet, each of another patient.
const ROWS: usize = 5;

/// Draws `examples/removal.png` and `examples/injection.png`, and `examples/injection_twins.png` where there are twins.
pub(crate) fn draw(
    folder: &RunFolder,
    images: &Images,
    translated: &[Plane],
    translator: Translator,
) -> anyhow::Result<()> {
    let dir = folder.subfolder("examples")?;
    let save = |name: &str, columns: &[&str], rows: Vec<SheetRow>| -> anyhow::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let width = images.test.first().map_or(128, |i| i.prepared.plane.width());
        let columns = columns.iter().map(|&c| c.to_owned()).collect();
        let sheet = Sheet { columns, rows, zoom: zoom(width) };
        let mark = Mark::new(MADE_BY, format!("examples of {name} by a CycleGAN"));
        Ok(write_canvas(&dir.join(format!("{name}.png")), &sheet.draw(), &mark)?)
    };
    let pairs: Vec<(&StudyImage, &Plane)> = images.test.iter().zip(translated).collect();
    let has_twins = images.test.iter().any(|image| image.twin.is_some());

    let lesions = first(&pairs, |image| image.label == Label::Cancer && masses(image).is_some());
    let removal = lesions.iter().map(|(image, modified)| {
        let twin = has_twins.then(|| image.twin.as_ref().map_or(Tile::Empty, |t| Tile::Gray(t.clone())));
        row(image, &image.prepared.plane, modified, lesion_shapes(image), twin)
    });
    let columns = ["original", "lesion removed", "change", "true twin without it"];
    save("removal", &columns[..if has_twins { 4 } else { 3 }], removal.collect())?;

    let injection = first(&pairs, |image| image.label == Label::Healthy);
    let rows = injection
        .iter()
        .map(|(image, modified)| row(image, &image.prepared.plane, modified, Vec::new(), None));
    save("injection", &["original", "lesion injected", "change"], rows.collect())?;

    let mut rows = Vec::new();
    for (image, _) in lesions.iter().filter(|(image, _)| image.twin.is_some()) {
        let Some(twin) = &image.twin else { continue };
        let truth = Tile::Outlined { plane: image.prepared.plane.clone(), shapes: lesion_shapes(image) };
        rows.push(row(image, twin, &translator.inject(image, twin)?, Vec::new(), Some(truth)));
    }
    save("injection_twins", &["twin without lesion", "lesion injected", "change", "true twin with it"], rows)
}

/// The first images that fit, of as many different patients.
fn first<'a>(
    pairs: &[(&'a StudyImage, &'a Plane)],
    fits: impl Fn(&StudyImage) -> bool,
) -> Vec<(&'a StudyImage, &'a Plane)> {
    let mut seen = BTreeSet::new();
    let fitting =
        pairs.iter().filter(|(image, _)| fits(image) && seen.insert(image.record.patient_id.clone()));
    fitting.take(ROWS).copied().collect()
}

fn lesion_shapes(image: &StudyImage) -> Vec<Shape> {
    let rois = image.prepared.rois.iter().filter(|roi| roi.finding == Finding::Mass);
    rois.map(|roi| roi.shape.clone()).collect()
}

fn row(
    image: &StudyImage,
    before: &Plane,
    after: &Plane,
    shapes: Vec<Shape>,
    truth: Option<Tile>,
) -> SheetRow {
    let view = image.record.view.map_or(String::new(), |view| view.to_string());
    let mut tiles = vec![
        Tile::Outlined { plane: before.clone(), shapes },
        Tile::Gray(after.clone()),
        Tile::Difference { plane: before.zip(after, |a, b| b - a), limit: CHANGE_LIMIT },
    ];
    tiles.extend(truth);
    SheetRow { label: format!("{} {view}", image.record.image_id), tiles }
}
