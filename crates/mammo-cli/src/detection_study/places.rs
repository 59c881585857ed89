//! Whether a network shows where: originals into which a disc of the altered image was pasted.

use super::parts::Roles;
use crate::detect::places::places_tile;
use crate::run::{MADE_BY, RunFolder};
use mammo_core::Plane;
use mammo_detect::{Detector, Spliced};
use mammo_png::{Mark, Sheet, SheetRow, Tile, write_canvas};
use mammo_readout::{AucEstimate, Interval, clustered};
use rayon::prelude::*;

/// A place, what the network says of it less the mean of its image, whether it lies in the disc, and whose it is.
pub(super) struct Place {
    log_odds: f64,
    inside: bool,
    patient: String,
}

/// The places of spliced images that are mostly tissue. Those on the rim of the disc are left out.
pub(super) fn places(detector: &Detector, roles: Roles, spliced: &[Spliced]) -> anyhow::Result<Vec<Place>> {
    let images = roles
        .judged
        .par_iter()
        .zip(spliced)
        .map(|(image, spliced)| {
            let (map, tissue) = detector.places(&spliced.plane)?;
            let (across, down) =
                (spliced.plane.width().div_ceil(map.width()), spliced.plane.height().div_ceil(map.height()));
            let share = |x: usize, y: usize| {
                let (right, bottom) =
                    (spliced.plane.width().min((x + 1) * across), spliced.plane.height().min((y + 1) * down));
                let pixels = (y * down..bottom).flat_map(|y| (x * across..right).map(move |x| (x, y)));
                pixels.filter(|&(x, y)| spliced.disc.get(x, y)).count() as f64 / (across * down) as f64
            };
            let all = (0..map.width() * map.height()).map(|i| (i % map.width(), i / map.width()));
            let kept: Vec<(f64, f64)> = all
                .filter(|&(x, y)| tissue.get(x, y) > 0.5)
                .map(|(x, y)| (f64::from(map.get(x, y)), share(x, y)))
                .collect();
            let mean = kept.iter().map(|(v, _)| v).sum::<f64>() / kept.len().max(1) as f64;
            let clear = kept.into_iter().filter(|(_, share)| *share == 0.0 || *share > 0.5);
            Ok(clear
                .map(|(v, share)| Place {
                    log_odds: v - mean,
                    inside: share > 0.5,
                    patient: image.record.patient_id.to_string(),
                })
                .collect())
        })
        .collect::<anyhow::Result<Vec<Vec<Place>>>>()?;
    Ok(images.into_iter().flatten().collect())
}

/// Area under the curve of places inside against outside, the places of a patient taken as dependent; `None` where no disc
/// covers a place.
pub(super) fn area(places: &[Place]) -> Option<AucEstimate> {
    let ratings: Vec<f64> = places.iter().map(|p| p.log_odds).collect();
    let truth: Vec<bool> = places.iter().map(|p| p.inside).collect();
    let patients: Vec<&str> = places.iter().map(|p| p.patient.as_str()).collect();
    clustered(&ratings, &truth, &patients, Interval::default()).ok()
}

/// Rows of the sheet of examples.
const ROWS: usize = 4;

/// Draws the first judged images, each of another patient: original, altered, and where the network finds both and a splice.
pub(super) fn draw(
    folder: &RunFolder,
    detector: &Detector,
    roles: Roles,
    originals: &[Plane],
    altered: &[Plane],
    spliced: &[Spliced],
) -> anyhow::Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    let mut rows = Vec::new();
    for (i, image) in roles.judged.iter().enumerate() {
        if rows.len() == ROWS || !seen.insert(&image.record.patient_id) {
            continue;
        }
        rows.push(SheetRow {
            label: format!("{} {}", image.record.image_id, image.label),
            tiles: vec![
                Tile::Gray(originals[i].clone()),
                places_tile(detector, &originals[i])?,
                Tile::Gray(altered[i].clone()),
                places_tile(detector, &altered[i])?,
                Tile::Gray(spliced[i].plane.clone()),
                places_tile(detector, &spliced[i].plane)?,
            ],
        });
    }
    let columns = ["original", "its places", "altered", "its places", "disc pasted in", "its places"];
    let zoom = (256 / originals.first().map_or(128, Plane::width)).clamp(1, 2);
    let sheet = Sheet { columns: columns.map(str::to_owned).to_vec(), rows, zoom };
    let mark = Mark::new(MADE_BY, "where a detector finds images altered");
    Ok(write_canvas(&folder.subfolder("examples")?.join("places.png"), &sheet.draw(), &mark)?)
}
