//! What simulated readers say of the judged images.

use super::config::DetectionConfig;
use super::parts::{Roles, planes_of};
use crate::detect::beside::Said;
use mammo_core::{Label, Plane};
use mammo_reader::{SIMULATED_READERS, SimulatedReader};
use rayon::prelude::*;

/// Lets the simulated readers, fitted on the originals of the generators' part, say of every image of a set whether it was
/// altered. `altered[i]` belongs to `judged[i]`.
pub(super) fn read(
    config: &DetectionConfig,
    roles: Roles,
    set: &str,
    originals: &[Plane],
    altered: &[Plane],
) -> anyhow::Result<Vec<Said>> {
    let (healthy, cancer) =
        (planes_of(roles.generators, Label::Healthy), planes_of(roles.generators, Label::Cancer));
    let (healthy, cancer): (Vec<_>, Vec<_>) = (healthy.iter().collect(), cancer.iter().collect());
    let seed = config.seed.derive(&format!("{}/readers", roles.folder()));
    let mut said = Vec::new();
    for number in 1..=SIMULATED_READERS {
        let reader = SimulatedReader::fit(number, &healthy, &cancer, seed)?;
        let answers: Vec<[Said; 2]> = roles
            .judged
            .par_iter()
            .enumerate()
            .map(|(i, image)| {
                [(false, &originals[i]), (true, &altered[i])].map(|(modified, plane)| Said {
                    reader: reader.name().to_owned(),
                    machine: false,
                    set: set.to_owned(),
                    case: case(image.record.image_id.as_str(), modified),
                    patient: image.record.patient_id.to_string(),
                    modified,
                    // An image has one noise however often it is shown, so that sets differ by their images alone.
                    rating: f64::from(reader.tampering(plane, 2 * i as u64 + u64::from(modified)).rating),
                })
            })
            .collect();
        said.extend(answers.into_iter().flatten());
    }
    Ok(said)
}

/// The name of an image in a reading.
pub(super) fn case(image: &str, modified: bool) -> String {
    format!("{image}/{}", if modified { "altered" } else { "original" })
}
