//! Maps of where an image looks altered.

use super::picture;
use crate::run::MADE_BY;
use anyhow::Context;
use mammo_core::Plane;
use mammo_detect::Detector;
use mammo_png::{Mark, Sheet, SheetRow, Tile, write_canvas};
use std::path::{Path, PathBuf};

/// Log odds of a place that get the strongest colour.
const STRONGEST: f32 = 4.0;

/// Writes `NAME_places.png` for every image: the image, and a map of the log odds of its places.
pub(super) fn write(detector: &Detector, images: &[PathBuf], dir: &Path) -> anyhow::Result<()> {
    mammo_files::create_dir(dir)?;
    for path in images {
        let named = || path.display().to_string();
        let plane = picture(path)?;
        let tile = places_tile(detector, &plane).with_context(named)?;
        let name = path.file_stem().and_then(|s| s.to_str()).with_context(named)?;
        let sheet = Sheet {
            columns: vec!["image".to_owned(), "orange: looks altered".to_owned()],
            rows: vec![SheetRow { label: String::new(), tiles: vec![Tile::Gray(plane), tile] }],
            zoom: 2,
        };
        let mark = Mark::new(MADE_BY, "where a detector finds an image altered");
        write_canvas(&dir.join(format!("{name}_places.png")), &sheet.draw(), &mark)?;
    }
    Ok(())
}

/// The map at the size of the image: orange where a place looks altered, blue where it does not, nothing in the air.
pub(crate) fn places_tile(detector: &Detector, plane: &Plane) -> anyhow::Result<Tile> {
    let (map, tissue) = detector.places(plane)?;
    let (across, down) = (plane.width().div_ceil(map.width()), plane.height().div_ceil(map.height()));
    let spread = Plane::from_fn(plane.width(), plane.height(), |x, y| {
        let (x, y) = ((x / across).min(map.width() - 1), (y / down).min(map.height() - 1));
        if tissue.get(x, y) > 0.25 { map.get(x, y) } else { 0.0 }
    });
    Ok(Tile::Difference { plane: spread, limit: STRONGEST })
}
